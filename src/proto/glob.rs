//! Shell wildcards, matched against one name. It knows no directories: which names there are, and
//! what `/` means, is its caller's business.
//!
//! No RFC asks for wildcards in LIST and NLST, but `ls *.txt` and `mget *` of every command line
//! client send them. They mean what they mean in `sh`: `*` any bytes, `?` one byte, `[a-z]` one of
//! these, `[!a-z]` or `[^a-z]` none of these, `\` the next byte itself. A name that begins with a
//! dot is matched only by a pattern that does. Matching is by bytes, as names are bytes.

use super::path::VPath;

/// True if `text` can be more than a plain name. A wildcard behind a `\` counts too, so that the
/// `\` is understood; a `\` alone does not, since it may be part of the name.
pub fn has_wildcards(text: &[u8]) -> bool {
    text.iter().any(|byte| b"*?[".contains(byte))
}

/// Part of a path before its first component that can be a pattern.
pub fn fixed_part(path: &VPath) -> VPath {
    let components = path.relative().split(|&byte| byte == b'/');
    let fixed = components.take_while(|component| !has_wildcards(component)).count();
    path.first(fixed)
}

/// Pattern, read once and matched against many names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    items: Vec<Item>,
}

/// Part of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Item {
    /// Bytes, none at all too.
    Star,
    /// One byte, whichever.
    Any,
    Byte(u8),
    /// One byte of a class.
    Class(Class),
}

/// Set of bytes, a bit for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Class([u64; 4]);

/// Step of a loop that a client's text makes long: tests count them.
#[inline]
fn step() {
    #[cfg(test)]
    fuzz::count_step();
}

impl Pattern {
    /// Reads a pattern, in time of its length. Everything is a pattern: what makes no sense stands for
    /// itself.
    pub fn parse(text: &[u8]) -> Pattern {
        let (mut items, mut rest) = (Vec::new(), text);
        // Behind a `[` that has no `]`, none has one: both read a `\` in the same way.
        let mut has_classes = true;
        while let Some((&first, after)) = rest.split_first() {
            step();
            let class = if first == b'[' && has_classes { class(after) } else { None };
            has_classes &= first != b'[' || class.is_some();
            let (item, after) = match (first, after, class) {
                (_, _, Some((class, after))) => (Item::Class(class), after),
                (b'*', _, None) => (Item::Star, after),
                (b'?', _, None) => (Item::Any, after),
                (b'\\', [escaped, after @ ..], None) => (Item::Byte(*escaped), after),
                (byte, _, None) => (Item::Byte(byte), after),
            };
            items.push(item);
            rest = after;
        }
        Pattern { items }
    }

    /// Number of its items: as many steps, for each byte of a name, a match can take.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// True if it matches the whole of `name`, in time of at most the product of their lengths.
    pub fn matches(&self, name: &[u8]) -> bool {
        if name.first() == Some(&b'.') && self.items.first() != Some(&Item::Byte(b'.')) {
            return false;
        }
        let (mut items, mut name) = (self.items.as_slice(), name);
        // The last `*` seen: what follows it in the pattern, and the name from where it ends so far.
        // An earlier `*` never needs another try, which is what keeps this from exploding.
        let mut star: Option<(&[Item], &[u8])> = None;
        loop {
            step();
            match (name, items) {
                (_, [Item::Star, after @ ..]) => {
                    items = after;
                    star = Some((after, name));
                }
                ([], []) => return true,
                ([], _) => return false,
                (&[byte, ref rest @ ..], [item, after @ ..]) if item.admits(byte) => {
                    items = after;
                    name = rest;
                }
                _ => {
                    let Some((after, [_, from @ ..])) = star else { return false };
                    items = after;
                    name = from;
                    star = Some((after, from));
                }
            }
        }
    }
}

impl Item {
    fn admits(&self, byte: u8) -> bool {
        match self {
            Item::Star => false,
            Item::Any => true,
            Item::Byte(wanted) => *wanted == byte,
            Item::Class(class) => class.has(byte),
        }
    }
}

impl Class {
    fn add(&mut self, byte: u8) {
        self.0[usize::from(byte / 64)] |= 1 << (byte % 64);
    }

    fn has(&self, byte: u8) -> bool {
        self.0[usize::from(byte / 64)] >> (byte % 64) & 1 == 1
    }
}

/// Reads a class from behind its `[`. `None` if it has no `]`: then the `[` is an ordinary byte.
fn class(text: &[u8]) -> Option<(Class, &[u8])> {
    let negated = matches!(text.first(), Some(b'!' | b'^'));
    let text = &text[usize::from(negated)..];
    // A `]` that comes first is a member, for an empty class would be of no use.
    let mut end = 0;
    while end == 0 || *text.get(end)? != b']' {
        step();
        end += if text.get(end) == Some(&b'\\') { 2 } else { 1 };
    }
    let mut class = members(&text[..end]);
    if negated {
        class.0 = class.0.map(|bits| !bits);
    }
    Some((class, &text[end + 1..]))
}

fn members(mut text: &[u8]) -> Class {
    let mut class = Class::default();
    while let Some((low, rest)) = member(text) {
        step();
        // A `-` at either end of the class has nothing to span and is a member itself.
        let (high, rest) = match rest.strip_prefix(b"-").and_then(member) {
            Some(range) => range,
            None => (low, rest),
        };
        (low..=high).for_each(|byte| class.add(byte));
        text = rest;
    }
    class
}

