//! Faults in force: which transfer meets which, and how far it has come by then.

use std::cell::Cell;
use std::io;
use std::time::{Duration, Instant};

use crate::config::{Fault, FaultEffect, Transfer};
use crate::session::FileOp;
use crate::transfer::State;

/// Pause of a transfer that is slowed down.
const PAUSE: Duration = Duration::from_millis(20);

/// Faults of a server, and how many transfers of each kind there were.
#[derive(Debug, Default)]
pub(super) struct Faults {
    faults: Vec<Fault>,
    downloads: Cell<usize>,
    uploads: Cell<usize>,
    listings: Cell<usize>,
}

impl Faults {
    pub(super) fn new(faults: Vec<Fault>) -> Faults {
        Faults { faults, ..Faults::default() }
    }

    /// Fault that the transfer meets which an operation opens; counts it.
    pub(super) fn next(&self, operation: &FileOp) -> Option<FaultEffect> {
        let (transfer, count) = match operation {
            FileOp::OpenDownload(..) => (Transfer::Download, &self.downloads),
            FileOp::OpenUpload(..) => (Transfer::Upload, &self.uploads),
            FileOp::OpenListing(_) => (Transfer::Listing, &self.listings),
            _ => return None,
        };
        count.set(count.get() + 1);
        let met = |fault: &&Fault| {
            fault.transfer == transfer && fault.nth.is_none_or(|nth| nth == count.get())
        };
        self.faults.iter().find(met).map(|fault| fault.effect)
    }
}

/// Course of a transfer that meets a fault.
#[derive(Debug)]
pub(super) struct FaultyCourse {
    effect: FaultEffect,
    moved: u64,
    begun: Option<Instant>,
    wake_at: Option<Instant>,
}

impl FaultyCourse {
    pub(super) fn new(effect: FaultEffect) -> FaultyCourse {
        FaultyCourse { effect, moved: 0, begun: None, wake_at: None }
    }

    /// Budget that is left of one in bytes; the state of the transfer if none is.
    pub(super) fn budget(&mut self, budget: usize, now: Instant) -> Result<usize, State> {
        let begun = *self.begun.get_or_insert(now);
        self.wake_at = None;
        let (allowed, then) = match self.effect {
            FaultEffect::Refuse { .. } => return Ok(budget),
            FaultEffect::Stall { at } => (at, State::Blocked),
            FaultEffect::Cut { at } => {
                (at, State::Broken(io::Error::new(io::ErrorKind::ConnectionReset, "cut on demand")))
            }
            FaultEffect::Slow { bytes_per_second } => {
                let elapsed = now.saturating_duration_since(begun).as_secs_f64();
                ((elapsed * bytes_per_second as f64) as u64, State::Blocked)
            }
        };
        match usize::try_from(allowed.saturating_sub(self.moved)).unwrap_or(usize::MAX) {
            0 => {
                let slow = matches!(self.effect, FaultEffect::Slow { .. });
                self.wake_at = slow.then(|| now + PAUSE);
                Err(then)
            }
            left => Ok(left.min(budget)),
        }
    }

    /// Notes that so many bytes have moved.
    pub(super) fn moved(&mut self, bytes: usize) {
        self.moved += bytes as u64;
    }

    /// Moment at which a transfer that is slowed down goes on.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        self.wake_at
    }
}
