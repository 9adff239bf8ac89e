//! `Dir`: a directory read one entry at a time, so that a million names cost no memory. It sorts
//! nothing and spells nothing.

use super::facts::facts_at;
use super::{Refusal, Root};
use crate::proto::entry::Facts;
use crate::proto::path::VPath;
use rustix::fs::{OFlags, readlinkat};

/// A directory that is being listed. It stays the same directory if it is renamed meanwhile.
#[derive(Debug)]
pub struct Dir {
    entries: rustix::fs::Dir,
}

impl Dir {
    pub(super) fn open(root: &Root, path: &VPath) -> Result<Dir, Refusal> {
        let directory = root.resolve(path, OFlags::RDONLY | OFlags::DIRECTORY)?;
        Ok(Dir { entries: rustix::fs::Dir::new(directory)? })
    }

    /// The next name, in no order; `.` and `..` are left out. `None` at the end, and after a
    /// refusal, which ends the listing.
    pub fn next_name(&mut self) -> Option<Result<Vec<u8>, Refusal>> {
        loop {
            let entry = match self.entries.read()? {
                Ok(entry) => entry,
                Err(errno) => return Some(Err(errno.into())),
            };
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                return Some(Ok(name.to_vec()));
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
        facts_at(self.entries.fd()?, name)
    }

    /// Where the link `name` points, as it was written; `None` if it is no link (any more).
    pub fn link_target(&self, name: &[u8]) -> Option<Vec<u8>> {
        if !is_entry(name) {
            return None;
        }
        let target = readlinkat(self.entries.fd().ok()?, name, Vec::new()).ok()?;
        Some(target.into_bytes())
    }
}

/// The kernel doesn't confine a lookup relative to this directory, so nothing but a single
/// component may reach it.
fn is_entry(name: &[u8]) -> bool {
    name != b".." && !name.contains(&b'/')
}
