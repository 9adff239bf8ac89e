//! User memory of an idle server, and of each session that is logged in and does nothing. Not a
//! measure of time, so not criterion's: `cargo bench --bench memory` prints the lines.

mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use common::Client;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

fn main() {
    let most = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most }).unwrap();
    let folder = tempfile::tempdir().unwrap();
    // A process of its own, whose memory is nobody else's.
    let mut server = Command::new(env!("CARGO_BIN_EXE_packetboat"))
        .args(["-qq", "--listen", "127.0.0.1:0", "--max-sessions", "20000"])
        .arg(folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let address = address(&mut server);
    drop(Client::login(address));
    let before = pss_kib(&server);
    println!("before the first session: {before} KiB");
    let mut sessions = Vec::new();
    for wanted in [1_000, 10_000] {
        sessions.resize_with(wanted, || Client::login(address));
        let each = (pss_kib(&server) - before) as f64 / wanted as f64;
        println!("each of {wanted} idle sessions: {each:.2} KiB");
    }
    server.kill().unwrap();
    server.wait().unwrap();
}

fn address(server: &mut Child) -> SocketAddr {
    let output = BufReader::new(server.stdout.take().expect("it is piped"));
    let first = output.lines().next().expect("it says where it listens").unwrap();
    let place = first.split_once("ftp://").and_then(|(_, rest)| rest.strip_suffix('/'));
    place.expect("an address").parse().unwrap()
}

/// With the process's share of what it shares.
fn pss_kib(server: &Child) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", server.id())).unwrap();
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:")).expect("a line of it");
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
