//! What the program gives up before a client is heard: the user root, capabilities, files and calls; and
//! the server where the calls that it likes best are blocked.

#[path = "../common/mod.rs"]
mod common;

mod blocked;
mod given_up;
mod user;

use common::program::Program;
use std::fs;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// The program, its served folder `served` beside other files, and its log in `log`.
struct Site {
    program: Program,
    folder: TempDir,
}

/// A folder that everybody may pass, with `served` for everybody in it.
fn folder() -> TempDir {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("served")).unwrap();
    for (name, mode) in [("", 0o755), ("served", 0o777)] {
        let mode = fs::Permissions::from_mode(mode);
        fs::set_permissions(folder.path().join(name), mode).unwrap();
    }
    folder
}

/// The program with these words, in which `~` is the folder, to be started.
fn command(folder: &TempDir, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_packetboat"));
    let path = folder.path().to_str().unwrap();
    command.args(words.iter().map(|word| word.replace('~', path)));
    command.arg(folder.path().join("served")).stdin(Stdio::null());
    command
}

impl Site {
    fn start(words: &[&str]) -> Site {
        Site::in_folder(folder(), words)
    }

    fn in_folder(folder: TempDir, words: &[&str]) -> Site {
        let mut command = command(&folder, words);
        command.stderr(fs::File::create(folder.path().join("log")).unwrap());
        let listeners = words.iter().filter(|word| **word == "-l").count();
        Site { program: Program::spawn(&mut command, listeners.max(1)), folder }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// A line of the status of each thread, behind its name.
    fn status(&self, name: &str) -> Vec<String> {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.program.id())).unwrap();
        let status = |task: fs::DirEntry| fs::read_to_string(task.path().join("status")).unwrap();
        let lines = tasks.map(|task| {
            let status = status(task.unwrap());
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim_start_matches(':').split_whitespace().collect::<Vec<_>>().join(" ")
        });
        lines.collect()
    }
}

/// Output of a start that is refused.
#[track_caller]
fn refusal(words: &[&str]) -> String {
    let Output { status, stderr, .. } = command(&folder(), words).output().unwrap();
    let said = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(2), "{said}");
    said
}
