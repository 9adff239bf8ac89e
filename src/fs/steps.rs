//! Steps: names resolved one component after the other, where openat2 is not to be had: its own way to
//! stay beneath a root, slower than the kernel's and as confined.
//!
//! Each component is opened in the descriptor of its folder, without following a link; links are read
//! and followed by hand, from the root where they are absolute. `..` goes back to the descriptor that was
//! passed before, and never asks the kernel: whatever is renamed meanwhile, there is none above the root.

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{FileType, Mode, OFlags, Stat, fstat, fstatfs, openat, readlinkat};
use rustix::io::{Errno, Result};

/// Links that are followed, as many as the kernel follows.
const LINKS: usize = 40;
/// Number of procfs, as statfs calls it: its links lead where their text does not say.
const PROC: u32 = 0x9FA0;
/// Flags that look at a name and open nothing.
const LOOK: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Lookup that is under way.
struct Walk<'a> {
    root: BorrowedFd<'a>,
    /// Folders that were passed, the present one last.
    passed: Vec<OwnedFd>,
    /// Components to come; a name with a slash behind it has a `.` there.
    ahead: VecDeque<Vec<u8>>,
    links: usize,
}

/// Opens what `path` leads to beneath `root`. With a `device`, nothing that is on another one.
///
/// # Errors
/// Those of openat2 with RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS and, for a device, RESOLVE_NO_XDEV:
/// AGAIN where something was renamed meanwhile and the whole is to be tried again.
pub(super) fn open(
    root: BorrowedFd<'_>,
    path: &[u8],
    flags: OFlags,
    device: Option<u64>,
) -> Result<OwnedFd> {
    let mut walk = Walk { root, passed: Vec::new(), ahead: components(path).collect(), links: 0 };
    let on_device = |status: &Stat| match device {
        Some(device) if status.st_dev != device => Err(Errno::XDEV),
        Some(_) | None => Ok(()),
    };
    while let Some(name) = walk.ahead.pop_front() {
        match &*name {
            b"." => continue,
            b".." => {
                walk.passed.pop();
                continue;
            }
            _ => {}
        }
        let place = openat(walk.folder(), &*name, LOOK, Mode::empty())?;
        let status = fstat(&place)?;
        match FileType::from_raw_mode(status.st_mode) {
            FileType::Symlink => walk.follow(&place)?,
            FileType::Directory if !walk.ahead.is_empty() => {
                on_device(&status)?;
                walk.passed.push(place);
            }
            _ if !walk.ahead.is_empty() => return Err(Errno::NOTDIR),
            kind => {
                on_device(&status)?;
                return walk.open_last(&name, place, kind, flags);
            }
        }
    }
    openat(walk.folder(), ".", flags | LOOK.difference(OFlags::PATH), Mode::empty())
}

impl Walk<'_> {
    /// Folder that the walk has come to.
    fn folder(&self) -> BorrowedFd<'_> {
        self.passed.last().map_or(self.root, AsFd::as_fd)
    }

    /// Puts the components of a link's target before those to come.
    fn follow(&mut self, link: &OwnedFd) -> Result<()> {
        self.links += 1;
        if self.links > LINKS || fstatfs(link)?.f_type as u32 == PROC {
            return Err(Errno::LOOP);
        }
        let target = readlinkat(link, "", Vec::new())?.into_bytes();
        if target.is_empty() {
            return Err(Errno::NOENT);
        }
        if target.starts_with(b"/") {
            self.passed.clear();
        }
        let components: Vec<_> = components(&target).collect();
        components.into_iter().rev().for_each(|component| self.ahead.push_front(component));
        Ok(())
    }

    /// Opens the last component, which was looked at as `place`.
    fn open_last(
        &self,
        name: &[u8],
        place: OwnedFd,
        kind: FileType,
        flags: OFlags,
    ) -> Result<OwnedFd> {
        if flags.contains(OFlags::PATH) {
            return match flags.contains(OFlags::DIRECTORY) && kind != FileType::Directory {
                true => Err(Errno::NOTDIR),
                false => Ok(place),
            };
        }
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = match openat(self.folder(), name, flags, Mode::empty()) {
            Err(Errno::LOOP) => return Err(Errno::AGAIN),
            file => file?,
        };
        // A mount may have come, or another file: only what was looked at is let through.
        let (looked_at, opened) = (fstat(&place)?, fstat(&file)?);
        match (looked_at.st_dev, looked_at.st_ino) == (opened.st_dev, opened.st_ino) {
            true => Ok(file),
            false => Err(Errno::AGAIN),
        }
    }
}

/// Components of a path; one with a slash at its end must be a folder, and has a `.` there.
fn components(path: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let end = path.ends_with(b"/").then(|| b".".to_vec());
    let names = path.split(|&byte| byte == b'/').filter(|name| !name.is_empty());
    names.map(<[u8]>::to_vec).chain(end)
}
