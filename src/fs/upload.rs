//! `Upload`: a file on its way from a client, from the moment it is asked for to the moment it
//! stands under its name, or doesn't. It sees no socket, and judges no ending: its caller says
//! whether the upload is finished or cut off.
//!
//! Three steps, because three moments matter. [`Root::upload`](super::Root::upload) refuses what
//! can be refused and touches nothing, so that an upload that never gets its data connection has
//! changed nothing. [`begin`](Upload::begin) makes room for the bytes. [`finish`](Upload::finish)
//! puts the whole file under its name in one step; until then readers see what was there before.

use super::facts::facts_of;
use super::freeing::MUCH;
use super::lasting::{Lasting, settle, waits};
use super::remote::Medium;
use super::scratch::Scratch;
use super::standing::{aside, itself};
use super::{Download, Pipe, Refusal, Root, SpliceError};
use crate::proto::facts::Kind;
use crate::proto::path::VPath;
use crate::users::PartialUploads;
use rustix::fs::ftruncate;
use rustix::io::{Errno, retry_on_intr, write};
use std::os::fd::{BorrowedFd, OwnedFd};

/// Mode of an upload: its effect on a file of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadMode {
    /// Replace it, whole and at once. A link is replaced itself; what it led to stays.
    Replace,
    /// Empty it and write it anew, under all its names; a link is replaced itself. If there is no file,
    /// the same as `Replace`.
    Overwrite,
    /// Go on writing it at this offset in bytes; at 0 the same as `Replace`.
    ResumeAt(u64),
    /// Go on writing it at its end; if there is none, the same as `Create`.
    Append,
    /// Refuse if there is one, now or at the end.
    Create,
}

/// Settings of a new file; a file that is replaced or resumed keeps its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NewFile {
    /// Permission bits that it must not have, beside those that the process takes from every file.
    pub umask: Option<u16>,
    /// Bytes that are to come, for which room is reserved on the disk as they do.
    pub reserve: u64,
    /// Nothing stays of an upload that is cut off, whatever else was said: its client could not go on
    /// with it.
    pub once: bool,
}

/// A file that is being received. Dropped without [`finish`](Upload::finish), it counts as cut off.
///
/// Bytes written in place then stay, and an old file stays as it was. What arrived of a new one
/// is put under the name if that is wanted and the name is still free. Nothing is left of an upload
/// that brought no byte: there is nothing to resume, and an empty file would pass for one that was
/// meant to be empty.
#[derive(Debug)]
pub struct Upload {
    name: Vec<u8>,
    pub(super) place: Place,
    keep: PartialUploads,
    new: NewFile,
    /// Permission bits of a new file, before any umask.
    mode: u16,
    lasting: Lasting,
    /// True if the file, as far as is known, can be written to by splice.
    pub(super) splices: bool,
    written: u64,
    medium: Medium,
}

/// Place of the bytes.
#[derive(Debug)]
pub(super) enum Place {
    /// Behind what the file itself holds, cut to a length first when resuming.
    Itself { file: OwnedFd, cut_to: Option<u64> },
    /// Into a file that takes the name at the end.
    Aside { scratch: Scratch, claim: Claim },
}

/// Claim of an upload to its name.
#[derive(Clone, Copy, Debug)]
pub(super) enum Claim {
    /// Name in use, to be replaced; much is freed with it, or not.
    Held { frees_much: bool },
    /// Name was free; a later holder is replaced.
    Free,
    /// Name was free, and no file is replaced.
    FreeOnly,
}

impl Upload {
    pub(super) fn prepare(
        root: &Root,
        path: &VPath,
        mode: UploadMode,
        keep: PartialUploads,
        new: NewFile,
    ) -> Result<Upload, Refusal> {
        let name = path.name().ok_or(Refusal::IsDirectory)?;
        let folder = root.folder_of(path)?;
        let medium = root.medium_at(&folder);
        let place = match mode {
            UploadMode::Replace | UploadMode::ResumeAt(0) => {
                aside(root, path, folder, Claim::Free)?
            }
            UploadMode::Overwrite => match root.link_facts(path) {
                Ok(standing) if standing.kind == Kind::File => itself(root, path, Some(0))?,
                Ok(_) | Err(Refusal::NotFound) => aside(root, path, folder, Claim::Free)?,
                Err(refusal) => return Err(refusal),
            },
            UploadMode::Create => aside(root, path, folder, Claim::FreeOnly)?,
            UploadMode::Append => match itself(root, path, None) {
                // What stands there all the same, or comes, was to be added to and not replaced.
                Err(Refusal::NotFound) => aside(root, path, folder, Claim::FreeOnly)?,
                place => place?,
            },
            UploadMode::ResumeAt(offset) => match itself(root, path, Some(offset)) {
                Err(Refusal::NotFound) => return Err(Refusal::BeyondEnd),
                place => place?,
            },
        };
        // A file that is opened to append to is not written to by splice.
        let splices = matches!(place, Place::Aside { .. });
        let medium = match &place {
            Place::Itself { file, .. } => root.medium_at(file),
            Place::Aside { .. } => medium,
        };
        let (name, lasting, mode) = (name.to_vec(), Lasting::Asked, NEW_FILE_MODE);
        Ok(Upload { name, place, keep, new, mode, lasting, splices, written: 0, medium })
    }

