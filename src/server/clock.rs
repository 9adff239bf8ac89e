//! Clocks beside that of the loop: the one on the wall, for what people read, as dates of listings and
//! certificates, and the kernel's as a number, for the service manager.

use std::time::{SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};

/// Seconds since 1970; a clock before that is taken for 1970.
pub(super) fn wall_clock() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// Microseconds of CLOCK_MONOTONIC.
pub(super) fn monotonic_micros() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let micros = now.tv_sec.saturating_mul(1_000_000).saturating_add(now.tv_nsec / 1_000);
    u64::try_from(micros).unwrap_or_default()
}
