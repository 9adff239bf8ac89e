//! Reload of the configuration by SIGHUP, of the real program.

use crate::common::ports::free_port;
use crate::common::program::{Program, as_told};
use crate::common::{Client, Way, user, wait_until};
use rustix::process::Signal;
use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Program with a configuration file, whose log goes to a file.
struct Site {
    program: Program,
    folder: TempDir,
}

impl Site {
    /// Starts it with these settings beside the root `served`.
    fn start(settings: &str) -> Site {
        Site::start_with_users(settings, "")
    }

    fn start_with_users(settings: &str, users: &str) -> Site {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("users.toml"), users).unwrap();
        fs::create_dir(folder.path().join("served")).unwrap();
        let (config, log) = (folder.path().join("p.toml"), folder.path().join("log"));
        write_settings(&folder, settings);
        let mut command = Command::new(env!("CARGO_BIN_EXE_packetboat"));
        command.arg("--config").arg(config).stderr(fs::File::create(log).unwrap());
        command.args(as_told());
        let program = Program::spawn(command.stdin(Stdio::null()), 1);
        Site { program, folder }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    fn users(&self) -> PathBuf {
        self.folder.path().join("users.toml")
    }

    /// Has it read these settings, and waits until the log has one more line that holds `words`.
    #[track_caller]
    fn reload(&self, settings: &str, words: &str) {
        let lines = || self.log().lines().filter(|line| line.contains(words)).count();
        let before = lines();
        write_settings(&self.folder, settings);
        self.program.signal(Signal::HUP);
        wait_until(words, || lines() > before);
    }
}

/// Writes a configuration file, in which `~` stands for the folder.
fn write_settings(folder: &TempDir, settings: &str) {
    let text = format!("root = \"~/served\"\n{settings}");
    let text = text.replace('~', folder.path().to_str().unwrap());
    fs::write(folder.path().join("p.toml"), text).unwrap();
}

fn greeting(address: SocketAddr) -> String {
    let mut client = Client::unseen(TcpStream::connect(address).unwrap());
    client.expect_reply(220)
}

#[test]
fn a_reload_changes_what_new_sessions_meet_and_old_ones_go_on() {
    let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let listen = format!("listen = \"{address}\"\n");
    let site = Site::start(&format!("{listen}banner = \"old\"\n"));
    let mut old = Client::connect(address);
    old.login();
    old.store("file", "content", Way::Epsv);
    let mut data = old.extended_passive();
    old.begin("STOR half");

    site.reload(&format!("{listen}banner = \"new\"\nanonymous = \"read\"\n"), "reloaded");
    assert_eq!(greeting(address), "new");
    std::io::Write::write_all(&mut data, b"both halves").unwrap();
    drop(data);
    old.expect_reply(226);
    old.store("other", "still a writer", Way::Epsv);
    let mut new = Client::connect(address);
    new.login();
    assert_eq!(new.retrieve("half", Way::Epsv), b"both halves");
    new.expect(550, "DELE half");
}

#[test]
fn a_reload_opens_new_listeners_and_closes_vanished_ones() {
    let ports = [free_port(), free_port(), free_port()];
    let [first, second, third] = ports.map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
    let listen = |addresses: [SocketAddr; 2]| {
        let [one, other] = addresses.map(|address| address.to_string());
        format!("listen = [\"{one}\", \"{other}\"]\n")
    };
    let site = Site::start(&listen([first, second]));
    let mut old = Client::connect(first);
    old.login();
    site.reload(&listen([second, third]), "reloaded");
    assert!(TcpStream::connect(first).is_err());
    old.expect(200, "NOOP");
    for address in [second, third] {
        Client::connect(address).login();
    }
    // One that cannot be had is the fault of all: nothing changes.
    let taken = std::net::TcpListener::bind(first).unwrap();
    site.reload(&listen([first, third]), "stays as it was");
    assert!(site.log().contains("already in use"), "{}", site.log());
    Client::connect(second).login();
    drop(taken);
    site.reload(&listen([first, third]), "reloaded");
    assert!(TcpStream::connect(second).is_err());
    Client::connect(first).login();
}

#[test]
fn a_reload_that_is_wrong_changes_nothing_and_says_what_is_wrong() {
    let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let listen = format!("listen = \"{address}\"\n");
    let site = Site::start(&format!("{listen}banner = \"old\"\n"));
    for (settings, words) in [
        ("banner = 5 5", "line 3"),
        ("bannner = \"new\"", "perhaps banner"),
        ("root = \"/nowhere/at/all\"", "duplicate"),
        ("users = \"~/missing.toml\"", "no such file"),
        ("tls-cert = \"~/none\"\ntls-key = \"~/none\"", "no such file"),
    ] {
        site.reload(&format!("{listen}{settings}\n"), words);
        assert_eq!(greeting(address), "old");
    }
    site.reload(&listen, "reloaded");
    assert_eq!(greeting(address), "packetboat ready.");
}

#[test]
fn a_user_who_was_removed_hears_421_and_is_gone_and_others_stay() {
    let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let settings =
        format!("listen = \"{address}\"\nusers = \"~/users.toml\"\nanonymous = \"read\"\n");
    let both = user("alice", "write") + &user("bob", "write");
    let site = Site::start_with_users(&settings, &both);
    let mut clients = ["alice", "bob"].map(|name| {
        let mut client = Client::connect(address);
        client.login_as(name, "secret");
        client
    });
    let mut guest = Client::connect(address);
    guest.login();
    fs::write(site.users(), user("bob", "write")).unwrap();
    site.reload(&settings, "reloaded");
    let [alice, bob] = &mut clients;
    alice.expect_reply(421);
    bob.expect(200, "NOOP");
    guest.expect(200, "NOOP");
    let mut stranger = Client::connect(address);
    site.reload(&settings.replace("read", "off"), "reloaded");
    // Whoever has yet to log in does so by what holds now.
    stranger.expect(331, "USER anonymous");
    stranger.expect(530, "PASS guest@");
    guest.expect_reply(421);
    bob.expect(200, "NOOP");
}

#[test]
fn new_passive_ports_count_and_what_is_awaited_at_old_ones_may_come() {
    let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let ports = [free_port(), free_port()];
    let settings =
        ports.map(|port| format!("listen = \"{address}\"\npassive-ports = \"{port}-{port}\"\n"));
    let site = Site::start(&settings[0]);
    let mut client = Client::connect(address);
    client.login();
    let awaited = client.epsv();
    assert_eq!(awaited.port(), ports[0]);
    site.reload(&settings[1], "reloaded");
    let mut data = client.dial(awaited);
    client.begin("STOR file");
    std::io::Write::write_all(&mut data, b"content").unwrap();
    drop(data);
    client.expect_reply(226);
    let fresh = client.epsv();
    assert_eq!(fresh.port(), ports[1]);
    let mut data = client.dial(fresh);
    client.begin("RETR file");
    assert_eq!(client.retrieve_rest(&mut data), b"content");
}

/// SIGHUP ended a program without a certificate.
#[test]
fn a_hang_up_never_ends_a_program() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start("", &[folder.path().to_str().unwrap()]);
    let mut client = program.client();
    for _ in 0..3 {
        program.signal(Signal::HUP);
        client.expect(200, "NOOP");
    }
    drop(client);
    program.client().expect(200, "NOOP");
}
