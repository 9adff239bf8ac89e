//! What all peers share: the poll, passive ports, logins, roots, and the loop's one buffer and pipe.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::disk::Disk;
use super::file_work::Finished;
use super::logins::Logins;
use super::scheduler::{HANDSHAKES, Handshake};
use super::worker_pool::WorkerPool;
use crate::config::{Config, SessionReuse, Users};
use crate::fs::{Pipe, Root};
use crate::net::{Key, Lease, PassivePorts, Poller, Tls, Waker};
use crate::transfer::TransferBuffers;
use crate::users::PartialUploads;

/// The one buffer that everything is read into. Larger reads cost fewer calls; beyond this they
/// would only push everything else out of the processor's cache.
const BUFFER_BYTES: usize = 256 * 1024;
/// A passive connection that is coming comes sooner than this.
const NEVER_ARRIVED: Duration = Duration::from_secs(3);
/// So many in a row that never arrived are no accident.
const SILENT_LEASES: u32 = 3;
/// How long the end waits for slow disks, when all sessions are over.
const LAST_WORK: Duration = Duration::from_secs(1);
/// Threads that may wait for slow disks. One disk that hangs can have them all wait; more of them
/// would only have more wait.
const FILE_THREADS: usize = 4;

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) poller: Poller,
    pub(super) passive: PassivePorts,
    pub(super) logins: Logins,
    pub(super) partial_uploads: PartialUploads,
    /// The port that active data connections come from; 0 is any.
    pub(super) active_port: u16,
    pub(super) buffers: TransferBuffers,
    /// What new connections are secured by.
    pub(super) tls: Option<Tls>,
    /// Whether an upload under TLS ends by its close_notify only.
    pub(super) strict_close: bool,
    pub(super) session_reuse: SessionReuse,
    /// TLS handshakes of each [`Handshake`] that this turn of the loop may still go on with.
    handshakes: [usize; 2],
    /// Seconds since 1970, read once a turn of the loop.
    pub(super) wall_clock: i64,
    /// Does what may wait for a slow disk.
    pub(super) files: WorkerPool<Finished>,
    own_disk: Rc<Disk>,
    /// The roots that users have of their own, as long as one of them is logged in.
    disks: HashMap<PathBuf, Weak<Disk>>,
    silence: Silence,
}

impl Shared {
    pub(super) fn new(
        config: &Config,
        poller: Poller,
        users: Users,
        waker: Arc<Waker>,
        own_root: Root,
        tls: Option<Tls>,
    ) -> Shared {
        let tls_config = config.tls.as_ref();
        Shared {
            poller,
            passive: PassivePorts::new(config.passive_ports.clone()),
            logins: Logins::new(config.anonymous_access(), users, Arc::clone(&waker)),
            partial_uploads: config.partial_uploads,
            active_port: config.active_port.unwrap_or(0),
            buffers: TransferBuffers { buffer: vec![0; BUFFER_BYTES], pipe: Pipe::new().ok() },
            tls,
            strict_close: tls_config.is_some_and(|tls| !tls.lenient_close),
            session_reuse: tls_config.map_or(SessionReuse::Off, |tls| tls.session_reuse),
            handshakes: [0; 2],
            wall_clock: 0,
            files: WorkerPool::new("files", FILE_THREADS, waker),
            own_disk: Rc::new(Disk::new(own_root)),
            disks: HashMap::new(),
            silence: Silence::default(),
        }
    }

    /// A turn of the loop begins.
    pub(super) fn begin_turn(&mut self, wall_clock: i64) {
        self.wall_clock = wall_clock;
        self.handshakes = [HANDSHAKES; 2];
    }

    /// Whether a TLS handshake may go on in this turn of the loop. Each costs so much that a crowd
    /// of them would hold up everybody else.
    pub(super) fn may_shake_hands(&mut self, line: Handshake) -> bool {
        let left = &mut self.handshakes[line as usize];
        let some = *left > 0;
        *left = left.saturating_sub(1);
        some
    }

