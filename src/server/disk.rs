//! A root as the sessions beneath it share it, and what was learned of how fast it answers.

use std::cell::Cell;
use std::time::{Duration, Instant};

use crate::fs::Root;

/// A call that took so long kept everybody waiting, and the next may as well.
const SLOW: Duration = Duration::from_millis(20);
/// For so long it is then left to threads that may wait; after that, one call tries again.
const REMEMBERED: Duration = Duration::from_secs(60);

/// A root, and the latency of its file system.
#[derive(Debug)]
pub(super) struct Disk {
    pub(super) root: Root,
    /// Of what looks up, makes and removes names.
    pub(super) names: Latency,
    /// Of what writes. What reads is asked beforehand: see [`crate::fs::Download::at_hand`].
    pub(super) writes: Latency,
}

impl Disk {
    pub(super) fn new(root: Root) -> Disk {
        let latency =
            |root: &Root| Latency { always_slow: root.is_remote(), until: Cell::new(None) };
        Disk { names: latency(&root), writes: latency(&root), root }
    }

    /// Whether an upload may wait when it begins and when it ends: both write, and make names.
    pub(super) fn is_slow_to_store(&self, responsive: bool, now: Instant) -> bool {
        self.names.is_slow(responsive, now) || self.writes.is_slow(responsive, now)
    }
}

/// Whether one kind of work may be done on the loop.
#[derive(Debug)]
pub(super) struct Latency {
    always_slow: bool,
    /// Until then it is taken to be slow.
    until: Cell<Option<Instant>>,
}

impl Latency {
    /// What was only learned counts as long as there are `responsive`, threads that don't wait: behind
    /// a disk that hangs, one that stutters would hang with it.
    pub(super) fn is_slow(&self, responsive: bool, now: Instant) -> bool {
        self.always_slow || (responsive && self.until.get().is_some_and(|until| now < until))
    }

    /// Does work on the loop, and takes note of how long that took.
    pub(super) fn time<T>(&self, work: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let result = work();
        self.note(begun, Instant::now());
        result
    }

    /// The same, where there is something to be noted.
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
        let latency = Latency { always_slow: false, until: Cell::new(None) };
        let now = Instant::now();
        latency.note(now, now + SLOW / 2);
        assert!(!latency.is_slow(true, now + SLOW));
        latency.note(now, now + SLOW);
        assert!(latency.is_slow(true, now + REMEMBERED));
        assert!(!latency.is_slow(false, now + REMEMBERED));
        assert!(!latency.is_slow(true, now + SLOW + REMEMBERED));
        assert!(Latency { always_slow: true, ..latency }.is_slow(false, now));
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
            assert!(!disk.is_slow_to_store(true, now));
            slow(&disk).note(now, now + SLOW);
            assert!(disk.is_slow_to_store(true, now));
        }
    }
}
