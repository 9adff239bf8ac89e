//! Clock on the wall, for what people read: dates of listings and certificates.

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since 1970; a clock before that is taken for 1970.
pub(super) fn wall_clock() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
