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
mod listening;
mod logins;
mod nat_hint;
mod neighbourhood;
#[cfg(feature = "testing")]
mod observer;
mod password_worker;
mod peer;
mod penalties;
mod prepared;
mod reload;
mod repeats;
mod roots;
mod scheduler;
mod service_manager;
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

use slab::Slab;

use crate::config::command_line::system_variable;
use crate::config::{Config, Error, Users};
use crate::fs::{Resolver, Root};
use crate::net::{Inherited, Listener, Poller, Signals, can_connect_from};
use certificates::{Loaded, Occasion};
pub use descriptors::raise_descriptor_limit;
use event_loop::EventLoop;
pub use handle::{Counts, Grace, Handle};
use listening::{StandIn, Wanted};
#[cfg(feature = "testing")]
pub use observer::{Event, EventKind};
pub use prepared::warnings;
use prepared::{Prepared, exposed};
use service_manager::ServiceManager;

/// The signals that end the server.
const STOP_SIGNALS: [i32; 2] = [Signal::INT.as_raw(), Signal::TERM.as_raw()];
/// The signal that has the configuration read anew.
const RELOAD_SIGNAL: i32 = Signal::HUP.as_raw();
/// Caught so that it does not end the process: an upload beyond the limit of file sizes is refused
/// by an error as well.
const HARMLESS_SIGNAL: i32 = Signal::XFSZ.as_raw();

/// Warning of a server that has to resolve names by itself.
const SLOW_LOOKUPS: &str = "openat2 is blocked, as by systemd's RestrictSUIDSGID and DynamicUser and by systemd-nspawn, or \
     this kernel is older than Linux 5.6: names are resolved step by step, as confined and slower";

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
    listeners: Slab<(Listener, Wanted)>,
    addresses: Vec<SocketAddr>,
    /// Sessions that there are descriptors for.
    places: usize,
    tls: Option<Loaded>,
    signals: Option<Signals>,
    handle: Handle,
    /// Source of the configuration at a reload.
    source: Option<reload::Source>,
    service_manager: Option<ServiceManager>,
    /// Addresses of inherited listeners.
    stand_in: Option<StandIn>,
    #[cfg(feature = "testing")]
    observer: Option<std::sync::mpsc::Sender<Event>>,
}

impl Server {
    /// Opens the folder, the users file, the certificates and the listeners.
    ///
    /// # Errors
    /// A setting is wrong, or one of these cannot be had; [`Error::kind`] says which.
    pub fn bind(config: Config) -> Result<Server, Error> {
        Server::bind_with(config, Vec::new())
    }

    /// Does as [`bind`](Server::bind), with the listeners that a service manager has handed to this
    /// process in place of [`Config::listen`] and [`Config::listen_tls`], if it has: socket activation
    /// of systemd. One that is called `ftps` or `implicit` (`FileDescriptorName=`) speaks implicit TLS.
    /// They are kept whatever a reload says. Only the first call of a process gets them: make it before
    /// there are other threads, since it takes the variables about them out of the environment.
    ///
    /// # Errors
    /// As for [`bind`](Server::bind), or what was handed over is no listener.
    pub fn bind_inherited(config: Config) -> Result<Server, Error> {
        Server::bind_with(config, listening::inherited()?)
    }

    fn bind_with(mut config: Config, inherited: Vec<Inherited>) -> Result<Server, Error> {
        must_have_random_numbers()?;
        let stand_in = StandIn::of(&inherited);
        stand_in.iter().for_each(|stand_in| stand_in.replace(&mut config));
        let Prepared { config, root, users, tls } = Prepared::open(config, Occasion::Start)?;
        let mut poller = Poller::new().map_err(Error::event_loop)?;
        let waker = poller.waker().map_err(Error::event_loop)?;
        let listeners = match inherited.is_empty() {
            true => listening::open_all(&mut poller, &config)?,
            false => listening::adopt_all(&mut poller, inherited)?,
        };
        let listening = listeners.iter().map(|(_, (listener, _))| listener);
        let addresses: Vec<SocketAddr> = listening.flat_map(Listener::addresses).collect();
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
        for warning in exposed(&config) {
            log::warn!("{warning}");
        }
        events::record_beyond_reach(&users);
        if root.resolver() == Resolver::Steps {
            log::warn!("{SLOW_LOOKUPS}");
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
            source: None,
            service_manager: None,
            stand_in,
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

    /// The configuration that it begins with.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// True if its listeners were inherited, see [`bind_inherited`](Server::bind_inherited).
    pub fn is_activated(&self) -> bool {
        self.stand_in.is_some()
    }

    /// The SHA-256 fingerprint of the certificate that it shows, as clients spell it.
    pub fn fingerprint(&self) -> Option<&str> {
        self.tls.as_ref().map(|tls| tls.fingerprint.as_str())
    }

    /// A handle by which another thread can end it.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Has the configuration that a reload puts in force come from here; the error is one line for the
    /// log. Without it a reload reads anew what the present configuration names: users, certificates.
    pub fn reload_from(
        &mut self,
        source: impl Fn() -> Result<Config, String> + Send + Sync + 'static,
    ) {
        self.source = Some(reload::Source::new(source));
    }

    /// Has SIGINT and SIGTERM of this process end it, the first with [`Grace::Transfers`] and the
    /// second with [`Grace::None`], and SIGHUP reload the configuration, see
    /// [`reload_from`](Server::reload_from).
    ///
    /// # Errors
    /// The signals cannot be caught ([`ErrorKind::EventLoop`](crate::ErrorKind)).
    pub fn stop_on_signals(&mut self) -> Result<(), Error> {
        let caught = [&STOP_SIGNALS[..], &[HARMLESS_SIGNAL, RELOAD_SIGNAL]].concat();
        let signals = Signals::new(&mut self.poller, &caught).map_err(Error::event_loop)?;
        self.signals = Some(signals);
        Ok(())
    }

    /// Has the service manager that started this process, systemd for example, told how the server is:
    /// ready, reloading, stopping, alive, and how many sessions and transfers it has. The environment
    /// names it (`NOTIFY_SOCKET`, `WATCHDOG_USEC`, `WATCHDOG_PID`); nothing is done if it names none,
    /// and one that cannot be reached is a warning in the log.
    pub fn notify_service_manager(&mut self) {
        match ServiceManager::of_environment(system_variable) {
            Ok(service_manager) => self.service_manager = service_manager,
            Err(error) => log::warn!("the service manager of $NOTIFY_SOCKET is not told: {error}"),
        }
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
