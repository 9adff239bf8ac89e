//! Disk: a root as the sessions beneath it share it, and how fast its device answers.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::TimeValLike;

use super::worker_pool::Lane;
use crate::fs::{Medium, Root};
use crate::transfer::Pump;

/// Duration of a call that kept everybody waiting: the next may as well.
const SLOW: Duration = Duration::from_millis(20);
/// Duration of a call that no busy processor explains.
const SURELY_SLOW: Duration = Duration::from_millis(500);
/// Time for which calls are then left to workers; after that, one call tries again on the loop.
const REMEMBERED: Duration = Duration::from_secs(60);

/// Root, and the device that it is on.
#[derive(Debug)]
pub(super) struct Disk {
    pub(super) root: Root,
    pub(super) device: Rc<Device>,
}

/// Latency of the file system of a device.
#[derive(Debug)]
pub(super) struct Device {
    pub(super) medium: Medium,
    /// Latency of calls that look up, make and remove names.
    pub(super) names: Latency,
    /// Latency of calls that write. A file that is read is asked beforehand: see
    /// [`crate::fs::Download::at_hand`].
    pub(super) writes: Latency,
}

impl Disk {
    pub(super) fn new(device: Rc<Device>, root: Root) -> Disk {
        Disk { root, device }
    }

    /// Lane of the workers for names beneath the root, and for what is open at another machine or
    /// program.
    pub(super) fn lane(&self) -> Lane {
        Lane::Device(self.root.device())
    }

    /// Lane of the workers for what a transfer has open.
    pub(super) fn lane_of(&self, pump: &Pump) -> Lane {
        match pump.may_block() {
            true => self.lane(),
            false => Lane::Local(self.root.device()),
        }
    }
}

impl Device {
    pub(super) fn new(medium: Medium) -> Device {
        let remote = medium == Medium::Remote;
        Device { medium, names: Latency::new(remote), writes: Latency::new(remote) }
    }

    /// True if an upload may block when it begins and when it ends: both write, and make names.
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
    /// Moment until which calls are looked at more closely, which costs a system call each.
    suspected_until: Cell<Option<Instant>>,
}

impl Latency {
    fn new(remote: bool) -> Latency {
        Latency { remote, until: Cell::new(None), suspected_until: Cell::new(None) }
    }

    /// True if a call may block. Slowness that was only learned counts as long as the workers are
    /// `responsive`: behind a disk that hangs, one that stutters would hang with it.
    pub(super) fn may_block(&self, responsive: bool, now: Instant) -> bool {
        self.remote || (responsive && self.until.get().is_some_and(|until| now < until))
    }

    /// Makes calls on the loop, and takes note of how long that took.
    pub(super) fn time<T>(&self, work: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let suspected = self.suspected_until.get().is_some_and(|until| begun < until);
        let usage = if suspected { thread_usage() } else { None };
        let result = work();
        let done = Instant::now();
        let took = done.saturating_duration_since(begun);
        if took >= SLOW {
            match suspected || took >= SURELY_SLOW {
                true => self.note(waited(usage, took), done),
                // Perhaps the loop was only kept from the processor: the next one is looked at.
                false => self.suspected_until.set(Some(done + REMEMBERED)),
            }
        }
        result
    }

    /// Makes calls on the loop, and takes note where there is a latency to note it in.
    pub(super) fn time_if<T>(latency: Option<&Latency>, work: impl FnOnce() -> T) -> T {
        match latency {
            Some(latency) => latency.time(work),
            None => work(),
        }
    }

    fn note(&self, took: Duration, done: Instant) {
        if took >= SLOW {
            log::info!("a disk is slow: one call took {} ms", took.as_millis());
            self.until.set(Some(done + REMEMBERED));
        }
    }
}

/// Duration of a call as far as it is the disk's: a call that did not sleep was only kept from the
/// processor by others, and took no longer than the processor worked on it.
fn waited(before: Option<Usage>, took: Duration) -> Duration {
    let (Some(before), Some(after)) = (before, thread_usage()) else { return took };
    if after.voluntary_context_switches() > before.voluntary_context_switches() {
        return took;
    }
    let worked = |usage: &Usage| (usage.user_time() + usage.system_time()).num_microseconds();
    let micros = worked(&after).saturating_sub(worked(&before));
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

fn thread_usage() -> Option<Usage> {
    getrusage(UsageWho::RUSAGE_THREAD).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slowness_is_noted_and_forgotten() {
        let latency = Latency::new(false);
        let now = Instant::now();
        latency.note(SLOW / 2, now + SLOW / 2);
        assert!(!latency.may_block(true, now + SLOW));
        latency.note(SLOW, now + SLOW);
        assert!(latency.may_block(true, now + REMEMBERED));
        assert!(!latency.may_block(false, now + REMEMBERED));
        assert!(!latency.may_block(true, now + SLOW + REMEMBERED));
        assert!(Latency { remote: true, ..latency }.may_block(false, now));
    }

    /// On a busy machine calls on files in memory were taken for those on a slow disk: the loop had
    /// only been kept from the processor.
    #[test]
    fn a_call_that_sleeps_counts_by_the_clock_and_one_that_does_not_by_its_work() {
        let usage = thread_usage();
        let hour = Duration::from_secs(3600);
        let hardly = waited(usage, hour);
        assert!(hardly < hour / 100, "it is said to have waited for {hardly:?}");
        let begun = thread_usage();
        let (_sender, receiver) = std::sync::mpsc::channel::<()>();
        assert!(receiver.recv_timeout(Duration::from_millis(1)).is_err(), "nobody sends");
        assert_eq!(waited(begun, hour), hour);
    }

    #[test]
    fn a_call_is_suspected_once_before_it_counts_and_one_that_took_very_long_counts_at_once() {
        let latency = Latency::new(false);
        let sleep = |duration: Duration| {
            let (_sender, receiver) = std::sync::mpsc::channel::<()>();
            assert!(receiver.recv_timeout(duration).is_err(), "nobody sends");
        };
        latency.time(|| sleep(SLOW));
        assert!(!latency.may_block(true, Instant::now()));
        latency.time(|| sleep(SLOW));
        assert!(latency.may_block(true, Instant::now()));
        let hanging = Latency::new(false);
        hanging.time(|| sleep(SURELY_SLOW));
        assert!(hanging.may_block(true, Instant::now()));
    }

    /// The loop waited for a disk that was known to write slowly, when an upload was finished.
    #[test]
    fn what_writes_slowly_stores_slowly() {
        let now = Instant::now();
        for slow in
            [|device| &device.names, |device| &device.writes] as [fn(&Device) -> &Latency; 2]
        {
            let device = Device::new(Medium::Disk);
            assert!(!device.storing_may_block(true, now));
            slow(&device).note(SLOW, now + SLOW);
            assert!(device.storing_may_block(true, now));
        }
    }
}
