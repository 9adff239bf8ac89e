//! Media of file systems, known beforehand: how long one takes to answer, and what a power cut
//! leaves of what it was told.

use rustix::fs::fstatfs;
use rustix::io::retry_on_intr;
use std::os::fd::AsFd;

/// Keeper of the bytes of a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medium {
    /// The machine's memory: it never waits, and a power cut takes all.
    Memory,
    /// A disk of this machine, or what cannot be told from one.
    Disk,
    /// Another machine, or a program. It is as slow as that is, and waits for it as long as it is
    /// down.
    Remote,
}

/// Numbers of file systems in memory, as `statfs` calls them: tmpfs and ramfs.
const MEMORY: [u32; 2] = [0x0102_1994, 0x8584_58F6];

/// Numbers of file systems that have somebody else do the work.
const REMOTE: [u32; 11] = [
    0x6573_5546, // FUSE
    0x6969,      // NFS
    0xFF53_4D42, // CIFS
    0xFE53_4D42, // SMB
    0x517B,      // SMB, the old one
    0x0102_1997, // 9P
    0x00C3_6400, // Ceph
    0x5346_414F, // AFS, OpenAFS
    0x6B41_4653, // AFS, the kernel's
    0x7375_7245, // Coda
    0x0187,      // autofs, which mounts any of them
];

/// Medium of what the descriptor leads to.
pub(super) fn medium(file: impl AsFd) -> Medium {
    match retry_on_intr(|| fstatfs(&file)).map(|space| space.f_type as u32) {
        // A file system that can't even say what it is, is slow.
        Err(_) => Medium::Remote,
        Ok(number) if REMOTE.contains(&number) => Medium::Remote,
        Ok(number) if MEMORY.contains(&number) => Medium::Memory,
        Ok(_) => Medium::Disk,
    }
}
