//! Whose turn it is, and how much may be done in it.
//!
//! A round gives a small turn to everybody who is due, because something happened to them, and then
//! larger ones to those who move bytes, as many as its budget holds. So a command waits for one
//! round, however many move bytes, and these have few scheduler instead of many small ones.

use std::collections::VecDeque;
use std::mem;
use std::time::Duration;

/// Steps of TLS handshakes of each [`Handshake`] in a round, each some tenths of a millisecond.
pub(super) const HANDSHAKES: usize = 4;
/// What those who move bytes may take of a round: a command that comes meanwhile waits for so long.
const ROUND: Duration = Duration::from_micros(500);
/// A turn with a smaller budget, in bytes, would cost more system calls than it saves waiting. It
/// is enough for commands and a small file.
const SMALLEST_TURN: usize = 64 * 1024;
/// After so many rounds everybody who moves bytes has had a turn, unless they are very many.
const ROUNDS_OF_ALL: usize = 8;

/// Those to whom something happened.
const DUE: usize = 0;
/// Those who can move bytes, or have other work for which a turn had not budget enough.
const MOVERS: usize = 1;
/// Those whose TLS handshakes had to be put off: the first [`Handshake`], and the other behind it.
const LINES: usize = 2;
const LISTS: usize = 4;

/// The scheduler of peers, which are known by their slots.
#[derive(Debug)]
pub(super) struct Scheduler {
    lists: [VecDeque<usize>; LISTS],
    /// By slot: in which lists it stands, in each once.
    stands: Vec<[bool; LISTS]>,
    /// What those who move bytes may move between them in a round: at most, and while that takes
    /// too long.
    most: usize,
    budget: usize,
    /// The same of this round: what is left of it, and who may still have a turn.
    left: usize,
    waiting: usize,
}

/// What a handshake that was put off is for. Each has a line of its own, so that those who are in
/// need not wait behind a crowd of those who come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Handshake {
    Control,
    Data,
}

impl Scheduler {
    /// `most` bytes are moved in a round.
    pub(super) fn new(most: usize) -> Scheduler {
        let (lists, stands) = (Default::default(), Vec::new());
        Scheduler { lists, stands, most, budget: most, left: 0, waiting: 0 }
    }

    /// Whether somebody wants a turn.
    pub(super) fn are_wanted(&self) -> bool {
        self.lists.iter().any(|slots| !slots.is_empty())
    }

    /// Something happened to this peer: it has a turn in the next round.
    pub(super) fn call(&mut self, slot: usize) {
        self.add(DUE, slot);
    }

    /// This peer can move bytes, or goes on with other work.
    pub(super) fn queue(&mut self, slot: usize) {
        self.add(MOVERS, slot);
    }

    /// The handshake of this peer is put off.
    pub(super) fn line_up(&mut self, slot: usize, line: Handshake) {
        self.add(LINES + line as usize, slot);
    }

    /// This peer is gone, and its slot free for another.
    pub(super) fn forget(&mut self, slot: usize) {
        let Some(stands) = self.stands.get_mut(slot).map(mem::take) else { return };
        for (list, _) in self.lists.iter_mut().zip(stands).filter(|(_, stands)| *stands) {
            list.retain(|other| *other != slot);
        }
    }

    /// A round begins: as many handshakes as it has time for come before those who have just come.
    pub(super) fn begin_round(&mut self) {
        for line in LINES..LISTS {
            let first: Vec<usize> = (0..HANDSHAKES).map_while(|_| self.take(line)).collect();
            for slot in first.into_iter().rev() {
                if !mem::replace(&mut self.stands[slot][DUE], true) {
                    self.lists[DUE].push_front(slot);
                }
            }
        }
    }

    /// The next who is due, and the budget of the turn in bytes.
    pub(super) fn next_due(&mut self) -> Option<(usize, usize)> {
        Some((self.take(DUE)?, self.smallest()))
    }

    /// From here on those who move bytes have their scheduler.
    pub(super) fn begin_moving(&mut self) {
        self.left = self.budget;
        self.waiting = self.lists[MOVERS].len();
    }

    /// The next of them, one at least, and the budget of the turn in bytes.
    pub(super) fn next_mover(&mut self) -> Option<(usize, usize)> {
        if self.waiting == 0 || self.left == 0 {
            return None;
        }
        let share = self.budget * ROUNDS_OF_ALL / self.lists[MOVERS].len().max(ROUNDS_OF_ALL);
        self.waiting -= 1;
        Some((self.take(MOVERS)?, share.min(self.left).max(self.smallest())))
    }

    /// So much of its budget this one has used.
    pub(super) fn moved(&mut self, bytes: usize) {
        self.left = self.left.saturating_sub(bytes);
    }

    /// They took so long: the budget halves if that is too much, because a disk is slow or the work
    /// is.
    pub(super) fn end_moving(&mut self, took: Duration) {
        let next = if took > ROUND { self.budget / 2 } else { self.budget * 2 };
        self.budget = next.clamp(self.smallest(), self.most);
    }

    fn smallest(&self) -> usize {
        SMALLEST_TURN.min(self.most)
    }

    /// Adds a peer behind the others, unless it stands in the list already.
    fn add(&mut self, list: usize, slot: usize) {
        if slot >= self.stands.len() {
            self.stands.resize(slot + 1, Default::default());
        }
        if !mem::replace(&mut self.stands[slot][list], true) {
            self.lists[list].push_back(slot);
        }
    }

