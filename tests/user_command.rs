//! The program from outside: `packetboat user …` on a real file, and what the command line answers
//! before a server starts. No socket is opened here.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A folder with, sooner or later, a users file in it.
struct Desk {
    folder: TempDir,
}

/// What a run of the program came to.
struct Outcome {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Desk {
    fn new() -> Desk {
        Desk { folder: tempfile::tempdir().unwrap() }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("users.toml")
    }

    fn text(&self) -> String {
        fs::read_to_string(self.file()).unwrap()
    }

    /// Runs `packetboat` in the folder, with `input` as its standard input.
    fn run(&self, arguments: &[impl AsRef<OsStr>], input: &str) -> Outcome {
        let mut child = Command::new(env!("CARGO_BIN_EXE_packetboat"))
            .args(arguments)
            .current_dir(self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A program that refuses its arguments reads nothing: the pipe may be closed already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        Outcome {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// A `user` command on the file that must succeed; answers what it printed.
    fn user(&self, command: &str, input: &str) -> String {
        let outcome = self.run(&words(command), input);
        assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""), "{command}");
        outcome.stdout
    }

    /// A command line that must be refused; answers the one line that says why.
    fn refused(&self, command: &str, input: &str) -> String {
        let outcome = self.run(&words(command), input);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(2), ""), "{command}");
        let line = outcome.stderr.strip_prefix("packetboat: ").expect(&outcome.stderr);
        assert_eq!(line.find('\n'), Some(line.len() - 1), "one line: {line}");
        line.to_owned()
    }

    /// Everything that stands in the folder, by name.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn words(command: &str) -> Vec<&str> {
    command.split_whitespace().collect()
}

#[test]
fn a_life_of_two_users() {
    let desk = Desk::new();
    fs::create_dir(desk.folder.path().join("share")).unwrap();
    let root = fs::canonicalize(desk.folder.path().join("share")).unwrap();

    let said = desk.user("user add alice --users users.toml --access write --root share", "one\n");
    assert_eq!(said, "Added alice (write) to users.toml.\n");
    fs::write(desk.file(), format!("# ours\n\n{}", desk.text())).unwrap();
    desk.user("user add bo --users users.toml", "two");
    let listed = desk.user("user list --users users.toml", "");
    assert_eq!(listed, format!("alice  write  {}\nbo     read   (the server's)\n", root.display()));

    let before = desk.text();
    desk.user("user passwd bo --users users.toml", "three\r\n");
    let after = desk.text();
    assert_ne!(before, after);
    let kept = |text: &str| text.split("[users.bo]").next().map(str::to_owned);
    assert_eq!(kept(&before), kept(&after), "only bo's password changes");

    desk.user("user remove alice --users users.toml", "");
    assert!(desk.text().starts_with("# ours\n\n[users.bo]\n"), "{}", desk.text());
    desk.user("user remove bo --users users.toml", "");
    assert_eq!(desk.text(), "# ours\n");
    assert_eq!(desk.user("user list --users users.toml", ""), "No users in users.toml.\n");
    assert_eq!(desk.names(), ["share", "users.toml"], "no temporary file is left");
}

#[test]
fn the_file_is_private_and_never_shows_a_password() {
    let desk = Desk::new();
    desk.user("user add alice --users users.toml", "a-secret\n");
    let mode = || fs::metadata(desk.file()).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o600);
    assert!(desk.text().contains("password = \"$argon2id$v=19$"));
    assert!(!desk.text().contains("a-secret"));
    fs::set_permissions(desk.file(), fs::Permissions::from_mode(0o644)).unwrap();
    desk.user("user remove alice --users users.toml", "");
    assert_eq!(mode(), 0o600);
}

#[test]
fn what_a_user_command_refuses() {
    let desk = Desk::new();
    for (command, says) in [
        ("user passwd alice --users users.toml", "--users users.toml: no such file; "),
        ("user remove alice --users users.toml", "--users users.toml: no such file; "),
        ("user list --users users.toml", "`packetboat user add NAME --users users.toml`"),
        ("user add alice --users no/users.toml", "--users no/users.toml: its folder"),
        ("user add alice --users users.toml --root none", "--root none: "),
        ("user add alice --users users.toml --root /dev/null", "not a folder"),
    ] {
        let line = desk.refused(command, "secret\n");
        assert!(line.contains(says), "{command}: {line}");
    }
    for (input, says) in [("", "empty"), ("\n", "empty"), ("a\tb\n", "control characters")] {
        let line = desk.refused("user add alice --users users.toml", input);
        assert!(line.contains(says), "{input:?}: {line}");
    }
    assert_eq!(desk.names(), [""; 0], "a refused command leaves nothing");

    fs::write(desk.file(), "[users.alice]\npassword = 1\n").unwrap();
    for command in ["add bo", "passwd alice", "remove alice", "list"] {
        let line = desk.refused(&format!("user {command} --users users.toml"), "secret\n");
        assert!(line.starts_with("--users users.toml, line 2: write password = "), "{line}");
    }
    assert_eq!(desk.text(), "[users.alice]\npassword = 1\n");
}

#[test]
fn a_user_is_added_once_and_found_by_name() {
    let desk = Desk::new();
    desk.user("user add alice --users users.toml", "secret\n");
    let before = desk.text();
    let exists = desk.refused("user add alice --users users.toml", "secret\n");
    assert!(exists.contains("alice exists; `packetboat user passwd`"), "{exists}");
    for command in ["passwd bo", "remove bo"] {
        let line = desk.refused(&format!("user {command} --users users.toml"), "secret\n");
        assert!(line.contains("no user bo; `packetboat user list`"), "{line}");
    }
    assert_eq!(desk.text(), before);
}

#[test]
fn a_server_that_cannot_start_says_why_in_one_line() {
    let desk = Desk::new();
    fs::write(desk.file(), "# ours\n[users.alice]\npasword = \"x\"\n").unwrap();
    for (command, says) in [
        ("--listen 0 nowhere", "ROOT nowhere: no such folder; "),
        ("--listen 0 users.toml", "ROOT users.toml: not a folder; "),
        ("--listen 0 . --users none.toml", "--users none.toml: no such file; "),
        ("--listen 0 . --users users.toml", "--users users.toml, line 3: unknown key `pasword`"),
    ] {
        let line = desk.refused(command, "");
        assert!(line.starts_with(says), "{command}: {line}");
    }
    let bytes = Path::new(OsStr::from_bytes(b"no\xff"));
    let unreadable = desk.run(&[OsStr::new("--listen"), OsStr::new("0"), bytes.as_os_str()], "");
    assert_eq!(unreadable.code, Some(2));
    assert!(unreadable.stderr.contains("no such folder"), "{}", unreadable.stderr);
}

#[test]
fn help_version_and_bad_options() {
    let desk = Desk::new();
    let version = desk.run(&["--version"], "");
    assert_eq!(version.code, Some(0));
    assert_eq!(version.stdout, concat!("packetboat ", env!("CARGO_PKG_VERSION"), "\n"));
    let help = desk.run(&["--help"], "");
    assert_eq!((help.code, help.stderr.as_str()), (Some(0), ""));
    assert!(help.stdout.contains("\nPassive mode:\n"), "{}", help.stdout);
    for command in ["--nonsense", "--listen x", "--passive-ports 9-3", "user", "user add ftp"] {
        let outcome = desk.run(&words(command), "");
        assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(2), ""), "{command}");
        assert!(!outcome.stderr.is_empty(), "{command}");
    }
}
