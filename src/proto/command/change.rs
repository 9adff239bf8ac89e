//! Facts that a client may set: their spelling in MFMT, MFF, MDTM, SITE CHMOD and SITE UTIME.

use super::mode_change::{ModeChange, octal};
use super::{Command, Misuse, split};
use crate::proto::date;
use crate::proto::digits::number;
use crate::proto::verb::Rule;

/// A fact of a file that a client may set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Time of the last change of its content, in seconds since 1970.
    Modified(i64),
    /// Permission bits.
    Mode(ModeChange),
}

impl Change {
    /// True if it may set a set-id or sticky bit.
    pub fn sets_special_bits(&self) -> bool {
        match self {
            Change::Modified(_) => false,
            Change::Mode(mode) => mode.sets_special_bits(),
        }
    }
}

/// A time, a space and a path.
pub(super) fn timed(raw: &[u8]) -> Option<(Change, Vec<u8>)> {
    let (time, path) = split(raw);
    let path = path.filter(|path| !path.is_empty())?;
    Some((Change::Modified(date::parse_mdtm(time)?), path.to_vec()))
}

/// MDTM that sets a time, as Serv-U has it. The time may be that of a zone, which is so many minutes
/// ahead of UTC, or behind: `20230304112431+60 path`.
pub(super) fn zoned(raw: &[u8]) -> Option<(Change, Vec<u8>)> {
    let (word, path) = split(raw);
    let path = path.filter(|path| !path.is_empty())?;
    let sign = word.iter().position(|byte| b"+-".contains(byte)).unwrap_or(word.len());
    let (time, zone) = word.split_at(sign);
    let ahead_s = match zone.split_first() {
        None => 0,
        Some((b'-', minutes)) => -zone_s(minutes)?,
        Some((_, minutes)) => zone_s(minutes)?,
    };
    Some((Change::Modified(date::parse_mdtm(time)? - ahead_s), path.to_vec()))
}

/// Distance of a zone from UTC in seconds; no zone is a day away.
fn zone_s(minutes: &[u8]) -> Option<i64> {
    let minutes = number(minutes).filter(|&minutes| minutes < 24 * 60)?;
    Some(i64::try_from(minutes).ok()? * 60)
}

/// Umask in octal.
pub(super) fn umask(word: &[u8]) -> Option<u16> {
    octal(word).filter(|&bits| bits <= 0o777)
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
            b"unix.mode" => octal(value).map(|bits| Change::Mode(ModeChange::Octal(bits))),
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
    fn times_and_umasks() {
        assert_eq!(timed(b"20230304112431 a b"), Some((TIME, b"a b".to_vec())));
        for text in ["20230304112431", "20230304112431 ", "2023 a", "20231304112431 a"] {
            assert_eq!(timed(text.as_bytes()), None, "{text}");
        }
        assert_eq!(umask(b"22"), Some(0o22));
        assert_eq!(umask(b"0027"), Some(0o27));
        for text in ["", "8", "u+x", "4755", "00644"] {
            assert_eq!(umask(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn mdtm_may_have_a_zone() {
        for (text, ahead_s) in [
            ("20230304112431 a b", 0),
            ("20230304112431+60 a b", 3600),
            ("20230304112431-240 a b", -14_400),
            ("20230304112431.5+060 a b", 3600),
            ("20230304112431+0 a b", 0),
        ] {
            let expected = Some((Change::Modified(1_677_929_071 - ahead_s), b"a b".to_vec()));
            assert_eq!(zoned(text.as_bytes()), expected, "{text}");
        }
        for text in [
            "20230304112431+60",
            "20230304112431+60 ",
            "20230304112431+ a",
            "20230304112431+1440 a",
            "20230304112431+6x a",
            "20230304112431+-6 a",
            "20230304112431+99999999999999999999 a",
            "+60 a",
        ] {
            assert_eq!(zoned(text.as_bytes()), None, "{text}");
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
