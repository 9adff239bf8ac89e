//! What another thread may do to a running server: end it, and count what it holds.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::net::Waker;

/// Ends a running server from another thread; any clone will do.
#[derive(Clone, Debug)]
pub struct Handle {
    shared: Arc<Shared>,
    waker: Arc<Waker>,
}

#[derive(Debug, Default)]
struct Shared {
    stops: AtomicUsize,
    sessions: AtomicUsize,
    leases: AtomicUsize,
    timers: AtomicUsize,
    away: AtomicUsize,
}

/// What a server holds at the moment; all zero when nobody is connected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Control connections.
    pub sessions: usize,
    /// Passive connections that are awaited.
    pub leases: usize,
    /// Deadlines that are set.
    pub timers: usize,
    /// Pieces of work that wait for slow disks.
    pub away: usize,
}

impl Handle {
    pub(super) fn new(waker: Waker) -> Handle {
        Handle { shared: Arc::default(), waker: Arc::new(waker) }
    }

    /// Ends the server: nobody is let in any more, idle sessions get a 421, running transfers some
    /// time to finish ([`Config::shutdown_grace`](crate::Config::shutdown_grace)). Said a second
    /// time it ends at once.
    pub fn shut_down(&self) {
        self.shared.stops.fetch_add(1, Ordering::Release);
        // The eventfd can only be full, and then the loop wakes anyway.
        let _ = self.waker.wake();
    }

    /// What the server held when its loop last came around.
    pub fn counts(&self) -> Counts {
        let count = |counter: &AtomicUsize| counter.load(Ordering::Acquire);
        Counts {
            sessions: count(&self.shared.sessions),
            leases: count(&self.shared.leases),
            timers: count(&self.shared.timers),
            away: count(&self.shared.away),
        }
    }

    /// How often it was said that the server shall end.
    pub(super) fn stops(&self) -> usize {
        self.shared.stops.load(Ordering::Acquire)
    }

    pub(super) fn waker(&self) -> Arc<Waker> {
        Arc::clone(&self.waker)
    }

    pub(super) fn publish(&self, counts: Counts) {
        self.shared.sessions.store(counts.sessions, Ordering::Release);
        self.shared.leases.store(counts.leases, Ordering::Release);
        self.shared.timers.store(counts.timers, Ordering::Release);
        self.shared.away.store(counts.away, Ordering::Release);
    }
}
