//! Rights one by one, and those of folders: what a drop box takes, and what it keeps to itself.

use crate::common::client::reset;
use crate::common::{Client, TestServer, Way, stuck};
use packetboat::{Access, Account, Anonymous, Right, StoredPassword};

/// Server with a library that anonymous users may read, and a drop box in it; alice may do these.
fn library(alice: Access) -> TestServer {
    let server = TestServer::with(|config| {
        config.anonymous = Some(Anonymous::Read);
        config.anonymous_in = vec![("/in".to_owned(), Access::UPLOAD)];
        let mut account = Account::new("alice", StoredPassword::hash("secret").unwrap());
        account.access = alice;
        config.accounts = vec![account];
    });
    std::fs::create_dir(server.path("in")).unwrap();
    server.write("book", "a book");
    server.write("in/gift", "a gift");
    server
}

fn alice(server: &TestServer) -> Client {
    let mut client = server.connect();
    client.login_as("alice", "secret");
    client
}

/// Says a command of a transfer, which is refused.
fn refused(client: &mut Client, line: &str) {
    let data = client.extended_passive();
    client.expect(550, line);
    drop(data);
}

#[test]
fn a_drop_box_takes_new_files_by_stor_and_gives_none_away() {
    let server = library(Access::READ);
    let mut client = server.client();
    assert_eq!(client.retrieve("book", Way::Epsv), b"a book");
    client.store("in/letter", "a letter", Way::Epsv);
    assert_eq!(server.read("in/letter"), b"a letter");
    for line in
        ["RETR in/gift", "LIST in", "MLSD in", "NLST in/*", "LIST -R", "STOR book", "APPE in/gift"]
    {
        refused(&mut client, line);
    }
    for line in ["DELE in/gift", "SIZE in/gift", "MLST in/gift", "RNFR in/gift", "MKD in/folder"] {
        client.expect(550, line);
    }
    client.expect(550, "STAT in");
    // What is there may not be replaced, nor is it told.
    let data = client.extended_passive();
    client.expect(550, "STOR in/gift");
    drop(data);
    assert_eq!(server.read("in/gift"), b"a gift");
    // Nobody could go on with a part, so that a second try finds the name free.
    reset(stuck::upload(&mut client, "STOR in/half", b"a part"));
    client.expect_reply(426);
    client.store("in/half", "whole", Way::Epsv);
    assert_eq!(server.read("in/half"), b"whole");
    client.expect(250, "CWD in");
    client.store("another", "one", Way::Epsv);
    let line = client.expect(250, "MLST /in");
    assert!(line.contains("perm=ce;"), "{line}");
    let listed = String::from_utf8(client.fetch("MLSD /", Way::Epsv)).unwrap();
    let perm_of = |name: &str| {
        let line = listed.lines().find(|line| line.ends_with(name)).unwrap();
        line.split(';').find(|fact| fact.starts_with("perm=")).unwrap()
    };
    assert_eq!((perm_of(" in"), perm_of(" book")), ("perm=ce", "perm=r"));
}

#[test]
fn rights_one_by_one_are_asked_by_stor_appe_dele_rnto_mkd_chmod_mfmt_and_cpto() {
    for (right, code, lines) in [
        (Right::Overwrite, 550, &["RNFR book", "RNTO other"][..]),
        (Right::Delete, 550, &["DELE other"]),
        (Right::Rename, 550, &["RNFR book"]),
        (Right::Mkdir, 550, &["MKD folder"]),
        (Right::Rmdir, 550, &["RMD in"]),
        (Right::Chmod, 550, &["SITE CHMOD 600 book"]),
        (Right::Mtime, 550, &["MFMT 20200101000000 book"]),
        (Right::Copy, 550, &["SITE CPFR book", "SITE CPTO copy"]),
        (Right::Get, 550, &["HASH book"]),
    ] {
        let server = library(Access::WRITE.without(Access::of(&[right])));
        server.write("other", "other");
        let mut client = alice(&server);
        let (last, before) = lines.split_last().unwrap();
        before.iter().for_each(|line| drop(client.expect(350, line)));
        client.expect(code, last);
        assert_eq!(server.read("other"), b"other", "{right:?}");
        assert_eq!(server.names(), ["book", "in", "other"], "{right:?}");
    }
    for (right, line) in [
        (Right::Put, "STOR new"),
        (Right::Put, "STOU"),
        (Right::Overwrite, "STOR book"),
        (Right::Append, "APPE book"),
        (Right::Get, "RETR book"),
        (Right::List, "NLST"),
    ] {
        let server = library(Access::WRITE.without(Access::of(&[right])));
        refused(&mut alice(&server), line);
        assert_eq!(server.read("book"), b"a book");
        assert_eq!(server.names(), ["book", "in"], "{right:?}");
    }
}

#[test]
fn rest_and_stor_ask_for_the_rights_to_append_and_to_overwrite() {
    for right in [Right::Append, Right::Overwrite] {
        let server = library(Access::WRITE.without(Access::of(&[right])));
        let mut client = alice(&server);
        let data = client.extended_passive();
        client.expect(350, "REST 2");
        client.expect(550, "STOR book");
        drop(data);
        assert_eq!(server.read("book"), b"a book", "{right:?}");
    }
    let server = library(Access::WRITE.without(Access::of(&[Right::Append])));
    let mut client = alice(&server);
    let data = client.extended_passive();
    client.expect(350, "REST 2");
    client.expect(550, "STOR book");
    drop(data);
    assert_eq!(server.read("book"), b"a book");
    client.store("book", "whole", Way::Epsv);
    assert_eq!(server.read("book"), b"whole");
}
