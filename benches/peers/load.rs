//! What is measured: each load is done by one cell, a process of its own with one server, and gives
//! the figures of one or more rows of the table.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::client::{BUFFER_BYTES, Crowd, Mode, Session, Work};
use crate::common::wire;
use crate::server::{Running, Server};
use rustls::ClientConfig;

/// Small operations are counted for so long.
const COUNTING: Duration = Duration::from_millis(700);
const BULK_SESSIONS: usize = 4;
pub const NAMES: usize = 10_000;

#[derive(Clone, Copy)]
pub enum Load {
    Retr {
        sessions: usize,
        file: &'static str,
    },
    Stor {
        sessions: usize,
        bytes: usize,
    },
    Login {
        sessions: usize,
    },
    Small {
        file: &'static str,
        mode: Mode,
        sessions: usize,
    },
    List {
        verb: &'static str,
    },
    Latency,
    Idle,
    /// All of it under TLS.
    Tls {
        load: &'static Load,
        resumes: bool,
    },
}

/// The names that select loads, and the loads.
pub const LOADS: &[(&str, Load)] = &[
    ("retr", Load::Retr { sessions: 1, file: "1 GiB" }),
    ("retr", Load::Retr { sessions: 8, file: "256 MiB" }),
    ("stor", Load::Stor { sessions: 1, bytes: 1 << 30 }),
    ("stor", Load::Stor { sessions: 8, bytes: 256 << 20 }),
    ("login", Load::Login { sessions: 1 }),
    ("login", Load::Login { sessions: 50 }),
    ("small", Load::Small { file: "1 KiB", mode: Mode::Passive, sessions: 1 }),
    ("small", Load::Small { file: "1 KiB", mode: Mode::Passive, sessions: 32 }),
    ("small", Load::Small { file: "10 KiB", mode: Mode::Passive, sessions: 1 }),
    ("small", Load::Small { file: "10 KiB", mode: Mode::Passive, sessions: 32 }),
    ("small", Load::Small { file: "1 KiB", mode: Mode::Active, sessions: 1 }),
    ("small", Load::Small { file: "1 KiB", mode: Mode::Active, sessions: 32 }),
    ("small", Load::Small { file: "10 KiB", mode: Mode::Active, sessions: 1 }),
    ("small", Load::Small { file: "10 KiB", mode: Mode::Active, sessions: 32 }),
    ("list", Load::List { verb: "LIST" }),
    ("list", Load::List { verb: "MLSD" }),
    ("list", Load::List { verb: "NLST" }),
    ("latency", Load::Latency),
    ("idle", Load::Idle),
    ("tls-retr", tls(&Load::Retr { sessions: 1, file: "1 GiB" })),
    ("tls-retr", tls(&Load::Retr { sessions: 8, file: "256 MiB" })),
    ("tls-stor", tls(&Load::Stor { sessions: 1, bytes: 1 << 30 })),
    ("tls-stor", tls(&Load::Stor { sessions: 8, bytes: 256 << 20 })),
    ("tls-login", Load::Tls { load: &Load::Login { sessions: 8 }, resumes: false }),
    ("tls-login", tls(&Load::Login { sessions: 8 })),
    ("tls-small", tls(&Load::Small { file: "10 KiB", mode: Mode::Passive, sessions: 1 })),
];

const fn tls(load: &'static Load) -> Load {
    Load::Tls { load, resumes: true }
}

/// The files that loads fetch.
pub const FILES: [(&str, usize); 4] =
    [("1 KiB", 1 << 10), ("10 KiB", 10 << 10), ("256 MiB", 256 << 20), ("1 GiB", 1 << 30)];

/// A line of the table: a figure, and how good it must be.
pub struct Row {
    pub title: String,
    pub unit: &'static str,
    pub more_is_better: bool,
    /// So many times as good as the best peer.
    pub goal: Option<f64>,
    /// So many times as good as the bare loop.
    pub bare_goal: Option<f64>,
    /// At most so much, or at least.
    pub limit: Option<f64>,
}

/// A figure, and the microseconds of the server's processor that one operation took.
pub struct Figure {
    pub value: f64,
    pub cpu_us: Option<f64>,
}

impl From<f64> for Figure {
    fn from(value: f64) -> Figure {
        Figure { value, cpu_us: None }
    }
}

