//! The loop: wait, mark, expire, run.
//!
//! 1. *Wait* in the poll; not at all while a peer wants a turn or a connection is to be accepted.
//! 2. *Mark*: an event only sets the bits of its link and notes that its peer is ready. Nothing is
//!    closed while events are looked at, so none can be about a socket that was closed meanwhile.
//! 3. *Expire* deadlines, collect password verdicts and finished work, accept a bounded number of
//!    connections.
//! 4. *Run* a round: every ready peer has a turn, then peers that move bytes, as long as the round's
//!    budget lasts. Only the loop removes peers.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::{Duration, Instant};

use slab::Slab;

use super::Server;
use super::accept::{Acceptor, ControlListener};
use super::clock::wall_clock;
use super::events::Events;
use super::handle::Counts;
use super::host::Host;
use super::lifecycle::Lifecycle;
use super::peer::{Fate, Peer, Turn};
use super::reload::Reloader;
use super::scheduler::Scheduler;
use super::service_manager::News;
use super::shared::Shared;
use super::timers::Timers;
use crate::fs::RootPath;
use crate::net::{Event, Role, Waited};
use crate::session::Disconnect;

pub(super) struct EventLoop {
    pub(super) shared: Shared,
    pub(super) acceptor: Acceptor,
    pub(super) lifecycle: Lifecycle,
    /// Host of connections to come.
    pub(super) host: Rc<Host>,
    pub(super) peers: Slab<Peer>,
    pub(super) scheduler: Scheduler,
    pub(super) reloader: Reloader,
    timers: Timers,
}

impl EventLoop {
    pub(super) fn new(server: Server) -> EventLoop {
        let Server { config, root, users, poller, listeners, addresses, places, .. } = server;
        let (tls, signals, handle) = (server.tls, server.signals, server.handle);
        let round_bytes = config.round_bytes.max(1);
        #[cfg(feature = "testing")]
        let events = Events::observed(server.observer);
        #[cfg(not(feature = "testing"))]
        let events = Events::default();
        let mut shared = Shared::new(&config, addresses, poller, users, handle.waker(), events);
        // The device is known from now on; the root is held by nobody.
        // One that the sandbox keeps shut is refused, and told of, at each login.
        let _ = shared.roots.adopt(&RootPath::Server(config.root.clone()), root);
        let host = Rc::new(Host::new(config, tls.map(|loaded| loaded.tls)));
        let listeners = listeners.into_iter().map(|(slot, (listener, wanted))| {
            (slot, ControlListener::new(listener, wanted, Rc::clone(&host)))
        });
        EventLoop {
            shared,
            acceptor: Acceptor::new(listeners.collect(), places),
            reloader: Reloader::new(server.source, server.stand_in, handle.waker()),
            lifecycle: Lifecycle::new(handle, signals, server.service_manager),
            host,
            peers: Slab::new(),
            scheduler: Scheduler::new(round_bytes),
            timers: Timers::default(),
        }
    }

    pub(super) fn run(mut self) -> io::Result<()> {
        let mut now = Instant::now();
        self.lifecycle.tell(News::Ready, now);
        while !self.lifecycle.is_done(self.is_idle()) {
            now = self.come_around(now)?;
        }
        self.remove_all(now);
        self.shared.finish_files();
        self.publish();
        Ok(())
    }

    /// Comes around once; the moment at which it did.
    fn come_around(&mut self, before: Instant) -> io::Result<Instant> {
        self.wait(before)?;
        let now = Instant::now();
        self.shared.begin_round(wall_clock());
        self.handle_lifecycle(now);
        self.finish_reload(now);
        self.expire(now);
        self.collect_verdicts(now);
        self.collect_files(now);
        self.accept(now);
        self.run_round(now);
        self.publish();
        self.keep_service_manager_posted(now);
        Ok(now)
    }

    // Wait and mark.

