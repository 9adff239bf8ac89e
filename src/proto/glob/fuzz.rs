//! Patterns of any bytes against any name: the naive way's answer, in no more steps than their
//! lengths allow.

use super::*;
use crate::fuzz::{Chance, part};
use std::cell::Cell;

thread_local! {
    /// Steps of the loops of `glob` in this thread.
    static STEPS: Cell<usize> = const { Cell::new(0) };
}

pub(super) fn count_step() {
    STEPS.set(STEPS.get() + 1);
}

#[test]
fn hostile_patterns_match_what_they_should_in_few_steps() {
    part!("glob").some(check);
}

#[test]
#[ignore = "needs some minutes, in release mode"]
fn fuzz_of_patterns() {
    part!("glob").many(10_000_000, check);
}

/// Longest pattern that the references are asked about: their time is its square.
const LONGEST: usize = 1000;

fn check(input: &[u8], chance: &mut Chance) {
    STEPS.set(0);
    Pattern::parse(input);
    let steps = STEPS.take();
    assert!(steps <= 4 * input.len(), "{steps} steps for {} bytes", input.len());

    let input = &input[..input.len().min(LONGEST)];
    let pattern = Pattern::parse(input);
    assert!(pattern.len() <= input.len());
    assert_eq!(pattern.items, bracket_by_bracket(input));
    if !has_wildcards(input) && !input.contains(&b'\\') {
        assert!(pattern.items.iter().all(|item| matches!(item, Item::Byte(_))));
        assert!(pattern.matches(input), "a plain name is itself");
    }

    let name = name(input, &pattern, chance);
    STEPS.set(0);
    let found = pattern.matches(&name);
    let steps = STEPS.take();
    let most = 2 * (pattern.len() + 1) * (name.len() + 1);
    assert!(steps <= most, "{steps} steps for {} items, {} bytes", pattern.len(), name.len());
    let hidden = name.first() == Some(&b'.') && pattern.items.first() != Some(&Item::Byte(b'.'));
    if name.len() * pattern.len() < 1_000 {
        assert_eq!(found, !hidden && by_table(&pattern.items, &name), "{}", name.escape_ascii());
    }

    // With a wildcard escaped it is the text itself.
    let literal: Vec<u8> = name.iter().flat_map(|&byte| [b'\\', byte]).collect();
    assert!(Pattern::parse(&literal).matches(&name), "{}", name.escape_ascii());
}

/// Name that the pattern may well match: made by its items, and perhaps changed in one place.
fn name(input: &[u8], pattern: &Pattern, chance: &mut Chance) -> Vec<u8> {
    let mut name = Vec::new();
    for item in &pattern.items {
        match item {
            Item::Byte(byte) => name.push(*byte),
            Item::Any => name.push(chance.below(256) as u8),
            Item::Star => {
                let from = chance.upto(input.len());
                name.extend_from_slice(
                    &input[from..from + chance.upto((input.len() - from).min(5))],
                );
            }
            Item::Class(class) => {
                let start = chance.below(256) as u8;
                let member = (0..=255).map(|add| start.wrapping_add(add)).find(|&b| class.has(b));
                name.extend(member);
            }
        }
    }
    if !name.is_empty() && chance.one_in(3) {
        let at = chance.upto(name.len() - 1);
        name[at] = chance.below(256) as u8;
    }
    name
}

/// Reference: each bracket is sought one for.
fn bracket_by_bracket(mut text: &[u8]) -> Vec<Item> {
    let mut items = Vec::new();
    while let [first, after @ ..] = text {
        let (item, rest) = match (first, after, bracket(after)) {
            (b'[', _, Some((class, rest))) => (Item::Class(class), rest),
            (b'*', ..) => (Item::Star, after),
            (b'?', ..) => (Item::Any, after),
            (b'\\', [escaped, rest @ ..], _) => (Item::Byte(*escaped), rest),
            (byte, ..) => (Item::Byte(*byte), after),
        };
        items.push(item);
        text = rest;
    }
    items
}

/// Reference: a class from behind its `[`, byte by byte.
fn bracket(text: &[u8]) -> Option<(Class, &[u8])> {
    let negated = matches!(text.first(), Some(b'!' | b'^'));
    let mut rest = &text[usize::from(negated)..];
    let mut members = Vec::new();
    loop {
        let (member, after) = match rest {
            [b']', after @ ..] if !members.is_empty() => break rest = after,
            [b'\\', byte, after @ ..] => ((*byte, true), after),
            [byte, after @ ..] => ((*byte, false), after),
            [] => return None,
        };
        members.push(member);
        rest = after;
    }
    let mut class = Class::default();
    let mut members = members.as_slice();
    while let [(low, _), after @ ..] = members {
        let (high, after) = match after {
            [(b'-', false), (high, _), after @ ..] => (high, after),
            _ => (low, after),
        };
        (0..=255).filter(|byte| (low..=high).contains(&byte)).for_each(|byte| class.add(byte));
        members = after;
    }
    let mut complement = Class::default();
    (0..=255).filter(|&byte| !class.has(byte)).for_each(|byte| complement.add(byte));
    Some((if negated { complement } else { class }, rest))
}

/// Reference: a table of which prefix of the items matches which prefix of the name.
fn by_table(items: &[Item], name: &[u8]) -> bool {
    let mut row: Vec<bool> = (0..=name.len()).map(|end| end == 0).collect();
    for item in items {
        let mut next = vec![false; name.len() + 1];
        for end in 0..=name.len() {
            next[end] = match (item, end.checked_sub(1)) {
                (Item::Star, None) => row[end],
                (Item::Star, Some(before)) => row[end] || next[before],
                (_, None) => false,
                (item, Some(before)) => row[before] && item.admits(name[before]),
            };
        }
        row = next;
    }
    row[name.len()]
}

/// Each `[` was sought a `]` for to the end of the pattern, if an escaped one stood there.
#[test]
fn brackets_that_no_bracket_closes_are_sought_one_for_once() {
    let text = b"[\\]".repeat(2730);
    STEPS.set(0);
    let pattern = Pattern::parse(&text);
    assert!(STEPS.take() <= 3 * text.len());
    assert_eq!(pattern.len(), 2 * 2730);
    assert!(pattern.matches(&b"[]".repeat(2730)));
}
