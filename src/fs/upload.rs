//! `Upload`: a file on its way from a client, from the moment it is asked for to the moment it
//! stands under its name, or doesn't. It sees no socket, and judges no ending: its caller says
//! whether the upload is finished or cut off.
//!
//! Three steps, because three moments matter. [`Root::upload`](super::Root::upload) refuses what
//! can be refused and touches nothing, so that an upload that never gets its data connection has
//! changed nothing. [`begin`](Upload::begin) makes room for the bytes. [`finish`](Upload::finish)
//! puts the whole file under its name in one step; until then readers see what was there before.

use super::facts::{facts_at, facts_of, must_be_file};
use super::root::may;
use super::scratch::Scratch;
use super::{Download, Pipe, Refusal, Root, SpliceError};
use crate::proto::facts::Kind;
use crate::proto::path::VPath;
use crate::users::PartialUploads;
use rustix::fs::{Access, OFlags, ftruncate};
use rustix::io::{Errno, retry_on_intr, write};
use std::os::fd::{BorrowedFd, OwnedFd};

/// What an upload is to do with the file that has its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadMode {
    /// Replace it, whole and at once. A link is replaced itself; what it led to stays.
    Replace,
    /// Go on writing it at this offset in bytes; at 0 the same as `Replace`.
    ResumeAt(u64),
    /// Go on writing it at its end; if there is none, the same as `Replace`.
    Append,
    /// There must be none, neither now nor at the end.
    Create,
}

/// What a new file is to be like; a file that is replaced or resumed keeps its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NewFile {
    /// Permission bits that it must not have; `None` leaves that to the process.
    pub umask: Option<u16>,
    /// Bytes to reserve for it on the disk.
    pub reserve: u64,
}

/// A file that is being received. Dropped without [`finish`](Upload::finish), it counts as cut off.
///
/// What was written in place then stays, and an old file stays as it was. What arrived of a new one
/// is put under the name if that is wanted and the name is still free. Nothing is left of an upload
/// that brought no byte: there is nothing to resume, and an empty file would pass for one that was
/// meant to be empty.
#[derive(Debug)]
pub struct Upload {
    name: Vec<u8>,
    pub(super) place: Place,
    keep: PartialUploads,
    new: NewFile,
    /// Whether the file, as far as is known, can be written to by splice.
    pub(super) splices: bool,
    written: u64,
    may_block: bool,
}

/// Where the bytes go.
#[derive(Debug)]
pub(super) enum Place {
    /// Behind what the file itself holds, cut to a length first when resuming.
    Itself { file: OwnedFd, cut_to: Option<u64> },
    /// Into a file that takes the name at the end.
    Aside { scratch: Scratch, claim: Claim },
}

