//! Facts that a client may set: their spelling in MFMT, MFF, MDTM, SITE CHMOD and SITE UTIME.

use super::{Command, Misuse, split};
use crate::proto::date;
use crate::proto::verb::Rule;

/// A fact of a file that a client may set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Time of the last change of its content, in seconds since 1970.
    Modified(i64),
    /// Permission bits, `0o777` at most.
    Mode(u16),
}

/// A time, a space and a path.
pub(super) fn timed(raw: &[u8]) -> Option<(Change, Vec<u8>)> {
    let (time, path) = split(raw);
    let path = path.filter(|path| !path.is_empty())?;
    Some((Change::Modified(date::parse_mdtm(time)?), path.to_vec()))
}

/// Permission bits in octal.
pub(super) fn mode(word: &[u8]) -> Option<u16> {
    let digits =
        (1..=4).contains(&word.len()) && word.iter().all(|byte| (b'0'..=b'7').contains(byte));
    let bits = word.iter().fold(0, |bits, digit| bits << 3 | u16::from(digit & 7));
    (digits && bits <= 0o777).then_some(bits)
}

/// MFF: `fact=value;` any number of times, a space, a path (draft-somers-ftp-mfxx).
pub(super) fn mff(rule: &'static Rule, raw: &[u8]) -> Result<Command, Misuse> {
    let (facts, path) = split(raw);
    let path = path.filter(|path| !path.is_empty()).ok_or(Misuse::Malformed(rule))?;
    let facts = facts.strip_suffix(b";").ok_or(Misuse::Malformed(rule))?;
    let changes = facts.split(|&byte| byte == b';').map(|fact| {
        let equals = fact.iter().position(|&byte| byte == b'=').ok_or(Misuse::Malformed(rule))?;
        let (name, value) = (fact[..equals].to_ascii_lowercase(), &fact[equals + 1..]);
        let change = match name.as_slice() {
            b"modify" => date::parse_mdtm(value).map(Change::Modified),
            b"unix.mode" => mode(value).map(Change::Mode),
            _ => return Err(Misuse::Unsupported(rule)),
        };
        change.ok_or(Misuse::Malformed(rule))
    });
    Ok(Command::Mff(changes.collect::<Result<_, _>>()?, path.to_vec()))
}

/// SITE UTIME has two forms: `YYYYMMDDhhmm[ss] path`, and `path` with the times of access, of
/// modification and of creation behind it, and `UTC`.
pub(super) fn utime(argument: &[u8]) -> Option<(Change, Vec<u8>)> {
    let (time, path) = split(argument);
    let seconds = if time.len() == 12 { [time, b"00"].concat() } else { time.to_vec() };
    if let (Some(modified), Some(path)) = (date::parse_mdtm(&seconds), path) {
        return (!path.is_empty()).then(|| (Change::Modified(modified), path.to_vec()));
    }
    let mut words = argument.rsplitn(5, |&byte| byte == b' ');
    let utc = words.next()?.eq_ignore_ascii_case(b"UTC");
    let (_created, modified, _accessed) = (words.next()?, words.next()?, words.next()?);
    let change = Change::Modified(date::parse_mdtm(modified).filter(|_| utc)?);
    words.next().filter(|path| !path.is_empty()).map(|path| (change, path.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2023-03-04 11:24:31.
    const TIME: Change = Change::Modified(1_677_929_071);

    #[test]
    fn times_and_modes() {
        assert_eq!(timed(b"20230304112431 a b"), Some((TIME, b"a b".to_vec())));
        for text in ["20230304112431", "20230304112431 ", "2023 a", "20231304112431 a"] {
            assert_eq!(timed(text.as_bytes()), None, "{text}");
        }
        assert_eq!(mode(b"644"), Some(0o644));
        assert_eq!(mode(b"0755"), Some(0o755));
        for text in ["", "8", "u+x", "4755", "00644"] {
            assert_eq!(mode(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn utime_has_two_forms() {
        let expected = Some((TIME, b"a b".to_vec()));
        assert_eq!(utime(b"20230304112431 a b"), expected);
        assert_eq!(utime(b"a b 20230101000000 20230304112431 20230101000000 UTC"), expected);
        let at_zero = Some((Change::Modified(1_677_929_040), b"a".to_vec()));
        assert_eq!(utime(b"202303041124 a"), at_zero);
        for text in ["", "a", "202303041124", "a 20230101000000 20230304112431 20230101000000 CET"]
        {
            assert_eq!(utime(text.as_bytes()), None, "{text}");
        }
    }
}
