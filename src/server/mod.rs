//! The shell: the loop and all that it owns. It alone knows the slab, the clock and the threads.

mod accept;
mod certificates;
mod clock;
mod descriptors;
mod disk;
mod event_loop;
mod events;
mod fair_queue;
#[cfg(feature = "testing")]
mod faults;
mod file_work;
mod handle;
mod host;
mod lifecycle;
mod logins;
mod nat_hint;
mod neighbourhood;
#[cfg(feature = "testing")]
mod observer;
mod password_worker;
mod peer;
mod penalties;
mod repeats;
mod roots;
mod scheduler;
mod shared;
mod siblings;
mod strangers;
mod timers;
mod user_lookup;
mod worker_pool;

use std::io;
use std::net::SocketAddr;

use rustix::io::{Errno, retry_on_intr};
use rustix::process::Signal;
use rustix::rand::{GetRandomFlags, getrandom};

use crate::config::{Config, Error, TlsIdentity, Users};
use crate::fs::{Root, RootPath};
use crate::net::{Listener, Poller, Role, Signals, can_connect_from};
use accept::TlsMode;
use certificates::{Loaded, Occasion};
pub use descriptors::raise_descriptor_limit;
use event_loop::EventLoop;
pub use handle::{Counts, Grace, Handle};
#[cfg(feature = "testing")]
pub use observer::{Event, EventKind};

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
    users: Users,
    poller: Poller,
    listeners: Vec<(Listener, TlsMode)>,
    addresses: Vec<SocketAddr>,
    /// Sessions that there are descriptors for.
    places: usize,
    tls: Option<Loaded>,
    signals: Option<Signals>,
    handle: Handle,
    #[cfg(feature = "testing")]
    observer: Option<std::sync::mpsc::Sender<Event>>,
}

impl Server {
    /// Opens the folder, the users file, the certificates and the listeners.
    ///
    /// # Errors
    /// A setting is wrong, or one of these cannot be had; [`Error::kind`] says which.
    pub fn bind(mut config: Config) -> Result<Server, Error> {
        config.check()?;
        must_have_random_numbers()?;
        let root = RootPath::Server(config.root.clone()).open();
        let root = root.map_err(|source| Error::root(&config.root, source))?;
        // Each login follows the path, from wherever the process has gone by then.
        let absolute = std::path::absolute(&config.root);
        config.root = absolute.map_err(|source| Error::root(&config.root, source))?;
        let users = Users::open(&config)?;
        let mut poller = Poller::new().map_err(Error::event_loop)?;
        let waker = poller.waker().map_err(Error::event_loop)?;
        let tls = config.tls.as_ref();
        let tls = tls
            .map(|tls| {
                let listen = config.listen.iter().chain(&config.listen_tls);
                certificates::load(tls, Occasion::Start, listen)
            })
            .transpose()?;
        let explicit = config.listen.iter().map(|address| (*address, TlsMode::Explicit));
        let implicit = config.listen_tls.iter().map(|address| (*address, TlsMode::Implicit));
        let listeners = listen(&mut poller, explicit.chain(implicit))?;
        let addresses: Vec<SocketAddr> =
            listeners.iter().map(|(listener, _)| listener.address()).collect();
        if let Some(port) = config.active_port {
            for address in &addresses {
                match can_connect_from(SocketAddr::new(address.ip(), port)) {
                    // The address is still to come.
                    Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => {}
                    result => result.map_err(|source| Error::active_port(port, source))?,
                }
            }
        }
        // Warnings come last: a server that cannot start says why, and nothing else.
        for path in config.exposed() {
            log::warn!("{}: everybody on this machine may change it; chmod o-w", path.display());
        }
        let places = descriptors::places(config.max_sessions);
        let handle = Handle::new(waker);
        Ok(Server {
            config,
            root,
            users,
            poller,
            listeners,
            addresses,
            places,
            tls,
            signals: None,
            handle,
            #[cfg(feature = "testing")]
            observer: None,
        })
    }