    /// The server's root.
    pub(super) fn own_disk(&self) -> Rc<Disk> {
        Rc::clone(&self.own_disk)
    }

    /// The root of a user: the server's, or the user's own if it is open.
    pub(super) fn disk(&self, path: Option<&Path>) -> Option<Rc<Disk>> {
        match path {
            Some(path) => self.disks.get(path)?.upgrade(),
            None => Some(self.own_disk()),
        }
    }

    /// A user's own root that was opened.
    pub(super) fn adopt(&mut self, path: PathBuf, root: Root) -> Rc<Disk> {
        self.disk(Some(&path)).unwrap_or_else(|| {
            let disk = Rc::new(Disk::new(root));
            self.disks.retain(|_, disk| disk.strong_count() > 0);
            self.disks.insert(path, Rc::downgrade(&disk));
            disk
        })
    }

    /// What came back for a session that has ended is dropped where that stops nobody.
    pub(super) fn drop_on_worker(&mut self, owner: Key, back: Option<Finished>) {
        if let Some(back) = back {
            self.files.drop_on_worker(owner, back);
        }
    }

    /// Everybody is gone: what uploads leave is put in place, if no disk hangs.
    pub(super) fn finish_files(&mut self) {
        let until = Instant::now() + LAST_WORK;
        while self.files.away() > 0 {
            let left = until.saturating_duration_since(Instant::now());
            let Some((owner, back)) = self.files.wait(left) else { return };
            self.drop_on_worker(owner, back);
        }
    }

    /// A passive port for a client of the session that `owner` names.
    pub(super) fn lease(
        &mut self,
        local: IpAddr,
        client: IpAddr,
        owner: Key,
        now: Instant,
    ) -> Option<Lease> {
        match self.passive.lease(&mut self.poller, local, client, owner, now) {
            Ok(lease) => Some(lease),
            Err(error) => {
                log::warn!(
                    "no passive port for {client}: {error}; more of them: --passive-ports LOW-HIGH"
                );
                None
            }
        }
    }

    /// A lease whose connection did not come.
    pub(super) fn lease_unused(&mut self, lease: Lease, session: u64, now: Instant) {
        let waited = now.saturating_duration_since(lease.since());
        if waited >= NEVER_ARRIVED {
            log::info!("#{session} nobody connected to the passive port {}", lease.address());
            self.silence.never_arrived(lease.client());
        }
        self.passive.release(lease, now);
    }

    /// A passive connection of this client has come.
    pub(super) fn lease_used(&mut self, client: IpAddr) {
        self.silence.arrived(client);
    }
}

/// Watches for the most common trouble of FTP behind NAT: announced passive connections that never
/// arrive.
#[derive(Debug, Default)]
struct Silence {
    /// In a row, of clients of this machine, of private networks, and of the world.
    never_arrived: [u32; 3],
    told: [bool; 3],
}

impl Silence {
    fn never_arrived(&mut self, client: IpAddr) {
        let kind = kind(client);
        self.never_arrived[kind] += 1;
        if self.never_arrived[kind] >= SILENT_LEASES && !self.told[kind] {
            self.told[kind] = true;
            let clients = ["this machine", "private networks", "the internet"][kind];
            log::warn!(
                "passive data connections of clients from {clients} never arrive: if this server \
                 is behind NAT or a firewall, let --passive-ports LOW-HIGH through to it and \
                 announce its public address with --passive-address"
            );
        }
    }

    fn arrived(&mut self, client: IpAddr) {
        self.never_arrived[kind(client)] = 0;
    }
}

fn kind(client: IpAddr) -> usize {
    let private = match client {
        IpAddr::V4(address) => address.is_private() || address.is_link_local(),
        IpAddr::V6(address) => address.is_unique_local() || address.is_unicast_link_local(),
    };
    if client.is_loopback() {
        0
    } else if private {
        1
    } else {
        2
    }
}
