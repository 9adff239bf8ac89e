//! `Download`: a regular file on its way to a client. It keeps its own place in the file, and
//! knows the socket only as the descriptor that it is handed for one call.

use super::facts::{facts_of, must_be_file};
use super::remote::Medium;
use super::{Refusal, Root};
use crate::proto::facts::Facts;
use crate::proto::path::VPath;
use rustix::fs::{OFlags, copy_file_range, sendfile};
use rustix::io::{Errno, ReadWriteFlags, pread, preadv2, retry_on_intr};
use std::io::IoSliceMut;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Bytes that are in memory, or not, together.
const PAGE: u64 = 4096;

/// A file opened to be sent.
///
/// Bytes go up to the size that it had when opened, so that a log file that grows is
/// sent as it was and not for ever. A file that is replaced meanwhile is sent in its old version.
#[derive(Debug)]
pub struct Download {
    file: OwnedFd,
    size: u64,
    mode: u16,
    position: u64,
    remote: bool,
    /// End of the part known to be in memory.
    warm_to: u64,
}

/// Failure of [`Download::send_to`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    /// The socket takes nothing now.
    WouldBlock,
    /// The connection is broken; with the error number.
    Socket(i32),
    /// The file can't be read.
    Disk(Refusal),
    /// File or socket doesn't do sendfile: go on with [`Download::read`].
    Unsupported,
}

impl Download {
    pub(super) fn open(root: &Root, path: &VPath, from: u64) -> Result<Download, Refusal> {
        Download::from_file(root, root.open_file(path, OFlags::RDONLY)?, from)
    }

    /// Opens what `path` has led to, from its first byte on.
    pub(super) fn from_place(
        root: &Root,
        path: &VPath,
        place: &OwnedFd,
    ) -> Result<Download, Refusal> {
        Download::from_file(root, root.open_place(path, place, OFlags::RDONLY)?, 0)
    }

    fn from_file(root: &Root, file: OwnedFd, from: u64) -> Result<Download, Refusal> {
        let facts = facts_of(&file)?;
        must_be_file(facts.kind)?;
        if from > facts.size {
            return Err(Refusal::BeyondEnd);
        }
        let remote = root.medium_at(&file) == Medium::Remote;
        let Facts { size, mode, .. } = facts;
        Ok(Download { file, size, mode, position: from, remote, warm_to: 0 })
    }

    /// True if any call on it may wait, the drop as well: see [`Root::is_remote`].
    pub fn may_block(&self) -> bool {
        self.remote
    }

    /// Number of the next `most` bytes that can be had at once; `None` if none can. They can
    /// if they are in memory, as the first and the last of them tell.
    pub fn at_hand(&mut self, most: usize) -> Option<usize> {
        if self.remote {
            return None;
        }
        let most = self.at_most(most);
        if self.warm_to > self.position {
            return Some((most as u64).min(self.warm_to - self.position) as usize);
        }
        let last = self.position + (most as u64).saturating_sub(1);
        let warm = most == 0
            || (self.is_in_memory(self.position)
                && (last - self.position < PAGE || self.is_in_memory(last)));
        warm.then_some(most)
    }

    fn is_in_memory(&mut self, position: u64) -> bool {
        let mut byte = [0];
        let mut into = [IoSliceMut::new(&mut byte)];
        match preadv2(&self.file, &mut into, position, ReadWriteFlags::NOWAIT) {
            Err(Errno::AGAIN) => false,
            // A file system that can't tell is a fast one, as far as anybody knows.
            Err(Errno::OPNOTSUPP) => {
                self.warm_to = u64::MAX;
                true
            }
            _ => true,
        }
    }

    /// Brings the next bytes into memory, as many as `buffer` holds.
    ///
    /// # Errors
    /// The disk's answer.
    pub fn warm(&mut self, buffer: &mut [u8]) -> Result<(), Refusal> {
        let count = self.look(buffer)?;
        // Memory that is short may lose them again, but they are not waited for twice.
        self.warm_to = self.position + count as u64;
        Ok(())
    }

    /// Ends it before byte `end`, if the file is as long.
    pub fn end_at(&mut self, end: u64) {
        self.size = self.size.min(end);
    }

    /// Sends up to `most` bytes to `socket` without copying them through this process. `Ok(0)` is
    /// the end; if then [`left`](Download::left) is not zero, the file has become shorter.
    ///
    /// # Errors
    /// See [`SendError`]; the place in the file is then unchanged.
    pub fn send_to(&mut self, socket: BorrowedFd<'_>, most: usize) -> Result<usize, SendError> {
        let most = self.at_most(most);
        if most == 0 {
            return Ok(0);
        }
        retry_on_intr(|| sendfile(socket, &self.file, Some(&mut self.position), most))
            .map_err(SendError::from)
    }

    /// Reads on into `buffer`: number of bytes, 0 as in [`send_to`](Download::send_to).
    ///
    /// # Errors
    /// The disk's answer.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Refusal> {
        let count = self.look(buffer)?;
        self.position += count as u64;
        Ok(count)
    }

    /// Reads on as [`read`](Download::read) does; 0 is the end, and never anything else.
    ///
    /// # Errors
    /// `Shortened` if the file has become shorter; else what the disk answered.
    pub fn read_on(&mut self, buffer: &mut [u8]) -> Result<usize, Refusal> {
        match self.read(buffer)? {
            0 if self.left() > 0 && !buffer.is_empty() => Err(Refusal::Shortened),
            count => Ok(count),
        }
    }

    /// Reads without moving on.
    fn look(&self, buffer: &mut [u8]) -> Result<usize, Refusal> {
        let most = self.at_most(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        Ok(retry_on_intr(|| pread(&self.file, &mut buffer[..most], self.position))?)
    }

    /// The length of the file in bytes, when it was opened.
    #[cfg(test)]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Permission bits of the file, when it was opened.
    pub(super) fn mode(&self) -> u16 {
        self.mode & 0o777
    }

    /// The next byte.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Copies up to `most` bytes to another file, by the kernel alone. Answers as `send_to` does.
    ///
    /// # Errors
    /// Answer of either disk, or that the two have no such way between them.
    pub(super) fn copy_to(&mut self, file: impl AsFd, most: usize) -> rustix::io::Result<usize> {
        let most = self.at_most(most);
        if most == 0 {
            return Ok(0);
        }
        let position = &mut self.position;
        retry_on_intr(|| copy_file_range(&self.file, Some(&mut *position), &file, None, most))
    }

    /// Bytes that are still to come.
    pub fn left(&self) -> u64 {
        self.size.saturating_sub(self.position)
    }

    fn at_most(&self, most: usize) -> usize {
        usize::try_from(self.left()).unwrap_or(usize::MAX).min(most)
    }
}

impl From<Errno> for SendError {
    /// sendfile has one error number for two descriptors: what only a connection can have is the
    /// socket's, all else the disk's.
    fn from(errno: Errno) -> SendError {
        match errno {
            Errno::AGAIN => SendError::WouldBlock,
            Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP => SendError::Unsupported,
            Errno::PIPE
            | Errno::CONNRESET
            | Errno::CONNABORTED
            | Errno::NOTCONN
            | Errno::TIMEDOUT
            | Errno::HOSTUNREACH
            | Errno::HOSTDOWN
            | Errno::NETUNREACH
            | Errno::NETDOWN
            | Errno::NETRESET
            | Errno::NOBUFS
            | Errno::PROTO => SendError::Socket(errno.raw_os_error()),
            other => SendError::Disk(other.into()),
        }
    }
}
