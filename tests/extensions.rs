//! What came after RFC 959: RFC 3659's facts, times and ranges, checksums, MODE Z, SITE.

mod common;

use common::{Client, ROUNDS, Random, TestServer, Way, bytes_for};
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

/// 2023-03-04 11:24:31.
const TIME: (&str, i64) = ("20230304112431", 1_677_929_071);

fn modified(server: &TestServer, name: &str) -> i64 {
    std::fs::metadata(server.path(name)).unwrap().mtime()
}

fn mode(server: &TestServer, name: &str) -> u32 {
    std::fs::metadata(server.path(name)).unwrap().permissions().mode() & 0o7777
}

fn packed(content: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn unpacked(stream: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    ZlibDecoder::new(stream).read_to_end(&mut content).unwrap();
    content
}

// Facts.

#[test]
fn mlsd_tells_the_facts_of_a_folder() {
    let server = TestServer::start();
    server.write("a file", "hello");
    std::fs::create_dir(server.path("folder")).unwrap();
    symlink("nowhere", server.path("link")).unwrap();
    let mut client = server.client();
    client.expect(213, format!("MFMT {} a file", TIME.0));
    let lines = client.list("MLSD");
    let line = |name: &str| {
        let found = lines.iter().find(|line| line.ends_with(format!(" {name}").as_bytes()));
        String::from_utf8(found.expect(name).clone()).unwrap()
    };
    assert!(line("a file").starts_with("type=file;size=5;modify=20230304112431;perm=adfrw;"));
    assert!(line("folder").starts_with("type=dir;modify="));
    assert!(line("link").starts_with("type=OS.unix=symlink;"));
    assert_eq!(lines.len(), 3);
}

/// rclone took a link for a file of no bytes, and every copy of it for corrupted.
#[test]
fn mlsd_tells_of_a_link_to_a_file_what_it_leads_to() {
    let server = TestServer::start();
    std::fs::create_dir(server.path("folder")).unwrap();
    server.write("folder/file", "hello");
    std::fs::write(server.outside("secret"), "secret").unwrap();
    for (to, link) in [
        ("file", "near"),
        ("/folder/file", "absolute"),
        ("..", "up"),
        ("../../secret", "out"),
        ("round", "round"),
    ] {
        symlink(to, server.path(format!("folder/{link}"))).unwrap();
    }
    symlink("folder", server.path("way")).unwrap();
    let mut client = server.client();
    client.expect(200, "OPTS MLST type;size;");
    for (folder, command) in [("/", "MLSD folder"), ("/", "MLSD way"), ("/folder", "MLSD")] {
        client.expect(250, format!("CWD {folder}"));
        let mut lines = client.list(command);
        lines.sort();
        let expected = [
            // A client that mirrors would go round in circles.
            "type=OS.unix=symlink; out",
            "type=OS.unix=symlink; round",
            "type=OS.unix=symlink; up",
            "type=file;size=5; absolute",
            "type=file;size=5; file",
            "type=file;size=5; near",
        ];
        assert_eq!(lines, expected.map(|line| line.as_bytes().to_vec()), "{command}");
    }
}

#[test]
fn mlsd_of_a_file_is_501_and_of_nothing_550() {
    let server = TestServer::start();
    server.write("file", "");
    let mut client = server.client();
    client.expect(425, "MLSD file");
    for (name, code) in [("file", 501), ("missing", 550), ("missing/folder", 550), ("*", 550)] {
        let _data = client.extended_passive();
        client.expect(code, format!("MLSD {name}"));
    }
    client.expect_alive();
}

#[test]
fn mlst_tells_the_facts_of_one_thing_on_the_control_connection() {
    let server = TestServer::start();
    server.write("file", "hello");
    let mut client = server.client();
    let text = client.expect(250, "MLST file");
    assert!(text.contains("\n type=file;size=5;"), "{text}");
    assert!(text.contains("; /file"), "{text}");
    assert!(client.expect(250, "MLST").contains("type=dir;"));
    client.expect(550, "MLST missing");
}

#[test]
fn opts_mlst_chooses_the_facts_and_feat_tells_the_choice() {
    let server = TestServer::start();
    server.write("file", "hello");
    let mut client = server.client();
    assert_eq!(client.expect(200, "OPTS MLST size;unique;nonsense;"), "MLST OPTS size;unique;");
    let features = client.expect(211, "FEAT");
    assert!(features.contains("MLST type;size*;modify;create;perm;unique*;"), "{features}");
    assert!(client.expect(250, "MLST file").contains("\n size=5;unique="));
    assert_eq!(client.expect(200, "OPTS MLST"), "MLST OPTS ");
    assert!(client.expect(250, "MLST file").contains("\n  /file"));
}

#[test]
fn a_reader_is_not_told_that_it_may_write() {
    let server = TestServer::with_users(|_| {});
    server.write("file", "");
    let mut client = server.connect();
    client.login_as("reader", "secret");
    assert!(client.expect(250, "MLST file").contains("perm=r;"));
    for command in [
        format!("MFMT {} file", TIME.0),
        "MFF UNIX.mode=0600; file".into(),
        "SITE CHMOD 600 file".into(),
        format!("SITE UTIME {} file", TIME.0),
    ] {
        client.expect(550, command);
    }
    client.expect(550, format!("MDTM {} file", TIME.0));
    client.expect(350, "SITE CPFR file");
    client.expect(550, "SITE CPTO copy");
    assert_eq!(server.names(), ["file"]);
}

#[test]
fn times_are_set_by_mfmt_mff_mdtm_and_site_utime() {
    let server = TestServer::start();
    let mut client = server.client();
    let commands = [
        (213, format!("MFMT {} file", TIME.0)),
        (213, format!("MFF modify={}; file", TIME.0)),
        (213, format!("MDTM {} file", TIME.0)),
        (200, format!("SITE UTIME {} file", TIME.0)),
        (200, format!("SITE UTIME file 20200101000000 {} 20200101000000 UTC", TIME.0)),
    ];
    for (code, command) in commands {
        server.write("file", "");
        assert_ne!(modified(&server, "file"), TIME.1);
        client.expect(code, &command);
        assert_eq!(modified(&server, "file"), TIME.1, "{command}");
    }
    assert_eq!(client.expect(213, "MDTM file"), TIME.0);
    client.expect(501, "MFMT 20231304112431 file");
    client.expect(550, format!("MFMT {} missing", TIME.0));
    client.expect(504, "MFF Create=20230304112431; file");
}

#[test]
fn a_file_whose_name_begins_with_a_time_is_a_file_to_mdtm() {
    let server = TestServer::start();
    let name = format!("{} file", TIME.0);
    server.write(&name, "");
    server.write("file", "");
    let (before, mut client) = (modified(&server, "file"), server.client());
    client.expect(213, format!("MDTM {name}"));
    assert_eq!(modified(&server, "file"), before);
}

#[test]
fn modes_are_set_by_site_chmod_mff_and_umask() {
    let server = TestServer::start();
    server.write("file", "");
    let mut client = server.client();
    client.expect(200, "SITE CHMOD 640 file");
    assert_eq!(mode(&server, "file"), 0o640);
    client.expect(213, "MFF UNIX.mode=0600; file");
    assert_eq!(mode(&server, "file"), 0o600);
    client.expect(501, "SITE CHMOD 4755 file");
    client.expect(200, "SITE UMASK 027");
    assert!(client.expect(200, "SITE UMASK").contains("027"));
    client.store("new", "x", Way::Epsv);
    client.expect(257, "MKD folder");
    assert_eq!((mode(&server, "new"), mode(&server, "folder")), (0o640, 0o750));
    // A file that is replaced keeps its mode.
    client.store("file", "x", Way::Epsv);
    assert_eq!(mode(&server, "file"), 0o600);
}

#[test]
fn a_link_out_of_the_root_is_not_followed_by_what_sets_facts() {
    let server = TestServer::start();
    std::fs::write(server.outside("secret"), "").unwrap();
    symlink(server.outside("secret"), server.path("link")).unwrap();
    let before = std::fs::metadata(server.outside("secret")).unwrap().mtime();
    let mut client = server.client();
    client.expect(550, format!("MFMT {} link", TIME.0));
    client.expect(550, "SITE CHMOD 777 link");
    client.expect(550, "HASH link");
    client.expect(550, "SITE CPFR link");
    assert_eq!(std::fs::metadata(server.outside("secret")).unwrap().mtime(), before);
    std::fs::remove_file(server.path("link")).unwrap();
}

// Ranges and checksums.

#[test]
fn rang_chooses_the_bytes_of_the_next_transfer_only() {
    for round in ROUNDS {
        let server = TestServer::with(|config| config.round_bytes = round);
        server.write("file", "0123456789");
        let mut client = server.client();
        client.expect(350, "RANG 2 5");
        assert_eq!(client.retrieve("file", Way::Epsv), b"2345");
        assert_eq!(client.retrieve("file", Way::Epsv), b"0123456789");
        client.expect(350, "RANG 8 100");
        assert_eq!(client.retrieve("file", Way::Epsv), b"89");
        client.expect(350, "RANG 2 5");
        client.expect(350, "RANG 1 0");
        assert_eq!(client.retrieve("file", Way::Epsv), b"0123456789");
        client.expect(501, "RANG 5 2");
    }
}

/// Storing at the first byte would cut off what stands behind the last.
#[test]
fn rang_is_not_for_storing() {
    let server = TestServer::start();
    server.write("file", "0123456789");
    let mut client = server.client();
    client.expect(350, "RANG 2 5");
    let _data = client.extended_passive();
    client.expect(504, "STOR file");
    assert_eq!(server.read("file"), b"0123456789");
    client.put("STOR file", "new", Way::Epsv);
    assert_eq!(server.read("file"), b"new");
}

#[test]
fn checksums_are_right_whole_and_in_part() {
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
fn a_long_checksum_delays_nobody_and_is_given_up_by_abor() {
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
fn a_session_that_leaves_takes_its_checksum_with_it() {
    let server = TestServer::with(|config| config.round_bytes = 4096);
    server.write_zeros("huge", 1 << 40);
    let mut client = server.client();
    client.send_line("HASH huge");
    client.reset();
}

/// A hundred and fifty who left so kept the server busy for minutes.
#[test]
fn a_client_that_leaves_without_quit_gives_up_its_checksum() {
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
fn a_copy_is_made_by_the_server() {
    let server = TestServer::start();
    let content = Random(1).bytes(3_000_000);
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
    let mut random = Random(1);
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
fn copies_heed_the_umask() {
    let server = TestServer::start();
    for name in ["a", "b"] {
        server.write(name, name);
    }
    let mut client = server.client();
    client.expect(200, "SITE UMASK 077");
    client.expect(350, "SITE CPFR a");
    client.expect(250, "SITE CPTO copy");
    client.expect(250, "COMB whole a b");
    assert_eq!((mode(&server, "copy"), mode(&server, "whole")), (0o600, 0o600));
}

// MODE Z.

#[test]
fn mode_z_packs_and_unpacks_files_and_listings() {
    for round in ROUNDS {
        let server = TestServer::with(|config| config.round_bytes = round);
        let mut client = server.client();
        client.expect(200, "MODE Z");
        client.expect(200, "OPTS MODE Z LEVEL 9");
        let contents =
            [Vec::new(), Random(1).bytes(bytes_for(round)), vec![b'a'; 10 * bytes_for(round)]];
        for content in contents {
            client.put("STOR file", packed(&content), Way::Epsv);
            assert!(server.read("file") == content);
            assert!(unpacked(&client.retrieve("file", Way::Pasv)) == content);
        }
        assert_eq!(unpacked(&client.fetch("NLST", Way::Port)), b"file\r\n");
        client.expect(200, "MODE S");
        assert_eq!(client.fetch("NLST", Way::Port), b"file\r\n");
    }
}

#[test]
fn mode_z_and_type_a_go_together() {
    let server = TestServer::start();
    let mut client = server.client();
    client.expect(200, "MODE Z");
    client.expect(200, "TYPE A");
    client.put("STOR file", packed(b"a\r\nb\r\n"), Way::Epsv);
    assert_eq!(server.read("file"), b"a\nb\n");
    assert_eq!(unpacked(&client.retrieve("file", Way::Epsv)), b"a\r\nb\r\n");
}

#[test]
fn an_upload_that_is_no_whole_zlib_stream_counts_as_cut_off() {
    let server = TestServer::start();
    server.write("file", "old");
    let mut client = server.client();
    client.expect(200, "MODE Z");
    let whole = packed(&Random(1).bytes(100_000));
    let with_more = [&whole[..], b"more"].concat();
    for stream in [b"garbage", &whole[..whole.len() - 1], &with_more] {
        let mut data = client.extended_passive();
        client.begin("STOR file");
        let _ = data.write_all(stream);
        drop(data);
        client.expect_reply(426);
        assert_eq!(server.read("file"), b"old");
    }
    assert_eq!(server.names(), ["file"]);
}

// Space.

#[test]
fn allo_reserves_what_the_upload_then_need_not_use() {
    let server = TestServer::start();
    let mut client = server.client();
    client.expect(200, "ALLO 1000000");
    client.store("file", "short", Way::Epsv);
    assert_eq!(server.read("file"), b"short");
    let blocks = std::fs::metadata(server.path("file")).unwrap().blocks();
    assert!(blocks * 512 < 1_000_000, "{blocks} blocks are still reserved");
    client.expect(452, format!("ALLO {}", u64::MAX));
    assert!(client.expect(213, "AVBL").parse::<u64>().is_ok());
}

// Small verbs.

#[test]
fn host_is_accepted_for_the_one_host_there_is_and_only_before_user() {
    let server = TestServer::start();
    let mut client = server.connect();
    client.expect(220, "HOST localhost");
    client.expect(220, "HOST 127.0.0.1");
    client.expect(504, "HOST elsewhere.example");
    client.login();
    client.expect(503, "HOST localhost");
    let mut client = Client::connect(server.v6());
    client.expect(220, "HOST [::1]");
}

#[test]
fn lang_clnt_and_opts_utf8_are_answered() {
    let server = TestServer::start();
    let mut client = server.client();
    client.expect(200, "LANG");
    client.expect(200, "LANG en");
    client.expect(504, "LANG fr");
    client.expect(200, "CLNT a test");
    client.expect(200, "OPTS UTF8 ON");
    client.expect(504, "OPTS UTF8 OFF");
    client.expect(501, "OPTS NONSENSE");
    client.expect(214, "SITE HELP");
    client.expect(504, "SITE EXEC ls");
}

#[test]
fn feat_lists_nothing_that_is_refused_as_unknown() {
    let server = TestServer::start();
    let mut client = server.client();
    let features = client.expect(211, "FEAT");
    let names: Vec<&str> = features.lines().filter_map(|line| line.strip_prefix(' ')).collect();
    assert!(names.len() > 20);
    for name in names {
        let verb = name.split(' ').next().unwrap();
        // CCC is known so well that it would be obeyed.
        if !["TVFS", "UTF8", "CCC"].contains(&verb) {
            let code = client.command(verb).0;
            assert!(code != 500 && code != 502, "{verb}: {code}");
        }
    }
}
