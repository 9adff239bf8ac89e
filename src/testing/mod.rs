//! A real FTP server for the tests of a client: on a temporary folder and a free port, with events to
//! wait for and faults on demand.
//!
//! ```
//! use packetboat::testing::TestServer;
//! # use std::io::{BufRead, BufReader, Write};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = TestServer::start()?;
//! std::fs::write(server.path().join("notes.txt"), "as I said")?;
//!
//! // The client under test; here, a few lines of it.
//! let mut client = BufReader::new(std::net::TcpStream::connect(server.address())?);
//! for (command, code) in [("", "220"), ("USER anonymous\r\n", "331"), ("PASS x\r\n", "230")] {
//!     client.get_mut().write_all(command.as_bytes())?;
//!     let mut reply = String::new();
//!     client.read_line(&mut reply)?;
//!     assert!(reply.starts_with(code), "{reply}");
//! }
//! # Ok(())
//! # }
//! ```
//!
//! A server with a user, TLS, and a disk that is full when the second upload comes:
//!
//! ```
//! use packetboat::testing::{Fault, TestServer, Transfer};
//! use packetboat::Access;
//!
//! # #[cfg(feature = "tls")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = TestServer::builder()
//!     .account("alice", "secret", Access::WRITE)
//!     .tls()
//!     .fault(Fault::refuse(Transfer::Upload, 452, "No space left on the disk.").nth(2))
//!     .start()?;
//! println!("{} trusts {}", server.url(), server.certificate_pem().unwrap_or_default());
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "tls"))]
//! # fn main() {}
//! ```

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub use crate::config::{Fault, Transfer};
pub use crate::server::{Event, EventKind};

use crate::{Access, Account, Config, Counts, Error, Grace, Handle, Server, StoredPassword};

/// Time that [`TestServer::wait_for`] waits at most: much longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server that runs on a thread of its own, for as long as this lives: its drop ends it at once, and
/// removes its folder.
#[derive(Debug)]
pub struct TestServer {
    handle: Handle,
    thread: Option<JoinHandle<Result<(), Error>>>,
    address: SocketAddr,
    folder: TempDir,
    certificate: Option<String>,
    events: Mutex<Receiver<Event>>,
}

/// Settings of a [`TestServer`].
#[derive(Debug)]
pub struct Builder {
    folder: io::Result<TempDir>,
    config: Config,
    accounts: Vec<(String, String, Access)>,
    tls: bool,
}

impl TestServer {
    /// Starts a server for anonymous users, who may read and store, on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// No temporary folder, port or thread is to be had.
    pub fn start() -> Result<TestServer, Error> {
        TestServer::builder().start()
    }

    /// Settings of a server, to be changed before it starts.
    pub fn builder() -> Builder {
        let folder = tempfile::tempdir();
        let mut config = Config::new(folder.as_ref().map_or(Path::new("."), TempDir::path));
        config.listen = vec![SocketAddr::from(([127, 0, 0, 1], 0))];
        Builder { folder, config, accounts: Vec::new(), tls: false }
    }

    /// Address of the server, with the port that was chosen.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// URL of the served folder: `ftp://127.0.0.1:4711/`.
    pub fn url(&self) -> String {
        format!("ftp://{}/", self.address)
    }

    /// Path of the served folder on the disk: what is put there can be fetched, and what clients
    /// store is found there.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Certificate of the server, PEM, for the client to trust as an authority; it is for the names
    /// `localhost` and `127.0.0.1`. `None` without [`Builder::tls`].
    pub fn certificate_pem(&self) -> Option<&str> {
        self.certificate.as_deref()
    }

    /// Handle of the server, which counts what it holds and can end it with grace.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Counts of what the server holds: sessions, passive ports, deadlines.
    pub fn counts(&self) -> Counts {
        self.handle.counts()
    }

