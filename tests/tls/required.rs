//! What the server demands of clients, and what clients demand of the server: TLS, its versions,
//! ALPN.

use super::fixtures::{authenticated, implicit, requiring};
use crate::common::stream::{speaking, trusting};
use crate::common::{Client, Stream, TestServer, Way, random_bytes, user};
use packetboat::RequireTls;
use rustls::ProtocolVersion;
use rustls::version::{TLS12, TLS13};
use std::fs;
use std::net::TcpStream;
use std::sync::Arc;

fn server() -> TestServer {
    requiring(RequireTls::Off)
}

// What is required.

#[test]
fn where_tls_is_required_user_is_refused_in_clear() {
    for required in [RequireTls::Login, RequireTls::Data] {
        let server = requiring(required);
        let mut client = server.connect();
        client.expect(530, "USER anonymous");
        client.expect(503, "PASS guest@");
        client.expect(234, "AUTH TLS");
        client.stream.secure(&trusting());
        client.login();
        client.expect(534, "CCC");
        client.expect(200, "PBSZ 0");
        let mut implicit = implicit(&server, &trusting());
        implicit.login();
        implicit.store("file", "content", Way::Epsv);
    }
}

#[test]
fn where_data_must_be_private_retr_stor_list_and_mlsd_are_refused_in_prot_c() {
    let server = requiring(RequireTls::Data);
    server.write("old", "as it was");
    let mut client = authenticated(&server);
    client.login();
    for line in ["LIST", "RETR old", "STOR old", "STOR new", "MLSD"] {
        let _data = client.data(Way::Epsv);
        client.expect(521, line);
    }
    assert_eq!(server.names(), ["old"]);
    assert_eq!(server.read("old"), b"as it was");
    client.expect(200, "PBSZ 0");
    client.expect(534, "PROT C");
    client.expect(200, "PROT P");
    client.private = Some(trusting());
    client.store("old", "content", Way::Epsv);
}

#[test]
fn a_user_may_be_asked_for_more_than_all_are() {
    let folder = tempfile::tempdir().unwrap();
    let users = folder.path().join("users.toml");
    let lines = [
        user("free", "write"),
        user("login", "write") + "require-tls = \"login\"\n",
        user("data", "write") + "require-tls = \"data\"\n",
    ];
    fs::write(&users, lines.concat()).unwrap();
    let program = crate::common::program::Program::start(
        "",
        &[
            "--tls",
            "self-signed",
            "--users",
            users.to_str().unwrap(),
            folder.path().to_str().unwrap(),
        ],
    );
    let mut clear = Client::connect(program.address());
    for name in ["login", "data"] {
        // No name is told apart before its password is known.
        clear.expect(331, format!("USER {name}"));
        clear.expect(530, "PASS secret");
    }
    clear.login_as("free", "secret");
    let mut secure = Client::connect(program.address());
    secure.secure(&trusting());
    secure.expect(200, "PROT C");
    secure.private = None;
    for (name, code) in [("login", 150), ("free", 150), ("data", 521)] {
        secure.login_as(name, "secret");
        let data = secure.data(Way::Epsv);
        let (said, text) = secure.command("NLST");
        assert!(said == code || said == 125 && code == 150, "{name}: {said} {text}");
        if code == 150 {
            drop(data);
            let (code, _) = secure.reply();
            assert!(code == 226 || code == 426);
        }
        secure.expect(if name == "free" { 200 } else { 534 }, "CCC");
        if name == "free" {
            secure.stream.leave_tls();
            secure.secure(&trusting());
            secure.expect(200, "PROT C");
            secure.private = None;
        }
    }
}

// Versions and protocols.

#[test]
fn both_versions_do_all_that_there_is() {
    let server = server();
    let content = random_bytes(5, 1_000_000);
    for (version, negotiated) in
        [(&TLS12, ProtocolVersion::TLSv1_2), (&TLS13, ProtocolVersion::TLSv1_3)]
    {
        let mut client = server.connect();
        client.secure(&Arc::new(speaking(&[version]).with_no_client_auth()));
        client.login();
        assert_eq!(client.stream.tls().unwrap().protocol_version(), Some(negotiated));
        for &way in Way::all(server.v4()) {
            client.store("file", &content, way);
            assert!(client.retrieve("file", way) == content);
            assert_eq!(client.list("NLST"), [b"file"]);
        }
    }
}

#[test]
fn protocols_may_be_named() {
    let server = server();
    server.write("file", "content");
    for named in [&[][..], &["ftp"], &["ftp-data"], &["http/1.1", "ftp"]] {
        let mut config = speaking(&[&TLS13]).with_no_client_auth();
        config.alpn_protocols = named.iter().map(|name| name.as_bytes().to_vec()).collect();
        let mut client = server.connect();
        client.secure(&Arc::new(config));
        client.login();
        let mut data = client.data(Way::Epsv);
        client.begin("RETR file");
        assert_eq!(client.retrieve_rest(&mut data), b"content");
        for stream in [&mut client.stream, &mut data] {
            let chosen = stream.tls().unwrap().alpn_protocol();
            assert_eq!(chosen, named.last().map(|name| name.as_bytes()));
        }
    }
}

#[test]
fn whoever_names_other_protocols_only_means_another_server() {
    let server = server();
    let mut config = speaking(&[&TLS13]).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let mut stream = Stream::clear(TcpStream::connect(server.implicit()).unwrap());
    stream.secure(&Arc::new(config));
    assert!(stream.shake_hands().unwrap_err().to_string().contains("NoApplicationProtocol"));
}