    /// Addresses that it listens on, in the order of [`Config::listen`] and, behind them, of
    /// [`Config::listen_tls`], with the ports that were chosen. Those of a family that this machine
    /// does without are left out.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The SHA-256 fingerprint of the certificate that it shows, as clients spell it.
    pub fn fingerprint(&self) -> Option<&str> {
        self.tls.as_ref().map(|tls| tls.fingerprint.as_str())
    }

    /// A handle by which another thread can end it.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Has SIGINT and SIGTERM of this process end it, the first with [`Grace::Transfers`] and the
    /// second with [`Grace::None`], and SIGHUP read the TLS certificates anew, if there are any
    /// but one that is self-signed.
    ///
    /// # Errors
    /// The signals cannot be caught ([`ErrorKind::EventLoop`](crate::ErrorKind)).
    pub fn stop_on_signals(&mut self) -> Result<(), Error> {
        let mut caught = [&STOP_SIGNALS[..], &[HARMLESS_SIGNAL]].concat();
        let tls = self.config.tls.as_ref().map(|tls| &tls.identity);
        // Otherwise it is, as ever, the end of the terminal and of what runs there.
        if tls.is_some_and(|identity| *identity != TlsIdentity::SelfSigned) {
            caught.push(RELOAD_SIGNAL);
        }
        let signals = Signals::new(&mut self.poller, &caught).map_err(Error::event_loop)?;
        self.signals = Some(signals);
        Ok(())
    }

    /// Has an observer told what happens in sessions.
    #[cfg(feature = "testing")]
    pub(crate) fn observe(&mut self, observer: std::sync::mpsc::Sender<Event>) {
        self.observer = Some(observer);
    }

    /// Serves on the calling thread, until it is shut down.
    ///
    /// # Errors
    /// The event loop fails ([`ErrorKind::EventLoop`](crate::ErrorKind)), which no client can bring
    /// about.
    pub fn run(self) -> Result<(), Error> {
        EventLoop::new(self).run().map_err(Error::event_loop)
    }
}

/// Refuses to start where the kernel, or a filter of its calls, gives no random numbers: ports could be
/// guessed, and TLS would end the process.
fn must_have_random_numbers() -> Result<(), Error> {
    match retry_on_intr(|| getrandom(&mut [0; 1], GetRandomFlags::NONBLOCK)) {
        // A machine that has just come up has none yet.
        Ok(_) | Err(Errno::AGAIN) => Ok(()),
        Err(errno) => Err(Error::random_numbers(errno.into())),
    }
}

/// Opens the listeners for control connections. An address that is not there yet may come, as some do
/// only when the machine has been up for a while; a family that is switched off is done without, if
/// there is another.
fn listen(
    poller: &mut Poller,
    addresses: impl Iterator<Item = (SocketAddr, TlsMode)>,
) -> Result<Vec<(Listener, TlsMode)>, Error> {
    let (mut listeners, mut missing) = (Vec::new(), Ok(()));
    for (address, mode) in addresses {
        let key = poller.key(listeners.len(), Role::Listener);
        let opened = Listener::open(address).or_else(|error| match error.kind() {
            io::ErrorKind::AddrNotAvailable => {
                log::warn!(
                    "this machine does not have the address {} now: nobody can connect there until \
                     it has",
                    address.ip()
                );
                Listener::open_early(address)
            }
            _ => Err(error),
        });
        let listener = opened.and_then(|mut listener| {
            listener.prepare_control()?;
            listener.register(poller, key)?;
            Ok(listener)
        });
        match listener {
            Ok(listener) => listeners.push((listener, mode)),
            Err(error) if Listener::lacks_family(&error) => {
                let error = Error::listen(address, error);
                log::warn!("{error}");
                missing = Err(error);
            }
            Err(error) => return Err(Error::listen(address, error)),
        }
    }
    match listeners.is_empty() {
        true => missing.map(|()| listeners),
        false => Ok(listeners),
    }
}
