//! ALLO: a demand for room, and with `strict_allo` a promise.

use crate::common::{TestServer, Way, stuck};
use packetboat::PartialUploads;
use std::fs;
use std::os::unix::fs::MetadataExt;

#[test]
fn strict_allo_is_a_promise_that_stor_must_keep() {
    let server = TestServer::with(|config| {
        config.strict_allo = true;
        config.partial_uploads = PartialUploads::Discard;
    });
    let mut client = server.client();
    for length in [9, 11] {
        client.expect(200, "ALLO 10");
        let data = stuck::upload(&mut client, "STOR file", &vec![b'-'; length]);
        drop(data);
        client.expect_reply(426);
        assert!(server.names().is_empty());
    }
    client.expect(200, "ALLO 10");
    client.store("file", "0123456789", Way::Epsv);
    client.store("file", "of any length", Way::Epsv);
    assert_eq!(server.read("file"), b"of any length");
}

#[test]
fn strict_allo_counts_a_stor_of_another_length_as_cut_off() {
    let server = TestServer::with(|config| config.strict_allo = true);
    server.write("old", "old");
    let mut client = server.client();
    for name in ["old", "new"] {
        client.expect(200, "ALLO 10");
        drop(stuck::upload(&mut client, &format!("STOR {name}"), b"nine byte"));
        client.expect_reply(426);
    }
    assert_eq!(server.read("old"), b"old");
    assert_eq!(server.read("new"), b"nine byte");
}

#[test]
fn strict_allo_says_nothing_of_type_a() {
    let server = TestServer::with(|config| config.strict_allo = true);
    let mut client = server.client();
    client.expect(200, "TYPE A");
    client.expect(200, "ALLO 10");
    client.store("file", "a\r\n", Way::Epsv);
    assert_eq!(server.read("file"), b"a\n");
}

#[test]
fn allo_is_a_demand_for_room_and_no_promise() {
    let server = TestServer::start();
    let mut client = server.client();
    client.expect(452, format!("ALLO {}", u64::MAX));
    client.expect(200, "ALLO 10");
    client.store("file", "nine byte", Way::Epsv);
    assert_eq!(server.read("file"), b"nine byte");
}

#[test]
fn allo_reserves_what_stor_then_need_not_use() {
    let server = TestServer::start();
    let mut client = server.client();
    client.expect(200, "ALLO 1000000");
    client.store("file", "short", Way::Epsv);
    assert_eq!(server.read("file"), b"short");
    let blocks = fs::metadata(server.path("file")).unwrap().blocks();
    assert!(blocks * 512 < 1_000_000, "{blocks} blocks are still reserved");
    client.expect(452, format!("ALLO {}", u64::MAX));
    assert!(client.expect(213, "AVBL").parse::<u64>().is_ok());
}