    fn wait(&mut self, now: Instant) -> io::Result<()> {
        let timeout = if self.has_work() {
            Some(Duration::ZERO)
        } else {
            self.deadline().map(|at| at.saturating_duration_since(now))
        };
        let EventLoop { shared, acceptor, lifecycle, peers, scheduler, .. } = self;
        let Shared { poller, passive, .. } = shared;
        let waited = poller.wait(timeout, |event: Event| match event.key.role() {
            role @ (Role::Control | Role::Data) => {
                let slot = event.key.slot();
                if let Some(peer) = peers.get_mut(slot)
                    && peer.mark(event)
                {
                    // Bytes that move have time; whatever else comes is waited for.
                    match role == Role::Data && peer.is_moving() {
                        true => scheduler.make_bulk(slot),
                        false => scheduler.make_ready(slot),
                    }
                }
            }
            Role::Listener => acceptor.mark(event.key.slot()),
            Role::Passive => passive.mark(event.key),
            // The waker only wakes: its cause is looked for in any case.
            Role::Waker => {}
            Role::Signals => lifecycle.mark(),
        })?;
        match waited {
            Waited::Through => {}
            Waited::Interrupted => lifecycle.mark(),
        }
        Ok(())
    }

    /// True if something is to be done for which no event will come.
    fn has_work(&self) -> bool {
        self.scheduler.has_work()
            || self.shared.logins.has_settled()
            || self.acceptor.has_work(self.shared.passive.is_ready())
    }

    /// True if nobody is there any more, and no work is left.
    fn is_idle(&self) -> bool {
        self.peers.is_empty() && self.shared.workers.pending() == 0
    }

    fn deadline(&self) -> Option<Instant> {
        let (passive, lifecycle) = (self.shared.passive.deadline(), self.lifecycle.deadline());
        let (acceptor, logins) = (self.acceptor.deadline(), self.shared.logins.deadline());
        let others = [passive, acceptor, lifecycle, logins];
        self.timers.next().into_iter().chain(others.into_iter().flatten()).min()
    }

    // Expire and collect.

    fn expire(&mut self, now: Instant) {
        while let Some(slot) = self.timers.pop_due(now) {
            self.visit(slot, now, |peer, turn| {
                peer.armed = None;
                peer.tick(turn);
            });
        }
        self.shared.passive.expire(now);
        self.acceptor.expire(now);
    }

    fn collect_verdicts(&mut self, now: Instant) {
        self.shared.logins.go_on(now);
        while let Some((key, judged)) = self.shared.logins.verdict(now) {
            // The session may have ended while its password was checked.
            if self.peers.get(key.slot()).is_some_and(|peer| peer.key() == key) {
                self.visit(key.slot(), now, |peer, turn| peer.judge(judged, turn));
            }
        }
    }

    fn collect_files(&mut self, now: Instant) {
        while let Some(done) = self.shared.workers.done() {
            let slot = done.ticket.owner.slot();
            match self.peers.get(slot).is_some_and(|peer| peer.key() == done.ticket.owner) {
                true => {
                    self.visit(slot, now, |peer, turn| peer.take_back(done.outcome, turn));
                }
                false => self.shared.drop_on_worker(done),
            }
        }
    }

    // Run.

    fn run_round(&mut self, now: Instant) {
        self.scheduler.begin_round();
        while let Some((slot, budget)) = self.scheduler.next_ready() {
            self.turn(slot, budget, now);
        }
        let begun = Instant::now();
        self.scheduler.begin_bulk();
        while let Some((slot, budget)) = self.scheduler.next_bulk() {
            let used = self.turn(slot, budget, now);
            self.scheduler.charge(used);
        }
        self.scheduler.end_bulk(begun.elapsed());
    }

