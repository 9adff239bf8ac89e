//! Bytes of any kind, escaped: one line of harmless text that still says which bytes they were.

use super::*;
use crate::fuzz::{Chance, part};

#[test]
fn hostile_bytes_are_shown_harmlessly_and_without_loss() {
    part!("names").some(check);
}

#[test]
#[ignore = "needs some minutes, in release mode"]
fn fuzz_of_escapes() {
    part!("names").many(10_000_000, check);
}

fn check(input: &[u8], _: &mut Chance) {
    let shown = Escaped(input).to_string();
    assert!(!shown.contains(char::is_control), "{shown:?}");
    assert!(!shown.contains(turns_direction), "{shown:?}");
    assert!(shown.len() <= 6 * input.len(), "{} bytes of {}", shown.len(), input.len());
    assert_eq!(unescaped(&shown), input, "{shown:?}");
}

/// Characters that turn the direction of writing (Bidi_Control of Unicode).
fn turns_direction(character: char) -> bool {
    matches!(character as u32, 0x61c | 0x200e..=0x200f | 0x202a..=0x202e | 0x2066..=0x2069)
}

fn unescaped(shown: &str) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), shown);
    while let Some(first) = rest.chars().next() {
        rest = &rest[first.len_utf8()..];
        if first != '\\' {
            bytes.extend_from_slice(first.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        let (kind, after) = rest.split_at(1);
        rest = after;
        match kind {
            "\\" => bytes.push(b'\\'),
            "t" => bytes.push(b'\t'),
            "r" => bytes.push(b'\r'),
            "n" => bytes.push(b'\n'),
            "x" => {
                bytes.push(u8::from_str_radix(&rest[..2], 16).expect("two digits"));
                rest = &rest[2..];
            }
            "u" => {
                let (digits, after) = rest[1..].split_once('}').expect("a closed brace");
                let number = u32::from_str_radix(digits, 16).expect("digits");
                let character = char::from_u32(number).expect("a character");
                bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                rest = after;
            }
            other => panic!("no such escape: {other}"),
        }
    }
    bytes
}

/// The Arabic letter mark turned the direction of a line of the log.
#[test]
fn no_direction_mark_gets_through() {
    let marks = (0..=0x2fff).filter_map(char::from_u32).filter(|&mark| turns_direction(mark));
    let all: String = marks.collect();
    assert_eq!(all.chars().count(), 12);
    assert!(Escaped(all.as_bytes()).to_string().is_ascii());
}
