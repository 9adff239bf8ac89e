//! Transfers: RETR, STOR, APPE, STOU, LIST, NLST and MLSD feed the machine of
//! [`dtp`](super::dtp); the first reply and the last one are said here.

use std::time::Instant;

use super::dtp::{Dtp, Input, Outcome, Side, Stage, Transfer};
use super::event::{DataLoss, Notice, TransferEnd, TransferKind};
use super::waiting::FileQuestion;
use super::{ByteRange, Event, FileDone, FileOp, Listing, Session};
use crate::fs::{NewFile, Refusal, UploadMode};
use crate::proto::coding::Representation;
use crate::proto::command::Protection;
use crate::proto::list_options::{Form, ListOptions};
use crate::proto::listing::{Perms, Style};
use crate::proto::path::VPath;
use crate::proto::reply::Reply;

impl Session {
    pub(super) fn retrieve(&mut self, argument: &[u8], now: Instant) {
        // TYPE A may have come between REST and RETR.
        let range = self.parameters.range.unwrap_or_default();
        if self.parameters.coding.representation == Representation::Ascii
            && range != ByteRange::default()
        {
            self.parameters.range = None;
            return self.reply(Reply::NoRestartInAscii);
        }
        let path = self.path(argument);
        let open = FileOp::OpenDownload(path.clone(), range, self.parameters.coding);
        self.begin(TransferKind::Download, path, open, now);
    }

    pub(super) fn store(&mut self, argument: &[u8], now: Instant) {
        let range = self.parameters.range.unwrap_or_default();
        if range.to.is_some() {
            self.parameters.range = None;
            return self.reply(Reply::RangeIsForReading);
        }
        let mode = match range.from {
            0 => UploadMode::Replace,
            at => UploadMode::ResumeAt(at),
        };
        self.upload(TransferKind::Upload, self.path(argument), mode, now);
    }

    pub(super) fn append(&mut self, argument: &[u8], now: Instant) {
        self.upload(TransferKind::Upload, self.path(argument), UploadMode::Append, now);
    }

    pub(super) fn store_unique(&mut self, now: Instant) {
        // Names are unique among sessions and over time; `UploadMode::Create` sees that none exists.
        let name = format!("upload-{}-{:08x}", self.id, self.timestamps.age(now).as_nanos() as u32);
        self.upload(
            TransferKind::UniqueUpload,
            self.path(name.as_bytes()),
            UploadMode::Create,
            now,
        );
    }

    pub(super) fn list(&mut self, options: ListOptions, argument: &[u8], now: Instant) {
        self.list_as(Style::Long, options, argument, now);
    }

    pub(super) fn list_facts(&mut self, argument: &[u8], now: Instant) {
        let style = Style::Machine { wanted: self.parameters.facts };
        self.list_as(style, ListOptions::default(), argument, now);
    }

    pub(super) fn list_names(&mut self, options: ListOptions, argument: &[u8], now: Instant) {
        let style = match options.form {
            Form::Usual => Style::Names,
            Form::Long => Style::Long,
        };
        self.list_as(style, options, argument, now);
    }

    fn list_as(&mut self, style: Style, options: ListOptions, argument: &[u8], now: Instant) {
        let listing = self.listing(style, options, argument);
        let kind = match style {
            Style::Long | Style::Names => TransferKind::Listing,
            Style::Machine { .. } => TransferKind::Facts,
        };
        self.begin(kind, listing.path.clone(), FileOp::OpenListing(listing), now);
    }

    /// Listing that a client asks for, as far as it may have it.
    pub(super) fn listing(&self, style: Style, options: ListOptions, argument: &[u8]) -> Listing {
        let options = match self.settings.recursive_lists {
            true => options,
            false => options.without_trees(),
        };
        let (path, spelled) = (self.path(argument), argument.to_vec());
        let perms = match (style, self.login.permissions()) {
            (Style::Machine { .. }, Some(permissions)) => permissions.perms_in(&path),
            (Style::Machine { .. } | Style::Long | Style::Names, _) => Perms::default(),
        };
        Listing { path, spelled, style, perms, options, coding: self.parameters.coding }
    }

