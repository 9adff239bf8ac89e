//! Deadlines of sessions, earliest first. Activity never touches them: an entry that comes up too
//! early is set again.

use std::collections::BTreeSet;
use std::time::Instant;

/// At most one deadline for each slot; whoever holds the slot knows which.
#[derive(Debug, Default)]
pub(super) struct Timers(BTreeSet<(Instant, usize)>);

impl Timers {
    /// Has `slot` come up at `wanted` or earlier; `armed` is when it comes up as things stand.
    pub(super) fn arm(
        &mut self,
        slot: usize,
        armed: &mut Option<Instant>,
        wanted: Option<Instant>,
    ) {
        let Some(wanted) = wanted else { return };
        match *armed {
            Some(at) if at <= wanted => {}
            _ => {
                self.disarm(slot, armed);
                self.0.insert((wanted, slot));
                *armed = Some(wanted);
            }
        }
    }

    /// Forgets the deadline of `slot`.
    pub(super) fn disarm(&mut self, slot: usize, armed: &mut Option<Instant>) {
        if let Some(at) = armed.take() {
            self.0.remove(&(at, slot));
        }
    }

    /// A slot whose deadline has passed; it is no longer armed.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<usize> {
        let &(at, slot) = self.0.first()?;
        if at > now {
            return None;
        }
        self.0.pop_first();
        Some(slot)
    }

    /// The earliest deadline.
    pub(super) fn next(&self) -> Option<Instant> {
        self.0.first().map(|(at, _)| *at)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
