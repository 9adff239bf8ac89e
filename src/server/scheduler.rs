//! Scheduler: whose turn it is, and how much may be done in it.
//!
//! A round gives a small turn to every peer that is ready, because something happened to it, and then
//! larger turns to peers that move bytes, as many as the round's budget holds. So a command waits for
//! one round, however many peers move bytes, and these have few turns instead of many small ones.

use std::collections::VecDeque;
use std::time::Duration;

/// Steps of TLS handshakes of each [`Handshake`] in a round, each some tenths of a millisecond.
pub(super) const HANDSHAKES: usize = 4;
/// Time that bulk turns may take of a round: a command that comes meanwhile waits for so long.
const ROUND: Duration = Duration::from_micros(500);
/// Smallest budget of a turn, in bytes: with less, a turn would cost more system calls than it saves
/// waiting. It is enough for commands and a small file.
const SMALLEST_TURN: usize = 64 * 1024;
/// Rounds after which every bulk peer has had a turn, unless there are very many.
const ROUNDS_OF_ALL: usize = 8;

/// Purpose of a handshake that was put off. Each has a queue of its own, so that peers that are in
/// need not wait behind a crowd of those that come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Handshake {
    /// Of a control connection.
    Control,
    /// Of a data connection.
    Data,
}

/// Turns of peers, which are known by their slots.
#[derive(Debug)]
pub(super) struct Scheduler {
    /// Peers to which something happened.
    ready: RunQueue,
    /// Peers that can move bytes, or have other work for which a turn had not budget enough.
    bulk: RunQueue,
    /// Peers whose TLS handshakes had to be put off.
    control_handshakes: RunQueue,
    data_handshakes: RunQueue,
    /// Budget of the bulk turns of a round, in bytes: the largest, and the one in force while rounds
    /// take too long.
    largest_budget: usize,
    budget: usize,
    /// State of the round under way: what is left of its budget, and how many peers may still have
    /// a bulk turn.
    left: usize,
    waiting: usize,
}

impl Scheduler {
    /// Scheduler that moves at most so many bytes in a round.
    pub(super) fn new(largest_budget: usize) -> Scheduler {
        Scheduler {
            ready: RunQueue::default(),
            bulk: RunQueue::default(),
            control_handshakes: RunQueue::default(),
            data_handshakes: RunQueue::default(),
            largest_budget,
            budget: largest_budget,
            left: 0,
            waiting: 0,
        }
    }

    /// Moves at most so many bytes in a round from now on.
    pub(super) fn set_largest_budget(&mut self, bytes: usize) {
        (self.largest_budget, self.budget) = (bytes, bytes);
    }

    /// True if a peer wants a turn.
    pub(super) fn has_work(&self) -> bool {
        [&self.ready, &self.bulk, &self.control_handshakes, &self.data_handshakes]
            .iter()
            .any(|queue| !queue.is_empty())
    }

    /// Gives a peer, to which something happened, a turn in the next round.
    pub(super) fn make_ready(&mut self, slot: usize) {
        self.ready.push_back(slot);
    }

    /// Gives a peer that can move bytes, or goes on with other work, a bulk turn.
    pub(super) fn make_bulk(&mut self, slot: usize) {
        self.bulk.push_back(slot);
    }

    /// Puts off the handshake of a peer.
    pub(super) fn defer_handshake(&mut self, slot: usize, handshake: Handshake) {
        self.handshakes(handshake).push_back(slot);
    }

    /// Forgets a peer that is gone: its slot is free for another.
    pub(super) fn remove(&mut self, slot: usize) {
        self.ready.remove(slot);
        self.bulk.remove(slot);
        self.control_handshakes.remove(slot);
        self.data_handshakes.remove(slot);
    }

    /// Begins a round: as many handshakes as it has time for come before peers that have just come.
    pub(super) fn begin_round(&mut self) {
        for handshake in [Handshake::Control, Handshake::Data] {
            let queue = self.handshakes(handshake);
            let first: Vec<usize> = (0..HANDSHAKES).map_while(|_| queue.pop_front()).collect();
            for slot in first.into_iter().rev() {
                self.ready.push_front(slot);
            }
        }
    }

