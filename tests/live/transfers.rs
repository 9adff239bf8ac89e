//! Bytes that go both ways: every size, every way to connect.

use crate::common::client::{eprt, read_to_end, reset};
use crate::common::{Chance, Client, TestServer, Way, random_bytes, stuck, with_every_round};
use std::fs::File;
use std::io::Write;
use std::net::TcpListener;
use std::thread;
use std::time::UNIX_EPOCH;

const MIB: usize = 1 << 20;

// What goes well.

#[test]
fn random_files_of_random_names_come_back_from_stor_and_retr_as_they_were() {
    with_every_round(|server, most| {
        let mut random = Chance::new(most as u64);
        for address in server.both() {
            let mut client = Client::connect(address);
            client.login();
            for &way in Way::all(address) {
                let (name, length) = (random.name(), random.below(most as u64) as usize);
                let content = random.bytes(length);
                client.store(&name, &content, way);
                assert!(server.read(&name) == content, "{way:?} {}", name.escape_ascii());
                assert!(client.retrieve(&name, way) == content, "{way:?} {}", name.escape_ascii());
            }
        }
    });
}

#[test]
fn stor_and_retr_of_an_empty_file() {
    with_every_round(|server, _| {
        for address in server.both() {
            let mut client = Client::connect(address);
            client.login();
            for &way in Way::all(address) {
                client.store("empty", "", way);
                assert_eq!(client.retrieve("empty", way), b"");
                client.expect(250, "DELE empty");
            }
        }
    });
}

#[test]
fn stor_and_retr_of_sizes_around_the_buffers() {
    let server = TestServer::start();
    let mut client = server.client();
    let content = random_bytes(1, MIB + 1);
    for size in [1, 2, 255, 256, 4095, 4096, 65_536, 262_143, 262_144, 262_145, MIB, MIB + 1] {
        client.store("file", &content[..size], Way::Pasv);
        assert!(client.retrieve("file", Way::Port) == content[..size], "{size} bytes");
    }
}

#[test]
fn stor_and_retr_of_twenty_megabytes() {
    let server = TestServer::start();
    let mut client = server.client();
    let content = random_bytes(2, 20 * MIB);
    client.store("file", &content, Way::Epsv);
    assert!(client.retrieve("file", Way::Eprt) == content);
}

#[test]
fn type_a_translates_line_ends_of_stor_and_retr() {
    with_every_round(|server, most| {
        let lines = b"one\ntwo\n\nfour\rfive\n".repeat(most / 100);
        let on_the_wire = String::from_utf8(lines.clone()).unwrap().replace('\n', "\r\n");
        let mut client = server.client();
        client.expect(200, "TYPE A");
        client.store("text", &on_the_wire, Way::Pasv);
        assert!(server.read("text") == lines);
        assert!(client.retrieve("text", Way::Pasv) == on_the_wire.as_bytes());
        client.expect(200, "TYPE I");
        assert!(client.retrieve("text", Way::Pasv) == lines);
    });
}

#[test]
fn rest_begins_a_retr_further_on() {
    with_every_round(|server, most| {
        let content = random_bytes(3, most);
        server.write("file", &content);
        let mut client = server.client();
        for from in [0, 1, most / 2, most] {
            client.expect(350, format!("REST {from}"));
            assert!(client.retrieve("file", Way::Epsv) == content[from..]);
        }
        assert!(client.retrieve("file", Way::Epsv) == content, "REST holds for one transfer");
        let _data = client.extended_passive();
        client.expect(350, format!("REST {}", most + 1));
        client.expect(554, "RETR file");
    });
}

#[test]
fn rest_is_forgotten_by_any_command_but_those_that_prepare_a_retr() {
    let server = TestServer::start();
    server.write("file", "content");
    let mut client = server.client();
    client.expect(350, "REST 3");
    client.expect(200, "NOOP");
    assert_eq!(client.retrieve("file", Way::Epsv), b"content");
    client.expect(350, "REST 3");
    client.expect(200, "TYPE I");
    assert_eq!(client.retrieve("file", Way::Epsv), b"tent");
}

