//! Freeing: with its last name a file loses its bytes, all in one call that nobody can interrupt. On a
//! file system in memory that takes some 30 ms for 256 MiB, on a disk more.

use crate::proto::facts::{Facts, Kind};

/// Bytes whose freeing takes milliseconds: then it is for a thread that may wait.
pub(super) const MUCH: u64 = 32 << 20;

/// True if much is freed when the file of these facts loses a name.
pub(super) fn frees_much(facts: &Facts) -> bool {
    facts.kind == Kind::File && facts.links <= 1 && facts.size >= MUCH
}
