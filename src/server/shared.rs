//! Shared by all peers: the poll, passive ports, logins, workers, the roots of users, and the loop's
//! one buffer and pipe.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::descriptors;
use super::events::{self, Events};
use super::file_work::Finished;
use super::logins::Logins;
use super::nat_hint::NatHint;
use super::roots::Roots;
use super::scheduler::{HANDSHAKES, Handshake};
use super::siblings::Siblings;
use super::worker_pool::{Done, WorkerPool};
use crate::config::{Config, Users};
use crate::fs::Pipe;
use crate::net::{Key, Lease, PassivePorts, Poller, Waker, can_connect_from};
use crate::transfer::TransferBuffers;

/// Size of the one buffer that everything is read into. Larger reads cost fewer calls; beyond this
/// they would only push everything else out of the processor's cache.
const BUFFER_BYTES: usize = 256 * 1024;
/// Share of all descriptors, the inverse of it, that passive listeners may have before they are
/// needed.
const STOCK_SHARE: u64 = 32;
/// Time that the end waits for slow disks, when all sessions are over.
const LAST_WORK: Duration = Duration::from_secs(1);
/// Threads that may wait for slow disks, all together.
const FILE_THREADS: usize = 64;

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) poller: Poller,
    pub(super) passive: PassivePorts,
    /// Addresses of the listeners for control connections.
    addresses: Vec<SocketAddr>,
    pub(super) logins: Logins,
    /// True if anonymous users may log in, by the configuration in force: sessions that began with
    /// another have yet to log in by this one.
    pub(super) admits_anonymous: bool,
    pub(super) events: Events,
    pub(super) buffers: TransferBuffers,
    /// Workers for what may wait for a slow disk.
    pub(super) workers: WorkerPool<Finished>,
    pub(super) roots: Roots,
    pub(super) siblings: Siblings,
    /// Seconds since 1970, read once a round.
    pub(super) wall_clock: i64,
    /// TLS handshakes that this round may still go on with, of control and of data connections.
    handshakes: [usize; 2],
    nat_hint: NatHint,
}

impl Shared {
    pub(super) fn new(
        config: &Config,
        addresses: Vec<SocketAddr>,
        poller: Poller,
        users: Users,
        waker: Arc<Waker>,
        events: Events,
    ) -> Shared {
        Shared {
            poller,
            passive: PassivePorts::new(config.passive_ports.clone(), most_stocked()),
            addresses,
            logins: Logins::new(users, Arc::clone(&waker)),
            admits_anonymous: config.anonymous_access().access().is_some(),
            events,
            buffers: TransferBuffers { buffer: vec![0; BUFFER_BYTES], pipe: Pipe::new().ok() },
            workers: WorkerPool::new("files", FILE_THREADS, waker),
            roots: Roots::new(config.reach.clone()),
            siblings: Siblings::default(),
            wall_clock: 0,
            handshakes: [0; 2],
            nat_hint: NatHint::default(),
        }
    }

    /// Begins a round.
    pub(super) fn begin_round(&mut self, wall_clock: i64) {
        self.wall_clock = wall_clock;
        self.handshakes = [HANDSHAKES; 2];
    }

    /// True if a TLS handshake may go on in this round. Each costs so much that a crowd of them
    /// would hold up everybody else.
    pub(super) fn may_shake_hands(&mut self, handshake: Handshake) -> bool {
        let left = &mut self.handshakes[handshake as usize];
        let some = *left > 0;
        *left = left.saturating_sub(1);
        some
    }

    /// Drops what a worker did for a session that has ended, where that stops nobody.
    pub(super) fn drop_on_worker(&mut self, done: Done<Finished>) {
        if let Some(finished) = done.outcome {
            self.workers.drop_on_worker(done.ticket, finished);
        }
    }

    /// Puts in place what uploads leave, if no disk hangs: everybody is gone.
    pub(super) fn finish_files(&mut self) {
        let until = Instant::now() + LAST_WORK;
        while self.workers.pending() > 0 {
            let left = until.saturating_duration_since(Instant::now());
            let Some(done) = self.workers.wait(left) else { return };
            self.drop_on_worker(done);
        }
    }

    /// Leases a passive port of this local address for a client of the session that `owner` names.
    pub(super) fn lease(
        &mut self,
        local: SocketAddr,
        client: IpAddr,
        owner: Key,
        now: Instant,
    ) -> Option<Lease> {
        match self.passive.lease(&mut self.poller, local, client, owner, now) {
            Ok(lease) => Some(lease),
            Err(error) => {
                events::record_no_passive_port(client, &error);
                None
            }
        }
    }

    /// True if a client that gave this address as its own would be connected to a listener of ours:
    /// one of this machine could have its file sent to another session, as commands or as a file.
    pub(super) fn listens_on(&self, address: SocketAddr) -> bool {
        let is_control = self.addresses.iter().any(|own| {
            let anywhere = own.ip().is_unspecified() && own.is_ipv4() == address.is_ipv4();
            own.port() == address.port() && (own.ip() == address.ip() || anywhere)
        });
        // Another machine may well use a port that is one of ours here.
        let is_own = || {
            let mut from = address;
            from.set_port(0);
            can_connect_from(from).is_ok()
        };
        self.passive.listens_on(address) || (is_control && is_own())
    }

    /// Notes the addresses of the listeners for control connections.
    pub(super) fn use_addresses(&mut self, addresses: Vec<SocketAddr>) {
        self.addresses = addresses;
    }

    /// Takes back a lease whose connection did not come.
    pub(super) fn lease_unused(&mut self, lease: Lease, session: u64, now: Instant) {
        let waited = now.saturating_duration_since(lease.since());
        let hint = self.nat_hint.never_arrived(lease.client(), waited);
        events::record_unused_lease(session, &lease, waited, hint);
        self.passive.release(lease, now);
    }

    /// Notes that a passive connection of this client has come.
    pub(super) fn lease_used(&mut self, client: IpAddr) {
        self.nat_hint.arrived(client);
    }
}

/// Number of passive listeners that may be open before they are needed.
fn most_stocked() -> usize {
    usize::try_from(descriptors::limit() / STOCK_SHARE).unwrap_or(usize::MAX)
}
