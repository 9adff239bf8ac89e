//! Descriptors that this process may have open: a limit that the program raises, and a server only
//! looks at.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Asks the kernel for as many descriptors as `max_sessions` sessions may need, for the whole
/// process and as far as its hard limit goes: three for each, since a control connection has a data
/// connection and a file beside it. A limit that is high enough already stays.
///
/// A server does not do this by itself, since the limit belongs to the program that it is part of.
///
/// # Errors
/// The kernel refuses; the limit stays as it was.
pub fn raise_descriptor_limit(max_sessions: usize) -> io::Result<()> {
    let wanted = max_sessions.saturating_mul(3).saturating_add(64) as u64;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let granted = maximum.map_or(wanted, |maximum| wanted.min(maximum));
    match current {
        Some(held) if held < granted => {
            let raised = Rlimit { current: Some(granted), maximum };
            setrlimit(Resource::Nofile, raised).map_err(io::Error::from)
        }
        Some(_) | None => Ok(()),
    }
}

/// A word in the log where not even the control connections of `max_sessions` sessions fit.
pub(super) fn warn_if_too_few(max_sessions: usize) {
    if let Some(held) = getrlimit(Resource::Nofile).current
        && held < max_sessions as u64
    {
        log::warn!(
            "{held} descriptors are not enough for {max_sessions} sessions; raise the limit of \
             this process (ulimit -n) or allow fewer sessions"
        );
    }
}
