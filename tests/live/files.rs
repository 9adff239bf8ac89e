//! Files and folders: what changes them, what tells of them, and that there is no way out.

use crate::common::{TestServer, Way};
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::time::{Duration, UNIX_EPOCH};

#[test]
fn cwd_cdup_and_pwd_walk_through_folders() {
    let server = TestServer::start();
    fs::create_dir_all(server.path("outer/inner")).unwrap();
    server.write("outer/file", "content");
    let mut client = server.client();
    for (line, folder) in [
        ("CWD outer", "/outer"),
        ("CWD inner/", "/outer/inner"),
        ("CDUP", "/outer"),
        ("CWD /outer//./inner", "/outer/inner"),
        ("CWD ../..", "/"),
        ("CWD ../../..", "/"),
        ("CDUP", "/"),
        ("XCWD outer", "/outer"),
        ("XCUP", "/"),
        ("CWD outer", "/outer"),
    ] {
        client.expect(250, line);
        assert_eq!(client.expect(257, "PWD"), format!("\"{folder}\" is the current folder."));
    }
    assert_eq!(client.retrieve("file", Way::Epsv), b"content");
    client.expect(257, "XPWD");
}

#[test]
fn cwd_to_what_cannot_be_entered_changes_nothing() {
    let server = TestServer::start();
    server.write("file", "");
    let mut client = server.client();
    client.expect(550, "CWD missing");
    client.expect(550, "CWD file");
    client.expect(257, "PWD");
    assert!(client.expect(257, "PWD").starts_with("\"/\""));
}

#[test]
fn quotes_in_the_257_of_mkd_and_pwd_are_doubled() {
    let server = TestServer::start();
    let mut client = server.client();
    let made = client.expect(257, "MKD a\"b\"");
    assert!(made.starts_with("\"/a\"\"b\"\"\""), "{made}");
    client.expect(250, "CWD a\"b\"");
    assert!(client.expect(257, "PWD").starts_with("\"/a\"\"b\"\"\""));
    assert_eq!(server.names(), ["a\"b\""]);
}

#[test]
fn a_folder_of_any_bytes_comes_back_in_pwd() {
    let server = TestServer::start();
    fs::create_dir(server.path(b"\xe9\xff")).unwrap();
    let mut client = server.client();
    client.expect(250, b"CWD \xe9\xff");
    client.send_line("PWD");
    assert!(client.raw_reply().starts_with(b"257 \"/\xe9\xff\xff\"")); // 0xFF doubled, as Telnet has it
}

#[test]
fn mkd_and_rmd_make_and_remove_folders() {
    let server = TestServer::start();
    let mut client = server.client();
    client.expect(257, "MKD folder");
    client.expect(257, "XMKD folder/inner");
    client.expect(550, "MKD folder");
    client.expect(550, "MKD missing/inner");
    client.expect(550, "RMD folder"); // it is not empty
    client.expect(550, "RMD missing");
    client.expect(550, "DELE folder");
    client.expect(250, "XRMD folder/inner");
    client.expect(250, "RMD folder");
    client.expect(550, "RMD /");
    client.expect(550, "MKD /");
    assert!(server.names().is_empty());
}

#[test]
fn dele_deletes_files() {
    let server = TestServer::start();
    server.write("file", "");
    let mut client = server.client();
    client.expect(550, "RMD file");
    client.expect(250, "DELE file");
    client.expect(550, "DELE file");
    client.expect(550, "DELE /");
    assert!(server.names().is_empty());
}

#[test]
fn rnfr_and_rnto_rename_files_and_folders() {
    let server = TestServer::start();
    server.write("one", "1");
    server.write("two", "2");
    fs::create_dir(server.path("folder")).unwrap();
    let mut client = server.client();
    client.expect(350, "RNFR one");
    client.expect(250, "RNTO folder/new");
    assert_eq!(server.read("folder/new"), b"1");
    client.expect(350, "RNFR two");
    client.expect(250, "RNTO folder/new"); // a file is replaced
    assert_eq!(server.read("folder/new"), b"2");
    client.expect(350, "RNFR folder");
    client.expect(250, "RNTO renamed");
    assert_eq!(server.names(), ["renamed"]);
}

#[test]
fn rnfr_and_rnto_that_cannot_be() {
    let server = TestServer::start();
    server.write("file", "content");
    fs::create_dir(server.path("folder")).unwrap();
    let mut client = server.client();
    client.expect(503, "RNTO new");
    client.expect(550, "RNFR missing");
    client.expect(503, "RNTO new");
    for (from, to) in
        [("file", "folder"), ("file", "missing/new"), ("folder", "file"), ("file", "/")]
    {
        client.expect(350, format!("RNFR {from}"));
        client.expect(550, format!("RNTO {to}"));
        client.expect(503, format!("RNTO {to}"));
    }
    client.expect(350, "RNFR folder");
    client.expect(553, "RNTO folder/inside-itself");
    assert_eq!(server.names(), ["file", "folder"]);
    assert_eq!(server.read("file"), b"content");
}

