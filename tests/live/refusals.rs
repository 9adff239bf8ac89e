//! Refused transfers, and data connections that are given up: the reply is heard, and what was agreed
//! for the data connection stays.

use crate::common::{TestServer, Way};
use std::io::{Read, Write};

/// lynx asks `RETR /folder`, then `LIST` by the same connection, and showed no folder of ours.
#[test]
fn a_list_behind_a_refused_retr_uses_the_same_data_connection() {
    let server = TestServer::start();
    std::fs::create_dir(server.path("folder")).unwrap();
    let mut client = server.client();
    for &way in Way::all(server.v4()) {
        let mut data = client.data(way);
        client.expect(550, "RETR folder");
        client.expect(550, "LIST missing");
        client.expect(550, "STOR folder");
        client.begin("NLST");
        assert_eq!(client.retrieve_rest(&mut data), b"folder\r\n");
    }
}

#[test]
fn a_passive_port_behind_a_refused_retr_is_still_awaited() {
    let server = TestServer::start();
    server.write("file", "content");
    let mut client = server.client();
    let address = client.epsv();
    client.expect(550, "RETR missing");
    client.expect(150, "RETR file");
    let mut data = client.dial(address);
    assert_eq!(client.retrieve_rest(&mut data), b"content");
}

/// Node's clients heard of a reset instead of the reply: the kernel sends one where a connection is
/// closed with something unread.
#[test]
fn a_stor_that_is_aborted_or_replaced_is_not_reset() {
    let server = TestServer::with(|config| config.round_bytes = 1);
    let mut client = server.client();
    for give_up in ["ABOR", "EPSV"] {
        let mut data = client.extended_passive();
        if give_up == "ABOR" {
            client.begin("STOR file");
        }
        data.write_all(&[b'n'; 100_000]).unwrap();
        client.send_line(give_up);
        if give_up == "ABOR" {
            client.expect_reply(426);
            client.expect_reply(226);
        } else {
            client.expect_reply(229);
        }
        // The server ends its side; what is unread of ours is thrown away.
        let end = (&*data).read_to_end(&mut Vec::new());
        assert!(end.is_ok(), "{give_up}: {end:?}");
    }
}
