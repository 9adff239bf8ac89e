//! COMB, which large-file clients send when they have stored a file in parts: a target and the
//! parts, with blanks between them. A name is put in quotes, where it holds blanks or quotes, and a
//! quote in it is then doubled.

use super::{Command, Misuse};
use crate::proto::verb::Rule;

/// Parts that no client exceeds.
const MOST_PARTS: usize = 256;

pub(super) fn comb(rule: &'static Rule, raw: &[u8]) -> Result<Command, Misuse> {
    let mut names = names(raw).filter(|names| names.len() >= 2).ok_or(Misuse::Malformed(rule))?;
    let parts = names.split_off(1);
    let target = names.pop().filter(|_| parts.len() <= MOST_PARTS);
    Ok(Command::Comb(target.ok_or(Misuse::Unsupported(rule))?, parts))
}

fn names(mut rest: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut names = Vec::new();
    loop {
        rest = rest.trim_ascii_start();
        let (name, more) = match rest {
            [] => return Some(names),
            [b'"', quoted @ ..] => unquote(quoted)?,
            _ => {
                let end = rest.iter().position(|&byte| byte == b' ').unwrap_or(rest.len());
                (rest[..end].to_vec(), &rest[end..])
            }
        };
        if name.is_empty() || more.first().is_some_and(|&byte| byte != b' ') {
            return None;
        }
        names.push(name);
        rest = more;
    }
}

/// Text before the closing quote, and text behind it.
fn unquote(quoted: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let (mut name, mut rest) = (Vec::new(), quoted);
    loop {
        match rest {
            [] => return None,
            [b'"', b'"', more @ ..] => {
                name.push(b'"');
                rest = more;
            }
            [b'"', more @ ..] => return Some((name, more)),
            [byte, more @ ..] => {
                name.push(*byte);
                rest = more;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_and_without_quotes() {
        for (raw, expected) in [
            (&b""[..], Some(&[][..])),
            (b"a b", Some(&[&b"a"[..], b"b"])),
            (b" \"a b\"  c \"d\"\"e\" ", Some(&[b"a b", b"c", b"d\"e"])),
            (b"a\"b c", Some(&[b"a\"b", b"c"])),
            (b"\"a", None),
            (b"a \"\"", None),
            (b"\"a\"b c", None),
        ] {
            let expected = expected.map(|names| names.iter().map(|name| name.to_vec()).collect());
            assert_eq!(names(raw), expected, "{}", raw.escape_ascii());
        }
    }
}
