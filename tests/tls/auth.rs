//! Coming under TLS and leaving it again: AUTH, PBSZ, PROT, CCC, REIN, implicit TLS.

use super::fixtures::{authenticated, implicit, requiring};
use crate::common::stream::{speaking, trusting};
use crate::common::{Client, ROUNDS, TestServer, Way, wait_until};
use packetboat::{RequireTls, TlsConfig, TlsIdentity};
use rustls::version::{TLS12, TLS13};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

/// What a record begins with that tells what is wrong.
const ALERT: u8 = 21;

fn server() -> TestServer {
    requiring(RequireTls::Off)
}

/// The lines of FEAT that are about security.
fn features(client: &mut Client) -> Vec<String> {
    let known = ["AUTH", "CCC", "PBSZ", "PROT"];
    let text = client.expect(211, "FEAT");
    let lines = text.lines().map(|line| line.trim().to_owned());
    lines.filter(|line| known.iter().any(|word| line.starts_with(word))).collect()
}

// AUTH.

#[test]
fn auth_has_four_names_two_of_which_make_data_private() {
    let server = server();
    server.write("file", "content");
    for (name, private) in
        [("TLS", false), ("TLS-C", false), ("SSL", true), ("TLS-P", true), ("tls", false)]
    {
        let mut client = server.connect();
        client.expect(234, format!("AUTH {name}"));
        client.stream.secure(&trusting());
        client.login();
        client.private = private.then(trusting);
        assert_eq!(client.retrieve("file", Way::Epsv), b"content");
    }
}

#[test]
fn what_auth_does_not_know_changes_nothing() {
    let server = server();
    let mut client = server.connect();
    client.expect(504, "AUTH GSSAPI");
    client.expect(501, "AUTH");
    client.login();
    drop(client);
    let mut client = authenticated(&server);
    client.expect(503, "AUTH TLS");
    client.login();
}

#[test]
fn a_server_without_tls_knows_no_auth_pbsz_prot_or_ccc() {
    let server = TestServer::start();
    let mut client = server.connect();
    client.expect(502, "AUTH TLS");
    assert_eq!(features(&mut client), [""; 0]);
    for line in ["PBSZ 0", "PROT P", "CCC"] {
        let (code, _) = client.command(line);
        assert!(code == 502 || code == 503, "{line}: {code}");
    }
    client.login();
}

/// What was said in clear anybody may have said.
#[test]
fn behind_auth_all_begins_anew() {
    let server = server();
    fs::create_dir(server.path("folder")).unwrap();
    server.write("file", "content");
    let mut client = server.client();
    client.expect(250, "CWD folder");
    client.expect(350, "RNFR /file");
    let awaited = client.epsv();
    server.wait_for_leases(1);
    client.expect(234, "AUTH TLS");
    client.stream.secure(&trusting());
    client.expect(530, "PWD");
    server.wait_for_leases(0);
    client.expect(503, "PASS guest@");
    client.login();
    client.expect(503, "RNTO /other");
    assert!(client.expect(257, "PWD").starts_with("\"/\""));
    drop(TcpStream::connect(awaited));
    client.expect(425, "LIST");
    client.expect(331, "USER anonymous");
    client.expect(530, "PWD");
}

#[test]
fn a_user_named_before_auth_is_none_behind_it() {
    let server = server();
    let mut client = server.connect();
    client.expect(331, "USER anonymous");
    client.expect(234, "AUTH TLS");
    client.stream.secure(&trusting());
    client.expect(503, "PASS guest@");
}

#[test]
fn bytes_behind_auth_in_clear_are_refused_and_end_the_session() {
    for round in ROUNDS {
        let server = TestServer::with(|config| {
            config.round_bytes = round;
            config.handshake_timeout = Duration::from_secs(1);
            config.tls = Some(TlsConfig::new(TlsIdentity::SelfSigned));
        });
        for behind in ["USER anonymous\r\n", "NOOP\r\nNOOP\r\n", "NO", "\r\n", "\x16\x03\x01"] {
            let mut client = server.connect();
            client.send(format!("AUTH TLS\r\n{behind}"));
            let mut said = Vec::new();
            let _ = client.stream.read_to_end(&mut said);
            let said = String::from_utf8_lossy(&said);
            // A server that reads them one by one takes them for a bad handshake.
            let code = if round == 1 { "234 " } else { "421 " };
            let lines = said.matches("\r\n").count();
            assert!(said.starts_with(code) && lines == 1, "{behind:?}: {said}");
        }
        wait_until("they are gone", || server.counts().sessions == 0);
    }
}