#[test]
fn size_and_mdtm_tell_of_files() {
    let server = TestServer::start();
    server.write("file", "12345");
    fs::create_dir(server.path("folder")).unwrap();
    symlink("file", server.path("link")).unwrap();
    let file = File::options().write(true).open(server.path("file")).unwrap();
    file.set_modified(UNIX_EPOCH + Duration::from_secs(1_677_929_071)).unwrap();
    let mut client = server.client();
    for name in ["file", "link", "/folder/../file"] {
        assert_eq!(client.expect(213, format!("SIZE {name}")), "5");
        assert_eq!(client.expect(213, format!("MDTM {name}")), "20230304112431");
    }
    for name in ["folder", "missing", "/", "file/beneath"] {
        client.expect(550, format!("SIZE {name}"));
        client.expect(550, format!("MDTM {name}"));
    }
}

#[test]
fn size_in_type_a_is_550() {
    let server = TestServer::start();
    server.write("file", "12345");
    let mut client = server.client();
    client.expect(200, "TYPE A");
    client.expect(550, "SIZE file");
    client.expect(200, "TYPE I");
    client.expect(213, "SIZE file");
}

#[test]
fn retr_stor_and_appe_of_no_regular_file_are_refused_and_hang_nobody() {
    let server = TestServer::start();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        server.path("fifo"),
        rustix::fs::FileType::Fifo,
        0o666.into(),
        0,
    )
    .unwrap();
    let _socket = UnixListener::bind(server.path("socket")).unwrap();
    let mut client = server.client();
    for name in ["fifo", "socket"] {
        for verb in ["RETR", "STOR", "APPE"] {
            let _data = client.extended_passive();
            client.expect(550, format!("{verb} {name}"));
        }
        client.expect(550, format!("SIZE {name}"));
    }
    client.expect_alive();
}

// No way out.

/// A secret beside the served folder, and a client that wants it.
fn with_secret(test: impl FnOnce(&TestServer, &str)) {
    let server = TestServer::start();
    let secret = server.outside("secret");
    fs::write(&secret, "secret").unwrap();
    test(&server, secret.to_str().unwrap());
    assert_eq!(fs::read(&secret).unwrap(), b"secret");
}

/// Everything that could be tried with a name that leads outside.
fn expect_no_way(server: &TestServer, name: &str) {
    let mut client = server.client();
    for line in [format!("SIZE {name}"), format!("MDTM {name}"), format!("CWD {name}")] {
        client.expect(550, line);
    }
    let _data = client.extended_passive();
    client.expect(550, format!("RETR {name}"));
}

#[test]
fn dots_in_retr_stor_mkd_and_size_stop_at_the_root() {
    with_secret(|server, _| {
        for name in ["../secret", "/../secret", "../../../../etc/passwd", "a/../../secret"] {
            let mut client = server.client();
            client.expect(550, format!("SIZE {name}"));
            let _data = client.extended_passive();
            client.expect(550, format!("RETR {name}"));
        }
        let mut client = server.client();
        client.store("../stored", "inside", Way::Epsv);
        client.expect(257, "MKD ../made");
        assert!(!server.outside("stored").exists() && !server.outside("made").exists());
        assert_eq!(server.names(), ["made", "stored"]);
    });
}

#[test]
fn links_in_retr_rnto_and_dele_stay_inside() {
    with_secret(|server, secret| {
        symlink("../secret", server.path("relative")).unwrap();
        symlink(secret, server.path("absolute")).unwrap();
        symlink("/", server.path("top")).unwrap();
        symlink("..", server.path("up")).unwrap();
        let names = ["relative", "absolute", "up/secret", "up/../secret", &format!("top{secret}")];
        for name in names {
            expect_no_way(server, name);
        }
        let mut client = server.client();
        server.write("file", "content");
        assert_eq!(client.retrieve("top/file", Way::Epsv), b"content", "`/` is the user's own");
        assert_eq!(client.retrieve("up/file", Way::Epsv), b"content");
        client.expect(350, "RNFR file");
        client.expect(250, "RNTO up/renamed");
        assert!(server.exists("renamed"));
        client.expect(250, "DELE relative"); // the link itself
    });
}

#[test]
fn magic_links_of_proc_lead_cwd_and_size_nowhere() {
    let server = TestServer::with(|config| config.root = "/".into());
    let mut client = server.client();
    for name in ["/proc/self/root/etc/passwd", "/proc/self/cwd", "/proc/self/fd/0"] {
        client.expect(550, format!("SIZE {name}"));
        client.expect(550, format!("CWD {name}"));
    }
}
