//! What every live test needs: a real server in a thread, and a plain client that says bytes and
//! reads replies. Everything waits for a condition until a deadline; nothing sleeps for luck.
//!
//! When a [`TestServer`] is dropped it checks that nothing is left of the test: sessions, leases,
//! timers and open descriptors are back to what they were. So declare it before the clients: what
//! is declared last is dropped first. The tests of one file run one after another, because the
//! descriptors are those of the process.

#![allow(dead_code, unused_imports)] // each test file is a program of its own and uses its part of this

pub mod certificates;
pub mod client;
pub mod program;
pub mod stream;

pub use client::{Client, Way};
pub use stream::{Stream, under_tls};

use packetboat::{Config, Counts, Grace, Handle, Server, TlsConfig, TlsIdentity};
use rustix::fs::{FlockOperation, flock};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long anything may take before a test fails; nothing ever takes that long.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The budgets that transfers are tested with: a small one finds edges that get lost.
pub const ROUNDS: [usize; 3] = [1, 512, 1 << 20];

/// As many bytes as a test can move a round at a time.
pub fn bytes_for(round: usize) -> usize {
    (round * 20_000).min(3_000_000)
}

/// The right to be the one test of this program that runs. A lock of the program's own file, since
/// a program may hold several copies of this module.
pub fn turn() -> File {
    let program = File::open(std::env::current_exe().unwrap()).unwrap();
    flock(&program, FlockOperation::LockExclusive).unwrap();
    program
}

/// A server that runs for one test, on free ports of 127.0.0.1 and ::1.
pub struct TestServer {
    handle: Option<Handle>,
    thread: Option<JoinHandle<()>>,
    addresses: Vec<SocketAddr>,
    /// Holds the served folder, and what must not be reached from it.
    folder: TempDir,
    before: BTreeMap<String, String>,
    _turn: File,
}

impl TestServer {
    /// A server with every setting at its default.
    pub fn start() -> TestServer {
        TestServer::with(|_| {})
    }

    /// A server with some settings changed.
    pub fn with(change: impl FnOnce(&mut Config)) -> TestServer {
        let turn = turn();
        let before = descriptors();
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(folder.path().join("served")).expect("a served folder");
        let mut config = Config::new(folder.path().join("served"));
        config.listen = vec!["127.0.0.1:0".parse().unwrap(), "[::1]:0".parse().unwrap()];
        config.tls = under_tls().then(|| TlsConfig::new(TlsIdentity::SelfSigned));
        change(&mut config);
        if let Some(users) = &mut config.users {
            *users = folder.path().join(&users);
            fs::write(users, USERS.map(|(name, access)| user(name, access)).concat()).unwrap();
        }
        packetboat::raise_descriptor_limit(config.max_sessions).expect("as far as it goes");
        let server = Server::bind(config).expect("the server starts");
        let addresses = server.addresses().to_vec();
        let handle = Some(server.handle());
        let thread = thread::spawn(move || server.run().expect("the loop does not fail"));
        TestServer { handle, thread: Some(thread), addresses, folder, before, _turn: turn }
    }

    /// A server with the users of [`USERS`], and some settings changed.
    pub fn with_users(change: impl FnOnce(&mut Config)) -> TestServer {
        TestServer::with(|config| {
            config.users = Some("users.toml".into());
            change(config);
        })
    }

    pub fn v4(&self) -> SocketAddr {
        self.addresses[0]
    }

    pub fn v6(&self) -> SocketAddr {
        self.addresses[1]
    }

    /// Where clients begin with TLS, if `listen_tls` says so.
    pub fn implicit(&self) -> SocketAddr {
        self.addresses[2]
    }

    /// Both addresses, for tests that are the same for either family.
    pub fn both(&self) -> [SocketAddr; 2] {
        [self.v4(), self.v6()]
    }

    /// A client that was greeted.
    pub fn connect(&self) -> Client {
        Client::connect(self.v4())
    }

    /// An anonymous client.
    pub fn client(&self) -> Client {
        let mut client = self.connect();
        client.login();
        client
    }

    /// A client from another address of this machine.
    pub fn client_from(&self, from: &str) -> Client {
        let mut client = Client::connect_from(from.parse().unwrap(), self.v4());
        client.login();
        client
    }

    pub fn handle(&self) -> &Handle {
        self.handle.as_ref().expect("there until the drop")
    }

    pub fn counts(&self) -> Counts {
        self.handle().counts()
    }

