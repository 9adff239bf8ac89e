//! A service manager as systemd is one: it hears how the real program is, and hands listeners over.

use crate::common::client::{port, read_to_end};
use crate::common::ports::free_port;
use crate::common::program::{Program, as_told};
use crate::common::{Client, PATIENCE, Way, names_in, wait_until};
use rustix::process::Signal;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;
use tempfile::TempDir;

/// Service manager that has started the program.
struct ServiceManager {
    socket: UnixDatagram,
    program: Program,
    folder: TempDir,
}

impl ServiceManager {
    /// Starts the program with these variables.
    fn start(variables: &[(&str, &str)]) -> ServiceManager {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        fs::create_dir(folder.path().join("served")).unwrap();
        fs::write(folder.path().join("p.toml"), "banner = 'old'\n").unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_packetboat"));
        command.args(as_told());
        command.args(["-q", "-l", "127.0.0.1:0", "--config"]).arg(folder.path().join("p.toml"));
        command.arg(folder.path().join("served")).env("NOTIFY_SOCKET", path);
        command.envs(variables.iter().copied());
        ServiceManager { program: Program::spawn(&mut command, 1), socket, folder }
    }

    fn next(&self) -> String {
        let mut buffer = [0; 512];
        let length = self.socket.recv(&mut buffer).expect("news come in time");
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    /// News that begin so, and what came before them.
    fn until(&self, beginning: &str) -> (Vec<String>, String) {
        let (deadline, mut before) = (Instant::now() + PATIENCE, Vec::new());
        loop {
            let news = self.next();
            match news.starts_with(beginning) {
                true => return (before, news),
                false => before.push(news),
            }
            assert!(Instant::now() < deadline, "no {beginning}: {before:?}");
        }
    }
}

#[test]
fn the_service_manager_hears_of_the_start_a_reload_and_the_end() {
    let manager = ServiceManager::start(&[]);
    assert_eq!(manager.next(), "READY=1");
    let (_, status) = manager.until("STATUS=");
    assert_eq!(status, "STATUS=0 sessions, 0 transfers");

    for settings in ["banner = 'new'\n", "banner = 5 5\n"] {
        fs::write(manager.folder.path().join("p.toml"), settings).unwrap();
        manager.program.signal(Signal::HUP);
        let (before, reloading) = manager.until("RELOADING=1\nMONOTONIC_USEC=");
        assert!(!before.contains(&"READY=1".to_owned()), "{before:?}");
        let micros = reloading.rsplit('=').next().unwrap().parse::<u64>().unwrap();
        assert!(micros > 0);
        manager.until("READY=1");
        let mut client = Client::unseen(TcpStream::connect(manager.program.address()).unwrap());
        assert_eq!(client.expect_reply(220), "new");
    }

    manager.program.signal(Signal::TERM);
    manager.until("STOPPING=1");
    assert!(manager.program.wait().success());
}

#[test]
fn the_service_manager_hears_of_sessions_and_transfers() {
    let manager = ServiceManager::start(&[]);
    let mut client = Client::connect(manager.program.address());
    client.login();
    let mut data = client.extended_passive();
    client.begin("STOR half");
    data.write_all(b"bytes").unwrap();
    manager.until("STATUS=1 session, 1 transfer");
    drop(data);
    client.expect_reply(226);
    drop(client);
    manager.until("STATUS=0 sessions, 0 transfers");
}

#[test]
fn the_watchdog_hears_signs_of_life_from_an_idle_server() {
    let manager = ServiceManager::start(&[("WATCHDOG_USEC", "200000")]);
    for _ in 0..5 {
        manager.until("WATCHDOG=1");
    }
}

#[test]
fn a_transfer_is_waited_for_at_the_end_and_the_log_says_how_to_end_it() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let served = folder.path().join("served");
    fs::create_dir(&served).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_packetboat"));
    command.args(["-l", "127.0.0.1:0"]).arg(&served).stderr(fs::File::create(&log).unwrap());
    let program = Program::spawn(&mut command, 1);
    let mut client = Client::connect(program.address());
    client.login();
    let mut data = client.extended_passive();
    client.begin("STOR half");
    data.write_all(b"bytes").unwrap();
    program.signal(Signal::TERM);
    let words = "shutting down, 1 session: waiting for 1 transfer, 10 s at most; Ctrl-C again or \
                 another SIGTERM ends them";
    wait_until(words, || fs::read_to_string(&log).unwrap().contains(words));
    program.signal(Signal::TERM);
    assert!(program.wait().success());
    assert_eq!(names_in(&served), ["half"]);
}

