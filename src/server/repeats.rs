//! Repeats: lines of the log that clients could have written again and again.

use std::fmt;
use std::time::{Duration, Instant};

/// Time from one line to the next of its kind.
const PAUSE: Duration = Duration::from_secs(1);

/// Lines of one kind: one a second is written, and says how many were not.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    latest: Option<Instant>,
    left_out: usize,
}

/// End of a line: the number of those that were left out before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LeftOut(usize);

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => Ok(()),
            count => write!(f, " ({count} times more since the last such line)"),
        }
    }
}

impl Repeats {
    /// True if the line is to be written now, and its end.
    pub(super) fn line(&mut self, now: Instant) -> Option<LeftOut> {
        if self.latest.is_some_and(|latest| now < latest + PAUSE) {
            self.left_out += 1;
            return None;
        }
        self.latest = Some(now);
        Some(LeftOut(std::mem::take(&mut self.left_out)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two thousand connections that were refused wrote two thousand lines.
    #[test]
    fn one_line_a_second_tells_of_all() {
        let (mut repeats, now) = (Repeats::default(), Instant::now());
        let ends = [0, 1, 2, 999, 1000, 1001, 3000].map(|millis| {
            let end = repeats.line(now + Duration::from_millis(millis));
            end.map(|end| end.to_string())
        });
        let more = |count| Some(format!(" ({count} times more since the last such line)"));
        assert_eq!(ends, [Some(String::new()), None, None, None, more(3), None, more(1)]);
    }
}
