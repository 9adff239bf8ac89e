//! Sockets and readiness: the only room that knows mio. It moves bytes and knows no protocol.

mod door;
mod link;
mod passive;
mod poller;

pub use door::Door;
pub use link::{Flow, Link, can_connect_from};
pub use mio::Waker;
pub use passive::{Lease, PassivePorts};
pub use poller::{Event, Key, Poller, Role, SignalBell};
