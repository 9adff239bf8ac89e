//! Mutations: how one input becomes another.

use super::Chance;

/// Longest piece that is repeated, and longest input that mutations grow, in bytes.
const LONGEST: usize = 20_000;

/// Tokens that parsers stumble over: ends of lines, Telnet, paths, limits of numbers.
#[rustfmt::skip]
const TOKENS: [&[u8]; 44] = [
    b"\r\n", b"\n", b"\r", b"\0", b"\xff", b"\xff\xff", b"\xff\xf4\xff\xf2", b"\xff\xfa", b"\xff\xf0",
    b" ", b"  ", b"\t", b"/", b"//", b"/../", b"..", b".", b"|", b"||", b",", b";", b"=", b"\"", b"\"\"",
    b"*", b"?", b"[", b"]", b"[!", b"\\", b"-", b":", b"%", b"0", b"-1", b"255", b"256", b"65535", b"65536",
    b"4294967296", b"18446744073709551615", b"18446744073709551616", "\u{202e}".as_bytes(), "ü".as_bytes(),
];

/// Changes an input in one place; `other` is another one, of which it may take a piece.
pub fn mutate(input: &mut Vec<u8>, other: &[u8], chance: &mut Chance) {
    let at = chance.upto(input.len());
    let end = at + chance.upto((input.len() - at).min(16));
    match chance.below(10) {
        0 if at < input.len() => input[at] ^= 1 << chance.below(8),
        1 if at < input.len() => input[at] = chance.below(256) as u8,
        2 => input.truncate(at),
        3 => drop(input.drain(at..end)),
        4 => repeat(input, at..end, chance),
        5 => {
            let from = chance.upto(other.len());
            input.truncate(at);
            input.extend_from_slice(&other[from..]);
        }
        6 => {
            let from = chance.upto(other.len());
            let to = from + chance.upto((other.len() - from).min(16));
            drop(input.splice(at..end, other[from..to].iter().copied()));
        }
        7 => input[at..end].make_ascii_uppercase(),
        _ => drop(input.splice(at..at, chance.pick(&TOKENS).iter().copied())),
    }
    input.truncate(LONGEST);
}

/// Repeats a piece some times, or now and then until the input is long.
fn repeat(input: &mut Vec<u8>, piece: std::ops::Range<usize>, chance: &mut Chance) {
    let most = if chance.one_in(200) { LONGEST / (1 + piece.len()) } else { 8 };
    let copies = input[piece.clone()].repeat(chance.upto(most));
    drop(input.splice(piece.end..piece.end, copies));
}
