//! `Scratch`: a file that stands under no name until it is whole, and how it gets one. What is
//! left of it when it is dropped without a name: nothing.
//!
//! It is an O_TMPFILE in the folder where it is to stand, so that not even a kill -9 leaves it
//! behind. Where the file system has none, or where /proc is missing, without which such a file
//! can't be linked, it has a temporary name from the start, and only a kill can leave it there.

use super::facts::facts_at;
use super::{NewFile, Refusal};
use crate::proto::facts::Kind;
use rustix::fs::{AtFlags, CWD, FallocateFlags, Mode, OFlags, RenameFlags};
use rustix::fs::{fallocate, fchmod, ftruncate, linkat, openat};
use rustix::fs::{renameat, renameat_with, statat, unlinkat};
use rustix::io::Errno;
use rustix::rand::{GetRandomFlags, getrandom};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

/// A file without a name, or not yet a file at all.
#[derive(Debug)]
pub(super) struct Scratch {
    folder: OwnedFd,
    file: Option<OwnedFd>,
    temporary: Option<Vec<u8>>,
}

impl Scratch {
    /// A file to come in `folder`; nothing is made yet.
    pub(super) fn new(folder: OwnedFd) -> Scratch {
        Scratch { folder, file: None, temporary: None }
    }

    /// Makes the file, empty, with mode 0666 less the umask.
    pub(super) fn create(&mut self) -> Result<(), Refusal> {
        let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
        match openat(&self.folder, ".", flags, new_file_mode()) {
            Ok(file) if statat(CWD, magic_link(&file), AtFlags::SYMLINK_NOFOLLOW).is_ok() => {
                self.file = Some(file);
                Ok(())
            }
            // All that file systems answer that don't know O_TMPFILE.
            Ok(_) | Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::NOENT | Errno::INVAL) => {
                self.create_named()
            }
            Err(errno) => Err(errno.into()),
        }
    }

    /// Makes the file under a temporary name.
    pub(super) fn create_named(&mut self) -> Result<(), Refusal> {
        let name = temporary_name()?;
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
        self.file = Some(openat(&self.folder, &name, flags, new_file_mode())?);
        self.temporary = Some(name);
        Ok(())
    }

    /// Gives the file its mode, and reserves its room on the disk.
    ///
    /// # Errors
    /// `NoSpace` or `Quota` if the room can't be had.
    pub(super) fn shape(&self, new: NewFile) -> Result<(), Refusal> {
        let Some(file) = &self.file else { return Ok(()) };
        if let Some(umask) = new.umask {
            // Where a file system has no such bits, that is no reason to lose an upload.
            let _ = fchmod(file, new_file_mode() & !Mode::from_raw_mode(umask.into()));
        }
        if new.reserve > 0 {
            let reserve = new.reserve.min(LARGEST_RESERVE);
            match fallocate(file, FallocateFlags::KEEP_SIZE, 0, reserve) {
                // A file system that can't reserve will tell when it is full.
                Err(Errno::OPNOTSUPP | Errno::NOSYS) => {}
                reserved => reserved?,
            }
        }
        Ok(())
    }

    /// Gives back what was reserved beyond the length that the file has come to.
    pub(super) fn give_back(&self, length: u64) -> Result<(), Refusal> {
        Ok(self.file.as_ref().map_or(Ok(()), |file| ftruncate(file, length))?)
    }

    /// The file, once it is made.
    pub(super) fn file(&self) -> Option<&OwnedFd> {
        self.file.as_ref()
    }

    /// Gives the file its name, if nothing has that name.
    ///
    /// # Errors
    /// `Exists`; then it has no name, as after any other refusal.
    pub(super) fn take_new(&mut self, name: &[u8]) -> Result<(), Refusal> {
        let Some(temporary) = &self.temporary else { return self.link(name) };
        match renameat_with(&self.folder, temporary, &self.folder, name, RenameFlags::NOREPLACE) {
            // A file system without that flag, such as NFS, has hard links, which never replace
            // either; the temporary name then goes with the drop.
            Err(Errno::INVAL) => {
                linkat(&self.folder, temporary, &self.folder, name, AtFlags::empty())?;
            }
            done => {
                done?;
                self.temporary = None;
            }
        }
        Ok(())
    }

    /// Gives the file its name, in place of a file or link that has it. A file's permission bits
    /// are inherited, but no set-id bits: those were granted to the old content.
    ///
    /// # Errors
    /// `IsDirectory` if a directory has the name; then it has none.
    pub(super) fn take_over(&mut self, name: &[u8]) -> Result<(), Refusal> {
        if let Ok(old) = facts_at(&self.folder, name)
            && let (Kind::File, Some(file)) = (old.kind, &self.file)
        {
            let _ = fchmod(file, Mode::from_raw_mode(u32::from(old.mode & 0o777))); // as in `shape`
        }
        if self.temporary.is_none() {
            match self.link(name) {
                // linkat can't replace and renameat needs a name, so it gets one for a moment.
                Err(Refusal::Exists) => {
                    let temporary = temporary_name()?;
                    self.link(&temporary)?;
                    self.temporary = Some(temporary);
                }
                done => return done,
            }
        }
        if let Some(temporary) = &self.temporary {
            renameat(&self.folder, temporary, &self.folder, name)?;
            self.temporary = None;
        }
        Ok(())
    }

    /// Links the unnamed file. By way of /proc, since AT_EMPTY_PATH would need a capability or
    /// Linux 6.10; the path is ours, and no part of it a client's.
    fn link(&self, name: &[u8]) -> Result<(), Refusal> {
        let Some(file) = &self.file else {
            debug_assert!(false, "a scratch file is created before it is named");
            return Err(Errno::BADF.into());
        };
        Ok(linkat(CWD, magic_link(file), &self.folder, name, AtFlags::SYMLINK_FOLLOW)?)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Some(temporary) = &self.temporary {
            // If that fails, there is nobody left to tell, and nothing to be done about it.
            let _ = unlinkat(&self.folder, temporary, AtFlags::empty());
        }
    }
}

/// 64 random bits: neither guessed nor met twice, and the tilde says what it is to whoever finds
/// one after a crash.
fn temporary_name() -> Result<Vec<u8>, Refusal> {
    let mut random = [0; 8];
    getrandom(&mut random, GetRandomFlags::empty())?;
    Ok(format!(".packetboat-{:016x}~", u64::from_ne_bytes(random)).into_bytes())
}

/// The path of a descriptor of ours. Of this thread's, since a thread may have a table of its own,
/// and that of the process is gone with its first thread.
pub(super) fn magic_link(file: impl AsFd) -> String {
    format!("/proc/thread-self/fd/{}", file.as_fd().as_raw_fd())
}

/// A file system in memory takes its time to reserve, in one call that nobody can interrupt; what is
/// beyond this is told when the disk is full.
const LARGEST_RESERVE: u64 = 1 << 30;

fn new_file_mode() -> Mode {
    Mode::from_raw_mode(0o666)
}
