//! `Pipe`: by which bytes go from a socket into a file without entering this process. One is enough
//! for all uploads: each call of [`Upload::splice_from`](super::Upload::splice_from) leaves it
//! empty.

use super::Refusal;
use rustix::io::{Errno, read, retry_on_intr};
use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice};
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

/// Bytes of a pipe: the most that an ordinary process may ask for. With the usual 64 KiB it
/// would be no faster than reading and writing.
const CAPACITY: usize = 1 << 20;

/// A pipe from sockets into files.
#[derive(Debug)]
pub struct Pipe {
    inlet: OwnedFd,
    outlet: OwnedFd,
}

/// Reason that nothing moved from socket to file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpliceError {
    /// No bytes to receive now.
    WouldBlock,
    /// The connection is broken; with the error number.
    Socket(i32),
    /// The file can't be written.
    Disk(Refusal),
    /// File or kernel doesn't do splice: read, and go on with
    /// [`Upload::write`](super::Upload::write).
    Unsupported,
}

impl Pipe {
    /// An empty pipe.
    ///
    /// # Errors
    /// No descriptors are left.
    pub fn new() -> io::Result<Pipe> {
        let (outlet, inlet) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        // A user with many large pipes is refused another; a small one works as well.
        let _ = fcntl_setpipe_size(&inlet, CAPACITY);
        Ok(Pipe { inlet, outlet })
    }

    /// Receives up to `most` bytes; 0 is the end of the stream, or urgent data.
    pub(super) fn fill(&mut self, from: BorrowedFd<'_>, most: usize) -> Result<usize, SpliceError> {
        let flags = SpliceFlags::MOVE | SpliceFlags::NONBLOCK;
        retry_on_intr(|| splice(from, None, &self.inlet, None, most, flags)).map_err(|errno| {
            match errno {
                Errno::AGAIN => SpliceError::WouldBlock,
                // The last is what a sandbox may say.
                Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::PERM => {
                    SpliceError::Unsupported
                }
                other => SpliceError::Socket(other.raw_os_error()),
            }
        })
    }

    /// Writes up to `most` of the bytes that it holds to a file, at its current place.
    pub(super) fn drain(&mut self, to: &OwnedFd, most: usize) -> Result<usize, Errno> {
        retry_on_intr(|| splice(&self.outlet, None, to, None, most, SpliceFlags::MOVE))
    }

    /// Takes bytes out.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Errno> {
        retry_on_intr(|| read(&self.outlet, &mut *buffer))
    }

    /// Throws away all bytes.
    pub(super) fn empty(&mut self, buffer: &mut [u8]) {
        while self.read(buffer).is_ok_and(|count| count > 0) {}
    }
}
