//! The real program as a child process, for what a thread cannot show: signals, limits, kill -9.

use super::{Client, turn, under_tls, wait_until};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::Mutex;

/// A running `packetboat`.
pub struct Program {
    child: Mutex<Child>,
    pub address: SocketAddr,
    /// What it prints behind its first address.
    output: Mutex<BufReader<ChildStdout>>,
    _turn: File,
}

impl Program {
    /// Starts it with these words behind `packetboat -qq -l 127.0.0.1:0`, through a shell that
    /// first does `preparation`.
    pub fn start(preparation: &str, words: &[&str]) -> Program {
        let turn = turn();
        let mut child = Command::new("sh")
            .args(["-c", &format!("{preparation}\nexec \"$0\" -qq -l 127.0.0.1:0 \"$@\"")])
            .arg(env!("CARGO_BIN_EXE_packetboat"))
            .args(words)
            .args(if under_tls() { &["--tls", "self-signed"][..] } else { &[] })
            .stdout(Stdio::piped())
            .spawn()
            .expect("there is a shell");
        let mut output = BufReader::new(child.stdout.take().expect("it is piped"));
        let address = (&mut output)
            .lines()
            .map_while(Result::ok)
            .find_map(|line| line.split_once("ftp://")?.1.split(['/', ' ']).next()?.parse().ok())
            .expect("it says where it listens");
        Program { child: Mutex::new(child), address, output: Mutex::new(output), _turn: turn }
    }

    /// The facts that it prints at its start, as far as that which is wanted.
    pub fn fact(&self, wanted: &str) -> String {
        let mut output = self.output.lock().unwrap();
        let mut lines = (&mut *output).lines().map_while(Result::ok);
        lines.find(|line| line.contains(wanted)).expect("it says so")
    }

    pub fn client(&self) -> Client {
        let mut client = Client::connect(self.address);
        client.login();
        client
    }

    pub fn signal(&self, name: &str) {
        let id = self.child.lock().unwrap().id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// How it ended, once it has.
    pub fn wait(&self) -> ExitStatus {
        let ended = || self.child.lock().unwrap().try_wait().unwrap();
        wait_until("the program ends", || ended().is_some());
        ended().unwrap()
    }

    /// The memory that it holds, in KiB.
    pub fn memory(&self) -> u64 {
        let id = self.child.lock().unwrap().id();
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// The processor's time that it has taken, in hundredths of a second.
    pub fn ticks(&self) -> u64 {
        let id = self.child.lock().unwrap().id();
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
        // Behind the name, which may hold anything: the state, then numbers.
        let fields: Vec<_> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    }

    /// Whether SIGHUP does not end it.
    pub fn catches_hang_ups(&self) -> bool {
        let id = self.child.lock().unwrap().id();
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
        u64::from_str_radix(caught.trim(), 16).unwrap() & 1 == 1
    }

    /// How many descriptors it holds, without the listeners: passive ports stay open for a while.
    pub fn descriptors(&self) -> usize {
        let process = format!("/proc/{}", self.child.lock().unwrap().id());
        let tables = ["tcp", "tcp6"].map(|name| format!("{process}/net/{name}"));
        let tables = tables.map(|path| std::fs::read_to_string(path).unwrap_or_default()).concat();
        let mut listeners = std::collections::HashSet::new();
        for fields in tables.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()) {
            // The state, where 0A is LISTEN, and the inode.
            if fields[3] == "0A" {
                listeners.insert(format!("socket:[{}]", fields[9]));
            }
        }
        let descriptors = std::fs::read_dir(format!("{process}/fd")).unwrap();
        let targets = descriptors.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
        targets.filter(|target| !listeners.contains(&*target.to_string_lossy())).count()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let mut child = self.child.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let _ = child.kill();
        let _ = child.wait();
    }
}