    fn upload(&mut self, kind: TransferKind, path: VPath, mode: UploadMode, now: Instant) {
        let new = self.new_file(self.parameters.allocated.unwrap_or(0));
        let (mode, new) = match self.login.permissions() {
            Some(permissions) => {
                let once = permissions.uploads_once(&path);
                (permissions.mode(&path, mode), NewFile { once, ..new })
            }
            None => (mode, new),
        };
        let open = FileOp::OpenUpload(path.clone(), mode, new, self.parameters.coding);
        self.begin(kind, path, open, now);
    }

    fn begin(&mut self, kind: TransferKind, path: VPath, open: FileOp, now: Instant) {
        let ranged = self.parameters.range.take().is_some();
        if let Some(right) = self.lacks(&open) {
            return self.refuse_transfer(kind, path, TransferEnd::Forbidden(right));
        }
        let Some(side) = self.dtp.side() else {
            return self.refuse_transfer(kind, path, TransferEnd::NoDataConnection);
        };
        if !self.may_transfer() {
            return self.refuse_transfer(kind, path, TransferEnd::MustBePrivate);
        }
        let allocated = if kind.is_upload() { self.parameters.allocated.take() } else { None };
        // Otherwise what moves is not the length of the file.
        let strict = self.settings.strict_allo && self.parameters.coding.is_plain();
        let transfer = Transfer {
            kind,
            path,
            side,
            private: self.security.protection() == Protection::Private,
            promised: allocated.filter(|_| strict),
            settles: ranged && kind == TransferKind::Download,
            moved: 0,
            moved_at: now,
            begun: now,
        };
        self.tell_dtp(Input::Begin(Box::new(transfer)), now);
        if matches!(self.dtp, Dtp::Opening(..)) {
            self.ask(FileQuestion::Open, open);
        }
    }

    /// A transfer is refused before anything is asked for.
    pub(super) fn refuse_transfer(&mut self, kind: TransferKind, path: VPath, cause: TransferEnd) {
        self.reply(match cause {
            TransferEnd::NoDataConnection => Reply::NoDataConnection,
            TransferEnd::MustBePrivate => Reply::DataMustBePrivate,
            TransferEnd::Forbidden(right) => Reply::MayNot(right.name()),
            _ => Reply::ReadOnlyUser,
        });
        self.events.push_back(Event::TransferRefused { user: self.user_name(), kind, path, cause });
    }

    /// The files have answered: the transfer can begin, or it can't.
    pub(super) fn opened(&mut self, result: Result<FileDone, Refusal>, now: Instant) {
        let length = match result {
            Err(refusal) => return self.tell_dtp(Input::Refused(refusal), now),
            Ok(FileDone::Opened(bytes)) => Some(bytes),
            Ok(_) => None,
        };
        let outcome = self.dtp.tell(Input::Opened, now);
        if matches!(outcome, Outcome::Awaited | Outcome::Secure | Outcome::Start) {
            self.say_opening(length);
        }
        self.follow(outcome, now);
    }

    /// The first reply. Some clients know only 150 behind PASV, and read the length there.
    fn say_opening(&mut self, length: Option<u64>) {
        let Some(Transfer { kind, path, side, .. }) = self.dtp.transfer() else { return };
        let binary = self.parameters.coding.representation == Representation::Image;
        match (kind, side) {
            (TransferKind::UniqueUpload, _) => {
                let path = path.clone();
                self.reply(Reply::StoringAs(path.name().unwrap_or_default()));
            }
            (_, Side::Active) => self.reply(Reply::TransferStarting),
            (_, Side::Passive) => self.reply(Reply::OpeningData(length.filter(|_| binary))),
        }
    }

    /// The files refuse a transfer. What was agreed for its data connection stays.
    pub(super) fn refused_to_open(&mut self, transfer: Transfer, refusal: Refusal, now: Instant) {
        match (transfer.kind, refusal) {
            // RFC 3659, 7.2.1. A folder that is missing stays 550: rclone relies on it.
            (TransferKind::Facts, Refusal::NotDirectory) => {
                self.reply(Reply::Refused(501, &refusal.to_string()));
            }
            _ => self.refused(refusal),
        }
        self.tell_end(Stage::Opening, transfer, TransferEnd::Refused(refusal), now);
    }

    /// An upload has come to its clean end. If its client has hung up meanwhile, it may have crashed:
    /// what it sent is kept, but no old file is lost for it.
    pub(super) fn finish_upload(&mut self) {
        let finish = match self.has_hung_up() && !self.settings.replace_on_hangup {
            true => FileOp::FinishNewUpload,
            false => FileOp::FinishUpload,
        };
        self.ask(FileQuestion::Finish, finish);
    }

