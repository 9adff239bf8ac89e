//! Lookup of names beneath a root: by the kernel, or step by step where it is kept from that.

use super::super::facts::{facts_of, must_be_file};
use super::super::litter::is_temporary;
use super::super::scratch::magic_link;
use super::super::{Refusal, steps};
use super::Root;
use crate::proto::path::VPath;
use rustix::fs::{Mode, OFlags, ResolveFlags, open, openat2};
use rustix::io::{Errno, retry_on_intr};
use std::os::fd::{AsFd, OwnedFd};

/// Tries of a lookup while others move the tree about under it.
const LOOKUPS: usize = 32;

/// Resolver of names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolver {
    /// The kernel, by openat2.
    Kernel,
    /// This process, component by component: openat2 is blocked, or the kernel has none.
    Steps,
    /// A bug, for tests of what stands behind: names begin in the folder above the root.
    #[cfg(test)]
    Planted,
}

impl Root {
    /// The descriptor of the directory that holds, or would hold, `path`.
    ///
    /// # Errors
    /// `BadName` for a name that only this server gives.
    pub(in crate::fs) fn folder_of(&self, path: &VPath) -> Result<OwnedFd, Refusal> {
        if path.name().is_some_and(is_temporary) {
            return Err(Refusal::BadName);
        }
        self.resolve(&path.parent(), OFlags::PATH | OFlags::DIRECTORY)
    }

    /// Opens what `path` leads to inside the root.
    pub(in crate::fs) fn resolve(&self, path: &VPath, flags: OFlags) -> Result<OwnedFd, Refusal> {
        if path.name().is_some_and(is_temporary) {
            return Err(Refusal::NotFound);
        }
        self.open_confined(path, flags).map_err(|errno| match errno {
            Errno::XDEV if !self.may_block => Refusal::NeedsWorker,
            errno => errno.into(),
        })
    }

    /// Looks up what `path` leads to (`O_PATH`), whose directory is `folder`.
    pub(in crate::fs) fn resolve_in(
        &self,
        folder: &OwnedFd,
        path: &VPath,
    ) -> Result<OwnedFd, Refusal> {
        let Some(name) = path.name().filter(|name| !is_temporary(name)) else {
            return self.resolve(path, OFlags::PATH);
        };
        if self.resolver == Resolver::Steps {
            return self.resolve(path, OFlags::PATH);
        }
        let mut confined = ResolveFlags::NO_SYMLINKS | ResolveFlags::BENEATH;
        confined.set(ResolveFlags::NO_XDEV, !self.may_block);
        match openat2(folder, name, OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), confined) {
            // A link is for a lookup that begins at the root, and so is all that needs a second try.
            Err(_) => self.resolve(path, OFlags::PATH),
            place => Ok(place?),
        }
    }

    /// Opens the regular file that `path` leads to. It is looked at before it is opened: a FIFO would
    /// wake who waits at its other end, and a device do who knows what. Without /proc it is for the
    /// caller to look again at what was opened.
    pub(in crate::fs) fn open_file(&self, path: &VPath, flags: OFlags) -> Result<OwnedFd, Refusal> {
        let place = self.resolve(path, OFlags::PATH)?;
        self.open_place(path, &place, flags)
    }

    /// Opens the regular file that `place`, which `path` has led to, is.
    pub(in crate::fs) fn open_place(
        &self,
        path: &VPath,
        place: &OwnedFd,
        flags: OFlags,
    ) -> Result<OwnedFd, Refusal> {
        // O_NONBLOCK: in case that what was looked at is not what is opened, without /proc.
        let flags = flags | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let open_it = |place: &OwnedFd| {
            must_be_file(facts_of(place)?.kind)?;
            let path = magic_link(place);
            Ok::<_, Refusal>(retry_on_intr(|| open(&path, flags, Mode::empty())))
        };
        let mut file = open_it(place)?;
        if matches!(file, Err(Errno::NOENT | Errno::STALE)) {
            // Another machine has replaced it since it was looked up.
            file = open_it(&self.resolve(path, OFlags::PATH)?)?;
        }
        match file {
            // Without /proc.
            Err(Errno::NOENT) => self.resolve(path, flags),
            file => Ok(file?),
        }
    }

    pub(super) fn open_confined(&self, path: &VPath, flags: OFlags) -> rustix::io::Result<OwnedFd> {
        let flags = flags | OFlags::CLOEXEC;
        let mut confined = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        confined.set(ResolveFlags::NO_XDEV, !self.may_block);
        let mut lookups = 0;
        loop {
            lookups += 1;
            let opened = match self.resolver {
                Resolver::Kernel => {
                    openat2(&*self.directory, path.relative(), flags, Mode::empty(), confined)
                }
                Resolver::Steps => {
                    let device = (!self.may_block).then_some(self.device);
                    steps::open(self.directory.as_fd(), path.relative(), flags, device)
                }
                #[cfg(test)]
                Resolver::Planted => {
                    let path = [b"../", path.relative()].concat();
                    rustix::fs::openat(&self.directory, path, flags, Mode::empty())
                }
            };
            match opened {
                // The kernel couldn't be sure of a `..` because something was renamed meanwhile.
                Err(Errno::AGAIN | Errno::INTR) if lookups < LOOKUPS => {}
                // Another machine has replaced what the name led to when it was last looked up.
                Err(Errno::STALE) if lookups == 1 => {}
                Err(Errno::NOENT) if lookups == 1 && self.is_remote() => {}
                other => return other,
            }
        }
    }
}
