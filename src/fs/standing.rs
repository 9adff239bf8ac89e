//! Standing: what stands under the name of an upload, and what can be refused for it before the
//! first byte comes.

use super::Refusal;
use super::facts::{facts_and_attributes_at, facts_and_attributes_of, must_be_file};
use super::freeing::frees_much;
use super::remote::Medium;
use super::root::{Root, may};
use super::scratch::Scratch;
use super::upload::{Claim, Place};
use crate::proto::facts::{Facts, Kind};
use crate::proto::path::VPath;
use rustix::fs::{Access, OFlags, StatxAttributes, fstatvfs};
use rustix::io::retry_on_intr;
use rustix::process::{Uid, geteuid};
use std::os::fd::{AsFd, OwnedFd};

/// Permission of the owner to write. A file without it is shut, for whoever owns the folder too.
const OWNER_WRITES: u16 = 0o200;
/// Bit of a folder from which only its owner, or a file's, may take the file.
const STICKY: u16 = 0o1000;

/// Prepares a file that takes the name at the end. `wanted` is the claim if the name is free.
pub(super) fn aside(
    root: &Root,
    path: &VPath,
    folder: OwnedFd,
    wanted: Claim,
) -> Result<Place, Refusal> {
    let me = geteuid();
    let standing = match facts_and_attributes_at(&folder, path.name().unwrap_or_default()) {
        Err(Refusal::NotFound) => None,
        standing => Some(standing?),
    };
    let claim = match (wanted, standing) {
        (_, None) => wanted,
        (Claim::FreeOnly, Some(_)) => return Err(Refusal::Exists),
        (Claim::Free | Claim::Held { .. }, Some((facts, attributes))) => {
            must_be_replaceable(root, path, facts.kind)?;
            must_not_be_shut(&facts, attributes)?;
            must_not_be_held_by_its_folder(me, &folder, &facts)?;
            Claim::Held { frees_much: frees_much(&facts) }
        }
    };
    may(&folder, Access::WRITE_OK | Access::EXEC_OK)?;
    must_have_room(me, root, &folder)?;
    Ok(Place::Aside { scratch: Scratch::new(folder), claim })
}

/// Opens the file itself for what is to be written behind it; that changes nothing yet. Opening it
/// now and not in `begin` means that what was checked is what is written to.
pub(super) fn itself(root: &Root, path: &VPath, cut_to: Option<u64>) -> Result<Place, Refusal> {
    let file = root.open_file(path, OFlags::WRONLY | OFlags::APPEND)?;
    let (facts, attributes) = facts_and_attributes_of(&file)?;
    must_be_file(facts.kind)?;
    // A file that may only grow may be appended to, and not cut.
    let append_only = StatxAttributes::APPEND;
    must_not_be_shut(&facts, if cut_to.is_some() { attributes } else { attributes - append_only })?;
    if cut_to.is_some_and(|offset| offset > facts.size) {
        return Err(Refusal::BeyondEnd);
    }
    Ok(Place::Itself { file, cut_to })
}

/// A link to a file may be replaced, and so may one that leads nowhere; but nobody who stores to a
/// link to a folder means to lose that link.
fn must_be_replaceable(root: &Root, path: &VPath, kind: Kind) -> Result<(), Refusal> {
    if kind != Kind::Link {
        return must_be_file(kind);
    }
    match root.facts(path) {
        Ok(target) => must_be_file(target.kind),
        // Only a blocking root can tell where it leads.
        Err(Refusal::NeedsWorker) => Err(Refusal::NeedsWorker),
        Err(_) => Ok(()),
    }
}

/// Refuses a file that its owner has shut, by its mode or by `chattr`.
fn must_not_be_shut(facts: &Facts, attributes: StatxAttributes) -> Result<(), Refusal> {
    let read_only = facts.kind == Kind::File && facts.mode & OWNER_WRITES == 0;
    let shut = attributes.intersects(StatxAttributes::IMMUTABLE | StatxAttributes::APPEND);
    if read_only || shut { Err(Refusal::Denied) } else { Ok(()) }
}

/// Refuses a file that may not be taken out of its folder: the last step would fail.
fn must_not_be_held_by_its_folder(me: Uid, folder: impl AsFd, file: &Facts) -> Result<(), Refusal> {
    let (folder, attributes) = facts_and_attributes_of(folder)?;
    let free = me.is_root() || [file.owner, folder.owner].contains(&me.as_raw());
    let held = folder.mode & STICKY != 0 && !free;
    if held || attributes.contains(StatxAttributes::APPEND) { Err(Refusal::Denied) } else { Ok(()) }
}

/// Refuses where not a single block, or not one more file, would find room. Programs and other
/// machines say all sorts of things about that.
fn must_have_room(me: Uid, root: &Root, folder: impl AsFd) -> Result<(), Refusal> {
    if root.medium_at(&folder) == Medium::Remote {
        return Ok(());
    }
    let space = retry_on_intr(|| fstatvfs(&folder))?;
    let (blocks, files) = match me.is_root() {
        true => (space.f_bfree, space.f_ffree),
        false => (space.f_bavail, space.f_favail),
    };
    // A file system that counts none has no end of them.
    let full = (space.f_blocks > 0 && blocks == 0) || (space.f_files > 0 && files == 0);
    if full { Err(Refusal::NoSpace) } else { Ok(()) }
}
