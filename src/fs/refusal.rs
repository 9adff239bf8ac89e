//! `Refusal`: why a file operation was not done, for whoever has to answer. It chooses no reply
//! code: that is the session's business.

use rustix::io::Errno;
use std::fmt;

/// Reason for a refused operation. `Display` gives a sentence that a reply can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No such file or folder.
    NotFound,
    /// The permissions of the file system, or the nature of the root, don't allow it.
    Denied,
    /// A directory, where a file was needed.
    IsDirectory,
    /// No directory, where one was needed.
    NotDirectory,
    /// A device, a FIFO or a socket.
    NotRegular,
    /// The name is taken.
    Exists,
    /// The directory has entries.
    NotEmpty,
    /// The name is too long, or holds what this file system doesn't allow.
    BadName,
    /// The file system is mounted read-only.
    ReadOnly,
    /// The file system is full.
    NoSpace,
    /// The owner's quota is used up.
    Quota,
    /// The file would be larger than the file system or the process may have it.
    TooLarge,
    /// More symbolic links than the kernel follows, or one of those that it must not.
    Loop,
    /// The restart offset is beyond the end of the file.
    BeyondEnd,
    /// The file became shorter while it was sent.
    Shortened,
    /// Use by others, or the tree kept moving while it was looked up.
    Busy,
    /// The two names are on different file systems.
    CrossDevice,
    /// The name leads to another mount, which any call may hang on: a root that must not block does
    /// not look there. Asked again of a [`blocking`](super::Root::blocking) root, on a worker, it
    /// finds the file; no client is ever told.
    NeedsWorker,
    /// The process or the system has no descriptor left.
    TooManyOpen,
    /// More names or folders than one listing goes through.
    TooMany,
    /// The kernel or the file system has no such operation.
    Unsupported,
    /// The disk or the machine fails: an error that is no fault of the name, by its number.
    Failed(i32),
    /// A fault on demand: refused with this reply.
    #[cfg(feature = "testing")]
    Scripted(u16, &'static str),
}

impl From<Errno> for Refusal {
    fn from(errno: Errno) -> Refusal {
        match errno {
            Errno::NOENT | Errno::STALE => Refusal::NotFound,
            Errno::ACCESS | Errno::PERM => Refusal::Denied,
            Errno::ISDIR => Refusal::IsDirectory,
            Errno::NOTDIR => Refusal::NotDirectory,
            // Answer to opening a socket, or a FIFO or device without its other half.
            Errno::NXIO | Errno::NODEV => Refusal::NotRegular,
            Errno::EXIST => Refusal::Exists,
            Errno::NOTEMPTY => Refusal::NotEmpty,
            // EINVAL: a character that vfat forbids, or a folder moved into itself.
            Errno::NAMETOOLONG | Errno::INVAL | Errno::ILSEQ => Refusal::BadName,
            Errno::ROFS => Refusal::ReadOnly,
            Errno::NOSPC => Refusal::NoSpace,
            Errno::DQUOT => Refusal::Quota,
            Errno::FBIG => Refusal::TooLarge,
            Errno::LOOP => Refusal::Loop,
            Errno::BUSY | Errno::TXTBSY | Errno::AGAIN => Refusal::Busy,
            Errno::XDEV => Refusal::CrossDevice,
            Errno::MFILE | Errno::NFILE => Refusal::TooManyOpen,
            Errno::NOSYS | Errno::OPNOTSUPP => Refusal::Unsupported,
            other => Refusal::Failed(other.raw_os_error()),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refusal::Shortened => "The file became shorter while it was sent.",
            Refusal::NotFound => "No such file or folder.",
            Refusal::Denied => "Permission denied.",
            Refusal::IsDirectory => "That is a folder.",
            Refusal::NotDirectory => "That is not a folder.",
            Refusal::NotRegular => "That is not a regular file.",
            Refusal::Exists => "That name is taken.",
            Refusal::NotEmpty => "The folder is not empty.",
            Refusal::BadName => "That name is not allowed.",
            Refusal::ReadOnly => "The file system is read-only.",
            Refusal::NoSpace => "No space left on the disk.",
            Refusal::Quota => "Disk quota exceeded.",
            Refusal::TooLarge => "The file is too large.",
            Refusal::Loop => "These symbolic links can't be followed.",
            Refusal::BeyondEnd => "The restart position is beyond the end of the file.",
            Refusal::Busy => "The file is in use; try again later.",
            Refusal::CrossDevice => "It can't be moved to another file system.",
            Refusal::NeedsWorker => "It is on a file system that may block.",
            Refusal::TooManyOpen => "Too many open files; try again later.",
            Refusal::TooMany => "Too many names, or folders too deep, for one listing.",
            Refusal::Unsupported => "The file system can't do that.",
            #[cfg(feature = "testing")]
            Refusal::Scripted(_, text) => text,
            Refusal::Failed(errno) => {
                return write!(f, "{}.", std::io::Error::from_raw_os_error(*errno));
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errno_to_refusal_to_sentence() {
        for (errno, refusal, sentence) in [
            (Errno::NOENT, Refusal::NotFound, "No such file or folder."),
            (Errno::STALE, Refusal::NotFound, "No such file or folder."),
            (Errno::ACCESS, Refusal::Denied, "Permission denied."),
            (Errno::PERM, Refusal::Denied, "Permission denied."),
            (Errno::ISDIR, Refusal::IsDirectory, "That is a folder."),
            (Errno::NOTDIR, Refusal::NotDirectory, "That is not a folder."),
            (Errno::NXIO, Refusal::NotRegular, "That is not a regular file."),
            (Errno::NODEV, Refusal::NotRegular, "That is not a regular file."),
            (Errno::EXIST, Refusal::Exists, "That name is taken."),
            (Errno::NOTEMPTY, Refusal::NotEmpty, "The folder is not empty."),
            (Errno::NAMETOOLONG, Refusal::BadName, "That name is not allowed."),
            (Errno::INVAL, Refusal::BadName, "That name is not allowed."),
            (Errno::ILSEQ, Refusal::BadName, "That name is not allowed."),
            (Errno::ROFS, Refusal::ReadOnly, "The file system is read-only."),
            (Errno::NOSPC, Refusal::NoSpace, "No space left on the disk."),
            (Errno::DQUOT, Refusal::Quota, "Disk quota exceeded."),
            (Errno::FBIG, Refusal::TooLarge, "The file is too large."),
            (Errno::LOOP, Refusal::Loop, "These symbolic links can't be followed."),
            (Errno::BUSY, Refusal::Busy, "The file is in use; try again later."),
            (Errno::TXTBSY, Refusal::Busy, "The file is in use; try again later."),
            (Errno::AGAIN, Refusal::Busy, "The file is in use; try again later."),
            (Errno::XDEV, Refusal::CrossDevice, "It can't be moved to another file system."),
            (Errno::MFILE, Refusal::TooManyOpen, "Too many open files; try again later."),
            (Errno::NFILE, Refusal::TooManyOpen, "Too many open files; try again later."),
            (Errno::NOSYS, Refusal::Unsupported, "The file system can't do that."),
            (Errno::OPNOTSUPP, Refusal::Unsupported, "The file system can't do that."),
            (Errno::IO, Refusal::Failed(5), "Input/output error (os error 5)."),
        ] {
            assert_eq!(Refusal::from(errno), refusal, "{errno}");
            assert_eq!(refusal.to_string(), sentence, "{errno}");
        }
    }
}
