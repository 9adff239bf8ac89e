//! `Root`: the directory that a user sees as `/`, and every operation on a name in it. It decides
//! nothing about rights: that is the session's business, and the kernel's.
//!
//! A name is resolved by openat2 with RESOLVE_IN_ROOT, as after a chroot but without privileges:
//! `..` stops at the root, an absolute link starts there, and a rename race makes the kernel give
//! up, not go astray. Where openat2 is not to be had, the same is done step by step. An operation that creates, removes or renames acts on one last component in
//! the descriptor of its directory; a `VPath` guarantees that it is no `..` and holds no slash.

mod lookup;

pub use lookup::Resolver;

use super::facts::{facts_at, facts_of};
use super::freeing::frees_much;
use super::remote::{Medium, medium};
use super::scratch::magic_link;
use super::{Dir, Download, NewFile, Refusal, Upload, UploadMode};
use crate::proto::command::ModeChange;
use crate::proto::facts::{Facts, Kind};
use crate::proto::path::VPath;
use crate::users::PartialUploads;
use rustix::fs::{Access, AtFlags, CWD, Mode, OFlags, RenameFlags};
use rustix::fs::{Timespec, Timestamps, UTIME_OMIT, chmodat, fchmod, utimensat};
use rustix::fs::{accessat, fstat, fstatvfs, mkdirat, renameat, renameat_with, unlinkat};
use rustix::io::Errno;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

/// The root of a tree of served files.
///
/// A root as opened is for a thread that must not block on other file systems than its own: a
/// mount beneath it is refused as `NeedsWorker`, for any mount can hang. See
/// [`blocking`](Root::blocking).
#[derive(Clone, Debug)]
pub struct Root {
    directory: Arc<OwnedFd>,
    device: u64,
    inode: u64,
    medium: Medium,
    may_block: bool,
    resolver: Resolver,
}

impl Root {
    /// Takes a directory of the machine for a root. What a rename or a mount later puts under its path
    /// doesn't matter: the directory itself is held.
    pub(super) fn from_directory(directory: OwnedFd) -> std::io::Result<Root> {
        let (status, medium) = (fstat(&directory)?, medium(&directory));
        let (device, inode) = (status.st_dev, status.st_ino);
        let root = Root::on(medium, directory, (device, inode));
        match root.open_confined(&VPath::root(), OFlags::PATH | OFlags::DIRECTORY) {
            // A filter of system calls says so, or a kernel before Linux 5.6.
            Err(Errno::NOSYS | Errno::PERM) => Ok(Root { resolver: Resolver::Steps, ..root }),
            opened => opened.map(|_| root).map_err(std::io::Error::from),
        }
    }

    /// Root of a directory of which all is known.
    pub(super) fn on(medium: Medium, directory: OwnedFd, (device, inode): (u64, u64)) -> Root {
        let (directory, resolver) = (Arc::new(directory), Resolver::Kernel);
        Root { directory, device, inode, medium, may_block: false, resolver }
    }

    /// Resolver of its names.
    pub fn resolver(&self) -> Resolver {
        self.resolver
    }

    /// Copy of the root with another resolver.
    #[cfg(test)]
    pub fn by(&self, resolver: Resolver) -> Root {
        Root { resolver, ..self.clone() }
    }

    /// Copy of the root for a thread that may wait: it goes where names lead.
    pub fn blocking(&self) -> Root {
        Root { may_block: true, ..self.clone() }
    }

    /// True if it is for a thread that may wait, and so is what it opens.
    pub fn may_block(&self) -> bool {
        self.may_block
    }

    /// Number of the device that it is on: roots on one device wait for the same disk.
    pub fn device(&self) -> u64 {
        self.device
    }

    /// Numbers of its device and of itself there: no other folder has them while this one is open.
    pub fn identity(&self) -> (u64, u64) {
        (self.device, self.inode)
    }

    /// True if its files are another machine's or another program's, and each call may wait for
    /// that.
    pub fn is_remote(&self) -> bool {
        self.medium == Medium::Remote
    }

    /// Medium of its own files.
    pub fn medium(&self) -> Medium {
        self.medium
    }

    /// Medium of a file that was opened beneath it.
    pub(super) fn medium_at(&self, file: impl AsFd) -> Medium {
        match (self.medium, self.may_block) {
            (Medium::Remote, _) | (_, false) => self.medium,
            // The file may be on a mount.
            (Medium::Memory | Medium::Disk, true) => medium(file),
        }
    }

    /// The facts of `path`, or of what it leads to where it is a link. A FIFO or device is not
    /// opened, so this can't hang on one.
    ///
    /// # Errors
    /// `NotFound` also for a link that leads nowhere inside the root.
    pub fn facts(&self, path: &VPath) -> Result<Facts, Refusal> {
        facts_of(self.resolve(path, OFlags::PATH)?)
    }

    /// The facts of `path` itself, even where it is a link.
    pub fn link_facts(&self, path: &VPath) -> Result<Facts, Refusal> {
        match path.name() {
            Some(name) => facts_at(self.folder_of(path)?, name),
            None => facts_of(&*self.directory),
        }
    }

