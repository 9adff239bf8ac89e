//! `RootPath`: a path of the machine to a folder that becomes somebody's root. It is followed anew
//! at each login, for what it leads to may be mounted, moved or made anew.

use super::{Medium, Root, trusted};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, ResolveFlags, StatxFlags};
use rustix::fs::{makedev, open, openat2, statx};
use rustix::io::retry_on_intr;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// Path of a root.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RootPath {
    /// The server's own root, whose way is the operator's.
    Server(PathBuf),
    /// Root of a user, who may own folders on the way to it.
    User(PathBuf),
}

/// Folder that a path leads to, before it is taken for a root.
#[derive(Debug)]
pub struct Found {
    directory: OwnedFd,
    device: u64,
    inode: u64,
}

/// Flags that open a folder to pass through it.
pub(super) const PASS: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

impl RootPath {
    /// The path itself.
    pub fn path(&self) -> &Path {
        match self {
            RootPath::Server(path) | RootPath::User(path) => path,
        }
    }

    /// Opens the root.
    ///
    /// # Errors
    /// The kernel's own, for the operator to read: among them that it is no directory. On the way to
    /// a user's root also a symbolic link that is neither root's nor the server's own, which is named.
    pub fn open(&self) -> std::io::Result<Root> {
        let directory = match self {
            RootPath::Server(path) => retry_on_intr(|| open(path, PASS, Mode::empty()))?,
            RootPath::User(path) => trusted::open(path)?,
        };
        Root::from_directory(directory)
    }

    /// Folder that the path leads to, if the kernel knows the whole way by heart: that waits for no
    /// disk.
    pub fn recall(&self) -> Option<Found> {
        let resolve = match self {
            RootPath::Server(_) => ResolveFlags::CACHED,
            RootPath::User(_) => ResolveFlags::CACHED | ResolveFlags::NO_SYMLINKS,
        };
        let directory = openat2(CWD, self.path(), PASS, Mode::empty(), resolve).ok()?;
        let flags = AtFlags::EMPTY_PATH | AtFlags::STATX_DONT_SYNC;
        let status = statx(&directory, "", flags, StatxFlags::INO).ok()?;
        let device = makedev(status.stx_dev_major, status.stx_dev_minor);
        Some(Found { directory, device, inode: status.stx_ino })
    }
}

impl Found {
    /// Number of the device that it is on.
    pub fn device(&self) -> u64 {
        self.device
    }

    /// True if it is the folder that this root is.
    pub fn is(&self, root: &Root) -> bool {
        (self.device, self.inode) == root.identity()
    }

    /// Takes the folder for a root, on a device of this medium.
    pub fn into_root(self, medium: Medium) -> Root {
        Root::on(medium, self.directory, (self.device, self.inode))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::path::VPath;
    use std::os::unix::fs::symlink;

    #[test]
    fn what_is_recalled_is_what_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("root");
        std::fs::create_dir(&path).unwrap();
        symlink(&path, folder.path().join("link")).unwrap();
        for path in [RootPath::Server(path.clone()), RootPath::User(path.clone())] {
            let root = path.open().unwrap();
            let found = path.recall().expect("it has just been opened");
            assert!(found.is(&root));
            assert_eq!(found.device(), root.device());
            let recalled = found.into_root(root.medium());
            assert_eq!(recalled.identity(), root.identity());
            assert!(recalled.enter(&VPath::root()).is_ok());
        }
        let link = folder.path().join("link");
        RootPath::Server(link.clone()).open().unwrap();
        assert!(RootPath::Server(link.clone()).recall().is_some());
        assert!(RootPath::User(link).recall().is_none(), "it is to be looked at whose link it is");
        let root = RootPath::Server(path.clone()).open().unwrap();
        std::fs::rename(&path, folder.path().join("old")).unwrap();
        assert!(RootPath::Server(path.clone()).recall().is_none());
        std::fs::create_dir(&path).unwrap();
        RootPath::Server(path.clone()).open().unwrap();
        assert!(!RootPath::Server(path).recall().unwrap().is(&root));
    }
}
