"""ftputil on the course that course.rs describes, by the ftplib that Python brings."""

import ftplib
import os
import ssl
import sys

import ftputil
from ftputil.error import FTPIOError
from ftputil.session import session_factory

host, port, user, password, security, mode, ca = sys.argv[1:]


class Secure(ftplib.FTP_TLS):
    def __init__(self, **options):
        super().__init__(context=ssl.create_default_context(cafile=ca), timeout=20, **options)


base = ftplib.FTP if security == "clear" else Secure
session = session_factory(
    base, port=int(port), use_passive_mode=mode == "passive", encrypt_data_channel=True,
    encoding="UTF-8",
)
with ftputil.FTPHost(host, user, password, session_factory=session) as ftp:
    names = os.listdir("up")
    ftp.mkdir("/stored")
    for name in names:
        ftp.upload("up/" + name, "/stored/" + name)
    with open("listed", "w") as listed:
        listed.write("\n".join(ftp.listdir("/stored")))
    for name in names:
        ftp.download("/stored/" + name, "fetched/" + name)

    with open("cut", "ab") as cut, ftp.open("/whole", "rb", rest=cut.tell()) as whole:
        ftp.copyfileobj(whole, cut)
    size = ftp.path.getsize("/cut")
    with open("whole", "rb") as whole, ftp.open("/cut", "wb", rest=size) as cut:
        whole.seek(size)
        ftp.copyfileobj(whole, cut)
    ftp.rename("/old", "/new")
    ftp.remove("/doomed")
    ftp.rmdir("/hollow")
    try:
        ftp.open("/missing", "rb")
    except FTPIOError as error:
        with open("refused", "w") as refused:
            refused.write(str(error))

    if os.path.exists("tree"):
        for folder, _, files in os.walk("tree"):
            ftp.makedirs("/" + folder)
            for name in files:
                ftp.upload(os.path.join(folder, name), f"/{folder}/{name}")
        for folder, _, files in ftp.walk("/tree"):
            there = "back" + folder.removeprefix("/tree")
            os.makedirs(there)
            for name in files:
                ftp.download(ftp.path.join(folder, name), os.path.join(there, name))
print("done")
