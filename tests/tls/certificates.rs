//! The certificates that the server shows: where they come from, which is chosen, how they are
//! reloaded.

use super::fixtures::path;
use crate::common::certificates::{Authority, rsa_key};
use crate::common::program::Program;
use crate::common::stream::trusting;
use crate::common::{Client, TestServer, Way, wait_until};
use packetboat::{TlsConfig, TlsIdentity, TlsPair};
use rcgen::{KeyPair, date_time_ymd};
use rustix::process::Signal;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::{ClientConfig, RootCertStore};
use std::fs;
use std::io::Read;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use tempfile::TempDir;

/// A client that trusts this authority, and nobody else.
fn trusting_only(authority: &Authority) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(authority.certificate().clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

/// The certificate that a server shows to who asks for this name.
fn shown(server: std::net::SocketAddr, name: &str) -> Vec<u8> {
    let mut client = Client::connect(server);
    client.expect(234, "AUTH TLS");
    client.stream.secure_as(&trusting(), name);
    client.expect(211, "FEAT");
    client.stream.tls().unwrap().peer_certificates().unwrap()[0].to_vec()
}

/// What the program says when it does not start, and that it ends by 2.
fn refusal(words: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_packetboat"))
        .args(["-l", "127.0.0.1:0"])
        .args(words)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{words:?}: {said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    said
}

// Files.

#[test]
fn keys_are_read_in_every_form_and_the_chain_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let root = Authority::new();
    let authority = root.subordinate().subordinate();
    for key in [KeyPair::generate().unwrap(), rsa_key()] {
        let own = authority.certify_with(&["localhost"], key, |_| {});
        assert_eq!(own.chain.len(), 3);
        let files = own.save(folder.path(), "own");
        for form in [own.key_pem(), own.old_key_pem()] {
            fs::write(&files.key, form).unwrap();
            let pair = TlsPair::files(&files.certificate, &files.key);
            let identity = TlsIdentity::Certificates(vec![pair]);
            let server = TestServer::with(|config| config.tls = Some(TlsConfig::new(identity)));
            let mut client = server.connect();
            client.secure(&trusting_only(&root));
            client.login();
            client.store("file", "content", Way::Epsv);
        }
    }
}

#[test]
#[ignore = "needs openssl"]
fn keys_are_read_as_openssl_writes_them() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let openssl = |arguments: &[&str]| {
        let output = Command::new("openssl").args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let (key, certificate) = (at("key"), at("certificate"));
    for make in [
        &["ecparam", "-name", "prime256v1", "-genkey", "-out", &key][..],
        &["ecparam", "-name", "secp384r1", "-genkey", "-noout", "-out", &key],
        &["genrsa", "-traditional", "-out", &key, "2048"],
        &["genrsa", "-out", &key, "3072"],
        &["genpkey", "-algorithm", "ed25519", "-out", &key],
    ] {
        openssl(make);
        openssl(&[
            "req",
            "-x509",
            "-new",
            "-key",
            &key,
            "-subj",
            "/CN=x",
            "-days",
            "2",
            "-out",
            &certificate,
        ]);
        let words = ["--tls-cert", &certificate, "--tls-key", &key, path(folder.path())];
        let program = Program::start("", &words);
        let mut client = Client::connect(program.address());
        client.secure(&trusting());
        client.login();
    }
}

#[test]
fn a_certificate_is_chosen_by_the_name_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let names: [&[&str]; 3] = [&["one.example"], &["two.example", "*.two.example"], &["localhost"]];
    let all = names.map(|names| authority.certify(names));
    let files = all.iter().enumerate().map(|(at, own)| own.save(folder.path(), &at.to_string()));
    let pairs = files.map(|files| TlsPair::files(files.certificate, files.key));
    let identity = TlsIdentity::Certificates(pairs.collect());
    let server = TestServer::with(|config| config.tls = Some(TlsConfig::new(identity)));
    for (asked, at) in [
        ("one.example", 0),
        ("two.example", 1),
        ("sub.two.example", 1),
        ("TWO.example", 1),
        ("localhost", 2),
        ("unknown.example", 0),
        ("127.0.0.1", 0), // an address is asked for by no name
    ] {
        assert!(shown(server.v4(), asked) == all[at].chain[0].to_vec(), "{asked}");
    }
}

