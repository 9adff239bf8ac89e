//! Data connections under TLS: whose they are, how they begin, and how an upload must end.

use super::fixtures::{VERSIONS, forgetful, resuming, secure_client, server_with};
use crate::common::{Client, Stream, TestServer, Way, random_bytes, wait_until};
use packetboat::PartialUploads;
use packetboat::{TlsClose, TlsConfig, TlsIdentity};
use rustls::version::{TLS12, TLS13};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

const LARGE: u64 = 1 << 24;

/// Begins an upload and says some of it.
#[track_caller]
fn half_an_upload(client: &mut Client, line: &str, way: Way) -> Stream {
    let mut data = client.data(way);
    client.begin(line);
    data.write_all(b"some of it").unwrap();
    data.flush().unwrap();
    data
}

// How an upload ends.

#[test]
fn a_stor_that_ends_without_close_notify_is_cut_off_where_that_is_strict() {
    let server = server_with(|tls| tls.close = TlsClose::Strict);
    for version in VERSIONS {
        server.write("old", "as it was");
        let mut client = secure_client(&server, &resuming(version));
        for &way in Way::all(server.v4()) {
            for name in ["old", "new"] {
                half_an_upload(&mut client, &format!("STOR {name}"), way).truncate();
                client.expect_reply(426);
            }
            assert_eq!(server.read("old"), b"as it was");
            assert_eq!(server.read("new"), b"some of it", "for the client to resume");
            client.expect(350, "REST 10");
            client.put("STOR new", b", and the rest", way);
            assert_eq!(server.read("new"), b"some of it, and the rest");
            client.expect(250, "DELE new");
        }
    }
}

#[test]
fn a_stor_that_is_cut_off_is_discarded_where_that_is_wanted() {
    let server = TestServer::with(|config| {
        let mut tls = TlsConfig::new(TlsIdentity::SelfSigned);
        tls.close = TlsClose::Strict;
        config.tls = Some(tls);
        config.partial_uploads = PartialUploads::Discard;
    });
    for version in VERSIONS {
        let mut client = secure_client(&server, &resuming(version));
        half_an_upload(&mut client, "STOR new", Way::Epsv).truncate();
        client.expect_reply(426);
        assert_eq!(server.names(), [""; 0]);
    }
}

/// Every upload of Mono's FtpWebRequest and of pyfilesystem2 was refused.
#[test]
fn a_client_that_never_sends_close_notify_can_store() {
    let server = server_with(|_| {});
    for version in VERSIONS {
        server.write("old", "as it was");
        let mut client = secure_client(&server, &resuming(version));
        for &way in Way::all(server.v4()) {
            for name in ["old", "new"] {
                half_an_upload(&mut client, &format!("STOR {name}"), way).truncate();
                client.expect_reply(226);
                assert_eq!(server.read(name), b"some of it");
            }
        }
        half_an_upload(&mut client, "STOR old", Way::Pasv).reset();
        client.expect_reply(426);
    }
}

#[test]
fn a_client_that_has_sent_close_notify_is_cut_off_without() {
    let server = server_with(|_| {});
    for version in VERSIONS {
        let mut client = secure_client(&server, &resuming(version));
        client.store("old", "as it was", Way::Pasv);
        for _ in 0..2 {
            half_an_upload(&mut client, "STOR old", Way::Pasv).truncate();
            assert!(client.expect_reply(426).contains("close_notify"));
            assert_eq!(server.read("old"), b"as it was");
        }
    }
}

/// aioftp and older clients in Go say nothing before their handshake is done: both sides waited.
#[test]
fn a_handshake_may_come_before_its_command() {
    let server = server_with(|_| {});
    server.write("file", "content");
    for version in VERSIONS {
        let mut client = secure_client(&server, &resuming(version));
        for &way in Way::all(server.v4()) {
            let mut data = client.data(way);
            data.shake_hands().unwrap();
            client.begin("RETR file");
            assert_eq!(client.retrieve_rest(&mut data), b"content");
            let mut data = client.data(way);
            data.shake_hands().unwrap();
            client.begin("STOR stored");
            data.write_all(b"content").unwrap();
            drop(data);
            client.expect_reply(226);
            assert_eq!(server.read("stored"), b"content");
        }
    }
}

/// basic-ftp ends an empty upload before its handshake is done, now and then.
#[test]
fn an_empty_stor_may_end_behind_its_handshake_or_in_place_of_it() {
    let server = server_with(|_| {});
    for version in VERSIONS {
        let mut client = secure_client(&server, &resuming(version));
        for beginning in [client_hello(), Vec::new()] {
            let mut data = TcpStream::connect(client.epsv()).unwrap();
            client.begin("STOR empty");
            data.write_all(&beginning).unwrap();
            data.shutdown(Shutdown::Write).unwrap();
            client.expect_reply(226);
            assert_eq!(server.read("empty"), b"");
            client.expect(250, "DELE empty");
            let mut data = TcpStream::connect(client.epsv()).unwrap();
            data.write_all(&beginning).unwrap();
            data.shutdown(Shutdown::Write).unwrap();
            client.begin("STOR empty");
            client.expect_reply(226);
            client.expect(250, "DELE empty");
        }
        let mut data = client.data(Way::Epsv);
        client.begin("STOR empty");
        data.shake_hands().unwrap();
        data.truncate();
        client.expect_reply(226);
        assert_eq!(server.read("empty"), b"");
        client.store("empty", "", Way::Epsv);
    }
}

