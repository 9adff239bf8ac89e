//! Texts with any line ends, in pieces of any size: translated as the whole is, and back.

use super::*;
use crate::fuzz::{Chance, part, pieces};

#[test]
fn hostile_line_ends_are_translated_across_every_cut() {
    part!("text").some(check);
}

#[test]
#[ignore = "needs some minutes, in release mode"]
fn fuzz_of_texts() {
    part!("text").many(10_000_000, check);
}

fn check(input: &[u8], chance: &mut Chance) {
    let (mut encoder, mut sent) = (ToNetwork::default(), Vec::new());
    pieces(input, chance).into_iter().for_each(|piece| encoder.encode(piece, &mut sent));
    assert_eq!(sent, bare_feeds_get_a_cr(input));
    assert!(sent.len() <= 2 * input.len());

    let (mut decoder, mut stored) = (FromNetwork::default(), Vec::new());
    pieces(&sent, chance).into_iter().for_each(|piece| decoder.decode(piece, &mut stored));
    decoder.finish(&mut stored);
    assert_eq!(stored, pairs_lose_the_cr(input), "there and back");
    assert!(input.contains(&b'\r') || stored == input);

    let (mut decoder, mut stored) = (FromNetwork::default(), Vec::new());
    pieces(input, chance).into_iter().for_each(|piece| decoder.decode(piece, &mut stored));
    decoder.finish(&mut stored);
    assert_eq!(stored, pairs_lose_the_cr(input));
}

fn bare_feeds_get_a_cr(input: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::new();
    for &byte in input {
        if byte == b'\n' && out.last() != Some(&b'\r') {
            out.push(b'\r');
        }
        out.push(byte);
    }
    out
}

fn pairs_lose_the_cr(input: &[u8]) -> Vec<u8> {
    let is_kept = |&(at, &byte): &(usize, &u8)| byte != b'\r' || input.get(at + 1) != Some(&b'\n');
    input.iter().enumerate().filter(is_kept).map(|(_, &byte)| byte).collect()
}
