//! The control connection as real clients use it: the Synch in all its spellings, and commands that
//! come in pieces.

use crate::common::{Client, ROUNDS, TestServer, Way, stuck};
use socket2::SockRef;
use std::io::Write;

/// Bytes, and whether the last of them is urgent.
struct Piece(&'static [u8], bool);

/// How clients say ABOR.
const ABORTS: [(&str, &[Piece]); 6] = [
    ("FileZilla and curl", &[Piece(b"ABOR\r\n", false)]),
    ("ftplib", &[Piece(b"ABOR\r\n", true)]),
    ("tnftp and inetutils", &[Piece(b"\xff\xf4\xff", true), Piece(b"\xf2ABOR\r\n", false)]),
    ("lftp", &[Piece(b"\xff\xf4\xff\xf2", true), Piece(b"ABOR\r\n", false)]),
    (
        "as RFC 959 has it",
        &[Piece(b"\xff\xf4", false), Piece(b"\xff\xf2", true), Piece(b"ABOR\r\n", false)],
    ),
    ("all in one", &[Piece(b"\xff\xf4\xff\xf2ABOR\r\n", true)]),
];

fn abort(client: &mut Client, pieces: &[Piece]) {
    for Piece(piece, urgent) in pieces {
        if *urgent {
            let sent = SockRef::from(&client.stream).send_out_of_band(piece).unwrap();
            assert_eq!(sent, piece.len());
        } else {
            client.send(piece);
        }
    }
}

#[test]
fn every_clients_abor_stops_retr_and_stor_and_leaves_the_session_clean() {
    for round in ROUNDS {
        let server = TestServer::with(|config| config.round_bytes = round);
        let mut client = server.client();
        for (who, pieces) in ABORTS {
            let download = stuck::download(&server, &mut client);
            abort(&mut client, pieces);
            client.expect_reply(426);
            client.expect_reply(226);
            drop(download);

            let mut upload = client.extended_passive();
            client.begin("STOR new");
            upload.write_all(b"some bytes").unwrap();
            abort(&mut client, pieces);
            client.expect_reply(426);
            client.expect_reply(226);
            drop(upload);

            client.epsv();
            client.expect(150, "RETR large");
            abort(&mut client, pieces);
            client.expect_reply(426);
            client.expect_reply(226);

            abort(&mut client, pieces);
            client.expect_reply(226);
            assert_eq!(client.expect(200, "NOOP"), "Okay.", "{who}");
        }
    }
}

#[test]
fn an_urgent_abor_finds_its_way_past_commands_that_wait() {
    for round in ROUNDS {
        let server = TestServer::with(|config| config.round_bytes = round);
        let mut client = server.client();
        for (who, pieces) in ABORTS {
            let data = stuck::download(&server, &mut client);
            client.send("SYST\r\nPWD\r\n");
            abort(&mut client, pieces);
            for code in [426, 226, 215, 257] {
                assert_eq!(client.reply().0, code, "{who}");
            }
            drop(data);
        }
    }
}

#[test]
fn size_may_come_in_packets_cut_anywhere() {
    let server = TestServer::start();
    server.write("file", "content");
    let (mut client, mut other) = (server.client(), server.client());
    let command = b"SIZE file\r\n";
    let cuts = (1..command.len()).map(|cut| vec![&command[..cut], &command[cut..]]);
    let every_byte = command.chunks(1).collect();
    for pieces in cuts.chain([every_byte]) {
        for piece in pieces {
            client.send(piece);
            // The server has seen the piece when it has answered somebody else.
            other.expect_alive();
        }
        assert_eq!(client.expect_reply(213), "7");
    }
}

#[test]
fn an_abor_may_come_byte_by_byte() {
    let server = TestServer::start();
    let (mut client, mut other) = (server.client(), server.client());
    let data = stuck::download(&server, &mut client);
    for byte in b"\xff\xf4\xff\xf2ABOR\r\n" {
        SockRef::from(&client.stream).send_out_of_band(&[*byte]).unwrap();
        other.expect_alive();
    }
    client.expect_reply(426);
    client.expect_reply(226);
    drop(data);
    client.store("file", "content", Way::Epsv);
}
