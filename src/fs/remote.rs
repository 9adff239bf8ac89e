//! What can be known beforehand of how long a file system takes to answer.

use rustix::fs::fstatfs;
use std::os::fd::AsFd;

/// File systems that have somebody else do the work: another machine, or a program. They are as
/// slow as that is, and wait for it as long as it is down. As `statfs` calls them.
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

/// Whether what the descriptor leads to is on such a file system.
pub(super) fn is_remote(file: impl AsFd) -> bool {
    // One that can't even say what it is is none to wait for.
    fstatfs(file).map_or(true, |space| REMOTE.contains(&(space.f_type as u32)))
}