    /// Has file and name on the disk before [`finish`](Upload::finish) succeeds.
    pub fn make_durable(&mut self) {
        self.lasting = Lasting::Name;
    }

    /// A new file is to have the permissions of the one that it is copied from.
    pub(super) fn take_mode_of(&mut self, from: &Download) {
        self.mode = from.mode();
    }

    /// True if any call on it may block, the drop as well: its file system is another machine's or
    /// another program's. How it was opened does not count.
    pub fn may_block(&self) -> bool {
        self.medium == Medium::Remote
    }

    /// True if [`begin`](Upload::begin) may block: it frees what stands behind the offset.
    pub fn begin_may_block(&self) -> bool {
        let frees = match &self.place {
            Place::Itself { file, cut_to: Some(offset) } => {
                facts_of(file).is_ok_and(|facts| facts.size.saturating_sub(*offset) >= MUCH)
            }
            Place::Itself { cut_to: None, .. } | Place::Aside { .. } => false,
        };
        self.may_block() || frees
    }

    /// True if [`finish`](Upload::finish) waits for the disk.
    pub fn finish_may_block(&self) -> bool {
        let claim = match &self.place {
            Place::Aside { claim, .. } => Some(claim),
            Place::Itself { .. } => None,
        };
        self.may_block()
            || waits(self.medium, self.lasting_at_the_end())
            || matches!(claim, Some(Claim::Held { frees_much: true }))
    }

    /// True if the drop may block: an upload that was cut off frees what has come, if nobody keeps it.
    pub fn drop_may_block(&self) -> bool {
        self.may_block() || (matches!(self.place, Place::Aside { .. }) && self.written >= MUCH)
    }

    fn lasting_at_the_end(&self) -> Lasting {
        match &self.place {
            Place::Aside { .. } => self.lasting.max(Lasting::Bytes),
            // Readers see it now, so that no name waits for its bytes.
            Place::Itself { .. } => self.lasting,
        }
    }

    /// Makes room for the bytes: to be called once, when the data connection is up.
    ///
    /// A file that is resumed is cut to the offset here: what then stands behind it is exactly
    /// what arrived, so that its size tells the truth if this upload is cut off as well.
    ///
    /// # Errors
    /// Answers of the disk, `NoSpace` for what is to be reserved among them; `BeyondEnd` if the
    /// file has become shorter than the offset.
    pub fn begin(&mut self) -> Result<(), Refusal> {
        match &mut self.place {
            Place::Aside { scratch, .. } => {
                scratch.create(self.mode & !self.new.umask.unwrap_or(0))?;
                scratch.must_have_room(self.new.reserve)?;
                scratch.reserve_ahead(0, self.new.reserve)
            }
            Place::Itself { cut_to: None, .. } => Ok(()),
            // Cutting a shorter file would lengthen it, with zeros that nobody sent.
            Place::Itself { file, cut_to: Some(offset) } if facts_of(&*file)?.size < *offset => {
                Err(Refusal::BeyondEnd)
            }
            Place::Itself { file, cut_to: Some(offset) } => {
                Ok(retry_on_intr(|| ftruncate(&*file, *offset))?)
            }
        }
    }

    /// Writes all of `bytes`.
    ///
    /// # Errors
    /// The disk's answers, `NoSpace`, `Quota` and `TooLarge` among them. A part may have been
    /// written; the upload can then only be cut off.
    pub fn write(&mut self, mut bytes: &[u8]) -> Result<(), Refusal> {
        while !bytes.is_empty() {
            let file = self.file()?;
            let count = retry_on_intr(|| write(file, bytes))?;
            if count == 0 {
                // No file system should answer so; going on would be an endless loop.
                return Err(Errno::IO.into());
            }
            self.wrote(count)?;
            bytes = &bytes[count..];
        }
        Ok(())
    }

    /// Receives up to `most` bytes from a socket by way of `pipe`; 0 is the end of the stream, or
    /// urgent data. The pipe is left empty.
    ///
    /// # Errors
    /// See [`SpliceError`].
    pub fn splice_from(
        &mut self,
        socket: BorrowedFd<'_>,
        pipe: &mut Pipe,
        buffer: &mut [u8],
        most: usize,
    ) -> Result<usize, SpliceError> {
        if !self.splices {
            return Err(SpliceError::Unsupported);
        }
        let count = pipe.fill(socket, most)?;
        let drained = self.drain(pipe, buffer, count);
        if drained.is_err() {
            pipe.empty(buffer);
        }
        drained.map(|()| count).map_err(SpliceError::Disk)
    }

