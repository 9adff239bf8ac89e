//! Those who come to begin TLS and don't mean it, alone and by the hundred, and what they and the
//! many who do cost the others.

use crate::common::program::Program;
use crate::common::stream::{speaking, trusting};
use crate::common::{Client, PATIENCE, TestServer, Way, descriptors, random_bytes, wait_until};
use packetboat::{TlsConfig, TlsIdentity};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ClientConnection};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// Handshakes that are left half done.
const CROWD: usize = 500;
/// Sessions under TLS whose memory is measured.
const IDLE: usize = 1000;
/// What an idle session under TLS may hold; it holds 9, one in clear 1.
const SESSION_KIB: u64 = 32;
/// Records: what is wrong, and a handshake.
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;

fn server() -> TestServer {
    with_patience(Duration::from_secs(30))
}

/// A server that waits so long for a handshake.
fn with_patience(patience: Duration) -> TestServer {
    TestServer::with(|config| {
        config.tls = Some(TlsConfig::new(TlsIdentity::SelfSigned));
        config.listen_tls = vec!["127.0.0.1:0".parse().unwrap()];
        config.handshake_timeout = patience;
    })
}

/// A connection that is to begin a handshake: at once, or behind AUTH.
fn beginning(server: &TestServer, implicit: bool) -> TcpStream {
    let address = if implicit { server.implicit() } else { server.v4() };
    let mut client = Client::unseen(TcpStream::connect(address).unwrap());
    if !implicit {
        client.expect_reply(220);
        client.expect(234, "AUTH TLS");
    }
    let stream = client.stream.try_clone().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn hello(config: &Arc<ClientConfig>) -> Vec<u8> {
    let name = "localhost".try_into().unwrap();
    let mut connection = ClientConnection::new(Arc::clone(config), name).unwrap();
    let mut hello = Vec::new();
    connection.write_tls(&mut hello).unwrap();
    hello
}

/// A ClientHello as old clients say it: of this version, with these cipher suites.
fn old_hello(version: [u8; 2], suites: &[u16]) -> Vec<u8> {
    let suites: Vec<u8> = suites.iter().flat_map(|suite| suite.to_be_bytes()).collect();
    let mut body = [&version[..], &[7; 32], &[0]].concat();
    body.extend_from_slice(&u16::try_from(suites.len()).unwrap().to_be_bytes());
    body.extend_from_slice(&suites);
    body.extend_from_slice(&[1, 0]);
    // The curve P-256, and ECDSA with SHA-256: nothing but version and suites is to be wrong.
    let extensions = [0, 10, 0, 4, 0, 2, 0, 23, 0, 13, 0, 4, 0, 2, 4, 3];
    body.extend_from_slice(&[0, extensions.len() as u8]);
    body.extend_from_slice(&extensions);
    let message = [&[1, 0, 0, body.len() as u8][..], &body].concat();
    [&[HANDSHAKE, 3, 1, 0, message.len() as u8][..], &message].concat()
}

/// What the server says until it closes.
fn answer(stream: &mut TcpStream) -> Vec<u8> {
    let mut said = Vec::new();
    match stream.read_to_end(&mut said) {
        Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("{error}"),
        _ => said,
    }
}

// Alone.

#[test]
fn a_handshake_that_stops_half_way_ends_in_time() {
    let server = with_patience(Duration::from_secs(1));
    let hello = hello(&trusting());
    let said = [&hello[..0], &hello[..1], &hello[..hello.len() / 2], &hello[..]];
    let streams = [false, true].map(|implicit| {
        said.map(|bytes| {
            let mut stream = beginning(&server, implicit);
            stream.write_all(bytes).unwrap();
            stream
        })
    });
    for mut stream in streams.into_iter().flatten() {
        answer(&mut stream);
    }
    wait_until("all are gone", || server.counts().sessions == 0);
}

#[test]
fn a_handshake_by_drops_gets_no_more_time() {
    let server = with_patience(Duration::from_secs(1));
    let mut stream = beginning(&server, true);
    stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let mut left = hello(&trusting()).into_iter();
    // Each wait for an answer that doesn't come is the pause before the next drop.
    let ended = loop {
        let drop = left.next().expect("the server has long lost patience");
        if stream.write_all(&[drop]).is_err() {
            break true;
        }
        match stream.read(&mut [0]) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Ok(0) | Err(_) => break true,
            Ok(_) => break false,
        }
    };
    assert!(ended, "half a hello was answered");
}