#[test]
fn a_command_in_clear_behind_auth_ends_the_session() {
    let server = server();
    let mut client = server.connect();
    client.expect(234, "AUTH TLS");
    client.send("USER anonymous\r\n");
    let mut said = Vec::new();
    let _ = client.stream.read_to_end(&mut said);
    assert!(said.is_empty() || said[0] == ALERT, "{}", said.escape_ascii());
    wait_until("it is gone", || server.counts().sessions == 0);
}

// PBSZ and PROT.

#[test]
fn data_is_as_prot_says() {
    let server = server();
    server.write("file", "content");
    let mut client = authenticated(&server);
    client.login();
    client.expect(503, "PROT P");
    for (code, line) in [(501, "PBSZ"), (501, "PBSZ x"), (501, "PBSZ 4294967296")] {
        client.expect(code, line);
    }
    assert!(client.expect(200, "PBSZ 4096").contains("PBSZ=0"));
    for (code, line) in [(536, "PROT S"), (536, "PROT E"), (504, "PROT X"), (501, "PROT")] {
        client.expect(code, line);
    }
    assert_eq!(client.retrieve("file", Way::Epsv), b"content", "in clear at first");
    let config = trusting();
    for private in [true, false, true] {
        client.private = private.then(|| Arc::clone(&config));
        client.expect(200, if private { "PROT P" } else { "prot c" });
        for &way in Way::all(server.v4()) {
            client.store("new", "content", way);
            assert_eq!(client.retrieve("new", way), b"content");
        }
    }
}

#[test]
fn in_clear_pbsz_prot_and_ccc_are_refused() {
    let server = server();
    let mut client = server.client();
    for line in ["PBSZ 0", "PROT P", "PROT C", "CCC"] {
        client.expect(503, line);
    }
}

// CCC and REIN.

#[test]
fn ccc_leaves_tls_and_data_stays_private() {
    let server = server();
    let mut client = server.connect();
    client.secure(&trusting());
    client.login();
    for _ in 0..2 {
        client.expect(200, "CCC");
        client.stream.leave_tls();
        client.store("file", "content", Way::Epsv);
        assert_eq!(client.retrieve("file", Way::Eprt), b"content");
        client.expect(503, "PROT C");
        assert_eq!(features(&mut client), ["AUTH TLS", "PBSZ", "PROT"]);
        client.secure(&trusting());
        client.expect(530, "PWD");
        client.login();
    }
}

#[test]
fn what_is_said_behind_ccc_is_not_taken_for_what_was_said_under_tls() {
    let server = server();
    let mut client = server.connect();
    client.secure(&trusting());
    client.login();
    client.send("CCC\r\nDELE file\r\n");
    client.expect_reply(421);
    client.expect_close();
}

#[test]
fn rein_leaves_tls_as_well() {
    let server = server();
    let mut client = server.connect();
    client.secure(&trusting());
    client.login();
    client.reinitialise();
    client.login();
    client.store("file", "content", Way::Epsv);
}

// FEAT.

#[test]
fn feat_says_what_can_be_said_at_the_moment() {
    let server = server();
    let mut client = server.connect();
    assert_eq!(features(&mut client), ["AUTH TLS", "PBSZ", "PROT"]);
    client.expect(234, "AUTH TLS");
    client.stream.secure(&trusting());
    assert_eq!(features(&mut client), ["CCC", "PBSZ", "PROT"]);
    let mut implicit = implicit(&server, &trusting());
    assert_eq!(features(&mut implicit), ["PBSZ", "PROT"]);
    drop((client, implicit, server));
    let server = requiring(RequireTls::Login);
    let mut client = authenticated(&server);
    client.expect(534, "CCC");
    assert_eq!(features(&mut client), ["PBSZ", "PROT"]);
}

// Implicit TLS.

#[test]
fn implicit_tls_is_there_from_the_first_byte_and_private_throughout() {
    let server = server();
    for version in [&TLS12, &TLS13] {
        let config = Arc::new(speaking(&[version]).with_no_client_auth());
        let mut client = implicit(&server, &config);
        client.login();
        for &way in Way::all(server.v4()) {
            client.store("file", "content", way);
            assert_eq!(client.retrieve("file", way), b"content");
        }
        client.expect(534, "CCC");
        client.expect(503, "AUTH TLS");
        client.expect(200, "PBSZ 0");
        client.expect(200, "PROT P");
        client.expect(220, "REIN");
        client.login();
        client.expect(221, "QUIT");
        client.expect_close();
    }
}

#[test]
fn implicit_tls_greets_nobody_in_clear() {
    let server = server();
    let mut stream = TcpStream::connect(server.implicit()).unwrap();
    stream.write_all(b"USER anonymous\r\nPASS x\r\n").unwrap();
    let mut said = Vec::new();
    let _ = stream.read_to_end(&mut said);
    assert!(said.is_empty() || said[0] == ALERT, "{}", said.escape_ascii());
    wait_until("it is gone", || server.counts().sessions == 0);
}
