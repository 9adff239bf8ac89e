//! Names of files, many of them in little memory.

use std::cmp::Ordering;

use crate::fs::Refusal;
use crate::proto::facts::{Facts, Kind};
use crate::proto::list_options::{Direction, Order};

/// A queue of names in one piece of memory, that can be sorted.
#[derive(Debug, Default)]
pub(super) struct Names {
    bytes: Vec<u8>,
    spans: Vec<Span>,
    /// Names that were taken and kept, with their facts; once they are sorted, those in `spans`.
    looked_at: Vec<(Span, Result<Facts, Refusal>)>,
    /// Number of names taken.
    taken: usize,
}

/// Begin and end of a name in the bytes, and its kind if known.
#[derive(Clone, Copy, Debug)]
struct Span {
    begin: u32,
    end: u32,
    kind: Option<Kind>,
}

/// Name that was taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Taken<'a> {
    pub(super) name: &'a [u8],
    /// Kind, as far as the folder tells.
    pub(super) kind: Option<Kind>,
    /// Facts, or the refusal to tell them, if they were asked for already.
    pub(super) facts: Option<Result<Facts, Refusal>>,
}

impl Names {
    /// Adds a name behind the others.
    pub(super) fn push(&mut self, name: &[u8], kind: Option<Kind>) {
        let begin = self.bytes.len() as u32;
        self.bytes.extend_from_slice(name);
        self.spans.push(Span { begin, end: self.bytes.len() as u32, kind });
    }

    /// Puts the names in order, byte by byte.
    pub(super) fn sort(&mut self, direction: Direction) {
        let bytes = &self.bytes;
        self.spans.sort_unstable_by(|a, b| a.of(bytes).cmp(b.of(bytes)));
        if direction == Direction::Reversed {
            self.spans.reverse();
        }
    }

    /// Keeps the name that was taken last, with its facts.
    pub(super) fn keep(&mut self, facts: Result<Facts, Refusal>) {
        if let Some(span) = self.taken.checked_sub(1).and_then(|last| self.spans.get(last)) {
            self.looked_at.push((*span, facts));
        }
    }

    /// Puts the names that were kept in order, to be taken again; the others are forgotten.
    pub(super) fn sort_kept(&mut self, order: Order, direction: Direction) {
        let bytes = &self.bytes;
        let by_name = |a: &Span, b: &Span| a.of(bytes).cmp(b.of(bytes));
        self.looked_at.sort_unstable_by(|(a, a_facts), (b, b_facts)| {
            let forward = by_facts(order, a_facts, b_facts).then_with(|| by_name(a, b));
            match direction {
                Direction::Forward => forward,
                Direction::Reversed => forward.reverse(),
            }
        });
        self.spans.clear();
        self.spans.extend(self.looked_at.iter().map(|(span, _)| span));
        self.taken = 0;
    }

    /// Takes the next name.
    pub(super) fn next(&mut self) -> Option<Taken<'_>> {
        let span = *self.spans.get(self.taken)?;
        // Fewer are kept than were taken, until they are sorted.
        let facts = self.looked_at.get(self.taken).map(|(_, facts)| *facts);
        self.taken += 1;
        Some(Taken { name: span.of(&self.bytes), kind: span.kind, facts })
    }

    /// Has the name that was taken last come again.
    pub(super) fn put_back(&mut self) {
        self.taken -= 1;
    }

    /// Takes the name that was added last.
    pub(super) fn pop(&mut self) -> Option<Vec<u8>> {
        let Span { begin, .. } = self.spans.pop()?;
        Some(self.bytes.split_off(begin as usize))
    }

    /// Number of names, taken ones included.
    pub(super) fn len(&self) -> usize {
        self.spans.len()
    }

    /// Memory that the names need, in bytes.
    pub(super) fn memory(&self) -> usize {
        self.bytes.len() + self.spans.len() * size_of::<Span>()
    }

    /// Forgets all names, and keeps the memory for the next.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.spans.clear();
        self.looked_at.clear();
        self.taken = 0;
    }
}

impl Span {
    fn of(self, bytes: &[u8]) -> &[u8] {
        &bytes[self.begin as usize..self.end as usize]
    }
}

/// Order of two files by their facts; a file without comes last, as one of nothing at no time.
fn by_facts(order: Order, a: &Result<Facts, Refusal>, b: &Result<Facts, Refusal>) -> Ordering {
    let key = |facts: &Result<Facts, Refusal>| match (order, facts) {
        (Order::Name, _) => None,
        (Order::Newest, Ok(facts)) => Some((i128::from(facts.modified), facts.modified_ns)),
        (Order::Largest, Ok(facts)) => Some((i128::from(facts.size), 0)),
        (Order::Newest | Order::Largest, Err(_)) => None,
    };
    key(b).cmp(&key(a))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_out_as_they_went_in_or_in_order() {
        let mut names = Names::default();
        for name in ["b", "", "a b", "a", "\u{ff}"] {
            names.push(name.as_bytes(), Some(Kind::File));
        }
        names.sort(Direction::Forward);
        assert_eq!(names.len(), 5);
        for name in ["", "a", "a b", "b", "\u{ff}"] {
            let (name, kind) = (name.as_bytes(), Some(Kind::File));
            assert_eq!(names.next(), Some(Taken { name, kind, facts: None }));
        }
        assert_eq!(names.next(), None);
        names.clear();
        assert_eq!((names.len(), names.next()), (0, None));
        names.push(b"again", None);
        assert_eq!(names.next(), Some(Taken { name: b"again", kind: None, facts: None }));
        names.push(b"last", None);
        let before = names.memory();
        assert_eq!(names.pop(), Some(b"last".to_vec()));
        assert_eq!((names.memory() + 4 + size_of::<Span>(), names.len()), (before, 1));
    }

    #[test]
    fn names_come_in_the_order_of_their_facts() {
        let facts = |size, modified, modified_ns| {
            Ok(Facts { size, modified, modified_ns, ..Facts::without_a_look(None) })
        };
        let files = [
            ("old", facts(3, -5, 0)),
            ("b", facts(1, 7, 1)),
            ("gone", Err(Refusal::Denied)),
            ("not kept", facts(9, 9, 9)),
            ("a", facts(1, 7, 0)),
            ("big", facts(u64::MAX, 7, 1)),
        ];
        for (order, direction, expected) in [
            (Order::Newest, Direction::Forward, "b big a old gone"),
            (Order::Newest, Direction::Reversed, "gone old a big b"),
            (Order::Largest, Direction::Forward, "big old a b gone"),
            (Order::Name, Direction::Reversed, "old gone big b a"),
        ] {
            let mut names = Names::default();
            files.iter().for_each(|(name, _)| names.push(name.as_bytes(), None));
            for (name, facts) in files {
                assert_eq!(names.next().and_then(|taken| taken.facts), None);
                if name != "not kept" {
                    names.keep(facts);
                }
            }
            names.sort_kept(order, direction);
            for name in expected.split(' ') {
                let facts = files.iter().find(|(file, _)| *file == name).map(|(_, facts)| *facts);
                let name = name.as_bytes();
                assert_eq!(names.next(), Some(Taken { name, kind: None, facts }), "{order:?}");
            }
            assert_eq!(names.next(), None);
        }
    }
}
