//! Nobody is shut out: whoever comes in honestly gets in, whatever others do at the door.

mod common;

use common::client::connect_from;
use common::{Client, TestServer, USERS};
use packetboat::config::edit_users_file;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};

/// A user whose hash costs what hashes cost, so that names that nobody has cost it as well.
fn add_costly_user(server: &TestServer) {
    let hash = packetboat::StoredPassword::hash("secret").unwrap();
    let table = format!("[users.costly]\npassword = \"{}\"\n", hash.as_str());
    edit_users_file(&server.outside("users.toml"), |old| Ok(format!("{old}{table}"))).unwrap();
}

/// A client that says a wrong password and does not wait for the answer.
fn guess(server: SocketAddr, from: Ipv4Addr) -> TcpStream {
    let mut stream = connect_from(from.into(), server);
    stream.write_all(b"USER nobody\r\nPASS guess\r\n").unwrap();
    stream
}

/// Everything that has come by now.
fn heard(stream: &mut TcpStream) -> String {
    stream.set_nonblocking(true).unwrap();
    let mut heard = Vec::new();
    // Ends with the error that there is no more.
    let _ = stream.read_to_end(&mut heard);
    String::from_utf8(heard).unwrap()
}

/// Leaves by a reset: behind a FIN the answer is waited for.
fn leave(stream: TcpStream) {
    Client::unseen(stream).reset();
}

fn address(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 0, last)
}

/// Ten addresses with wrong passwords kept everybody out: who came waited for all of them, or heard
/// a 421.
#[test]
fn ten_addresses_with_wrong_passwords_keep_nobody_out() {
    let server = TestServer::with_users(|_| {});
    add_costly_user(&server);
    let mut flood = Vec::new();
    for _ in 0..40 {
        flood.extend((2..12).map(|last| guess(server.v4(), address(last))));
    }
    for (name, _) in USERS {
        server.connect().login_as(name, "secret");
    }
    let said: Vec<String> = flood.iter_mut().map(heard).collect();
    let answered = said.iter().filter(|said| said.contains("530 ")).count();
    assert!(answered < said.len() / 2, "{answered} of them came first");
    assert!(!said.iter().any(|said| said.contains("421 ")), "those who wait are not cut off");
    flood.into_iter().for_each(leave);
}

/// To hang up before the answer and try the next password cost nothing.
#[test]
fn guesses_that_wait_for_no_answer_are_slowed_and_hold_up_nobody_else() {
    let server = TestServer::with_users(|_| {});
    add_costly_user(&server);
    let mut guesser = Client::connect_from(address(2).into(), server.v4());
    guesser.expect(331, "USER nobody");
    guesser.expect(530, "PASS guess");
    // Each is gone before its delay is over, and is never checked.
    for _ in 0..200 {
        leave(guess(server.v4(), address(2)));
    }
    server.connect().login_as("costly", "secret");
    guesser.login_as("reader", "secret");
}
