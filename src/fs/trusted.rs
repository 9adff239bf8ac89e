//! Trusted: the way to a user's own root, followed by hand, since that user may own folders on it.
//! A symbolic link there would lead the server to wherever that user likes, with the server's
//! rights.

use super::facts::facts_of;
use crate::proto::facts::Kind;
use rustix::fs::{CWD, Mode, OFlags, openat, readlinkat};
use rustix::io::{Errno, retry_on_intr};
use rustix::process::geteuid;
use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io::{Error, ErrorKind};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Links that are followed, as many as the kernel follows.
const LINKS: usize = 40;

/// Opens the directory `path` of the machine (`O_PATH`). Links on the way are followed if they are
/// root's or the server's own, and refused if anybody else's: each is looked at by the descriptor
/// that is then gone on from, so that no race changes what was looked at.
///
/// # Errors
/// The kernel's own; or the link that was not followed.
pub(super) fn open(path: &Path) -> std::io::Result<OwnedFd> {
    let to_pass = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let begin = |path: &Path| {
        let origin = if path.is_absolute() { "/" } else { "." };
        retry_on_intr(|| openat(CWD, origin, to_pass | OFlags::DIRECTORY, Mode::empty()))
    };
    let (mut folder, mut ahead) = (begin(path)?, components(path));
    let (mut passed, mut links) = (PathBuf::new(), 0);
    if path.is_absolute() {
        passed.push("/");
    }
    while let Some(name) = ahead.pop_front() {
        // As a directory first, so that an automount point is mounted.
        let flags = to_pass | OFlags::DIRECTORY;
        match retry_on_intr(|| openat(&folder, &name, flags, Mode::empty())) {
            Ok(next) => {
                passed.push(&name);
                folder = next;
                continue;
            }
            Err(Errno::NOTDIR | Errno::LOOP) => {}
            Err(errno) => return Err(errno.into()),
        }
        let link = retry_on_intr(|| openat(&folder, &name, to_pass, Mode::empty()))?;
        let facts = facts_of(&link).map_err(|refusal| Error::other(refusal.to_string()))?;
        match facts.kind {
            Kind::Link if ![0, geteuid().as_raw()].contains(&facts.owner) => {
                let (name, owner) = (passed.join(&name), facts.owner);
                let name = name.display();
                let why = format!("{name} is a symbolic link of user {owner}: name its target");
                return Err(Error::new(ErrorKind::PermissionDenied, why));
            }
            Kind::Link => {
                links += 1;
                if links > LINKS {
                    return Err(Errno::LOOP.into());
                }
                let target = readlinkat(&link, "", Vec::new())?.into_bytes();
                let target = PathBuf::from(OsString::from_vec(target));
                if target.is_absolute() {
                    (folder, passed) = (begin(&target)?, PathBuf::from("/"));
                }
                for component in components(&target).into_iter().rev() {
                    ahead.push_front(component);
                }
            }
            Kind::Directory | Kind::File | Kind::Special => return Err(Errno::NOTDIR.into()),
        }
    }
    Ok(folder)
}

/// Names to be passed one after the other, `..` among them.
fn components(path: &Path) -> VecDeque<OsString> {
    let names = path.as_os_str().as_bytes().split(|&byte| byte == b'/');
    let names = names.filter(|name| !name.is_empty() && name != b".");
    names.map(|name| OsStr::from_bytes(name).to_owned()).collect()
}
