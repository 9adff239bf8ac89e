//! Corpus: inputs that were worth writing down, one a line, as Rust spells a byte string (`\r`,
//! `\xff`, `\\`). A line that begins with `#` says where the next ones are from.

use super::Chance;
use super::mutation::mutate;

pub struct Corpus(Vec<Vec<u8>>);

/// Mutations that an input goes through, at most.
const MOST_MUTATIONS: u64 = 6;

impl Corpus {
    pub fn parse(text: &str) -> Corpus {
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let inputs: Vec<Vec<u8>> = lines.map(read).collect();
        assert!(!inputs.is_empty(), "a corpus without an input");
        Corpus(inputs)
    }

    pub fn inputs(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(Vec::as_slice)
    }

    /// Input that the corpus has, changed; or, now and then, one that has but its bytes.
    pub fn input(&self, chance: &mut Chance) -> Vec<u8> {
        let mut input = self.one(chance).to_vec();
        if chance.one_in(8) {
            let bytes = if chance.one_in(2) { input } else { (0..=255).collect() };
            let count = chance.upto(60).min(60 * bytes.len());
            return (0..count).map(|_| chance.pick(&bytes)).collect();
        }
        for _ in 0..chance.below(MOST_MUTATIONS + 1) {
            let other = self.one(chance);
            mutate(&mut input, other, chance);
        }
        input
    }

    fn one(&self, chance: &mut Chance) -> &[u8] {
        &self.0[chance.upto(self.0.len() - 1)]
    }
}

/// An input as a line of a corpus.
pub fn spelled(input: &[u8]) -> String {
    let line = input.escape_ascii().to_string();
    // Blanks at the end get lost in editors, and a `#` would begin a comment.
    let text = line.trim_end_matches(' ');
    let blanks = "\\x20".repeat(line.len() - text.len());
    match text.strip_prefix('#') {
        Some(rest) => format!("\\x23{rest}{blanks}"),
        None => format!("{text}{blanks}"),
    }
}

fn read(line: &str) -> Vec<u8> {
    let (mut input, mut rest) = (Vec::new(), line.as_bytes());
    loop {
        let (byte, after) = match rest {
            [] => return input,
            [b'\\', b'x', high, low, after @ ..] => (16 * digit(*high) + digit(*low), after),
            [b'\\', b'0', after @ ..] => (0, after),
            [b'\\', b'r', after @ ..] => (b'\r', after),
            [b'\\', b'n', after @ ..] => (b'\n', after),
            [b'\\', b't', after @ ..] => (b'\t', after),
            [b'\\', byte @ (b'\\' | b'\'' | b'"'), after @ ..] => (*byte, after),
            [b'\\', ..] => panic!("no such escape in a corpus: {line}"),
            [byte, after @ ..] => (*byte, after),
        };
        input.push(byte);
        rest = after;
    }
}

fn digit(byte: u8) -> u8 {
    char::from(byte).to_digit(16).expect("a hexadecimal digit") as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_a_corpus_is_read_as_it_was_spelled() {
        let all: Vec<u8> = (0..=255).collect();
        for input in [&all[..], b"# no comment", b"blanks  ", b"  ", b"\\x41", b"'\"\t"] {
            let line = spelled(input);
            assert!(!line.starts_with('#') && !line.ends_with(' '), "{line}");
            assert_eq!(read(&line), input, "{line}");
        }
        assert_eq!(Corpus::parse("# of RFC 959\n\nNOOP\r\n").0, [b"NOOP"]);
    }
}