/// ftp-deploy ends an empty file before its handshake is done, and then sends no close_notify, though
/// otherwise it does: 426, and the deployment was over.
#[test]
fn an_empty_stor_needs_no_close_notify_of_a_client_that_sends_it() {
    for (close, code) in [(TlsClose::Auto, 226), (TlsClose::Strict, 426)] {
        let server = server_with(|tls| tls.close = close);
        for version in VERSIONS {
            let mut client = secure_client(&server, &resuming(version));
            client.store("file", "content", Way::Epsv);
            let mut data = client.data(Way::Epsv);
            client.begin("STOR empty");
            data.shake_hands().unwrap();
            data.truncate();
            client.expect_reply(code);
        }
    }
}

/// Node's clients begin the handshake at once, and heard of a reset in place of the 550.
#[test]
fn a_refused_retr_does_not_reset_what_has_begun_a_handshake() {
    let server = server_with(|_| {});
    server.write("file", "content");
    let mut client = secure_client(&server, &resuming(&TLS13));
    let mut data = client.data(Way::Epsv);
    data.begin_handshake();
    client.expect(550, "RETR missing");
    data.shake_hands().unwrap();
    client.begin("RETR file");
    assert_eq!(client.retrieve_rest(&mut data), b"content");
}

#[test]
fn a_lenient_server_takes_a_fin_for_the_end_of_stor() {
    let server = server_with(|tls| tls.close = TlsClose::Lenient);
    for version in VERSIONS {
        server.write("old", "as it was");
        let mut client = secure_client(&server, &resuming(version));
        for name in ["old", "new"] {
            half_an_upload(&mut client, &format!("STOR {name}"), Way::Pasv).truncate();
            client.expect_reply(226);
            assert_eq!(server.read(name), b"some of it");
        }
        half_an_upload(&mut client, "STOR old", Way::Pasv).reset();
        client.expect_reply(426);
        assert_eq!(server.read("old"), b"some of it");
    }
}

/// A record of which a part is missing ends nothing, however it stops.
#[test]
fn a_stor_that_ends_within_a_record_is_cut_off() {
    for close in [TlsClose::Auto, TlsClose::Strict, TlsClose::Lenient] {
        let server = server_with(|tls| tls.close = close);
        server.write("old", "as it was");
        for version in VERSIONS {
            let mut client = secure_client(&server, &resuming(version));
            let mut data = half_an_upload(&mut client, "STOR old", Way::Epsv);
            let record = data.sealed(&[b'x'; 10_000]);
            (&*data).write_all(&record[..5000]).unwrap();
            data.truncate();
            client.expect_reply(426);
            assert_eq!(server.read("old"), b"as it was");
        }
    }
}

#[test]
fn what_comes_behind_close_notify_is_no_part_of_a_stor() {
    let server = server_with(|_| {});
    for version in VERSIONS {
        let mut client = secure_client(&server, &resuming(version));
        let mut data = half_an_upload(&mut client, "STOR file", Way::Epsv);
        let tls = data.tls().unwrap();
        tls.send_close_notify();
        let mut last = Vec::new();
        tls.write_tls(&mut last).unwrap();
        (&*data).write_all(&[&last[..], b"in clear"].concat()).unwrap();
        client.expect_reply(226);
        assert_eq!(server.read("file"), b"some of it");
    }
}

/// A kernel that closes with something unread sends a reset, and what was written is lost: so
/// nothing may be sent to a client that only writes, but what it waits for.
#[test]
fn a_client_that_reads_nothing_in_its_stor_is_not_cut_off() {
    let server = server_with(|_| {});
    let content = random_bytes(3, 300_000);
    for version in VERSIONS {
        for config in [forgetful(version), resuming(version)] {
            let mut client = secure_client(&server, &config);
            for _ in 0..10 {
                let mut data = client.data(Way::Epsv);
                client.begin("STOR file");
                data.write_all(&content).unwrap();
                drop(data);
                client.expect_reply(226);
                assert!(server.read("file") == content);
                client.expect(250, "DELE file");
            }
        }
    }
}

