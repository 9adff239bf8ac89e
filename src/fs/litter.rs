//! Litter: names that a file has before it has its own, and what becomes of those that a kill, or a
//! power cut, left behind. No client ever sees such a name.

use super::Refusal;
use super::facts::facts_at;
use crate::proto::facts::Kind;
use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags, flock, openat, unlinkat};
use rustix::io::retry_on_intr;
use rustix::rand::{GetRandomFlags, getrandom};
use std::os::fd::{AsFd, OwnedFd};

const PREFIX: &[u8] = b".packetboat-";
const DIGITS: usize = 16;

/// A temporary name of 64 random bits: neither guessed nor met twice.
pub(super) fn temporary_name() -> Result<Vec<u8>, Refusal> {
    let mut random = [0; 8];
    retry_on_intr(|| getrandom(&mut random, GetRandomFlags::empty()))?;
    let digits = format!("{:016x}~", u64::from_ne_bytes(random));
    Ok([PREFIX, digits.as_bytes()].concat())
}

/// True if a name is one of ours: then no client has it, sees it, or makes it.
pub(super) fn is_temporary(name: &[u8]) -> bool {
    let digits = name.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(b"~"));
    digits.is_some_and(|digits| {
        digits.len() == DIGITS && digits.iter().all(|digit| b"0123456789abcdef".contains(digit))
    })
}

/// Marks a file that has a temporary name, or soon has one, as one that somebody is at work on: until
/// the last descriptor of it is closed, by a kill at the latest.
pub(super) fn mark(file: &OwnedFd) {
    // Files that can't be locked can't be found unlocked either.
    let _ = flock(file, FlockOperation::NonBlockingLockShared);
}

/// Removes a temporary name that nobody is at work on any more: it is of an earlier life. Whoever may
/// not do that leaves it to those who may.
pub(super) fn sweep(folder: impl AsFd, name: &[u8]) {
    debug_assert!(is_temporary(name), "only our own names are swept away");
    if !facts_at(&folder, name).is_ok_and(|facts| facts.kind == Kind::File) {
        return;
    }
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let Ok(file) = openat(&folder, name, flags, Mode::empty()) else { return };
    if flock(file, FlockOperation::NonBlockingLockExclusive).is_ok() {
        let _ = unlinkat(folder, name, AtFlags::empty());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_we_name_is_ours() {
        assert!(is_temporary(&temporary_name().unwrap()));
        for other in [
            "packetboat-0123456789abcdef~",
            ".packetboat-0123456789abcdef",
            ".packetboat-0123456789abcde~",
            ".packetboat-0123456789abcdefa~",
            ".packetboat-0123456789ABCDEF~",
            ".packetboat-~",
            ".packetboat-~~",
            ".packetboat-notes~",
        ] {
            assert!(!is_temporary(other.as_bytes()), "{other}");
        }
    }
}
