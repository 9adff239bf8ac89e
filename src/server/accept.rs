//! Accepting: control connections become sessions or are turned away, and passive connections go to
//! the sessions that await them.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::event_loop::EventLoop;
use super::events;
use super::host::Host;
use super::listening::{TlsMode, Wanted};
use super::neighbourhood::Neighbourhood;
use super::peer::Peer;
use super::repeats::Repeats;
use super::strangers::Strangers;
use slab::Slab;

use crate::net::{self, AcceptError, AcceptErrorKind, Link, Listener, Role};
use crate::proto::reply::Reply;
use crate::session::{Disconnect, Session};

/// Connections that one listener accepts before others get their turn.
const ACCEPTS: usize = 64;
/// Time for which a listener is left alone after it could not accept.
const PAUSE: Duration = Duration::from_millis(100);

/// Listener for control connections, and the host that they come to.
#[derive(Debug)]
pub(super) struct ControlListener {
    listener: Listener,
    pub(super) wanted: Wanted,
    pub(super) host: Rc<Host>,
    paused: Pause,
}

impl ControlListener {
    pub(super) fn new(listener: Listener, wanted: Wanted, host: Rc<Host>) -> ControlListener {
        ControlListener { listener, wanted, host, paused: Pause::default() }
    }

    /// Address that it listens on, with the port that was chosen.
    pub(super) fn address(&self) -> SocketAddr {
        self.listener.address()
    }
}

/// Pause of accepting, until this moment.
#[derive(Clone, Copy, Debug, Default)]
struct Pause(Option<Instant>);

impl Pause {
    fn begin(&mut self, now: Instant) {
        self.0 = Some(now + PAUSE);
    }

    fn expire(&mut self, now: Instant) {
        self.0 = self.0.filter(|until| now < *until);
    }

    fn is_over(self) -> bool {
        self.0.is_none()
    }
}

/// State of accepting.
#[derive(Debug)]
pub(super) struct Acceptor {
    pub(super) listeners: Slab<ControlListener>,
    /// Pause of all listeners for passive connections.
    passive_paused: Pause,
    /// Most sessions that there are descriptors for.
    pub(super) places: usize,
    /// Number of sessions that each neighbourhood has.
    sessions: HashMap<Neighbourhood, usize>,
    /// Number of the latest session.
    latest: u64,
    failed: Repeats,
    turned_away: Repeats,
}

/// Client that has connected, and our address that it connected to, where that is known.
#[derive(Clone, Copy, Debug)]
struct Arrival {
    client: SocketAddr,
    local: Option<IpAddr>,
}

impl Acceptor {
    /// Acceptor for at most so many sessions, whatever their hosts allow.
    pub(super) fn new(listeners: Slab<ControlListener>, places: usize) -> Acceptor {
        Acceptor {
            listeners,
            passive_paused: Pause::default(),
            places,
            sessions: HashMap::new(),
            latest: 0,
            failed: Repeats::default(),
            turned_away: Repeats::default(),
        }
    }

    /// Notes that somebody may be waiting at a listener.
    pub(super) fn mark(&mut self, slot: usize) {
        if let Some(control) = self.listeners.get_mut(slot) {
            control.listener.mark();
        }
    }

    /// True if a connection may wait that can be accepted now.
    pub(super) fn has_work(&self, passive_is_ready: bool) -> bool {
        let can_accept = |(_, control): (usize, &ControlListener)| {
            control.listener.is_ready() && control.paused.is_over()
        };
        self.listeners.iter().any(can_accept) || (passive_is_ready && self.passive_paused.is_over())
    }

    /// Moment at which a listener is tried again.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let control = self.listeners.iter().map(|(_, control)| control.paused);
        control.chain([self.passive_paused]).filter_map(|pause| pause.0).min()
    }

    pub(super) fn expire(&mut self, now: Instant) {
        self.passive_paused.expire(now);
        self.listeners.iter_mut().for_each(|(_, control)| control.paused.expire(now));
    }

    /// Forgets a session of this client.
    pub(super) fn forget(&mut self, client: IpAddr) {
        let neighbourhood = Neighbourhood::of(client);
        if let Some(count) = self.sessions.get_mut(&neighbourhood) {
            *count -= 1;
            if *count == 0 {
                self.sessions.remove(&neighbourhood);
            }
        }
    }

    /// Counts a session of this client; its number.
    fn count(&mut self, client: IpAddr) -> u64 {
        *self.sessions.entry(Neighbourhood::of(client)).or_default() += 1;
        self.latest += 1;
        self.latest
    }

    /// True if the neighbourhood of this client has as many sessions as it may.
    fn has_most(&self, client: IpAddr, host: &Host) -> bool {
        let sessions = self.sessions.get(&Neighbourhood::of(client));
        sessions.is_some_and(|count| *count >= host.config.sessions_from(client))
    }

    fn note_failure(&mut self, error: &AcceptError, now: Instant) {
        if let Some(left_out) = self.failed.line(now) {
            let why = match error.kind() {
                AcceptErrorKind::Shortage => "too few resources",
                AcceptErrorKind::Connections => "they fail before",
                AcceptErrorKind::Broken => "a listener is broken",
            };
            log::warn!("cannot accept connections for a moment, {why}: {error}{left_out}");
        }
    }
}

