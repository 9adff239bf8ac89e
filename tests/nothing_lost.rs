//! Nothing is lost without a word: the program beneath a kernel whose calls fail, as strace has it
//! fail them. What the client is told must be what is true.

mod common;

use common::client::read_to_end;
use common::program::Program;
use common::{Client, Way};
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};

/// Injection of a fault into all calls of one kind, until it is dropped.
struct Fault {
    strace: Child,
    /// What it says; nobody else does, and without a reader it ends.
    _said: BufReader<ChildStderr>,
}

impl Fault {
    fn begin(process: &str, fault: &str) -> Fault {
        let mut strace = Command::new("strace")
            .args(["-f", "-o", "/dev/null", "-e", &format!("inject={fault}")])
            .args(["-p", process.trim()])
            .stderr(Stdio::piped())
            .spawn()
            .expect("strace is installed");
        let (mut said, mut line) = (BufReader::new(strace.stderr.take().unwrap()), String::new());
        said.read_line(&mut line).unwrap();
        assert!(line.contains("attached"), "{line}");
        Fault { strace, _said: said }
    }
}

impl Drop for Fault {
    fn drop(&mut self) {
        let id = self.strace.id().to_string();
        let _ = Command::new("kill").args(["-s", "INT", &id]).status();
        let _ = self.strace.wait();
    }
}

/// A program that serves a folder with `old` in it, and what `work` finds out under a fault.
fn under(fault: &str, work: impl FnOnce(&mut Client, &Path)) {
    let directory = tempfile::tempdir().unwrap();
    let (folder, id) = (directory.path().join("served"), directory.path().join("id"));
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("old"), "old content").unwrap();
    let preparation = format!("echo $$ > {}", id.display());
    let program = Program::start(&preparation, &[folder.to_str().unwrap()]);
    let mut client = program.client();
    let faulty = Fault::begin(&fs::read_to_string(id).unwrap(), fault);
    work(&mut client, &folder);
    drop(faulty);
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
