//! Sockets, readiness and TLS: the only room that knows mio and rustls. It moves bytes and knows no
//! FTP.

mod door;
mod link;
mod passive;
mod poller;
mod socket;
mod tls;

pub use door::Door;
pub use link::Link;
pub use mio::Waker;
pub use passive::{Lease, PassivePorts};
pub use poller::{Event, Key, Poller, Role, SignalBell};
pub use socket::{Flow, Socket, can_connect_from};
pub use tls::{FlawedIdentity, Identity, Input, Resumption, Tls};
