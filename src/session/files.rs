//! Files and folders: SIZE, MDTM, CWD, MKD, RMD, DELE, RNFR, RNTO, COMB, ALLO, STAT of a path.

use std::time::Instant;

use super::waiting::{FileQuestion, Waiting};
use super::{FileDone, FileOp, Session, Target};
use crate::fs::{Refusal, UploadMode};
use crate::proto::coding::Representation;
use crate::proto::command::{Change, ModeChange};
use crate::proto::date;
use crate::proto::facts::{Facts, Kind};
use crate::proto::list_options::ListOptions;
use crate::proto::listing::{self, Perm, Style};
use crate::proto::path::VPath;
use crate::proto::reply::{self, Reply};
use crate::users::Right;

impl Session {
    pub(super) fn file_answered(
        &mut self,
        question: FileQuestion,
        result: Result<FileDone, Refusal>,
        now: Instant,
    ) {
        match (question, result) {
            (FileQuestion::Open, result) => self.opened(result, now),
            (FileQuestion::Finish, result) => self.finished(result.map(drop), now),
            (FileQuestion::StatusLines, result) => self.status_lines(result),
            (FileQuestion::Checksum(question), result) => self.checksum_answered(*question, result),
            (FileQuestion::Combine(parts) | FileQuestion::RemovePart(parts), result) => {
                self.remove_parts(parts, result);
            }
            (FileQuestion::ModifiedOrSet(otherwise), Err(Refusal::NotFound)) => {
                let (change, path) = *otherwise;
                self.set_facts(vec![change], &path);
            }
            (_, Err(refusal)) => self.refused(refusal),
            (FileQuestion::Size, Ok(FileDone::Facts(facts))) => match facts.kind {
                Kind::File => self.reply(Reply::Size(facts.size)),
                _ => self.reply(Reply::NotAFile),
            },
            (FileQuestion::Modified, Ok(FileDone::Facts(facts)))
            | (FileQuestion::ModifiedOrSet(_), Ok(FileDone::Facts(facts))) => self.modified(&facts),
            (FileQuestion::Facts(path), Ok(FileDone::Facts(facts))) => {
                self.tell_facts(&path, &facts)
            }
            (FileQuestion::Free, Ok(FileDone::Free(bytes))) => self.reply(Reply::Free(bytes)),
            (FileQuestion::SetFacts(told), Ok(FileDone::Done)) => {
                let (changes, path) = *told;
                self.reply(Reply::Changed(&changes, &path));
            }
            (FileQuestion::Site, Ok(FileDone::Done)) => self.reply(Reply::SiteDone),
            (FileQuestion::CopyFrom(path), Ok(FileDone::Facts(facts))) => match facts.kind {
                Kind::File => {
                    self.parameters.copy_from = Some(path);
                    self.reply(Reply::SendCopyName);
                }
                _ => self.reply(Reply::NotAFile),
            },
            (FileQuestion::Allocate(bytes), Ok(FileDone::Free(free))) if bytes > free => {
                self.reply(Reply::RoomMissing);
            }
            (FileQuestion::Allocate(bytes), Ok(FileDone::Free(_))) => {
                self.parameters.allocated = Some(bytes);
                self.reply(Reply::RoomEnough);
            }
            (FileQuestion::Enter(path), Ok(FileDone::Done)) => {
                self.parameters.folder = path;
                self.reply(Reply::FileActionOkay);
            }
            (FileQuestion::MakeDir(path), Ok(FileDone::Done)) => {
                self.reply(Reply::FolderMade(path.as_bytes()));
            }
            (FileQuestion::Change | FileQuestion::Copy, Ok(FileDone::Done)) => {
                self.reply(Reply::FileActionOkay);
            }
            (FileQuestion::RenameFrom(path), Ok(FileDone::Done)) => {
                self.parameters.rename_from = Some(path);
                self.reply(Reply::SendNewName);
            }
            (FileQuestion::OpenStatus, Ok(FileDone::Done)) => {
                reply::begin_status(&mut self.output);
                self.waiting = Some(Waiting::Drain);
            }
            (question, Ok(done)) => debug_assert!(false, "{done:?} is no answer to {question:?}"),
        }
    }

