//! MODE Z of any bytes: what is packed comes back across every cut, a hostile stream comes to its end
//! in bounded pieces, and no part of a stream counts as whole.

use super::*;
use crate::fuzz::{Chance, part, pieces};
use crate::proto::coding::Level;
use crate::transfer::deflate::Packer;

/// Bytes that one byte of a stream can become at most.
const MOST_GROWTH: usize = 1032;
/// Room for a piece, which an output that was no longer empty may exceed.
const MOST_AT_ONCE: usize = 128 * 1024;

#[test]
fn hostile_streams_are_unpacked_in_bounds() {
    part!("deflate").some(check);
}

#[test]
#[ignore = "needs some minutes, in release mode"]
fn fuzz_of_deflate() {
    part!("deflate").many(1_000_000, check);
}

fn check(input: &[u8], chance: &mut Chance) {
    let [one, other] = [(); 2].map(|()| unpacked(&pieces(input, chance)));
    assert_eq!(one, other, "cuts make a difference");
    if chance.one_in(4) {
        check_there_and_back(input, chance);
    }
}

fn check_there_and_back(input: &[u8], chance: &mut Chance) {
    let mut packer = Packer::new(Level(1 + chance.below(9) as u8));
    let mut stream = Vec::new();
    pieces(input, chance).into_iter().for_each(|piece| packer.pack(piece, &mut stream));
    assert!(packer.finish(&mut stream) && !packer.finish(&mut stream));
    assert!(stream.len() <= 100 + input.len() + input.len() / 100, "{} bytes", stream.len());
    let whole = Outcome { plain: input.to_vec(), end: End::Whole };
    assert_eq!(unpacked(&pieces(&stream, chance)), whole);

    let cut = 1 + chance.upto(stream.len() - 2);
    let part = unpacked(&pieces(&stream[..cut], chance));
    assert_eq!(part.end, End::CutOff, "{cut} bytes of {} are whole", stream.len());
    assert!(input.starts_with(&part.plain));
    stream.push(chance.below(256) as u8);
    assert_eq!(unpacked(&pieces(&stream, chance)).end, End::Garbage, "more than the stream");
}

#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    plain: Vec<u8>,
    end: End,
}

#[derive(Debug, PartialEq, Eq)]
enum End {
    Whole,
    CutOff,
    Garbage,
}

/// Unpacks as an upload does; what a stream had before it was found to be none does not count.
fn unpacked(pieces: &[&[u8]]) -> Outcome {
    let mut packed =
        Packed { unpacker: Unpacker::new(), received: Vec::new(), position: 0, holds: false };
    let (mut plain, mut taken) = (Vec::new(), 0);
    for piece in pieces {
        taken += piece.len();
        packed.take(piece);
        while packed.is_waiting() {
            let before = packed.position;
            let Some(some) = packed.piece() else {
                return Outcome { plain: Vec::new(), end: End::Garbage };
            };
            assert!(some.len() <= MOST_AT_ONCE, "{} bytes at once", some.len());
            assert!(packed.position > before || !some.is_empty() || packed.holds, "no step");
            plain.extend(some);
            assert!(plain.len() <= MOST_GROWTH * taken, "{} of {taken}", plain.len());
        }
    }
    let end = if packed.unpacker.is_complete() { End::Whole } else { End::CutOff };
    Outcome { plain, end }
}
