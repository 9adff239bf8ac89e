//! tshark, which takes every packet of a session apart, is to find nothing malformed, and to
//! recognise each data connection from what agreed it. The session has a network of its own.

use super::desk::Desk;
use crate::common::{random_bytes, wait_until};
use nix::sched::{CloneFlags, unshare};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// Packets on the loopback of this network, captured into a file.
struct Capture {
    child: Child,
    path: String,
}

impl Capture {
    fn begin(desk: &Desk) -> Capture {
        let path = desk.local("capture").display().to_string();
        let words = ["-i", "lo", "-U", "-B", "65536", "-Z", "root", "-w", &path];
        let mut child = Command::new("tcpdump")
            .args(words)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("this test needs tcpdump: {error}"));
        let said = BufReader::new(child.stderr.take().expect("it is piped"));
        let mut lines = said.lines().map_while(Result::ok);
        assert!(lines.any(|line| line.contains("listening on lo")), "tcpdump captures nothing");
        Capture { child, path }
    }

    /// Ends when so many sessions have said QUIT; curl does not wait for the reply.
    fn end(&mut self, sessions: usize) -> String {
        let farewell = b"QUIT\r\n";
        wait_until("tcpdump has seen the end", || {
            let seen = fs::read(&self.path).unwrap();
            seen.windows(farewell.len()).filter(|bytes| bytes == farewell).count() >= sessions
        });
        kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
        assert!(self.child.wait().unwrap().success());
        self.path.clone()
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        // tcpdump has ended already, if all went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
#[ignore = "needs root, tshark, tcpdump, curl and ip: captures packets"]
fn finds_nothing_malformed() {
    unshare(CloneFlags::CLONE_NEWNET).expect("this test needs root");
    assert!(Command::new("ip").args(["link", "set", "lo", "up"]).status().unwrap().success());
    let desk = Desk::new();
    fs::write(desk.local("up"), random_bytes(1, 300_000)).unwrap();
    let mut capture = Capture::begin(&desk);
    let ways = [
        (desk.v4, &["--disable-epsv"][..]),
        (desk.v4, &[]),
        (desk.v4, &["--ftp-port", "-", "--disable-eprt"]),
        (desk.v4, &["--ftp-port", "-"]),
        (desk.v6, &[]),
        (desk.v6, &["--ftp-port", "-"]),
    ];
    for (address, options) in ways {
        let root = format!("ftp://{address}/");
        let file = format!("{root}file");
        // One session has the file up and down, and replies of several lines.
        let words = ["-sS", "-Q", "FEAT", "-T", "up", &file, "--next", "-sS"];
        let more = ["-Q", "MLST file", "-Q", "STAT file", "-o", "down", &file];
        desk.run("curl", &[options, &words, options, &more].concat());
        desk.run("curl", &[options, &["-sS", &root]].concat());
        desk.run("curl", &[options, &["-sS", "-l", &root]].concat());
        desk.run("curl", &[options, &["-sS", "-X", "MLSD", &root]].concat());
    }
    let path = capture.end(4 * ways.len());
    dissect(&desk, &path);
}

fn dissect(desk: &Desk, path: &str) {
    let ports = desk.addresses().map(|address| format!("tcp.port=={},ftp", address.port()));
    let always = ["-n", "-r", path, "-d", &ports[0], "-d", &ports[1], "-T", "fields"];
    // Fields of each packet that a filter lets through.
    let fields = |filter: &str, names: &[&str]| {
        let names = names.iter().flat_map(|name| ["-e", name]);
        let words: Vec<_> = always.into_iter().chain(["-Y", filter]).chain(names).collect();
        let said = desk.run("tshark", &words);
        let told = said.lines().filter(|line| !line.is_empty() && !line.starts_with("Running as"));
        told.map(str::to_owned).collect::<Vec<_>>()
    };
    let bad = fields("_ws.malformed || _ws.expert.severity == error", &["frame.number"]);
    assert_eq!(bad, [""; 0]);
    let verbs = fields("ftp.request", &["ftp.request.command"]);
    for verb in ["PASV", "EPSV", "PORT", "EPRT", "STOR", "RETR", "LIST", "NLST", "MLSD", "MLST"] {
        assert!(verbs.iter().any(|other| other == verb), "{verb}: {verbs:?}");
    }
    // Five transfers in each way; tshark 4.0 does not know those of PORT.
    let mut data = fields("ftp-data", &["ftp-data.setup-method", "tcp.stream"]);
    data.sort_unstable();
    data.dedup();
    let count = |way: &str| data.iter().filter(|line| line.starts_with(way)).count();
    assert_eq!(["PASV", "EPASV", "EPRT"].map(count), [5, 10, 10], "{data:?}");
}
