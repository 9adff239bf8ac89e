//! Records of any bytes, in pieces of any size: whole where a naive reader finds them whole.

use super::*;
use crate::fuzz::{Chance, part, pieces};

#[test]
fn hostile_records_are_whole_where_they_should_be() {
    part!("records").some(check);
}

#[test]
#[ignore = "needs some minutes, in release mode"]
fn fuzz_of_records() {
    part!("records").many(10_000_000, check);
}

fn check(input: &[u8], chance: &mut Chance) {
    let (mut records, mut passed) = (Records::default(), 0);
    for piece in pieces(input, chance) {
        records.pass(piece);
        passed += piece.len();
        assert_eq!(records.are_whole(), are_whole(&input[..passed]), "behind {passed} bytes");
    }
    assert!(records.framed < FRAME_BYTES && records.left <= usize::from(u16::MAX));
}

fn are_whole(mut rest: &[u8]) -> bool {
    while let [_, _, _, high, low, body @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let Some(after) = body.get(length..) else { return false };
        rest = after;
    }
    rest.is_empty()
}
