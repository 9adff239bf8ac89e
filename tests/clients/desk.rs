//! Where a client works: a folder of its own, a server that serves another, and a deadline for
//! everything that runs.

use crate::common::program::Program;
use crate::common::{descriptors, names_in, random_bytes};
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, UNIX_EPOCH};
use tempfile::TempDir;

/// What a client may take, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running server and a client's place beside it. Dropped, it ends the server and checks that it
/// ended well, so that no test can forget to.
pub struct Desk {
    server: Program,
    folder: TempDir,
    pub v4: SocketAddr,
    pub v6: SocketAddr,
    /// Where clients begin with TLS, on a desk that has it.
    #[cfg_attr(not(feature = "tls"), allow(dead_code))]
    pub implicit: Option<SocketAddr>,
}

impl Desk {
    pub fn new() -> Desk {
        Desk::with(|_| Vec::new())
    }

    /// The same with more words on the server's command line, which may name files that are made
    /// in the client's folder.
    pub fn with(prepare: impl FnOnce(&Path) -> Vec<String>) -> Desk {
        descriptors::separate();
        let folder = tempfile::tempdir().unwrap();
        for name in ["served", "local", "home"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let words = prepare(&folder.path().join("local"));
        let has_implicit = words.iter().any(|word| word == "--listen-tls");
        let mut command = Command::new(env!("CARGO_BIN_EXE_packetboat"));
        command
            .args(["-v", "--listen", "0", "--listen", "[::1]:0", "served"])
            .args(&words)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stderr(File::create(folder.path().join("log")).unwrap());
        let server = Program::spawn(&mut command, if has_implicit { 3 } else { 2 });
        let (v4, v6) = (server.addresses[0], server.addresses[1]);
        let implicit = server.addresses.get(2).copied();
        Desk { server, folder, v4, v6, implicit }
    }

    /// What the server has logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Where `name` is on the server's disk.
    pub fn served(&self, name: impl AsRef<[u8]>) -> PathBuf {
        self.folder.path().join("served").join(OsStr::from_bytes(name.as_ref()))
    }

    /// Where `name` is on the client's.
    pub fn local(&self, name: impl AsRef<[u8]>) -> PathBuf {
        self.folder.path().join("local").join(OsStr::from_bytes(name.as_ref()))
    }

    /// Both addresses.
    pub fn addresses(&self) -> [SocketAddr; 2] {
        [self.v4, self.v6]
    }

    /// Runs a client, which must succeed; answers what it printed.
    pub fn run(&self, program: &str, arguments: &[&str]) -> String {
        self.talk(program, arguments, "")
    }

    /// The same with something to read on its standard input.
    pub fn talk(&self, program: &str, arguments: &[&str], input: &str) -> String {
        let (code, said) = self.attempt(program, arguments, input);
        assert_eq!(code, Some(0), "{program} {arguments:?} {input}\n{said}");
        said
    }

    /// Runs a client; answers its exit code, and all that it printed.
    pub fn attempt(&self, program: &str, arguments: &[&str], input: &str) -> (Option<i32>, String) {
        let mut child = Command::new(program)
            .args(arguments)
            .current_dir(self.local(""))
            .env("HOME", self.folder.path().join("home"))
            .env("LC_ALL", "C.UTF-8")
            .env("TZ", "UTC")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("this test needs {program}: {error}"));
        // A client may end without having read everything.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = outcome(child)
            .unwrap_or_else(|| panic!("{program} {arguments:?} did not end in {PATIENCE:?}"));
        let said = [output.stdout, b"\n".to_vec(), output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&said).into_owned())
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        if thread::panicking() {
            return eprintln!("The server's log:\n{}", self.log());
        }
        self.server.signal(Signal::TERM);
        let status = self.server.wait();
        let (rest, log) = (self.server.rest(), self.log());
        assert!(status.success(), "{status}: {log}");
        assert!(rest.ends_with("Stopped.\n") && !log.contains("panicked"), "{rest}\n{log}");
    }
}

/// Waits for a process; kills it, by its own id, when it takes too long.
fn outcome(child: Child) -> Option<Output> {
    let process = Pid::from_child(&child);
    let (tell, told) = mpsc::channel();
    thread::spawn(move || tell.send(child.wait_with_output()));
    match told.recv_timeout(PATIENCE) {
        Ok(output) => Some(output.unwrap()),
        Err(_) => {
            // It may have ended this very moment.
            let _ = kill_process(process, Signal::KILL);
            None
        }
    }
}

/// Two files must hold the same bytes.
#[track_caller]
pub fn assert_same(one: &Path, other: &Path) {
    let [a, b] = [one, other]
        .map(|path| fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())));
    // Not assert_eq: nobody wants to read 100 MB.
    assert!(
        a == b,
        "{} ({} bytes) and {} ({} bytes) differ",
        one.display(),
        a.len(),
        other.display(),
        b.len()
    );
}

/// A time long ago, on a whole minute: 2015-08-20 00:00:00.
pub const LONG_AGO: Duration = Duration::from_secs(1_440_028_800);

/// Has a file be last changed long ago.
pub fn make_old(path: &Path) {
    File::options().write(true).open(path).unwrap().set_modified(UNIX_EPOCH + LONG_AGO).unwrap();
}

/// A file must have been last changed long ago.
#[track_caller]
pub fn assert_old(path: &Path) {
    let modified = fs::metadata(path).unwrap().modified().unwrap();
    assert_eq!(modified.duration_since(UNIX_EPOCH).unwrap(), LONG_AGO, "{}", path.display());
}

/// Two folders must hold the same names, and the files the same bytes, all the way down.
#[track_caller]
pub fn assert_same_tree(one: &Path, other: &Path) {
    let [a, b] = [one, other].map(names_in);
    assert_eq!(a, b, "{} and {}", one.display(), other.display());
    for name in a {
        let [a, b] = [one, other].map(|folder| folder.join(OsStr::from_bytes(name.as_bytes())));
        if a.is_dir() { assert_same_tree(&a, &b) } else { assert_same(&a, &b) }
    }
}

/// A folder with files of all sizes and, as far as `names` has them, odd names, in two depths.
pub fn plant(folder: &Path, names: &[&str]) {
    let deep = folder.join("a folder").join("deep");
    fs::create_dir_all(&deep).unwrap();
    fs::create_dir(folder.join("empty")).unwrap();
    for (seed, name) in names.iter().enumerate() {
        let content = random_bytes(seed as u64, seed * 30_011);
        fs::write(folder.join(name), &content).unwrap();
        fs::write(deep.join(name), content).unwrap();
    }
}

/// Every byte but letters and digits as `%xx`.
pub fn percent(name: impl AsRef<[u8]>) -> String {
    let spell = |&byte: &u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    name.as_ref().iter().map(spell).collect()
}