    /// Next peer that is ready, and the budget of its turn in bytes.
    pub(super) fn next_ready(&mut self) -> Option<(usize, usize)> {
        Some((self.ready.pop_front()?, self.smallest_budget()))
    }

    /// Begins the bulk turns of the round.
    pub(super) fn begin_bulk(&mut self) {
        self.left = self.budget;
        self.waiting = self.bulk.len();
    }

    /// Next peer that moves bytes, one at least, and the budget of its turn in bytes.
    pub(super) fn next_bulk(&mut self) -> Option<(usize, usize)> {
        if self.waiting == 0 || self.left == 0 {
            return None;
        }
        let share = self.budget * ROUNDS_OF_ALL / self.bulk.len().max(ROUNDS_OF_ALL);
        self.waiting -= 1;
        Some((self.bulk.pop_front()?, share.min(self.left).max(self.smallest_budget())))
    }

    /// Takes what a bulk turn used, in bytes, off the round's budget.
    pub(super) fn charge(&mut self, bytes: usize) {
        self.left = self.left.saturating_sub(bytes);
    }

    /// Ends the bulk turns. The budget halves if they took too long, because a disk is slow or the
    /// work is, and grows again if not.
    pub(super) fn end_bulk(&mut self, took: Duration) {
        let next = if took > ROUND { self.budget / 2 } else { self.budget * 2 };
        self.budget = next.clamp(self.smallest_budget(), self.largest_budget);
    }

    fn handshakes(&mut self, handshake: Handshake) -> &mut RunQueue {
        match handshake {
            Handshake::Control => &mut self.control_handshakes,
            Handshake::Data => &mut self.data_handshakes,
        }
    }

    fn smallest_budget(&self) -> usize {
        SMALLEST_TURN.min(self.largest_budget)
    }
}

/// Run queue of slots, each of which stands in it once at most.
#[derive(Debug, Default)]
struct RunQueue {
    slots: VecDeque<usize>,
    /// True if a slot stands in the queue, by slot.
    queued: Vec<bool>,
}

impl RunQueue {
    fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    fn len(&self) -> usize {
        self.slots.len()
    }

    fn push_back(&mut self, slot: usize) {
        if self.note(slot) {
            self.slots.push_back(slot);
        }
    }

    fn push_front(&mut self, slot: usize) {
        if self.note(slot) {
            self.slots.push_front(slot);
        }
    }

    fn pop_front(&mut self) -> Option<usize> {
        let slot = self.slots.pop_front()?;
        self.queued[slot] = false;
        Some(slot)
    }

    fn remove(&mut self, slot: usize) {
        if self.queued.get_mut(slot).is_some_and(std::mem::take) {
            self.slots.retain(|other| *other != slot);
        }
    }

