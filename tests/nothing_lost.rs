//! Nothing is lost without a word: the program beneath a kernel whose calls fail, as strace has it
//! fail them. What the client is told must be what is true.

mod common;

use common::client::read_to_end;
use common::program::Program;
use common::strace::Strace;
use common::{Client, Way, wait_until};
use rustix::process::Signal;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// A program that serves a folder with `old` in it, and what `work` finds out under a fault.
fn under(fault: &str, work: impl FnOnce(&mut Client, &Path)) {
    let directory = tempfile::tempdir().unwrap();
    let folder = directory.path().join("served");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("old"), "old content").unwrap();
    let program = Program::start("", &[folder.to_str().unwrap()]);
    let mut client = program.client();
    let strace =
        Strace::attach(program.id(), &[&format!("inject={fault}")], Path::new("/dev/null"));
    work(&mut client, &folder);
    strace.detach();
    client.expect_alive();
}

fn code_of_store(client: &mut Client, command: &str) -> u16 {
    let mut data = client.data(Way::Epsv);
    client.begin(command);
    std::io::Write::write_all(&mut data, b"new content").unwrap();
    drop(data);
    client.reply().0
}

/// 226 was said, and the file was lost.
#[test]
#[ignore = "needs strace"]
fn an_error_that_comes_with_close_is_told() {
    for (errno, code) in [("EIO", 451), ("ENOSPC", 452), ("EDQUOT", 552)] {
        under(&format!("close:error={errno}"), |client, folder| {
            for command in ["STOR new", "STOR old", "APPE new", "APPE old", "STOU"] {
                assert_eq!(code_of_store(client, command), code, "{command}: {errno}");
            }
            assert!(!folder.join("new").exists());
            assert!(fs::read_to_string(folder.join("old")).unwrap().starts_with("old content"));
            let refusal = client.command("COMB whole \"old\"").0;
            assert!(refusal >= 400 && folder.join("old").exists(), "{refusal}");
            client.expect(350, "SITE CPFR old");
            assert!(client.command("SITE CPTO copy").0 >= 400);
            assert!(!folder.join("copy").exists());
        });
    }
}

/// 226 was said behind half a copy, and the parts of a whole were removed.
#[test]
#[ignore = "needs strace"]
fn a_kernel_that_copies_nothing_is_not_believed() {
    under("copy_file_range:retval=0", |client, folder| {
        client.expect(350, "SITE CPFR old");
        client.expect(250, "SITE CPTO copy");
        client.expect(250, "COMB whole \"copy\" \"old\"");
        assert_eq!(fs::read_to_string(folder.join("whole")).unwrap(), "old contentold content");
        assert!(!folder.join("old").exists());
    });
}

/// 550 was said, the last word about a name, where the disk had failed.
#[test]
#[ignore = "needs strace"]
fn a_disk_that_fails_is_no_fault_of_the_name() {
    for (call, errno) in [("copy_file_range", "EIO"), ("fdatasync", "EIO"), ("linkat", "ENOMEM")] {
        under(&format!("{call}:error={errno}"), |client, _| {
            client.expect(451, "COMB whole \"old\"");
        });
    }
    for (call, command) in [
        ("copy_file_range", "SITE CPTO copy"),
        ("pread64", "HASH old"),
        ("mkdirat", "MKD folder"),
        ("unlinkat", "DELE old"),
        ("renameat", "RNTO new"),
    ] {
        under(&format!("{call}:error=EIO"), |client, folder| {
            client.expect(350, "SITE CPFR old");
            client.expect(350, "RNFR old");
            client.expect(451, command);
            assert!(folder.join("old").exists());
        });
    }
}

/// The session had a 550 or a 451 for a signal that came in between.
#[test]
#[ignore = "needs strace"]
fn a_call_that_is_interrupted_is_made_again() {
    for call in ["open", "openat", "openat2", "statx", "fstatfs", "fdatasync", "getdents64"] {
        under(&format!("{call}:error=EINTR:when=1"), |client, folder| {
            client.store("old", "new content", Way::Epsv);
            client.put("APPE old", " and more", Way::Epsv);
            assert_eq!(client.retrieve("old", Way::Epsv), b"new content and more");
            assert_eq!(client.list("NLST"), [b"old"]);
            assert_eq!(fs::read_to_string(folder.join("old")).unwrap(), "new content and more");
        });
    }
}

/// The loop was told of it by a socket alone, and slept on.
#[test]
#[ignore = "needs strace"]
fn a_signal_that_the_kernel_tells_by_no_socket_ends_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start("", &[folder.path().to_str().unwrap()]);
    let mut client = program.client();
    client.expect_alive();
    let _strace =
        Strace::attach(program.id(), &["inject=sendto:error=ENOBUFS"], Path::new("/dev/null"));
    // The loop sleeps again as soon as strace has begun.
    wait_until("the loop waits", || program.is_at_rest());
    program.signal(Signal::TERM);
    assert_eq!(program.wait().code(), Some(0));
}

/// A listing of nothing was said to be all there is.
#[test]
#[ignore = "needs strace"]
fn a_folder_that_cannot_be_read_is_not_empty() {
    for fault in ["getdents64:retval=0", "getdents64:error=EIO", "getdents64:error=ENOENT"] {
        under(fault, |client, _| {
            for command in ["LIST", "NLST", "MLSD"] {
                let mut data = client.data(Way::Epsv);
                client.begin(command);
                read_to_end(&mut data);
                assert_eq!(client.reply().0, 451, "{command}: {fault}");
            }
            // Its reply has begun with 213, and can end with nothing else.
            assert!(client.expect(213, "STAT .").contains("cut off"), "STAT: {fault}");
        });
    }
}

/// A listing of forty names was empty, since none of the files could be looked at.
#[test]
#[ignore = "needs strace"]
fn files_that_cannot_be_looked_at_are_listed_by_name() {
    for errno in ["EIO", "ENOMEM", "ESTALE", "EACCES", "EPERM", "ENOSYS"] {
        under(&format!("statx:error={errno}"), |client, _| {
            for command in ["LIST", "MLSD"] {
                let mut data = client.data(Way::Epsv);
                client.begin(command);
                let listed = String::from_utf8(read_to_end(&mut data)).unwrap();
                assert_eq!(client.reply().0, 451, "{command}: {errno}");
                assert!(listed.ends_with(" old\r\n"), "{command}: {errno}: {listed}");
            }
        });
    }
}

/// All had been sent before the client was told that the folder holds the file.
#[test]
#[ignore = "needs root: serves as another user"]
fn another_s_file_in_a_sticky_folder_is_refused_beforehand() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o1777)).unwrap();
    fs::write(folder.path().join("theirs"), "old").unwrap();
    let become_another = "exec setpriv --reuid=54321 --regid=54321 --clear-groups \
                          \"$0\" -qq -l 127.0.0.1:0 \"$@\"";
    let program = Program::start(become_another, &[folder.path().to_str().unwrap()]);
    let mut client = program.client();
    client.data(Way::Epsv);
    client.expect(550, "STOR theirs");
    client.store("ours", "new", Way::Epsv);
    client.store("ours", "newer", Way::Epsv);
    assert_eq!(fs::read_to_string(folder.path().join("theirs")).unwrap(), "old");
}