    /// An upload stands under its name, or can't.
    pub(super) fn finished(&mut self, result: Result<(), Refusal>, now: Instant) {
        let input = match (result, self.has_hung_up()) {
            (Ok(()), hung_up) => {
                if hung_up {
                    self.notice(Notice::UploadKept);
                }
                Input::Finished
            }
            (Err(Refusal::Exists), true) => {
                self.notice(Notice::OldFileStays);
                Input::End(TransferEnd::ControlLost)
            }
            (Err(refusal), _) => Input::End(TransferEnd::Refused(refusal)),
        };
        self.tell_dtp(input, now);
    }

    /// A transfer is over, and the client is told.
    pub(super) fn over(
        &mut self,
        stage: Stage,
        transfer: Transfer,
        end: TransferEnd,
        now: Instant,
    ) {
        if end != TransferEnd::Complete {
            self.give_up();
        }
        match (stage, &end) {
            (_, TransferEnd::Complete) => match (transfer.kind, transfer.path.name()) {
                (TransferKind::UniqueUpload, Some(name)) => self.reply(Reply::StoredAs(name)),
                _ => self.reply(Reply::TransferComplete),
            },
            (_, TransferEnd::Refused(refusal)) => self.refused_midway(*refusal),
            (_, TransferEnd::Aborted) => self.reply(Reply::TransferAborted),
            (_, TransferEnd::Stalled) => self.reply(Reply::DataStalled),
            (_, TransferEnd::WrongLength { .. }) => self.reply(Reply::WrongLength),
            (_, TransferEnd::NotResumed) => self.reply(Reply::NotResumed),
            (_, TransferEnd::NobodyConnected) => self.reply(Reply::NobodyConnected),
            (_, TransferEnd::HandshakeFailed(_)) | (Stage::Securing, TransferEnd::ControlLost) => {
                self.reply(Reply::HandshakeFailed);
            }
            (_, TransferEnd::Lost(DataLoss::NoCloseNotify)) if transfer.kind.is_upload() => {
                if !self.security.close_notify_missed() {
                    self.notice(Notice::NoCloseNotify);
                }
                self.reply(Reply::NoCloseNotify);
            }
            (_, TransferEnd::Lost(_) | TransferEnd::ControlLost) => self.reply(Reply::DataBroken),
            (_, TransferEnd::NoDataConnection | TransferEnd::MustBePrivate)
            | (_, TransferEnd::Forbidden(_) | TransferEnd::ReadOnlyUser | TransferEnd::Shutdown) => {
                debug_assert!(false, "no transfer under way ends so: {end}");
            }
        }
        self.tell_end(stage, transfer, end, now);
    }

    /// Tells of a transfer that begins to move bytes.
    pub(super) fn tell_beginning(&mut self) {
        if let Some(Transfer { kind, path, .. }) = self.dtp.transfer() {
            let (user, kind, path) = (self.user_name(), *kind, path.clone());
            self.events.push_back(Event::TransferBegun { user, kind, path });
        }
    }

    /// Tells of a transfer that is over, or was before it began.
    pub(super) fn tell_end(
        &mut self,
        stage: Stage,
        transfer: Transfer,
        end: TransferEnd,
        now: Instant,
    ) {
        let Transfer { kind, path, moved: bytes, begun, .. } = transfer;
        let user = self.user_name();
        self.events.push_back(match stage {
            Stage::Opening | Stage::Awaiting | Stage::Securing => {
                Event::TransferRefused { user, kind, path, cause: end }
            }
            Stage::Moving => {
                let duration = now.saturating_duration_since(begun);
                *if kind.is_upload() { &mut self.received } else { &mut self.sent } += bytes;
                Event::TransferEnded { user, kind, path, bytes, duration, end }
            }
        });
    }

    /// The disk refused when the transfer had begun.
    fn refused_midway(&mut self, refusal: Refusal) {
        let code = match refusal {
            Refusal::NoSpace => 452,
            Refusal::Quota | Refusal::TooLarge => 552,
            _ => 451,
        };
        self.reply(Reply::Refused(code, &refusal.to_string()));
    }
}
