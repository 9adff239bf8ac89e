//! One run of the program, beneath strace or with strace to come, in a folder of its own.

use crate::common::ports::free_port;
use crate::common::program::Program;
use crate::common::strace::Strace;
use crate::common::{Dialogue, user};
use crate::workload::{Step, plant};
use rustix::process::Signal;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Time in which the program must let a client in, give back what it holds, or end.
const BOUND: Duration = Duration::from_secs(20);

pub struct Run {
    pub program: Program,
    pub address: SocketAddr,
    directory: TempDir,
}

/// What became of a program that lets nobody in.
#[derive(Debug)]
pub enum Refused {
    Ended(ExitStatus),
    StandsStill,
}

impl Run {
    /// Starts it beneath strace with these expressions, if there are any.
    pub fn begin(steps: &[Step], beneath: Option<&str>) -> Run {
        let directory = tempfile::tempdir().unwrap();
        let place = |name: &str| directory.path().join(name);
        fs::create_dir(place("served")).unwrap();
        plant(&place("served"), steps);
        fs::write(place("users"), user("writer", "write")).unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let binary = env!("CARGO_BIN_EXE_packetboat");
        let mut command = match beneath {
            Some(expression) => Strace::command(&[expression], &place("calls"), binary),
            None => Command::new(binary),
        };
        command
            .args(["--tls", "self-signed", "--anonymous", "write", "--data-timeout", "2"])
            .args(["--stall-timeout", "4", "--handshake-timeout", "2", "--login-timeout", "4"])
            .args(["-l", &address.to_string(), "--users"])
            .args([place("users"), place("served")])
            .stderr(File::create(place("log")).unwrap());
        Run { program: Program::spawn(&mut command, 0), address, directory }
    }

    pub fn served(&self) -> PathBuf {
        self.directory.path().join("served")
    }

    /// Calls that strace has written down, since it began for the last time.
    pub fn calls(&self) -> String {
        let calls = fs::read(self.directory.path().join("calls")).unwrap_or_default();
        String::from_utf8_lossy(&calls).into_owned()
    }

    /// What the program has said.
    pub fn log(&self) -> String {
        let log = fs::read(self.directory.path().join("log")).unwrap();
        String::from_utf8_lossy(&log).into_owned()
    }

    pub fn attach(&self, expression: &str) -> Strace {
        let log = self.directory.path().join("calls");
        // The calls of an earlier strace are not those of the next.
        let _ = fs::remove_file(&log);
        Strace::attach(self.program.id(), &[expression], &log)
    }

    /// A guest, as soon as one is let in.
    pub fn client(&self, patience: Duration) -> Result<Dialogue, Refused> {
        let deadline = Instant::now() + BOUND;
        loop {
            let client = Dialogue::patient(self.address, patience);
            let logged_in = client.and_then(|mut client| {
                client.login("anonymous", "guest@")?;
                Some(client)
            });
            match (logged_in, self.program.end()) {
                (Some(client), _) => return Ok(client),
                (None, Some(end)) => return Err(Refused::Ended(end)),
                (None, None) if Instant::now() > deadline => return Err(Refused::StandsStill),
                (None, None) => thread::sleep(Duration::from_millis(2)),
            }
        }
    }

    /// Descriptors that it holds, once they are no more than this, or will not be.
    pub fn descriptors_down_to(&self, expected: usize) -> usize {
        let deadline = Instant::now() + BOUND / 2;
        loop {
            let held = self.program.descriptors();
            if held <= expected || Instant::now() > deadline {
                return held;
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Tells it to end: how it did, if it did.
    pub fn terminate(&self) -> Option<ExitStatus> {
        // The handler of a signal tells the loop by a socket. Where that fails, only a loop at rest,
        // whose wait ends by the signal itself, hears of it.
        let deadline = Instant::now() + BOUND / 10;
        while !self.program.is_at_rest()
            && self.program.end().is_none()
            && Instant::now() < deadline
        {
            thread::sleep(Duration::from_millis(1));
        }
        if self.program.end().is_none() {
            self.program.signal(Signal::TERM);
        }
        let deadline = Instant::now() + BOUND;
        while self.program.end().is_none() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(2));
        }
        self.program.end()
    }

    /// What stands in the served folder and belongs to nobody.
    pub fn litter(&self) -> Vec<String> {
        let mut litter = Vec::new();
        let mut folders = vec![self.served()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
                let name = entry.file_name().into_string().unwrap();
                if name.starts_with(".packetboat-") {
                    litter.push(name);
                } else if entry.file_type().unwrap().is_dir() {
                    folders.push(entry.path());
                }
            }
        }
        litter
    }
}

/// How often the thread that makes each call most makes it.
pub fn counts(calls: &str) -> BTreeMap<String, usize> {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for line in calls.lines() {
        let Some((thread, call)) = line.split_once(' ') else { continue };
        let name = call.trim_start().split('(').next().unwrap_or_default();
        if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        {
            *counts.entry((thread, name)).or_default() += 1;
        }
    }
    let mut most = BTreeMap::new();
    for ((_, name), count) in counts {
        let entry = most.entry(name.to_owned()).or_insert(0);
        *entry = count.max(*entry);
    }
    most
}

/// Calls that the loader and Rust's runtime make before `main`, and those of the program itself.
pub fn at_main(calls: &str) -> (&str, &str) {
    // The last thing that the runtime does is to catch overflows of the stack.
    let at = calls.find("rt_sigaction(SIGBUS, {").expect("a runtime as we know it");
    let end = calls[at..].find('\n').map_or(calls.len(), |end| at + end);
    calls.split_at(end)
}