    /// Checks that `path` is a directory that may be searched, before going there.
    ///
    /// # Errors
    /// `NotFound`, `NotDirectory`, or `Denied` if it may not be searched.
    pub fn enter(&self, path: &VPath) -> Result<(), Refusal> {
        may(self.resolve(path, OFlags::PATH | OFlags::DIRECTORY)?, Access::EXEC_OK)
    }

    /// Makes a directory; its mode is 0777 less `umask`, and less that of the process.
    ///
    /// # Errors
    /// `Exists` if anything at all stands there: a dangling link and the root too.
    pub fn make_dir(&self, path: &VPath, umask: Option<u16>) -> Result<(), Refusal> {
        let name = path.name().ok_or(Refusal::Exists)?;
        let mode = Mode::from_raw_mode((0o777 & !umask.unwrap_or(0)).into());
        Ok(mkdirat(self.folder_of(path)?, name, mode)?)
    }

    /// Changes the permission bits of a file or directory. A change that depends on the bits that
    /// there are is made to the file that was asked for them, whatever has its name by then.
    ///
    /// # Errors
    /// `Denied` if it is somebody else's, for the root, since nobody could undo that from within, and
    /// for set-id bits that the kernel does not let this process give.
    pub fn set_mode(&self, path: &VPath, change: &ModeChange) -> Result<(), Refusal> {
        let mut file = self.resolve_to_change(path)?;
        let wanted = |file: &OwnedFd| {
            let facts = facts_of(file)?;
            Ok::<_, Refusal>(change.applied_to(facts.mode, facts.kind))
        };
        let mut mode = wanted(&file)?;
        let bits = |mode: u16| Mode::from_raw_mode(mode.into());
        // A descriptor that can't do anything else can be named by /proc, and nothing but this one.
        match chmodat(CWD, magic_link(&file), bits(mode), AtFlags::empty()) {
            // Without /proc it takes the right to read the file.
            Err(Errno::NOENT) => match facts_of(&file)?.kind {
                Kind::File | Kind::Directory => {
                    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
                    file = self.resolve(path, flags)?;
                    mode = wanted(&file)?;
                    fchmod(&file, bits(mode))?;
                }
                Kind::Link | Kind::Special => return Err(Refusal::NotRegular),
            },
            result => result?,
        }
        // The kernel drops the set-group-id bit of a foreign group without a word.
        match change.sets_special_bits() && mode & !facts_of(&file)?.mode != 0 {
            true => Err(Refusal::Denied),
            false => Ok(()),
        }
    }

    /// Sets when a file or directory was last changed, in seconds since 1970 (UTC).
    ///
    /// # Errors
    /// `Denied` if it is somebody else's, and for the root.
    pub fn set_modified(&self, path: &VPath, seconds: i64) -> Result<(), Refusal> {
        let file = self.resolve_to_change(path)?;
        let times = Timestamps {
            last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
            last_modification: Timespec { tv_sec: seconds, tv_nsec: 0 },
        };
        match utimensat(&file, "", &times, AtFlags::EMPTY_PATH) {
            // Linux before 5.8.
            Err(Errno::INVAL) => Ok(utimensat(CWD, magic_link(&file), &times, AtFlags::empty())?),
            result => Ok(result?),
        }
    }

    fn resolve_to_change(&self, path: &VPath) -> Result<OwnedFd, Refusal> {
        let file = self.resolve(path, OFlags::PATH)?;
        let status = fstat(&file)?;
        // A link may lead to the root as well.
        match (status.st_dev, status.st_ino) == self.identity() {
            true => Err(Refusal::Denied),
            false => Ok(file),
        }
    }

    /// Removes an empty directory. One that holds nothing but litter is empty to its users.
    ///
    /// # Errors
    /// `NotEmpty`; `NotDirectory` also for a link to a directory; `Denied` for the root.
    pub fn remove_dir(&self, path: &VPath) -> Result<(), Refusal> {
        let name = path.name().ok_or(Refusal::Denied)?;
        let folder = self.folder_of(path)?;
        match unlinkat(&folder, name, AtFlags::REMOVEDIR) {
            Err(Errno::NOTEMPTY | Errno::EXIST) => self.sweep(path)?,
            done => return Ok(done?),
        }
        Ok(unlinkat(folder, name, AtFlags::REMOVEDIR)?)
    }

    /// Removes the litter of a folder that holds nothing else; one with a name of its own in it is
    /// looked through no further.
    fn sweep(&self, path: &VPath) -> Result<(), Refusal> {
        let mut dir = self.dir(path)?;
        let mut holds_more = false;
        while !holds_more && dir.next_names(|_, _| holds_more = true)? {}
        Ok(())
    }

    /// Removes a file of any kind; of a link the link itself.
    ///
    /// # Errors
    /// `IsDirectory` for a directory, the root among them.
    pub fn remove_file(&self, path: &VPath) -> Result<(), Refusal> {
        let name = path.name().ok_or(Refusal::IsDirectory)?;
        let folder = self.folder_of(path)?;
        self.must_not_free_much(&folder, name)?;
        Ok(unlinkat(folder, name, AtFlags::empty())?)
    }