#[test]
fn what_is_no_handshake_is_answered_by_an_alert_at_most() {
    let server = server();
    let random = random_bytes(11, 100_000);
    let modern = hello(&trusting());
    let sslv2 = [&[0x80, 0x2e, 1, 0, 2, 0, 0x15, 0, 0, 0, 0x10][..], &[7; 0x25]].concat();
    let everything: [&[u8]; 9] = [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"USER anonymous\r\nPASS x\r\n",
        &random,
        &[0; 20_000],
        &[HANDSHAKE; 20_000],
        &[HANDSHAKE, 3, 3, 255, 255],
        &[ALERT, 3, 3, 0, 2, 2, 40],
        &sslv2,
        &[&modern[..], b"and in clear"].concat(),
    ];
    for bytes in everything {
        for implicit in [true, false] {
            let mut stream = beginning(&server, implicit);
            // It may be closed before all is written.
            let _ = stream.write_all(bytes);
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let said = answer(&mut stream);
            let first = said.first().copied().unwrap_or(ALERT);
            let answered = bytes.starts_with(&modern) && first == HANDSHAKE;
            assert!(first == ALERT || answered, "{}", said.escape_ascii());
        }
    }
    wait_until("all are gone", || server.counts().sessions == 0);
}

#[test]
fn old_versions_and_weak_ciphers_are_refused_by_an_alert() {
    let server = server();
    const ECDSA_AES_GCM: u16 = 0xC02B;
    // Proof that the hello is good but for what it offers.
    let mut stream = beginning(&server, true);
    stream.write_all(&old_hello([3, 3], &[ECDSA_AES_GCM])).unwrap();
    let mut first = [0];
    stream.read_exact(&mut first).unwrap();
    assert_eq!(first, [HANDSHAKE]);

    const PROTOCOL_VERSION: u8 = 70;
    const HANDSHAKE_FAILURE: u8 = 40;
    let weak = [
        0x0000, 0x0001, // NULL
        0x0004, 0x0005, 0xC007, // RC4
        0x0003, 0x0008, // EXPORT
        0x000A, 0xC008, // 3DES
        0x002F, 0x0035, 0x009C, // RSA key exchange
        0x0033, 0x009E, // DHE
        0xC009, 0xC00A, 0xC023, // CBC
        0x0018, 0x006C, 0xC018, // anonymous
    ];
    for (version, suites, alert) in [
        ([3, 0], &[ECDSA_AES_GCM][..], PROTOCOL_VERSION),
        ([3, 1], &[ECDSA_AES_GCM], PROTOCOL_VERSION),
        ([3, 2], &[ECDSA_AES_GCM], PROTOCOL_VERSION),
        ([3, 3], &weak, HANDSHAKE_FAILURE),
    ] {
        let mut stream = beginning(&server, true);
        stream.write_all(&old_hello(version, suites)).unwrap();
        let said = answer(&mut stream);
        assert_eq!((said[0], said.last()), (ALERT, Some(&alert)), "{version:?}");
    }
}

#[test]
fn a_hello_without_end_is_not_listened_to_for_ever() {
    let server = server();
    let mut stream = beginning(&server, true);
    // A message of 16 MB is announced, and comes in records of 16 KB.
    let mut record = vec![HANDSHAKE, 3, 1, 0x40, 0];
    record.resize(5 + 0x4000, 0);
    record[5..9].copy_from_slice(&[1, 255, 255, 255]);
    for _ in 0..1024 {
        if stream.write_all(&record).is_err() {
            break;
        }
        record[5..9].fill(0);
    }
    answer(&mut stream);
    wait_until("it is gone", || server.counts().sessions == 0);
}

/// Each connection that had said half a ClientHello held 61 KiB, before any login.
#[test]
fn half_a_hello_of_more_than_16_kib_is_not_waited_for() {
    let server = server();
    for implicit in [true, false] {
        let mut stream = beginning(&server, implicit);
        let mut record = vec![HANDSHAKE, 3, 1, 0x40, 0];
        record.resize(5 + 0x4000, 0);
        record[5..9].copy_from_slice(&[1, 0, 0xF0, 0]);
        stream.write_all(&record).unwrap();
        assert_eq!(answer(&mut stream), b"");
    }
    wait_until("they are gone", || server.counts().sessions == 0);
}

// Under TLS.

#[test]
fn a_long_conversation_in_one_piece_is_answered_in_order() {
    const ROUNDS: usize = 20_000;
    for version in [&TLS12, &TLS13] {
        let server = server();
        let mut client = server.connect();
        client.secure(&Arc::new(speaking(&[version]).with_no_client_auth()));
        client.login();
        let sealed = client.stream.sealed(&b"NOOP\r\nSIZE none\r\nPWD\r\n".repeat(ROUNDS));
        let mut writing = client.stream.try_clone().unwrap();
        let writer = thread::spawn(move || writing.write_all(&sealed).unwrap());
        for _ in 0..ROUNDS {
            for code in [200, 550, 257] {
                client.expect_reply(code);
            }
        }
        writer.join().unwrap();
        client.expect_alive();
    }
}

