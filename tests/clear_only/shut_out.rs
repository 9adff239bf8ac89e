//! Nobody is shut out: whoever comes in honestly gets in, whatever others do at the door.

use crate::common::client::connect_from;
use crate::common::program::Program;
use crate::common::{Client, TestServer, USERS, Way, user, wait_until};
use packetboat::program::edit_users_file;
use std::collections::VecDeque;
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

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

/// A folder seen through FUSE, on which every call hangs until this is dropped.
struct HungFolder {
    child: Child,
    folder: PathBuf,
}

impl HungFolder {
    fn mount(behind: &Path, folder: &Path) -> HungFolder {
        fs::create_dir_all(behind).unwrap();
        fs::create_dir_all(folder).unwrap();
        let device = || fs::metadata(folder).unwrap().dev();
        let before = device();
        let child = Command::new("bindfs").arg("-f").args([behind, folder]).spawn();
        let disk = HungFolder { child: child.expect("bindfs"), folder: folder.to_owned() };
        wait_until("it is mounted", || device() != before);
        disk
    }

    fn hang(&self) {
        self.signal("STOP");
        let stat = format!("/proc/{}/stat", self.child.id());
        wait_until("it has stopped", || fs::read_to_string(&stat).unwrap().contains(") T "));
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }
}

impl Drop for HungFolder {
    fn drop(&mut self) {
        self.signal("CONT");
        let done = Command::new("umount").arg("-l").arg(&self.folder).status();
        assert!(std::thread::panicking() || done.unwrap().success());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn add_user_with_root(server: &TestServer, name: &str, root: &Path) {
    let table = format!("{}root = {:?}\n", user(name, "write"), root.to_str().unwrap());
    edit_users_file(&server.outside("users.toml"), |old| Ok(format!("{old}{table}"))).unwrap();
}

/// One user's mount that hung locked out everybody with a root of their own.
#[test]
#[ignore = "needs bindfs and root: a disk that hangs"]
fn a_root_that_hangs_is_its_users_own_trouble() {
    let server = TestServer::with_users(|_| {});
    let (hung, home) = (server.outside("hung"), server.outside("home"));
    fs::create_dir(&home).unwrap();
    add_user_with_root(&server, "alice", &hung);
    add_user_with_root(&server, "bob", &home);
    let disk = HungFolder::mount(&server.outside("behind"), &hung);
    disk.hang();
    let waiting: Vec<_> = (0..12)
        .map(|_| {
            let mut client = server.connect();
            client.expect(331, "USER alice");
            client.send_line("PASS secret");
            client
        })
        .collect();
    wait_until("alice's root is being opened", || server.counts().away == 12);
    let mut bob = server.connect();
    bob.login_as("bob", "secret");
    bob.store("file", "content", Way::Epsv);
    drop(disk);
    for mut client in waiting {
        client.reply();
    }
}

/// A users file on a disk that hung stopped everybody, those who were in too.
#[test]
#[ignore = "needs bindfs and root: a disk that hangs"]
fn a_users_file_on_a_disk_that_hangs_stops_nobody() {
    let mut disk = None;
    let server = TestServer::with_users(|config| {
        let folder = config.root.with_file_name("settings");
        disk = Some(HungFolder::mount(&config.root.with_file_name("behind"), &folder));
        config.users = Some("settings/users.toml".into());
    });
    let mut client = server.client();
    disk.as_ref().unwrap().hang();
    let mut reader = server.connect();
    reader.expect(331, "USER reader");
    reader.send_line("PASS secret");
    client.store("file", "content", Way::Epsv);
    server.client();
    reader.expect_reply(230);
    server.connect().login_as("writer", "secret");
    drop(disk);
}

/// One address had all places by being silent, and everybody else heard a 421.
#[test]
fn a_newcomer_takes_the_place_of_who_has_waited_longest_without_a_login() {
    let server = TestServer::with(|config| config.max_sessions = 8);
    let mut user = server.client();
    let mut honest = Client::connect_from(address(3).into(), server.v4());
    let mut flood: VecDeque<_> =
        (0..6).map(|_| Client::connect_from(address(2).into(), server.v4())).collect();
    for _ in 0..3 {
        let mut oldest = flood.pop_front().unwrap();
        flood.push_back(Client::connect_from(address(2).into(), server.v4()));
        oldest.expect_reply(421);
        oldest.expect_close();
    }
    let mut newcomer = Client::connect_from(address(4).into(), server.v4());
    newcomer.login();
    for client in [&mut user, &mut honest, &mut newcomer] {
        client.expect_alive();
    }
    honest.login();
    flood.pop_front().unwrap().expect_reply(421);
    flood.iter_mut().for_each(Client::expect_alive);
}

#[test]
fn who_is_logged_in_keeps_the_place() {
    let server = TestServer::with(|config| config.max_sessions = 4);
    let mut users = [2, 2, 2, 3].map(|last| server.client_from(&address(last).to_string()));
    let mut late = Client::unseen(TcpStream::connect(server.v4()).unwrap());
    late.expect_reply(421);
    late.expect_close();
    users.iter_mut().for_each(Client::expect_alive);
}

/// Silent connections took the descriptors that sessions at work needed for their transfers.
#[test]
fn who_is_in_has_descriptors_for_a_transfer_however_many_come() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start("ulimit -n 80", &[folder.path().to_str().unwrap()]);
    let mut users = [(); 4].map(|()| program.client());
    let crowd: Vec<_> = (0..120).map(|_| TcpStream::connect(program.address()).unwrap()).collect();
    let mut crowd: Vec<_> = crowd.into_iter().map(Client::unseen).collect();
    crowd.iter_mut().for_each(|client| drop(client.expect_reply(421)));
    for (number, client) in users.iter_mut().enumerate() {
        client.store(format!("file{number}"), "content", Way::Epsv);
    }
    let data = users.each_mut().map(Client::extended_passive);
    for ((number, client), mut data) in users.iter_mut().enumerate().zip(data) {
        client.begin(format!("RETR file{number}"));
        assert_eq!(client.retrieve_rest(&mut data), b"content");
    }
}

/// Six logins raised the memory of the process from 4 to 121 MiB for good.
#[test]
fn memory_of_passwords_is_given_back() {
    let folder = tempfile::tempdir().unwrap();
    let users = folder.path().join("users.toml");
    let hash = packetboat::StoredPassword::hash("secret").unwrap();
    fs::write(&users, format!("[users.costly]\npassword = \"{}\"\n", hash.as_str())).unwrap();
    let words = ["--users", users.to_str().unwrap(), folder.path().to_str().unwrap()];
    let program = Program::start("", &words);
    let before = program.memory();
    let mut clients: Vec<_> = (0..6).map(|_| Client::connect(program.address())).collect();
    for client in &mut clients {
        client.expect(331, "USER costly");
        client.send_line("PASS secret");
    }
    clients.iter_mut().for_each(|client| drop(client.expect_reply(230)));
    // A hash takes 19 MiB.
    wait_until("the memory is back", || program.memory() < before + 15 * 1024);
}
