//! Work that the server does by itself on whole files: HASH and its kin, COMB, SITE CPFR and CPTO.

use crate::common::{Chance, TestServer, random_bytes};
use std::net::Shutdown;
use std::os::unix::fs::symlink;

// Checksums.

#[test]
fn hash_xcrc_xmd5_and_rang_give_the_right_checksums() {
    let server = TestServer::start();
    server.write("file", "xabcx");
    server.write("empty", "");
    let mut client = server.client();
    let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    client.expect(350, "RANG 1 3");
    assert_eq!(client.expect(213, "HASH file"), format!("SHA-256 1-3 {sha256} file"));
    assert_eq!(client.expect(250, "XSHA256 file 1 4"), sha256);
    assert_eq!(client.expect(250, "XSHA256 \"file\" 1 4"), sha256);
    assert_eq!(client.expect(250, "XMD5 file 1 4"), "900150983cd24fb0d6963f7d28e17f72");
    assert_eq!(client.expect(250, "XCRC file 1 4"), "352441c2");
    assert_eq!(client.expect(200, "OPTS HASH sha-1"), "SHA-1");
    let empty = "da39a3ee5e6b4b0d3255bfef95601890afd80709";
    assert_eq!(client.expect(213, "HASH empty"), format!("SHA-1 0-0 {empty} empty"));
    assert_eq!(client.expect(250, "XSHA1 empty"), empty);
    assert!(client.expect(211, "FEAT").contains("SHA-1*;"));
    client.expect(504, "OPTS HASH ROT13");
    client.expect(550, "HASH missing");
    client.expect(550, "HASH .");
    client.expect(554, "XCRC file 6");
}

#[test]
fn a_long_hash_delays_nobody_and_is_given_up_by_abor() {
    let server = TestServer::with(|config| config.round_bytes = 4096);
    // A terabyte of nothing: no test would see the end of it.
    server.write_zeros("huge", 1 << 40);
    let mut client = server.client();
    client.send_line("HASH huge");
    let mut other = server.client();
    (0..100).for_each(|_| drop(other.expect(200, "NOOP")));
    client.send_line("STAT");
    client.expect_reply(211);
    client.send_line("ABOR");
    client.expect_reply(426);
    client.expect_reply(226);
    client.expect_alive();
}

#[test]
fn a_session_that_leaves_takes_its_hash_with_it() {
    let server = TestServer::with(|config| config.round_bytes = 4096);
    server.write_zeros("huge", 1 << 40);
    let mut client = server.client();
    client.send_line("HASH huge");
    client.reset();
}

/// A hundred and fifty who left so kept the server busy for minutes.
#[test]
fn a_client_that_leaves_without_quit_gives_up_its_hash() {
    let server = TestServer::with(|config| config.round_bytes = 4096);
    server.write_zeros("huge", 1 << 40);
    let mut client = server.client();
    client.send_line("HASH huge");
    client.stream.shutdown(Shutdown::Write).unwrap();
    client.expect_reply(426);
    client.expect_close();
}

// Copies.

#[test]
fn site_cpfr_and_cpto_copy_on_the_server() {
    let server = TestServer::start();
    let content = random_bytes(1, 3_000_000);
    server.write("file", &content);
    server.write("old", "old");
    let mut client = server.client();
    for copy in ["copy", "old"] {
        client.expect(350, "SITE CPFR file");
        client.expect(250, format!("SITE CPTO {copy}"));
        assert!(server.read(copy) == content);
    }
    client.expect(503, "SITE CPTO again");
    client.expect(550, "SITE CPFR missing");
    client.expect(550, "SITE CPFR .");
    client.expect(350, "SITE CPFR file");
    client.expect(550, "SITE CPTO missing/copy");
    assert_eq!(server.names(), ["copy", "file", "old"]);
}

#[test]
fn comb_joins_parts_behind_the_target_and_removes_them() {
    let server = TestServer::with(|config| config.round_bytes = 4096);
    let mut random = Chance::new(1);
    let contents = [300_000, 0, 1, 70_000].map(|length| random.bytes(length));
    let names = ["target", "part 1", "part2", "say \"3\""];
    let mut client = server.client();
    for old in [true, false] {
        for (name, content) in names.iter().zip(&contents).skip(usize::from(!old)) {
            server.write(name, content);
        }
        client.expect(250, "COMB target \"part 1\" part2 \"say \"\"3\"\"\"");
        let whole = contents[usize::from(!old)..].concat();
        assert!(server.read("target") == whole);
        assert_eq!(server.names(), ["target"]);
        client.expect(250, "DELE target");
    }
}

#[test]
fn comb_that_is_refused_loses_nothing() {
    let server = TestServer::start();
    for name in ["target", "a", "b"] {
        server.write(name, name);
    }
    std::fs::create_dir(server.path("folder")).unwrap();
    symlink(".", server.path("here")).unwrap();
    let mut client = server.client();
    for (code, line) in [
        (501, "COMB target"),
        (501, "COMB target \"a"),
        (550, "COMB target a missing b"),
        (550, "COMB target a folder"),
        (550, "COMB folder a b"),
        (550, "COMB missing/target a b"),
        (553, "COMB target a target"),
        // Removing the part would remove what it was joined to.
        (553, "COMB target a here/target"),
    ] {
        client.expect(code, line);
        for name in ["target", "a", "b"] {
            assert_eq!(server.read(name), name.as_bytes(), "{line}");
        }
        assert_eq!(server.names(), ["a", "b", "folder", "here", "target"], "{line}");
    }
    let many = (0..300).map(|number| format!(" {number}")).collect::<String>();
    client.expect(504, format!("COMB target{many}"));
}

#[test]
fn comb_is_for_those_who_may_write_and_abor_gives_it_up() {
    let server = TestServer::with_users(|config| config.round_bytes = 4096);
    server.write("target", "old");
    server.write_zeros("huge", 1 << 40);
    let mut client = server.connect();
    client.login_as("reader", "secret");
    client.expect(550, "COMB target huge");
    let mut client = server.connect();
    client.login_as("writer", "secret");
    client.send_line("COMB target huge");
    client.send_line("ABOR");
    // A file system that copies nothing at all may be done before the ABOR comes.
    if client.reply().0 == 426 {
        client.expect_reply(226);
        assert_eq!(server.read("target"), b"old");
        assert_eq!(server.names(), ["huge", "target"]);
    }
}

#[test]
fn site_cpto_and_comb_heed_site_umask() {
    let server = TestServer::start();
    for name in ["a", "b"] {
        server.write(name, name);
    }
    let mut client = server.client();
    client.expect(200, "SITE UMASK 077");
    client.expect(350, "SITE CPFR a");
    client.expect(250, "SITE CPTO copy");
    client.expect(250, "COMB whole a b");
    assert_eq!((server.mode("copy"), server.mode("whole")), (0o600, 0o600));
}