#[test]
fn keys_may_change_at_any_time() {
    let server = server();
    server.write_zeros("large", 1 << 24);
    let mut client = server.connect();
    client.secure(&trusting());
    client.login();
    for _ in 0..20 {
        client.stream.tls().unwrap().refresh_traffic_keys().unwrap();
        client.expect_alive();
    }
    let mut data = client.data(Way::Epsv);
    client.begin("RETR large");
    data.read_exact(&mut [0; 1000]).unwrap();
    data.tls().unwrap().refresh_traffic_keys().unwrap();
    assert_eq!(client.retrieve_rest(&mut data).len(), (1 << 24) - 1000);
    let mut data = client.data(Way::Epsv);
    client.begin("STOR file");
    for _ in 0..20 {
        data.write_all(b"some ").unwrap();
        data.tls().unwrap().refresh_traffic_keys().unwrap();
    }
    drop(data);
    client.expect_reply(226);
    assert_eq!(server.read("file"), b"some ".repeat(20));
}

// By the hundred.

#[test]
fn a_crowd_of_half_done_handshakes_and_a_flood_of_garbage_leave_others_alone() {
    descriptors::raise_limit(2 * CROWD);
    // However slow the machine is, the crowd stays to the end.
    let server = with_patience(Duration::from_secs(3600));
    let content = random_bytes(12, 1_000_000);
    let hello = hello(&trusting());
    let mut busy = server.connect();
    busy.secure(&trusting());
    busy.login();
    let crowd: Vec<_> = (0..CROWD)
        .map(|at| {
            let mut stream = TcpStream::connect(server.implicit()).unwrap();
            stream.write_all(&hello[..hello.len() * (at % 3) / 2]).unwrap();
            stream
        })
        .collect();
    wait_until("all have come", || server.counts().sessions == CROWD + 1);
    let over = Arc::new(AtomicBool::new(false));
    let ending = Ending(Arc::clone(&over));
    let floods = [server.implicit(), server.v4()].map(|address| {
        let (over, hello) = (Arc::clone(&over), hello.clone());
        thread::spawn(move || flood(address, &hello, &over))
    });
    for round in 0..3 {
        let mut data = busy.data(Way::Epsv);
        busy.begin("STOR file");
        data.write_all(&content).unwrap();
        drop(data);
        busy.expect_reply(226);
        for _ in 0..20 {
            busy.expect_alive();
        }
        assert!(busy.retrieve("file", Way::Eprt) == content, "round {round}");
    }
    drop(ending);
    for flood in floods {
        assert!(flood.join().unwrap() > 0, "there was no flood");
    }
    wait_until("the crowd alone is left", || server.counts().sessions == CROWD + 1);
    drop(crowd);
}

/// Ends the flood, also if the test fails: other tests would drown in it.
struct Ending(Arc<AtomicBool>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Comes again and again with garbage, or with half a handshake, behind AUTH where it has to; how
/// often.
fn flood(address: SocketAddr, hello: &[u8], over: &AtomicBool) -> usize {
    let mut times = 0;
    let garbage = random_bytes(13, 20_000);
    while !over.load(Ordering::Relaxed) {
        for bytes in [&garbage[..], hello] {
            let Ok(mut stream) = TcpStream::connect(address) else { continue };
            // Refused at once by the one, and by the other as what stands behind AUTH.
            let _ = stream.write_all(b"AUTH TLS\r\n");
            let _ = stream.write_all(bytes);
            times += 1;
        }
    }
    times
}

#[test]
fn whoever_waits_for_a_handshake_costs_nothing_meanwhile() {
    descriptors::raise_limit(2 * CROWD);
    let folder = tempfile::tempdir().unwrap();
    let words = ["--tls", "self-signed", "--data-timeout", "3", folder.path().to_str().unwrap()];
    let program = Program::start("", &words);
    let hello = hello(&trusting());
    let mut crowd: Vec<_> = (0..CROWD)
        .map(|at| {
            let mut client = Client::connect(program.address());
            client.expect(234, "AUTH TLS");
            client.send(&hello[..hello.len() * (at % 2) / 2]);
            client
        })
        .collect();
    let before = program.ticks();
    for client in &mut crowd {
        let _ = client.stream.read_to_end(&mut Vec::new());
    }
    // Hundredths of a second, of the seconds that they were waited for; a loop that spins takes all.
    let ticks = program.ticks() - before;
    assert!(ticks < 50, "{ticks}");
}

#[test]
fn an_idle_session_under_tls_takes_little_memory() {
    descriptors::raise_limit(2 * IDLE);
    for version in [&TLS12, &TLS13] {
        let folder = tempfile::tempdir().unwrap();
        let words = ["--tls", "self-signed", folder.path().to_str().unwrap()];
        let program = Program::start("", &words);
        let config = Arc::new(speaking(&[version]).with_no_client_auth());
        let come = || {
            let mut client = Client::connect(program.address());
            client.secure(&config);
            client.login();
            client
        };
        // What the first of all costs is not theirs.
        let _first = come();
        let before = program.memory();
        let clients: Vec<_> = (0..IDLE).map(|_| come()).collect();
        let taken = (program.memory() - before) * 1024 / IDLE as u64;
        println!("{version:?}: {taken} bytes a session");
        assert!(taken < SESSION_KIB * 1024, "{taken} bytes a session");
        drop(clients);
    }
}