#[test]
fn files_that_cannot_be_used_are_named_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let good = authority.certify(&["localhost"]).save(folder.path(), "good");
    let other = authority.certify(&["localhost"]).save(folder.path(), "other");
    let write = |name: &str, text: &str| -> PathBuf {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let missing = folder.path().join("missing");
    let empty = write("empty", "");
    let garbage =
        write("garbage", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let broken = write("broken", "-----BEGIN PRIVATE KEY-----\n?\n-----END PRIVATE KEY-----\n");
    let short = write("short", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    for (certificate, key, words) in [
        (&missing, &good.key, ["--tls-cert", "missing: no such file"]),
        (&good.certificate, &missing, ["--tls-key", "missing: no such file"]),
        (&folder.path().to_owned(), &good.key, ["--tls-cert", "directory"]),
        (&empty, &good.key, ["--tls-cert", "there is no certificate in it"]),
        (&good.key, &good.key, ["--tls-cert", "there is no certificate in it"]),
        (&garbage, &good.key, ["--tls-cert", "garbage: not a certificate"]),
        (&good.certificate, &empty, ["--tls-key", "there is no private key in it"]),
        (&good.certificate, &good.certificate, ["--tls-key", "there is no private key in it"]),
        (&good.certificate, &broken, ["--tls-key", "broken: not PEM"]),
        (&good.certificate, &short, ["--tls-key", "short: "]),
        (&good.certificate, &other.key, ["--tls-key", "other.key: this is not the key"]),
    ] {
        let pair = ["--tls-cert", path(certificate), "--tls-key", path(key)];
        let said = refusal(&[&pair[..], &[path(folder.path())]].concat());
        assert!(words.iter().all(|word| said.contains(word)), "{words:?}: {said}");
        let second = ["--tls-cert", path(&good.certificate), "--tls-key", path(&good.key)];
        let said = refusal(&[&second[..], &pair, &[path(folder.path())]].concat());
        assert!(words.iter().all(|word| said.contains(word)), "{words:?}: {said}");
    }
    for file in [&missing, &empty, &garbage, &good.key] {
        let words = ["--tls", "self-signed", "--tls-client-ca", path(file), path(folder.path())];
        assert!(refusal(&words).contains("--tls-client-ca"));
    }
}

/// A machine that was started anew with a certificate that had run out served nobody.
#[test]
fn a_certificate_out_of_its_dates_is_served() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    for (from, to) in [(2001, 2002), (2999, 3000)] {
        let own = authority.certify_with(&["localhost"], KeyPair::generate().unwrap(), |params| {
            params.not_before = date_time_ymd(from, 1, 1);
            params.not_after = date_time_ymd(to, 1, 1);
        });
        let saved = own.save(folder.path(), "own");
        let pair = ["--tls-cert", path(&saved.certificate), "--tls-key", path(&saved.key)];
        let program = Program::start("", &[&pair[..], &[path(folder.path())]].concat());
        assert!(shown(program.address(), "localhost") == own.chain[0].to_vec());
    }
}

/// Editors of Windows put a byte order mark before the text that they save.
#[test]
fn certificate_and_key_behind_a_byte_order_mark_are_read() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let saved = authority.certify(&["localhost"]).save(folder.path(), "own");
    for file in [&saved.certificate, &saved.key] {
        let text = fs::read(file).unwrap();
        fs::write(file, [&b"\xEF\xBB\xBF"[..], &text].concat()).unwrap();
    }
    let pair = ["--tls-cert", path(&saved.certificate), "--tls-key", path(&saved.key)];
    let program = Program::start("", &[&pair[..], &[path(folder.path())]].concat());
    shown(program.address(), "localhost");
}

