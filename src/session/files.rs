//! Files and folders: SIZE, MDTM, CWD, MKD, RMD, DELE, RNFR, RNTO, ALLO, REST, TYPE, STAT of a path.

use std::collections::VecDeque;
use std::time::Instant;

use super::hashes::Sought;
use super::{ByteRange, FileDone, FileOp, Listing, Session, Waiting};
use crate::fs::{NewFile, Refusal};
use crate::proto::coding::{Level, Mode, Representation};
use crate::proto::command::Change;
use crate::proto::date;
use crate::proto::facts::{Facts, Kind};
use crate::proto::listing::{self, Style};
use crate::proto::path::VPath;
use crate::proto::reply::{self, Reply};
use crate::users::Access;

/// What SITE UMASK tells before one was set; the process may have another.
const USUAL_UMASK: u16 = 0o022;

/// Why the files were asked: what the answer is for.
#[derive(Debug)]
pub(super) enum Errand {
    Size,
    Modified,
    /// MDTM that may be meant to set a time, if there is no file of its whole argument's name.
    ModifiedOrSet(Change, Vec<u8>),
    /// MLST, of this path.
    Facts(VPath),
    /// AVBL.
    Free,
    /// MFMT, MFF: these changes, of the path as it was spelled.
    SetFacts(Vec<Change>, Vec<u8>),
    /// SITE CHMOD, SITE UTIME.
    Site,
    /// SITE CPFR, of this name.
    CopyFrom(VPath),
    /// SITE CPTO.
    Copy,
    /// COMB, whose parts are then removed.
    Combine(VecDeque<VPath>),
    /// A part is removed; these are left.
    RemovePart(VecDeque<VPath>),
    /// HASH or an X command.
    Checksum(Box<Sought>),
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

impl Errand {
    /// Whether the answer takes its time, so that ABOR may come in between.
    pub(super) fn takes_time(&self) -> bool {
        matches!(self, Errand::Copy | Errand::Combine(_) | Errand::Checksum(_))
    }
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
            (Errand::Checksum(sought), result) => self.checksum_answered(*sought, result),
            (Errand::Combine(parts) | Errand::RemovePart(parts), result) => {
                self.remove_parts(parts, result);
            }
            (Errand::ModifiedOrSet(change, path), Err(Refusal::NotFound)) => {
                self.set_facts(vec![change], &path);
            }
            (_, Err(refusal)) => self.refused(refusal),
            (Errand::Size, Ok(FileDone::Facts(facts))) => match facts.kind {
                Kind::File => self.reply(Reply::Size(facts.size)),
                _ => self.reply(Reply::NotAFile),
            },
            (Errand::Modified | Errand::ModifiedOrSet(..), Ok(FileDone::Facts(facts))) => {
                self.modified(&facts);
            }
            (Errand::Facts(path), Ok(FileDone::Facts(facts))) => self.tell_facts(&path, &facts),
            (Errand::Free, Ok(FileDone::Free(bytes))) => self.reply(Reply::Free(bytes)),
            (Errand::SetFacts(changes, path), Ok(FileDone::Done)) => {
                self.reply(Reply::Changed(&changes, &path));
            }
            (Errand::Site, Ok(FileDone::Done)) => self.reply(Reply::SiteDone),
            (Errand::CopyFrom(path), Ok(FileDone::Facts(facts))) => match facts.kind {
                Kind::File => {
                    self.copy_from = Some(path);
                    self.reply(Reply::SendCopyName);
                }
                _ => self.reply(Reply::NotAFile),
            },
            (Errand::Copy, Ok(FileDone::Done)) => self.reply(Reply::FileActionOkay),
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
        self.coding.representation = representation;
        self.reply(Reply::TypeSet(representation));
    }

    pub(super) fn set_mode(&mut self, mode: Mode) {
        self.coding.mode = mode;
        self.reply(Reply::ParameterSet);
    }

    pub(super) fn set_level(&mut self, level: Level) {
        self.coding.level = level;
        self.reply(Reply::ParameterSet);
    }