    /// Waits until so many passive connections are awaited. The counts is taken at the end of each
    /// turn of the loop, so a reply may be read a moment before it.
    #[track_caller]
    pub fn wait_for_leases(&self, leases: usize) {
        wait_until("so many leases are held", || self.counts().leases == leases);
    }

    /// Joins the server's thread, which must be about to end.
    pub fn wait_for_end(&mut self) {
        let thread = self.thread.as_ref().expect("not yet joined");
        wait_until("the server ends", || thread.is_finished());
    }

    // Files.

    /// Where a served file is on the disk.
    pub fn path(&self, name: impl AsRef<[u8]>) -> PathBuf {
        self.folder.path().join("served").join(OsStr::from_bytes(name.as_ref()))
    }

    /// A place beside the served folder, which no client can reach.
    pub fn outside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: impl AsRef<[u8]>, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    /// A file of zeros that takes no room.
    pub fn write_zeros(&self, name: &str, bytes: u64) {
        File::create(self.path(name)).unwrap().set_len(bytes).unwrap();
    }

    pub fn read(&self, name: impl AsRef<[u8]>) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    pub fn exists(&self, name: impl AsRef<[u8]>) -> bool {
        self.path(name).symlink_metadata().is_ok()
    }

    /// What stands in the served folder, sorted.
    pub fn names(&self) -> Vec<String> {
        names_in(&self.path(""))
    }
}

/// The names in a folder, sorted.
pub fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().as_bytes().escape_ascii().to_string())
        .collect();
    names.sort();
    names
}

impl Drop for TestServer {
    fn drop(&mut self) {
        let Some(handle) = self.handle.take() else { return };
        if thread::panicking() {
            handle.shut_down(Grace::None);
            let _ = self.thread.take().map(JoinHandle::join);
            return;
        }
        wait_until("sessions, leases and timers are back to zero", || {
            handle.counts() == Counts::default()
        });
        handle.shut_down(Grace::Transfers);
        drop(handle);
        let thread = self.thread.take().expect("joined only here");
        thread.join().expect("the server does not panic");
        // The threads for passwords and slow disks end a moment after the loop.
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut left = descriptors();
            left.retain(|descriptor, target| self.before.get(descriptor) != Some(target));
            if left.is_empty() {
                return;
            }
            assert!(Instant::now() < deadline, "descriptors that were left open: {left:#?}");
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// The open descriptors of this process, and what they lead to.
fn descriptors() -> BTreeMap<String, String> {
    let entries = fs::read_dir("/proc/self/fd").expect("Linux has /proc");
    let links = entries.filter_map(|entry| {
        let path = entry.ok()?.path();
        let target = fs::read_link(&path).ok()?;
        // The descriptor that reads this folder is gone when it has been read, and the program's
        // own file is open wherever a test waits for its turn.
        let passing =
            target.starts_with("/proc") || std::env::current_exe().is_ok_and(|exe| target == exe);
        (!passing).then_some((path, target))
    });
    links.map(|(path, target)| (path.display().to_string(), target.display().to_string())).collect()
}

/// Waits until something is so.
#[track_caller]
pub fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// The users of every users file, and what they may do; each has the password "secret".
pub const USERS: [(&str, &str); 2] = [("reader", "read"), ("writer", "write")];

/// The lines of a user in the users file. The hash is as cheap as argon2 goes.
pub fn user(name: &str, access: &str) -> String {
    use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version};
    let cheap = Params::new(Params::MIN_M_COST, 1, 1, None).expect("argon2 allows the least");
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, cheap);
    let hash = argon2.hash_password(b"secret").expect("argon2 hashes").to_string();
    format!("[users.{name}]\npassword = \"{hash}\"\naccess = \"{access}\"\n")
}

/// Random bytes, the same in every run.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 16) % limit
    }

    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes: Vec<u8> =
            (0..count.div_ceil(8)).flat_map(|_| self.next().to_le_bytes()).collect();
        bytes.truncate(count);
        bytes
    }

    /// A name that a file can have, of any bytes but those that no command can hold.
    pub fn name(&mut self) -> Vec<u8> {
        let length = 1 + self.below(255) as usize;
        let mut name = self.bytes(length);
        name.iter_mut().filter(|byte| b"\0\r\n/".contains(byte)).for_each(|byte| *byte = b' ');
        if name.first() == Some(&b'.') {
            name[0] = b'_';
        }
        name
    }
}
