//! Fair queue: what waits, one of each neighbourhood in turn. So a client waits behind one of each
//! other neighbourhood at most, however many those have queued.

use std::collections::{HashMap, VecDeque};

use super::neighbourhood::Neighbourhood;

/// Queue of items by neighbourhood.
#[derive(Debug)]
pub(super) struct FairQueue<T> {
    /// Items of each neighbourhood, in the order of their coming; none is empty.
    queues: HashMap<Neighbourhood, VecDeque<T>>,
    /// Every neighbourhood that has a queue, once; the next one first.
    turns: VecDeque<Neighbourhood>,
    /// Number of all items.
    len: usize,
}

impl<T> Default for FairQueue<T> {
    fn default() -> FairQueue<T> {
        FairQueue { queues: HashMap::new(), turns: VecDeque::new(), len: 0 }
    }
}

impl<T> FairQueue<T> {
    /// Queues an item behind the others of its neighbourhood.
    pub(super) fn push(&mut self, neighbourhood: Neighbourhood, item: T) {
        let queue = self.queues.entry(neighbourhood).or_default();
        if queue.is_empty() {
            self.turns.push_back(neighbourhood);
        }
        queue.push_back(item);
        self.len += 1;
    }

    /// Next item.
    pub(super) fn pop(&mut self) -> Option<T> {
        self.pop_where(|_| true).map(|(_, item)| item)
    }

    /// Next item of a neighbourhood that `may` have one.
    pub(super) fn pop_where(
        &mut self,
        mut may: impl FnMut(Neighbourhood) -> bool,
    ) -> Option<(Neighbourhood, T)> {
        let turn = self.turns.iter().position(|neighbourhood| may(*neighbourhood))?;
        let neighbourhood = self.turns.remove(turn)?;
        let queue = self.queues.get_mut(&neighbourhood)?;
        let item = queue.pop_front()?;
        self.len -= 1;
        match queue.is_empty() {
            true => drop(self.queues.remove(&neighbourhood)),
            false => self.turns.push_back(neighbourhood),
        }
        Some((neighbourhood, item))
    }

    /// Latest item of a neighbourhood.
    pub(super) fn pop_last_of(&mut self, neighbourhood: Neighbourhood) -> Option<T> {
        let queue = self.queues.get_mut(&neighbourhood)?;
        let item = queue.pop_back()?;
        self.len -= 1;
        self.tidy(neighbourhood);
        Some(item)
    }

    /// Drops items of a neighbourhood that are not to be kept.
    pub(super) fn retain(&mut self, neighbourhood: Neighbourhood, keep: impl FnMut(&T) -> bool) {
        let Some(queue) = self.queues.get_mut(&neighbourhood) else { return };
        self.len -= queue.len();
        queue.retain(keep);
        self.len += queue.len();
        self.tidy(neighbourhood);
    }

    /// Forgets a neighbourhood that has no items any more.
    fn tidy(&mut self, neighbourhood: Neighbourhood) {
        if self.queues.get(&neighbourhood).is_some_and(VecDeque::is_empty) {
            self.queues.remove(&neighbourhood);
            self.turns.retain(|other| *other != neighbourhood);
        }
    }

    /// Neighbourhoods that have items.
    pub(super) fn neighbourhoods(&self) -> impl Iterator<Item = Neighbourhood> {
        self.turns.iter().copied()
    }

    /// Number of items of a neighbourhood.
    pub(super) fn len_of(&self, neighbourhood: Neighbourhood) -> usize {
        self.queues.get(&neighbourhood).map_or(0, VecDeque::len)
    }

    /// Number of all items.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn neighbourhood(last: u8) -> Neighbourhood {
        Neighbourhood::of(Ipv4Addr::new(192, 0, 2, last).into())
    }

    fn queue(items: &[(u8, char)]) -> FairQueue<char> {
        let mut queue = FairQueue::default();
        items.iter().for_each(|&(last, item)| queue.push(neighbourhood(last), item));
        queue
    }

    fn all(queue: &mut FairQueue<char>) -> String {
        std::iter::from_fn(|| queue.pop()).collect()
    }

    /// Whoever came after a flood of one address waited for all of it.
    #[test]
    fn neighbourhoods_have_their_turns_however_much_one_has_queued() {
        let mut queue = queue(&[(1, 'a'), (1, 'b'), (1, 'c'), (2, 'x'), (3, 'y'), (2, 'z')]);
        assert_eq!(queue.pop(), Some('a'));
        queue.push(neighbourhood(4), 'n');
        assert_eq!(all(&mut queue), "xybnzc");
        assert!(queue.is_empty() && queue.queues.is_empty());
    }

    #[test]
    fn who_may_not_is_passed_over_and_keeps_the_turn() {
        let mut queue = queue(&[(1, 'a'), (2, 'x'), (2, 'y')]);
        let not = |last| move |other| other != neighbourhood(last);
        assert_eq!(queue.pop_where(not(1)), Some((neighbourhood(2), 'x')));
        assert_eq!(queue.pop_where(|_| false), None);
        assert_eq!(queue.neighbourhoods().collect::<Vec<_>>(), [1, 2].map(neighbourhood));
        assert_eq!(all(&mut queue), "ay");
    }

    #[test]
    fn what_is_not_kept_leaves_no_empty_turn() {
        let mut queue = queue(&[(1, 'a'), (2, 'x'), (1, 'b')]);
        queue.retain(neighbourhood(1), |item| *item == 'b');
        assert_eq!([1, 2, 3].map(|last| queue.len_of(neighbourhood(last))), [1, 1, 0]);
        queue.retain(neighbourhood(1), |_| false);
        queue.push(neighbourhood(2), 'y');
        queue.push(neighbourhood(3), 'z');
        assert_eq!(
            [2, 3, 1].map(|last| queue.pop_last_of(neighbourhood(last))),
            [Some('y'), Some('z'), None]
        );
        assert_eq!((queue.len(), all(&mut queue).as_str()), (1, "x"));
    }
}