    /// Refusal of the file system before anything was transferred.
    pub(super) fn refused(&mut self, refusal: Refusal) {
        let code = match refusal {
            Refusal::NoSpace => 452,
            Refusal::Quota | Refusal::TooLarge => 552,
            Refusal::BadName => 553,
            Refusal::BeyondEnd => 554,
            Refusal::Busy | Refusal::TooManyOpen => 450,
            #[cfg(feature = "testing")]
            Refusal::Scripted(code, _) => code,
            // Clients take 550 for the last word about the name.
            Refusal::Failed(_) | Refusal::Shortened => 451,
            _ => 550,
        };
        self.reply(Reply::Refused(code, &refusal.to_string()));
    }

    pub(super) fn allocate(&mut self, bytes: u64) {
        self.ask(FileQuestion::Allocate(bytes), FileOp::FreeSpace(self.parameters.folder.clone()));
    }

    pub(super) fn size(&mut self, argument: &[u8]) {
        match self.parameters.coding.representation {
            Representation::Ascii => self.reply(Reply::NoSizeInAscii),
            Representation::Image => {
                self.ask(FileQuestion::Size, FileOp::Facts(self.path(argument)))
            }
        }
    }

    fn modified(&mut self, facts: &Facts) {
        match facts.kind {
            Kind::File => self.reply(Reply::Modified(date::mdtm(facts.modified))),
            _ => self.reply(Reply::NotAFile),
        }
    }

    /// MDTM shows a time; old clients set one with it, and only the files know which is meant.
    pub(super) fn modified_or_set(&mut self, path: &[u8], otherwise: Option<(Change, Vec<u8>)>) {
        let question = match otherwise {
            Some(otherwise) if self.may_set_times() => {
                FileQuestion::ModifiedOrSet(Box::new(otherwise))
            }
            _ => FileQuestion::Modified,
        };
        self.ask(question, FileOp::Facts(self.path(path)));
    }

    fn may_set_times(&self) -> bool {
        let permissions = self.login.permissions();
        permissions.is_some_and(|permissions| permissions.anywhere().has(Right::Mtime))
    }

    /// MLST.
    pub(super) fn facts_of(&mut self, argument: &[u8]) {
        let path = self.path(argument);
        self.ask(FileQuestion::Facts(path.clone()), FileOp::Facts(path));
    }

    fn tell_facts(&mut self, path: &VPath, facts: &Facts) {
        let permissions = self.login.permissions();
        let perm = permissions.map_or(Perm::default(), |permissions| permissions.perm_on(path));
        let mut line = Vec::new();
        listing::machine(&mut line, path.as_bytes(), facts, perm, self.parameters.facts);
        // Only the line end is ours: the blanks before it are the name's.
        self.reply(Reply::Facts(line.strip_suffix(b"\r\n").unwrap_or(&line)));
    }

    /// MFMT and MFF.
    pub(super) fn set_facts(&mut self, changes: Vec<Change>, argument: &[u8]) {
        if !self.settings.set_id && changes.iter().any(Change::sets_special_bits) {
            return self.reply(Reply::NoSetId);
        }
        let operation = FileOp::Change(self.path(argument), changes.clone());
        let told = Box::new((changes, argument.to_vec()));
        self.ask(FileQuestion::SetFacts(told), operation);
    }

    /// SITE CHMOD.
    pub(super) fn change_mode(&mut self, mode: ModeChange, argument: &[u8]) {
        let change = Change::Mode(mode.under(self.usual_umask()));
        match change.sets_special_bits() && !self.settings.set_id {
            true => self.reply(Reply::NoSetId),
            false => {
                self.ask(FileQuestion::Site, FileOp::Change(self.path(argument), vec![change]))
            }
        }
    }

    pub(super) fn copy_from(&mut self, path: VPath) {
        self.ask(FileQuestion::CopyFrom(path.clone()), FileOp::Facts(path));
    }

    pub(super) fn copy_to(&mut self, to: VPath) {
        match self.parameters.copy_from.take() {
            Some(from) => {
                let mode = match self.may_replace(&to) {
                    true => UploadMode::Replace,
                    false => UploadMode::Create,
                };
                let copy = FileOp::Copy(from, to, mode, self.new_file(0));
                self.ask(FileQuestion::Copy, copy);
            }
            None => self.reply(Reply::CopyFromFirst),
        }
    }

