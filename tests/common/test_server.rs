//! A server for one test.

use super::descriptors::{self, Descriptors};
use super::running::Running;
use super::{Client, USERS, names_in, under_tls, user, wait_until};
use packetboat::{Anonymous, Config, Counts, TlsConfig, TlsIdentity};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::sync::MutexGuard;
use std::thread::{self, ThreadId};
use tempfile::TempDir;

/// A server that runs for one test, on free ports of 127.0.0.1 and ::1.
///
/// When it is dropped it checks that nothing is left of the test: sessions, leases, timers and open
/// descriptors are back to what they were. So declare it before the clients: what is declared last
/// is dropped first.
pub struct TestServer {
    running: Option<Running>,
    /// Holds the served folder, and what must not be reached from it.
    folder: TempDir,
    before: Descriptors,
    _alone: Option<MutexGuard<'static, ()>>,
}

impl TestServer {
    /// A server with every setting at its default.
    pub fn start() -> TestServer {
        TestServer::with(|_| {})
    }

    /// A server with some settings changed.
    pub fn with(change: impl FnOnce(&mut Config)) -> TestServer {
        let alone = descriptors::alone();
        let before = Descriptors::now();
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
        TestServer { running: Some(Running::start(config)), folder, before, _alone: alone }
    }

    /// A server with the users of [`USERS`], and some settings changed.
    pub fn with_users(change: impl FnOnce(&mut Config)) -> TestServer {
        TestServer::with(|config| {
            config.users = Some("users.toml".into());
            config.anonymous = Some(Anonymous::Write);
            change(config);
        })
    }

    fn running(&self) -> &Running {
        self.running.as_ref().expect("there until the drop")
    }

    pub fn v4(&self) -> SocketAddr {
        self.running().addresses()[0]
    }

    pub fn v6(&self) -> SocketAddr {
        self.running().addresses()[1]
    }

    /// Where clients begin with TLS, if `listen_tls` says so.
    pub fn implicit(&self) -> SocketAddr {
        self.running().addresses()[2]
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

    pub fn counts(&self) -> Counts {
        self.running().counts()
    }

    /// Thread of the server's loop, which writes the log.
    pub fn thread(&self) -> ThreadId {
        self.running().thread()
    }

    /// Waits until so many passive connections are awaited. The counts are taken at the end of each
    /// turn of the loop, so a reply may be read a moment before it.
    #[track_caller]
    pub fn wait_for_leases(&self, leases: usize) {
        wait_until("so many leases are held", || self.counts().leases == leases);
    }

    /// Tells it to end as soon as its transfers have.
    pub fn shut_down(&self) {
        self.running().shut_down();
    }

    /// Tells it to end now.
    pub fn shut_down_at_once(&self) {
        self.running().shut_down_at_once();
    }

    /// Waits for the end of a server that was told to.
    pub fn wait_for_end(&self) {
        wait_until("the server ends", || self.running().has_ended());
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

    /// So many names, all of one empty file: a folder of as many files takes long to make.
    pub fn fill(&self, count: usize, name: impl Fn(usize) -> String) {
        self.write(name(0), "");
        for number in 1..count {
            fs::hard_link(self.path(name(0)), self.path(name(number))).unwrap();
        }
    }

    pub fn read(&self, name: impl AsRef<[u8]>) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    pub fn exists(&self, name: impl AsRef<[u8]>) -> bool {
        self.path(name).symlink_metadata().is_ok()
    }

    /// Permissions of a served file.
    pub fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.path(name)).unwrap().permissions().mode() & 0o7777
    }

    /// When a served file was last changed, in seconds since 1970.
    pub fn modified(&self, name: &str) -> i64 {
        fs::metadata(self.path(name)).unwrap().mtime()
    }

    /// What stands in the served folder, sorted.
    pub fn names(&self) -> Vec<String> {
        names_in(&self.path(""))
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        let Some(running) = self.running.take() else { return };
        if thread::panicking() {
            running.shut_down_at_once();
            let _ = running.join();
            return;
        }
        wait_until("sessions, leases and timers are back to zero", || {
            running.counts() == Counts::default()
        });
        running.shut_down();
        running.join().expect("the server does not panic");
        self.before.wait_for_return();
    }
}