/// Command that starts the program with this as descriptor 3, by a shell that has it as standard input.
fn handed(descriptor: OwnedFd, name: &str) -> Command {
    let mut command = Command::new("sh");
    command.stdin(Stdio::from(descriptor));
    command.env("LISTEN_FDS", "1").env("LISTEN_FDNAMES", name);
    command.args(["-c", "LISTEN_PID=$$ exec \"$0\" -qq \"$@\" 3<&0 </dev/null"]);
    command.arg(env!("CARGO_BIN_EXE_packetboat"));
    command
}

fn activated(listener: TcpListener, name: &str, words: &[&str]) -> Program {
    Program::spawn(handed(listener.into(), name).args(as_told()).args(words), 1)
}

#[test]
fn an_inherited_listener_stands_in_for_listen_and_survives_a_reload() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("p.toml");
    let other = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let settings = |banner| {
        let served = folder.path().display();
        format!("root = '{served}'\nlisten = '{other}'\nbanner = '{banner}'\n")
    };
    fs::write(&config, settings("old")).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let program = activated(listener, "any", &["--config", config.to_str().unwrap()]);
    assert_eq!(program.address(), address);
    assert!(program.fact("The service manager").contains("--listen"));
    let greeting = || {
        let mut client = Client::unseen(TcpStream::connect(address).unwrap());
        client.expect_reply(220)
    };
    assert_eq!(greeting(), "old");
    assert!(TcpStream::connect(other).is_err());
    fs::write(&config, settings("new")).unwrap();
    program.signal(Signal::HUP);
    wait_until("it is reloaded", || greeting() == "new");
    assert!(TcpStream::connect(other).is_err());
}

#[test]
fn a_descriptor_that_is_no_listener_is_told_in_one_line() {
    let (datagrams, _other) = UnixDatagram::pair().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let connection = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    for descriptor in [OwnedFd::from(datagrams), OwnedFd::from(connection)] {
        let mut command = handed(descriptor, "");
        command.arg("/").stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut begun = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut begun).unwrap();
        if !begun.is_empty() {
            child.kill().unwrap();
        }
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.starts_with("packetboat: --listen: what the service manager has opened: "));
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

#[test]
#[ignore = "needs systemd-socket-activate"]
fn systemd_hands_a_listener_over() {
    let folder = tempfile::tempdir().unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let mut command = Command::new("systemd-socket-activate");
    command.args(["--listen", &address.to_string(), "--fdname=ftp"]);
    command.arg(env!("CARGO_BIN_EXE_packetboat")).arg("-qq").arg(folder.path());
    // The first client is what has it start the program.
    let first = thread::spawn(move || {
        wait_until("it listens", || TcpStream::connect(address).is_ok());
    });
    let program = Program::spawn(command.stderr(Stdio::null()), 1);
    first.join().unwrap();
    assert_eq!(program.address(), address);
    program.client().store("file", "content", Way::Epsv);
}

#[test]
fn an_inherited_listener_of_both_families_serves_both_and_lets_nobody_store() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "content").unwrap();
    let Ok(listener) = TcpListener::bind("[::]:0") else { return };
    let number = listener.local_addr().unwrap().port();
    let program = activated(listener, "", &[folder.path().to_str().unwrap()]);
    program.fact("Anonymous users may read only, because other machines can connect");
    for (address, way) in [("127.0.0.1", Way::Pasv), ("127.0.0.1", Way::Port), ("[::1]", Way::Epsv)]
    {
        let address: SocketAddr = format!("{address}:{number}").parse().unwrap();
        let mut client = Client::connect(address);
        client.login();
        assert_eq!(client.retrieve("file", way), b"content");
    }
    // A listener of the server's own is nothing to connect to.
    let own = SocketAddr::from(([127, 0, 0, 1], number));
    let mut client = Client::connect(own);
    client.login();
    client.expect(504, port(own));
}

#[test]
#[cfg(feature = "tls")]
fn an_inherited_listener_called_ftps_speaks_implicit_tls() {
    let folder = tempfile::tempdir().unwrap();
    let words = ["--tls", "self-signed", folder.path().to_str().unwrap()];
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let program = activated(listener, "ftps", &words);
    let mut stream = TcpStream::connect(program.address()).unwrap();
    stream.write_all(b"NOOP\r\n").unwrap();
    let answer = read_to_end(&mut stream);
    assert!(!answer.starts_with(b"220"), "{}", answer.escape_ascii());
}
