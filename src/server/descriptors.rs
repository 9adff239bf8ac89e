//! Descriptors that this process may have open: a limit that the program raises, and a server only
//! looks at.

use std::io;

// rustix takes for granted that the kernel tells a limit, and ends the process where it does not.
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, setrlimit};

/// Descriptors of a session: its control connection, and three in reserve for a passive listener, a
/// data connection and a file.
const EACH: usize = 4;
/// Descriptors for all else.
const BESIDE: usize = 64;

/// Asks the kernel for as many descriptors as `max_sessions` sessions may need, for the whole
/// process and as far as its hard limit goes: four for each, since a control connection has a
/// listener, a data connection and a file beside it. A limit that is high enough already stays.
///
/// A server does not do this by itself, since the limit belongs to the program that it is part of.
///
/// # Errors
/// The kernel refuses; the limit stays as it was.
pub fn raise_descriptor_limit(max_sessions: usize) -> io::Result<()> {
    let wanted = max_sessions.saturating_mul(EACH).saturating_add(BESIDE) as u64;
    let (held, maximum) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let granted = wanted.min(maximum);
    if held < granted {
        setrlimit(Resource::RLIMIT_NOFILE, granted, maximum)?;
    }
    Ok(())
}

/// Descriptors that this process may have open, as far as the kernel tells: no limit at all is the
/// largest number.
pub(super) fn limit() -> u64 {
    getrlimit(Resource::RLIMIT_NOFILE).map_or(RLIM_INFINITY, |(held, _)| held)
}

/// Sessions of `max_sessions` that the limit has descriptors for, with a word in the log if they are
/// fewer.
pub(super) fn places(max_sessions: usize) -> usize {
    let held = limit();
    if held == RLIM_INFINITY {
        return max_sessions;
    }
    let places = places_within(held);
    if places.is_none_or(|places| places < max_sessions) {
        let enough =
            places.map_or_else(|| "none in reserve".to_owned(), |places| places.to_string());
        log::warn!(
            "{held} descriptors are not enough for {max_sessions} sessions, with {EACH} for each: \
             {enough}; raise the limit of this process (ulimit -n) or allow fewer sessions"
        );
    }
    places.map_or(max_sessions, |places| places.min(max_sessions))
}

/// Sessions that a limit has descriptors for; `None` if it leaves no room for a reserve: then those
/// who come wait until there is a descriptor.
fn places_within(held: u64) -> Option<usize> {
    let held = usize::try_from(held).unwrap_or(usize::MAX);
    Some(held.checked_sub(BESIDE)? / EACH).filter(|places| *places > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When descriptors ran out those who were at work had none for their transfers.
    #[test]
    fn each_session_has_three_descriptors_in_reserve() {
        for (held, places) in
            [(20, None), (67, None), (68, Some(1)), (80, Some(4)), (1024, Some(240))]
        {
            assert_eq!(places_within(held), places, "{held}");
        }
        assert_eq!(places_within(40_064), Some(10_000));
    }
}
