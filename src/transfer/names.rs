//! Names of files, many of them in little memory.

use crate::proto::facts::Kind;

/// A queue of names in one piece of memory, that can be sorted.
#[derive(Debug, Default)]
pub(super) struct Names {
    bytes: Vec<u8>,
    /// Begin and end of each name in `bytes`, and its kind if known.
    spans: Vec<(u32, u32, Option<Kind>)>,
    /// Number of names taken.
    taken: usize,
}

impl Names {
    /// Adds a name behind the others.
    pub(super) fn push(&mut self, name: &[u8], kind: Option<Kind>) {
        let begin = self.bytes.len() as u32;
        self.bytes.extend_from_slice(name);
        self.spans.push((begin, self.bytes.len() as u32, kind));
    }

    /// Puts the names in order, byte by byte.
    pub(super) fn sort(&mut self) {
        let bytes = &self.bytes;
        let name =
            |&(begin, end, _): &(u32, u32, Option<Kind>)| &bytes[begin as usize..end as usize];
        self.spans.sort_unstable_by(|a, b| name(a).cmp(name(b)));
    }

    /// Takes the next name, with its kind.
    pub(super) fn next(&mut self) -> Option<(&[u8], Option<Kind>)> {
        let &(begin, end, kind) = self.spans.get(self.taken)?;
        self.taken += 1;
        Some((&self.bytes[begin as usize..end as usize], kind))
    }

    /// Has the name that was taken last come again.
    pub(super) fn put_back(&mut self) {
        self.taken -= 1;
    }

    /// Number of names, taken ones included.
    pub(super) fn len(&self) -> usize {
        self.spans.len()
    }

    /// Forgets all names, and keeps the memory for the next.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.spans.clear();
        self.taken = 0;
    }
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
        names.sort();
        assert_eq!(names.len(), 5);
        for name in ["", "a", "a b", "b", "\u{ff}"] {
            assert_eq!(names.next(), Some((name.as_bytes(), Some(Kind::File))));
        }
        assert_eq!(names.next(), None);
        names.clear();
        assert_eq!((names.len(), names.next()), (0, None));
        names.push(b"again", None);
        assert_eq!(names.next(), Some((&b"again"[..], None)));
    }
}
