//! Disk: a root as the sessions beneath it share it, and how fast its file system answers.

use std::cell::Cell;
use std::time::{Duration, Instant};

use crate::fs::Root;

/// Duration of a call that kept everybody waiting: the next may as well.
const SLOW: Duration = Duration::from_millis(20);
/// Time for which calls are then left to workers; after that, one call tries again on the loop.
const REMEMBERED: Duration = Duration::from_secs(60);

/// Root, and the latency of its file system.
#[derive(Debug)]
pub(super) struct Disk {
    pub(super) root: Root,
    /// Latency of calls that look up, make and remove names.
    pub(super) names: Latency,
    /// Latency of calls that write. A file that is read is asked beforehand: see
    /// [`crate::fs::Download::at_hand`].
    pub(super) writes: Latency,
}

impl Disk {
    pub(super) fn new(root: Root) -> Disk {
        let latency = |root: &Root| Latency { remote: root.is_remote(), until: Cell::new(None) };
        Disk { names: latency(&root), writes: latency(&root), root }
    }

    /// Whether an upload may block when it begins and when it ends: both write, and make names.
    pub(super) fn storing_may_block(&self, responsive: bool, now: Instant) -> bool {
        self.names.may_block(responsive, now) || self.writes.may_block(responsive, now)
    }
}

/// Latency of one kind of calls: whether they may be made on the loop.
#[derive(Debug)]
pub(super) struct Latency {
    /// File system that another machine or program serves.
    remote: bool,
    /// Moment until which calls are taken to be slow.
    until: Cell<Option<Instant>>,
}

impl Latency {
    /// Whether a call may block. Slowness that was only learned counts as long as the workers are
    /// `responsive`: behind a disk that hangs, one that stutters would hang with it.
    pub(super) fn may_block(&self, responsive: bool, now: Instant) -> bool {
        self.remote || (responsive && self.until.get().is_some_and(|until| now < until))
    }

    /// Makes calls on the loop, and takes note of how long that took.
    pub(super) fn time<T>(&self, work: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let result = work();
        self.note(begun, Instant::now());
        result
    }

    /// Makes calls on the loop, and takes note where there is a latency to note it in.
    pub(super) fn time_if<T>(latency: Option<&Latency>, work: impl FnOnce() -> T) -> T {
        match latency {
            Some(latency) => latency.time(work),
            None => work(),
        }
    }

    fn note(&self, begun: Instant, done: Instant) {
        let took = done.saturating_duration_since(begun);
        if took >= SLOW {
            log::info!("a disk is slow: one call took {} ms", took.as_millis());
            self.until.set(Some(done + REMEMBERED));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slowness_is_noted_and_forgotten() {
        let latency = Latency { remote: false, until: Cell::new(None) };
        let now = Instant::now();
        latency.note(now, now + SLOW / 2);
        assert!(!latency.may_block(true, now + SLOW));
        latency.note(now, now + SLOW);
        assert!(latency.may_block(true, now + REMEMBERED));
        assert!(!latency.may_block(false, now + REMEMBERED));
        assert!(!latency.may_block(true, now + SLOW + REMEMBERED));
        assert!(Latency { remote: true, ..latency }.may_block(false, now));
    }

    /// The loop waited for a disk that was known to write slowly, when an upload was finished.
    #[test]
    fn what_writes_slowly_stores_slowly() {
        let now = Instant::now();
        for slow in
            [|disk: &Disk| &disk.names, |disk: &Disk| &disk.writes] as [fn(&Disk) -> &Latency; 2]
        {
            let folder = tempfile::tempdir().unwrap();
            let disk = Disk::new(Root::open(folder.path()).unwrap());
            assert!(!disk.storing_may_block(true, now));
            slow(&disk).note(now, now + SLOW);
            assert!(disk.storing_may_block(true, now));
        }
    }
}
