//! The shell: the loop and all that it owns. It alone knows the slab, the clock and the threads.

mod certificates;
mod disk;
mod event_loop;
mod events;
mod file_work;
mod handle;
mod logins;
mod password_worker;
mod peer;
mod scheduler;
mod shared;
mod timers;
mod worker_pool;

use std::net::SocketAddr;

use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};

use crate::config::{Config, StartError, TlsIdentity, UsersFile};
use crate::fs::Root;
use crate::net::{Listener, Poller, Role, Signals, can_connect_from};
use certificates::Loaded;
use event_loop::EventLoop;
pub use handle::{Counts, Handle};

/// The signals that end the server.
const STOP_SIGNALS: [i32; 2] = [Signal::INT.as_raw(), Signal::TERM.as_raw()];
/// The signal that has certificates read anew.
const RELOAD_SIGNAL: i32 = Signal::HUP.as_raw();
/// Caught so that it does not end the process: an upload beyond the limit of file sizes is refused
/// by an error as well.
const HARMLESS_SIGNAL: i32 = Signal::XFSZ.as_raw();

/// A server that listens: nobody is answered until it runs.
///
/// Connections that come meanwhile wait in the kernel, so a test may connect as soon as it knows
/// the [`addresses`](Server::addresses).
#[derive(Debug)]
pub struct Server {
    config: Config,
    root: Root,
    users: Option<UsersFile>,
    poller: Poller,
    listeners: Vec<Listener>,
    addresses: Vec<SocketAddr>,
    tls: Option<Loaded>,
    signals: Option<Signals>,
    handle: Handle,
}

impl Server {
    /// Opens the folder, the users file and the listeners.
    ///
    /// # Errors
    /// Whichever of them cannot be had; the message is one line for the operator.
    pub fn bind(config: Config) -> Result<Server, StartError> {
        let root = Root::open(&config.root)
            .map_err(|source| StartError::Root { path: config.root.clone(), source })?;
        let users = config.users.as_ref().map(UsersFile::open).transpose()?;
        raise_descriptor_limit(config.max_sessions);
        let mut poller = Poller::new().map_err(StartError::Loop)?;
        let waker = poller.waker().map_err(StartError::Loop)?;
        if config.tls.is_none() && !config.listen_tls.is_empty() {
            let message = "needs a certificate".to_owned();
            return Err(StartError::Tls { flag: "--listen-tls", path: None, message });
        }
        let tls = config.tls.as_ref();
        let tls = tls
            .map(|tls| certificates::load(tls, config.listen.iter().chain(&config.listen_tls)))
            .transpose()?;
        let listen = config.listen.iter().chain(&config.listen_tls);
        let mut listeners = Vec::new();
        for (slot, &address) in listen.enumerate() {
            let key = poller.key(slot, Role::Listener);
            let listener = Listener::open(address).and_then(|mut listener| {
                listener.prepare_control()?;
                listener.register(&poller, key)?;
                Ok(listener)
            });
            listeners.push(listener.map_err(|source| StartError::Listen { address, source })?);
        }
        let addresses: Vec<SocketAddr> = listeners.iter().map(Listener::address).collect();
        if let Some(port) = config.active_port {
            for address in &addresses {
                can_connect_from(SocketAddr::new(address.ip(), port))
                    .map_err(|source| StartError::ActivePort { port, source })?;
            }
        }
        let handle = Handle::new(waker);
        Ok(Server { config, root, users, poller, listeners, addresses, tls, signals: None, handle })
    }

    /// Where it listens, in the order of [`Config::listen`] and, behind them, of
    /// [`Config::listen_tls`], with the ports that were chosen.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The SHA-256 fingerprint of the certificate that it shows, as clients spell it.
    pub fn fingerprint(&self) -> Option<&str> {
        self.tls.as_ref().map(|tls| tls.fingerprint.as_str())
    }

    /// By which another thread can end it.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Has SIGINT and SIGTERM of this process end it as [`Handle::shut_down`] does, and SIGHUP
    /// read the TLS certificates anew, if they come from files.
    ///
    /// # Errors
    /// The signals cannot be caught.
    pub fn stop_on_signals(&mut self) -> Result<(), StartError> {
        let mut caught = [&STOP_SIGNALS[..], &[HARMLESS_SIGNAL]].concat();
        let tls = self.config.tls.as_ref().map(|tls| &tls.identity);
        // Otherwise it is, as ever, the end of the terminal and of what runs there.
        if tls.is_some_and(|identity| *identity != TlsIdentity::SelfSigned) {
            caught.push(RELOAD_SIGNAL);
        }
        let signals = Signals::new(&mut self.poller, &caught).map_err(StartError::Loop)?;
        self.signals = Some(signals);
        Ok(())
    }

    /// Serves on the calling thread, until it is shut down.
    ///
    /// # Errors
    /// The event loop fails, which no client can bring about.
    pub fn run(self) -> Result<(), StartError> {
        EventLoop::new(self).run().map_err(StartError::Loop)
    }
}

/// Asks for as many descriptors as the sessions may need: a control connection, a data connection
/// and a file each.
fn raise_descriptor_limit(max_sessions: usize) {
    let wanted = max_sessions.saturating_mul(3).saturating_add(64) as u64;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let Some(mut held) = current else { return };
    let granted = maximum.map_or(wanted, |maximum| wanted.min(maximum));
    if granted > held {
        match setrlimit(Resource::Nofile, Rlimit { current: Some(granted), maximum }) {
            Ok(()) => held = granted,
            Err(error) => log::warn!("cannot have more than {held} descriptors: {error}"),
        }
    }
    if held < max_sessions as u64 {
        log::warn!(
            "{held} descriptors are not enough for {max_sessions} sessions; raise the limit \
             (ulimit -n) or lower --max-sessions"
        );
    }
}
