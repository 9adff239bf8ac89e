//! The assignment that the server was first asked for, point by point: the checklist of SPEC.md.

use crate::common::client::{eprt, port, read_to_end, reset};
use crate::common::ports::DeadPort;
use crate::common::{Client, TestServer, Way, wait_until};
use packetboat::program::summary;
use packetboat::{Anonymous, Config};
use std::fs::File;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, UNIX_EPOCH};

const CONTENT: &[u8] = b"every\x00byte\r\n\xff\xf4of it\n";

/// The session of the brief, reply for reply and byte for byte.
#[test]
fn the_complete_session() {
    let server = TestServer::start();
    server.write("file", vec![7; 2331]);
    let file = File::options().write(true).open(server.path("file")).unwrap();
    file.set_modified(UNIX_EPOCH + Duration::from_secs(1_677_929_071)).unwrap();
    for address in server.both() {
        let mut client = Client::unseen(TcpStream::connect(address).unwrap());
        // A `…` stands for lines that begin with a space.
        let mut says = |line: &str, expected: &str| {
            if !line.is_empty() {
                client.send_line(line);
            }
            let reply = String::from_utf8(client.raw_reply()).unwrap();
            match expected.split_once('…') {
                None => assert_eq!(reply, expected, "{line}"),
                Some((begin, end)) => {
                    let rest = reply.strip_prefix(begin).and_then(|rest| rest.strip_suffix(end));
                    let lines = rest.unwrap_or_else(|| panic!("{line}: {reply}"));
                    assert!(lines.lines().all(|line| line.starts_with(' ')), "{line}: {reply}");
                }
            }
        };
        let listener = TcpListener::bind((address.ip(), 0)).unwrap();
        says("", "220 packetboat ready.\r\n");
        says("USER anonymous", "331 Username ok, send password.\r\n");
        says("PASS anonymous@", "230 Login successful.\r\n");
        says("SYST", "215 UNIX Type: L8\r\n");
        says("FEAT", "211-Features supported:\r\n…211 End FEAT.\r\n");
        says("TYPE I", "200 Type set to: Binary.\r\n");
        says("SIZE file", "213 2331\r\n");
        says(&eprt(listener.local_addr().unwrap()), "200 Active data connection established.\r\n");
        let (mut data, _) = listener.accept().unwrap();
        says("RETR file", "125 Data connection already open. Transfer starting.\r\n");
        assert_eq!(read_to_end(&mut data), [7; 2331]);
        says("", "226 Transfer complete.\r\n");
        says("MDTM file", "213 20230304112431\r\n");
        says("QUIT", "221 Goodbye.\r\n");
        client.expect_close();
    }
}

#[test]
fn point_01_serves_many_closes_one_on_quit_and_takes_the_next() {
    let usual: SocketAddr = "127.0.0.1:52305".parse().unwrap();
    assert_eq!(Config::new("/").listen, [usual]);
    let server = TestServer::start();
    for address in server.both() {
        let (mut first, mut second) = (Client::connect(address), Client::connect(address));
        first.login();
        second.login();
        first.expect(221, "QUIT");
        first.expect_close();
        second.expect_alive();
        Client::connect(address).login();
        second.expect_alive();
    }
}

#[test]
fn point_02_the_greeting_is_the_operators() {
    let server = TestServer::with(|config| config.banner = "12116666 ready".to_owned());
    for address in server.both() {
        let mut client = Client::unseen(TcpStream::connect(address).unwrap());
        assert_eq!(client.raw_reply(), b"220 12116666 ready\r\n");
    }
}

#[test]
fn point_03_anonymous_may_stor_while_only_this_machine_can_connect() {
    let server = TestServer::start();
    for address in server.both() {
        let mut client = Client::connect(address);
        client.expect(331, "USER anonymous");
        client.expect(230, "PASS anything");
        client.store("new", CONTENT, Way::Epsv);
        assert_eq!(client.retrieve("new", Way::Epsv), CONTENT);
    }
}

#[test]
fn point_03_anonymous_may_retr_and_not_stor_as_soon_as_others_can_connect() {
    let server = TestServer::with(|config| config.listen = vec!["0.0.0.0:0".parse().unwrap()]);
    server.write("old", CONTENT);
    let mut client = Client::connect(([127, 0, 0, 1], server.v4().port()).into());
    client.login();
    let data = client.passive();
    client.expect(550, "STOR new");
    drop(data);
    assert_eq!(client.retrieve("old", Way::Pasv), CONTENT);
    assert_eq!(server.names(), ["old"]);
}

