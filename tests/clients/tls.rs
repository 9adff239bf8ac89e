//! Real clients under TLS, and programs that look for what is wrong with a server's TLS. tnftp,
//! ncftp, inetutils and aria2 have no TLS for FTP.

use super::NAMES;
use super::desk::{Desk, assert_same, assert_same_tree, plant};
use crate::common::certificates::Authority;
use crate::common::random_bytes;
use std::fs;
use std::net::SocketAddr;

const VERSIONS: [&str; 2] = ["1.2", "1.3"];

impl Desk {
    /// A server under TLS, by a certificate whose authority's is `ca` in the client's folder.
    pub fn secure(words: &[&str]) -> Desk {
        Desk::with(|local| {
            let authority = Authority::new();
            let names = ["localhost", "127.0.0.1", "::1"];
            let own = authority.certify(&names).save(local, "server");
            authority.certify(&["alice.example"]).save(local, "alice");
            fs::write(local.join("ca"), authority.pem()).unwrap();
            let users = "[users.alice]\ncertificate = \"alice.example\"\naccess = \"write\"\n";
            fs::write(local.join("users"), users).unwrap();
            let files = [
                ("--tls-cert", own.certificate),
                ("--tls-key", own.key),
                ("--tls-client-ca", local.join("ca")),
                ("--users", local.join("users")),
            ];
            let files = files.map(|(flag, path)| [flag.to_owned(), path.display().to_string()]);
            let implicit = ["--listen-tls", "0", "--anonymous", "write"].map(str::to_owned);
            let words = words.iter().map(|&word| word.to_owned());
            files.into_iter().flatten().chain(implicit).chain(words).collect()
        })
    }

    pub fn implicit(&self) -> SocketAddr {
        self.implicit.expect("it is a secure desk")
    }

    fn secure_curl(&self, version: &str, arguments: &[&str]) -> String {
        let version = [&format!("--tlsv{version}"), "--tls-max", version];
        let always = ["-sS", "--max-time", "50", "--cacert", "ca"];
        self.run("curl", &[&always, &version[..], arguments].concat())
    }

    fn secure_lftp(&self, setting: &str, url: &str, script: &str) -> String {
        let settings = format!(
            "set cmd:fail-exit yes; set net:max-retries 1; set net:timeout 10; \
             set ssl:ca-file {}; set ftp:ssl-allow-anonymous yes; set ftp:ssl-force yes; \
             set ftp:ssl-protect-data yes; set ftp:ssl-protect-list yes; \
             {setting}; open {url}; {script}",
            self.local("ca").display()
        );
        self.run("lftp", &["--norc", "-c", &settings])
    }
}

// curl.

#[test]
#[ignore = "needs curl"]
fn curl_puts_and_gets() {
    // Not in active mode, in which curl 7.88 shakes no hands.
    for reuse in ["off", "prefer", "require"] {
        let desk = Desk::secure(&["--tls-session-reuse", reuse]);
        for version in VERSIONS {
            for (seed, len) in [0, 1, 65_537, 3_000_000].into_iter().enumerate() {
                fs::write(desk.local("up"), random_bytes(seed as u64, len)).unwrap();
                let urls = [
                    format!("ftp://{}/file", desk.v4),
                    format!("ftp://{}/file", desk.v6),
                    format!("ftps://{}/file", desk.implicit()),
                ];
                for url in urls {
                    desk.secure_curl(version, &["--ssl-reqd", "-T", "up", &url]);
                    assert_same(&desk.local("up"), &desk.served("file"));
                    desk.secure_curl(version, &["--ssl-reqd", "-o", "down", &url]);
                    assert_same(&desk.local("up"), &desk.local("down"));
                    fs::remove_file(desk.local("down")).unwrap();
                    fs::remove_file(desk.served("file")).unwrap();
                }
            }
        }
    }
}

