//! Whatever bytes come on the control connection: a reply or a clean close, and nobody else
//! notices.

use crate::common::program::Program;
use crate::common::{Chance, Client, ROUNDS, TestServer, Way, wait_until};
use std::io::Read;
use std::net::{Shutdown, TcpStream};
use std::thread;

const MIB: usize = 1 << 20;

#[test]
fn a_megabyte_without_a_line_end_is_one_500() {
    for round in [512, 1 << 20] {
        let server = TestServer::with(|config| config.round_bytes = round);
        let (mut client, mut other) = (server.client(), server.client());
        client.send(vec![b'x'; MIB]);
        client.expect_reply(500);
        other.expect_alive();
        client.send("\r\n");
        client.expect_alive();
    }
}

#[test]
fn endless_lines_take_no_memory() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start("", &[folder.path().to_str().unwrap()]);
    let mut clients = [(); 8].map(|()| program.client());
    let before = program.memory();
    for client in &mut clients {
        client.send(vec![b'x'; 4 * MIB]);
        client.expect_reply(500);
    }
    for client in &mut clients {
        client.send("\r\n");
        client.expect_alive();
    }
    let grown = program.memory().saturating_sub(before);
    assert!(grown < 4096, "{grown} KiB");
}

#[test]
fn replies_to_help_that_nobody_reads_take_no_memory_and_all_arrive() {
    const COMMANDS: usize = 20_000;
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start("", &[folder.path().to_str().unwrap()]);
    let (mut client, mut other) = (program.client(), program.client());
    let before = program.memory();
    let commands = client.stream.sealed(&b"HELP\r\n".repeat(COMMANDS));
    let mut writing = client.stream.try_clone().unwrap();
    let writer = thread::spawn(move || {
        std::io::Write::write_all(&mut writing, &commands).unwrap();
    });
    for _ in 0..100 {
        other.expect_alive();
    }
    let grown = program.memory().saturating_sub(before);
    assert!(grown < 4096, "{grown} KiB");
    for _ in 0..COMMANDS {
        client.expect_reply(214);
    }
    writer.join().unwrap();
    client.expect_alive();
}

#[test]
fn thousands_of_commands_at_once_are_answered_in_order() {
    for round in ROUNDS {
        let server = TestServer::with(|config| config.round_bytes = round);
        let mut client = server.client();
        client.send("NOOP\r\nSYST\r\n".repeat(3000));
        for _ in 0..3000 {
            client.expect_reply(200);
            client.expect_reply(215);
        }
    }
}

#[test]
fn a_nul_a_lone_cr_and_a_lone_lf_make_a_line_that_is_not_executed() {
    let server = TestServer::start();
    let mut client = server.client();
    for line in [
        &b"MKD a\0\r\n"[..],
        b"\0\r\n",
        b"MKD a\nMKD b\r\n",
        b"MKD a\rMKD b\r\n",
        b"MKD a\r\r\n",
        b"\n\r\n",
        b"MKD a\n\r\n",
    ] {
        client.send(line);
        client.expect_reply(500);
        client.expect_alive();
    }
    assert!(server.names().is_empty());
}

#[test]
fn a_line_without_its_crlf_is_not_answered() {
    let server = TestServer::start();
    for incomplete in ["NOOP", "NOOP\r", "NOOP\n", "NOOP\rNOOP\n"] {
        let mut client = server.client();
        client.send(incomplete);
        client.finish();
        client.expect_close();
    }
}

#[test]
fn telnet_commands_are_passed_over() {
    let server = TestServer::start();
    let mut client = server.client();
    for line in [
        &b"\xff\xfb\x01NOOP\r\n"[..],
        b"\xff\xfa\x18\x01\xff\xf0NOOP\r\n",
        b"\xff\xf4\xff\xf2NOOP\r\n",
    ] {
        client.send(line);
        client.expect_reply(200);
    }
    client.send(b"\xff");
    client.send(b"\xff\r\n");
    client.expect_reply(500);
    client.send(b"\xff\xfa never ended".repeat(10_000));
    client.send(b"\xff\xf0NOOP\r\n");
    client.expect_reply(200);
}

/// Names in cp1251 lost the letter behind each 255, or were cut there.
#[test]
fn mkd_takes_a_byte_255_as_it_comes() {
    let server = TestServer::start();
    let mut client = server.client();
    for name in [&b"\xff\xf0\xeb"[..], b"\xe4\xff\xfc", b"\xff\xfa", b"\xec\xff"] {
        client.send([b"MKD ", name, b"\r\n"].concat());
        client.expect_reply(257);
        assert!(server.exists(name), "{}", name.escape_ascii());
    }
}

/// What a browser sends for a web page held `DELE` behind the header, and was obeyed.
#[test]
fn a_web_page_cannot_delete() {
    let server = TestServer::start();
    server.write("precious", "");
    let mut client = server.connect();
    client.send("POST / HTTP/1.1\r\nHost: x\r\n\r\nUSER anonymous\r\nPASS x\r\nDELE precious\r\n");
    client.expect_reply(421);
    client.expect_close();
    let mut client = server.connect();
    client.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03");
    client.expect_reply(421);
    client.expect_close();
    assert!(server.exists("precious"));
}

#[test]
fn mkd_size_and_rmd_take_a_name_that_is_not_utf_8() {
    let server = TestServer::start();
    let mut client = server.client();
    client.expect(550, b"SIZE \xc3\x28\xfe\xff");
    client.expect(257, b"MKD \xc3\x28\xfe\xff");
    client.expect(250, b"RMD \xc3\x28\xfe\xff");
    client.expect(331, b"USER \xc3\x28\xfe\xff");
    let mut client = server.client();
    client.expect(500, b"\xc3\x28\xfe\xff");
}

