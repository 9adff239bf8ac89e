//! The loop: wait, mark, expire, run.
//!
//! 1. *Wait* in the poll; not at all while a peer wants a turn or somebody waits to be accepted.
//! 2. *Mark*: an event only sets the bits of its link and notes that its peer is due. Nothing is
//!    closed while events are looked at, so none can be about a socket that was closed meanwhile.
//! 3. *Expire* deadlines, collect password verdicts, accept a bounded number of connections.
//! 4. *Run* a round: every peer that is due gets a turn, then those in the queue, which move bytes,
//!    as long as the round's budget lasts. Only the loop removes peers.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use slab::Slab;

use super::events;
use super::handle::{Counts, Handle};
use super::peer::{Fate, Peer};
use super::scheduler::Scheduler;
use super::shared::Shared;
use super::timers::Timers;
use super::{RELOAD_SIGNAL, STOP_SIGNALS, Server, certificates};
use crate::config::TlsConfig;
use crate::net::{Arrival, Event, Link, Listener, Role, Signals};
use crate::proto::reply::Reply;
use crate::session::{Disconnect, Session, Settings};

/// Connections that one listener lets in before others get their turn.
const ACCEPTS: usize = 64;
/// No timeout is longer, so that every deadline is a time that the clock can tell.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
/// How long nobody is accepted when descriptors have run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

pub(super) struct EventLoop {
    shared: Shared,
    settings: Rc<Settings>,
    listeners: Vec<Listener>,
    /// From this one on, those who come in begin with a TLS handshake.
    first_implicit: usize,
    tls: Option<TlsConfig>,
    signals: Option<Signals>,
    handle: Handle,
    peers: Slab<Peer>,
    scheduler: Scheduler,
    timers: Timers,
    /// How many sessions each address has.
    addresses: HashMap<IpAddr, usize>,
    max_sessions: usize,
    max_sessions_per_address: usize,
    /// The number of the latest session.
    sessions: u64,
    /// Until then nobody is accepted.
    accept_paused: Option<Instant>,
    shutdown_grace: Duration,
    /// How often it was said, by signals or the handle, that the server shall end.
    stops: usize,
    signalled: usize,
    /// Signals have come that were not yet looked at.
    rung: bool,
    /// Set while the server goes down: when transfers are broken off.
    drained_by: Option<Instant>,
}

impl EventLoop {
    pub(super) fn new(server: Server) -> EventLoop {
        let Server { config, root, users, poller, listeners, addresses: _, tls, signals, handle } =
            server;
        let shared =
            Shared::new(&config, poller, users, handle.waker(), root, tls.map(|tls| tls.tls));
        let first_implicit = config.listen.len();
        let settings = Settings {
            banner: config.banner,
            idle_timeout: config.idle_timeout.min(LONGEST_TIMEOUT),
            data_timeout: config.data_timeout.min(LONGEST_TIMEOUT),
            passive_address: config.passive_address,
            host_name: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            strict_allo: config.strict_allo,
            tls: config.tls.as_ref().map(|tls| tls.require),
            traces: log::log_enabled!(log::Level::Debug),
        };
        EventLoop {
            shared,
            settings: Rc::new(settings),
            listeners,
            first_implicit,
            tls: config.tls,
            signals,
            handle,
            peers: Slab::new(),
            scheduler: Scheduler::new(config.round_bytes.max(1)),
            timers: Timers::default(),
            addresses: HashMap::new(),
            max_sessions: config.max_sessions,
            max_sessions_per_address: config.max_sessions_per_address,
            sessions: 0,
            accept_paused: None,
            shutdown_grace: config.shutdown_grace.min(LONGEST_TIMEOUT),
            stops: 0,
            signalled: 0,
            rung: false,
            drained_by: None,
        }
    }

    pub(super) fn run(mut self) -> io::Result<()> {
        let mut now = Instant::now();
        while !self.is_done() {
            self.wait(now)?;
            now = Instant::now();
            self.shared.begin_turn(wall_clock());
            self.handle_signals();
            self.handle_stops(now);
            self.expire(now);
            self.collect_verdicts(now);
            self.collect_files(now);
            self.accept(now);
            self.run_round(now);
            self.publish();
        }
        self.remove_all(now);
        self.shared.finish_files();
        self.publish();
        Ok(())
    }

    // Wait and mark.