impl EventLoop {
    /// Accepts a bounded number of connections. A listener that fails has a pause, and no other:
    /// clients that are in get their data connections whatever happens to those that come.
    pub(super) fn accept(&mut self, now: Instant) {
        if self.acceptor.passive_paused.is_over()
            && let Err(error) = self.accept_passive(now)
        {
            self.acceptor.passive_paused.begin(now);
            self.acceptor.note_failure(&error, now);
        }
        let mut strangers = None;
        let slots: Vec<usize> = self.acceptor.listeners.iter().map(|(slot, _)| slot).collect();
        for slot in slots {
            if self.acceptor.listeners[slot].paused.is_over()
                && let Err(error) = self.accept_control(slot, &mut strangers, now)
            {
                self.acceptor.listeners[slot].paused.begin(now);
                self.acceptor.note_failure(&error, now);
            }
        }
    }

    fn accept_passive(&mut self, now: Instant) -> Result<(), AcceptError> {
        let mut arrived = Vec::new();
        let result = self.shared.passive.accept(now, |arrival| match arrival {
            net::Arrival::Awaited(owner, stream) => arrived.push((owner, Link::adopt(stream))),
            net::Arrival::Stranger(stranger) => events::record_stranger(&stranger),
        });
        for (owner, link) in arrived {
            let Some(peer) = self.peers.get(owner.slot()) else { continue };
            debug_assert!(peer.key() == owner, "a lease outlived its session");
            self.shared.lease_used(peer.client());
            self.visit(owner.slot(), now, |peer, turn| peer.arrived(link, turn));
        }
        result
    }

    fn accept_control(
        &mut self,
        slot: usize,
        strangers: &mut Option<Strangers>,
        now: Instant,
    ) -> Result<(), AcceptError> {
        for _ in 0..ACCEPTS {
            let ControlListener { listener, wanted, host, .. } = &mut self.acceptor.listeners[slot];
            if !listener.is_ready() {
                break;
            }
            let Some((stream, client)) = listener.accept()? else { break };
            // Only a listener on every address has to ask where the client came in.
            let local = Some(listener.address().ip()).filter(|ip| !ip.is_unspecified());
            let (mode, host, arrival) = (wanted.mode, Rc::clone(host), Arrival { client, local });
            let control = Link::adopt(stream);
            match self.has_place(client.ip(), &host, strangers, now) {
                true => self.admit(control, arrival, mode, host, strangers, now),
                false => self.turn_away(control, client, mode, now),
            }
        }
        Ok(())
    }

    /// True if there is a place for this client, which one who has not logged in may have to leave.
    fn has_place(
        &mut self,
        client: IpAddr,
        host: &Host,
        strangers: &mut Option<Strangers>,
        now: Instant,
    ) -> bool {
        if self.acceptor.has_most(client, host) {
            return false;
        }
        if self.peers.len() < host.config.max_sessions.min(self.acceptor.places) {
            return true;
        }
        let strangers = strangers.get_or_insert_with(|| {
            let sessions = self.peers.iter().filter(|(_, peer)| !peer.is_logged_in());
            Strangers::among(
                sessions
                    .map(|(slot, peer)| (Neighbourhood::of(peer.client()), peer.number(), slot)),
            )
        });
        let Some(slot) = strangers.make_room(Neighbourhood::of(client)) else { return false };
        if let Some(peer) = self.peers.get_mut(slot) {
            if let Some(left_out) = self.acceptor.turned_away.line(now) {
                let (number, client) = (peer.number(), peer.client());
                log::warn!("#{number} {client} leaves its place, too many sessions{left_out}");
            }
            peer.dismiss(Reply::TooManySessions);
        }
        let cause = Disconnect::Failed("left its place to another client, before a login");
        self.remove(slot, cause, now);
        true
    }

    /// Sends a 421 in one try: whoever floods us is not waited for, and gets no TLS handshake.
    fn turn_away(&mut self, mut control: Link, client: SocketAddr, mode: TlsMode, now: Instant) {
        if let Some(left_out) = self.acceptor.turned_away.line(now) {
            log::warn!("{client} turned away, too many sessions{left_out}");
        }
        if mode == TlsMode::Explicit {
            let mut reply = Vec::new();
            Reply::TooManySessions.write_to(&mut reply);
            let _ = control.write(&reply);
        }
    }

    /// Begins a session.
    fn admit(
        &mut self,
        mut control: Link,
        Arrival { client, local }: Arrival,
        mode: TlsMode,
        host: Rc<Host>,
        strangers: &mut Option<Strangers>,
        now: Instant,
    ) {
        let slot = self.peers.vacant_key();
        let registered = control.register(&mut self.shared.poller, slot, Role::Control);
        let prepared = registered.and_then(|key| match local {
            Some(local) => Ok((key, local)),
            None => Ok((key, control.local_address()?.ip())),
        });
        let (key, local) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => return log::debug!("{client} left before it was greeted: {error}"),
        };
        let number = self.acceptor.count(client.ip());
        log::debug!("#{number} {client} connected");
        let (settings, implicit) = (Rc::clone(&host.settings), mode == TlsMode::Implicit);
        let session = Session::new(settings, number, (local, client.ip()), implicit, now);
        let slot = self.peers.insert(Peer::new(key, session, control, host));
        self.scheduler.make_ready(slot);
        if let Some(strangers) = strangers {
            strangers.add(Neighbourhood::of(client.ip()), number, slot);
        }
    }
}
