// ftp-deploy: HOST PORT USER PASSWORD clear|explicit passive CA. It stores the folder `tree` as
// `/tree`, which is there already and is deleted before.
const fs = require("node:fs")
const FtpDeploy = require("ftp-deploy")

const [host, port, user, password, security, , ca] = process.argv.slice(2)
new FtpDeploy().deploy({
    host, port: Number(port), user, password,
    localRoot: "tree", remoteRoot: "/tree",
    include: ["*", "**/*", ".*", "**/.*"], exclude: [],
    deleteRemote: true, forcePasv: true,
    secure: security === "explicit",
    secureOptions: security === "clear" ? {} : { ca: fs.readFileSync(ca) },
}).then(() => console.log("done"))
