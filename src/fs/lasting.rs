//! Lasting: what of an upload is on the disk, and known to be, before it is answered.
//!
//! Errors first. NFS, FUSE, SMB and quotas may tell of lost writes no sooner than at `close`, so a
//! duplicate of the descriptor is closed, and asked, while the file can still be given up.
//!
//! Then the power cut. A file system with delayed allocation writes a name within seconds and the
//! bytes within half a minute, so a name by itself can outlive its bytes. So the bytes are on the
//! disk (fdatasync) before a file takes its name. What then holds, by file system, for a file that was
//! answered:
//!
//! - ext4, xfs, btrfs, f2fs: it is whole, or the old one stands, or none.
//! - tmpfs: nothing outlives a power cut.
//! - NFS, SMB: the same, as far as their server keeps its word. FUSE: as far as its program does.
//! - A file that is resumed or appended to is cut at any byte behind what it held before.
//!
//! On ext4 that is tested, by a look at the disk itself (`tests/power_cut.rs`). On the others it follows
//! from what fdatasync promises, and from names being written down in the order in which they are
//! made.
//!
//! To have the kernel only begin to write a small file, as ext4 does by itself for one that is renamed
//! over another, costs a tenth of that, and was tried: where another program has the journal
//! committed within those milliseconds, the file is there with zeros.
//!
//! With [`Lasting::Name`] file and name are on the disk before the answer, whatever the medium.

use super::Refusal;
use super::remote::Medium;
use rustix::fs::{Mode, OFlags, fdatasync, fsync, openat};
use rustix::io::{Errno, fcntl_dupfd_cloexec, retry_on_intr};
use std::os::fd::{AsFd, OwnedFd};

/// Tries of a close that a signal interrupts.
const CLOSES: usize = 8;

/// State of the disk when an upload is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lasting {
    /// No more than the file system does by itself.
    Asked,
    /// The bytes, before the name is made.
    Bytes,
    /// The bytes and the name.
    Name,
}

/// True if to see a file to the disk takes as long as the disk does.
pub(super) fn waits(medium: Medium, lasting: Lasting) -> bool {
    match (medium, lasting) {
        (Medium::Memory, _) | (Medium::Disk, Lasting::Asked) => false,
        (Medium::Disk, Lasting::Bytes | Lasting::Name) | (Medium::Remote, _) => true,
    }
}

/// Sees the bytes of a file to the disk, as far as `lasting` has it, and asks for all errors that the
/// file system has kept for later.
///
/// # Errors
/// Bytes written are lost, all or some.
pub(super) fn settle(file: &OwnedFd, medium: Medium, lasting: Lasting) -> Result<(), Refusal> {
    match (medium, lasting) {
        (Medium::Memory, _) | (_, Lasting::Asked) => {}
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

/// A file system that knows no sync has nothing to be waited for.
fn synced(result: rustix::io::Result<()>) -> Result<(), Refusal> {
    match result {
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => Ok(()),
        result => Ok(result?),
    }
}
