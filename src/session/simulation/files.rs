//! The files as the session knows them: what may be asked of them, and what they answer.

use super::shell::{Link, Opened, Shell};
use crate::fs::Refusal;
use crate::fuzz::Chance;
use crate::proto::command::Change;
use crate::proto::facts::{Facts, Kind};
use crate::proto::list_options::Scope;
use crate::proto::path::VPath;
use crate::session::{FileDone, FileOp, Target};
use crate::users::Right;

/// Refusals that the files may answer with.
pub(super) const REFUSALS: &[Refusal] = &[
    Refusal::NotFound,
    Refusal::Denied,
    Refusal::IsDirectory,
    Refusal::NotDirectory,
    Refusal::NotRegular,
    Refusal::Exists,
    Refusal::NotEmpty,
    Refusal::BadName,
    Refusal::ReadOnly,
    Refusal::NoSpace,
    Refusal::Quota,
    Refusal::TooLarge,
    Refusal::Loop,
    Refusal::BeyondEnd,
    Refusal::Shortened,
    Refusal::Busy,
    Refusal::CrossDevice,
    Refusal::TooManyOpen,
    Refusal::Failed(5),
];
/// Rights that an operation needs at least, told as the table of a manual would tell it.
fn needed(operation: &FileOp) -> &'static [Right] {
    use crate::fs::UploadMode::{Append, Create, Overwrite, Replace, ResumeAt};
    match operation {
        FileOp::OpenDownload(..) | FileOp::Checksum(..) => &[Right::Get],
        FileOp::OpenListing(_) => &[Right::List],
        FileOp::OpenUpload(_, Create, ..) => &[Right::Put],
        FileOp::OpenUpload(_, Replace | Overwrite | ResumeAt(0), ..) => {
            &[Right::Put, Right::Overwrite]
        }
        FileOp::OpenUpload(_, Append, ..) => &[Right::Put, Right::Append],
        FileOp::OpenUpload(_, ResumeAt(_), ..) => &[Right::Put, Right::Append, Right::Overwrite],
        FileOp::RemoveFile(_) => &[Right::Delete],
        FileOp::RemoveDir(_) => &[Right::Rmdir],
        FileOp::MakeDir(..) => &[Right::Mkdir],
        FileOp::Rename(_, _, Target::Any) => &[Right::Rename, Right::Overwrite],
        FileOp::Rename(_, _, Target::Free) | FileOp::Exists(_) => &[Right::Rename],
        FileOp::Copy(_, _, Replace, _) => &[Right::Copy, Right::Get, Right::Put, Right::Overwrite],
        FileOp::Copy(..) => &[Right::Copy, Right::Get, Right::Put],
        FileOp::Combine(..) => &[Right::Copy, Right::Get, Right::Put, Right::Append, Right::Delete],
        FileOp::Change(_, changes) => {
            match changes.iter().any(|change| matches!(change, Change::Mode(_))) {
                true => &[Right::Chmod],
                false => &[Right::Mtime],
            }
        }
        FileOp::Facts(_)
        | FileOp::Enter(_)
        | FileOp::FreeSpace(_)
        | FileOp::NextLines
        | FileOp::FinishUpload
        | FileOp::FinishNewUpload => &[],
    }
}

/// No path that the kernel takes is longer.
const LONGEST_PATH: usize = 4096;

