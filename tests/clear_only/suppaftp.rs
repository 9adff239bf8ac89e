//! A client that somebody else wrote.

use crate::common::{TestServer, random_bytes};
use std::io::Cursor;
use std::net::SocketAddr;
use std::time::Duration;
use suppaftp::types::FileType;
use suppaftp::{FtpStream, Mode};

fn client(server: SocketAddr, mode: Mode) -> FtpStream {
    let mut client = FtpStream::connect(server).unwrap();
    client.login("anonymous", "guest@").unwrap();
    client.transfer_type(FileType::Binary).unwrap();
    match mode {
        Mode::Active => client.active_mode(Duration::from_secs(20)),
        mode => {
            client.set_mode(mode);
            client
        }
    }
}

fn whole_tour(server: &TestServer, mut client: FtpStream) {
    let content = random_bytes(9, 300_000);
    assert_eq!(client.put_file("file", &mut Cursor::new(&content)).unwrap(), 300_000);
    assert!(server.read("file") == content);
    assert_eq!(client.size("file").unwrap(), 300_000);
    client.mdtm("file").unwrap();
    assert!(client.retr_as_buffer("file").unwrap().into_inner() == content);

    client.resume_transfer(299_990).unwrap();
    assert_eq!(client.retr_as_buffer("file").unwrap().into_inner(), content[299_990..]);
    client.append_file("file", &mut Cursor::new(b"more")).unwrap();
    assert_eq!(server.read("file").len(), 300_004);

    client.mkdir("folder").unwrap();
    client.rename("file", "folder/renamed").unwrap();
    client.cwd("folder").unwrap();
    assert_eq!(client.pwd().unwrap(), "/folder");
    assert_eq!(client.nlst(None).unwrap(), ["renamed"]);
    let listed = client.list(None).unwrap();
    let entry: suppaftp::list::File = listed[0].parse().unwrap();
    assert_eq!((entry.name(), entry.size(), entry.is_file()), ("renamed", 300_004, true));

    client.rm("renamed").unwrap();
    client.cdup().unwrap();
    client.rmdir("folder").unwrap();
    assert!(client.retr_as_buffer("folder").is_err());
    client.noop().unwrap();
    client.quit().unwrap();
    assert!(server.names().is_empty());
}

#[test]
fn all_of_suppaftp_with_pasv() {
    let server = TestServer::start();
    whole_tour(&server, client(server.v4(), Mode::Passive));
}

#[test]
fn all_of_suppaftp_with_epsv() {
    let server = TestServer::start();
    for address in server.both() {
        whole_tour(&server, client(address, Mode::ExtendedPassive));
    }
}

#[test]
fn all_of_suppaftp_with_active_mode() {
    let server = TestServer::start();
    for address in server.both() {
        whole_tour(&server, client(address, Mode::Active));
    }
}

#[test]
fn suppaftp_gives_a_retr_up_by_abor() {
    let server = TestServer::start();
    server.write_zeros("large", 1 << 26);
    let mut client = client(server.v4(), Mode::Passive);
    let transfer = client.retr_as_stream("large").unwrap();
    client.abort(transfer).unwrap();
    client.noop().unwrap();
}

#[test]
fn suppaftp_is_told_that_pass_is_wrong() {
    let server = TestServer::with_users(|_| {});
    let mut client = FtpStream::connect(server.v4()).unwrap();
    assert!(client.login("reader", "wrong").is_err());
    client.login("reader", "secret").unwrap();
    assert!(client.mkdir("folder").is_err());
}
