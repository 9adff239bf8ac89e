//! Lines and Telnet of any bytes, in pieces of any size: those of the naive decoder, no more memory
//! than was promised, and no line before its CRLF.

use super::tests::{decode, reference};
use super::*;
use crate::fuzz::{Chance, part, pieces};

#[test]
fn hostile_streams_have_the_lines_of_the_reference() {
    part!("line").some(check);
}

#[test]
#[ignore = "needs some minutes, in release mode"]
fn fuzz_of_lines() {
    part!("line").many(10_000_000, check);
}

fn check(input: &[u8], chance: &mut Chance) {
    check_stream(input, chance);
    if chance.one_in(50) {
        let long = vec![b'x'; LONGEST_LINE - chance.upto(input.len().min(10))];
        check_stream(&[&long, input].concat(), chance);
    }
}

fn check_stream(input: &[u8], chance: &mut Chance) {
    let expected = reference(input);
    let mut sizes = pieces(input, chance).into_iter().map(<[u8]>::len);
    let lines = decode(input, || sizes.next().unwrap_or(1));
    assert_eq!(lines, expected, "in pieces");
    for line in &lines {
        let Line::Whole(line) = line else { continue };
        assert!(line.len() <= LONGEST_LINE && !line.iter().any(|byte| b"\r\n\0".contains(byte)));
    }

    // What has come decides nothing that is to come: the lines of a prefix are the first ones.
    let cut = chance.upto(input.len());
    let early = decode(&input[..cut], || input.len());
    assert!(expected.starts_with(&early), "a prefix of {cut} bytes says something else");
    assert!(input.contains(&b'\n') || early.iter().all(|line| *line == Line::TooLong));

    check_overtaking(input, chance);
}

/// Whoever overtakes leaves the others as they were.
fn check_overtaking(input: &[u8], chance: &mut Chance) {
    let input = &input[..input.len().min(BACKLOG)];
    let (mut all, mut rest) = (Lines::default(), Lines::default());
    all.push(input);
    rest.push(input);
    let letter = chance.below(256) as u8;
    let wanted = |line: &[u8]| line.first() == Some(&letter);
    assert_eq!(rest.holds(wanted), rest.take_first(wanted).is_some());
    let held = all.holds_anything();
    let mut all: Vec<Line> = std::iter::from_fn(|| all.pop()).collect();
    let rest: Vec<Line> = std::iter::from_fn(|| rest.pop()).collect();
    assert!(held || all.is_empty());
    if all.len() != rest.len() {
        let first = all.iter().position(|line| matches!(line, Line::Whole(line) if wanted(line)));
        all.remove(first.expect("one was taken"));
    }
    assert_eq!(all, rest);
}