    /// Notes that a slot is queued; false if it was already.
    fn note(&mut self, slot: usize) -> bool {
        if slot >= self.queued.len() {
            self.queued.resize(slot + 1, false);
        }
        !std::mem::replace(&mut self.queued[slot], true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 1 << 20;

    /// Turns of a round: those of ready peers, and bulk turns with their budgets. Bulk peers all want
    /// another turn if they are `insatiable`.
    fn round(scheduler: &mut Scheduler, insatiable: bool) -> (Vec<usize>, Vec<(usize, usize)>) {
        let (mut ready, mut bulk) = (Vec::new(), Vec::new());
        scheduler.begin_round();
        while let Some((slot, budget)) = scheduler.next_ready() {
            assert_eq!(budget, SMALLEST_TURN.min(scheduler.largest_budget));
            ready.push(slot);
        }
        scheduler.begin_bulk();
        while let Some((slot, budget)) = scheduler.next_bulk() {
            bulk.push((slot, budget));
            scheduler.charge(if insatiable { budget } else { 0 });
            if insatiable {
                scheduler.make_bulk(slot);
            }
        }
        scheduler.end_bulk(Duration::ZERO);
        (ready, bulk)
    }

    #[test]
    fn who_is_called_has_one_turn_in_the_next_round() {
        let mut scheduler = Scheduler::new(MOST);
        [3, 1, 3].into_iter().for_each(|slot| scheduler.make_ready(slot));
        assert!(scheduler.has_work());
        assert_eq!(round(&mut scheduler, false).0, [3, 1]);
        assert!(!scheduler.has_work());
        scheduler.make_ready(3);
        assert_eq!(round(&mut scheduler, false).0, [3]);
    }

    /// A command waited until each of a thousand downloads had moved its share.
    #[test]
    fn a_round_is_over_when_its_budget_is_and_goes_on_where_it_stopped() {
        let mut scheduler = Scheduler::new(MOST);
        [5, 6].into_iter().for_each(|slot| scheduler.make_bulk(slot));
        scheduler.make_ready(9);
        assert_eq!(round(&mut scheduler, true), (vec![9], vec![(5, MOST)]));
        assert_eq!(round(&mut scheduler, true), (vec![], vec![(6, MOST)]));
        assert_eq!(round(&mut scheduler, true), (vec![], vec![(5, MOST)]));
        assert_eq!(round(&mut scheduler, false), (vec![], vec![(6, MOST), (5, MOST)]));
        assert!(!scheduler.has_work());
    }

    #[test]
    fn the_more_move_bytes_the_smaller_are_their_turns() {
        for (movers, budget) in [(8, MOST), (32, MOST / 4), (1000, SMALLEST_TURN)] {
            let mut scheduler = Scheduler::new(MOST);
            (0..movers).for_each(|slot| scheduler.make_bulk(slot));
            let had = round(&mut scheduler, true).1;
            assert_eq!(had, Vec::from_iter((0..MOST / budget).map(|slot| (slot, budget))));
        }
    }

    #[test]
    fn handshakes_are_made_a_few_at_a_time_before_those_of_who_has_just_come() {
        let mut scheduler = Scheduler::new(MOST);
        (0..6).for_each(|slot| scheduler.defer_handshake(slot, Handshake::Control));
        (10..16).for_each(|slot| scheduler.defer_handshake(slot, Handshake::Data));
        [9, 5].into_iter().for_each(|slot| scheduler.make_ready(slot));
        scheduler.defer_handshake(5, Handshake::Control);
        assert_eq!(round(&mut scheduler, false).0, [10, 11, 12, 13, 0, 1, 2, 3, 9, 5]);
        assert_eq!(round(&mut scheduler, false).0, [14, 15, 4, 5]);
        for line in [Handshake::Control, Handshake::Data] {
            assert!(!scheduler.has_work());
            scheduler.defer_handshake(0, line);
            assert!(scheduler.has_work());
            assert_eq!(round(&mut scheduler, false).0, [0]);
        }
    }

    /// Its slot stood in a list for the peer that came after it, which then had two scheduler.
    #[test]
    fn who_is_gone_has_no_turn_and_leaves_none_to_who_comes_after() {
        let mut scheduler = Scheduler::new(MOST);
        let stand_everywhere = |scheduler: &mut Scheduler| {
            scheduler.make_ready(1);
            scheduler.make_bulk(1);
            scheduler.defer_handshake(1, Handshake::Control);
            scheduler.defer_handshake(1, Handshake::Data);
        };
        stand_everywhere(&mut scheduler);
        scheduler.remove(1);
        assert!(!scheduler.has_work());
        stand_everywhere(&mut scheduler);
        assert_eq!(round(&mut scheduler, false), (vec![1], vec![(1, MOST)]));
        assert!(!scheduler.has_work());
    }

    #[test]
    fn slow_rounds_become_smaller_and_never_too_small() {
        let budget_after = |scheduler: &mut Scheduler, took| {
            scheduler.end_bulk(took);
            scheduler.make_bulk(0);
            scheduler.begin_bulk();
            scheduler.next_bulk().unwrap().1
        };
        let mut scheduler = Scheduler::new(MOST);
        assert_eq!(budget_after(&mut scheduler, ROUND), MOST);
        assert_eq!(budget_after(&mut scheduler, ROUND * 2), MOST / 2);
        for _ in 0..10 {
            scheduler.end_bulk(ROUND * 2);
        }
        assert_eq!(budget_after(&mut scheduler, ROUND * 2), SMALLEST_TURN);
        assert_eq!(budget_after(&mut scheduler, ROUND / 2), SMALLEST_TURN * 2);
        assert_eq!(budget_after(&mut Scheduler::new(1), ROUND * 2), 1);
    }
}
