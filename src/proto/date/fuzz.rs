//! Dates of any text: what is read is written again digit for digit; each second has one spelling.

use super::*;
use crate::fuzz::{Chance, part};

#[test]
fn hostile_dates_are_none_or_are_written_as_they_were_read() {
    part!("date").some(check);
}

#[test]
#[ignore = "needs some minutes, in release mode"]
fn fuzz_of_dates() {
    part!("date").many(10_000_000, check);
}

fn check(input: &[u8], chance: &mut Chance) {
    if let Some(seconds) = parse_mdtm(input) {
        let written = mdtm(seconds).to_string();
        assert_eq!(parse_mdtm(written.as_bytes()), Some(seconds));
        assert_eq!(written.as_bytes()[..12], input[..12]);
        // A leap second is the one before it.
        let second = if &input[12..14] == b"60" { b"59" } else { &input[12..14] };
        assert_eq!(&written.as_bytes()[12..], second);
        let cut = chance.upto(13);
        assert_eq!(parse_mdtm(&input[..cut]), None, "half of a date is one");
    }
    let [first, last] = FOUR_DIGIT_YEARS;
    let [seconds, now] = [(); 2].map(|()| match chance.below(4) {
        0 => chance.next() as i64,
        1 => first + chance.below(100) as i64,
        2 => last - chance.below(100) as i64,
        _ => (chance.next() as i64) >> 24,
    });
    let written = mdtm(seconds);
    assert_eq!(parse_mdtm(written.as_bytes()), Some(seconds.clamp(first, last)));
    let shown = ls(seconds, now);
    assert!(shown.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' '));
    assert!(MONTHS.iter().any(|month| shown.starts_with(month.as_bytes())));
    let is_recent = (-CLOCK_SKEW_S..HALF_A_YEAR_S).contains(&now.saturating_sub(seconds));
    assert_eq!(shown.contains(&b':'), is_recent);
}
