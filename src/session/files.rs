//! Files and folders: SIZE, MDTM, CWD, MKD, RMD, DELE, RNFR, RNTO, ALLO, REST, TYPE, STAT of a path.

use std::time::Instant;

use super::{FileDone, FileOp, Listing, Session, Waiting};
use crate::fs::Refusal;
use crate::proto::command::Representation;
use crate::proto::date;
use crate::proto::entry::{Facts, Kind};
use crate::proto::listing::Style;
use crate::proto::path::VPath;
use crate::proto::reply::{self, Reply};

/// Why the files were asked: what the answer is for.
#[derive(Debug)]
pub(super) enum Errand {
    Size,
    Modified,
    /// CWD, to this folder.
    Enter(VPath),
    /// MKD, of this folder.
    MakeDir(VPath),
    /// DELE, RMD, RNTO.
    Change,
    /// RNFR, of this name.
    RenameFrom(VPath),
    /// ALLO, of so many bytes.
    Allocate(u64),
    /// A transfer is opened.
    Open,
    /// An upload is finished.
    Finish,
    /// STAT with a path: its listing is opened, then read.
    OpenStatus,
    StatusLines,
}

impl Session {
    pub(super) fn file_answered(
        &mut self,
        errand: Errand,
        result: Result<FileDone, Refusal>,
        now: Instant,
    ) {
        match (errand, result) {
            (Errand::Open, result) => self.opened(result.map(drop), now),
            (Errand::Finish, result) => self.finished(result.map(drop)),
            (Errand::StatusLines, result) => self.status_lines(result),
            (_, Err(refusal)) => self.refused(refusal),
            (Errand::Size, Ok(FileDone::Facts(facts))) => match facts.kind {
                Kind::File => self.reply(Reply::Size(facts.size)),
                _ => self.reply(Reply::NotAFile),
            },
            (Errand::Modified, Ok(FileDone::Facts(facts))) => self.modified(&facts),
            (Errand::Allocate(bytes), Ok(FileDone::Free(free))) if bytes > free => {
                self.reply(Reply::RoomMissing);
            }
            (Errand::Allocate(bytes), Ok(FileDone::Free(_))) => {
                self.allocated = Some(bytes);
                self.reply(Reply::RoomEnough);
            }
            (Errand::Enter(path), Ok(FileDone::Done)) => {
                self.folder = path;
                self.reply(Reply::FileActionOkay);
            }
            (Errand::MakeDir(path), Ok(FileDone::Done)) => {
                self.reply(Reply::FolderMade(path.as_bytes()));
            }
            (Errand::Change, Ok(FileDone::Done)) => self.reply(Reply::FileActionOkay),
            (Errand::RenameFrom(path), Ok(FileDone::Done)) => {
                self.rename_from = Some(path);
                self.reply(Reply::SendNewName);
            }
            (Errand::OpenStatus, Ok(FileDone::Done)) => {
                reply::begin_status(&mut self.output);
                self.waiting = Some(Waiting::Drain);
            }
            (errand, Ok(done)) => debug_assert!(false, "{done:?} is no answer to {errand:?}"),
        }
    }

    /// What the file system refuses before anything was transferred.
    pub(super) fn refused(&mut self, refusal: Refusal) {
        let code = match refusal {
            Refusal::NoSpace => 452,
            Refusal::Quota | Refusal::TooLarge => 552,
            Refusal::BadName => 553,
            Refusal::BeyondEnd => 554,
            Refusal::Busy | Refusal::TooManyOpen => 450,
            _ => 550,
        };
        self.reply(Reply::Refused(code, &refusal.to_string()));
    }

    pub(super) fn set_type(&mut self, representation: Representation) {
        self.representation = representation;
        self.reply(Reply::TypeSet(representation));
    }

    /// REST counts bytes of the file, which are those of the transfer in TYPE I only.
    pub(super) fn restart_at(&mut self, at: u64) {
        if self.representation == Representation::Ascii && at > 0 {
            return self.reply(Reply::NoRestartInAscii);
        }
        self.restart = at;
        self.reply(Reply::Restarting(at));
    }

    pub(super) fn allocate(&mut self, bytes: u64) {
        self.ask(Errand::Allocate(bytes), FileOp::FreeSpace(self.folder.clone()));
    }

    pub(super) fn size(&mut self, argument: &[u8]) {
        match self.representation {
            Representation::Ascii => self.reply(Reply::NoSizeInAscii),
            Representation::Image => self.ask(Errand::Size, FileOp::Facts(self.path(argument))),
        }
    }

    fn modified(&mut self, facts: &Facts) {
        match facts.kind {
            Kind::File => self.reply(Reply::Modified(date::mdtm(facts.modified))),
            _ => self.reply(Reply::NotAFile),
        }
    }

    pub(super) fn print_folder(&mut self) {
        let folder = self.folder.clone();
        self.reply(Reply::CurrentFolder(folder.as_bytes()));
    }

    pub(super) fn enter(&mut self, path: VPath) {
        self.ask(Errand::Enter(path.clone()), FileOp::Enter(path));
    }

    pub(super) fn make_folder(&mut self, path: VPath) {
        self.ask(Errand::MakeDir(path.clone()), FileOp::MakeDir(path));
    }

    pub(super) fn change(&mut self, operation: FileOp) {
        self.ask(Errand::Change, operation);
    }

    pub(super) fn rename_from(&mut self, path: VPath) {
        self.ask(Errand::RenameFrom(path.clone()), FileOp::Exists(path));
    }

    pub(super) fn rename_to(&mut self, to: VPath) {
        match self.rename_from.take() {
            Some(from) => self.change(FileOp::Rename(from, to)),
            None => self.reply(Reply::RenameFromFirst),
        }
    }

    /// STAT with a path: a listing on the control connection (RFC 959, 4.1.3).
    pub(super) fn status_of(&mut self, argument: &[u8]) {
        if self.login.access().is_none() {
            return self.reply(Reply::NotLoggedIn);
        }
        let path = self.path(argument);
        let listing = Listing { path, spelled: argument.to_vec(), style: Style::Long };
        self.ask(Errand::OpenStatus, FileOp::OpenListing(listing));
    }

    /// Asks for the next lines of a STAT as soon as the client has read most of the last.
    pub(super) fn list_on(&mut self) {
        if matches!(self.waiting, Some(Waiting::Drain)) && self.output.len() < super::OUTPUT_LIMIT {
            self.ask(Errand::StatusLines, FileOp::NextLines);
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
            // A folder that can't be read to its end: what came of it stands.
            _ => self.reply(Reply::EndOfStatus),
        }
    }
}