/// Splits one member off a class, taking a `\` away.
fn member(members: &[u8]) -> Option<(u8, &[u8])> {
    match members {
        [b'\\', byte, rest @ ..] | [byte, rest @ ..] => Some((*byte, rest)),
        [] => None,
    }
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &[u8], name: &[u8]) -> bool {
        Pattern::parse(pattern).matches(name)
    }

    fn check(expected: bool, cases: &[(&str, &str)]) {
        for (pattern, name) in cases {
            let found = matches(pattern.as_bytes(), name.as_bytes());
            assert_eq!(found, expected, "{pattern} against {name}");
        }
    }

    #[test]
    fn stars_and_question_marks() {
        check(
            true,
            &[
                ("", ""),
                ("a", "a"),
                ("*", ""),
                ("*", "abc"),
                ("***", "abc"),
                ("*.x", "a.b.x"),
                ("a*b*c", "aXbYbZc"),
                ("a*b?c", "abbXbYc"),
                ("??", "ab"),
                ("*?", "a"),
                ("*ab", "aab"),
            ],
        );
        check(
            false,
            &[
                ("", "a"),
                ("a", ""),
                ("a", "b"),
                ("a", "ab"),
                ("?", ""),
                ("??", "a"),
                ("*.x", "a.xy"),
                ("a*b*c", "aXbY"),
                ("*a?", "ba"),
                ("A", "a"),
            ],
        );
    }

    #[test]
    fn classes() {
        check(
            true,
            &[
                ("[abc]", "b"),
                ("[a-c]x", "cx"),
                ("[a-cx-z]", "y"),
                ("[!a-c]", "d"),
                ("[^a-c]", "d"),
                ("[]]", "]"),
                ("[!]]", "a"),
                ("[]-a]", "^"),
                ("[a-]", "-"),
                ("[-a]", "-"),
                ("[\\]]", "]"),
                ("[\\]a]", "a"),
                ("[a\\-c]", "-"),
                ("[\\!a]", "!"),
                ("[", "["),
                ("[a", "[a"),
                ("[!", "[!"),
                ("[a\\]", "[a]"),
                ("*[0-9].txt", "a1b2.txt"),
            ],
        );
        check(
            false,
            &[
                ("[abc]", "d"),
                ("[abc]", ""),
                ("[a-c]", "ab"),
                ("[!a-c]", "b"),
                ("[!]]", "]"),
                ("[c-a]", "b"),
                ("[a\\-c]", "b"),
                ("[]", "]"),
                ("[a", "a"),
            ],
        );
    }

    #[test]
    fn escapes_and_leading_dots() {
        check(true, &[("\\*", "*"), ("a\\", "a\\"), ("\\a", "a"), ("\\[a]", "[a]")]);
        check(false, &[("\\*", "a"), ("\\?", "a"), ("\\[a]", "a")]);
        check(true, &[(".*", ".a"), ("\\.*", ".a"), ("a*", "a.b"), ("a?b", "a.b")]);
        check(false, &[("*", ".a"), ("?a", ".a"), ("[.]a", ".a"), ("[!x]a", ".a"), ("*.a", ".a")]);
    }

    #[test]
    fn wildcards_are_noticed() {
        assert!([&b"*"[..], b"a?", b"[a]", b"a\\*"].into_iter().all(has_wildcards));
        assert!(![&b""[..], b"a", b"a]b", b"a\\b"].into_iter().any(has_wildcards));
    }

    /// Tries every way to spend a `*`.
    fn naive(items: &[Item], name: &[u8]) -> bool {
        match (items, name) {
            ([Item::Star, after @ ..], _) => {
                (0..=name.len()).any(|from| naive(after, &name[from..]))
            }
            (_, []) => items.is_empty(),
            ([], _) => false,
            ([item, after @ ..], [byte, rest @ ..]) => item.admits(*byte) && naive(after, rest),
        }
    }

    #[test]
    fn every_short_pattern_agrees_with_the_naive_way() {
        for number in 0..9_usize.pow(5) {
            // Five digits to the base of nine, the last of which stands for no byte at all.
            let digits = (0..5).map(|place| number / 9_usize.pow(place) % 9);
            let pattern: Vec<u8> =
                digits.filter_map(|digit| b"*?[]!-\\a".get(digit).copied()).collect();
            for name in [&b""[..], b"a", b"aa", b"ab", b"ba", b"aba", b"a]", b"[a", b"-a-a"] {
                let found = matches(&pattern, name);
                let expected = naive(&Pattern::parse(&pattern).items, name);
                assert_eq!(found, expected, "{}", pattern.escape_ascii());
            }
        }
    }

    /// For each byte of a name all brackets were read anew, each to the end of the pattern.
    #[test]
    fn brackets_are_read_once() {
        let open = [&b"*"[..], &[b'['; 1000], b"Z"].concat();
        let pattern = Pattern::parse(&open);
        assert_eq!(pattern.len(), open.len());
        assert!(pattern.items[1..].iter().all(|item| matches!(item, Item::Byte(_))));
        assert!(pattern.matches(&open[1..]));
        assert_eq!(Pattern::parse(&b"[a-z]".repeat(200)).len(), 200);
    }

    #[test]
    fn many_stars_take_no_time() {
        let name = vec![b'a'; 8000];
        assert!(!matches(&[&b"*a".repeat(200)[..], b"b"].concat(), &name));
        assert!(matches(&b"a*".repeat(4000), &name));
    }
}