    /// Leaves it to a root that may wait if much is freed with this name.
    fn must_not_free_much(&self, folder: impl AsFd, name: &[u8]) -> Result<(), Refusal> {
        let frees = !self.may_block && facts_at(folder, name).is_ok_and(|facts| frees_much(&facts));
        if frees { Err(Refusal::NeedsWorker) } else { Ok(()) }
    }

    /// Renames a file or directory; a file that stands under the new name is replaced atomically.
    /// Links are not followed: the link itself is renamed, or replaced.
    ///
    /// # Errors
    /// The holder of the new name is kept if it is a directory (`IsDirectory`, or `Exists`
    /// when a directory is renamed) or if a directory is renamed onto it (`Exists`). `Denied` for
    /// the root on either side; `BadName` for a directory moved into itself.
    pub fn rename(&self, from: &VPath, to: &VPath) -> Result<(), Refusal> {
        self.move_to(from, to, |kind| kind != Kind::Directory)
    }

    /// Gives `from` the name `to`, if nothing has it.
    ///
    /// # Errors
    /// As for [`rename`](Root::rename), and `Exists`.
    pub fn rename_to_free(&self, from: &VPath, to: &VPath) -> Result<(), Refusal> {
        self.move_to(from, to, |_| false)
    }

    fn move_to(
        &self,
        from: &VPath,
        to: &VPath,
        may_replace: impl Fn(Kind) -> bool,
    ) -> Result<(), Refusal> {
        let old_name = from.name().ok_or(Refusal::Denied)?;
        let new_name = to.name().ok_or(Refusal::Denied)?;
        let old_folder = self.folder_of(from)?;
        let new_folder = self.folder_of(to)?;
        let kind = facts_at(&old_folder, old_name)?.kind;
        if may_replace(kind) {
            self.must_not_free_much(&new_folder, new_name)?;
        } else {
            let flags = RenameFlags::NOREPLACE;
            match renameat_with(&old_folder, old_name, &new_folder, new_name, flags) {
                // Some file systems lack the flag: what comes between this look and the next call is
                // lost, and no more.
                Err(Errno::INVAL) if kind != Kind::Directory => {
                    if facts_at(&new_folder, new_name).is_ok() {
                        return Err(Refusal::Exists);
                    }
                }
                // POSIX lets a directory replace an empty one, and nothing else.
                Err(Errno::INVAL) => {}
                other => return Ok(other?),
            }
        }
        Ok(renameat(&old_folder, old_name, &new_folder, new_name)?)
    }

    /// The bytes that an ordinary user may still store at `path`, or, where there is no such
    /// directory, in the nearest one above it.
    pub fn free_space(&self, path: &VPath) -> Result<u64, Refusal> {
        let directory = |depth| self.resolve(&path.first(depth), OFlags::PATH | OFlags::DIRECTORY);
        let (mut deepest, mut missing) = (directory(path.depth()), path.depth());
        if matches!(deepest, Err(Refusal::NotFound | Refusal::NotDirectory)) {
            // Below a missing one all are missing: the last that is there is found by halves, and
            // not by a walk of the whole path for each level.
            let mut found = 0;
            deepest = directory(found);
            while missing - found > 1 {
                let middle = found.midpoint(missing);
                match directory(middle) {
                    Err(Refusal::NotFound | Refusal::NotDirectory) => missing = middle,
                    there => (found, deepest) = (middle, Ok(there?)),
                }
            }
        }
        let space = fstatvfs(deepest?)?;
        Ok(space.f_bavail.saturating_mul(space.f_frsize))
    }

    /// Opens a regular file to be sent from byte `from` on.
    ///
    /// # Errors
    /// `IsDirectory`; `NotRegular` for a device, FIFO or socket, on which it doesn't hang;
    /// `BeyondEnd` if the file is shorter than `from`.
    pub fn download(&self, path: &VPath, from: u64) -> Result<Download, Refusal> {
        Download::open(self, path, from)
    }

    /// Prepares an upload to `path` and changes nothing on the disk: see [`Upload`].
    ///
    /// # Errors
    /// Refusals known beforehand: `IsDirectory`, `NotRegular`, `Denied`, `ReadOnly`, `NotFound`
    /// (the folder), `BadName`, `Exists` for [`UploadMode::Create`], `BeyondEnd` for [`UploadMode::ResumeAt`].
    pub fn upload(
        &self,
        path: &VPath,
        mode: UploadMode,
        keep: PartialUploads,
        new: NewFile,
    ) -> Result<Upload, Refusal> {
        Upload::prepare(self, path, mode, keep, new)
    }

    /// Opens a directory to be listed.
    ///
    /// # Errors
    /// `NotDirectory`, or `Denied` if it may not be read.
    pub fn dir(&self, path: &VPath) -> Result<Dir, Refusal> {
        Dir::open(self, path)
    }
}

/// Checks `access` of this process to a directory.
pub(super) fn may(directory: impl AsFd, access: Access) -> Result<(), Refusal> {
    Ok(accessat(directory, ".", access, AtFlags::EACCESS)?)
}