#[test]
fn rest_continues_a_stor() {
    with_every_round(|server, most| {
        let content = random_bytes(4, most);
        server.write("file", &content[..most / 2]);
        let mut client = server.client();
        client.expect(350, format!("REST {}", most / 3));
        client.store("file", &content[most / 3..], Way::Epsv);
        assert!(server.read("file") == content);
    });
}

#[test]
fn rest_beyond_the_end_makes_stor_554() {
    let server = TestServer::start();
    server.write("file", "four");
    let mut client = server.client();
    for name in ["file", "missing"] {
        let _data = client.extended_passive();
        client.expect(350, "REST 5");
        client.expect(554, format!("STOR {name}"));
    }
    assert_eq!(server.read("file"), b"four");
    assert_eq!(server.names(), ["file"]);
}

#[test]
fn appe_adds_to_a_file_or_makes_it() {
    with_every_round(|server, most| {
        let content = random_bytes(5, most);
        let mut client = server.client();
        client.put("APPE file", &content[..most / 2], Way::Epsv);
        client.put("APPE file", &content[most / 2..], Way::Eprt);
        assert!(server.read("file") == content);
    });
}

#[test]
fn stou_stores_under_a_name_of_its_own_and_tells_it() {
    let server = TestServer::start();
    let mut client = server.client();
    for content in ["one", "two"] {
        let mut data = client.extended_passive();
        client.send_line("STOU");
        let announced = client.expect_reply(150);
        data.write_all(content.as_bytes()).unwrap();
        drop(data);
        let stored = client.expect_reply(226);
        let name = announced.strip_prefix("FILE: ").expect("RFC 1123 has it so");
        assert!(stored.ends_with(name), "{stored}");
        assert_eq!(server.read(name), content.as_bytes());
    }
    assert_eq!(server.names().len(), 2);
}

#[test]
fn retr_after_pasv_is_150_whether_the_client_has_come_or_not() {
    let server = TestServer::start();
    server.write("file", "content");
    let mut client = server.client();
    let address = client.pasv();
    server.wait_for_leases(1);
    let mut data = client.dial(address);
    server.wait_for_leases(0);
    assert_eq!(client.expect(150, "RETR file"), "Opening data connection (7 bytes).");
    assert_eq!(read_to_end(&mut data), b"content");
    client.expect_reply(226);
    let address = client.pasv();
    client.expect(150, "RETR file");
    assert_eq!(read_to_end(&mut client.dial(address)), b"content");
    client.expect_reply(226);
    client.expect(350, "REST 5");
    let mut data = client.passive();
    assert_eq!(client.expect(150, "RETR file"), "Opening data connection (2 bytes).");
    assert_eq!(client.retrieve_rest(&mut data), b"nt");
}

#[test]
fn a_data_connection_serves_one_retr() {
    let server = TestServer::start();
    server.write("file", "content");
    let mut client = server.client();
    for &way in Way::all(server.v4()) {
        client.retrieve("file", way);
        client.expect(425, "RETR file");
    }
}

#[test]
fn user_to_retr_and_quit_may_be_said_at_once() {
    with_every_round(|server, most| {
        let content = random_bytes(8, most);
        server.write("file", &content);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let here = eprt(listener.local_addr().unwrap());
        let mut client = server.connect();
        client.send(format!("USER ftp\r\nPASS x\r\n{here}\r\nRETR file\r\nQUIT\r\n"));
        assert!(read_to_end(&mut client.accept(&listener)) == content);
        for code in [331, 230, 200, 125, 226, 221] {
            client.expect_reply(code);
        }
        client.expect_close();
    });
}

#[test]
fn retr_of_a_file_that_dele_takes_away_meanwhile_is_whole() {
    let server = TestServer::start();
    let (mut client, mut other) = (server.client(), server.client());
    let mut data = stuck::download(&server, &mut client);
    other.expect(250, "DELE large");
    assert_eq!(client.retrieve_rest(&mut data).len() as u64, stuck::LARGE - stuck::READ);
}

