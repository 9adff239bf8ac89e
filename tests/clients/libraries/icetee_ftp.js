// @icetee/ftp on the course that course.rs describes. It has no active mode.
const fs = require("node:fs")
const { pipeline } = require("node:stream/promises")
const { once } = require("node:events")
const { promisify } = require("node:util")
const Client = require("@icetee/ftp")

const [host, port, user, password, security, , ca] = process.argv.slice(2)

async function walk(ftp) {
    ftp.connect({
        host, port: Number(port), user, password, connTimeout: 20_000,
        secure: { clear: false, explicit: true, implicit: "implicit" }[security],
        secureOptions: security === "clear" ? {} : { ca: fs.readFileSync(ca) },
    })
    await once(ftp, "ready")
    const [put, append, get, list, mkdir, rename, remove, rmdir, restart, size] =
        ["put", "append", "get", "list", "mkdir", "rename", "delete", "rmdir", "restart", "size"]
            .map(name => promisify(ftp[name]).bind(ftp))
    const fetch = async (path, file, flags) =>
        pipeline(await get(path), fs.createWriteStream(file, { flags }))

    const names = fs.readdirSync("up")
    await mkdir("/stored")
    for (const name of names) await put("up/" + name, "/stored/" + name)
    const listed = await list("/stored")
    fs.writeFileSync("listed", listed.map(({ name }) => name + "\n").join(""))
    for (const name of names) await fetch("/stored/" + name, "fetched/" + name, "w")

    await restart(fs.statSync("cut").size)
    await fetch("/whole", "cut", "a")
    await append(fs.createReadStream("whole", { start: await size("/cut") }), "/cut")
    await rename("/old", "/new")
    await remove("/doomed")
    await rmdir("/hollow")
    const refused = await get("/missing").catch(error => error)
    fs.writeFileSync("refused", String(refused.code))
    await size("/new") // The session goes on.
}

const ftp = new Client()
ftp.on("error", error => { throw error })
walk(ftp).then(() => console.log("done"), error => {
    console.error(error)
    process.exitCode = 1
}).finally(() => ftp.end())