    /// Writes the `count` bytes that the pipe holds.
    fn drain(&mut self, pipe: &mut Pipe, buffer: &mut [u8], count: usize) -> Result<(), Refusal> {
        let mut left = count;
        while left > 0 {
            let moved = match pipe.drain(self.file()?, left) {
                // As in `write`.
                Ok(0) => return Err(Errno::IO.into()),
                Ok(moved) => {
                    self.wrote(moved)?;
                    moved
                }
                // A file system that knows no splice.
                Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                    self.splices = false;
                    let read = pipe.read(buffer)?;
                    self.write(&buffer[..read])?;
                    read
                }
                Err(errno) => return Err(errno.into()),
            };
            left = left.saturating_sub(moved);
        }
        Ok(())
    }

    /// Writes up to `most` bytes of another file, by the kernel alone where it can, else by way of
    /// `buffer`; 0 at that file's end.
    ///
    /// # Errors
    /// Either disk's answer.
    pub fn copy_from(
        &mut self,
        from: &mut Download,
        buffer: &mut [u8],
        most: usize,
    ) -> Result<usize, Refusal> {
        match from.copy_to(self.file()?, most) {
            Ok(count @ 1..) => self.wrote(count).map(|()| count),
            Ok(0) if from.left() == 0 => Ok(0),
            // Kernels may answer 0 without such a way: reading tells.
            Ok(_) | Err(Errno::XDEV | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                let most = most.min(buffer.len());
                let count = from.read_on(&mut buffer[..most])?;
                self.write(&buffer[..count]).map(|()| count)
            }
            Err(errno) => Err(errno.into()),
        }
    }

    fn wrote(&mut self, count: usize) -> Result<(), Refusal> {
        self.written += count as u64;
        match &mut self.place {
            Place::Aside { scratch, .. } => scratch.reserve_ahead(self.written, self.new.reserve),
            Place::Itself { .. } => Ok(()),
        }
    }

    /// Bytes that this upload has written so far.
    #[cfg(test)]
    pub fn written(&self) -> u64 {
        self.written
    }

    fn file(&self) -> Result<&OwnedFd, Refusal> {
        let file = match &self.place {
            Place::Itself { file, .. } => Some(file),
            Place::Aside { scratch, .. } => scratch.file(),
        };
        debug_assert!(file.is_some(), "an upload begins before it is written to");
        file.ok_or_else(|| Errno::BADF.into())
    }

    /// Has the upload take no name from now on but a free one: then [`finish`](Upload::finish) refuses
    /// with `Exists`, and what stands there stays. One that writes in place goes on as it is.
    pub fn spare_others(&mut self) {
        if let Place::Aside { claim, .. } = &mut self.place {
            *claim = Claim::FreeOnly;
        }
    }

    /// The upload is complete: the whole file now stands under its name, and has replaced a file
    /// or link atomically. What a replaced file had besides its content is kept.
    ///
    /// # Errors
    /// The disk's answer, and what it tells late of bytes that it seemed to have taken;
    /// `IsDirectory` if the name has become a directory, `Exists` for [`UploadMode::Create`] if it is
    /// taken. Then nothing is left of the upload when it is dropped.
    pub fn finish(&mut self) -> Result<(), Refusal> {
        // An upload that ends so was not cut off.
        self.keep = PartialUploads::Discard;
        let lasting = self.lasting_at_the_end();
        match &mut self.place {
            Place::Itself { file, .. } => settle(file, self.medium, lasting),
            Place::Aside { scratch, claim } => {
                scratch.give_back(self.written)?;
                scratch.settle(self.medium, lasting)?;
                match claim {
                    Claim::FreeOnly => scratch.take_new(&self.name)?,
                    Claim::Free | Claim::Held { .. } => scratch.take_over(&self.name)?,
                }
                if lasting == Lasting::Name { scratch.settle_name() } else { Ok(()) }
            }
        }
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        match (&mut self.place, self.keep) {
            (
                Place::Aside { scratch, claim: Claim::Free | Claim::FreeOnly },
                PartialUploads::Keep,
            ) if self.written > 0 => {
                // A name taken meanwhile belongs to somebody whose upload may be whole.
                let _ = scratch.give_back(self.written);
                let _ = scratch.take_new(&self.name);
            }
            (Place::Aside { .. } | Place::Itself { .. }, _) => {}
        }
    }
}

/// Permission bits of a new file, before any umask.
const NEW_FILE_MODE: u16 = 0o666;
