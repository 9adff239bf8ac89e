//! How many, how long, and how the server ends.

use crate::common::client::connect_from;
use crate::common::program::Program;
use crate::common::{Client, PATIENCE, TestServer, Way, stuck, wait_until};
use rustix::process::Signal;
use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

const SECOND: Duration = Duration::from_secs(1);

/// A connection that must be turned away.
fn expect_turned_away(stream: TcpStream) {
    let mut client = Client::unseen(stream);
    client.expect_reply(421);
    client.expect_close();
}

// How many.

#[test]
fn one_session_too_many_is_421_until_another_ends() {
    let server = TestServer::with(|config| config.max_sessions = 3);
    let mut clients: Vec<_> = (0..3).map(|_| server.client()).collect();
    expect_turned_away(TcpStream::connect(server.v4()).unwrap());
    expect_turned_away(TcpStream::connect(server.v6()).unwrap());
    clients.iter_mut().for_each(Client::expect_alive);
    clients.pop();
    wait_until("a place is free", || server.counts().sessions == 2);
    server.client();
}

#[test]
fn one_session_too_many_of_an_address_is_421_for_that_address() {
    let server = TestServer::with(|config| config.max_sessions_per_address = 2);
    let mut clients = [(); 2].map(|()| server.client());
    expect_turned_away(TcpStream::connect(server.v4()).unwrap());
    let mut others = [(); 2].map(|()| server.client_from("127.0.0.2"));
    expect_turned_away(connect_from([127, 0, 0, 2].into(), server.v4()));
    clients.iter_mut().chain(&mut others).for_each(Client::expect_alive);
    drop(clients);
    wait_until("two places are free", || server.counts().sessions == 2);
    server.client();
}

// How long.

#[test]
fn a_session_that_is_idle_for_too_long_is_421() {
    let server = TestServer::with(|config| config.idle_timeout = SECOND);
    let mut logged_in = server.client();
    let mut silent = server.connect();
    for client in [&mut logged_in, &mut silent] {
        client.expect_reply(421);
    }
    logged_in.expect_close();
    silent.expect_close();
}

/// What a program may set to say "never" was more than a clock can count.
#[test]
fn a_timeout_may_be_endless() {
    let server = TestServer::with(|config| {
        config.idle_timeout = Duration::MAX;
        config.data_timeout = Duration::MAX;
        config.stall_timeout = Duration::MAX;
        config.handshake_timeout = Duration::MAX;
        config.login_timeout = Duration::MAX;
        config.shutdown_grace = Duration::MAX;
    });
    server.write("file", "content");
    let mut client = server.client();
    for way in [Way::Epsv, Way::Eprt] {
        assert_eq!(client.retrieve("file", way), b"content");
    }
}

#[test]
fn half_a_command_now_and_then_does_not_keep_a_session() {
    let server = TestServer::with(|config| config.idle_timeout = SECOND);
    let mut client = server.client();
    client.send("NOO");
    client.expect_reply(421);
    client.expect_close();
}

/// One address held every place by a NOOP a minute.
#[test]
fn a_session_that_talks_and_does_not_log_in_is_421() {
    let server = TestServer::with(|config| config.login_timeout = SECOND);
    let (mut client, mut logged_in) = (server.connect(), server.client());
    loop {
        match client.command("NOOP") {
            (200, _) => {}
            (code, _) => break assert_eq!(code, 421),
        }
    }
    client.expect_close();
    logged_in.expect_alive();
}

#[test]
fn a_stor_is_not_idle() {
    let server = TestServer::with(|config| config.idle_timeout = SECOND);
    let mut busy = server.client();
    let mut data = busy.extended_passive();
    busy.begin("STOR file");
    let mut idle = server.connect();
    data.write_all(b"some").unwrap();
    idle.expect_reply(421);
    data.write_all(b" more").unwrap();
    drop(data);
    busy.expect_reply(226);
    busy.expect_alive();
}

#[test]
fn a_client_that_does_not_read_its_replies_to_help_is_closed() {
    let server = TestServer::with(|config| config.data_timeout = SECOND);
    let client = server.client();
    let mut stream = client.stream.try_clone().unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    // Ends when the server has closed, for then nobody takes it any more.
    while stream.write_all(&b"HELP\r\n".repeat(1000)).is_ok() {}
    wait_until("the session is closed", || server.counts().sessions == 0);
}

// How it ends.