/// What an upload knows of its name.
#[derive(Clone, Copy, Debug)]
pub(super) enum Claim {
    /// Somebody has it, and is to be replaced.
    Held,
    /// Nobody had it; whoever has it at the end is replaced.
    Free,
    /// Nobody had it, and nobody is ever replaced.
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
        let folder_may_block = root.is_remote_at(&folder);
        let place = match mode {
            UploadMode::Replace | UploadMode::ResumeAt(0) => {
                aside(root, path, folder, Claim::Free)?
            }
            UploadMode::Create => aside(root, path, folder, Claim::FreeOnly)?,
            UploadMode::Append => match itself(root, path, None) {
                Err(Refusal::NotFound) => aside(root, path, folder, Claim::Free)?,
                place => place?,
            },
            UploadMode::ResumeAt(offset) => match itself(root, path, Some(offset)) {
                Err(Refusal::NotFound) => return Err(Refusal::BeyondEnd),
                place => place?,
            },
        };
        // A file that is opened to append to is not written to by splice.
        let splices = matches!(place, Place::Aside { .. });
        let may_block = match &place {
            Place::Itself { file, .. } => root.is_remote_at(file),
            Place::Aside { .. } => folder_may_block,
        };
        Ok(Upload { name: name.to_vec(), place, keep, new, splices, written: 0, may_block })
    }

    /// Whether any call on it may block, the drop as well: its file system is another machine's or
    /// another program's. How it was opened does not count.
    pub fn may_block(&self) -> bool {
        self.may_block
    }

    /// Makes room for the bytes: to be called once, when the data connection is up.
    ///
    /// A file that is resumed is cut to the offset here: what then stands behind it is exactly
    /// what arrived, so that its size tells the truth if this upload is cut off as well.
    ///
    /// # Errors
    /// What the disk answers, `NoSpace` for what is to be reserved among it; `BeyondEnd` if the
    /// file has become shorter than the offset.
    pub fn begin(&mut self) -> Result<(), Refusal> {
        match &mut self.place {
            Place::Aside { scratch, .. } => {
                scratch.create()?;
                scratch.shape(self.new)
            }
            Place::Itself { cut_to: None, .. } => Ok(()),
            // Cutting a shorter file would lengthen it, with zeros that nobody sent.
            Place::Itself { file, cut_to: Some(offset) } if facts_of(&*file)?.size < *offset => {
                Err(Refusal::BeyondEnd)
            }
            Place::Itself { file, cut_to: Some(offset) } => Ok(ftruncate(file, *offset)?),
        }
    }

    /// Writes all of `bytes`.
    ///
    /// # Errors
    /// What the disk answers, `NoSpace`, `Quota` and `TooLarge` among them. A part may have been
    /// written; the upload can then only be cut off.
    pub fn write(&mut self, mut bytes: &[u8]) -> Result<(), Refusal> {
        while !bytes.is_empty() {
            let file = self.file()?;
            let count = retry_on_intr(|| write(file, bytes))?;
            if count == 0 {
                // No file system should answer so; going on would be an endless loop.
                return Err(Errno::IO.into());
            }
            self.written += count as u64;
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
                    self.written += moved as u64;
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
    /// What either disk answers.
    pub fn copy_from(
        &mut self,
        from: &mut Download,
        buffer: &mut [u8],
        most: usize,
    ) -> Result<usize, Refusal> {
        match from.copy_to(self.file()?, most) {
            Ok(count) => {
                self.written += count as u64;
                Ok(count)
            }
            Err(Errno::XDEV | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                let most = most.min(buffer.len());
                let count = from.read(&mut buffer[..most])?;
                self.write(&buffer[..count]).map(|()| count)
            }
            Err(errno) => Err(errno.into()),
        }
    }

    /// How many bytes this upload has written so far.
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
    /// or link atomically. A replaced file's permission bits are kept.
    ///
    /// # Errors
    /// `IsDirectory` if the name has become a directory, `Exists` for [`UploadMode::Create`] if it is
    /// taken, or what the disk answers. Then nothing is left of the upload when it is dropped.
    pub fn finish(&mut self) -> Result<(), Refusal> {
        // Whatever comes of it, it was not cut off.
        self.keep = PartialUploads::Discard;
        match &mut self.place {
            Place::Itself { .. } => Ok(()),
            Place::Aside { scratch, claim } => {
                if self.new.reserve > self.written {
                    scratch.give_back(self.written)?;
                }
                match claim {
                    Claim::FreeOnly => scratch.take_new(&self.name),
                    Claim::Free | Claim::Held => scratch.take_over(&self.name),
                }
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

/// Prepares a file that takes the name at the end. `wanted` is the claim if the name is free.
fn aside(root: &Root, path: &VPath, folder: OwnedFd, wanted: Claim) -> Result<Place, Refusal> {
    let standing = match facts_at(&folder, path.name().unwrap_or_default()) {
        Err(Refusal::NotFound) => None,
        facts => Some(facts?.kind),
    };
    let claim = match (wanted, standing) {
        (_, None) => wanted,
        (Claim::FreeOnly, Some(_)) => return Err(Refusal::Exists),
        // A link to a file may be replaced, and so may one that leads nowhere; but nobody who
        // stores to a link to a folder means to lose that link.
        (_, Some(Kind::Link)) => {
            match root.facts(path) {
                Ok(target) => must_be_file(target.kind)?,
                // Only a blocking root can tell where it leads.
                Err(Refusal::NeedsWorker) => return Err(Refusal::NeedsWorker),
                Err(_) => {}
            }
            Claim::Held
        }
        (_, Some(kind)) => {
            must_be_file(kind)?;
            Claim::Held
        }
    };
    may(&folder, Access::WRITE_OK | Access::EXEC_OK)?;
    Ok(Place::Aside { scratch: Scratch::new(folder), claim })
}

/// Opens the file itself for what is to be written behind it; that changes nothing yet. Opening it
/// now and not in `begin` means that what was checked is what is written to.
fn itself(root: &Root, path: &VPath, cut_to: Option<u64>) -> Result<Place, Refusal> {
    // O_NONBLOCK for the same reason as in a download: it may be a FIFO.
    let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = root.resolve(path, flags)?;
    let facts = facts_of(&file)?;
    must_be_file(facts.kind)?;
    if cut_to.is_some_and(|offset| offset > facts.size) {
        return Err(Refusal::BeyondEnd);
    }
    Ok(Place::Itself { file, cut_to })
}