    /// Gives one peer a turn with a budget in bytes: how much of it was used.
    fn turn(&mut self, slot: usize, budget: usize, now: Instant) -> usize {
        let had =
            self.guard(slot, budget, now, |peer, turn| (peer.turn(turn), budget - turn.budget));
        let Some((fate, used)) = had else { return 0 };
        match fate {
            Fate::Gone(cause) => {
                self.remove(slot, cause, now);
                return used;
            }
            Fate::Again => self.scheduler.make_bulk(slot),
            Fate::Deferred(handshake) => self.scheduler.defer_handshake(slot, handshake),
            Fate::Rest => {}
        }
        if let Some(peer) = self.peers.get_mut(slot) {
            let wanted = peer.deadline();
            self.timers.arm(slot, &mut peer.armed, wanted);
        }
        used
    }

    /// Tells a peer of something that happened to it: it has a turn in the next round.
    pub(super) fn visit(
        &mut self,
        slot: usize,
        now: Instant,
        tell: impl FnOnce(&mut Peer, &mut Turn<'_>),
    ) {
        if self.guard(slot, 0, now, tell).is_some() {
            self.scheduler.make_ready(slot);
        }
    }

    /// Has a peer act. A panic is a bug of ours, and ends this peer alone.
    fn guard<T>(
        &mut self,
        slot: usize,
        budget: usize,
        now: Instant,
        act: impl FnOnce(&mut Peer, &mut Turn<'_>) -> T,
    ) -> Option<T> {
        let peer = self.peers.get_mut(slot)?;
        let mut turn = Turn::with_budget(&mut self.shared, now, budget);
        let acted = catch_unwind(AssertUnwindSafe(|| act(peer, &mut turn)));
        if acted.is_err() {
            self.remove(slot, Disconnect::Failed("it met a bug of this server"), now);
        }
        acted.ok()
    }

    pub(super) fn remove(&mut self, slot: usize, cause: Disconnect, now: Instant) {
        let mut peer = self.peers.remove(slot);
        self.timers.disarm(slot, &mut peer.armed);
        self.scheduler.remove(slot);
        self.acceptor.forget(peer.client());
        let mut turn = Turn::new(&mut self.shared, now);
        // After a panic of its own a peer may panic once more.
        let _ = catch_unwind(AssertUnwindSafe(|| peer.end(cause, &mut turn)));
    }

    fn remove_all(&mut self, now: Instant) {
        let slots: Vec<usize> = self.peers.iter().map(|(slot, _)| slot).collect();
        for slot in slots {
            self.remove(slot, Disconnect::Shutdown, now);
        }
    }

    fn publish(&self) {
        self.lifecycle.handle.publish(Counts {
            sessions: self.peers.len(),
            leases: self.shared.passive.leases(),
            timers: self.timers.len(),
            away: self.shared.workers.pending(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpStream;

    #[test]
    fn a_panic_ends_one_session_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::new(folder.path());
        config.listen = vec!["127.0.0.1:0".parse().unwrap()];
        let server = Server::bind(config).unwrap();
        let address = server.addresses()[0];
        let mut event_loop = EventLoop::new(server);
        let mut now = Instant::now();
        let mut clients = [(); 2].map(|()| TcpStream::connect(address).unwrap());
        while event_loop.peers.len() < 2 {
            now = event_loop.come_around(now).unwrap();
        }
        let gone = event_loop.guard(0, 0, now, |_, _| panic!("as a test has it"));
        assert_eq!((gone, event_loop.peers.len()), (None::<()>, 1));
        clients[1].write_all(b"SYST\r\n").unwrap();
        clients[1].set_nonblocking(true).unwrap();
        let mut reader = BufReader::new(&clients[1]);
        let (mut lines, mut line) = (Vec::new(), String::new());
        while lines.len() < 2 {
            // A line may come in two pieces.
            match reader.read_line(&mut line) {
                Ok(_) => lines.push(std::mem::take(&mut line)),
                Err(_) => now = event_loop.come_around(now).unwrap(),
            }
        }
        assert!(lines[0].starts_with("220 ") && lines[1].starts_with("215 "), "{lines:?}");
    }
}
