//! Facts of files, told by MLSD and MLST, set by MFMT, MFF, MDTM and SITE.

use crate::common::{TestServer, Way};
use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

/// 2023-03-04 11:24:31.
const TIME: (&str, i64) = ("20230304112431", 1_677_929_071);

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
fn mlst_does_not_tell_a_reader_that_it_may_write() {
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
        assert_ne!(server.modified("file"), TIME.1);
        client.expect(code, &command);
        assert_eq!(server.modified("file"), TIME.1, "{command}");
    }
    assert_eq!(client.expect(213, "MDTM file"), TIME.0);
    client.expect(501, "MFMT 20231304112431 file");
    client.expect(550, format!("MFMT {} missing", TIME.0));
    client.expect(504, "MFF Create=20230304112431; file");
}

#[test]
fn mdtm_sets_a_time_of_a_zone() {
    let server = TestServer::start();
    std::fs::create_dir(server.path("folder")).unwrap();
    let mut client = server.client();
    for (zone, ahead_s) in [("+60", 3600), ("-240", -14_400), ("+0", 0)] {
        server.write("a file", "");
        for name in ["a file", "folder"] {
            client.expect(213, format!("MDTM {}{zone} {name}", TIME.0));
            assert_eq!(server.modified(name), TIME.1 - ahead_s, "{name} {zone}");
        }
    }
    for zone in ["+1440", "+", "+6x", "60"] {
        client.expect(550, format!("MDTM {}{zone} a file", TIME.0));
    }
    client.expect(501, format!("MFMT {}+60 a file", TIME.0));
}

#[test]
fn a_file_whose_name_begins_with_a_time_is_a_file_to_mdtm() {
    let server = TestServer::start();
    for zone in ["", "+60"] {
        let name = format!("{}{zone} file", TIME.0);
        server.write(&name, "");
        server.write("file", "");
        let (before, mut client) = (server.modified("file"), server.client());
        client.expect(213, format!("MDTM {name}"));
        assert_eq!(server.modified("file"), before);
    }
}

#[test]
fn modes_are_set_by_site_chmod_mff_and_site_umask() {
    let server = TestServer::start();
    server.write("file", "");
    let mut client = server.client();
    client.expect(200, "SITE CHMOD 640 file");
    assert_eq!(server.mode("file"), 0o640);
    client.expect(213, "MFF UNIX.mode=0600; file");
    assert_eq!(server.mode("file"), 0o600);
    client.expect(200, "SITE UMASK 027");
    assert!(client.expect(200, "SITE UMASK").contains("027"));
    client.store("new", "x", Way::Epsv);
    client.expect(257, "MKD folder");
    assert_eq!((server.mode("new"), server.mode("folder")), (0o640, 0o750));
    // A file that is replaced keeps its mode.
    client.store("file", "x", Way::Epsv);
    assert_eq!(server.mode("file"), 0o600);
}

#[test]
fn site_chmod_understands_what_chmod_understands() {
    let server = TestServer::start();
    server.write("a file", "");
    std::fs::create_dir(server.path("folder")).unwrap();
    let mut client = server.client();
    for (mode, expected) in [
        ("0644", 0o644),
        ("u+x", 0o744),
        ("+X", 0o755),
        ("go-rx", 0o700),
        ("a=r", 0o444),
        ("u=rwx,go=rx", 0o755),
        ("go=", 0o700),
    ] {
        client.expect(200, format!("SITE CHMOD {mode} a file"));
        assert_eq!(server.mode("a file"), expected, "{mode}");
    }
    client.expect(200, "SITE CHMOD 700 folder");
    client.expect(200, "site chmod a+rX folder");
    assert_eq!(server.mode("folder"), 0o755);
    for line in ["SITE CHMOD u+y a file", "SITE CHMOD u+x", "SITE CHMOD 00644 a file"] {
        client.expect(501, line);
    }
    client.expect(550, "SITE CHMOD u+x missing");
    client.expect(550, "SITE CHMOD u+x /");
}

#[test]
fn set_id_bits_are_set_by_site_chmod_and_mff_where_the_operator_allows() {
    for allowed in [false, true] {
        let server = TestServer::with(|config| config.allow_set_id = allowed);
        std::fs::create_dir(server.path("folder")).unwrap();
        server.write("file", "");
        let mut client = server.client();
        for (line, done, name, mode) in [
            ("SITE CHMOD 2775 folder", 200, "folder", 0o2775),
            ("SITE CHMOD g-s,o=rxt folder", 200, "folder", 0o1775),
            ("SITE CHMOD 4755 file", 200, "file", 0o4755),
            ("MFF UNIX.mode=2711; file", 213, "file", 0o2711),
            ("SITE CHMOD u+s file", 200, "file", 0o6711),
        ] {
            let before = server.mode(name);
            client.expect(if allowed { done } else { 550 }, line);
            assert_eq!(server.mode(name), if allowed { mode } else { before }, "{line}");
        }
        // Bits that are there stay, whoever set them.
        std::fs::set_permissions(server.path("folder"), Permissions::from_mode(0o2770)).unwrap();
        client.expect(200, "SITE CHMOD 755 folder");
        assert_eq!(server.mode("folder"), 0o2755);
    }
}

#[test]
fn mfmt_site_chmod_hash_and_cpfr_follow_no_link_out_of_the_root() {
    let server = TestServer::start();
    std::fs::write(server.outside("secret"), "").unwrap();
    symlink(server.outside("secret"), server.path("link")).unwrap();
    let before = std::fs::metadata(server.outside("secret")).unwrap().mtime();
    let mut client = server.client();
    client.expect(550, format!("MFMT {} link", TIME.0));
    client.expect(550, "SITE CHMOD 777 link");
    client.expect(550, "SITE CHMOD a+rwx link");
    client.expect(550, format!("MDTM {}+60 link", TIME.0));
    client.expect(550, "HASH link");
    client.expect(550, "SITE CPFR link");
    assert_eq!(std::fs::metadata(server.outside("secret")).unwrap().mtime(), before);
    std::fs::remove_file(server.path("link")).unwrap();
}

#[test]
fn the_umask_of_the_operator_holds_for_stor_and_mkd_until_site_umask_says_otherwise() {
    let server = TestServer::with(|config| config.umask = Some(0o027));
    let mut client = server.client();
    assert!(client.expect(200, "SITE UMASK").contains("027"));
    client.store("file", "", Way::Epsv);
    client.expect(257, "MKD folder");
    assert_eq!((server.mode("file") & 0o027, server.mode("folder") & 0o027), (0, 0));
    client.expect(200, "SITE UMASK 077");
    client.store("other", "", Way::Epsv);
    assert_eq!(server.mode("other") & 0o077, 0);
}
