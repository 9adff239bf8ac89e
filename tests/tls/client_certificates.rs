//! Users who are known by the certificate of their client.

use super::fixtures::{VERSIONS, path};
use crate::common::certificates::{Authority, Certified};
use crate::common::program::Program;
use crate::common::stream::{speaking, trusting};
use crate::common::{Client, Stream, TestServer, Way};
use packetboat::{RequireTls, SessionReuse, TlsConfig, TlsIdentity};
use rcgen::{KeyPair, date_time_ymd};
use rustls::{ClientConfig, SupportedProtocolVersion};
use std::fs;
use std::io::Read;
use std::net::TcpStream;
use std::sync::Arc;
use tempfile::TempDir;

/// A client that shows a certificate.
fn certified(version: &'static SupportedProtocolVersion, shown: &Certified) -> Arc<ClientConfig> {
    let config = speaking(&[version]).with_client_auth_cert(shown.chain.clone(), shown.key());
    Arc::new(config.unwrap())
}

/// A server that knows its clients' authority, and users who have a certificate or both.
struct Known {
    authority: Authority,
    program: Program,
    _folder: TempDir,
}

impl Known {
    fn new(words: &[&str]) -> Known {
        let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
        let [ca, users, served] = ["ca", "users", "served"].map(|name| folder.path().join(name));
        fs::write(&ca, authority.pem()).unwrap();
        let both = crate::common::user("both", "write") + "certificate = \"both.example\"\n";
        let lines = "[users.alice]\ncertificate = \"alice.example\"\naccess = \"write\"\n"
            .to_owned()
            + &both
            + &crate::common::user("bob", "write");
        fs::write(&users, lines).unwrap();
        fs::create_dir(&served).unwrap();
        let own = ["--tls", "self-signed", "--tls-client-ca", path(&ca), "--users", path(&users)];
        let own = [&own[..], &["--anonymous", "write"]].concat();
        let program = Program::start("", &[&own[..], words, &[path(&served)]].concat());
        Known { authority, program, _folder: folder }
    }

    fn connect(&self, config: &Arc<ClientConfig>) -> Client {
        let mut client = Client::connect(self.program.address());
        client.secure(config);
        client
    }
}

#[test]
fn a_user_is_known_by_a_certificate_and_needs_no_password() {
    let known = Known::new(&["--tls-session-reuse", "require"]);
    for version in VERSIONS {
        for (name, user) in [("alice.example", "alice"), ("both.example", "both")] {
            let config = certified(version, &known.authority.certify(&[name]));
            // The second time its certificate comes from the session that is resumed.
            for _ in 0..2 {
                let mut client = known.connect(&config);
                client.expect(232, format!("USER {user}"));
                client.store("file", "content", Way::Epsv);
                assert_eq!(client.retrieve("file", Way::Eprt), b"content");
            }
        }
        let chained = known.authority.subordinate().certify(&["alice.example"]);
        known.connect(&certified(version, &chained)).expect(232, "USER alice");
    }
}

#[test]
fn a_certificate_is_good_for_its_own_user_only() {
    let known = Known::new(&[]);
    for version in VERSIONS {
        let config = certified(version, &known.authority.certify(&["alice.example"]));
        let mut client = known.connect(&config);
        for other in ["both", "bob", "nobody", "Alice"] {
            client.expect(331, format!("USER {other}"));
        }
        client.expect(530, "PASS wrong");
        client.login_as("bob", "secret");
        client.login_as("both", "secret");
        client.login();
        client.expect(232, "USER alice");
        // In clear it is nobody's any more.
        client.expect(200, "CCC");
        client.stream.leave_tls();
        client.expect(331, "USER alice");
    }
}

#[test]
fn without_a_certificate_there_is_pass() {
    let known = Known::new(&[]);
    let mut client = known.connect(&trusting());
    client.login_as("both", "secret");
    client.expect(331, "USER alice");
    client.expect(530, "PASS ");
    let mut clear = Client::connect(known.program.address());
    clear.login_as("both", "secret");
}

#[test]
fn certificates_of_others_and_expired_ones_are_refused() {
    let known = Known::new(&[]);
    let expired = |params: &mut rcgen::CertificateParams| {
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(2002, 1, 1);
    };
    let key = KeyPair::generate().unwrap();
    let old = known.authority.certify_with(&["alice.example"], key, expired);
    let foreign = Authority::new().certify(&["alice.example"]);
    for version in VERSIONS {
        // Which authority signed is known by a name that both have, so the signature is what is wrong.
        for (bad, alert) in [(&old, "CertificateExpired"), (&foreign, "DecryptError")] {
            let mut client = Client::connect(known.program.address());
            client.expect(234, "AUTH TLS");
            client.stream.secure(&certified(version, bad));
            let shaken = client.stream.shake_hands();
            let read = shaken.and_then(|()| client.stream.read(&mut [0; 10]));
            let error = read.expect_err("an alert").to_string();
            assert!(error.contains(alert), "{error}");
        }
    }
}

/// A thief at the client's address needs the client's certificate as well.
#[test]
fn a_data_connection_shows_the_certificate_of_its_control_connection() {
    for reuse in ["off", "prefer", "require"] {
        let known = Known::new(&["--tls-session-reuse", reuse]);
        for version in VERSIONS {
            let alice = certified(version, &known.authority.certify(&["alice.example"]));
            let mut client = known.connect(&alice);
            client.expect(232, "USER alice");
            client.store("file", "content", Way::Epsv);
            for thief in
                [certified(version, &known.authority.certify(&["both.example"])), trusting()]
            {
                let port = client.epsv();
                let mut data = Stream::clear(TcpStream::connect(port).unwrap());
                data.secure(&thief);
                client.begin("RETR file");
                let mut seen = Vec::new();
                let _ = data.read_to_end(&mut seen);
                client.expect_reply(425);
                assert_eq!(seen.escape_ascii().to_string(), "");
            }
            assert_eq!(client.retrieve("file", Way::Eprt), b"content");
        }
    }
}

/// What is asked for by no --tls-client-ca is not looked at.
#[test]
fn a_server_that_knows_no_authority_takes_no_certificate() {
    let server = TestServer::with(|config| {
        let mut tls = TlsConfig::new(TlsIdentity::SelfSigned);
        tls.session_reuse = SessionReuse::Require;
        tls.require = RequireTls::Data;
        config.tls = Some(tls);
    });
    let own = Authority::new().certify(&["alice.example"]);
    for version in VERSIONS {
        let mut client = server.connect();
        client.secure(&certified(version, &own));
        client.login();
        client.store("file", "content", Way::Epsv);
    }
}