#[test]
fn a_self_signed_certificate_is_known_by_the_fingerprint_that_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let printed = |program: &Program| {
        let line = program.fact("SHA-256 fingerprint ");
        line.rsplit(' ').next().unwrap().to_owned()
    };
    let program = Program::start("", &["--tls", "self-signed", path(folder.path())]);
    let first = printed(&program);
    assert_eq!(first, fingerprint(&shown(program.address(), "localhost")));
    drop(program);
    let program = Program::start("", &["--tls", "self-signed", path(folder.path())]);
    assert!(first != printed(&program), "it is made anew");
}

fn fingerprint(certificate: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(certificate);
    let pairs: Vec<_> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}

// Reloading.

/// A program with a certificate, and the log that it writes.
struct Reloading {
    folder: TempDir,
    authority: Authority,
    program: Program,
}

impl Reloading {
    fn new() -> Reloading {
        let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
        let own = authority.certify(&["localhost"]).save(folder.path(), "own");
        let ca = folder.path().join("ca");
        fs::write(&ca, authority.pem()).unwrap();
        fs::create_dir(folder.path().join("served")).unwrap();
        let program = Program::start(
            &format!("exec 2>{}", folder.path().join("log").display()),
            &[
                "-vv",
                "--tls-cert",
                path(&own.certificate),
                "--tls-key",
                path(&own.key),
                "--tls-client-ca",
                path(&ca),
                "--tls-session-reuse",
                "require",
                path(&folder.path().join("served")),
            ],
        );
        Reloading { folder, authority, program }
    }

    /// Has it read its files anew, and waits until the log says this as often.
    #[track_caller]
    fn reload(&self, words: &str, times: usize) {
        self.program.signal(Signal::HUP);
        let log = self.folder.path().join("log");
        wait_until(words, || fs::read_to_string(&log).unwrap().matches(words).count() == times);
    }
}

#[test]
fn a_good_certificate_serves_new_connections_while_old_ones_go_on() {
    let reloading = Reloading::new();
    let mut old = Client::connect(reloading.program.address());
    old.secure(&trusting());
    old.login();
    let before = shown(reloading.program.address(), "localhost");
    old.store("file", vec![b'x'; 1 << 20], Way::Epsv);
    let mut data = old.data(Way::Epsv);
    old.begin("RETR file");
    data.read_exact(&mut [0; 1000]).unwrap();

    let new = reloading.authority.certify(&["localhost"]);
    new.save(reloading.folder.path(), "own");
    reloading.reload("reloaded; TLS certificate", 1);
    let after = shown(reloading.program.address(), "localhost");
    assert!(after == new.chain[0].to_vec() && after != before);

    assert_eq!(old.retrieve_rest(&mut data).len(), (1 << 20) - 1000);
    // Data connections still resume the old session, as they must here.
    for &way in Way::all(reloading.program.address()) {
        old.store("file", "content", way);
        assert_eq!(old.retrieve("file", way), b"content");
    }
    let mut client = Client::connect(reloading.program.address());
    client.secure(&trusting_only(&reloading.authority));
    client.login();
    assert_eq!(client.retrieve("file", Way::Epsv), b"content");
}

#[test]
fn a_bad_certificate_changes_nothing_at_a_reload_and_is_named() {
    let reloading = Reloading::new();
    let folder = reloading.folder.path();
    let before = shown(reloading.program.address(), "localhost");
    let expired = |params: &mut rcgen::CertificateParams| {
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(2002, 1, 1);
    };
    let old = reloading.authority.certify_with(&["x"], KeyPair::generate().unwrap(), expired);
    old.save(folder, "own");
    reloading.reload("stays as it was", 1);
    fs::remove_file(folder.join("own.pem")).unwrap();
    reloading.reload("stays as it was", 2);
    let new = reloading.authority.certify(&["localhost"]);
    fs::write(folder.join("own.pem"), new.chain_pem()).unwrap();
    reloading.reload("own.key: this is not the key", 1);
    fs::write(folder.join("ca"), "none").unwrap();
    new.save(folder, "own");
    reloading.reload("the authorities of client certificates", 1);
    assert!(shown(reloading.program.address(), "localhost") == before);
    fs::write(folder.join("ca"), reloading.authority.pem()).unwrap();
    reloading.reload("reloaded; TLS certificate", 1);
    assert!(shown(reloading.program.address(), "localhost") == new.chain[0].to_vec());
}