// Other commands meanwhile.

#[test]
fn commands_behind_retr_wait_in_order() {
    with_every_round(|server, most| {
        server.write("file", vec![7; most]);
        let mut client = server.client();
        let mut data = client.extended_passive();
        client.send("RETR file\r\nNOOP\r\nPWD\r\nSYST\r\n");
        assert_eq!(read_to_end(&mut data).len(), most);
        let codes = [(); 5].map(|()| client.reply().0);
        assert!(matches!(codes, [125 | 150, 226, 200, 257, 215]), "{codes:?}");
    });
}

#[test]
fn stat_is_answered_in_the_middle_of_retr() {
    with_every_round(|server, _| {
        let mut client = server.client();
        let data = stuck::download(server, &mut client);
        client.send("NOOP\r\nSTAT\r\n");
        assert!(client.expect_reply(211).contains("sending /large"));
        reset(data);
        client.expect_reply(426);
        client.expect_reply(200);
    });
}

#[test]
fn quit_in_the_middle_of_retr_or_stor_lets_it_end() {
    with_every_round(|server, most| {
        let content = random_bytes(6, most);
        server.write("file", &content);
        for name in ["file", "copy"] {
            let mut client = server.client();
            let mut data = client.extended_passive();
            if name == "file" {
                client.begin("RETR file");
                client.send_line("QUIT");
                assert!(read_to_end(&mut data) == content);
            } else {
                client.begin("STOR copy");
                client.send_line("QUIT");
                data.write_all(&content).unwrap();
                drop(data);
            }
            client.expect_reply(226);
            client.expect_reply(221);
            client.expect_close();
        }
        assert!(server.read("copy") == content);
    });
}

// Several at once.

#[test]
fn two_retr_beside_a_stor_each_have_one_whole_version() {
    let server = TestServer::start();
    let (old, new) = (vec![b'o'; 12 * MIB], vec![b'n'; 12 * MIB]);
    server.write("file", &old);
    let (mut early, mut late, mut replacer) = (server.client(), server.client(), server.client());
    let mut first = early.extended_passive();
    early.begin("RETR file");
    let mut upload = replacer.extended_passive();
    replacer.begin("STOR file");
    upload.write_all(&new[..MIB]).unwrap();
    let mut second = late.extended_passive();
    late.begin("RETR file");
    upload.write_all(&new[MIB..]).unwrap();
    drop(upload);
    replacer.expect_reply(226);
    assert!(early.retrieve_rest(&mut first) == old);
    assert!(late.retrieve_rest(&mut second) == old);
    assert!(early.retrieve("file", Way::Epsv) == new);
}

#[test]
fn many_stor_and_retr_at_once_keep_their_bytes_apart() {
    let server = TestServer::with(|config| config.round_bytes = 512);
    let address = server.v4();
    let transfers = (1..=20).map(|seed| {
        thread::spawn(move || {
            let mut random = Chance::new(seed);
            let (name, content) = (random.name(), random.bytes(100_000));
            let mut client = Client::connect(address);
            client.login();
            let way = Way::all(address)[seed as usize % 4];
            client.store(&name, &content, way);
            assert!(client.retrieve(&name, way) == content);
        })
    });
    let transfers: Vec<_> = transfers.collect();
    for transfer in transfers {
        transfer.join().unwrap();
    }
    assert_eq!(server.names().len(), 20);
}

#[test]
fn mdtm_of_a_stored_file_is_the_time_of_its_stor() {
    let server = TestServer::start();
    server.write("file", "old");
    File::options()
        .write(true)
        .open(server.path("file"))
        .unwrap()
        .set_modified(UNIX_EPOCH)
        .unwrap();
    let mut client = server.client();
    assert_eq!(client.expect(213, "MDTM file"), "19700101000000");
    client.store("file", "new", Way::Epsv);
    assert_ne!(client.expect(213, "MDTM file"), "19700101000000");
}