/// It uses a ticket of TLS 1.3 once and keeps the latest only, and an upload brings no new one.
#[test]
#[ignore = "needs curl"]
fn curl_puts_many_files_by_one_connection() {
    let ways = [("off", "1.3"), ("prefer", "1.2"), ("prefer", "1.3"), ("require", "1.2")];
    for (reuse, version) in ways {
        let desk = Desk::secure(&["--tls-session-reuse", reuse]);
        fs::write(desk.local("up"), random_bytes(1, 300_000)).unwrap();
        let urls = [1, 2, 3, 4, 5, 6].map(|number| format!("ftp://{}/{number}", desk.v4));
        let files = urls.each_ref().map(|url| ["-T", "up", url]).concat();
        desk.secure_curl(version, &[&["--ssl-reqd"], &files[..]].concat());
        for number in 1..=6 {
            assert_same(&desk.local("up"), &desk.served(number.to_string()));
        }
        assert_eq!(desk.log().matches("reply: 220 ").count(), 1);
    }
}

/// All of its connections share one ticket, so that most of them find none.
#[test]
#[ignore = "needs curl"]
fn curl_gets_many_files_by_many_connections() {
    for version in ["1.2", "1.3"] {
        let desk = Desk::secure(&["--tls-session-reuse", "prefer"]);
        for number in 10..=40 {
            fs::write(desk.served(number.to_string()), random_bytes(number, 20_000)).unwrap();
        }
        let urls = format!("ftp://{}/[10-40]", desk.v4);
        let words = ["--ssl-reqd", "--parallel", "--parallel-max", "6", "--remote-name-all", &urls];
        for _ in 0..3 {
            desk.secure_curl(version, &words);
        }
        for number in (10..=40).map(|number| number.to_string()) {
            assert_same(&desk.served(&number), &desk.local(&number));
        }
    }
}

#[test]
#[ignore = "needs curl"]
fn curl_puts_data_in_clear_and_leaves_tls() {
    let desk = Desk::secure(&[]);
    fs::write(desk.local("up"), random_bytes(1, 300_000)).unwrap();
    let url = format!("ftp://{}/file", desk.v4);
    let ways: [&[&str]; 3] = [
        &["--ftp-ssl-control"],
        &["--ssl-reqd", "--ftp-ssl-ccc", "--ftp-ssl-ccc-mode", "active"],
        &["--ssl-reqd", "--ftp-ssl-ccc", "--ftp-ssl-ccc-mode", "passive"],
    ];
    for version in VERSIONS {
        for way in ways {
            desk.secure_curl(version, &[way, &["-T", "up", &url]].concat());
            assert_same(&desk.local("up"), &desk.served("file"));
            desk.secure_curl(version, &[way, &["-o", "down", &url]].concat());
            assert_same(&desk.local("up"), &desk.local("down"));
            fs::remove_file(desk.local("down")).unwrap();
        }
    }
    assert!(desk.log().contains("command: CCC"));
}

#[test]
#[ignore = "needs curl"]
fn curl_is_known_by_its_certificate() {
    let desk = Desk::secure(&["--require-tls", "data"]);
    fs::write(desk.local("up"), "content").unwrap();
    let url = format!("ftp://{}/file", desk.v4);
    for version in VERSIONS {
        let shown = ["--cert", "alice.pem", "--key", "alice.key", "--ssl-reqd"];
        let alice = ["-u", "alice:", "-T", "up", &url];
        desk.secure_curl(version, &[&shown[..], &alice].concat());
        assert_same(&desk.local("up"), &desk.served("file"));
    }
    assert!(desk.log().contains("reply: 232 "));
    let (code, said) = desk.attempt("curl", &["-sS", "-T", "up", &url], "");
    assert_eq!(code, Some(67), "login denied in clear: {said}");
}

// lftp, wget, rclone.

