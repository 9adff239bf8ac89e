//! `Dir`: a directory read a bounded piece at a time, so that a million names cost no memory. It sorts
//! nothing and spells nothing.

use super::facts::{facts_at, fresh_facts_at};
use super::{Refusal, Root};
use crate::proto::facts::Facts;
use crate::proto::path::VPath;
use rustix::fs::{OFlags, RawDir, readlinkat};
use std::fmt;
use std::os::fd::OwnedFd;

/// How many bytes of entries the kernel is asked for at once: about 800 names, which are read in some
/// 120 µs. In memory a name takes 1.8 times as long by 8 KiB, and no less by 64.
const ENTRIES_BYTES: usize = 32 * 1024;

/// A directory that is being listed. It stays the same directory if it is renamed meanwhile.
pub struct Dir {
    directory: OwnedFd,
    may_block: bool,
}

impl Dir {
    pub(super) fn open(root: &Root, path: &VPath) -> Result<Dir, Refusal> {
        let directory = root.resolve(path, OFlags::RDONLY | OFlags::DIRECTORY)?;
        Ok(Dir { directory, may_block: root.may_block() })
    }

    /// Names that come next, as many as one call to the kernel brings, in no order; `.` and
    /// `..` are left out. False at the end.
    ///
    /// # Errors
    /// The directory can't be read on.
    pub fn next_names(&mut self, mut take: impl FnMut(&[u8])) -> Result<bool, Refusal> {
        let mut room = Vec::with_capacity(ENTRIES_BYTES);
        let mut entries = RawDir::new(&self.directory, room.spare_capacity_mut());
        loop {
            let Some(entry) = entries.next() else { return Ok(false) };
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                take(name);
            }
            if entries.is_buffer_empty() {
                return Ok(true);
            }
        }
    }

    /// The facts of the entry `name`, or of the directory itself for `.`; a link is not followed.
    ///
    /// # Errors
    /// `NotFound` if it vanished since its name was read: to be skipped, not reported. `BadName`
    /// for what is no entry's name.
    pub fn facts_of(&self, name: &[u8]) -> Result<Facts, Refusal> {
        if !is_entry(name) {
            return Err(Refusal::BadName);
        }
        let facts = if self.may_block { fresh_facts_at } else { facts_at };
        facts(&self.directory, name)
    }

    /// Where the link `name` points, as it was written; `None` if it is no link (any more).
    pub fn link_target(&self, name: &[u8]) -> Option<Vec<u8>> {
        if !is_entry(name) {
            return None;
        }
        let target = readlinkat(&self.directory, name, Vec::new()).ok()?;
        Some(target.into_bytes())
    }
}

impl fmt::Debug for Dir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dir").field("directory", &self.directory).finish_non_exhaustive()
    }
}

/// The kernel doesn't confine a lookup relative to this directory, so nothing but a single
/// component may reach it.
fn is_entry(name: &[u8]) -> bool {
    name != b".." && !name.contains(&b'/')
}
