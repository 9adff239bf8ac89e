//! Permissions: what the user may do where, and the one place where a question about files is held
//! against it.
//!
//! Rules are about the paths that clients see, and each holds for all that is in its folder; of two
//! rules the deeper one counts. The folder itself is part of the folder above.

use crate::fs::UploadMode;
use crate::proto::command::Change;
use crate::proto::glob;
use crate::proto::list_options::Scope;
use crate::proto::listing::{Perm, Perms};
use crate::proto::path::VPath;
use crate::users::{Access, Right};

use super::{FileOp, Listing};

/// Rights on a folder that nobody has where it, or what it holds, has rules of its own.
const ON_ITSELF: Access = Access::of(&[Right::Rename, Right::Rmdir]);

/// Permissions of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permissions {
    everywhere: Access,
    /// Rules for folders, the deepest first.
    folders: Box<[(VPath, Access)]>,
}

impl From<Access> for Permissions {
    fn from(everywhere: Access) -> Permissions {
        Permissions { everywhere, folders: Box::default() }
    }
}

impl Permissions {
    /// Rights everywhere, save in folders that have rules of their own.
    pub fn new(
        everywhere: Access,
        folders: impl IntoIterator<Item = (VPath, Access)>,
    ) -> Permissions {
        let mut folders: Vec<(VPath, Access)> = folders.into_iter().collect();
        folders.sort_by_key(|(folder, _)| std::cmp::Reverse(folder.depth()));
        Permissions { everywhere, folders: folders.into() }
    }

    /// Rights that the user has anywhere.
    pub fn anywhere(&self) -> Access {
        self.folders.iter().fold(self.everywhere, |all, (_, access)| all.or(*access))
    }

    /// Rights in a folder.
    pub fn within(&self, folder: &VPath) -> Access {
        let rule = self.folders.iter().find(|(ruled, _)| folder.is_within(ruled));
        rule.map_or(self.everywhere, |(_, access)| *access)
    }

    /// Rights on a name, which are those in the folder that holds it.
    fn on(&self, path: &VPath) -> Access {
        self.within(&path.parent())
    }

    /// True if a folder with rules of its own is this one or in it: by another name the rules would
    /// not hold.
    fn holds_a_rule(&self, path: &VPath) -> bool {
        self.folders.iter().any(|(ruled, _)| ruled.is_within(path))
    }

    /// Right that the user lacks for this operation, if any.
    pub(super) fn lacks(&self, operation: &FileOp) -> Option<Right> {
        let lacks = |access: Access, rights: &[Right]| {
            rights.iter().copied().find(|&right| !access.has(right))
        };
        match operation {
            // Who may fetch a file may know its size.
            FileOp::Facts(path) if self.on(path).has(Right::Get) => None,
            FileOp::Facts(path) => lacks(self.on(path), &[Right::List]),
            FileOp::Exists(path) => self.lacks_rename(path),
            FileOp::Rename(from, to, _) => {
                let (here, there) = (self.on(from), self.on(to));
                let renamed = self.lacks_rename(from).or(self.lacks_rename(to));
                // What goes where other rights hold is taken away here, and put there.
                let moved = || {
                    let taken = lacks(here, &[Right::Get, Right::Delete]);
                    taken.or(lacks(there, &[Right::Put]))
                };
                if here == there { renamed } else { renamed.or_else(moved) }
            }
            FileOp::MakeDir(path, _) => lacks(self.on(path), &[Right::Mkdir]),
            FileOp::RemoveDir(path) if self.holds_a_rule(path) => Some(Right::Rmdir),
            FileOp::RemoveDir(path) => lacks(self.on(path), &[Right::Rmdir]),
            FileOp::RemoveFile(path) => lacks(self.on(path), &[Right::Delete]),
            FileOp::Change(path, changes) => {
                let rights: Vec<Right> = changes.iter().map(right_of).collect();
                lacks(self.on(path), &rights)
            }
            FileOp::Checksum(path, ..) | FileOp::OpenDownload(path, ..) => {
                lacks(self.on(path), &[Right::Get])
            }
            FileOp::Copy(from, to, ..) => {
                let from = lacks(self.on(from), &[Right::Copy, Right::Get]);
                from.or(lacks(self.on(to), &[Right::Copy, Right::Put]))
            }
            FileOp::Combine(target, parts, _) => {
                let target = lacks(self.on(target), &[Right::Copy, Right::Put, Right::Append]);
                let part = |part| lacks(self.on(part), &[Right::Get, Right::Delete]);
                target.or(parts.iter().find_map(part))
            }
            FileOp::OpenUpload(path, mode, ..) => match mode {
                UploadMode::Append => lacks(self.on(path), &[Right::Put, Right::Append]),
                // The file is cut off at the offset first.
                UploadMode::ResumeAt(1..) => {
                    lacks(self.on(path), &[Right::Put, Right::Append, Right::Overwrite])
                }
                UploadMode::Create
                | UploadMode::Replace
                | UploadMode::Overwrite
                | UploadMode::ResumeAt(0) => lacks(self.on(path), &[Right::Put]),
            },
            FileOp::OpenListing(listing) => (!self.lists(listing)).then_some(Right::List),
            // Whoever has no right at all is not told what there is.
            FileOp::Enter(path) if self.within(path) == Access::NONE => {
                lacks(self.on(path), &[Right::List])
            }
            FileOp::Enter(_)
            | FileOp::FreeSpace(_)
            | FileOp::NextLines
            | FileOp::FinishUpload
            | FileOp::FinishNewUpload => None,
        }
    }

