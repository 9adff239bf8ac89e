//! Many clients at once: each puts and gets files and compares them, in active or passive mode, over
//! IPv4 or IPv6; one of ten reads slowly, and four of ten break off, each in another way. All of it
//! must end in time and leave nothing behind. Everything stays on loopback.

use crate::common::client::reset;
use crate::common::program::Program;
use crate::common::{Chance, Client, Stream, TestServer, Way, descriptors, under_tls, wait_until};
use rustix::process::Signal;
use std::fs;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

const CLIENTS: usize = 500;
/// As many sessions at once as a large server has. Under TLS these are fewer, since the clients'
/// handshakes alone would take two cores longer than clients have patience.
fn multitude() -> usize {
    if under_tls() { 1500 } else { 4000 }
}
/// How long a crowd may take in all. Five hundred take a few seconds.
const LIMIT: Duration = Duration::from_secs(120);
/// The size of a file that nobody reads to its end: more than the kernel's buffers hold.
const BIG: u64 = 64 << 20;
/// What of each session that there once was at the same time may stay with the allocator: as much as
/// a session holds while its upload waits for a disk, as it does where so many keep one busy.
const KEPT_KIB: u64 = 64;
/// What one server may gain for good from a further crowd: an eighth of what a leak of one session's
/// share would be.
const GROWTH_KIB: u64 = 2048;
/// Crowds after which the allocator must have had its fill. Mostly it is two.
const CROWDS: usize = 4;
/// The number whose content all clients share.
const SHARED: usize = usize::MAX - 1;

#[test]
fn five_hundred_clients_at_once_leave_nothing_behind() {
    let server = TestServer::start();
    plant(&server.path(""));
    // Clients and server in one process: a control connection has two descriptors, a transfer five.
    descriptors::raise_limit(8 * CLIENTS);
    let crowd = Crowd::gather(&server.both(), CLIENTS);
    wait_until("all are counted", || server.counts().sessions == CLIENTS);
    crowd.let_go();
    check(&server.path(""), CLIENTS);
    // The server's drop awaits a counts of zero, and counts the descriptors.
}

#[test]
fn the_program_keeps_no_more_from_crowd_to_crowd() {
    a_program_outlives(CLIENTS);
}

#[test]
#[ignore = "needs a minute"]
fn a_multitude_at_once_leaves_nothing_behind() {
    a_program_outlives(multitude());
}

/// A program meets crowds until one leaves no more than those before it.
fn a_program_outlives(clients: usize) {
    // The server is a process of its own, and has places for a quarter of its descriptors.
    descriptors::raise_limit(4 * clients + 100);
    let folder = tempfile::tempdir().unwrap();
    plant(folder.path());
    let served = folder.path().to_str().expect("a temporary folder has a plain name");
    let program = Program::start("", &[served]);
    let descriptors = program.descriptors();
    let mut memory = vec![program.memory()];
    let most = memory[0] + clients as u64 * KEPT_KIB + GROWTH_KIB;
    loop {
        Crowd::gather(&[program.address()], clients).let_go();
        check(folder.path(), clients);
        wait_until("descriptors are given back", || program.descriptors() == descriptors);
        let (before, after) = (memory[memory.len() - 1], program.memory());
        memory.push(after);
        assert!(after < most, "KiB before and after each crowd: {memory:?}");
        if memory.len() > 2 && after < before + GROWTH_KIB {
            break;
        }
        assert!(memory.len() <= CROWDS, "KiB before and after each crowd: {memory:?}");
    }
    program.signal(Signal::TERM);
    assert!(program.wait().success());
}

/// Clients that are logged in, and wait for the word to begin.
struct Crowd {
    threads: Vec<JoinHandle<()>>,
    starts: Vec<Sender<()>>,
    /// Each client says here that it is logged in, and then that it is through.
    arrived: Receiver<()>,
    deadline: Instant,
}

impl Crowd {
    fn gather(servers: &[SocketAddr], clients: usize) -> Crowd {
        let (tell, arrived) = mpsc::channel();
        let (mut threads, mut starts) = (Vec::new(), Vec::new());
        for number in 0..clients {
            let (server, tell) = (servers[number / 40 % servers.len()], tell.clone());
            let (start, started) = mpsc::channel();
            let life = move || {
                let client = log_in(number, server);
                tell.send(()).expect("the crowd is waited for");
                started.recv().expect("the crowd is let go");
                visit(number, client);
                tell.send(()).expect("the crowd is waited for");
            };
            threads.push(thread::Builder::new().stack_size(256 << 10).spawn(life).unwrap());
            starts.push(start);
        }
        let crowd = Crowd { threads, starts, arrived, deadline: Instant::now() + LIMIT };
        crowd.wait("logged in");
        crowd
    }

