<?php
// PHP's extension ftp on the course that course.rs describes. It looks at no certificate.
[, $host, $port, $user, $password, $security, $mode] = $argv;
set_error_handler(fn($_, $words) => throw new ErrorException($words));
$ftp = $security === "clear" ? ftp_connect($host, $port, 20) : ftp_ssl_connect($host, $port, 20);
ftp_login($ftp, $user, $password);
ftp_pasv($ftp, $mode === "passive");
$names = array_diff(scandir("up"), [".", ".."]);
ftp_mkdir($ftp, "/stored");
foreach ($names as $name) ftp_put($ftp, "/stored/$name", "up/$name");
file_put_contents("listed", implode("\n", array_column(ftp_mlsd($ftp, "/stored"), "name")));
foreach ($names as $name) ftp_get($ftp, "fetched/$name", "/stored/$name");

ftp_get($ftp, "cut", "/whole", FTP_BINARY, filesize("cut"));
ftp_put($ftp, "/cut", "whole", FTP_BINARY, FTP_AUTORESUME);
ftp_rename($ftp, "/old", "/new");
ftp_delete($ftp, "/doomed");
ftp_rmdir($ftp, "/hollow");
try {
    ftp_get($ftp, "nothing", "/missing");
} catch (ErrorException) {
    file_put_contents("refused", implode("", ftp_raw($ftp, "SIZE /missing")));
}
ftp_close($ftp);
echo "done\n";
