//! `Dir`: a directory read a bounded piece at a time, so that a million names cost no memory. It sorts
//! nothing and spells nothing.

use super::facts::{facts_at, facts_of, fresh_facts_at};
use super::litter::{is_temporary, sweep};
use super::remote::Medium;
use super::{Refusal, Root};
use crate::proto::facts::{Facts, Kind};
use crate::proto::path::VPath;
use rustix::fs::{FileType, OFlags, RawDir, readlinkat};
use rustix::io::Errno;
use std::fmt;
use std::os::fd::OwnedFd;

/// Bytes of entries that the kernel is asked for at once: about 800 names, which are read in some
/// 120 µs. In memory a name takes 1.8 times as long by 8 KiB, and no less by 64.
const ENTRIES_BYTES: usize = 32 * 1024;

/// A directory that is being listed. It stays the same directory if it is renamed meanwhile.
pub struct Dir {
    directory: OwnedFd,
    may_block: bool,
    /// True if its end can be believed: every directory of this machine holds `.` at least.
    credible: bool,
}

impl Dir {
    pub(super) fn open(root: &Root, path: &VPath) -> Result<Dir, Refusal> {
        let directory = root.resolve(path, OFlags::RDONLY | OFlags::DIRECTORY)?;
        let credible = root.medium_at(&directory) == Medium::Remote;
        Ok(Dir { directory, may_block: root.may_block(), credible })
    }

    /// Names that come next, as many as one call to the kernel brings, in no order, with the kind
    /// of each if the file system tells; `.` and `..` are left out, and names that no client sees.
    /// False at the end.
    ///
    /// # Errors
    /// The directory can't be read on; `NotFound` if it was removed meanwhile.
    pub fn next_names(
        &mut self,
        mut take: impl FnMut(&[u8], Option<Kind>),
    ) -> Result<bool, Refusal> {
        let mut room = Vec::with_capacity(ENTRIES_BYTES);
        let mut entries = RawDir::new(&self.directory, room.spare_capacity_mut());
        loop {
            let entry = match entries.next() {
                Some(Err(Errno::INTR)) => continue,
                Some(entry) => entry?,
                None if self.credible => return Ok(false),
                None => return Err(Errno::IO.into()),
            };
            self.credible = true;
            let name = entry.file_name().to_bytes();
            if is_temporary(name) {
                sweep(&self.directory, name);
            } else if name != b"." && name != b".." {
                take(name, kind(entry.file_type()));
            }
            if entries.is_buffer_empty() {
                return Ok(true);
            }
        }
    }

    /// The facts of the entry `name`, or of the directory itself for `.`; a link is not followed.
    ///
    /// # Errors
    /// `NotFound` if it vanished since its name was read: to be skipped, not reported; and for a name
    /// that no client sees. `BadName` for what is no entry's name. Anything else: it is there, and
    /// can't be looked at.
    pub fn facts_of(&self, name: &[u8]) -> Result<Facts, Refusal> {
        if !is_entry(name) {
            return Err(Refusal::BadName);
        }
        if is_temporary(name) {
            return Err(Refusal::NotFound);
        }
        let facts = if self.may_block { fresh_facts_at } else { facts_at };
        facts(&self.directory, name)
    }

    /// True if the directory was removed meanwhile, so that its names say nothing.
    pub fn is_removed(&self) -> bool {
        facts_of(&self.directory).is_ok_and(|facts| facts.links == 0)
    }

    /// Target of the link `name`, as it was written; `None` if it is no link (any more).
    pub fn link_target(&self, name: &[u8]) -> Option<Vec<u8>> {
        if !is_entry(name) {
            return None;
        }
        let target = readlinkat(&self.directory, name, Vec::new()).ok()?;
        Some(target.into_bytes())
    }
}

fn kind(file_type: FileType) -> Option<Kind> {
    match file_type {
        FileType::Unknown => None,
        FileType::RegularFile => Some(Kind::File),
        FileType::Directory => Some(Kind::Directory),
        FileType::Symlink => Some(Kind::Link),
        _ => Some(Kind::Special),
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
