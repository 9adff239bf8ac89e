//! What an upload does to the disk, and when: SPEC.md, "Uploads", sentence by sentence.

use crate::common::client::reset;
use crate::common::program::Program;
use crate::common::{
    Client, ROUNDS, TestServer, Way, bytes_for, names_in, random_bytes, stuck, wait_until,
};
use packetboat::{PartialUploads, Replacing};
use rustix::process::Signal;
use socket2::SockRef;
use std::fs;
use std::io::Write;
use std::net::Shutdown;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::thread;
use std::time::Duration;

#[test]
fn a_stor_without_a_data_connection_leaves_the_old_file() {
    let server = TestServer::with(|config| config.data_timeout = Duration::from_secs(1));
    server.write("file", "old");
    let mut client = server.client();
    client.expect(425, "STOR file");
    client.epsv();
    client.expect(150, "STOR file");
    client.expect_reply(425);
    client.epsv();
    client.expect(150, "APPE file");
    client.expect(426, "ABOR");
    client.expect_reply(226);
    client.epsv();
    client.expect(350, "REST 1");
    client.expect(150, "STOR file");
    drop(client);
    wait_until("the session is gone", || server.counts().sessions == 0);
    assert_eq!(server.read("file"), b"old");
    assert_eq!(server.names(), ["file"]);
}

#[test]
fn a_stor_that_never_gets_its_data_connection_makes_no_new_file() {
    let server = TestServer::with(|config| config.data_timeout = Duration::from_secs(1));
    let mut client = server.client();
    for line in ["STOR new", "APPE new", "STOU"] {
        client.epsv();
        client.expect(150, line);
        client.expect_reply(425);
    }
    assert!(server.names().is_empty());
}

#[test]
fn when_the_226_of_stor_is_read_the_file_stands_under_its_name() {
    for round in ROUNDS {
        let server = TestServer::with(|config| config.round_bytes = round);
        let mut client = server.client();
        for number in 0..50 {
            client.store(format!("{number}"), number.to_string(), Way::Epsv);
            assert_eq!(server.read(format!("{number}")), number.to_string().as_bytes());
        }
    }
}

#[test]
fn retr_and_size_see_the_old_content_until_the_226_of_stor() {
    let server = TestServer::start();
    server.write("file", "old");
    let (mut writer, mut reader) = (server.client(), server.client());
    let data = stuck::upload(&mut writer, "STOR file", b"the new content");
    assert_eq!(reader.retrieve("file", Way::Epsv), b"old");
    assert_eq!(reader.expect(213, "SIZE file"), "3");
    drop(data);
    writer.expect_reply(226);
    assert_eq!(reader.retrieve("file", Way::Epsv), b"the new content");
}

#[test]
fn list_and_size_see_no_new_file_until_the_226_of_stor() {
    let server = TestServer::start();
    let (mut writer, mut reader) = (server.client(), server.client());
    let data = stuck::upload(&mut writer, "STOR file", b"content");
    reader.expect(550, "SIZE file");
    assert!(reader.list("LIST").is_empty());
    assert!(server.names().is_empty());
    drop(data);
    writer.expect_reply(226);
    assert_eq!(server.read("file"), b"content");
}

#[test]
fn a_stor_that_is_cut_off_leaves_the_old_file() {
    for keep in [PartialUploads::Keep, PartialUploads::Discard] {
        let server = TestServer::with(|config| config.partial_uploads = keep);
        server.write("file", "old");
        let mut client = server.client();
        reset(stuck::upload(&mut client, "STOR file", b"the new"));
        client.expect_reply(426);
        assert_eq!(server.read("file"), b"old");
        assert_eq!(server.names(), ["file"]);
    }
}

#[test]
fn a_stor_in_place_keeps_the_other_names_of_a_file() {
    let server = TestServer::with(|config| config.replacing = Replacing::InPlace);
    server.write("file", "the old content");
    std::fs::hard_link(server.path("file"), server.path("same")).unwrap();
    let mut client = server.client();
    client.put("STOR file", "new", Way::Epsv);
    assert_eq!(server.read("same"), b"new");
    // A copy onto another name of the same file would lose it.
    client.expect(350, "SITE CPFR file");
    client.expect(250, "SITE CPTO same");
    assert_eq!((server.read("file"), server.read("same")), (b"new".into(), b"new".into()));
    reset(stuck::upload(&mut client, "STOR file", b"part"));
    client.expect_reply(426);
    assert_eq!(server.read("file"), b"part");
}