impl Load {
    pub fn rows(self) -> Vec<Row> {
        let row = |title: String, unit, goal| Row {
            title,
            unit,
            more_is_better: true,
            goal: Some(goal),
            bare_goal: None,
            limit: None,
        };
        let least = |title: &str, unit, limit| Row {
            goal: None,
            more_is_better: false,
            limit,
            ..row(title.to_owned(), unit, 1.0)
        };
        match self {
            Load::Retr { sessions, file } => {
                let retr = row(format!("RETR {sessions} x {file}"), "MB/s", 1.05);
                vec![Row { bare_goal: Some(1.0), ..retr }]
            }
            Load::Stor { sessions, bytes } => {
                vec![row(format!("STOR {sessions} x {} MiB", bytes >> 20), "MB/s", 1.1)]
            }
            Load::Login { sessions } => {
                vec![row(format!("log in and out, {sessions} at once"), "/s", 1.05)]
            }
            Load::Small { file, mode, sessions } => {
                let (mode, goal) = match (mode, sessions) {
                    (Mode::Passive, 1) => ("passive", 1.2),
                    (Mode::Passive, _) => ("passive", 1.6),
                    (Mode::Active, 1) => ("active", 1.25),
                    (Mode::Active, _) => ("active", 2.0),
                };
                vec![row(format!("RETR {file} {mode}, {sessions} at once"), "/s", goal)]
            }
            Load::List { verb } => {
                let goal = if verb == "NLST" { 1.1 } else { 1.2 };
                let whole = row(format!("{verb} of 10,000 names"), "/s", goal);
                vec![
                    Row { bare_goal: Some(0.95), ..whole },
                    least(&format!("{verb}, the first byte after"), "ms", None),
                ]
            }
            Load::Latency => {
                vec![
                    least("NOOP under load, median", "ms", None),
                    least("NOOP under load, p99", "ms", Some(1.0)),
                    least("NOOP under load, longest", "ms", Some(5.0)),
                    Row { goal: None, ..row("bulk alone".to_owned(), "MB/s", 1.0) },
                    Row {
                        goal: None,
                        limit: Some(80.0),
                        ..row("bulk under load".into(), "%", 1.0)
                    },
                ]
            }
            Load::Idle => {
                vec![
                    least("memory before the first session", "KiB", Some(3072.0)),
                    least("memory a session, of 1,000", "KiB", None),
                    least("memory a session, of 4,000", "KiB", Some(1.0)),
                ]
            }
            Load::Tls { load, resumes } => {
                let (kind, goal) = match (load, resumes) {
                    (Load::Login { .. }, true) => ("resumed TLS", 1.5),
                    (Load::Login { .. }, false) => ("full TLS", 1.05),
                    _ => ("TLS", 1.05),
                };
                let title = |row: &Row| format!("{kind}, {}", row.title);
                let secure =
                    |row| Row { title: title(&row), goal: Some(goal), bare_goal: None, ..row };
                load.rows().into_iter().map(secure).collect()
            }
        }
    }

    /// Some figures do not change from round to round.
    pub fn once(self) -> bool {
        matches!(self, Load::Idle)
    }

    /// The figures of its rows, in their order; fewer where the server does not take part.
    pub fn run(self, server: Server, running: &Running, root: &Path) -> Vec<Figure> {
        match self {
            Load::Retr { sessions, file } => {
                let bytes = FILES.iter().find(|(name, _)| *name == file).expect("a file").1;
                bulk(running, sessions, bytes, |_, session, buffer| {
                    let mut fetched = 0;
                    session.fetch(&format!("RETR {file}"), buffer, |bytes| fetched += bytes);
                    assert_eq!(fetched, bytes);
                })
            }
            Load::Stor { sessions, bytes } => {
                let figures = bulk(running, sessions, bytes, |index, session, buffer| {
                    session.store(&format!("STOR up/{index}"), buffer, bytes);
                });
                let stored = fs::read_dir(root.join("up")).unwrap().flatten();
                let lengths: Vec<u64> = stored.map(|file| file.metadata().unwrap().len()).collect();
                assert_eq!(lengths, vec![bytes as u64; sessions]);
                figures
            }
            Load::Login { sessions } => counted(running, sessions, Work::Login, false),
            Load::Small { file, mode, sessions } => {
                let command = if file == "1 KiB" { "RETR 1 KiB" } else { "RETR 10 KiB" };
                counted(running, sessions, Work::Fetch(mode, command), false)
            }
            Load::List { verb } => list(running, verb),
            // It serves one transfer at a time.
            Load::Latency if server == Server::Bare => Vec::new(),
            Load::Latency => latency(running),
            Load::Idle => idle(running, server.most_sessions()),
            Load::Tls { load: Load::Login { sessions }, resumes } => {
                counted(running, *sessions, Work::Login, resumes)
            }
            Load::Tls { load, .. } => load.run(server, running, root),
        }
    }

    /// What its clients say of TLS, if anything.
    pub fn tls(self) -> Option<Arc<ClientConfig>> {
        match self {
            Load::Tls { resumes, .. } => Some(wire::client_config(resumes)),
            _ => None,
        }
    }
}

/// Megabytes a second, each session on a thread with one transfer; processor time for each MiB.
fn bulk(
    running: &Running,
    sessions: usize,
    bytes: usize,
    transfer: impl Fn(usize, &mut Session, &mut [u8]) + Sync,
) -> Vec<Figure> {
    let mut sessions: Vec<_> = (0..sessions)
        .map(|_| (Session::login(&running.target), vec![b'y'; BUFFER_BYTES]))
        .collect();
    let (cpu, start) = (running.cpu_us(), Instant::now());
    thread::scope(|scope| {
        for (index, (session, buffer)) in sessions.iter_mut().enumerate() {
            let transfer = &transfer;
            scope.spawn(move || transfer(index, session, buffer));
        }
    });
    let (time, cpu) = (start.elapsed().as_secs_f64(), running.cpu_us() - cpu);
    let bytes = (bytes * sessions.len()) as f64;
    vec![Figure { value: bytes / 1e6 / time, cpu_us: Some(cpu / (bytes / f64::from(1 << 20))) }]
}

