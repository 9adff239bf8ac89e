//! Course that every library walks: files up and down, resumed both ways, names changed and removed.
//! A script only does; whether it was done right is seen here, from the files.
//!
//! A script is called with `HOST PORT USER PASSWORD clear|explicit|implicit passive|active CA`, in
//! the client's folder. It throws when something fails, and prints `done` at its end. In between:
//!
//! 1. make the folder `/stored` and store each file of `up` there
//! 2. write the names that are listed in `/stored` into `listed`, one a line
//! 3. fetch each file of `up` from `/stored` into `fetched`
//! 4. fetch what `cut` lacks of `/whole`, and store what `/cut` lacks of `whole`
//! 5. rename `/old` to `/new`, delete `/doomed`, remove the folder `/hollow`
//! 6. fetch `/missing`, and write what the error says into `refused`
//! 7. if there is a folder `tree`: store it as `/tree`, and fetch that as `back`

use crate::NAMES;
use crate::common::ports::free_ports;
use crate::common::{names_in, random_bytes};
use crate::desk::{Desk, assert_same, assert_same_tree, plant};
use std::fs;
use std::net::SocketAddr;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Security {
    Clear,
    Explicit,
    Implicit,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mode {
    Passive,
    Active,
}

#[derive(Clone, Copy, Debug)]
enum Family {
    V4,
    V6,
}

#[derive(Clone, Debug)]
pub struct Course {
    security: Security,
    mode: Mode,
    family: Family,
    names: Vec<&'static str>,
    /// The lengths of files beside those with odd names, in bytes.
    lengths: Vec<usize>,
    has_tree: bool,
    has_two_ports: bool,
}

impl Course {
    /// A course in passive mode on IPv4, with all names and with files as long as 3 MB.
    pub fn new(security: Security) -> Course {
        let lengths = vec![0, 1, 65_537, 3_000_000];
        let (mode, family) = (Mode::Passive, Family::V4);
        let (has_tree, has_two_ports) = (false, false);
        Course { security, mode, family, names: NAMES.to_vec(), lengths, has_tree, has_two_ports }
    }

    pub fn active(self) -> Course {
        Course { mode: Mode::Active, ..self }
    }

    pub fn on_v6(self) -> Course {
        Course { family: Family::V6, ..self }
    }

    /// With a file of 100 MB.
    pub fn with_large_file(mut self) -> Course {
        self.lengths.push(100_000_000);
        self
    }

    /// With folders in folders.
    pub fn with_tree(self) -> Course {
        Course { has_tree: true, ..self }
    }

    /// With two passive ports only: clients that keep TLS sessions by port find them again.
    pub fn on_two_ports(self) -> Course {
        Course { has_two_ports: true, ..self }
    }

    /// Without names that the client cannot spell.
    pub fn without_names(mut self, refused: &[&str]) -> Course {
        self.names.retain(|name| !refused.contains(name));
        self
    }

    /// Runs a client on the course; the arguments of every script follow these.
    #[track_caller]
    pub fn walk(&self, program: &str, arguments: &[&str]) {
        let desk = self.prepare();
        self.run(&desk, program, arguments);
        self.assert_files(&desk);
    }

    /// A server, and what the client finds at its beginning.
    pub fn prepare(&self) -> Desk {
        let ports = free_ports(2);
        let ports = format!("{}-{}", ports.start(), ports.end());
        let words: &[&str] = if self.has_two_ports { &["--passive-ports", &ports] } else { &[] };
        let desk = match self.security {
            Security::Clear => Desk::with(|_| words.iter().map(|&word| word.to_owned()).collect()),
            Security::Explicit | Security::Implicit => {
                Desk::secure(&[&["--require-tls", "data"], words].concat())
            }
        };
        for folder in [desk.local("up"), desk.local("fetched"), desk.served("hollow")] {
            fs::create_dir(folder).unwrap();
        }
        for (seed, name) in self.names.iter().enumerate() {
            fs::write(desk.local(format!("up/{name}")), random_bytes(seed as u64, 7_001)).unwrap();
        }
        for &length in &self.lengths {
            fs::write(desk.local(format!("up/{length}")), random_bytes(1, length)).unwrap();
        }
        let whole = random_bytes(2, 500_000);
        fs::write(desk.local("whole"), &whole).unwrap();
        fs::write(desk.served("whole"), &whole).unwrap();
        fs::write(desk.local("cut"), &whole[..123_456]).unwrap();
        fs::write(desk.served("cut"), &whole[..234_567]).unwrap();
        fs::write(desk.served("old"), "old").unwrap();
        fs::write(desk.served("doomed"), "doomed").unwrap();
        if self.has_tree {
            plant(&desk.local("tree"), &self.names);
        }
        desk
    }

    /// Runs a client, and sees only that it came as it was told to.
    #[track_caller]
    pub fn run(&self, desk: &Desk, program: &str, arguments: &[&str]) {
        let address = self.address(desk);
        let (host, port) = (address.ip().to_string(), address.port().to_string());
        let security = match self.security {
            Security::Clear => "clear",
            Security::Explicit => "explicit",
            Security::Implicit => "implicit",
        };
        let mode = match self.mode {
            Mode::Passive => "passive",
            Mode::Active => "active",
        };
        let told = [&host, &port, "anonymous", "me@example.org", security, mode, "ca"];
        let said = desk.run(program, &[arguments, &told].concat());
        assert!(said.lines().any(|line| line == "done"), "{self:?}: {said}");
        self.assert_way(desk);
    }

    fn address(&self, desk: &Desk) -> SocketAddr {
        match (self.security, self.family) {
            (Security::Clear | Security::Explicit, Family::V4) => desk.v4,
            (Security::Clear | Security::Explicit, Family::V6) => desk.v6,
            (Security::Implicit, Family::V4) => desk.implicit(),
            (Security::Implicit, Family::V6) => panic!("implicit TLS is offered on IPv4 only"),
        }
    }

    #[track_caller]
    fn assert_way(&self, desk: &Desk) {
        let log = desk.log();
        let has = |verbs: &[&str]| {
            let commands = log.lines().filter_map(|line| line.split_once(" command: "));
            commands.map(|(_, command)| command).any(|command| verbs.contains(&verb(command)))
        };
        assert_eq!(has(&["PASV", "EPSV"]), self.mode == Mode::Passive, "{self:?}: {log}");
        assert_eq!(has(&["PORT", "EPRT"]), self.mode == Mode::Active, "{self:?}: {log}");
        assert_eq!(has(&["AUTH"]), self.security == Security::Explicit, "{self:?}: {log}");
        // Under implicit TLS data is private from the start, and not every client says PROT.
        let has_prot = has(&["PROT"]) || self.security == Security::Implicit;
        assert_eq!(has_prot, self.security != Security::Clear, "{self:?}: {log}");
    }

    #[track_caller]
    fn assert_files(&self, desk: &Desk) {
        assert_same_tree(&desk.local("up"), &desk.served("stored"));
        assert_same_tree(&desk.local("up"), &desk.local("fetched"));
        let listed = fs::read_to_string(desk.local("listed")).unwrap();
        for name in names_in(&desk.local("up")) {
            // Names that begin with a dot are left out by some clients.
            let is_listed = listed.lines().any(|line| line == name);
            assert!(is_listed || name.starts_with('.'), "{name:?} is not in {listed}");
        }
        assert_same(&desk.local("whole"), &desk.local("cut"));
        assert_same(&desk.local("whole"), &desk.served("cut"));
        let mut left = vec!["cut", "new", "stored", "whole"];
        if self.has_tree {
            assert_same_tree(&desk.local("tree"), &desk.served("tree"));
            assert_same_tree(&desk.local("tree"), &desk.local("back"));
            left.insert(3, "tree");
        }
        assert_eq!(names_in(&desk.served("")), left);
        assert_eq!(fs::read(desk.served("new")).unwrap(), b"old");
        let refused = fs::read_to_string(desk.local("refused")).unwrap();
        assert!(refused.contains("550"), "{refused}");
    }
}

fn verb(command: &str) -> &str {
    command.split(' ').next().unwrap_or_default()
}
