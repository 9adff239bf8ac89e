//! Lasting: what of an upload is on the disk, and known to be, before it is answered.
//!
//! Errors first. NFS, FUSE, SMB and quotas may tell of lost writes no sooner than at `close`, so a
//! duplicate of the descriptor is closed, and asked, while the file can still be given up.
//!
//! Then the power cut. A file system with delayed allocation writes a name within seconds and the
//! bytes within half a minute, so a name by itself can outlive its bytes. What holds, by file
//! system, for a file that was answered:
//!
//! - ext4, xfs, btrfs, f2fs: a file that replaced another, one that was joined of parts, and any of
//!   more than [`SMALL`] bytes is whole, or the old one stands (or none). Its bytes are on the disk
//!   (fdatasync) before the name is made, and all of them keep the order of the two.
//! - On these, a new file of at most [`SMALL`] bytes: its bytes are on their way to the disk, their
//!   place allocated, before the name is made. ext4 does as much by itself for a file that is
//!   renamed over another (`auto_da_alloc`). The name reaches the disk with the next commit of the
//!   journal, up to five seconds later, and the bytes within milliseconds; only where another
//!   program has the journal committed within those, and the power fails before the next commit,
//!   the file is there without its bytes. To shut that gap too would cost every small file a commit
//!   of its own: twelve times the time of all other calls at its end (16 µs and 190 µs on a virtual
//!   disk, 20 ms on a disk that turns). That is what `durable` is for.
//! - tmpfs: nothing outlives a power cut.
//! - NFS, SMB: whole as soon as `close` has answered, as far as their server keeps its word. FUSE:
//!   as far as its program does.
//! - A file that is resumed or appended to is cut at any byte behind what it held before.
//!
//! On ext4 that is tested, by a look at the disk itself (`tests/power_cut.rs`). On the others it follows
//! from what fdatasync promises, and from names being written down in the order in which they are
//! made.
//!
//! With [`Lasting::Name`] file and name are on the disk before the answer, whatever the medium.

use super::Refusal;
use super::remote::Medium;
use rustix::fs::{Advice, Mode, OFlags, fadvise, fdatasync, fsync, openat};
use rustix::io::{Errno, fcntl_dupfd_cloexec, retry_on_intr};
use std::num::NonZeroU64;
use std::os::fd::{AsFd, OwnedFd};

/// Bytes of a file that is small: writing it out is one request to the disk, or few.
pub(super) const SMALL: u64 = 1 << 20;

/// Tries of a close that a signal interrupts.
const CLOSES: usize = 8;

/// State of the disk when an upload is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lasting {
    /// The bytes of a small file are on their way, those of a large one there.
    Begun,
    /// The bytes, before the name is made.
    Bytes,
    /// The bytes and the name.
    Name,
}

/// True if to see `size` bytes to the disk takes as long as the disk does.
pub(super) fn waits(medium: Medium, lasting: Lasting, size: u64) -> bool {
    match (medium, lasting) {
        (Medium::Memory, _) => false,
        (Medium::Disk, Lasting::Begun) => size > SMALL,
        (Medium::Disk | Medium::Remote, _) => true,
    }
}

/// Sees the `size` bytes of a file to the disk, as far as `lasting` has it, and asks for all errors
/// that the file system has kept for later.
///
/// # Errors
/// Bytes written are lost, all or some.
pub(super) fn settle(
    file: &OwnedFd,
    medium: Medium,
    lasting: Lasting,
    size: u64,
) -> Result<(), Refusal> {
    match (medium, lasting) {
        (Medium::Memory, _) | (Medium::Remote, Lasting::Begun) => {}
        (Medium::Disk, Lasting::Begun) if size <= SMALL => begin_writing(file, size),
        (Medium::Disk | Medium::Remote, _) => synced(retry_on_intr(|| fdatasync(file)))?,
    }
    ask_close(file)
}

/// Sees the name of a file in `folder` to the disk.
///
/// # Errors
/// The disk fails.
pub(super) fn settle_name(file: &OwnedFd, folder: impl AsFd) -> Result<(), Refusal> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    match openat(folder, ".", flags, Mode::empty()) {
        Ok(folder) => synced(fsync(folder)),
        // A folder that may be written to and not read: the journals of ext4, xfs and btrfs bring
        // the name of a file along with the file.
        Err(Errno::ACCESS) => synced(fsync(file)),
        Err(errno) => Err(errno.into()),
    }
}

/// Closes a duplicate, as every program does at its end: what that answers is the file system's
/// last word on what was written.
fn ask_close(file: &OwnedFd) -> Result<(), Refusal> {
    let mut closes = 0;
    loop {
        closes += 1;
        let twin = fcntl_dupfd_cloexec(file, 0)?;
        match nix::unistd::close(twin) {
            Ok(()) => return Ok(()),
            Err(nix::errno::Errno::EINTR) if closes < CLOSES => {}
            Err(errno) => return Err(Errno::from_raw_os_error(errno as i32).into()),
        }
    }
}

/// Has the kernel begin to write a file out. The advice is not needed any more once that is done,
/// and nothing of a file that has just been written is dropped from memory by it.
fn begin_writing(file: &OwnedFd, size: u64) {
    // An advice that isn't taken is no reason to refuse an upload.
    let _ = NonZeroU64::new(size).map(|size| fadvise(file, 0, Some(size), Advice::DontNeed));
}

/// A file system that knows no sync has nothing to be waited for.
fn synced(result: rustix::io::Result<()>) -> Result<(), Refusal> {
    match result {
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => Ok(()),
        result => Ok(result?),
    }
}