#[test]
#[ignore = "needs lftp"]
fn lftp_mirrors_both_ways() {
    for reuse in ["off", "prefer", "require"] {
        let desk = Desk::secure(&["--require-tls", "data", "--tls-session-reuse", reuse]);
        plant(&desk.local("tree"), &NAMES);
        let explicit = format!("ftp://{}/", desk.v4);
        let implicit = format!("ftps://{}/", desk.implicit());
        for (url, setting) in [
            (&explicit, "set ftp:passive-mode true"),
            (&explicit, "set ftp:passive-mode false"),
            (&implicit, "set ftp:passive-mode true"),
            (&explicit, "set ssl:priority NORMAL:-VERS-TLS1.3"),
        ] {
            let script = "mirror -R --parallel=3 tree up; mirror --parallel=3 up down; \
                          cls -1 up; rm -r up";
            assert!(desk.secure_lftp(setting, url, script).contains("plain.txt"));
            assert_same_tree(&desk.local("tree"), &desk.local("down"));
            fs::remove_dir_all(desk.local("down")).unwrap();
        }
    }
}

/// Tries of a client that waits for its TLS ticket for some milliseconds only (GnuTLS), and resumes nothing
/// where the machine was busy meanwhile.
const TRIES: usize = 5;

#[test]
#[ignore = "needs wget"]
fn wget_gets() {
    for reuse in ["off", "prefer", "require"] {
        let desk = Desk::secure(&["--require-tls", "data", "--tls-session-reuse", reuse]);
        fs::write(desk.served("file"), random_bytes(1, 3_000_000)).unwrap();
        let explicit = format!("ftps://{}/file", desk.v4);
        let implicit = format!("ftps://{}/file", desk.implicit());
        for (url, more) in [
            (&explicit, "--no-verbose"),
            (&implicit, "--ftps-implicit"),
            (&explicit, "--secure-protocol=TLSv1_2"),
        ] {
            let always = ["--no-config", "--tries=1", "--timeout=20", "--ca-certificate=ca"];
            let words = [&always[..], &[more, "-O", "got", url]].concat();
            let fetched = (0..TRIES).any(|_| desk.attempt("wget", &words, "").0 == Some(0));
            assert!(fetched, "{reuse}: wget {words:?}");
            assert_same(&desk.served("file"), &desk.local("got"));
        }
    }
}

/// It has one ticket for all its connections, so it resumes its own session only as long as it has
/// one connection.
#[test]
#[ignore = "needs rclone"]
fn rclone_copies_folders() {
    for (reuse, connections) in [("off", "0"), ("prefer", "0"), ("require", "1")] {
        let desk = Desk::secure(&["--require-tls", "data", "--tls-session-reuse", reuse]);
        plant(&desk.local("tree"), &NAMES);
        let password = desk.run("rclone", &["obscure", "anything"]);
        let (explicit, implicit) = (desk.v4.port(), desk.implicit().port());
        for (port, how) in [
            (explicit, "explicit_tls=true"),
            (explicit, "explicit_tls=true,disable_tls13=true"),
            (implicit, "tls=true"),
        ] {
            let remote = format!(
                ":ftp,host=127.0.0.1,port={port},user=anonymous,pass={},no_check_certificate=true,\
                     concurrency={connections},{how}:tree",
                password.trim()
            );
            for (from, to) in [("tree", &*remote), (&*remote, "got")] {
                let always = ["--config", "", "--retries", "1", "--low-level-retries", "1"];
                // As many as it likes, unless it is held to one connection.
                let at_once = ["--transfers", "1", "--checkers", "1"];
                let at_once = if connections == "1" { &at_once[..] } else { &[] };
                let copy = ["copy", "--create-empty-src-dirs", from, to];
                desk.run("rclone", &[&always[..], at_once, &copy].concat());
            }
            assert_same_tree(&desk.local("tree"), &desk.local("got"));
            fs::remove_dir_all(desk.local("got")).unwrap();
            fs::remove_dir_all(desk.served("tree")).unwrap();
        }
    }
}

// Python.

#[test]
#[ignore = "needs python3"]
fn python_does_all_that_it_can() {
    for (reuse, resuming) in
        [("off", "no"), ("prefer", "no"), ("prefer", "yes"), ("require", "yes")]
    {
        let desk = Desk::secure(&["--tls-session-reuse", reuse]);
        for version in VERSIONS {
            let port = desk.v4.port().to_string();
            let arguments = ["-", &port, version, resuming];
            let said = desk.talk("python3", &arguments, include_str!("ftp_tls.py"));
            assert!(said.contains("all asserted"), "{said}");
        }
    }
}