impl Shell {
    /// Rules for what may be asked of the files now, and by whom.
    pub(super) fn may(&self, operation: &FileOp) {
        let (writes, transfers) = match operation {
            FileOp::OpenUpload(..) => (true, true),
            FileOp::OpenDownload(..) => (false, true),
            FileOp::MakeDir(..) | FileOp::RemoveDir(_) | FileOp::RemoveFile(_) => (true, false),
            FileOp::Change(_, changes) => {
                let special = changes.iter().any(Change::sets_special_bits);
                assert!(self.set_id || !special, "a set-id bit that is not allowed");
                (true, false)
            }
            FileOp::Rename(..) => (true, false),
            FileOp::Copy(..) | FileOp::Combine(..) => (true, false),
            FileOp::FinishUpload | FileOp::FinishNewUpload => {
                assert!(self.ended && self.opened == Some(Opened::Upload), "nothing has ended");
                let spares = *operation == FileOp::FinishNewUpload;
                let may_spare = !self.hears() && !self.replace_on_hangup;
                assert!(!spares || may_spare, "an upload that may replace does not");
                assert!(spares || !self.deserted || !may_spare, "an old file for a crash");
                (true, false)
            }
            FileOp::NextLines => {
                assert!(self.opened == Some(Opened::Listing) && !self.running, "no STAT is open");
                (false, false)
            }
            FileOp::Facts(_) | FileOp::Exists(_) | FileOp::Enter(_) | FileOp::FreeSpace(_) => {
                (false, false)
            }
            FileOp::OpenListing(listing) => {
                let is_tree = listing.options.scope == Scope::Tree;
                assert!(self.recursive_lists || !is_tree, "a tree that may not be listed");
                (false, false)
            }
            FileOp::Checksum(..) => (false, false),
        };
        assert!(!writes || self.access.writes(), "{operation:?} by one who may only read");
        let needed = needed(operation);
        let held = needed.iter().all(|&right| self.access.has(right));
        assert!(held, "{operation:?} by one who may {} and not {needed:?}", self.access);
        assert!(!transfers || self.link != Link::None, "{operation:?} without a data connection");
    }

    pub(super) fn file(
        &mut self,
        operation: &FileOp,
        chance: &mut Chance,
    ) -> Result<FileDone, Refusal> {
        let finishes = matches!(operation, FileOp::FinishUpload | FileOp::FinishNewUpload);
        if finishes {
            self.opened = None;
            self.ended = false;
        }
        let failed = chance.one_in(6) || path_of(operation).is_some_and(is_too_long);
        if failed {
            // The listing of a STAT is dropped with the answer that ends it.
            if *operation == FileOp::NextLines {
                self.opened = None;
            }
            return Err(chance.pick(REFUSALS));
        }
        match operation {
            FileOp::OpenDownload(..) => {
                self.opened = Some(Opened::Download);
                return Ok(FileDone::Opened(chance.below(9)));
            }
            FileOp::OpenUpload(..) => self.opened = Some(Opened::Upload),
            FileOp::OpenListing(_) => self.opened = Some(Opened::Listing),
            FileOp::FinishUpload | FileOp::FinishNewUpload => self.completed += 1,
            FileOp::Facts(_) => return Ok(FileDone::Facts(facts(chance))),
            FileOp::Checksum(..) => {
                return Ok(FileDone::Checksum { digits: "00FF".to_owned(), end: 4 });
            }
            FileOp::FreeSpace(_) => return Ok(FileDone::Free(chance.below(20))),
            FileOp::NextLines => {
                let count = chance.upto(32);
                if count == 0 {
                    self.opened = None;
                }
                let line = vec![chance.pick(b"x\xFF"); chance.upto(300)];
                return Ok(FileDone::Lines([&line[..], b"\r\n"].concat().repeat(count)));
            }
            _ => {}
        }
        Ok(FileDone::Done)
    }
}

fn path_of(operation: &FileOp) -> Option<&VPath> {
    match operation {
        FileOp::Facts(path) | FileOp::Exists(path) | FileOp::Enter(path) => Some(path),
        FileOp::MakeDir(path, _) | FileOp::RemoveDir(path) | FileOp::RemoveFile(path) => Some(path),
        FileOp::Change(path, _) | FileOp::Checksum(path, ..) => Some(path),
        FileOp::Copy(_, path, ..) | FileOp::Combine(path, ..) => Some(path),
        FileOp::Rename(_, path, _) | FileOp::FreeSpace(path) => Some(path),
        FileOp::OpenDownload(path, ..) | FileOp::OpenUpload(path, ..) => Some(path),
        FileOp::OpenListing(listing) => Some(&listing.path),
        FileOp::NextLines | FileOp::FinishUpload | FileOp::FinishNewUpload => None,
    }
}

fn is_too_long(path: &VPath) -> bool {
    path.as_bytes().len() > LONGEST_PATH
}

fn facts(chance: &mut Chance) -> Facts {
    Facts {
        kind: chance.pick(&[Kind::File, Kind::File, Kind::Directory, Kind::Link, Kind::Special]),
        mode: 0o644,
        links: 1,
        owner: 0,
        group: 0,
        size: chance.below(u64::MAX),
        modified: chance.pick(&[0, 1_677_930_000, -1, i64::MIN, i64::MAX]),
        modified_ns: 0,
        created: None,
        device: 1,
        inode: 1,
    }
}
