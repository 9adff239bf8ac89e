//! Clients that hang up behind their data, without QUIT, as ffmpeg and cameras do: a FIN on the control
//! connection takes nothing back that was sent before it.

use crate::common::client::reset;
use crate::common::{Client, TestServer, stuck, wait_until};
use packetboat::PartialUploads;
use std::io::Write;
use std::time::Duration;

/// Stores in two pieces, with the FIN of the control connection between them.
fn hang_up_amid(client: &mut Client, line: &str) {
    let mut data = stuck::upload(client, line, b"before, ");
    client.finish();
    data.write_all(b"after").unwrap();
    drop(data);
}

#[test]
fn a_new_file_is_whole_whose_client_hung_up_in_its_stor() {
    for partial_uploads in [PartialUploads::Keep, PartialUploads::Discard] {
        let server = TestServer::with(|config| config.partial_uploads = partial_uploads);
        for line in ["STOR new", "APPE appended"] {
            let mut client = server.client();
            hang_up_amid(&mut client, line);
            client.expect_reply(226);
            client.expect_close();
        }
        assert_eq!(server.read("new"), b"before, after");
        assert_eq!(server.read("appended"), b"before, after");
    }
}

#[test]
fn an_old_file_stays_whose_client_hung_up_in_its_stor() {
    let server = TestServer::start();
    server.write("file", "old");
    let mut client = server.client();
    hang_up_amid(&mut client, "STOR file");
    client.expect_reply(426);
    client.expect_close();
    assert_eq!(server.read("file"), b"old");
    assert_eq!(server.names(), ["file"]);
}

#[test]
fn replace_on_hangup_replaces_an_old_file() {
    let server = TestServer::with(|config| config.replace_on_hangup = true);
    server.write("file", "old");
    let mut client = server.client();
    hang_up_amid(&mut client, "STOR file");
    client.expect_reply(226);
    client.expect_close();
    assert_eq!(server.read("file"), b"before, after");
}

#[test]
fn a_stor_that_is_reset_behind_a_hang_up_is_cut_off() {
    let server = TestServer::with(|config| config.partial_uploads = PartialUploads::Discard);
    let mut client = server.client();
    let data = stuck::upload(&mut client, "STOR file", b"some bytes");
    client.finish();
    reset(data);
    client.expect_reply(426);
    client.expect_close();
    assert!(server.names().is_empty());
}

#[test]
fn a_stor_that_stands_still_behind_a_hang_up_is_freed() {
    let server = TestServer::with(|config| config.data_timeout = Duration::from_secs(1));
    let mut client = server.client();
    let data = stuck::upload(&mut client, "STOR file", b"some bytes");
    drop(client);
    wait_until("the session is gone", || server.counts().sessions == 0);
    drop(data);
}

/// Whoever closes both at once has sent all: it was lost as often as the FIN was seen first.
#[test]
fn a_client_that_closes_all_behind_its_stor_has_stored() {
    let server = TestServer::start();
    for number in 0..50 {
        let name = number.to_string();
        let mut client = server.client();
        let mut data = client.extended_passive();
        client.begin(format!("STOR {name}"));
        data.write_all(&[b'n'; 20_000]).unwrap();
        drop(data);
        client.finish();
        wait_until("the file is there", || {
            server.exists(&name) && server.read(&name).len() == 20_000
        });
    }
}