fn counted(running: &Running, sessions: usize, work: Work, resumes: bool) -> Vec<Figure> {
    let mut crowd = Crowd::new(&running.target, sessions, work);
    crowd.run(COUNTING / 5);
    let (cpu, start) = (running.cpu_us(), Instant::now());
    let (done, resumed) = crowd.run(COUNTING);
    let done = done as f64;
    let (time, cpu) = (start.elapsed().as_secs_f64(), running.cpu_us() - cpu);
    // The first of each may still have been under way.
    let full = done as usize - resumed;
    assert!(!resumes || full <= sessions, "only {resumed} of {done} sessions were resumed");
    vec![Figure { value: done / time, cpu_us: Some(cpu / done) }]
}

fn list(running: &Running, verb: &str) -> Vec<Figure> {
    let mut session = Session::login(&running.target);
    let mut buffer = vec![0; BUFFER_BYTES];
    let command = format!("{verb} many");
    let shortest = NAMES * "IMG_000000.jpeg\r\n".len();
    session.fetch(&command, &mut buffer, |_| ());
    let (cpu, start) = (running.cpu_us(), Instant::now());
    let (mut done, mut first) = (0.0, Vec::new());
    while start.elapsed() < COUNTING {
        let (begin, mut wait, mut total) = (Instant::now(), None, 0);
        session.fetch(&command, &mut buffer, |bytes| {
            wait.get_or_insert_with(|| begin.elapsed());
            total += bytes;
        });
        assert!(total >= shortest, "{verb} has left names out");
        first.push(wait.expect("not empty").as_secs_f64() * 1e3);
        done += 1.0;
    }
    let (time, cpu) = (start.elapsed().as_secs_f64(), running.cpu_us() - cpu);
    first.sort_by(f64::total_cmp);
    vec![Figure { value: done / time, cpu_us: Some(cpu / done) }, first[first.len() / 2].into()]
}

/// NOOPs a millisecond apart, while downloads and a loop of LIST run. Its thread comes before the
/// client's others: their waiting for each other is not the server's.
fn latency(running: &Running) -> Vec<Figure> {
    let (bytes, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let over = |time: Duration| {
        let (before, start) = (bytes.load(Ordering::Relaxed), Instant::now());
        thread::sleep(time);
        let moved = bytes.load(Ordering::Relaxed) - before;
        moved as f64 / 1e6 / start.elapsed().as_secs_f64()
    };
    let download = || {
        let mut session = Session::login(&running.target);
        let mut buffer = vec![0; BUFFER_BYTES];
        while !stop.load(Ordering::Relaxed) {
            session.fetch("RETR 256 MiB", &mut buffer, |piece| {
                bytes.fetch_add(piece, Ordering::Relaxed);
            });
        }
    };
    let list = || {
        let mut session = Session::login(&running.target);
        let mut buffer = vec![0; BUFFER_BYTES];
        while !stop.load(Ordering::Relaxed) {
            session.fetch("LIST many", &mut buffer, |_| ());
        }
    };
    let noop = || {
        // A better priority alone would let the others finish their slices of 3 ms first.
        let thread = rustix::thread::gettid().as_raw_pid().to_string();
        let _not_root = Command::new("chrt").args(["--fifo", "--pid", "50", &thread]).output();
        let mut session = Session::login(&running.target);
        let mut waits = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            let start = Instant::now();
            assert_eq!(session.command("NOOP"), 200);
            waits.push(start.elapsed().as_secs_f64() * 1e3);
            thread::sleep(Duration::from_millis(1));
        }
        waits
    };
    thread::scope(|scope| {
        for _ in 0..BULK_SESSIONS {
            scope.spawn(download);
        }
        thread::sleep(Duration::from_millis(200));
        let alone = over(Duration::from_secs(1));
        scope.spawn(list);
        let noop = scope.spawn(noop);
        let busy = over(Duration::from_secs(2));
        stop.store(true, Ordering::Relaxed);
        let mut waits = noop.join().unwrap();
        waits.sort_by(f64::total_cmp);
        let at = |share: f64| waits[((waits.len() - 1) as f64 * share) as usize];
        [at(0.5), at(0.99), at(1.0), alone, busy / alone * 100.0].map(Figure::from).into()
    })
}

fn idle(running: &Running, most: u64) -> Vec<Figure> {
    let before = running.pss_kib();
    let mut figures = vec![before.into()];
    let mut sessions = Vec::new();
    for wanted in [1_000, 4_000] {
        if wanted as u64 > most {
            break;
        }
        sessions.resize_with(wanted, || Session::login(&running.target));
        thread::sleep(Duration::from_millis(300));
        figures.push(((running.pss_kib() - before) / wanted as f64).into());
    }
    figures
}