#[test]
fn at_shutdown_idle_sessions_get_421_and_nobody_is_let_in() {
    let server = TestServer::start();
    let (mut anonymous, mut silent) = (server.client(), server.connect());
    server.shut_down();
    for client in [&mut anonymous, &mut silent] {
        client.expect_reply(421);
    }
    anonymous.expect_close();
    silent.expect_close();
    server.wait_for_end();
    assert!(TcpStream::connect(server.v4()).is_err());
}

#[test]
fn at_shutdown_retr_and_stor_may_end() {
    let server = TestServer::start();
    let mut reader = server.client();
    let mut download = stuck::download(&server, &mut reader);
    let mut writer = server.client();
    let mut upload = writer.active(Way::Eprt);
    writer.begin("STOR file");
    upload.write_all(b"begun, ").unwrap();
    server.shut_down();
    assert_eq!(reader.retrieve_rest(&mut download).len() as u64, stuck::LARGE - stuck::READ);
    upload.write_all(b"ended").unwrap();
    drop(upload);
    writer.expect_reply(226);
    for client in [&mut reader, &mut writer] {
        client.expect_reply(421);
    }
    server.wait_for_end();
    assert_eq!(server.read("file"), b"begun, ended");
}

#[test]
fn the_grace_of_a_retr_ends() {
    let server = TestServer::with(|config| config.shutdown_grace = SECOND);
    let mut reader = server.client();
    let _data = stuck::download(&server, &mut reader);
    server.shut_down();
    server.wait_for_end();
}

#[test]
fn a_second_shutdown_ends_a_retr_at_once() {
    // A grace that the test would not live to see the end of.
    let server = TestServer::with(|config| config.shutdown_grace = 100 * PATIENCE);
    let mut reader = server.client();
    let _data = stuck::download(&server, &mut reader);
    server.shut_down();
    server.shut_down_at_once();
    server.wait_for_end();
}

#[test]
fn the_program_ends_cleanly_by_a_signal() {
    for signal in [Signal::INT, Signal::TERM] {
        let folder = tempfile::tempdir().unwrap();
        let program = Program::start("", &[folder.path().to_str().unwrap()]);
        let mut client = program.client();
        program.signal(signal);
        client.expect_reply(421);
        client.expect_close();
        assert!(program.wait().success());
    }
}

#[test]
fn a_second_signal_ends_the_program_and_its_retr_at_once() {
    let folder = tempfile::tempdir().unwrap();
    fs::File::create(folder.path().join("large")).unwrap().set_len(stuck::LARGE).unwrap();
    let program = Program::start("", &[folder.path().to_str().unwrap()]);
    let (mut client, mut idle) = (program.client(), program.client());
    let data = client.extended_passive();
    client.begin("RETR large");
    program.signal(Signal::TERM);
    idle.expect_reply(421); // the first was heard, and two at once could be taken for one
    program.signal(Signal::TERM);
    assert!(program.wait().success());
    drop(data);
}

#[test]
fn when_descriptors_run_out_connections_wait_and_nobody_suffers() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start("ulimit -n 20", &[folder.path().to_str().unwrap()]);
    let mut first = program.client();
    let waiting: Vec<_> = (0..40).map(|_| TcpStream::connect(program.address()).unwrap()).collect();
    for _ in 0..100 {
        first.expect_alive();
    }
    let mut waiting = waiting.into_iter().map(Client::unseen);
    waiting.next().unwrap().expect_reply(220);
    drop(waiting); // but for these the next could not be let in
    let mut next = program.client();
    next.store("file", "content", Way::Epsv);
    assert_eq!(next.retrieve("file", Way::Eprt), b"content");
    first.expect_alive();
}

#[test]
fn when_descriptors_run_out_connections_after_epsv_wait_on_every_port() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start("ulimit -n 24", &[folder.path().to_str().unwrap()]);
    let mut clients = [(); 3].map(|()| program.client());
    let ports = clients.each_mut().map(Client::epsv);
    let filling: Vec<_> = (0..40).map(|_| TcpStream::connect(program.address()).unwrap()).collect();
    wait_until("descriptors run out", || program.descriptors() >= 20); // beside four listeners
    let data: Vec<_> = clients.iter().zip(ports).map(|(client, port)| client.dial(port)).collect();
    // Long enough for a try to accept them that fails.
    let tried = Instant::now() + Duration::from_millis(300);
    while Instant::now() < tried {
        clients[0].expect_alive();
    }
    drop(filling);
    for (client, mut data) in clients.iter_mut().zip(data) {
        client.begin("NLST");
        assert_eq!(client.retrieve_rest(&mut data), b"");
    }
}
