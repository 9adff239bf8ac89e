//! strace, which writes down the system calls of a program and has some of them fail.

use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};

/// A strace at work on all threads of a running program, until it is dropped.
pub struct Strace {
    child: Child,
    /// What it says; nobody else does, and without a reader it ends.
    _said: BufReader<ChildStderr>,
}

impl Strace {
    /// Begins, with these expressions of its option `-e`. It counts calls from now on, those of each
    /// thread by themselves.
    pub fn attach(process: u32, expressions: &[&str], log: &Path) -> Strace {
        let mut child = strace(expressions, log)
            .args(["-p", &process.to_string()])
            .stderr(Stdio::piped())
            .spawn()
            .expect("strace is installed");
        let (mut said, mut line) = (BufReader::new(child.stderr.take().unwrap()), String::new());
        said.read_line(&mut line).unwrap();
        assert!(line.contains("attached"), "{line}");
        Strace { child, _said: said }
    }

    /// Command that runs a program under it from the beginning, and is itself the program's process.
    pub fn command(expressions: &[&str], log: &Path, program: impl AsRef<OsStr>) -> Command {
        let mut command = strace(expressions, log);
        command.args(["-D", "-qq", "--"]).arg(program);
        command
    }

    /// Lets the program go on by itself.
    pub fn detach(self) {}
}

fn strace(expressions: &[&str], log: &Path) -> Command {
    let mut command = Command::new("strace");
    command.args(["-f", "-o"]).arg(log);
    command.args(expressions.iter().flat_map(|expression| ["-e", expression]));
    command
}

impl Drop for Strace {
    fn drop(&mut self) {
        // One that has ended with its program has no need of it.
        let _ = kill_process(Pid::from_child(&self.child), Signal::INT);
        let _ = self.child.wait();
    }
}