    /// Has all of them do what they came for, and waits until they have.
    fn let_go(self) {
        for start in &self.starts {
            start.send(()).expect("all are there");
        }
        self.wait("came through");
        for thread in self.threads {
            thread.join().expect("a client that came through has not failed");
        }
    }

    fn wait(&self, what: &str) {
        for count in 0..self.threads.len() {
            let left = self.deadline.saturating_duration_since(Instant::now());
            let word = self.arrived.recv_timeout(left);
            assert!(word.is_ok(), "{count} of {} clients {what} in time", self.threads.len());
        }
    }
}

/// Clients come from many addresses, so that passive ports are shared as well as used up.
fn log_in(number: usize, server: SocketAddr) -> Client {
    let mut client = match server {
        SocketAddr::V4(_) => {
            let from = Ipv4Addr::new(127, 0, 1, (1 + number % 50) as u8);
            Client::connect_from(IpAddr::V4(from), server)
        }
        SocketAddr::V6(_) => Client::connect(server),
    };
    client.login();
    client
}

/// What a client does; how it breaks off, if it does, depends on its last digit.
fn visit(number: usize, mut client: Client) {
    let server = client.stream.peer_addr().unwrap();
    let ways = Way::all(server);
    let (way, other) = (ways[number / 10 % ways.len()], ways[(number / 10 + 1) % ways.len()]);
    put_and_get(&mut client, number, way);
    match number % 10 {
        5 => {
            let mut data = half_a_download(&mut client, way);
            for _ in 0..10 {
                thread::sleep(Duration::from_millis(20));
                data.read_exact(&mut [0; 10_000]).unwrap();
            }
            drop(data);
            client.expect_reply(426);
        }
        6 => {
            drop(half_a_download(&mut client, way));
            client.expect_reply(426);
        }
        7 => {
            let mut data = client.data(way);
            client.begin("STOR shared");
            data.write_all(&[b'7'; 10_000]).unwrap();
            reset(data);
            // A reset may overtake the handshake's last step.
            let (code, text) = client.reply();
            assert!(code == 426 || (under_tls() && code == 425), "{code} {text}");
        }
        8 => {
            let mut data = client.data(way);
            client.begin("STOR shared");
            data.write_all(&[b'8'; 10_000]).unwrap();
            // The data connection ends well, but nobody is there to be told.
            return match number / 10 % 2 {
                0 => client.reset(),
                _ => drop(client),
            };
        }
        9 => {
            let mut data = half_a_download(&mut client, way);
            client.send_line("ABOR");
            // What was on its way still comes; how it ends is nothing to go by.
            let _ = data.read_to_end(&mut Vec::new());
            client.expect_reply(426);
            client.expect_reply(226);
        }
        _ => {}
    }
    put_and_get(&mut client, number, other);
    let shared = client.retrieve("shared", other);
    assert!(shared == content(SHARED), "client {number}: shared, {} bytes", shared.len());
    client.expect(221, "QUIT");
    client.expect_close();
}

#[track_caller]
fn put_and_get(client: &mut Client, number: usize, way: Way) {
    let (name, content) = (format!("file {number}"), content(number));
    client.store(&name, &content, way);
    client.expect(213, format!("SIZE {name}"));
    assert!(client.retrieve(&name, way) == content, "{name}");
}

fn half_a_download(client: &mut Client, way: Way) -> Stream {
    let mut data = client.data(way);
    client.begin("RETR big");
    data.read_exact(&mut [0; 10_000]).unwrap();
    data
}

/// The bytes of client `number`'s file: none to 200,000, or to 20,000 where there are many.
fn content(number: usize) -> Vec<u8> {
    let mut random = Chance::new(number as u64 + 1);
    let length = random.below(if number < CLIENTS { 200_000 } else { 20_000 }) as usize;
    random.bytes(length)
}

fn plant(folder: &Path) {
    fs::File::create(folder.join("big")).unwrap().set_len(BIG).unwrap();
    fs::write(folder.join("shared"), content(SHARED)).unwrap();
}

/// Every file is whole, and there is nothing else.
fn check(folder: &Path, clients: usize) {
    for number in 0..clients {
        let path = folder.join(format!("file {number}"));
        assert!(fs::read(&path).unwrap() == content(number), "{}", path.display());
    }
    assert!(fs::read(folder.join("shared")).unwrap() == content(SHARED), "shared");
    assert_eq!(fs::read_dir(folder).unwrap().count(), clients + 2);
}