    fn wait(&mut self, now: Instant) -> io::Result<()> {
        let timeout = if self.has_work() {
            Some(Duration::ZERO)
        } else {
            self.deadline().map(|at| at.saturating_duration_since(now))
        };
        let EventLoop { shared, listeners, peers, scheduler, rung, .. } = self;
        let Shared { poller, passive, .. } = shared;
        poller.wait(timeout, |event: Event| match event.key.role() {
            role @ (Role::Control | Role::Data) => {
                let slot = event.key.slot();
                if let Some(peer) = peers.get_mut(slot)
                    && peer.mark(event)
                {
                    // Bytes that move have time; whatever else comes is waited for.
                    match role == Role::Data && peer.running {
                        true => scheduler.queue(slot),
                        false => scheduler.call(slot),
                    }
                }
            }
            Role::Listener => {
                if let Some(listener) = listeners.get_mut(event.key.slot()) {
                    listener.mark();
                }
            }
            Role::Passive => passive.mark(event.key),
            // The waker only wakes: what it wakes for is looked for in any case.
            Role::Waker => {}
            Role::Signals => *rung = true,
        })
    }

    /// Whether something is to be done for which no event will come.
    fn has_work(&self) -> bool {
        let waiting =
            self.listeners.iter().any(Listener::is_ready) || self.shared.passive.is_ready();
        self.scheduler.are_wanted() || (waiting && self.accept_paused.is_none())
    }

    fn deadline(&self) -> Option<Instant> {
        let others = [self.shared.passive.deadline(), self.accept_paused, self.drained_by];
        self.timers.next().into_iter().chain(others.into_iter().flatten()).min()
    }

    // Expire, collect, accept.

    fn handle_signals(&mut self) {
        if !std::mem::take(&mut self.rung) {
            return;
        }
        let caught: Vec<i32> = self.signals.iter_mut().flat_map(Signals::take).collect();
        self.signalled += caught.iter().filter(|signal| STOP_SIGNALS.contains(signal)).count();
        if caught.contains(&RELOAD_SIGNAL) {
            self.reload();
        }
    }

    /// Reads certificates anew, for connections to come; one that is bad changes nothing.
    fn reload(&mut self) {
        let Some(config) = &self.tls else { return };
        match certificates::load(config, &[]) {
            Ok(loaded) => {
                self.shared.tls = Some(loaded.tls);
                log::info!("TLS certificate reloaded, SHA-256 fingerprint {}", loaded.fingerprint);
            }
            Err(error) => log::error!("the TLS certificate stays as it was: {error}"),
        }
    }

    /// The first stop lets transfers finish, the second ends everything.
    fn handle_stops(&mut self, now: Instant) {
        let stops = self.handle.stops() + self.signalled;
        if stops > self.stops && self.drained_by.is_none() {
            log::info!("shutting down, {} sessions", self.peers.len());
            self.drained_by = Some(now + self.shutdown_grace);
            self.listeners.clear();
            for (slot, peer) in &mut self.peers {
                peer.shut_down(&mut self.shared, now);
                self.scheduler.call(slot);
            }
        }
        self.stops = stops;
    }

    fn is_done(&self) -> bool {
        let late = self.drained_by.is_some_and(|until| until <= Instant::now());
        let idle = self.peers.is_empty() && self.shared.files.away() == 0;
        self.drained_by.is_some() && (idle || late || self.stops > 1)
    }

    fn expire(&mut self, now: Instant) {
        while let Some(slot) = self.timers.pop_due(now) {
            let Some(peer) = self.peers.get_mut(slot) else { continue };
            peer.armed = None;
            peer.tick(&mut self.shared, now);
            self.scheduler.call(slot);
        }
        self.shared.passive.expire(now);
        self.accept_paused = self.accept_paused.filter(|until| *until > now);
    }

    fn collect_verdicts(&mut self, now: Instant) {
        while let Some((key, right)) = self.shared.logins.verdict() {
            // The session may have ended while its password was checked.
            let Some(peer) = self.peers.get_mut(key.slot()) else { continue };
            if peer.key == key {
                peer.judged(&mut self.shared, right, now);
                self.scheduler.call(key.slot());
            }
        }
    }

    fn collect_files(&mut self, now: Instant) {
        while let Some((key, back)) = self.shared.files.done() {
            match self.peers.get_mut(key.slot()).filter(|peer| peer.key == key) {
                Some(peer) => {
                    peer.came_back(back, &mut self.shared, now);
                    self.scheduler.call(key.slot());
                }
                None => self.shared.drop_on_worker(key, back),
            }
        }
    }

    fn accept(&mut self, now: Instant) {
        if self.accept_paused.is_some() {
            return;
        }
        let accepted = self.accept_passive(now).and_then(|()| self.accept_control(now));
        if let Err(error) = accepted {
            log::warn!("cannot accept connections for a moment: {error}");
            self.accept_paused = Some(now + ACCEPT_PAUSE);
        }
    }

