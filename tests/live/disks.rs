//! Disks that are full, small or old-fashioned: what the client is told, and what stays.

use crate::common::client::reset;
use crate::common::program::Program;
use crate::common::{Client, TestServer, Way, names_in, random_bytes, stuck};
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

/// A file system in the served folder `disk`, as long as this lives.
struct Mounted(PathBuf);

impl Mounted {
    fn tmpfs(server: &TestServer, options: &str) -> Mounted {
        let mounted = Mounted::folder(server);
        run("mount", &["-t", "tmpfs", "-o", options, "none"], &[&mounted.0]);
        mounted
    }

    /// A folder seen through FUSE, by a program that knows no O_TMPFILE.
    fn bindfs(server: &TestServer, options: &[&str]) -> Mounted {
        let (mounted, behind) = (Mounted::folder(server), server.outside("behind"));
        fs::create_dir(&behind).unwrap();
        run("bindfs", options, &[&behind, &mounted.0]);
        mounted
    }

    fn folder(server: &TestServer) -> Mounted {
        let folder = server.path("disk");
        fs::create_dir(&folder).unwrap();
        Mounted(folder)
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // Lazily: the server may hold an upload for a moment longer.
        let done = Command::new("umount").arg("-l").arg(&self.0).status();
        assert!(std::thread::panicking() || done.unwrap().success());
    }
}