    /// REST counts bytes of the file, which are those of the transfer in TYPE I only.
    pub(super) fn restart_at(&mut self, at: u64) {
        if self.coding.representation == Representation::Ascii && at > 0 {
            return self.reply(Reply::NoRestartInAscii);
        }
        self.range = Some(ByteRange { from: at, to: None });
        self.reply(Reply::Restarting(at));
    }

    pub(super) fn allocate(&mut self, bytes: u64) {
        self.ask(Errand::Allocate(bytes), FileOp::FreeSpace(self.folder.clone()));
    }

    pub(super) fn size(&mut self, argument: &[u8]) {
        match self.coding.representation {
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

    /// MDTM shows a time; old clients set one with it, and only the files know which is meant.
    pub(super) fn modified_or_set(&mut self, path: &[u8], otherwise: Option<(Change, Vec<u8>)>) {
        let errand = match otherwise {
            Some((change, path)) if self.login.access() == Some(Access::Write) => {
                Errand::ModifiedOrSet(change, path)
            }
            _ => Errand::Modified,
        };
        self.ask(errand, FileOp::Facts(self.path(path)));
    }

    /// MLST.
    pub(super) fn facts_of(&mut self, argument: &[u8]) {
        let path = self.path(argument);
        self.ask(Errand::Facts(path.clone()), FileOp::Facts(path));
    }

    fn tell_facts(&mut self, path: &VPath, facts: &Facts) {
        let may_write = self.login.access() == Some(Access::Write);
        let mut line = Vec::new();
        listing::machine(&mut line, path.as_bytes(), facts, may_write, self.facts);
        // Only the line end is ours: the blanks before it are the name's.
        self.reply(Reply::Facts(line.strip_suffix(b"\r\n").unwrap_or(&line)));
    }

    /// MFMT and MFF.
    pub(super) fn set_facts(&mut self, changes: Vec<Change>, argument: &[u8]) {
        let operation = FileOp::Change(self.path(argument), changes.clone());
        self.ask(Errand::SetFacts(changes, argument.to_vec()), operation);
    }

    pub(super) fn set_umask(&mut self, mask: Option<u16>) {
        self.umask = mask.or(self.umask);
        self.reply(Reply::Umask(self.umask.unwrap_or(USUAL_UMASK)));
    }

    /// What a file that is made without an upload is to be like.
    pub(super) fn new_file(&self) -> NewFile {
        NewFile { umask: self.umask, reserve: 0 }
    }

    pub(super) fn copy_from(&mut self, path: VPath) {
        self.ask(Errand::CopyFrom(path.clone()), FileOp::Facts(path));
    }

    pub(super) fn copy_to(&mut self, to: VPath) {
        match self.copy_from.take() {
            Some(from) => self.ask(Errand::Copy, FileOp::Copy(from, to, self.new_file())),
            None => self.reply(Reply::CopyFromFirst),
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
        self.ask(Errand::MakeDir(path.clone()), FileOp::MakeDir(path, self.umask));
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
        let (spelled, coding) = (argument.to_vec(), self.coding);
        let listing = Listing { path, spelled, style: Style::Long, coding };
        self.ask(Errand::OpenStatus, FileOp::OpenListing(listing));
    }

    /// Asks for the next lines of a STAT as soon as the client has read most of the last.
    pub(super) fn list_on(&mut self, now: Instant) {
        if matches!(self.waiting, Some(Waiting::Drain)) && self.output.len() < super::OUTPUT_LIMIT {
            self.clocks.last_active = now;
            self.ask(Errand::StatusLines, FileOp::NextLines);
        }
    }

    /// Ends the listing of a STAT early: the client would take what follows for a part of it.
    pub(super) fn cut_status(&mut self) {
        if let Some(Waiting::Drain | Waiting::File(Errand::StatusLines)) = self.waiting {
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
            // A folder that can't be read to its end: what came of it stands.
            _ => self.reply(Reply::EndOfStatus),
        }
    }
}
