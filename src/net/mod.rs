//! Sockets, readiness and TLS: the only room that knows mio and rustls. It moves bytes and knows no
//! FTP.

mod inherited;
mod link;
mod listener;
mod passive;
mod poller;
mod socket;
mod tls;

pub use inherited::Inherited;
pub use link::Link;
pub use listener::{AcceptError, AcceptErrorKind, Listener};
pub use mio::Waker;
pub use passive::{Arrival, Lease, PassivePorts, Stranger};
pub use poller::{Event, Key, Poller, Role, Signals, Waited};
pub use socket::{Flow, can_connect_from};
pub use tls::{FileEnd, FlawedIdentity, Identity, Input, Resumed, Resumption, Tls};
