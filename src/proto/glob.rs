//! Shell wildcards, matched against one name. It knows no directories: which names there are, and
//! what `/` means, is its caller's business.
//!
//! No RFC asks for wildcards in LIST and NLST, but `ls *.txt` and `mget *` of every command line
//! client send them. They mean what they mean in `sh`: `*` any bytes, `?` one byte, `[a-z]` one of
//! these, `[!a-z]` or `[^a-z]` none of these, `\` the next byte itself. A name that begins with a
//! dot is matched only by a pattern that does. Matching is by bytes, as names are bytes.

/// Whether `text` can be more than a plain name. A wildcard behind a `\` counts too, so that the
/// `\` is understood; a `\` alone does not, since it may be part of the name.
pub fn has_wildcards(text: &[u8]) -> bool {
    text.iter().any(|byte| b"*?[".contains(byte))
}

/// Whether `pattern` matches the whole of `name`, in time of at most the product of their lengths.
pub fn matches(pattern: &[u8], name: &[u8]) -> bool {
    if name.first() == Some(&b'.') && !(pattern.starts_with(b".") || pattern.starts_with(b"\\.")) {
        return false;
    }
    let (mut pattern, mut name) = (pattern, name);
    // The last `*` seen: what follows it in the pattern, and the name from where it ends so far.
    // An earlier `*` never needs another try, which is what keeps this from exploding.
    let mut star: Option<(&[u8], &[u8])> = None;
    loop {
        if let Some(after) = pattern.strip_prefix(b"*") {
            pattern = after;
            star = Some((after, name));
            continue;
        }
        match (name.split_first(), step(pattern)) {
            (None, None) => return true,
            (None, Some(_)) => return false,
            (Some((&byte, rest)), Some((item, after))) if item.admits(byte) => {
                pattern = after;
                name = rest;
            }
            (Some(_), _) => {
                let Some((after, [_, from @ ..])) = star else { return false };
                pattern = after;
                name = from;
                star = Some((after, from));
            }
        }
    }
}

/// Item of a pattern: what one byte of a name must be.
enum Item<'a> {
    Any,
    Byte(u8),
    Class { members: &'a [u8], negated: bool },
}

impl Item<'_> {
    fn admits(&self, byte: u8) -> bool {
        match *self {
            Item::Any => true,
            Item::Byte(wanted) => wanted == byte,
            Item::Class { members, negated } => is_member(members, byte) != negated,
        }
    }
}

/// Splits the first item other than `*` off a pattern.
fn step(pattern: &[u8]) -> Option<(Item<'_>, &[u8])> {
    let (&first, rest) = pattern.split_first()?;
    Some(match (first, rest) {
        (b'?', _) => (Item::Any, rest),
        (b'[', _) => class(rest).unwrap_or((Item::Byte(b'['), rest)),
        (b'\\', [escaped, after @ ..]) => (Item::Byte(*escaped), after),
        (byte, _) => (Item::Byte(byte), rest),
    })
}

/// Reads a class from behind its `[`. `None` if it has no `]`: then the `[` is an ordinary byte.
fn class(text: &[u8]) -> Option<(Item<'_>, &[u8])> {
    let negated = matches!(text.first(), Some(b'!' | b'^'));
    let text = &text[usize::from(negated)..];
    // A `]` that comes first is a member, for an empty class would be of no use.
    let mut end = 0;
    while end == 0 || *text.get(end)? != b']' {
        end += if text.get(end) == Some(&b'\\') { 2 } else { 1 };
    }
    Some((Item::Class { members: &text[..end], negated }, &text[end + 1..]))
}

fn is_member(mut members: &[u8], byte: u8) -> bool {
    while let Some((low, rest)) = member(members) {
        // A `-` at either end of the class has nothing to span and is a member itself.
        let (high, rest) = match rest.strip_prefix(b"-").and_then(member) {
            Some(range) => range,
            None => (low, rest),
        };
        if (low..=high).contains(&byte) {
            return true;
        }
        members = rest;
    }
    false
}

/// Splits one member off a class, taking a `\` away.
fn member(members: &[u8]) -> Option<(u8, &[u8])> {
    match members {
        [b'\\', byte, rest @ ..] | [byte, rest @ ..] => Some((*byte, rest)),
        [] => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn naive(pattern: &[u8], name: &[u8]) -> bool {
        match (pattern, name) {
            ([b'*', after @ ..], _) => (0..=name.len()).any(|from| naive(after, &name[from..])),
            (_, []) => pattern.is_empty(),
            (_, [byte, rest @ ..]) => {
                step(pattern).is_some_and(|(item, after)| item.admits(*byte) && naive(after, rest))
            }
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
                assert_eq!(found, naive(&pattern, name), "{}", pattern.escape_ascii());
            }
        }
    }

    #[test]
    fn many_stars_take_no_time() {
        let name = vec![b'a'; 8000];
        assert!(!matches(&[&b"*a".repeat(200)[..], b"b"].concat(), &name));
        assert!(matches(&b"a*".repeat(4000), &name));
    }
}
