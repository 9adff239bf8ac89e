//! ABOR in every state of a transfer. How clients spell it stands in `telnet`.

use crate::common::client::port;
use crate::common::ports::deaf_listener;
use crate::common::{TestServer, Way, stuck, with_every_round};
use std::io::Read;

#[test]
fn abor_stops_a_retr_that_nobody_reads() {
    with_every_round(|server, _| {
        let mut client = server.client();
        let mut data = stuck::download(server, &mut client);
        client.expect(426, "ABOR");
        client.expect_reply(226);
        let _ = data.read_to_end(&mut Vec::new()); // it ends, in whatever way
        client.expect_alive();
        server.write("file", "content");
        assert_eq!(client.retrieve("file", Way::Epsv), b"content");
    });
}

/// The data connection takes whatever the server has, so a turn never ends for want of room there.
#[test]
fn stat_and_abor_are_heard_beside_a_retr_that_never_blocks() {
    let server = TestServer::with(|config| config.round_bytes = 1);
    server.write_zeros("large", stuck::LARGE);
    let mut client = server.client();
    let data = client.extended_passive();
    client.begin("RETR large");
    client.expect(211, "STAT");
    client.expect(426, "ABOR");
    client.expect_reply(226);
    drop(data);
}

#[test]
fn abor_stops_a_stor() {
    with_every_round(|server, _| {
        server.write("file", "old");
        let mut client = server.client();
        let data = stuck::upload(&mut client, "STOR file", b"some of the new");
        client.expect(426, "ABOR");
        client.expect_reply(226);
        drop(data);
        client.expect_alive();
        assert_eq!(server.read("file"), b"old");
    });
}

#[test]
fn abor_overtakes_what_waits_behind_retr() {
    let server = TestServer::start();
    let mut client = server.client();
    let data = stuck::download(&server, &mut client);
    client.send("SYST\r\nPWD\r\nABOR\r\n");
    for code in [426, 226, 215, 257] {
        client.expect_reply(code);
    }
    drop(data);
}

#[test]
fn abor_ends_the_wait_for_a_connection_after_epsv() {
    let server = TestServer::start();
    server.write("file", "content");
    let mut client = server.client();
    client.epsv();
    client.expect(150, "RETR file");
    client.expect(426, "ABOR");
    client.expect_reply(226);
    client.expect(425, "RETR file");
}

#[test]
fn abor_with_nothing_to_stop_is_226() {
    let server = TestServer::start();
    let mut client = server.client();
    client.expect(226, "ABOR");
    client.expect_alive();
    client.epsv();
    client.expect(226, "ABOR");
    client.expect(425, "LIST");
}

#[test]
fn abor_ends_the_wait_for_a_connection_by_port() {
    let server = TestServer::start();
    let (listener, _callers) = deaf_listener();
    let here = listener.local_addr().unwrap().as_socket().unwrap();
    let mut client = server.client();
    client.send(format!("{}\r\nNOOP\r\nABOR\r\n", port(here)));
    for code in [425, 226, 200] {
        client.expect_reply(code);
    }
}
