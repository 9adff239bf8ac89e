//! Transfers that break: data connections that are reset or stand still, and clients that go away.

use crate::common::client::{read_to_end, reset};
use crate::common::{
    Client, TestServer, Way, random_bytes, stuck, under_tls, wait_until, with_every_round,
};
use std::io::{Read, Write};
use std::net::Shutdown;
use std::time::Duration;

#[test]
fn a_data_connection_that_is_reset_in_retr_is_426() {
    with_every_round(|server, _| {
        let mut client = server.client();
        reset(stuck::download(server, &mut client));
        client.expect_reply(426);
        client.expect_alive();
    });
}

#[test]
fn a_data_connection_that_is_reset_in_stor_is_426() {
    with_every_round(|server, _| {
        let mut client = server.client();
        reset(stuck::upload(&mut client, "STOR file", b"some bytes"));
        client.expect_reply(426);
        client.expect_alive();
    });
}

#[test]
fn a_data_connection_that_is_reset_before_retr_or_stor_is_told() {
    let server = TestServer::start();
    server.write_zeros("large", stuck::LARGE);
    let mut client = server.client();
    for line in ["RETR large", "STOR new"] {
        for way in [Way::Eprt, Way::Epsv] {
            reset(client.data(way));
            // The TLS handshake may have failed before the command.
            match client.command(line) {
                (125 | 150, _) => {
                    client.expect_reply(if under_tls() { 425 } else { 426 });
                }
                (code, _) => assert!(code == 425 && under_tls(), "{code}"),
            }
        }
    }
    assert_eq!(server.names(), ["large"]);
}

#[test]
fn retr_and_stor_that_stand_still_are_426() {
    let server = TestServer::with(|config| config.stall_timeout = Duration::from_secs(1));
    let mut client = server.client();
    let data = stuck::download(&server, &mut client);
    client.expect_reply(426);
    drop(data);
    let data = stuck::upload(&mut client, "STOR file", b"some bytes");
    client.expect_reply(426);
    drop(data);
    client.expect_alive();
}

#[test]
fn a_stor_that_makes_progress_may_outlast_the_stall_timeout() {
    let server = TestServer::with(|config| config.stall_timeout = Duration::from_secs(1));
    let mut client = server.client();
    let mut data = stuck::upload(&mut client, "STOR file", b"-");
    let begun = std::time::Instant::now();
    let mut sent = 1;
    while begun.elapsed() < Duration::from_millis(1500) {
        data.write_all(b"-").unwrap();
        sent += 1;
        client.wait_for_bytes(sent);
    }
    drop(data);
    client.expect_reply(226);
    assert_eq!(server.read("file").len(), sent);
}

#[test]
fn a_retr_of_a_file_that_is_cut_meanwhile_is_451() {
    let server = TestServer::start();
    let mut client = server.client();
    let mut data = stuck::download(&server, &mut client);
    server.write("large", "");
    let _ = data.read_to_end(&mut Vec::new());
    client.expect_reply(451);
}

// A client that goes away.

/// Cuts a transfer of one session off while another one's goes on, and sees that it is freed.
fn lost_in_mid_transfer(lose: impl Fn(Client), upload: bool) {
    with_every_round(|server, most| {
        let content = random_bytes(7, most);
        server.write("file", &content);
        let (mut client, mut other) = (server.client(), server.client());
        let others = other.extended_passive();
        other.begin("RETR file");
        let data = match upload {
            true => stuck::upload(&mut client, "STOR new", b"some bytes"),
            false => stuck::download(server, &mut client),
        };
        lose(client);
        wait_until("the lost session is gone", || server.counts().sessions == 1);
        let mut others = others;
        assert!(read_to_end(&mut others) == content);
        other.expect_reply(226);
        drop(data);
    });
}

#[test]
fn a_fin_on_the_control_connection_frees_a_retr() {
    lost_in_mid_transfer(drop, false);
}

#[test]
fn a_reset_of_the_control_connection_frees_a_retr() {
    lost_in_mid_transfer(Client::reset, false);
}

#[test]
fn a_reset_of_the_control_connection_frees_a_stor() {
    lost_in_mid_transfer(Client::reset, true);
}

#[test]
fn a_reset_behind_commands_that_wait_for_retr_is_noticed_as_well() {
    let server = TestServer::start();
    let mut client = server.client();
    let data = stuck::download(&server, &mut client);
    client.send("NOOP\r\n".repeat(2000)); // fills what may wait, so nothing is read any more
    client.reset();
    wait_until("the lost session is gone", || server.counts().sessions == 0);
    drop(data);
}

#[test]
fn a_client_that_said_quit_in_a_stor_may_leave_at_once() {
    let server = TestServer::start();
    let mut client = server.client();
    let mut data = client.extended_passive();
    client.begin("STOR file");
    client.send_line("QUIT");
    client.finish();
    data.write_all(b"content").unwrap();
    data.shutdown(Shutdown::Write).unwrap();
    client.expect_reply(226);
    client.expect_reply(221);
    client.expect_close();
    assert_eq!(server.read("file"), b"content");
}
