//! `Scratch`: a file that stands under no name until it is whole, and how it gets one. What is
//! left of it when it is dropped without a name: nothing.
//!
//! The file is an O_TMPFILE in the folder where it is to stand, so not even kill -9 leaves it
//! behind. Where the file system has none, or where /proc is missing, without which such a file
//! can't be linked, it has a temporary name from the start, and only a kill can leave it there.

use super::Refusal;
use super::facts::facts_of;
use super::heritage::inherit;
use super::lasting::{Lasting, settle, settle_name};
use super::litter::{mark, temporary_name};
use super::remote::Medium;
use crate::proto::facts::Kind;
use rustix::fs::{AtFlags, CWD, FallocateFlags, Mode, OFlags, RenameFlags};
use rustix::fs::{fallocate, fstatvfs, ftruncate, linkat, openat};
use rustix::fs::{renameat, renameat_with, statat, unlinkat};
use rustix::io::{Errno, retry_on_intr};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

/// A file without a name, or not yet a file at all.
#[derive(Debug)]
pub(super) struct Scratch {
    folder: OwnedFd,
    file: Option<OwnedFd>,
    temporary: Option<Vec<u8>>,
    /// Bytes of the disk that are reserved for it, from its beginning.
    reserved: u64,
}

impl Scratch {
    /// A file to come in `folder`; nothing is made yet.
    pub(super) fn new(folder: OwnedFd) -> Scratch {
        Scratch { folder, file: None, temporary: None, reserved: 0 }
    }

    /// Makes the file, empty, with this mode less the process's umask.
    pub(super) fn create(&mut self, mode: u16) -> Result<(), Refusal> {
        let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
        let mode_bits = Mode::from_raw_mode(mode.into());
        match retry_on_intr(|| openat(&self.folder, ".", flags, mode_bits)) {
            Ok(file) if statat(CWD, magic_link(&file), AtFlags::SYMLINK_NOFOLLOW).is_ok() => {
                self.file = Some(file);
                Ok(())
            }
            // Answers of file systems that don't know O_TMPFILE.
            Ok(_) | Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::NOENT | Errno::INVAL) => {
                self.create_named(mode)
            }
            Err(errno) => Err(errno.into()),
        }
    }

    /// Makes the file under a temporary name.
    pub(super) fn create_named(&mut self, mode: u16) -> Result<(), Refusal> {
        let name = temporary_name()?;
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(mode.into());
        let file = retry_on_intr(|| openat(&self.folder, &name, flags, mode))?;
        mark(&file);
        self.file = Some(file);
        self.temporary = Some(name);
        Ok(())
    }

    /// Refuses a file of `bytes` that would find no room, without taking any.
    pub(super) fn must_have_room(&self, bytes: u64) -> Result<(), Refusal> {
        if bytes == 0 {
            return Ok(());
        }
        let space = fstatvfs(&self.folder)?;
        let free = space.f_bavail.saturating_mul(space.f_frsize);
        if bytes > free { Err(Refusal::NoSpace) } else { Ok(()) }
    }

    /// Reserves room on the disk for what comes next of a file of `whole` bytes, of which `written`
    /// are there: some way ahead, and no more than that, so that nobody gets a disk for a promise.
    ///
    /// # Errors
    /// `NoSpace` or `Quota` if the room can't be had.
    pub(super) fn reserve_ahead(&mut self, written: u64, whole: u64) -> Result<(), Refusal> {
        let Some(file) = &self.file else { return Ok(()) };
        if self.reserved >= whole || self.reserved > written.saturating_add(RESERVED_AHEAD / 2) {
            return Ok(());
        }
        let begin = self.reserved.max(written);
        let length = RESERVED_AHEAD.min(whole.saturating_sub(begin));
        if length > 0 {
            match retry_on_intr(|| fallocate(file, FallocateFlags::KEEP_SIZE, begin, length)) {
                // A file system that can't reserve will tell when it is full.
                Err(Errno::OPNOTSUPP | Errno::NOSYS) => {}
                reserved => reserved?,
            }
        }
        self.reserved = begin + length;
        Ok(())
    }

    /// Gives back what was reserved beyond the length that the file has come to.
    pub(super) fn give_back(&self, length: u64) -> Result<(), Refusal> {
        match &self.file {
            Some(file) if self.reserved > length => Ok(retry_on_intr(|| ftruncate(file, length))?),
            Some(_) | None => Ok(()),
        }
    }

    /// Sees the file to the disk, as [`settle`] does.
    pub(super) fn settle(&self, medium: Medium, lasting: Lasting) -> Result<(), Refusal> {
        settle(self.made()?, medium, lasting)
    }

    /// Sees the name of the file to the disk.
    pub(super) fn settle_name(&self) -> Result<(), Refusal> {
        settle_name(self.made()?, &self.folder)
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

    /// Gives the file its name, in place of a file or link that has it. What an old file had besides
    /// its content is inherited.
    ///
    /// # Errors
    /// `IsDirectory` if a directory has the name; then it has none.
    pub(super) fn take_over(&mut self, name: &[u8]) -> Result<(), Refusal> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        if let Ok(old) = openat(&self.folder, name, flags, Mode::empty())
            && let Ok(facts) = facts_of(&old)
            && facts.kind == Kind::File
        {
            inherit(self.made()?, &old, &facts);
        }
        let temporary = match self.temporary.take() {
            Some(temporary) => temporary,
            None => match self.link(name) {
                // linkat can't replace and renameat needs a name, so it gets one for a moment.
                Err(Refusal::Exists) => {
                    let temporary = temporary_name()?;
                    mark(self.made()?);
                    self.link_as(&temporary)?;
                    temporary
                }
                done => return done,
            },
        };
        let renamed = renameat(&self.folder, &temporary, &self.folder, name);
        if renamed.is_err() {
            self.temporary = Some(temporary);
        }
        Ok(renamed?)
    }

    /// Links the unnamed file under its own name, and tells whoever watches the folder. They wait for
    /// the close of a file that was written to, and the name that this descriptor is known by is none.
    fn link(&self, name: &[u8]) -> Result<(), Refusal> {
        self.link_as(name)?;
        let flags = OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
        // A mode that forbids it is no reason to lose an upload.
        drop(openat(&self.folder, name, flags | OFlags::CLOEXEC, Mode::empty()));
        Ok(())
    }

    fn made(&self) -> Result<&OwnedFd, Refusal> {
        debug_assert!(self.file.is_some(), "a scratch file is created before it is named");
        self.file.as_ref().ok_or_else(|| Errno::BADF.into())
    }

    /// Links the unnamed file. By way of /proc, since AT_EMPTY_PATH would need a capability or
    /// Linux 6.10; the path is ours, and no part of it a client's.
    fn link_as(&self, name: &[u8]) -> Result<(), Refusal> {
        let file = magic_link(self.made()?);
        Ok(linkat(CWD, file, &self.folder, name, AtFlags::SYMLINK_FOLLOW)?)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Some(temporary) = &self.temporary {
            // A failure here has nobody left to be told, and no remedy.
            let _ = unlinkat(&self.folder, temporary, AtFlags::empty());
        }
    }
}

/// The path of a descriptor of ours. Of this thread's, since a thread may have a table of its own,
/// and that of the process is gone with its first thread.
pub(super) fn magic_link(file: impl AsFd) -> String {
    format!("/proc/thread-self/fd/{}", file.as_fd().as_raw_fd())
}

/// Bytes that are reserved at once. A file system in memory takes its time for them, in one call that
/// nobody can interrupt.
const RESERVED_AHEAD: u64 = 64 << 20;