#[test]
fn a_stor_of_a_new_name_that_is_cut_off_can_be_resumed_by_rest_and_appe() {
    let server = TestServer::start();
    let mut client = server.client();
    reset(stuck::upload(&mut client, "STOR file", b"one "));
    client.expect_reply(426);
    assert_eq!(client.expect(213, "SIZE file"), "4");
    client.expect(350, "REST 4");
    reset(stuck::upload(&mut client, "STOR file", b"two "));
    client.expect_reply(426);
    reset(stuck::upload(&mut client, "APPE file", b"three "));
    client.expect_reply(426);
    client.put("APPE file", "four", Way::Epsv);
    assert_eq!(server.read("file"), b"one two three four");
    assert_eq!(server.names(), ["file"]);
}

#[test]
fn partial_uploads_discard_leaves_nothing_of_a_new_stor_stou_or_appe() {
    let server = TestServer::with(|config| config.partial_uploads = PartialUploads::Discard);
    let mut client = server.client();
    for line in ["STOR file", "APPE file", "STOU"] {
        reset(stuck::upload(&mut client, line, b"some bytes"));
        client.expect_reply(426);
        assert!(server.names().is_empty(), "{line}");
    }
}

#[test]
fn abor_cuts_a_stor_off() {
    let server = TestServer::start();
    let mut client = server.client();
    let data = stuck::upload(&mut client, "STOR file", b"some bytes");
    client.expect(426, "ABOR");
    client.expect_reply(226);
    drop(data);
    assert_eq!(server.read("file"), b"some bytes");
}

#[test]
fn a_stall_cuts_a_stor_off() {
    let server = TestServer::with(|config| {
        config.stall_timeout = Duration::from_secs(1);
        config.partial_uploads = PartialUploads::Discard;
    });
    let mut client = server.client();
    let _data = stuck::upload(&mut client, "STOR file", b"some bytes");
    client.expect_reply(426);
    assert!(server.names().is_empty());
}

/// The kernel closes the sockets of a client that is killed: both get a FIN, as if all were well.
#[test]
fn the_stor_of_a_client_that_is_killed_is_cut_off() {
    for round in ROUNDS {
        let server = TestServer::with(|config| config.round_bytes = round);
        server.write("file", "old");
        let mut client = server.client();
        let data = stuck::upload(&mut client, "STOR file", b"the new");
        drop(client);
        drop(data);
        wait_until("the session is gone", || server.counts().sessions == 0);
        assert_eq!(server.read("file"), b"old");
        assert_eq!(server.names(), ["file"]);
    }
}

/// The stress test found it: no event had told of the FIN on the control connection yet.
#[test]
fn a_control_connection_that_ends_just_before_its_stor_cuts_it_off() {
    let server = TestServer::start();
    server.write("file", "old");
    for round in 0..300 {
        let mut client = server.client();
        let mut data = client.data(Way::Pasv);
        client.begin("STOR file");
        data.write_all(&[b'n'; 10_000]).unwrap();
        drop(client);
        drop(data);
        wait_until("the session has ended", || server.counts().sessions == 0);
        assert!(server.read("file") == b"old", "round {round}");
    }
}

#[test]
fn a_stor_whose_control_connection_is_lost_is_cut_off() {
    let server = TestServer::with(|config| config.partial_uploads = PartialUploads::Discard);
    let mut client = server.client();
    let data = stuck::upload(&mut client, "STOR file", b"some bytes");
    client.reset();
    wait_until("the session is gone", || server.counts().sessions == 0);
    drop(data);
    assert!(server.names().is_empty());
}

#[test]
fn a_stor_ends_by_a_fin_even_if_the_client_goes_on_listening() {
    let server = TestServer::start();
    let mut client = server.client();
    let mut data = stuck::upload(&mut client, "STOR file", b"content");
    data.shutdown(Shutdown::Write).unwrap();
    client.expect_reply(226);
    assert_eq!(server.read("file"), b"content");
}

/// A splice takes urgent data for the end of the stream. Who reads in order never sees that byte.
#[test]
fn urgent_data_in_a_stor_is_not_its_end() {
    for round in ROUNDS {
        let server = TestServer::with(|config| config.round_bytes = round);
        let mut client = server.client();
        let content = random_bytes(1, bytes_for(round).min(400_000));
        let (first, second) = content.split_at(content.len() / 2);
        for wait in [false, true] {
            let mut data = client.extended_passive();
            client.begin("STOR file");
            data.write_all(first).unwrap();
            SockRef::from(&data).send_out_of_band(b"!").unwrap();
            if wait {
                while !client.expect(211, "STAT").contains(&format!(", {} bytes", first.len())) {}
            }
            data.write_all(second).unwrap();
            drop(data);
            client.expect_reply(226);
            assert!(server.read("file") == content, "{round} bytes a round");
        }
    }
}