#[test]
#[ignore = "needs python3"]
fn python_is_told_when_it_has_to_resume_and_does_not() {
    let desk = Desk::secure(&["--tls-session-reuse", "require"]);
    for version in VERSIONS {
        let port = desk.v4.port().to_string();
        let arguments = ["-", &port, version, "no"];
        let (code, _) = desk.attempt("python3", &arguments, include_str!("ftp_tls.py"));
        assert_eq!(code, Some(1));
    }
    assert!(desk.log().contains("reply: 425 Session reuse required"));
}

// openssl and sslscan.

#[test]
#[ignore = "needs openssl"]
fn openssl_speaks_both_versions_and_resumes() {
    let desk = Desk::secure(&[]);
    let at = desk.v4.to_string();
    let always = ["s_client", "-starttls", "ftp", "-connect", &at, "-CAfile", "ca", "-crlf"];
    let verified = "Verify return code: 0 (ok)";
    for version in ["-tls1_2", "-tls1_3"] {
        let talk = |more: &[&str]| {
            let arguments = [&always[..], &[version], more].concat();
            desk.talk("openssl", &arguments, "FEAT\nQUIT\n")
        };
        let first = talk(&["-sess_out", "session", "-ign_eof"]);
        assert!(first.contains("New, TLSv1") && first.contains(verified), "{first}");
        assert!(first.contains("211 ") && first.contains("221 "), "{first}");
        let second = talk(&["-sess_in", "session", "-ign_eof"]);
        assert!(second.contains("Reused, TLSv1") && second.contains("221 "), "{second}");
    }
    for version in ["-tls1", "-tls1_1"] {
        // Its own configuration would not let it say so.
        let weak = ["-cipher", "ALL:@SECLEVEL=0", version];
        let (code, said) = desk.attempt("openssl", &[&always[..], &weak].concat(), "QUIT\n");
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(" alert "), "{said}");
    }
}

#[test]
#[ignore = "needs openssl"]
fn openssl_may_not_renegotiate() {
    let desk = Desk::secure(&[]);
    let at = desk.v4.to_string();
    let arguments = ["s_client", "-starttls", "ftp", "-connect", &at, "-tls1_2", "-CAfile", "ca"];
    let (_, said) = desk.attempt("openssl", &arguments, "R\n");
    assert!(said.contains("RENEGOTIATING") && said.contains("no renegotiation"), "{said}");
}

#[test]
#[ignore = "needs sslscan"]
fn sslscan_finds_nothing_weak() {
    let desk = Desk::secure(&[]);
    let at = desk.v4.to_string();
    let said = desk.run("sslscan", &["--no-colour", "--starttls-ftp", &at]);
    for (protocol, state) in [
        ("SSLv2", "disabled"),
        ("SSLv3", "disabled"),
        ("TLSv1.0", "disabled"),
        ("TLSv1.1", "disabled"),
        ("TLSv1.2", "enabled"),
        ("TLSv1.3", "enabled"),
    ] {
        let line = said.lines().find(|line| line.starts_with(protocol)).expect(&said);
        assert!(line.ends_with(state), "{line}");
    }
    for good in [
        "Session renegotiation not supported",
        "TLSv1.3 not vulnerable to heartbleed",
        "TLSv1.2 not vulnerable to heartbleed",
    ] {
        assert!(said.contains(good), "{good}: {said}");
    }
    assert!(!said.contains("Compression enabled"), "{said}");
    let accepts = |line: &&str| line.starts_with("Accepted") || line.starts_with("Preferred");
    let suites: Vec<_> = said.lines().filter(accepts).collect();
    assert!(suites.len() >= 6, "{said}");
    for suite in suites {
        let sealed = suite.contains("GCM") || suite.contains("CHACHA20");
        let forward = suite.contains("TLSv1.3") || suite.contains("ECDHE");
        assert!(sealed && forward, "{suite}");
    }
}