    /// Next event for which `is_wanted`, in the order in which events happen; those before it are
    /// passed over. Events are kept until they are asked for.
    ///
    /// # Panics
    /// None comes within half a minute: the test fails here, and says which came instead.
    #[track_caller]
    pub fn wait_for(&self, is_wanted: impl Fn(&Event) -> bool) -> Event {
        let events = self.events.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let (until, mut passed) = (Instant::now() + PATIENCE, Vec::new());
        loop {
            match events.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(event) if is_wanted(&event) => return event,
                Ok(event) => passed.push(event),
                Err(RecvTimeoutError::Timeout) => panic!("waited in vain, these came: {passed:#?}"),
                Err(RecvTimeoutError::Disconnected) => panic!("the server has ended: {passed:#?}"),
            }
        }
    }

    /// Waits until an upload of this name has ended, and says how: `Ok` when the whole file stands
    /// there, else why not.
    ///
    /// # Errors
    /// The upload was cut off, or refused.
    ///
    /// # Panics
    /// As [`wait_for`](TestServer::wait_for).
    #[track_caller]
    pub fn wait_for_upload(&self, name: &str) -> Result<u64, String> {
        let wanted = format!("/{}", name.trim_start_matches('/'));
        let event = self.wait_for(|event| match &event.kind {
            EventKind::Ended { transfer, path, .. } | EventKind::Refused { transfer, path, .. } => {
                *transfer == Transfer::Upload && *path == wanted
            }
            _ => false,
        });
        match event.kind {
            EventKind::Ended { bytes, result, .. } => result.map(|()| bytes),
            EventKind::Refused { why, .. } => Err(why),
            other => unreachable!("{other:?} is no upload"),
        }
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.handle.shut_down(Grace::None);
        let ended = self.thread.take().map(JoinHandle::join);
        let failed = !matches!(ended, None | Some(Ok(Ok(()))));
        assert!(!failed || thread::panicking(), "the server failed: {ended:?}");
    }
}

impl Builder {
    /// Adds a user. Without any, and with all others, anonymous users may log in, unless
    /// [`Builder::configure`] says otherwise.
    pub fn account(mut self, name: &str, password: &str, access: Access) -> Builder {
        self.accounts.push((name.to_owned(), password.to_owned(), access));
        self
    }

    /// Speaks TLS (AUTH TLS), with a certificate made for this server.
    #[cfg(feature = "tls")]
    pub fn tls(mut self) -> Builder {
        self.tls = true;
        self
    }

    /// Adds a fault. Of several that a transfer meets, the one that was added first counts.
    pub fn fault(mut self, fault: Fault) -> Builder {
        self.config.faults.push(fault);
        self
    }

    /// Changes any other setting. The folder that is served is best left as it is.
    pub fn configure(mut self, change: impl FnOnce(&mut Config)) -> Builder {
        change(&mut self.config);
        self
    }

    /// Starts the server.
    ///
    /// # Errors
    /// No temporary folder, port or thread is to be had, or a setting is wrong.
    pub fn start(self) -> Result<TestServer, Error> {
        let Builder { folder, mut config, accounts, tls } = self;
        let folder = folder.map_err(|error| Error::root(&std::env::temp_dir(), error))?;
        for (name, password, access) in accounts {
            let stored = StoredPassword::hash(password)
                .map_err(|error| Error::account(&name, error.to_string()))?;
            let mut account = Account::new(&name, stored);
            account.access = access;
            config.accounts.push(account);
        }
        let certificate = if tls { certify(&mut config)? } else { None };
        let mut server = Server::bind(config)?;
        let (sender, events) = channel();
        server.observe(sender);
        let (address, handle) = (server.addresses()[0], server.handle());
        let thread = thread::Builder::new().name("packetboat".into()).spawn(move || server.run());
        let thread = Some(thread.map_err(Error::event_loop)?);
        let events = Mutex::new(events);
        Ok(TestServer { handle, thread, address, folder, certificate, events })
    }
}

/// Gives the server a certificate, and returns it.
#[cfg(feature = "tls")]
fn certify(config: &mut Config) -> Result<Option<String>, Error> {
    use crate::{TlsConfig, TlsIdentity, TlsPair};
    let names = ["localhost", "127.0.0.1"].map(str::to_owned).to_vec();
    let (certificate, key) = crate::net::Identity::self_signed_pem(names)
        .map_err(|error| Error::event_loop(io::Error::other(error)))?;
    let pair = TlsPair::pem(certificate.clone(), key);
    config.tls = Some(TlsConfig::new(TlsIdentity::Certificates(vec![pair])));
    Ok(Some(certificate))
}

#[cfg(not(feature = "tls"))]
fn certify(_config: &mut Config) -> Result<Option<String>, Error> {
    Ok(None)
}