#[test]
fn two_stor_of_one_name_both_arrive_and_the_last_to_end_stays() {
    let server = TestServer::start();
    let (mut one, mut two) = (server.client(), server.client());
    let first = stuck::upload(&mut one, "STOR file", b"the first");
    let second = stuck::upload(&mut two, "STOR file", b"the second");
    drop(second);
    two.expect_reply(226);
    assert_eq!(server.read("file"), b"the second");
    drop(first);
    one.expect_reply(226);
    assert_eq!(server.read("file"), b"the first");
    assert_eq!(server.names(), ["file"]);
}

#[test]
fn of_many_stor_to_one_name_at_once_one_stays_whole() {
    let server = TestServer::start();
    let address = server.v4();
    let content = |number: u8| vec![number; 300_000 + usize::from(number)];
    thread::scope(|scope| {
        for number in 0..8 {
            scope.spawn(move || {
                let mut client = Client::connect(address);
                client.login();
                for _ in 0..10 {
                    client.store("file", content(number), Way::Epsv);
                    let seen = client.retrieve("file", Way::Epsv);
                    assert!(seen == content(seen[0]), "a mixture");
                }
            });
        }
    });
    let last = server.read("file");
    assert!(last == content(last[0]));
    assert_eq!(server.names(), ["file"]);
}

#[test]
fn a_stor_that_is_cut_off_does_not_replace_what_came_meanwhile() {
    let server = TestServer::start();
    let (mut one, mut two) = (server.client(), server.client());
    let first = stuck::upload(&mut one, "STOR file", b"a part");
    two.store("file", "the whole", Way::Epsv);
    reset(first);
    one.expect_reply(426);
    assert_eq!(server.read("file"), b"the whole");
    assert_eq!(server.names(), ["file"]);
}

#[test]
fn rest_and_appe_write_in_place() {
    let server = TestServer::start();
    server.write("file", "0123456789");
    let mut client = server.client();
    client.expect(350, "REST 4");
    let data = stuck::upload(&mut client, "STOR file", b"four");
    assert_eq!(server.read("file"), b"0123four");
    drop(data);
    client.expect_reply(226);
    let data = stuck::upload(&mut client, "APPE file", b", more");
    assert_eq!(server.read("file"), b"0123four, more");
    drop(data);
    client.expect_reply(226);
}

#[test]
fn a_file_that_stor_replaces_keeps_its_permissions() {
    let server = TestServer::start();
    server.write("file", "old");
    fs::set_permissions(server.path("file"), PermissionsExt::from_mode(0o640)).unwrap();
    server.client().store("file", "new", Way::Epsv);
    let mode = fs::metadata(server.path("file")).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o640);
}

#[test]
fn new_files_of_stor_and_folders_of_mkd_heed_the_umask() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start("umask 027", &[folder.path().to_str().unwrap()]);
    let mut client = program.client();
    client.store("file", "new", Way::Epsv);
    client.expect(257, "MKD folder");
    let mode = |name| fs::metadata(folder.path().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("file"), mode("folder")), (0o640, 0o750));
}

#[test]
fn stor_replaces_a_link_and_what_it_leads_to_stays() {
    let server = TestServer::start();
    server.write("target", "old");
    symlink("target", server.path("link")).unwrap();
    server.client().store("link", "new", Way::Epsv);
    assert_eq!(server.read("link"), b"new");
    assert_eq!(server.read("target"), b"old");
}

#[test]
fn a_kill_in_a_stor_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("old"), "old").unwrap();
    let program = Program::start("", &[folder.path().to_str().unwrap()]);
    let (mut one, mut two) = (program.client(), program.client());
    let first = stuck::upload(&mut one, "STOR old", b"the new");
    let second = stuck::upload(&mut two, "STOR new", b"the new");
    program.signal(Signal::KILL);
    program.wait();
    assert_eq!(names_in(folder.path()), ["old"]);
    assert_eq!(fs::read(folder.path().join("old")).unwrap(), b"old");
    drop((first, second));
}
