//! System calls of fixed loads, counted: what a login, a small file each way and a listing cost the
//! kernel. No time is measured, so this holds on a busy machine too. What costs more than the table says
//! fails; what costs less is to be written down there.

mod common;

use common::Client;
use common::client::{eprt, port};
use common::program::Program;
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

/// Repetitions of a load, of which the cheapest counts: what comes in pieces costs more calls.
const REPETITIONS: usize = 30;

/// Calls of the program, as strace writes them down until it is dropped.
struct Trace {
    strace: Child,
    path: std::path::PathBuf,
}

impl Trace {
    fn begin(program: &Program, path: std::path::PathBuf) -> Trace {
        let mut strace = Command::new("strace")
            .args(["-f", "-s", "64", "-o", path.to_str().unwrap()])
            .args(["-p", &program.id().to_string()])
            .stderr(Stdio::piped())
            .spawn()
            .expect("strace is installed");
        let mut said = String::new();
        BufReader::new(strace.stderr.take().unwrap()).read_line(&mut said).unwrap();
        assert!(said.contains("attached"), "{said}");
        Trace { strace, path }
    }

    /// Calls between the marks, by name, of each repetition.
    fn end(mut self) -> Vec<BTreeMap<String, usize>> {
        let id = self.strace.id().to_string();
        Command::new("kill").args(["-s", "INT", &id]).status().unwrap();
        self.strace.wait().unwrap();
        let text = fs::read_to_string(&self.path).unwrap();
        let (mut all, mut current) = (Vec::new(), None);
        for line in text.lines() {
            let call = line.split_once(' ').map_or(line, |(_, call)| call.trim_start());
            let name = call.split('(').next().unwrap_or_default();
            if call.contains("NOOP begin") {
                current = Some(BTreeMap::new());
            } else if call.contains("NOOP end") {
                all.extend(current.take());
            } else if let Some(calls) = &mut current
                && call.contains('(')
                // In a debug build std looks at each descriptor before it closes it.
                && !call.contains("F_GETFD")
                // Waits are as many as the machine has it.
                && name != "epoll_wait"
            {
                *calls.entry(name.to_owned()).or_insert(0) += 1;
            }
        }
        all
    }
}

/// Cheapest of many repetitions of a load, as the calls that it made. The marks' own calls are in it:
/// the reply to the first, and what it takes to hear the second.
fn cheapest(load: impl Fn(&Program, &mut Client)) -> BTreeMap<String, usize> {
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    fs::write(folder.path().join("small"), [b'x'; 1024]).unwrap();
    for number in 0..100 {
        fs::create_dir_all(folder.path().join("many")).unwrap();
        fs::write(folder.path().join("many").join(format!("name{number}")), "").unwrap();
    }
    let program = Program::start("", &[folder.path().to_str().unwrap()]);
    let (mut marker, mut client) = (program.client(), program.client());
    // Passive listeners are opened, and buffers are there.
    (0..5).for_each(|_| load(&program, &mut client));
    let trace = tempfile::tempdir().unwrap();
    let trace = Trace::begin(&program, trace.path().join("trace"));
    for _ in 0..REPETITIONS {
        marker.expect(200, "NOOP begin");
        load(&program, &mut client);
        marker.expect(200, "NOOP end");
    }
    let calls = trace.end();
    assert!(calls.len() >= REPETITIONS / 2, "only {} marks were seen", calls.len());
    calls.into_iter().min_by_key(|calls| calls.values().sum::<usize>()).unwrap()
}

fn log_in_and_out(program: &Program, _: &mut Client) {
    let mut client = program.client();
    client.expect(221, "QUIT");
    client.expect_close();
}

fn passive(client: &mut Client, line: &str) -> common::stream::Stream {
    let data = client.extended_passive();
    client.begin(line);
    data
}

fn fetch_passive(_: &Program, client: &mut Client) {
    let mut data = passive(client, "RETR small");
    assert_eq!(client.retrieve_rest(&mut data).len(), 1024);
}

fn store_passive(_: &Program, client: &mut Client) {
    let mut data = passive(client, "STOR stored");
    data.write_all(&[b'x'; 1024]).unwrap();
    drop(data);
    client.expect_reply(226);
}

fn fetch_active(_: &Program, client: &mut Client) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    client.expect(200, eprt(listener.local_addr().unwrap()));
    let (mut data, _) = listener.accept().unwrap();
    client.send_line("RETR small");
    client.expect_reply(125);
    let mut content = Vec::new();
    data.read_to_end(&mut content).unwrap();
    drop(data);
    client.expect_reply(226);
    assert_eq!(content.len(), 1024);
}

fn store_active(_: &Program, client: &mut Client) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    client.expect(200, port(listener.local_addr().unwrap()));
    let (mut data, _) = listener.accept().unwrap();
    client.send_line("STOR stored");
    client.expect_reply(125);
    data.write_all(&[b'x'; 1024]).unwrap();
    drop(data);
    client.expect_reply(226);
}

fn list(_: &Program, client: &mut Client) {
    let mut data = passive(client, "LIST many");
    assert!(client.retrieve_rest(&mut data).len() > 100 * 50);
}

fn list_names(_: &Program, client: &mut Client) {
    let mut data = passive(client, "NLST many");
    assert!(client.retrieve_rest(&mut data).len() > 100 * 6);
}

/// Calls of each load: benches/README.md gives the reason for each.
#[test]
#[ignore = "needs strace"]
fn loads_cost_as_many_system_calls_as_the_table_says() {
    let mut wrong = Vec::new();
    for (name, load, most) in [
        ("login and QUIT", log_in_and_out as fn(&Program, &mut Client), 16),
        ("passive RETR of 1 KiB", fetch_passive, 18),
        ("passive STOR of 1 KiB", store_passive, 38),
        ("active RETR of 1 KiB", fetch_active, 22),
        ("active STOR of 1 KiB", store_active, 42),
        ("LIST of 100 names", list, 118),
        ("NLST of 100 names", list_names, 16),
    ] {
        let calls = cheapest(load);
        let sum: usize = calls.values().sum();
        if sum != most {
            let calls: Vec<String> = calls.iter().map(|(call, n)| format!("{call} {n}")).collect();
            wrong.push(format!("{name}: {sum} and not {most}: {}", calls.join(", ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
