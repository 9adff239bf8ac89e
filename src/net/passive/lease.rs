//! A lease of a passive port, and what comes to one.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use mio::net::TcpStream;

use crate::net::poller::Key;

/// The right to the next connection of one client on one listener. It must be given back with
/// [`PassivePorts::release`](super::PassivePorts::release) unless its connection came.
#[derive(Debug)]
pub struct Lease {
    pub(super) slot: usize,
    pub(super) owner: Key,
    pub(super) client: IpAddr,
    pub(super) address: SocketAddr,
    pub(super) since: Instant,
}

impl Lease {
    /// Address where it is awaited.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Client that is awaited.
    pub fn client(&self) -> IpAddr {
        self.client
    }

    /// Begin of the waiting.
    pub fn since(&self) -> Instant {
        self.since
    }
}

/// Connection that came to a passive port.
#[derive(Debug)]
pub enum Arrival {
    /// Connection leased by the control connection with this key.
    Awaited(Key, TcpStream),
    /// Stranger's connection, closed.
    Stranger(Stranger),
}

/// Connection without a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stranger {
    /// Source address.
    pub from: SocketAddr,
    /// The passive port.
    pub to: SocketAddr,
    /// The client that this port was leased for last, if it is still awaited.
    pub awaited: Option<IpAddr>,
}
