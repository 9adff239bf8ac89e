//! The real program as a child process, for what a thread cannot show: signals, limits, kill -9.

use super::{Client, descriptors, under_tls, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use std::collections::HashSet;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A running `packetboat`, which is killed when this is dropped.
pub struct Program {
    child: Mutex<Child>,
    /// Addresses in the order in which it prints them.
    pub addresses: Vec<SocketAddr>,
    /// What it prints behind its addresses.
    output: Mutex<BufReader<ChildStdout>>,
    _alone: Option<MutexGuard<'static, ()>>,
}

/// Words by which a daemon serves as root, where root runs the tests.
pub fn as_told() -> &'static [&'static str] {
    if rustix::process::geteuid().is_root() { &["--user", "root"] } else { &[] }
}

impl Program {
    /// Starts it with these words behind `packetboat -qq -l 127.0.0.1:0`, through a shell that
    /// first does `preparation`.
    pub fn start(preparation: &str, words: &[&str]) -> Program {
        let mut command = Command::new("sh");
        command
            .args(["-c", &format!("{preparation}\nexec \"$0\" -qq -l 127.0.0.1:0 \"$@\"")])
            .arg(env!("CARGO_BIN_EXE_packetboat"))
            .args(words)
            .args(if under_tls() { &["--tls", "self-signed"][..] } else { &[] });
        Program::spawn(&mut command, 1)
    }

    /// Runs a command that starts it with so many listeners.
    pub fn spawn(command: &mut Command, listeners: usize) -> Program {
        let alone = descriptors::alone();
        let mut child = command.stdout(Stdio::piped()).spawn().expect("there is such a command");
        let mut output = BufReader::new(child.stdout.take().expect("it is piped"));
        let addresses = (0..listeners).map(|_| address(&mut output)).collect();
        Program { child: Mutex::new(child), addresses, output: Mutex::new(output), _alone: alone }
    }

    /// Where it listens first.
    pub fn address(&self) -> SocketAddr {
        self.addresses[0]
    }

    /// The facts that it prints at its start, as far as that which is wanted.
    pub fn fact(&self, wanted: &str) -> String {
        let mut output = self.output.lock().unwrap();
        let mut lines = (&mut *output).lines().map_while(Result::ok);
        lines.find(|line| line.contains(wanted)).expect("it says so")
    }

    /// What it has printed since, to its end.
    pub fn rest(&self) -> String {
        let mut rest = String::new();
        self.output.lock().unwrap().read_to_string(&mut rest).unwrap();
        rest
    }

    pub fn client(&self) -> Client {
        let mut client = Client::connect(self.address());
        client.login();
        client
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn id(&self) -> u32 {
        self.child().id()
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child()), signal).expect("nobody has awaited its end");
    }

    /// True if its loop waits for events.
    pub fn is_at_rest(&self) -> bool {
        let place = fs::read_to_string(format!("/proc/{}/wchan", self.id()));
        place.is_ok_and(|place| ["ep_poll", "do_epoll_wait"].contains(&place.as_str()))
    }

    /// How it ended, if it has.
    pub fn end(&self) -> Option<ExitStatus> {
        self.child().try_wait().unwrap()
    }

    /// How it ended, once it has.
    #[track_caller]
    pub fn wait(&self) -> ExitStatus {
        wait_until("the program ends", || self.end().is_some());
        self.end().unwrap()
    }

    /// A line of `/proc/ID/status`, behind its name.
    fn status(&self, name: &str) -> String {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        status.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned()
    }

    /// The memory that it holds, in KiB.
    pub fn memory(&self) -> u64 {
        self.status("VmRSS:").trim_end_matches(" kB").parse().unwrap()
    }

    /// The processor's time that it has taken, in hundredths of a second.
    pub fn ticks(&self) -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.id())).unwrap();
        // Behind the name, which may hold anything: the state, then numbers.
        let fields: Vec<_> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    }

    /// How many descriptors it holds, without the listeners: passive ports stay open for a while.
    pub fn descriptors(&self) -> usize {
        let process = format!("/proc/{}", self.id());
        let tables = ["tcp", "tcp6"].map(|name| format!("{process}/net/{name}"));
        let tables = tables.map(|path| fs::read_to_string(path).unwrap_or_default()).concat();
        let mut listeners = HashSet::new();
        for fields in tables.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()) {
            // The state, where 0A is LISTEN, and the inode.
            if fields[3] == "0A" {
                listeners.insert(format!("socket:[{}]", fields[9]));
            }
        }
        let descriptors = fs::read_dir(format!("{process}/fd")).unwrap();
        let targets = descriptors.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
        targets.filter(|target| !listeners.contains(&*target.to_string_lossy())).count()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let mut child = self.child();
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// Parses `Listening on ftp://127.0.0.1:4711/`, or `ftps://`.
#[track_caller]
fn address(output: &mut impl BufRead) -> SocketAddr {
    let mut line = String::new();
    output.read_line(&mut line).expect("it says where it listens");
    let address = line.split_once("://").and_then(|(_, rest)| rest.split(['/', ' ']).next());
    address.and_then(|address| address.parse().ok()).unwrap_or_else(|| panic!("{line:?}"))
}

/// The memory of a process in KiB, with its share of what processes share; none, if it is gone.
pub fn pss_kib(process: u32) -> Option<u64> {
    let rollup = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).ok()?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}
