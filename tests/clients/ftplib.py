"""ftplib against a server: HOST PORT passive|active SERVED-FOLDER, which must be empty."""

import ftplib
import io
import os
import sys

host, port, mode, served = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
path = lambda name: os.path.join(served, name)
ftp = ftplib.FTP(timeout=20)
assert ftp.connect(host, port).startswith("220 ")
assert ftp.login().startswith("230 ")
ftp.set_pasv(mode == "passive")


def refused(code, do, *arguments):
    try:
        do(*arguments)
    except ftplib.Error as error:
        assert str(error).startswith(code), error
    else:
        raise AssertionError(f"not refused: {arguments}")


def get(name, **options):
    chunks = []
    assert ftp.retrbinary("RETR " + name, chunks.append, **options).startswith("226")
    return b"".join(chunks)


# Binary, of all sizes; resumed; a name of every kind that fits in a line.
for length in 100_000_000, 0, 1, 65537, 3_000_000:
    content = os.urandom(length)
    assert ftp.storbinary("STOR file", io.BytesIO(content)).startswith("226")
    assert open(path("file"), "rb").read() == content
    assert get("file") == content
    assert ftp.size("file") == length
    assert get("file", rest=length // 2) == content[length // 2:]
ftp.storbinary("STOR file", io.BytesIO(b"XYZ"), rest=3)
assert open(path("file"), "rb").read() == content[:3] + b"XYZ"
ftp.storbinary("APPE file", io.BytesIO(b"more"))
assert get("file")[-7:] == b"XYZmore"
for name in " at the ends ", "it's \"quoted\"", "-dash", "\xfcml\xe4ut \U0001f6a2", "tab\there":
    ftp.storbinary("STOR " + name, io.BytesIO(name.encode()))
    assert open(path(name), "rb").read() == name.encode()
    assert get(name) == name.encode()
    assert name in ftp.nlst()
    ftp.delete(name)

# Text: what ftplib sends and hands out has its own idea of line ends.
ftp.storlines("STOR text", io.BytesIO(b"one\ntwo\r\nthree"))
assert open(path("text"), "rb").read() == b"one\ntwo\nthree\n"
lines = []
ftp.retrlines("RETR text", lines.append)
assert lines == ["one", "two", "three"], lines
lines = []
ftp.retrlines("LIST", lines.append)
assert [line.split()[-1] for line in lines] == ["file", "text"], lines

# Folders and names.
assert ftp.mkd('a "folder"') == '/a "folder"'
ftp.cwd('a "folder"')
assert ftp.pwd() == '/a "folder"'
assert ftp.nlst() == []
ftp.rename("/text", "moved")
assert ftp.nlst() == ["moved"] and ftp.nlst("*.none") == []
refused("550", ftp.rmd, '/a "folder"')
ftp.delete("moved")
ftp.cwd("..")
ftp.rmd('a "folder"')
os.utime(path("file"), (1e9, 1e9))
ftp.voidcmd("TYPE I")
size = str(ftp.size("file"))
facts = dict(ftp.mlsd(facts=["type", "size", "modify"]))
assert facts == {"file": {"type": "file", "size": size, "modify": "20010909014640"}}
refused("501", list, ftp.mlsd("file"))
refused("550", list, ftp.mlsd("missing"))
ftp.voidcmd("TYPE I")
assert ftp.sendcmd("MDTM file") == "213 20010909014640"
for do, *arguments in (
    (get, "missing"), (ftp.cwd, "missing"), (ftp.delete, "missing"), (ftp.size, "missing"),
    (ftp.storbinary, "STOR no/where", io.BytesIO()), (get, "."),
):
    refused("550", do, *arguments)

# A transfer that is broken off by closing its connection, then one by ABOR, whose last byte comes
# as urgent data. The session goes on.
with open(path("big"), "wb") as big:
    big.truncate(64 << 20)
data = ftp.transfercmd("RETR big")
assert len(data.recv(10)) == 10
data.close()
refused("426", ftp.voidresp)
data = ftp.transfercmd("RETR big")
assert len(data.recv(10)) == 10
assert ftp.abort()[:3] in ("426", "226")
data.close()
assert ftp.voidresp().startswith("226")
data = ftp.transfercmd("STOR cut")
data.sendall(b"what arrived")
assert ftp.abort()[:3] == "426"
data.close()
assert ftp.voidresp().startswith("226")
if os.path.exists(path("cut")):  # ABOR may have overtaken all of it
    assert b"what arrived".startswith(open(path("cut"), "rb").read())
assert ftp.abort().startswith("226")
assert get("file") == open(path("file"), "rb").read()

for name in ftp.nlst():
    ftp.delete(name)
assert os.listdir(served) == []
assert ftp.quit().startswith("221 ")
print("all asserted")