#[test]
fn point_03_anonymous_may_stor_if_the_operator_says_so() {
    let server = TestServer::with(|config| {
        config.listen = vec!["0.0.0.0:0".parse().unwrap()];
        config.anonymous = Some(Anonymous::Write);
    });
    let mut client = Client::connect(([127, 0, 0, 1], server.v4().port()).into());
    client.login();
    client.store("new", CONTENT, Way::Pasv);
    assert_eq!(server.read("new"), CONTENT);
}

#[test]
fn point_03_one_line_at_the_start_says_which_holds() {
    for (listen, words) in [("127.0.0.1:1", "read and store"), ("0.0.0.0:1", "read only")] {
        let mut config = Config::new("/");
        config.listen = vec![listen.parse().unwrap()];
        let lines = summary(&config, &config.listen, None).unwrap();
        let said: Vec<_> = lines.iter().filter(|line| line.contains("Anonymous")).collect();
        assert!(said.len() == 1 && said[0].contains(words), "{said:?}");
    }
}

#[test]
fn point_04_retr_and_stor_by_port_and_eprt_change_no_byte() {
    let server = TestServer::start();
    for address in server.both() {
        let mut client = Client::connect(address);
        client.login();
        let two_fields =
            |address: SocketAddr| format!("EPRT |{}|{}|", address.ip(), address.port());
        let mut spellings = vec![eprt as fn(SocketAddr) -> String, two_fields];
        if address.is_ipv4() {
            spellings.push(port);
        }
        for spell in spellings {
            let connect = |client: &mut Client| {
                let listener = TcpListener::bind((address.ip(), 0)).unwrap();
                client.expect(200, spell(listener.local_addr().unwrap()));
                client.accept(&listener)
            };
            let mut data = connect(&mut client);
            client.begin("STOR a name, with  blanks");
            data.write_all(CONTENT).unwrap();
            drop(data);
            client.expect_reply(226);
            assert_eq!(server.read("a name, with  blanks"), CONTENT);
            let mut data = connect(&mut client);
            client.begin("RETR a name, with  blanks");
            assert_eq!(read_to_end(&mut data), CONTENT);
            client.expect_reply(226);
        }
    }
}

#[test]
fn point_05_port_and_eprt_connect_at_once_or_are_refused() {
    let server = TestServer::start();
    for address in server.both() {
        let mut client = Client::connect(address);
        client.login();
        let listener = TcpListener::bind((address.ip(), 0)).unwrap();
        let text = client.expect(200, eprt(listener.local_addr().unwrap()));
        assert_eq!(text, "Active data connection established.");
        listener.accept().unwrap();
        client.expect(425, eprt(DeadPort::of(address.ip()).address));
        client.expect(425, "RETR anything");
        client.expect(501, "EPRT |1|127.0.0.1|52306");
    }
    let mut client = server.client();
    client.expect(425, port(DeadPort::of(server.v4().ip()).address));
    client.expect(501, "PORT 127,0,0,1,1");
}

#[test]
fn point_06_every_command_of_the_brief_is_known() {
    let server = TestServer::start();
    server.write("file", CONTENT);
    for address in server.both() {
        let mut client = Client::connect(address);
        client.login();
        for (code, line) in [
            (215, "SYST"),
            (213, "SIZE file"),
            (200, "TYPE I"),
            (211, "FEAT"),
            (213, "MDTM file"),
            (214, "HELP"),
            (257, "PWD"),
            (257, "MKD folder"),
            (250, "CWD folder"),
            (250, "CDUP"),
            (250, "RMD folder"),
            (200, "NOOP"),
        ] {
            client.expect(code, line);
        }
        assert_eq!(client.list("NLST"), [b"file"]);
        assert!(client.list("LIST")[0].ends_with(b" file"));
        client.store("more", CONTENT, Way::Eprt);
        assert_eq!(client.retrieve("more", Way::Eprt), CONTENT);
        client.expect(250, "DELE more");
        client.expect(221, "QUIT");
    }
}

#[test]
fn point_07_what_retr_and_stor_cannot_do_is_a_reply() {
    let server = TestServer::start();
    server.write("secret", CONTENT);
    std::fs::create_dir(server.path("folder")).unwrap();
    std::fs::set_permissions(server.path("secret"), PermissionsExt::from_mode(0o000)).unwrap();
    let may_read_all = File::open(server.path("secret")).is_ok(); // as root
    for address in server.both() {
        let mut client = Client::connect(address);
        client.login();
        let long = "x".repeat(300);
        for (line, right) in [
            ("RETR missing".to_owned(), 550),
            ("RETR \\".to_owned(), 550),
            ("RETR folder".to_owned(), 550),
            ("RETR secret/beneath".to_owned(), 550),
            (format!("RETR {long}"), 553),
            ("STOR .".to_owned(), 550),
            ("STOR folder".to_owned(), 550),
            ("STOR missing/new".to_owned(), 550),
            (format!("STOR {long}"), 553),
        ] {
            let data = client.extended_passive();
            client.expect(right, line);
            drop(data);
        }
        if !may_read_all {
            let _data = client.extended_passive();
            client.expect(550, "RETR secret");
        }
        client.expect_alive();
    }
    assert_eq!(server.names(), ["folder", "secret"]);
}

