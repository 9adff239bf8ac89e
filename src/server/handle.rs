//! A handle of a running server: another thread ends it by that, and sees what it holds.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::net::Waker;

/// A handle ends a running server from another thread; any clone will do.
#[derive(Clone, Debug)]
pub struct Handle {
    shared: Arc<Shared>,
    waker: Arc<Waker>,
}

/// Grace that sessions get when the server ends.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grace {
    /// Running transfers may go on, for [`Config::shutdown_grace`](crate::Config::shutdown_grace)
    /// at most.
    Transfers,
    /// None: running transfers are broken off.
    None,
}

#[derive(Debug, Default)]
struct Shared {
    /// 0 while the server shall run, 1 after [`Grace::Transfers`], 2 after [`Grace::None`].
    stops: AtomicUsize,
    sessions: AtomicUsize,
    leases: AtomicUsize,
    timers: AtomicUsize,
    away: AtomicUsize,
}

/// Counts of what a server holds at the moment; all zero when nobody is connected.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Control connections.
    pub sessions: usize,
    /// Passive connections that are awaited.
    pub leases: usize,
    /// Deadlines that are set.
    pub timers: usize,
    /// Pieces of file work that wait for slow disks.
    pub away: usize,
}

impl Handle {
    pub(super) fn new(waker: Waker) -> Handle {
        Handle { shared: Arc::default(), waker: Arc::new(waker) }
    }

    /// Ends the server: nobody is let in any more, idle sessions get a 421, and running transfers
    /// have this grace. Less grace than was given before cuts it short; more changes nothing. It
    /// does not wait for the end: [`Server::run`](crate::Server::run) returns then.
    pub fn shut_down(&self, grace: Grace) {
        let stops = match grace {
            Grace::Transfers => 1,
            Grace::None => 2,
        };
        self.shared.stops.fetch_max(stops, Ordering::Release);
        // The eventfd can only be full, and then the loop wakes anyway.
        let _ = self.waker.wake();
    }

    /// Counts of what the server held when its loop last came around.
    pub fn counts(&self) -> Counts {
        let count = |counter: &AtomicUsize| counter.load(Ordering::Acquire);
        Counts {
            sessions: count(&self.shared.sessions),
            leases: count(&self.shared.leases),
            timers: count(&self.shared.timers),
            away: count(&self.shared.away),
        }
    }

    /// Stops that were asked for: the first lets transfers end, the second ends at once.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Poller;

    #[test]
    fn less_grace_counts_and_more_changes_nothing() {
        let handle = Handle::new(Poller::new().unwrap().waker().unwrap());
        assert_eq!(handle.stops(), 0);
        for (grace, stops) in
            [(Grace::Transfers, 1), (Grace::Transfers, 1), (Grace::None, 2), (Grace::Transfers, 2)]
        {
            handle.clone().shut_down(grace);
            assert_eq!(handle.stops(), stops, "{grace:?}");
        }
    }
}
