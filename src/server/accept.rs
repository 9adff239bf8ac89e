//! Accepting: control connections become sessions or are turned away, and passive connections go to
//! the sessions that await them.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::event_loop::EventLoop;
use super::events;
use super::host::Host;
use super::peer::Peer;
use crate::net::{AcceptError, AcceptErrorKind, Arrival, Link, Listener, Role};
use crate::proto::reply::Reply;
use crate::session::Session;

/// Connections that one listener accepts before others get their turn.
const ACCEPTS: usize = 64;
/// Time for which no connection is accepted when descriptors have run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Beginning of control connections of a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TlsMode {
    /// In clear; a client may say AUTH TLS (RFC 4217).
    Explicit,
    /// With a TLS handshake (implicit FTPS).
    Implicit,
}

/// Listener for control connections, and the host that they come to.
#[derive(Debug)]
pub(super) struct ControlListener {
    pub(super) listener: Listener,
    pub(super) mode: TlsMode,
    pub(super) host: Rc<Host>,
}

/// State of accepting.
#[derive(Debug, Default)]
pub(super) struct Acceptor {
    pub(super) listeners: Vec<ControlListener>,
    /// Number of sessions that each address has.
    addresses: HashMap<IpAddr, usize>,
    /// Number of the latest session.
    latest: u64,
    /// Moment until which no connection is accepted.
    pub(super) paused: Option<Instant>,
}

impl Acceptor {
    pub(super) fn new(listeners: Vec<ControlListener>) -> Acceptor {
        Acceptor { listeners, ..Acceptor::default() }
    }

    /// Notes that somebody may be waiting at a listener.
    pub(super) fn mark(&mut self, slot: usize) {
        if let Some(control) = self.listeners.get_mut(slot) {
            control.listener.mark();
        }
    }

    /// Whether a connection may wait at a listener.
    pub(super) fn is_ready(&self) -> bool {
        self.listeners.iter().any(|control| control.listener.is_ready())
    }

    /// Forgets a session of this address.
    pub(super) fn forget(&mut self, client: IpAddr) {
        if let Some(count) = self.addresses.get_mut(&client) {
            *count -= 1;
            if *count == 0 {
                self.addresses.remove(&client);
            }
        }
    }

    /// Number of a new session, and who comes there; `None` if there are too many.
    fn count(&mut self, client: IpAddr, sessions: usize, host: &Host) -> Option<u64> {
        let of_address = self.addresses.get(&client).copied().unwrap_or(0);
        if sessions >= host.config.max_sessions
            || of_address >= host.config.max_sessions_per_address
        {
            return None;
        }
        self.addresses.insert(client, of_address + 1);
        self.latest += 1;
        Some(self.latest)
    }
}

impl EventLoop {
    /// Accepts a bounded number of connections.
    pub(super) fn accept(&mut self, now: Instant) {
        if self.acceptor.paused.is_some() {
            return;
        }
        let accepted = self.accept_passive(now).and_then(|()| self.accept_control(now));
        if let Err(error) = accepted {
            let why = match error.kind() {
                AcceptErrorKind::Shortage => "too few resources",
                AcceptErrorKind::Connections => "they fail before",
                AcceptErrorKind::Broken => "a listener is broken",
            };
            log::warn!("cannot accept connections for a moment, {why}: {error}");
            self.acceptor.paused = Some(now + ACCEPT_PAUSE);
        }
    }

    fn accept_passive(&mut self, now: Instant) -> Result<(), AcceptError> {
        let mut arrived = Vec::new();
        let result = self.shared.passive.accept(now, |arrival| match arrival {
            Arrival::Awaited(owner, stream) => arrived.push((owner, Link::adopt(stream))),
            Arrival::Stranger(stranger) => events::record_stranger(&stranger),
        });
        for (owner, link) in arrived {
            let Some(peer) = self.peers.get(owner.slot()) else { continue };
            debug_assert!(peer.key() == owner, "a lease outlived its session");
            self.shared.lease_used(peer.client());
            self.visit(owner.slot(), now, |peer, turn| peer.arrived(link, turn));
        }
        result
    }

    fn accept_control(&mut self, now: Instant) -> Result<(), AcceptError> {
        for index in 0..self.acceptor.listeners.len() {
            for _ in 0..ACCEPTS {
                let ControlListener { listener, mode, host } = &mut self.acceptor.listeners[index];
                if !listener.is_ready() {
                    break;
                }
                let Some((stream, client)) = listener.accept()? else { break };
                // Only a listener on every address has to ask where the client came in.
                let local = Some(listener.address().ip()).filter(|ip| !ip.is_unspecified());
                let (mode, host) = (*mode, Rc::clone(host));
                self.admit(Link::adopt(stream), (local, client), mode, host, now);
            }
        }
        Ok(())
    }

    /// Begins a session, or turns the client away with a 421.
    fn admit(
        &mut self,
        mut control: Link,
        (local, client): (Option<IpAddr>, SocketAddr),
        mode: TlsMode,
        host: Rc<Host>,
        now: Instant,
    ) {
        let Some(number) = self.acceptor.count(client.ip(), self.peers.len(), &host) else {
            log::warn!("{client} turned away, too many sessions");
            return turn_away(control, mode);
        };
        let slot = self.peers.vacant_key();
        let registered = control.register(&mut self.shared.poller, slot, Role::Control);
        let prepared = registered.and_then(|key| match local {
            Some(local) => Ok((key, local)),
            None => Ok((key, control.local_address()?.ip())),
        });
        let (key, local) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => {
                self.acceptor.forget(client.ip());
                return log::debug!("{client} left before it was greeted: {error}");
            }
        };
        log::debug!("#{number} {client} connected");
        let (settings, implicit) = (Rc::clone(&host.settings), mode == TlsMode::Implicit);
        let session = Session::new(settings, number, (local, client.ip()), implicit, now);
        let slot = self.peers.insert(Peer::new(key, session, control, host));
        self.scheduler.make_ready(slot);
    }
}

/// Sends a 421 in one try: whoever floods us is not waited for, nor shaken hands with.
fn turn_away(mut control: Link, mode: TlsMode) {
    let mut reply = Vec::new();
    Reply::TooManySessions.write_to(&mut reply);
    if mode == TlsMode::Explicit {
        let _ = control.write(&reply);
    }
}