#[test]
fn point_08_commands_before_the_login_are_refused() {
    let server = TestServer::start();
    for address in server.both() {
        let mut client = Client::connect(address);
        for line in ["RETR x", "STOR x", "LIST", "PWD", "PASV", "DELE x", "SIZE x", "TYPE I"] {
            client.expect(530, line);
        }
        client.expect(503, "PASS before-user");
        client.expect(501, "USER");
        client.expect_alive();
    }
}

#[test]
fn point_08_command_errors_have_their_codes() {
    let server = TestServer::start();
    for address in server.both() {
        let mut client = Client::connect(address);
        client.login();
        for (code, line) in [
            (425, "RETR x"),
            (425, "STOR x"),
            (425, "LIST"),
            (501, "RETR"),
            (501, "SIZE "),
            (501, "QUIT now"),
            (501, "TYPE Q"),
            (500, "XYZZY"),
            (500, ""),
            (502, "SMNT"),
            (502, "LPRT"),
            (504, "MODE B"),
            (504, "STRU R"),
            (504, "TYPE E"),
        ] {
            client.expect(code, line);
        }
    }
}

#[test]
fn point_08_a_command_ends_in_crlf_and_in_nothing_else() {
    let server = TestServer::start();
    for address in server.both() {
        let mut client = Client::connect(address);
        client.login();
        for line in ["MKD a\nMKD b\r\n", "MKD a\rMKD b\r\n", "\nMKD a\r\n", "MKD a\0b\r\n"] {
            client.send(line);
            client.expect_reply(500);
            client.expect_alive();
        }
        assert!(server.names().is_empty());
    }
}

#[test]
fn point_09_a_refused_eprt_a_broken_retr_and_a_lost_client() {
    let server = TestServer::start();
    server.write_zeros("large", 1 << 26);
    for address in server.both() {
        let (mut client, mut other) = (Client::connect(address), Client::connect(address));
        client.login();
        other.login();
        client.expect(425, eprt(DeadPort::of(address.ip()).address));
        let mut data = client.active(Way::Eprt);
        client.begin("RETR large");
        data.read_exact(&mut [0]).unwrap();
        reset(data);
        client.expect_reply(426);
        let mut data = client.active(Way::Eprt);
        client.begin("RETR large");
        data.read_exact(&mut [0; 1000]).unwrap();
        client.reset();
        other.expect_alive();
        wait_until("the lost client is forgotten", || server.counts().sessions == 1);
        drop(data);
    }
}

#[test]
fn point_10_users_read_and_superusers_also_write() {
    let server = TestServer::with_users(|_| {});
    server.write("file", CONTENT);
    for address in server.both() {
        let mut reader = Client::connect(address);
        reader.login_as("reader", "secret");
        assert_eq!(reader.retrieve("file", Way::Eprt), CONTENT);
        for line in ["STOR new", "APPE file", "STOU", "DELE file", "MKD x", "RMD x", "RNFR file"] {
            reader.expect(550, line);
        }
        let mut writer = Client::connect(address);
        writer.login_as("writer", "secret");
        writer.store("new", CONTENT, Way::Eprt);
        writer.expect(257, "MKD x");
        writer.expect(250, "RMD x");
        writer.expect(350, "RNFR new");
        writer.expect(250, "RNTO newer");
        writer.expect(250, "DELE newer");
    }
    assert_eq!(server.names(), ["file"]);
}

#[test]
fn point_11_epsv_with_the_same_care() {
    let server = TestServer::with(|config| config.data_timeout = Duration::from_secs(1));
    server.write("file", CONTENT);
    server.write_zeros("large", 1 << 26);
    for address in server.both() {
        let mut client = Client::connect(address);
        client.login();
        assert_eq!(client.retrieve("file", Way::Epsv), CONTENT);
        client.epsv();
        client.expect(150, "RETR file");
        client.expect_reply(425); // nobody connected
        let mut data = client.extended_passive();
        client.begin("RETR large");
        data.read_exact(&mut [0]).unwrap();
        reset(data);
        client.expect_reply(426);
        assert_eq!(client.retrieve("file", Way::Epsv), CONTENT);
    }
}
