//! Strangers: sessions that have not logged in. When all places are taken, one of them makes room.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap, VecDeque};

use super::neighbourhood::Neighbourhood;

/// Sessions that have not logged in, by neighbourhood.
#[derive(Debug, Default)]
pub(super) struct Strangers {
    /// Number and slot of each session, the oldest first; no neighbourhood has none.
    sessions: HashMap<Neighbourhood, VecDeque<(u64, usize)>>,
    /// Neighbourhoods by the number of their sessions, and then by the age of the oldest.
    ranks: BTreeSet<(usize, Reverse<u64>, Neighbourhood)>,
}

impl Strangers {
    /// Strangers among sessions, each with its neighbourhood, number and slot.
    pub(super) fn among(sessions: impl Iterator<Item = (Neighbourhood, u64, usize)>) -> Strangers {
        let mut sessions: Vec<_> = sessions.collect();
        sessions.sort_unstable_by_key(|&(_, number, _)| number);
        let mut strangers = Strangers::default();
        for (neighbourhood, number, slot) in sessions {
            strangers.add(neighbourhood, number, slot);
        }
        strangers
    }

    /// Adds a session that is newer than all others.
    pub(super) fn add(&mut self, neighbourhood: Neighbourhood, number: u64, slot: usize) {
        self.change(neighbourhood, |sessions| sessions.push_back((number, slot)));
    }

    /// Slot of the session that makes room for a newcomer: the one that has waited longest, of the
    /// neighbourhood that then has most of them.
    pub(super) fn make_room(&mut self, newcomer: Neighbourhood) -> Option<usize> {
        let &(most, _, other) = self.ranks.last()?;
        let own = self.sessions.get(&newcomer).map_or(0, VecDeque::len);
        let neighbourhood = if own > 0 && own + 1 > most { newcomer } else { other };
        let (_, slot) = self.change(neighbourhood, VecDeque::pop_front)?;
        Some(slot)
    }

    fn change<T>(
        &mut self,
        neighbourhood: Neighbourhood,
        change: impl FnOnce(&mut VecDeque<(u64, usize)>) -> T,
    ) -> T {
        let sessions = self.sessions.entry(neighbourhood).or_default();
        let rank = |sessions: &VecDeque<(u64, usize)>| {
            let &(oldest, _) = sessions.front()?;
            Some((sessions.len(), Reverse(oldest), neighbourhood))
        };
        if let Some(rank) = rank(sessions) {
            self.ranks.remove(&rank);
        }
        let changed = change(sessions);
        match rank(sessions) {
            Some(rank) => drop(self.ranks.insert(rank)),
            None => drop(self.sessions.remove(&neighbourhood)),
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn neighbourhood(last: u8) -> Neighbourhood {
        Neighbourhood::of(Ipv4Addr::new(192, 0, 2, last).into())
    }

    /// Strangers from these neighbourhoods; each has its place in the list as number and slot.
    fn strangers(from: &[u8]) -> Strangers {
        let number = |(index, last): (usize, &u8)| (neighbourhood(*last), index as u64, index);
        Strangers::among(from.iter().enumerate().map(number))
    }

    fn who_goes(from: &[u8], newcomers: &[u8]) -> Vec<Option<usize>> {
        let mut strangers = strangers(from);
        newcomers.iter().map(|last| strangers.make_room(neighbourhood(*last))).collect()
    }

    /// One address had all sessions, without logging in, for ever.
    #[test]
    fn the_neighbourhood_with_most_gives_its_oldest() {
        let most = who_goes(&[1, 2, 2, 2, 1, 3], &[9, 9, 9]);
        assert_eq!(most, [Some(1), Some(0), Some(2)]);
        assert_eq!(who_goes(&[], &[9]), [None]);
        assert_eq!(who_goes(&[1, 2], &[9, 9, 9]), [Some(0), Some(1), None]);
    }

    #[test]
    fn a_newcomer_of_those_that_have_most_takes_the_place_of_one_of_them() {
        assert_eq!(who_goes(&[1, 1, 2, 2], &[2]), [Some(2)]);
        assert_eq!(who_goes(&[1, 1, 2], &[2]), [Some(0)], "it would not have more than they");
        let mut flood = strangers(&[1, 2, 2]);
        for number in 3..100 {
            assert_ne!(flood.make_room(neighbourhood(2)), Some(0));
            flood.add(neighbourhood(2), number, number as usize);
        }
    }
}