    fn take(&mut self, list: usize) -> Option<usize> {
        let slot = self.lists[list].pop_front()?;
        self.stands[slot][list] = false;
        Some(slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 1 << 20;

    /// A round: who had a turn, those who are due and those who move bytes. Of these, all want
    /// another if they are `insatiable`.
    fn round(scheduler: &mut Scheduler, insatiable: bool) -> (Vec<usize>, Vec<(usize, usize)>) {
        let (mut due, mut movers) = (Vec::new(), Vec::new());
        scheduler.begin_round();
        while let Some((slot, budget)) = scheduler.next_due() {
            assert_eq!(budget, SMALLEST_TURN.min(scheduler.most));
            due.push(slot);
        }
        scheduler.begin_moving();
        while let Some((slot, budget)) = scheduler.next_mover() {
            movers.push((slot, budget));
            scheduler.moved(if insatiable { budget } else { 0 });
            if insatiable {
                scheduler.queue(slot);
            }
        }
        scheduler.end_moving(Duration::ZERO);
        (due, movers)
    }

    #[test]
    fn who_is_called_has_one_turn_in_the_next_round() {
        let mut scheduler = Scheduler::new(MOST);
        [3, 1, 3].into_iter().for_each(|slot| scheduler.call(slot));
        assert!(scheduler.are_wanted());
        assert_eq!(round(&mut scheduler, false).0, [3, 1]);
        assert!(!scheduler.are_wanted());
        scheduler.call(3);
        assert_eq!(round(&mut scheduler, false).0, [3]);
    }

    /// A command waited until each of a thousand downloads had moved its share.
    #[test]
    fn a_round_is_over_when_its_budget_is_and_goes_on_where_it_stopped() {
        let mut scheduler = Scheduler::new(MOST);
        [5, 6].into_iter().for_each(|slot| scheduler.queue(slot));
        scheduler.call(9);
        assert_eq!(round(&mut scheduler, true), (vec![9], vec![(5, MOST)]));
        assert_eq!(round(&mut scheduler, true), (vec![], vec![(6, MOST)]));
        assert_eq!(round(&mut scheduler, true), (vec![], vec![(5, MOST)]));
        assert_eq!(round(&mut scheduler, false), (vec![], vec![(6, MOST), (5, MOST)]));
        assert!(!scheduler.are_wanted());
    }

    #[test]
    fn the_more_move_bytes_the_smaller_are_their_turns() {
        for (movers, budget) in [(8, MOST), (32, MOST / 4), (1000, SMALLEST_TURN)] {
            let mut scheduler = Scheduler::new(MOST);
            (0..movers).for_each(|slot| scheduler.queue(slot));
            let had = round(&mut scheduler, true).1;
            assert_eq!(had, Vec::from_iter((0..MOST / budget).map(|slot| (slot, budget))));
        }
    }

    #[test]
    fn handshakes_are_made_a_few_at_a_time_before_those_of_who_has_just_come() {
        let mut scheduler = Scheduler::new(MOST);
        (0..6).for_each(|slot| scheduler.line_up(slot, Handshake::Control));
        (10..16).for_each(|slot| scheduler.line_up(slot, Handshake::Data));
        [9, 5].into_iter().for_each(|slot| scheduler.call(slot));
        scheduler.line_up(5, Handshake::Control);
        assert_eq!(round(&mut scheduler, false).0, [10, 11, 12, 13, 0, 1, 2, 3, 9, 5]);
        assert_eq!(round(&mut scheduler, false).0, [14, 15, 4, 5]);
        for line in [Handshake::Control, Handshake::Data] {
            assert!(!scheduler.are_wanted());
            scheduler.line_up(0, line);
            assert!(scheduler.are_wanted());
            assert_eq!(round(&mut scheduler, false).0, [0]);
        }
    }

    /// Its slot stood in a list for the peer that came after it, which then had two scheduler.
    #[test]
    fn who_is_gone_has_no_turn_and_leaves_none_to_who_comes_after() {
        let mut scheduler = Scheduler::new(MOST);
        let stand_everywhere = |scheduler: &mut Scheduler| {
            scheduler.call(1);
            scheduler.queue(1);
            scheduler.line_up(1, Handshake::Control);
            scheduler.line_up(1, Handshake::Data);
        };
        stand_everywhere(&mut scheduler);
        scheduler.forget(1);
        assert!(!scheduler.are_wanted());
        stand_everywhere(&mut scheduler);
        assert_eq!(round(&mut scheduler, false), (vec![1], vec![(1, MOST)]));
        assert!(!scheduler.are_wanted());
    }

    #[test]
    fn slow_rounds_become_smaller_and_never_too_small() {
        let budget_after = |scheduler: &mut Scheduler, took| {
            scheduler.end_moving(took);
            scheduler.queue(0);
            scheduler.begin_moving();
            scheduler.next_mover().unwrap().1
        };
        let mut scheduler = Scheduler::new(MOST);
        assert_eq!(budget_after(&mut scheduler, ROUND), MOST);
        assert_eq!(budget_after(&mut scheduler, ROUND * 2), MOST / 2);
        for _ in 0..10 {
            scheduler.end_moving(ROUND * 2);
        }
        assert_eq!(budget_after(&mut scheduler, ROUND * 2), SMALLEST_TURN);
        assert_eq!(budget_after(&mut scheduler, ROUND / 2), SMALLEST_TURN * 2);
        assert_eq!(budget_after(&mut Scheduler::new(1), ROUND * 2), 1);
    }
}