    fn lacks_rename(&self, path: &VPath) -> Option<Right> {
        let may = self.on(path).has(Right::Rename) && !self.holds_a_rule(path);
        (!may).then_some(Right::Rename)
    }

    /// True if all folders that a listing may come to may be listed.
    fn lists(&self, listing: &Listing) -> bool {
        let fixed = glob::fixed_part(&listing.path);
        // The last component is matched against names, and nothing is entered by it.
        let is_path_of_patterns = fixed.depth() + 1 < listing.path.depth();
        let is_pattern = fixed != listing.path;
        let walks = (is_pattern && is_path_of_patterns) || listing.options.scope == Scope::Tree;
        let mut inner = self.folders.iter().filter(|(ruled, _)| ruled.is_within(&fixed));
        // A folder may be called what looks like a pattern.
        self.within(&fixed).has(Right::List)
            && self.within(&listing.path).has(Right::List)
            && (!walks || inner.all(|(_, access)| access.has(Right::List)))
    }

    /// Mode of an upload for one who may not replace what is there.
    pub(super) fn mode(&self, path: &VPath, asked: UploadMode) -> UploadMode {
        match asked {
            UploadMode::Replace | UploadMode::ResumeAt(0)
                if !self.on(path).has(Right::Overwrite) =>
            {
                UploadMode::Create
            }
            asked => asked,
        }
    }

    /// True if nobody could go on with an upload to this name that was cut off.
    pub(super) fn uploads_once(&self, path: &VPath) -> bool {
        let rights = self.on(path);
        !rights.has(Right::Append) && !rights.has(Right::Overwrite)
    }

    /// True if what has this name may be replaced.
    pub(super) fn may_replace(&self, path: &VPath) -> bool {
        self.on(path).has(Right::Overwrite)
    }

    /// Letters of the `perm` fact (RFC 3659, 7.5.5) for the names in this folder.
    pub(super) fn perms_in(&self, folder: &VPath) -> Perms {
        let own = self.folders.iter().filter(|(ruled, _)| ruled.parent() == *folder);
        let own = own.filter_map(|(ruled, access)| {
            let perm = perm(self.within(folder).without(ON_ITSELF), *access);
            Some((ruled.name()?.into(), perm))
        });
        let here = self.within(folder);
        Perms { each: perm(here, here), exceptions: own.collect() }
    }

    /// Letters of the `perm` fact for this name.
    pub(super) fn perm_on(&self, path: &VPath) -> Perm {
        let outer = self.on(path);
        let outer = if self.holds_a_rule(path) { outer.without(ON_ITSELF) } else { outer };
        perm(outer, self.within(path))
    }
}

fn right_of(change: &Change) -> Right {
    match change {
        Change::Modified(_) => Right::Mtime,
        Change::Mode(_) => Right::Chmod,
    }
}

/// Letters for names in a folder with the rights `outer`; where a name is a folder, what is in it has
/// the rights `inner`.
fn perm(outer: Access, inner: Access) -> Perm {
    let letters = |letters: &[(u8, Access, Right)]| {
        let held = letters.iter().filter(|(_, access, right)| access.has(*right));
        held.map(|(letter, ..)| *letter).collect()
    };
    let file: Vec<u8> = letters(&[
        (b'a', outer, Right::Append),
        (b'd', outer, Right::Delete),
        (b'f', outer, Right::Rename),
        (b'r', outer, Right::Get),
        (b'w', outer, Right::Overwrite),
    ]);
    let mut folder: Vec<u8> = letters(&[
        (b'c', inner, Right::Put),
        (b'd', outer, Right::Rmdir),
        (b'f', outer, Right::Rename),
        (b'l', inner, Right::List),
        (b'm', inner, Right::Mkdir),
        (b'p', inner, Right::Delete),
    ]);
    folder.push(b'e');
    Perm::new(&file, &folder)
}

#[cfg(test)]
mod tests;
