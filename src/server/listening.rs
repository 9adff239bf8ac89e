//! Listening: the listeners for control connections, opened at the start and again at each reload, or
//! inherited from a service manager for good.

use std::io;
use std::net::SocketAddr;

use slab::Slab;

use crate::config::{Config, Error, ErrorKind};
use crate::net::{Inherited, Listener, Poller, Role};

/// Beginning of control connections of a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TlsMode {
    /// In clear; a client may say AUTH TLS (RFC 4217).
    Explicit,
    /// With a TLS handshake (implicit FTPS).
    Implicit,
}

/// Listener as a configuration has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Address, whose port is 0 if any will do.
    pub(super) address: SocketAddr,
    pub(super) mode: TlsMode,
}

/// Listeners that a configuration has, in the order in which they are told.
pub(super) fn wanted(config: &Config) -> impl Iterator<Item = Wanted> {
    let with = |mode| move |address: &SocketAddr| Wanted { address: *address, mode };
    let explicit = config.listen.iter().map(with(TlsMode::Explicit));
    explicit.chain(config.listen_tls.iter().map(with(TlsMode::Implicit)))
}

/// Opens a listener at a vacant slot. An address that is not there yet may come, as some do only when
/// the machine has been up for a while; `None` if this machine does without its family.
///
/// # Errors
/// The address cannot be listened on.
pub(super) fn open<T>(
    poller: &mut Poller,
    listeners: &Slab<T>,
    address: SocketAddr,
) -> Result<Option<Listener>, Error> {
    let opened = Listener::open(address).or_else(|error| match error.kind() {
        io::ErrorKind::AddrNotAvailable => {
            log::warn!(
                "this machine does not have the address {} now: nobody can connect there until it has",
                address.ip()
            );
            Listener::open_early(address)
        }
        _ => Err(error),
    });
    match opened.and_then(|listener| registered(poller, listeners, listener)) {
        Ok(listener) => Ok(Some(listener)),
        Err(error) if Listener::lacks_family(&error) => {
            log::warn!("{}", Error::listen(address, error));
            Ok(None)
        }
        Err(error) => Err(Error::listen(address, error)),
    }
}

/// Registers a listener for a vacant slot.
fn registered<T>(
    poller: &mut Poller,
    listeners: &Slab<T>,
    mut listener: Listener,
) -> io::Result<Listener> {
    let key = poller.key(listeners.vacant_key(), Role::Listener);
    listener.prepare_control()?;
    listener.register(poller, key)?;
    Ok(listener)
}

/// Addresses of inherited listeners, which stand in for those that a configuration has: all else that
/// depends on who can connect goes by them.
#[derive(Clone, Debug)]
pub(super) struct StandIn {
    listen: Vec<SocketAddr>,
    listen_tls: Vec<SocketAddr>,
}

impl StandIn {
    /// Addresses of these listeners; `None` if there are none.
    pub(super) fn of(inherited: &[Inherited]) -> Option<StandIn> {
        let of_mode = |mode| {
            let those = inherited.iter().filter(move |one| mode_of(&one.name) == mode);
            those.flat_map(|one| one.listener.addresses()).collect()
        };
        let (listen, listen_tls) = (of_mode(TlsMode::Explicit), of_mode(TlsMode::Implicit));
        (!inherited.is_empty()).then_some(StandIn { listen, listen_tls })
    }

    /// Puts them in place of the configuration's.
    pub(super) fn replace(&self, config: &mut Config) {
        config.listen.clone_from(&self.listen);
        config.listen_tls.clone_from(&self.listen_tls);
    }
}

/// Mode of an inherited listener, by its name.
fn mode_of(name: &str) -> TlsMode {
    match name {
        "ftps" | "implicit" => TlsMode::Implicit,
        _ => TlsMode::Explicit,
    }
}

/// Takes inherited listeners over, in the order in which a configuration has its own.
///
/// # Errors
/// One cannot be registered.
pub(super) fn adopt_all(
    poller: &mut Poller,
    mut inherited: Vec<Inherited>,
) -> Result<Slab<(Listener, Wanted)>, Error> {
    inherited.sort_by_key(|one| mode_of(&one.name) == TlsMode::Implicit);
    let mut listeners = Slab::new();
    for Inherited { listener, name } in inherited {
        let wanted = Wanted { address: listener.address(), mode: mode_of(&name) };
        let listener = registered(poller, &listeners, listener)
            .map_err(|error| Error::listen(wanted.address, error))?;
        listeners.insert((listener, wanted));
    }
    Ok(listeners)
}

/// Listeners that this process was started with.
///
/// # Errors
/// One of them is none.
pub(super) fn inherited() -> Result<Vec<Inherited>, Error> {
    Inherited::take_all().map_err(|error| {
        Error::setting(ErrorKind::Listen, format!("what the service manager has opened: {error}"))
    })
}

/// Opens all listeners of a configuration.
///
/// # Errors
/// One cannot be had, or none of them can, since this machine does without their families.
pub(super) fn open_all(
    poller: &mut Poller,
    config: &Config,
) -> Result<Slab<(Listener, Wanted)>, Error> {
    let mut listeners = Slab::new();
    for wanted in wanted(config) {
        if let Some(listener) = open(poller, &listeners, wanted.address)? {
            listeners.insert((listener, wanted));
        }
    }
    match (listeners.is_empty(), wanted(config).next()) {
        (true, Some(Wanted { address, .. })) => {
            let error = io::Error::from_raw_os_error(rustix::io::Errno::AFNOSUPPORT.raw_os_error());
            Err(Error::listen(address, error))
        }
        _ => Ok(listeners),
    }
}
