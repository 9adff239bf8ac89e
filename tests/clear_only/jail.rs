//! Jails as operators build them: less of the system is there than the server is used to.

use crate::common::{Client, TestServer, Way};
use nix::sched::{CloneFlags, unshare};
use std::os::unix::fs::MetadataExt;
use std::process::Command;

/// SITE CHMOD, MFF, MFMT and SITE UTIME said that there was no such file.
#[test]
#[ignore = "needs root: hides /proc in a mount namespace of its own"]
fn stor_mfmt_and_site_chmod_work_without_proc() {
    unshare(CloneFlags::CLONE_NEWNS).unwrap();
    run("mount --make-rprivate /");
    let server = TestServer::with(|config| config.anonymous = Some(packetboat::Anonymous::Write));
    let mut client = Client::connect(server.v4());
    client.login();
    run("mount -t tmpfs none /proc");
    for content in [b"new", b"old"] {
        client.store("file", content, Way::Epsv);
    }
    client.expect(213, "MFMT 20200101000000 file");
    client.expect(200, "SITE CHMOD 600 file");
    client.expect(200, "SITE UTIME 20210101000000 file");
    let facts = std::fs::metadata(server.path("file")).unwrap();
    assert_eq!((facts.mode() & 0o777, facts.mtime()), (0o600, 1_609_459_200));
    client.expect(213, "MFF UNIX.mode=0640; file");
    client.expect(257, "MKD folder");
    client.expect(200, "SITE CHMOD 700 folder");
    run("umount /proc");
}

fn run(line: &str) {
    let mut words = line.split(' ');
    let mut command = Command::new(words.next().unwrap());
    assert!(command.args(words).status().unwrap().success(), "{line}");
}
