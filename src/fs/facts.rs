//! The facts of a file as the kernel tells them (statx). Names are not resolved here: whoever
//! calls has confined the name already.

use super::Refusal;
use crate::proto::facts::{Facts, Kind};
use rustix::fs::{AtFlags, FileType, Statx, StatxAttributes, StatxFlags, makedev, statx};
use rustix::io::{Errno, retry_on_intr};
use std::os::fd::AsFd;

/// The facts of `name` in the directory `folder`, as far as this machine knows them; a link is not
/// followed.
pub(super) fn facts_at(folder: impl AsFd, name: &[u8]) -> Result<Facts, Refusal> {
    // A server behind a mount point would be asked, and may be down.
    statx_at(folder, name, AtFlags::STATX_DONT_SYNC)
}

/// Facts of `name` as by [`facts_at`], and the attributes that `chattr` gives.
pub(super) fn facts_and_attributes_at(
    folder: impl AsFd,
    name: &[u8],
) -> Result<(Facts, StatxAttributes), Refusal> {
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT | AtFlags::STATX_DONT_SYNC;
    with_attributes(&retry_on_intr(|| statx(&folder, name, flags, wanted()))?)
}

/// Facts of what `file` refers to, and its attributes.
pub(super) fn facts_and_attributes_of(
    file: impl AsFd,
) -> Result<(Facts, StatxAttributes), Refusal> {
    with_attributes(&retry_on_intr(|| statx(&file, "", AtFlags::EMPTY_PATH, wanted()))?)
}

fn with_attributes(stat: &Statx) -> Result<(Facts, StatxAttributes), Refusal> {
    Ok((from_statx(stat), stat.stx_attributes))
}

/// Facts of `name` from a file system that may have to ask somebody else.
pub(super) fn fresh_facts_at(folder: impl AsFd, name: &[u8]) -> Result<Facts, Refusal> {
    statx_at(folder, name, AtFlags::empty())
}

fn statx_at(folder: impl AsFd, name: &[u8], sync: AtFlags) -> Result<Facts, Refusal> {
    // Showing an automount point must not mount it: that can block for as long as a server is down.
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT | sync;
    match retry_on_intr(|| statx(&folder, name, flags, wanted())) {
        // The name is there, but another machine knows no more what it leads to.
        Err(Errno::STALE) => Err(Refusal::Failed(Errno::STALE.raw_os_error())),
        stat => Ok(from_statx(&stat?)),
    }
}

/// The facts of what `file` refers to; an `O_PATH` descriptor will do.
pub(super) fn facts_of(file: impl AsFd) -> Result<Facts, Refusal> {
    Ok(from_statx(&retry_on_intr(|| statx(&file, "", AtFlags::EMPTY_PATH, wanted()))?))
}

/// Refuses all that can't be transferred.
pub(super) fn must_be_file(kind: Kind) -> Result<(), Refusal> {
    match kind {
        Kind::File => Ok(()),
        Kind::Directory => Err(Refusal::IsDirectory),
        Kind::Link | Kind::Special => Err(Refusal::NotRegular),
    }
}

fn wanted() -> StatxFlags {
    StatxFlags::BASIC_STATS.difference(StatxFlags::ATIME | StatxFlags::CTIME | StatxFlags::BLOCKS)
        | StatxFlags::BTIME
}

fn from_statx(stat: &Statx) -> Facts {
    let knows_birth = stat.stx_mask & StatxFlags::BTIME.bits() != 0;
    Facts {
        kind: match FileType::from_raw_mode(stat.stx_mode.into()) {
            FileType::Directory => Kind::Directory,
            FileType::RegularFile => Kind::File,
            FileType::Symlink => Kind::Link,
            _ => Kind::Special,
        },
        mode: stat.stx_mode & 0o7777,
        links: stat.stx_nlink,
        owner: stat.stx_uid,
        group: stat.stx_gid,
        size: stat.stx_size,
        modified: stat.stx_mtime.tv_sec,
        modified_ns: stat.stx_mtime.tv_nsec,
        created: knows_birth.then_some(stat.stx_btime.tv_sec),
        device: makedev(stat.stx_dev_major, stat.stx_dev_minor),
        inode: stat.stx_ino,
    }
}
