"""aioftp on the course that course.rs describes. It has no active mode."""

import asyncio
import os
import pathlib
import ssl
import sys

import aioftp

host, port, user, password, security, _, ca = sys.argv[1:]


async def main():
    context = None if security == "clear" else ssl.create_default_context(cafile=ca)
    client = aioftp.Client(socket_timeout=20, ssl=context if security == "implicit" else None)
    await client.connect(host, int(port))
    if security == "explicit":
        await client.upgrade_to_tls(context)
    await client.login(user, password)
    if security == "implicit":
        await client.command("PBSZ 0", "200")
        await client.command("PROT P", "200")
    await walk(client)
    await client.quit()


async def walk(client):
    names = os.listdir("up")
    await client.make_directory("/stored")
    for name in names:
        await client.upload("up/" + name, "/stored/" + name, write_into=True)
    listed = [path.name for path, _ in await client.list("/stored")]
    pathlib.Path("listed").write_text("\n".join(listed))
    for name in names:
        await client.download("/stored/" + name, "fetched/" + name, write_into=True)

    with open("cut", "ab") as cut:
        async with client.download_stream("/whole", offset=cut.tell()) as stream:
            async for block in stream.iter_by_block():
                cut.write(block)
    size = int((await client.stat("/cut"))["size"])
    async with client.upload_stream("/cut", offset=size) as stream:
        await stream.write(pathlib.Path("whole").read_bytes()[size:])
    await client.rename("/old", "/new")
    await client.remove_file("/doomed")
    await client.remove_directory("/hollow")
    try:
        async with client.download_stream("/missing"):
            pass
    except aioftp.StatusCodeError as error:
        pathlib.Path("refused").write_text(str(error))

    if os.path.exists("tree"):
        await client.upload("tree", "/tree", write_into=True)
        await client.download("/tree", "back", write_into=True)


asyncio.run(main())
print("done")
