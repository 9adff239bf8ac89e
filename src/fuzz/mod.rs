//! Fuzz: hostile inputs for all that reads what comes from outside. Tests only, and no room: tests of
//! every room use it. Each part's own `fuzz.rs` says what must hold of the part for any input; here
//! is where inputs come from.
//!
//! ```text
//! cargo test --lib fuzz                              some inputs of each part
//! cargo test --release --lib -- --ignored fuzz_      some millions, others each time
//! PACKETBOAT_SEED=42 cargo test --lib fuzz           one of them again
//! ```
//!
//! A failure prints its seed, and its input as a line for the corpus. The line is what stays: a
//! seed means another input as soon as the corpus has one more.

mod chance;
mod corpus;
mod mutation;
pub mod seeds;

pub use chance::Chance;
use corpus::{Corpus, spelled};

/// Inputs of a plain run, beside the corpus itself: each time these, and others.
const FIRST: u64 = 2_000;
const FRESH: u64 = 1_000;

/// Part that is tried, by the name of its corpus.
pub struct Part {
    name: &'static str,
    corpus: Corpus,
}

/// The part whose corpus is `src/fuzz/corpus/NAME.txt`.
macro_rules! part {
    ($name:literal) => {
        $crate::fuzz::Part::new(
            $name,
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/fuzz/corpus/", $name, ".txt")),
        )
    };
}
pub(crate) use part;

impl Part {
    pub fn new(name: &'static str, text: &str) -> Part {
        Part { name, corpus: Corpus::parse(text) }
    }

    /// Checks some inputs: the corpus, and what becomes of it by the seeds of a plain run.
    pub fn some(&self, check: impl Fn(&[u8], &mut Chance)) {
        if !seeds::are_asked_for() {
            for input in [&b""[..]].into_iter().chain(self.corpus.inputs()) {
                let _told = Told { part: self, input };
                check(input, &mut Chance::new(0));
            }
        }
        let fresh = if seeds::are_asked_for() { 0..0 } else { seeds::fresh(FRESH) };
        self.run(seeds::first(FIRST).chain(fresh), check);
    }

    /// Checks so many inputs, others each time.
    pub fn many(&self, inputs: u64, check: impl Fn(&[u8], &mut Chance)) {
        self.run(seeds::fresh(inputs), check);
    }

    fn run(&self, seeds: impl Iterator<Item = u64>, check: impl Fn(&[u8], &mut Chance)) {
        for seed in seeds {
            let _place = seeds::Place::new(seed);
            let mut chance = Chance::new(seed);
            let input = self.corpus.input(&mut chance);
            let _told = Told { part: self, input: &input };
            check(&input, &mut chance);
        }
    }
}

/// Input at work, which a failure tells.
struct Told<'a> {
    part: &'a Part,
    input: &'a [u8],
}

impl Drop for Told<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let line = spelled(self.input);
            eprintln!("a line for src/fuzz/corpus/{}.txt:\n{line}", self.part.name);
        }
    }
}

/// Pieces that an input comes in: of a few bytes, of many, or all at once.
pub fn pieces<'a>(input: &'a [u8], chance: &mut Chance) -> Vec<&'a [u8]> {
    let longest = chance.pick(&[1, 2, 7, 100, 5_000, usize::MAX]);
    let (mut pieces, mut rest) = (Vec::new(), input);
    while !rest.is_empty() {
        let (piece, more) = rest.split_at(1 + chance.upto(longest.min(rest.len()) - 1));
        pieces.push(piece);
        rest = more;
    }
    pieces
}