    /// COMB: parts are joined behind what the target holds, and the whole takes the target's name
    /// in one step. Only then are the parts removed, so that a refusal at any point loses nothing.
    pub(super) fn combine(&mut self, target: &[u8], parts: &[Vec<u8>]) {
        let parts: Vec<VPath> = parts.iter().map(|part| self.path(part)).collect();
        let operation = FileOp::Combine(self.path(target), parts.clone(), self.new_file(0));
        let to_remove = parts.into_iter().rev().collect();
        self.ask(FileQuestion::Combine(to_remove), operation);
    }

    /// The target is whole, or a part is gone: the next part goes, until there is none.
    fn remove_parts(&mut self, parts: Box<[VPath]>, result: Result<FileDone, Refusal>) {
        let mut parts = parts.into_vec();
        match (result, parts.pop()) {
            (Err(refusal), _) => self.refused(refusal),
            (Ok(_), Some(part)) => {
                let question = FileQuestion::RemovePart(parts.into_boxed_slice());
                self.ask(question, FileOp::RemoveFile(part));
            }
            (Ok(_), None) => self.reply(Reply::FileActionOkay),
        }
    }

    pub(super) fn print_folder(&mut self) {
        let folder = self.parameters.folder.clone();
        self.reply(Reply::CurrentFolder(folder.as_bytes()));
    }

    pub(super) fn enter(&mut self, path: VPath) {
        self.ask(FileQuestion::Enter(path.clone()), FileOp::Enter(path));
    }

    pub(super) fn make_folder(&mut self, path: VPath) {
        self.ask(FileQuestion::MakeDir(path.clone()), FileOp::MakeDir(path, self.umask()));
    }

    pub(super) fn change(&mut self, operation: FileOp) {
        self.ask(FileQuestion::Change, operation);
    }

    pub(super) fn rename_from(&mut self, path: VPath) {
        self.ask(FileQuestion::RenameFrom(path.clone()), FileOp::Exists(path));
    }

    pub(super) fn rename_to(&mut self, to: VPath) {
        match self.parameters.rename_from.take() {
            Some(from) => {
                let target = if self.may_replace(&to) { Target::Any } else { Target::Free };
                self.change(FileOp::Rename(from, to, target));
            }
            None => self.reply(Reply::RenameFromFirst),
        }
    }

    fn may_replace(&self, path: &VPath) -> bool {
        self.login.permissions().is_some_and(|permissions| permissions.may_replace(path))
    }

    /// STAT with a path: a listing on the control connection (RFC 959, 4.1.3).
    pub(super) fn status_of(&mut self, options: ListOptions, argument: &[u8]) {
        if !self.login.is_granted() {
            return self.reply(Reply::NotLoggedIn);
        }
        let listing = self.listing(Style::Long, options, argument);
        self.ask(FileQuestion::OpenStatus, FileOp::OpenListing(listing));
    }

    /// Asks for the next lines of a STAT as soon as the client has read most of the last.
    pub(super) fn list_on(&mut self, now: Instant) {
        if matches!(self.waiting, Some(Waiting::Drain)) && self.output.len() < super::OUTPUT_LIMIT {
            self.timestamps.last_active = now;
            self.ask(FileQuestion::StatusLines, FileOp::NextLines);
        }
    }

    /// Ends the listing of a STAT early: the client would take what follows for a part of it.
    pub(super) fn cut_status(&mut self) {
        if let Some(Waiting::Drain | Waiting::File(FileQuestion::StatusLines, _)) = self.waiting {
            self.reply(Reply::EndOfStatus);
        }
    }

    fn status_lines(&mut self, result: Result<FileDone, Refusal>) {
        match result {
            Ok(FileDone::Lines(lines)) if !lines.is_empty() => {
                for line in lines.split(|&byte| byte == b'\n') {
                    if let Some(line) = line.strip_suffix(b"\r") {
                        reply::status_line(&mut self.output, line);
                    }
                }
                self.waiting = Some(Waiting::Drain);
            }
            // A folder that can't be read to its end: what came of it stands, and is not all.
            Err(refusal) => {
                let line = format!("The listing is cut off here: {refusal}");
                reply::status_line(&mut self.output, line.as_bytes());
                self.reply(Reply::EndOfStatus);
            }
            Ok(_) => self.reply(Reply::EndOfStatus),
        }
    }
}
