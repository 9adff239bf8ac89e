// basic-ftp on the course that course.rs describes. It has no active mode.
const fs = require("node:fs")
const { Client } = require("basic-ftp")

const [host, port, user, password, security, , ca] = process.argv.slice(2)

async function walk(ftp) {
    await ftp.access({
        host, port: Number(port), user, password,
        secure: { clear: false, explicit: true, implicit: "implicit" }[security],
        secureOptions: security === "clear" ? undefined : { ca: fs.readFileSync(ca) },
    })
    const names = fs.readdirSync("up")
    await ftp.send("MKD /stored")
    for (const name of names) await ftp.uploadFrom("up/" + name, "/stored/" + name)
    const listed = await ftp.list("/stored")
    fs.writeFileSync("listed", listed.map(({ name }) => name + "\n").join(""))
    for (const name of names) await ftp.downloadTo("fetched/" + name, "/stored/" + name)

    await ftp.downloadTo(fs.createWriteStream("cut", { flags: "a" }), "/whole", fs.statSync("cut").size)
    await ftp.appendFrom("whole", "/cut", { localStart: await ftp.size("/cut") })
    await ftp.rename("/old", "/new")
    await ftp.remove("/doomed")
    await ftp.removeEmptyDir("/hollow")
    const refused = await ftp.downloadTo("nothing", "/missing").catch(error => error)
    fs.writeFileSync("refused", String(refused.message))
    if (ftp.closed) throw new Error("a refusal has ended the session")

    if (fs.existsSync("tree")) {
        await ftp.uploadFromDir("tree", "/tree")
        await ftp.downloadToDir("back", "/tree")
    }
}

const ftp = new Client(20_000)
walk(ftp).then(() => console.log("done"), error => {
    console.error(error)
    process.exitCode = 1
}).finally(() => ftp.close())