#[test]
fn arguments_of_4_kb_are_answered() {
    let server = TestServer::start();
    let argument = "x".repeat(4096);
    for (code, verb) in [
        (553, "RETR"),
        (553, "STOR"),
        (553, "SIZE"),
        (553, "MDTM"),
        (553, "CWD"),
        (553, "MKD"),
        (553, "RMD"),
        (553, "DELE"),
        (553, "RNFR"),
        (553, "LIST"),
        (501, "TYPE"),
        (501, "PORT"),
        (501, "EPRT"),
        (501, "EPSV"),
        (501, "REST"),
        (501, "ALLO"),
        (504, "HELP"),
        (504, "SITE"),
        (501, "OPTS"),
        (200, "NOOP"),
        (331, "USER"),
    ] {
        let mut client = server.client();
        let _data = client.extended_passive();
        client.expect(code, format!("{verb} {argument}"));
        client.expect_alive();
    }
    let mut client = server.client();
    let deep = "x/".repeat(2048);
    client.expect(550, format!("CWD {deep}"));
    client.expect(250, format!("CWD {}", "/".repeat(4096)));
    client.expect(250, format!("CWD {}", "../".repeat(1300)));
    client.expect(553, format!("STAT {}", "*".repeat(4000)));
}

#[test]
fn pass_may_be_anything() {
    let server = TestServer::with_users(|_| {});
    let mut client = server.connect();
    client.expect(331, "USER reader");
    client.expect(530, ["PASS ".as_bytes(), &[0xFE; 4096]].concat());
    client.login_as("reader", "secret");
}

#[test]
fn a_session_byte_by_byte() {
    for round in ROUNDS {
        let server = TestServer::with(|config| config.round_bytes = round);
        server.write("file", "content");
        let mut client = server.connect();
        let mut says = |line: &str, code: u16| {
            for byte in line.bytes().chain(*b"\r\n") {
                client.send([byte]);
            }
            client.expect_reply(code);
        };
        says("USER anonymous", 331);
        says("PASS guest@", 230);
        says("SIZE file", 213);
        says("STAT file", 213);
        says("QUIT", 221);
        client.expect_close();
    }
}

#[test]
fn two_hundred_silent_connections_disturb_nobody() {
    let server = TestServer::start();
    let silent: Vec<_> = (0..200).map(|_| TcpStream::connect(server.v4()).unwrap()).collect();
    let mut client = server.client();
    client.store("file", "content", Way::Epsv);
    assert_eq!(client.retrieve("file", Way::Eprt), b"content");
    wait_until("all are let in", || server.counts().sessions == 201);
    drop(silent);
    client.expect_alive();
}

#[test]
fn clients_that_leave_between_user_and_quit_leave_nothing() {
    let server = TestServer::start();
    let session = "USER anonymous\r\nPASS x\r\nEPSV\r\nSTOR file\r\nABOR\r\nQUIT\r\n";
    for end in 0..session.len() {
        let mut client = Client::unseen(TcpStream::connect(server.v4()).unwrap());
        client.send(&session[..end]);
        if end % 2 == 0 {
            client.reset();
        }
    }
    wait_until("all are gone", || server.counts().sessions == 0);
    assert!(server.names().is_empty());
}

#[test]
fn a_fin_behind_mkd_does_not_take_it_back() {
    for round in ROUNDS {
        let server = TestServer::with(|config| config.round_bytes = round);
        let mut client = server.connect();
        client.send("USER anonymous\r\nPASS x\r\nMKD made\r\nPWD\r\n");
        client.finish();
        for code in [331, 230, 257, 257] {
            client.expect_reply(code);
        }
        client.expect_close();
        assert_eq!(server.names(), ["made"]);
    }
}

#[test]
fn random_bytes_get_replies_or_a_close() {
    let server = TestServer::start();
    let mut other = server.client();
    for seed in 1..=50 {
        let mut random = Chance::new(seed);
        let length = random.below(20_000) as usize;
        let mut bytes = random.bytes(length);
        // Line ends are rare in noise; without them it is only one long line.
        for _ in 0..length / 50 {
            let at = random.below(length as u64 - 1) as usize;
            bytes[at..at + 2].copy_from_slice(b"\r\n");
        }
        let mut client = Client::unseen(TcpStream::connect(server.v4()).unwrap());
        client.send(&bytes);
        client.stream.shutdown(Shutdown::Write).unwrap();
        let replies = crate::common::client::read_to_end(&mut client.stream);
        assert!(replies.ends_with(b"\r\n"));
        other.expect_alive();
    }
}

/// Half a megabyte each, for as long as they like.
#[test]
fn retr_in_type_a_that_nobody_reads_takes_little_memory() {
    const CLIENTS: u64 = 20;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("lines"), vec![b'\n'; 8 * MIB]).unwrap();
    let program = Program::start("", &[folder.path().to_str().unwrap()]);
    let mut clients: Vec<_> = (0..CLIENTS).map(|_| program.client()).collect();
    let before = program.memory();
    let begin = |client: &mut Client| {
        client.expect(200, "TYPE A");
        let mut data = client.extended_passive();
        client.begin("RETR lines");
        data.read_exact(&mut [0; 1000]).unwrap();
        data
    };
    let _data: Vec<_> = clients.iter_mut().map(begin).collect();
    for client in &mut clients {
        client.expect(211, "STAT");
    }
    let grown = program.memory().saturating_sub(before) / CLIENTS;
    assert!(grown < 200, "{grown} KiB each");
}
