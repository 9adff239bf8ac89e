//! The user that the program becomes.

use super::{Site, refusal};
use crate::common::{Client, Way};
use rustix::process::geteuid;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Command;

#[test]
fn an_unknown_user_is_refused() {
    let said = refusal(&["--user", "no-such-user"]);
    assert!(said.contains("--user no-such-user: no such user"), "{said}");
}

#[test]
#[ignore = "needs root: it starts as such"]
fn a_daemon_serves_as_root_only_if_that_was_said() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("p.toml");
    fs::write(&file, "anonymous = \"read\"\n").unwrap();
    let said = refusal(&["--config", file.to_str().unwrap()]);
    assert!(said.contains("--user nobody") && said.contains("\"root\""), "{said}");
    let site = Site::start(&["-l", "0.0.0.0:0", "--user", "root"]);
    assert_eq!(site.status("Uid"), ["0 0 0 0"; 2]);
    assert!(!site.log().contains("serving as root"), "{}", site.log());
    let site = Site::start(&["-l", "127.0.0.1:0"]);
    assert_eq!(site.log().matches("serving as root; --user NAME").count(), 1, "{}", site.log());
}

#[test]
#[ignore = "needs root: it listens on a low port and becomes another user"]
fn root_takes_ports_and_secrets_and_becomes_another_user() {
    assert!(geteuid().is_root(), "it runs as root");
    let folder = super::folder();
    let users = folder.path().join("users.toml");
    fs::write(&users, crate::common::user("alice", "write")).unwrap();
    fs::set_permissions(&users, fs::Permissions::from_mode(0o600)).unwrap();
    let words = ["-l", "127.0.0.77:21", "--active-port", "20", "--user", "nobody"];
    let words = [&words[..], &["--users", "~/users.toml"]].concat();
    let site = Site::in_folder(folder, &words);
    for line in ["Uid", "Gid"] {
        assert!(site.status(line).iter().all(|ids| ids == "65534 65534 65534 65534"), "{line}");
    }
    assert!(site.status("Groups").iter().all(|groups| groups == "65534" || groups.is_empty()));
    for line in ["CapPrm", "CapEff", "CapBnd"] {
        let only_ports = |set: &String| u64::from_str_radix(set, 16) == Ok(1 << 10);
        assert!(site.status(line).iter().all(only_ports), "{line} {:?}", site.status(line));
    }
    // The secret was read as root, and can't be read again.
    assert!(site.log().contains("a reload as nobody would fail: --users"), "{}", site.log());
    let mut client = Client::connect(site.program.address());
    client.expect(331, "USER alice");
    client.expect(230, "PASS secret");
    for way in [Way::Epsv, Way::Eprt] {
        client.store("file", "content", way);
        assert_eq!(client.retrieve("file", way), b"content");
    }
    let facts = fs::metadata(site.folder.path().join("served/file")).unwrap();
    assert_eq!((facts.uid(), facts.gid()), (65534, 65534));
}

#[test]
#[ignore = "needs root: it becomes another user"]
fn a_root_that_is_shut_to_the_user_is_refused() {
    let folder = super::folder();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let output = super::command(&folder, &["-l", "0", "--user", "nobody"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("as nobody: ROOT") && said.contains("no permission"), "{said}");
}

#[test]
#[ignore = "needs root: it begins as another user"]
fn an_ordinary_user_becomes_nobody_else() {
    let program = super::folder();
    let copy = program.path().join("packetboat");
    // Another process copies it: a file that this one has written may be open in a child still.
    let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_packetboat")).arg(&copy).status();
    assert!(copied.unwrap().success());
    let run = |user: &str| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&copy);
        let output = command.args(["--user", user, "check-me/missing"]).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, said) = run("root");
    assert!(code == Some(2) && said.contains("only root can become another user"), "{said}");
    // Whoever says what is so already goes on, here as far as the missing folder.
    let (code, said) = run("nobody");
    assert!(code == Some(2) && said.contains("no such folder"), "{said}");
}
