//! Heritage: what a file had besides its content, handed on to the file that replaces it, as far as
//! the process may. What cannot be handed on never opens the file to anybody it was shut to.

use super::facts::facts_of;
use super::scratch::magic_link;
use crate::proto::facts::Facts;
use rustix::fs::{Gid, Mode, Uid, fchmod, fchown, fremovexattr, fsetxattr};
use rustix::fs::{XattrFlags, getxattr, getxattr_query, listxattr, listxattr_query};
use std::os::fd::OwnedFd;

/// Access control list of a file, as an extended attribute.
const ACL: &[u8] = b"system.posix_acl_access";

/// Attributes that were granted to the old content, or are made of it: capabilities of a program,
/// and the kernel's seals.
const OF_THE_CONTENT: [&[u8]; 3] = [b"security.capability", b"security.ima", b"security.evm"];

/// Gives `file` what `old`, an `O_PATH` descriptor with these `facts`, had: extended attributes,
/// access control list, permission bits, group and owner. No set-id bits: those were granted to the
/// old content. Where a file system has no such things, that is no reason to lose an upload.
pub(super) fn inherit(file: &OwnedFd, old: &OwnedFd, facts: &Facts) {
    let Ok(ours) = facts_of(file) else { return };
    let group = Gid::from_raw(facts.group);
    let keeps_group = facts.group == ours.group || fchown(file, None, Some(group)).is_ok();
    let had = attributes(old);
    let mut keeps_acl = false;
    for (name, value) in &had {
        let is_acl = name == ACL;
        if !is_acl || keeps_group {
            let kept = fsetxattr(file, name.as_slice(), value, XattrFlags::empty()).is_ok();
            keeps_acl |= is_acl && kept;
        }
    }
    if !keeps_acl {
        // The folder may have given it one of its own, for whom the old file was shut.
        let _ = fremovexattr(file, ACL);
    }
    let had_acl = had.iter().any(|(name, _)| name == ACL);
    let mode = if keeps_group && (keeps_acl || !had_acl) {
        facts.mode & 0o777
    } else {
        // The bits of the group are another group's now, or were the mask of a list that is gone:
        // no more for them than for everybody.
        facts.mode & (0o707 | (facts.mode & 0o7) << 3)
    };
    if mode != ours.mode {
        let _ = fchmod(file, Mode::from_raw_mode(mode.into()));
    }
    // Last, since it may be the last thing that may be done to somebody else's file.
    if facts.owner != ours.owner {
        let _ = fchown(file, Some(Uid::from_raw(facts.owner)), None);
    }
}

/// Extended attributes that are handed on, as far as they can be read.
fn attributes(old: &OwnedFd) -> Vec<(Vec<u8>, Vec<u8>)> {
    let path = magic_link(old);
    let Ok(length @ 1..) = listxattr_query(&path) else { return Vec::new() };
    let mut names = vec![0; length];
    let Ok(length) = listxattr(&path, names.as_mut_slice()) else { return Vec::new() };
    let names = names[..length].split(|&byte| byte == 0).filter(|name| !name.is_empty());
    names
        .filter(|name| !OF_THE_CONTENT.contains(name))
        .filter_map(|name| {
            let mut value = vec![0; getxattr_query(&path, name).ok()?];
            let length = getxattr(&path, name, value.as_mut_slice()).ok()?;
            value.truncate(length);
            Some((name.to_vec(), value))
        })
        .collect()
}
