//! Lines of the log, as each reader of the real program's standard error has them.

use crate::common::program::Program;
use crate::common::{Client, PATIENCE};
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

/// Line about a login of the program that writes its log there, and says this of `JOURNAL_STREAM`.
fn login(stderr: impl Into<OwnedFd>, log: impl Read, stream: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_packetboat"));
    command.args(["-l", "127.0.0.1:0"]).arg(folder.path()).env("JOURNAL_STREAM", stream);
    command.env("TZ", "UTC").stderr(Stdio::from(stderr.into()));
    let program = Program::spawn(&mut command, 1);
    drop(command);
    Client::connect(program.address()).login();
    let mut lines = BufReader::new(log).lines().map_while(Result::ok);
    lines.find(|line| line.contains("logged in")).expect("it is logged")
}

fn device_and_inode(descriptor: &impl AsRawFd) -> String {
    let facts = fs::metadata(format!("/proc/self/fd/{}", descriptor.as_raw_fd())).unwrap();
    format!("{}:{}", facts.dev(), facts.ino())
}

fn pair() -> (UnixStream, UnixStream) {
    let (program, log) = UnixStream::pair().unwrap();
    log.set_read_timeout(Some(PATIENCE)).unwrap();
    (program, log)
}

#[test]
fn the_journal_gets_a_priority_and_no_time() {
    let (program, log) = pair();
    let stream = device_and_inode(&program);
    let line = login(program, log, &stream);
    assert!(line.starts_with("<6> INFO  [packetboat] #1 127.0.0.1 anonymous logged in"), "{line}");
}

#[test]
fn a_variable_of_another_journal_changes_nothing() {
    for stream in ["1:2", "", "x:y", "1"] {
        let (program, log) = pair();
        let line = login(program, log, stream);
        let (time, rest) = line.split_once(' ').unwrap();
        assert!(time.ends_with('Z') && time.contains('T'), "{line}");
        assert!(rest.starts_with("INFO  [packetboat::server::events] #1 127.0.0.1 "), "{line}");
    }
}

#[test]
fn a_person_at_a_terminal_gets_the_time_of_day_and_no_paths() {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    // Without NOCTTY it might become the terminal of these tests, and end them by its SIGHUP.
    let flags = OFlags::RDWR | OFlags::NOCTTY;
    let terminal = rustix::fs::open(name.to_str().unwrap(), flags, Mode::empty()).unwrap();
    let line = login(terminal, File::from(master), "");
    let (time, rest) = line.split_once(' ').unwrap();
    let shape: String = time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert_eq!(shape, "00:00:00", "{line}");
    assert!(rest.starts_with("INFO  [packetboat] #1 127.0.0.1 anonymous logged in"), "{line}");
}
