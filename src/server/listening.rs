//! Listening: the listeners for control connections, opened at the start and again at each reload.

use std::io;
use std::net::SocketAddr;

use slab::Slab;

use crate::config::{Config, Error};
use crate::net::{Listener, Poller, Role};

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
    let key = poller.key(listeners.vacant_key(), Role::Listener);
    let listener = opened.and_then(|mut listener| {
        listener.prepare_control()?;
        listener.register(poller, key)?;
        Ok(listener)
    });
    match listener {
        Ok(listener) => Ok(Some(listener)),
        Err(error) if Listener::lacks_family(&error) => {
            log::warn!("{}", Error::listen(address, error));
            Ok(None)
        }
        Err(error) => Err(Error::listen(address, error)),
    }
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
