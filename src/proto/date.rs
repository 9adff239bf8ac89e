//! Dates as FTP spells them: MDTM and MLSx in digits, LIST as `ls -l` does. All are UTC, as RFC
//! 3659 demands of the digits and as is the only honest choice for the rest: the client can't ask
//! for our zone. What time it is now is an argument, never looked up.
//!
//! RFC 3659, 2.3: a time is `YYYYMMDDHHMMSS`, perhaps with a fraction of a second behind a dot.
//! We write no fraction, and drop the one that MFMT may bring.

use super::digits;
use std::fmt::{self, Write as _};
use time::{Date, Month, OffsetDateTime, Time};

/// The first second of the year 0 and the last of 9999: the years that four digits can write.
const FOUR_DIGIT_YEARS: [i64; 2] = [-62_167_219_200, 253_402_300_799];

/// Half a mean year, as GNU `ls` has it.
const HALF_A_YEAR_S: i64 = 31_556_952 / 2;

/// Clock skew in seconds: how far a file server may be ahead of us before its files lie in the
/// future.
const CLOCK_SKEW_S: i64 = 60 * 60;

/// A time as MDTM writes it, `20230304112431`. Years outside 0 to 9999 become the nearest.
pub fn mdtm(seconds: i64) -> Mdtm {
    let when = utc(seconds);
    let (year, month, day) = when.to_calendar_date();
    let (hour, minute, second) = when.to_hms();
    let mut text = [0; 14];
    text[..4].copy_from_slice(&year_digits(year));
    for (place, number) in [u8::from(month), day, hour, minute, second].into_iter().enumerate() {
        text[4 + 2 * place..][..2].copy_from_slice(&digits::pair(number));
    }
    Mdtm(text)
}

/// A time as `ls -l` writes it, in twelve characters: `Mar 04 11:24` if it was within the last
/// half year, else `Mar 04  2023`.
pub fn ls(seconds: i64, now: i64) -> [u8; 12] {
    let when = utc(seconds);
    let (year, month, day) = when.to_calendar_date();
    let mut text = *b"Mon dd hh:mm";
    text[..3].copy_from_slice(MONTHS[usize::from(u8::from(month)) - 1].as_bytes());
    text[4..6].copy_from_slice(&digits::pair(day));
    let age = now.saturating_sub(seconds);
    if (-CLOCK_SKEW_S..HALF_A_YEAR_S).contains(&age) {
        let (hour, minute, _) = when.to_hms();
        text[7..9].copy_from_slice(&digits::pair(hour));
        text[10..].copy_from_slice(&digits::pair(minute));
    } else {
        text[7] = b' ';
        text[8..].copy_from_slice(&year_digits(year));
    }
    text
}

/// Reads `YYYYMMDDHHMMSS` or `YYYYMMDDHHMMSS.sss`, in seconds since 1970. A leap second becomes
/// the second before it, for which alone Unix time has a number.
pub fn parse_mdtm(text: &[u8]) -> Option<i64> {
    let (digits, fraction) = text.split_at_checked(14)?;
    let fraction_is_sound = match fraction {
        [] => true,
        [b'.', decimals @ ..] => !decimals.is_empty() && decimals.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if !fraction_is_sound || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let [c1, c2, y1, y2, rest @ ..] = digits else { return None };
    let year = i32::from(pair(*c1, *c2)) * 100 + i32::from(pair(*y1, *y2));
    let [mo1, mo2, d1, d2, h1, h2, mi1, mi2, s1, s2] = *rest else { return None };
    let second = if (s1, s2) == (b'6', b'0') { 59 } else { pair(s1, s2) };
    let month = Month::try_from(pair(mo1, mo2)).ok()?;
    let date = Date::from_calendar_date(year, month, pair(d1, d2)).ok()?;
    let time = Time::from_hms(pair(h1, h2), pair(mi1, mi2), second).ok()?;
    Some(date.with_time(time).assume_utc().unix_timestamp())
}

/// The number that two digits write.
fn pair(tens: u8, ones: u8) -> u8 {
    (tens - b'0') * 10 + (ones - b'0')
}

fn utc(seconds: i64) -> OffsetDateTime {
    let [first, last] = FOUR_DIGIT_YEARS;
    OffsetDateTime::from_unix_timestamp(seconds.clamp(first, last))
        .expect("the calendar covers all years of four digits")
}

/// Time as MDTM shows it; see [`mdtm`].
#[derive(Clone, Copy, Debug)]
pub struct Mdtm([u8; 14]);

impl Mdtm {
    /// The fourteen digits.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Mdtm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|&digit| f.write_char(char::from(digit)))
    }
}

/// The four digits of a year.
fn year_digits(year: i32) -> [u8; 4] {
    let [c1, c2] = digits::pair((year / 100) as u8);
    let [y1, y2] = digits::pair((year % 100) as u8);
    [c1, c2, y1, y2]
}

/// English in any locale: clients look for these.
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mdtm_there_and_back() {
        for (seconds, text) in [
            (0, "19700101000000"),
            (-1, "19691231235959"),
            (1_677_929_071, "20230304112431"),
            (951_782_400, "20000229000000"),
            (FOUR_DIGIT_YEARS[0], "00000101000000"),
            (FOUR_DIGIT_YEARS[1], "99991231235959"),
        ] {
            assert_eq!(mdtm(seconds).to_string(), text);
            assert_eq!(parse_mdtm(text.as_bytes()), Some(seconds), "{text}");
        }
        assert_eq!(mdtm(i64::MIN).to_string(), "00000101000000");
        assert_eq!(mdtm(i64::MAX).to_string(), "99991231235959");
    }

    #[test]
    fn parse_mdtm_tolerates_and_refuses() {
        for text in ["20230304112431.5", "20230304112431.000", "20230304112431.123456789012"] {
            assert_eq!(parse_mdtm(text.as_bytes()), Some(1_677_929_071), "{text}");
        }
        assert_eq!(parse_mdtm(b"20161231235960"), parse_mdtm(b"20161231235959"));
        for text in [
            "",
            "2023030411243",
            "202303041124311",
            "20230304112431.",
            "20230304112431.x",
            "20230304112431,5",
            "20230304112431 ",
            "+0230304112431",
            "2023030411243x",
            "20230004112431",
            "20231304112431",
            "20230300112431",
            "20230229112431",
            "20230431112431",
            "20230304240000",
            "20230304116000",
            "20230304112461",
        ] {
            assert_eq!(parse_mdtm(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn ls_shows_the_time_or_the_year() {
        let now = 1_677_929_071; // Mar 4, 2023, 11:24:31
        for (seconds, text) in [
            (now, "Mar 04 11:24"),
            (now - HALF_A_YEAR_S + 1, "Sep 02 20:29"),
            (now - HALF_A_YEAR_S, "Sep 02  2022"),
            (now + CLOCK_SKEW_S, "Mar 04 12:24"),
            (now + CLOCK_SKEW_S + 1, "Mar 04  2023"),
            (0, "Jan 01  1970"),
            (i64::MIN, "Jan 01  0000"),
            (i64::MAX, "Dec 31  9999"),
        ] {
            assert_eq!(ls(seconds, now), text.as_bytes());
        }
        assert_eq!(&ls(i64::MAX, i64::MIN), b"Dec 31  9999");
        assert_eq!(&ls(i64::MIN, i64::MAX), b"Jan 01  0000");
    }
}
