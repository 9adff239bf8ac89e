"""ftplib under TLS: PORT 1.2|1.3 and whether data connections are to resume, yes|no."""

import ftplib
import io
import os
import ssl
import sys

port, version, resuming = int(sys.argv[1]), sys.argv[2], sys.argv[3] == "yes"


class Resuming(ftplib.FTP_TLS):
    """As ftplib's users do it, since ftplib does not."""

    def ntransfercmd(self, cmd, rest=None):
        conn, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        if self._prot_p:
            session = self.sock.session
            conn = self.context.wrap_socket(conn, server_hostname=self.host, session=session)
            assert conn.session_reused
        return conn, size


context = ssl.create_default_context(cafile="ca")
chosen = ssl.TLSVersion.TLSv1_2 if version == "1.2" else ssl.TLSVersion.TLSv1_3
context.minimum_version = context.maximum_version = chosen
ftp = (Resuming if resuming else ftplib.FTP_TLS)(context=context, timeout=20)
ftp.connect("127.0.0.1", port)
assert ftp.login().startswith("230 ")
ftp.prot_p()
for passive in True, False:
    ftp.set_pasv(passive)
    # Many in a row, for clients that use up their tickets.
    for length in 0, 1, 65537, 1_000_000, 3_000_000, 5, 6, 7, 8, 9:
        content = os.urandom(length)
        assert ftp.storbinary("STOR file", io.BytesIO(content)).startswith("226")
        got = []
        assert ftp.retrbinary("RETR file", got.append).startswith("226")
        assert b"".join(got) == content
    for _ in range(10):
        ftp.storbinary("STOR file", io.BytesIO(b"content"))
    assert ftp.nlst() == ["file"]
    assert [name for name, _ in ftp.mlsd() if name == "file"]
ftp.delete("file")
ftp.ccc()
assert ftp.pwd() == "/"
ftp.quit()
print("all asserted")
