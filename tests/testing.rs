//! `packetboat::testing`, as somebody who tests a client has it; the client is suppaftp.

use packetboat::Access;
use packetboat::testing::{EventKind, Fault, TestServer, Transfer};
use std::io::{Cursor, Read};
use std::time::{Duration, Instant};
use suppaftp::{FtpError, FtpStream};

fn login(server: &TestServer, user: &str, password: &str) -> FtpStream {
    let mut client = FtpStream::connect(server.address()).unwrap();
    client.login(user, password).unwrap();
    client
}

fn code(error: FtpError) -> u32 {
    match error {
        FtpError::UnexpectedResponse(response) => response.status.code(),
        other => panic!("no reply: {other}"),
    }
}

fn fetch(client: &mut FtpStream, name: &str) -> Result<Vec<u8>, FtpError> {
    client.retr_as_buffer(name).map(Cursor::into_inner)
}

#[test]
fn files_go_both_ways_and_events_tell_of_them() {
    let server = TestServer::builder().account("alice", "secret", Access::WRITE).start().unwrap();
    assert_eq!(server.url(), format!("ftp://{}/", server.address()));
    std::fs::write(server.path().join("here"), "content").unwrap();
    let mut client = login(&server, "alice", "secret");
    let login = server.wait_for(|event| event.kind == EventKind::LoggedIn);
    assert_eq!((login.user.as_str(), login.session), ("alice", 1));
    assert_eq!(fetch(&mut client, "here").unwrap(), b"content");
    client.put_file("there", &mut &b"stored"[..]).unwrap();
    assert_eq!(server.wait_for_upload("there"), Ok(6));
    assert_eq!(std::fs::read(server.path().join("there")).unwrap(), b"stored");
    client.rename("there", "elsewhere").unwrap();
    let kind = server.wait_for(|event| matches!(event.kind, EventKind::Changed { .. })).kind;
    assert_eq!(kind, EventKind::Changed { verb: "RNTO", path: "/elsewhere".to_owned() });
    client.quit().unwrap();
    server.wait_for(|event| event.kind == EventKind::Disconnected);
    assert!(FtpStream::connect(server.address()).unwrap().login("alice", "wrong").is_err());
    server.wait_for(|event| event.kind == EventKind::LoginRefused);
}

#[test]
fn the_second_stor_alone_is_refused_with_the_reply_that_was_asked_for() {
    let refuse = Fault::refuse(Transfer::Upload, 552, "Not today.").nth(2);
    let server = TestServer::builder().fault(refuse).start().unwrap();
    let mut client = login(&server, "anonymous", "x");
    client.put_file("one", &mut &b"1"[..]).unwrap();
    let error = client.put_file("two", &mut &b"2"[..]).unwrap_err();
    let FtpError::UnexpectedResponse(response) = &error else { panic!("{error}") };
    assert!(String::from_utf8_lossy(&response.body).contains("Not today."), "{response:?}");
    assert_eq!(code(error), 552);
    assert_eq!(server.wait_for_upload("two"), Err("Not today.".to_owned()));
    assert!(!server.path().join("two").exists());
    client.put_file("three", &mut &b"3"[..]).unwrap();
    assert_eq!(server.wait_for_upload("three"), Ok(1));
}

#[test]
fn retr_is_cut_at_the_byte_that_was_asked_for() {
    let server = TestServer::builder().fault(Fault::cut(Transfer::Download, 1000)).start().unwrap();
    std::fs::write(server.path().join("large"), vec![7; 100_000]).unwrap();
    let mut client = login(&server, "anonymous", "x");
    let mut data = client.retr_as_stream("large").unwrap();
    let mut received = Vec::new();
    let _ = data.read_to_end(&mut received);
    assert_eq!(received.len(), 1000);
    assert_eq!(code(data.finish().unwrap_err()), 426);
    let ended = server.wait_for(|event| matches!(event.kind, EventKind::Ended { .. }));
    let EventKind::Ended { bytes, result, .. } = ended.kind else { unreachable!() };
    assert_eq!((bytes, result.is_err()), (1000, true));
}

#[test]
fn stor_that_is_stalled_ends_with_426_when_the_server_has_waited_long_enough() {
    let server = TestServer::builder()
        .fault(Fault::stall(Transfer::Upload, 10))
        .configure(|config| config.stall_timeout = Duration::from_millis(300))
        .start()
        .unwrap();
    let mut client = login(&server, "anonymous", "x");
    let error = client.put_file("file", &mut &[1; 1000][..]).unwrap_err();
    assert_eq!(code(error), 426);
    assert!(server.wait_for_upload("file").unwrap_err().contains("stood still"));
}

#[test]
fn a_slow_retr_takes_its_time_and_is_whole() {
    let server =
        TestServer::builder().fault(Fault::slow(Transfer::Download, 10_000)).start().unwrap();
    std::fs::write(server.path().join("file"), vec![7; 3000]).unwrap();
    let mut client = login(&server, "anonymous", "x");
    let begun = Instant::now();
    assert_eq!(fetch(&mut client, "file").unwrap().len(), 3000);
    // It cannot be faster than it was asked to be; how much slower is the machine's affair.
    assert!(begun.elapsed() >= Duration::from_millis(290), "{:?}", begun.elapsed());
}

#[test]
fn a_drop_ends_a_server_in_mid_transfer() {
    let server = TestServer::builder().fault(Fault::stall(Transfer::Download, 1)).start().unwrap();
    std::fs::write(server.path().join("file"), "content").unwrap();
    let folder = server.path().to_owned();
    let mut client = login(&server, "anonymous", "x");
    let mut data = client.retr_as_stream("file").unwrap();
    let mut first = [0];
    data.read_exact(&mut first).unwrap();
    drop(server);
    assert!(!folder.exists());
}
