//! Seeds: one is a whole run, the same each time, and a run that fails says its own. The variable
//! `PACKETBOAT_SEED` asks for one, `42`, or for a range, `42..99`.

use std::env;
use std::ops::Range;
use std::time::{SystemTime, UNIX_EPOCH};

const VARIABLE: &str = "PACKETBOAT_SEED";

/// Seeds that every run has, the same each time; or those that are asked for.
pub fn first(count: u64) -> Range<u64> {
    asked().unwrap_or(0..count)
}

/// Seeds that no run had before, since they begin at the clock, in microseconds; or those that are
/// asked for.
pub fn fresh(count: u64) -> Range<u64> {
    asked().unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is set");
        let begin = now.as_micros() as u64;
        begin..begin + count
    })
}

/// True if certain seeds are asked for, and no others are to be run.
pub fn are_asked_for() -> bool {
    asked().is_some()
}

fn asked() -> Option<Range<u64>> {
    let text = env::var(VARIABLE).ok()?;
    let number = |digits: &str| -> u64 {
        digits.parse().expect("PACKETBOAT_SEED is a number, or two with `..` between them")
    };
    Some(match text.split_once("..") {
        Some((begin, end)) => number(begin)..number(end),
        None => number(&text)..number(&text) + 1,
    })
}

/// Seed at work and the step that it has come to, which a failure tells.
pub struct Place {
    pub seed: u64,
    pub step: u32,
}

impl Place {
    pub fn new(seed: u64) -> Place {
        Place { seed, step: 0 }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("step {} of {VARIABLE}={}", self.step, self.seed);
        }
    }
}