/// The same the other way round: the client's close_notify would stand unread when the server
/// closes.
#[test]
fn a_client_that_ends_its_side_of_a_retr_first_gets_all_of_it() {
    let server = server_with(|_| {});
    // More than the kernel's buffers hold, so that the server is not done when the client is.
    server.write_zeros("large", LARGE);
    for version in VERSIONS {
        let mut client = secure_client(&server, &resuming(version));
        for &way in Way::all(server.v4()) {
            let mut data = client.data(way);
            client.begin("RETR large");
            data.shutdown(Shutdown::Write).unwrap();
            assert_eq!(client.retrieve_rest(&mut data).len() as u64, LARGE);
        }
    }
}

// How it begins.

/// What is no TLS, and what stops in the midst of a handshake.
fn bad_beginnings() -> Vec<Vec<u8>> {
    let hello = client_hello();
    vec![
        b"in clear\r\n".repeat(1000),
        vec![0; 100],
        vec![22, 3, 1, 255, 255],
        [&hello[..], b"\x17\x03\x03\x00\x02no"].concat(),
        hello[..hello.len() / 2].to_vec(),
        hello,
        Vec::new(),
    ]
}

fn client_hello() -> Vec<u8> {
    let config = forgetful(&TLS13);
    let mut connection = rustls::ClientConnection::new(config, "x".try_into().unwrap()).unwrap();
    let mut hello = Vec::new();
    connection.write_tls(&mut hello).unwrap();
    hello
}

#[test]
fn a_data_connection_that_does_not_come_under_tls_is_425_and_changes_nothing() {
    let server = server_with(|tls| tls.close = TlsClose::Strict);
    server.write("old", "as it was");
    let mut client = secure_client(&server, &resuming(&TLS13));
    for beginning in bad_beginnings() {
        for line in ["STOR old", "STOR new", "RETR old"] {
            let mut data = TcpStream::connect(client.epsv()).unwrap();
            client.begin(line);
            data.write_all(&beginning).unwrap();
            // It may be closed before all is said.
            let _ = data.shutdown(Shutdown::Write);
            client.expect_reply(425);
            assert_eq!(server.names(), ["old"]);
            assert_eq!(server.read("old"), b"as it was");
        }
    }
    client.store("old", "content", Way::Epsv);
}

#[test]
fn a_handshake_of_a_data_connection_that_stops_half_way_ends_in_time() {
    let server = TestServer::with(|config| {
        config.tls = Some(TlsConfig::new(TlsIdentity::SelfSigned));
        config.handshake_timeout = Duration::from_secs(1);
    });
    server.write("old", "as it was");
    let mut client = secure_client(&server, &resuming(&TLS13));
    let hello = client_hello();
    for said in [&hello[..0], &hello[..hello.len() / 2], &hello[..]] {
        let mut data = TcpStream::connect(client.epsv()).unwrap();
        client.begin("STOR old");
        data.write_all(said).unwrap();
        client.expect_reply(425);
        assert_eq!(server.read("old"), b"as it was");
    }
    client.store("old", "content", Way::Epsv);
}

#[test]
fn a_handshake_of_a_data_connection_can_be_given_up_by_abor_and_quit() {
    let server = server_with(|tls| tls.close = TlsClose::Strict);
    server.write("old", "as it was");
    let half_way = |client: &mut Client| {
        let mut data = TcpStream::connect(client.epsv()).unwrap();
        client.begin("STOR old");
        data.write_all(&client_hello()).unwrap();
        data
    };
    let mut client = secure_client(&server, &resuming(&TLS12));
    let _aborted = half_way(&mut client);
    client.expect(426, "ABOR");
    client.expect_reply(226);
    let mut quitting = secure_client(&server, &resuming(&TLS13));
    let data = half_way(&mut quitting);
    quitting.send("QUIT\r\n");
    drop(data);
    quitting.expect_reply(425);
    quitting.expect_reply(221);
    let mut leaving = secure_client(&server, &resuming(&TLS13));
    let _data = half_way(&mut leaving);
    leaving.reset();
    wait_until("they are gone", || server.counts().sessions == 1);
    client.expect_alive();
    assert_eq!(server.names(), ["old"]);
    assert_eq!(server.read("old"), b"as it was");
}

#[test]
fn a_reset_in_mid_stor_is_426() {
    let server = server_with(|_| {});
    for version in VERSIONS {
        let mut client = secure_client(&server, &resuming(version));
        half_an_upload(&mut client, "STOR new", Way::Epsv).reset();
        client.expect_reply(426);
        client.store("new", "content", Way::Epsv);
        client.expect(250, "DELE new");
    }
}

#[test]
fn a_client_that_takes_no_more_of_a_retr_gets_426() {
    let server = server_with(|_| {});
    server.write_zeros("large", LARGE);
    for version in VERSIONS {
        let mut client = secure_client(&server, &resuming(version));
        let mut data = client.data(Way::Epsv);
        client.begin("RETR large");
        data.read_exact(&mut [0; 1000]).unwrap();
        drop(data);
        client.expect_reply(426);
        client.expect_alive();
    }
}