    fn accept_passive(&mut self, now: Instant) -> io::Result<()> {
        let mut arrived = Vec::new();
        let result = self.shared.passive.accept(now, |arrival| match arrival {
            Arrival::Awaited(owner, stream) => arrived.push((owner, Link::adopt(stream))),
            Arrival::Stranger(stranger) => events::record_stranger(&stranger),
        });
        for (owner, link) in arrived {
            let Some(peer) = self.peers.get_mut(owner.slot()) else { continue };
            debug_assert!(peer.key == owner, "a lease outlived its session");
            self.shared.lease_used(peer.session.client());
            peer.arrived(link, &mut self.shared, now);
            self.scheduler.call(owner.slot());
        }
        result
    }

    fn accept_control(&mut self, now: Instant) -> io::Result<()> {
        for index in 0..self.listeners.len() {
            for _ in 0..ACCEPTS {
                let listener = &mut self.listeners[index];
                if !listener.is_ready() {
                    break;
                }
                let Some((stream, client)) = listener.accept()? else { break };
                // Only who listens everywhere has to ask where somebody came in.
                let local = Some(listener.address().ip()).filter(|ip| !ip.is_unspecified());
                let implicit = index >= self.first_implicit;
                self.admit(Link::adopt(stream), local, client, implicit, now);
            }
        }
        Ok(())
    }

    /// A new session, or a 421.
    fn admit(
        &mut self,
        mut control: Link,
        local: Option<IpAddr>,
        client: SocketAddr,
        implicit_tls: bool,
        now: Instant,
    ) {
        let client_ip = client.ip();
        let of_address = self.addresses.get(&client_ip).copied().unwrap_or(0);
        if self.peers.len() >= self.max_sessions || of_address >= self.max_sessions_per_address {
            log::warn!("{client} turned away, too many sessions");
            let mut reply = Vec::new();
            Reply::TooManySessions.write_to(&mut reply);
            // One try: whoever floods us is not waited for, nor shaken responsive with.
            if !implicit_tls {
                let _ = control.write(&reply);
            }
            return;
        }
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
        self.sessions += 1;
        let id = self.sessions;
        log::debug!("#{id} {client} connected");
        let session =
            Session::new(Rc::clone(&self.settings), id, (local, client_ip), implicit_tls, now);
        let peer = Peer::new(key, session, control, self.shared.own_disk());
        *self.addresses.entry(client_ip).or_default() += 1;
        let slot = self.peers.insert(peer);
        self.scheduler.call(slot);
    }

    // Run.

    fn run_round(&mut self, now: Instant) {
        self.scheduler.begin_round();
        while let Some((slot, budget)) = self.scheduler.next_due() {
            self.turn(slot, budget, now);
        }
        let begun = Instant::now();
        self.scheduler.begin_moving();
        while let Some((slot, budget)) = self.scheduler.next_mover() {
            let used = self.turn(slot, budget, now);
            self.scheduler.moved(used);
        }
        self.scheduler.end_moving(begun.elapsed());
    }

    /// One peer's turn with a budget in bytes: how much of it was used.
    fn turn(&mut self, slot: usize, budget: usize, now: Instant) -> usize {
        let Some(peer) = self.peers.get_mut(slot) else { return 0 };
        let mut left = budget;
        match peer.turn(&mut self.shared, &mut left, now) {
            Fate::Gone(cause) => {
                self.remove(slot, cause, now);
                return budget - left;
            }
            Fate::Again => self.scheduler.queue(slot),
            Fate::InLine(line) => self.scheduler.line_up(slot, line),
            Fate::Rest => {}
        }
        let wanted = peer.deadline();
        self.timers.arm(slot, &mut peer.armed, wanted);
        budget - left
    }

    fn remove(&mut self, slot: usize, cause: Disconnect, now: Instant) {
        let mut peer = self.peers.remove(slot);
        self.timers.disarm(slot, &mut peer.armed);
        self.scheduler.forget(slot);
        peer.drop_transfer(&mut self.shared, now);
        let client = peer.session.client();
        if let Some(count) = self.addresses.get_mut(&client) {
            *count -= 1;
            if *count == 0 {
                self.addresses.remove(&client);
            }
        }
        peer.session.disconnected(cause, now);
        events::record_all(&mut peer.session);
    }

    fn remove_all(&mut self, now: Instant) {
        let slots: Vec<usize> = self.peers.iter().map(|(slot, _)| slot).collect();
        for slot in slots {
            self.remove(slot, Disconnect::Shutdown, now);
        }
    }

    fn publish(&self) {
        self.handle.publish(Counts {
            sessions: self.peers.len(),
            leases: self.shared.passive.leases(),
            timers: self.timers.len(),
            away: self.shared.files.away(),
        });
    }
}

/// Seconds since 1970; a clock before that is taken for 1970.
pub(super) fn wall_clock() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