fn run(program: &str, words: &[&str], paths: &[&PathBuf]) {
    let words = words.iter().map(OsStr::new).chain(paths.iter().map(|path| path.as_os_str()));
    let output = Command::new(program).args(words).output().expect(program);
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Sends what the disk can't hold; the server may stop reading at any point.
fn overfill(client: &mut Client, line: &str, code: u16) {
    let mut data = client.extended_passive();
    client.begin(line);
    let _ = data.write_all(&[b'x'; 1 << 20]);
    drop(data);
    client.expect_reply(code);
}

/// Only a worker may go where another disk is.
#[test]
#[ignore = "needs root: mounts a tmpfs"]
fn trees_and_patterns_lead_to_another_disk() {
    let server = TestServer::start();
    let _disk = Mounted::tmpfs(&server, "size=256k");
    fs::create_dir(server.path("disk/inner")).unwrap();
    server.write("disk/inner/file", "");
    server.write("last", "");
    let mut client = server.client();
    assert_eq!(client.list("NLST -R"), [&b"disk"[..], b"last", b"disk/inner", b"disk/inner/file"]);
    assert_eq!(client.list("NLST */*/f*"), [b"disk/inner/file"]);
    assert_eq!(client.expect(213, "STAT -R").split("\r\n").count(), 11);
}

#[test]
#[ignore = "needs root: mounts a tmpfs"]
fn a_stor_on_a_disk_that_runs_full_is_452_and_the_old_file_stays() {
    let server = TestServer::start();
    let disk = Mounted::tmpfs(&server, "size=256k");
    server.write("disk/old", "old");
    let mut client = server.client();
    for way in ["STOR disk/old", "STOR disk/new", "APPE disk/more", "STOR disk/old"] {
        overfill(&mut client, way, 452);
        assert_eq!(server.read("disk/old"), b"old", "{way}");
        for name in ["disk/new", "disk/more"].into_iter().filter(|name| server.exists(name)) {
            // What arrived of a new file is there to be resumed, once there is room.
            assert!(server.read(name).iter().all(|byte| *byte == b'x'));
            client.expect(250, format!("DELE {name}"));
        }
        assert_eq!(names_in(&disk.0), ["old"], "{way}");
    }
    client.store("disk/old", "there is room for this", Way::Epsv);
    assert_eq!(server.read("disk/old"), b"there is room for this");
}

#[test]
#[ignore = "needs root: mounts a tmpfs"]
fn allo_refuses_early_and_reserves() {
    let server = TestServer::start();
    let _disk = Mounted::tmpfs(&server, "size=1m");
    let (mut one, mut two) = (server.client(), server.client());
    for client in [&mut one, &mut two] {
        client.expect(250, "CWD disk");
        client.expect(452, "ALLO 2000000");
        client.expect(200, "ALLO 700000");
    }
    let mut data = stuck::upload(&mut one, "STOR large", b"some bytes");
    one.wait_for_bytes(10);
    let free: u64 = two.expect(213, "AVBL").parse().unwrap();
    assert!(free < 400_000, "{free} bytes are free: nothing is reserved");
    two.expect(452, "ALLO 700000");
    // The earlier promise can no longer be kept, and is not: before a byte is read.
    let mut second = two.extended_passive();
    two.begin("STOR second");
    let _ = second.shake_hands(); // it may be refused before that is seen to its end
    two.expect_reply(452);
    data.write_all(&random_bytes(1, 699_990)).unwrap();
    drop(data);
    one.expect_reply(226);
    assert_eq!(server.read("disk/large").len(), 700_000);
    assert_eq!(names_in(&server.path("disk")), ["large"]);
}

/// Without O_TMPFILE an upload stands under a temporary name.
#[test]
#[ignore = "needs root and bindfs: mounts a FUSE file system"]
fn where_unnamed_files_are_unknown_stor_is_whole_all_the_same() {
    let server = TestServer::start();
    let disk = Mounted::bindfs(&server, &[]);
    let mut client = server.client();
    client.expect(250, "CWD disk");
    let content = random_bytes(1, 300_000);
    for name in ["new", "new"] {
        client.store(name, &content, Way::Epsv);
        assert!(client.retrieve(name, Way::Epsv) == content);
    }
    let data = stuck::upload(&mut client, "STOR new", b"newer");
    assert_eq!(names_in(&disk.0).len(), 2, "one of them is temporary");
    assert!(server.read("disk/new") == content);
    drop(data);
    client.expect_reply(226);
    assert_eq!(server.read("disk/new"), b"newer");
    for line in ["STOR new", "STOR part", "APPE appended", "STOU"] {
        reset(stuck::upload(&mut client, line, b"a part"));
        client.expect_reply(426);
    }
    assert_eq!(server.read("disk/new"), b"newer");
    assert_eq!(server.read("disk/part"), b"a part");
    client.put("APPE part", " and the rest", Way::Epsv);
    assert_eq!(server.read("disk/part"), b"a part and the rest");
    client.put("STOU", "unique", Way::Epsv);
    let mut left = names_in(&disk.0);
    left.retain(|name| !name.starts_with("upload-"));
    assert_eq!(left, ["appended", "new", "part"]);
    client.expect(200, "ALLO 100000");
    client.store("new", "reserved or not", Way::Epsv);
    client.expect(350, "SITE CPFR part");
    client.expect(250, "SITE CPTO copy");
    assert_eq!(server.read("disk/copy"), b"a part and the rest");
}

/// As on vfat, whose files have no permission bits of their own.
#[test]
#[ignore = "needs root and bindfs: mounts a FUSE file system"]
fn where_modes_cannot_be_set_site_umask_keeps_nobody_from_stor() {
    let server = TestServer::start();
    let disk = Mounted::bindfs(&server, &["--chmod-deny"]);
    let mut client = server.client();
    client.expect(250, "CWD disk");
    client.expect(200, "SITE UMASK 077");
    client.expect(257, "MKD folder");
    for content in ["new", "replaced"] {
        client.store("file", content, Way::Epsv);
        assert_eq!(server.read("disk/file"), content.as_bytes());
    }
    client.expect(550, "SITE CHMOD 600 file");
    assert_eq!(names_in(&disk.0), ["file", "folder"]);
}

/// The kernel answers what goes beyond the limit with a signal that would end the process.
#[test]
fn a_stor_that_may_not_be_so_large_is_552_and_ends_nobody() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("old"), "old").unwrap();
    let program = Program::start("ulimit -f 64", &[folder.path().to_str().unwrap()]);
    let mut client = program.client();
    overfill(&mut client, "STOR old", 552);
    assert_eq!(fs::read(folder.path().join("old")).unwrap(), b"old");
    client.store("old", "smaller", Way::Epsv);
    assert_eq!(fs::read(folder.path().join("old")).unwrap(), b"smaller");
    assert_eq!(names_in(folder.path()), ["old"]);
}
