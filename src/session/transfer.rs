//! Transfers: RETR, STOR, APPE, STOU, LIST, NLST, MLSD, from the command to the 226.
//!
//! All take the same way, so that no step is missed: *opening* (the files are asked), *awaiting*
//! (150, the passive connection is to come), *securing* (it comes under TLS, if PROT P was said),
//! *running* (the shell moves bytes), and for uploads *finishing* (the file is put under its name).
//! 226 is said when everything is really done.

use std::time::{Duration, Instant};

use super::dtp::{Data, Kind, Stage, Transfer};
use super::waiting::FileQuestion;
use super::{ByteRange, Effect, FileOp, Listing, Session};
use crate::fs::{Refusal, UploadMode};
use crate::proto::coding::Representation;
use crate::proto::command::Protection;
use crate::proto::listing::Style;
use crate::proto::path::VPath;
use crate::proto::reply::Reply;
use crate::users::Access;

/// aria2 waits in vain, for a minute by default, when it reads 125 and 226 at once, as happens with
/// small files. It says REST before every RETR, even `REST 0`, and nearly nobody else does: so
/// behind REST the 226 comes no sooner than this after the 125.
const SETTLING: Duration = Duration::from_millis(50);

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
        self.begin(Kind::Download, path, open, now);
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
        self.upload(Kind::Upload, self.path(argument), mode, now);
    }

    pub(super) fn append(&mut self, argument: &[u8], now: Instant) {
        self.upload(Kind::Upload, self.path(argument), UploadMode::Append, now);
    }

    pub(super) fn store_unique(&mut self, now: Instant) {
        // Unique among sessions and over time; that nothing of the name exists, `UploadMode::Create` sees.
        let name = format!("upload-{}-{:08x}", self.id, self.timestamps.age(now).as_nanos() as u32);
        self.upload(Kind::UniqueUpload, self.path(name.as_bytes()), UploadMode::Create, now);
    }

    pub(super) fn list(&mut self, argument: &[u8], now: Instant) {
        self.list_as(Style::Long, argument, now);
    }

    pub(super) fn list_facts(&mut self, argument: &[u8], now: Instant) {
        let may_write = self.login.access() == Some(Access::Write);
        self.list_as(Style::Machine { wanted: self.parameters.facts, may_write }, argument, now);
    }

    pub(super) fn list_names(&mut self, argument: &[u8], now: Instant) {
        self.list_as(Style::Names, argument, now);
    }

    fn list_as(&mut self, style: Style, argument: &[u8], now: Instant) {
        let path = self.path(argument);
        let (spelled, coding) = (argument.to_vec(), self.parameters.coding);
        let listing = Listing { path: path.clone(), spelled, style, coding };
        let kind = match style {
            Style::Long | Style::Names => Kind::Listing,
            Style::Machine { .. } => Kind::Facts,
        };
        self.begin(kind, path, FileOp::OpenListing(listing), now);
    }

    fn upload(&mut self, kind: Kind, path: VPath, mode: UploadMode, now: Instant) {
        let new = self.parameters.new_file(self.parameters.allocated.unwrap_or(0));
        let open = FileOp::OpenUpload(path.clone(), mode, new, self.parameters.coding);
        self.begin(kind, path, open, now);
    }

    fn begin(&mut self, kind: Kind, path: VPath, open: FileOp, now: Instant) {
        let ranged = self.parameters.range.take().is_some();
        if self.data == Data::None {
            return self.reply(Reply::NoDataConnection);
        }
        if !self.may_transfer() {
            return self.reply(Reply::DataMustBePrivate);
        }
        let promised = if kind.is_upload() { self.parameters.allocated.take() } else { None };
        self.transfer = Some(Box::new(Transfer {
            kind,
            path,
            stage: Stage::Opening,
            promised: promised.filter(|_| self.settings.strict_allo),
            settles: (ranged && kind == Kind::Download).then_some(now + SETTLING),
            moved: 0,
            moved_at: now,
        }));
        self.ask(FileQuestion::Open, open);
    }

    /// The files have answered: the transfer can begin, or it can't.
    pub(super) fn opened(&mut self, result: Result<(), Refusal>, now: Instant) {
        let Some(transfer) = &mut self.transfer else { return };
        if let Err(refusal) = result {
            let kind = transfer.kind;
            self.drop_data();
            return match (kind, refusal) {
                // RFC 3659, 7.2.1. A folder that is missing stays 550: rclone relies on it.
                (Kind::Facts, Refusal::NotDirectory) => {
                    self.reply(Reply::Refused(501, &refusal.to_string()));
                }
                _ => self.refused(refusal),
            };
        }
        transfer.stage = Stage::Awaiting;
        transfer.moved_at = now;
        let unique = (transfer.kind == Kind::UniqueUpload).then(|| transfer.path.clone());
        match (unique.as_ref().and_then(VPath::name), self.data) {
            // The connection broke while the files were asked.
            (_, Data::None) => return self.broken(),
            (Some(name), _) => self.reply(Reply::StoringAs(name)),
            (None, Data::Open) => self.reply(Reply::TransferStarting),
            (None, _) => self.reply(Reply::OpeningData),
        }
        self.start_if_ready(now);
    }

    /// Starts what is opened, once the data connection stands.
    pub(super) fn start_if_ready(&mut self, now: Instant) {
        if let (Some(transfer), Data::Open) = (&mut self.transfer, self.data)
            && transfer.stage == Stage::Awaiting
        {
            match self.security.protection() {
                Protection::Clear => self.run(now),
                Protection::Private => {
                    transfer.stage = Stage::Securing;
                    transfer.moved_at = now;
                    self.effects.push_back(Effect::SecureData);
                }
            }
        }
    }

    pub(super) fn data_secured(&mut self, now: Instant) {
        debug_assert!(self.transfer.as_deref().is_some_and(Transfer::is_securing));
        self.run(now);
    }

    fn run(&mut self, now: Instant) {
        let Some(transfer) = &mut self.transfer else { return };
        transfer.stage = Stage::Running;
        transfer.moved_at = now;
        transfer.settles = transfer.settles.map(|_| now + SETTLING);
        self.effects.push_back(Effect::Start);
    }

    pub(super) fn moved(&mut self, bytes: u64, now: Instant) {
        if let Some(transfer) = &mut self.transfer {
            transfer.moved += bytes;
            transfer.moved_at = now;
        }
    }

    /// The data connection came to its clean end.
    pub(super) fn ended(&mut self, now: Instant) {
        self.data = Data::None;
        let Some(transfer) = &mut self.transfer else { return };
        debug_assert!(transfer.stage == Stage::Running, "a transfer ended that did not run");
        if transfer.settles.is_some_and(|at| at > now) {
            transfer.stage = Stage::Settling;
            return;
        }
        if !transfer.kind.is_upload() {
            return self.complete();
        }
        // Otherwise what moved is not the length of the file.
        let plain = self.parameters.coding.is_plain();
        if plain && transfer.promised.is_some_and(|bytes| bytes != transfer.moved) {
            self.log_transfer("of another length than promised");
            self.drop_data();
            return self.reply(Reply::WrongLength);
        }
        transfer.stage = Stage::Finishing;
        self.ask(FileQuestion::Finish, FileOp::FinishUpload);
    }

    /// An upload stands under its name, or can't.
    pub(super) fn finished(&mut self, result: Result<(), Refusal>) {
        match result {
            Ok(()) => self.complete(),
            Err(refusal) => self.refused_midway(refusal),
        }
    }

    /// The disk refused when the transfer had begun.
    pub(super) fn refused_midway(&mut self, refusal: Refusal) {
        self.log_transfer(&refusal.to_string());
        self.drop_data();
        let code = match refusal {
            Refusal::NoSpace => 452,
            Refusal::Quota | Refusal::TooLarge => 552,
            _ => 451,
        };
        self.reply(Reply::Refused(code, &refusal.to_string()));
    }

    pub(super) fn complete(&mut self) {
        self.log_transfer("complete");
        let Some(transfer) = self.transfer.take() else { return };
        match (transfer.kind, transfer.path.name()) {
            (Kind::UniqueUpload, Some(name)) => self.reply(Reply::StoredAs(name)),
            _ => self.reply(Reply::TransferComplete),
        }
    }

    pub(super) fn log_transfer(&self, outcome: &str) {
        if let Some(transfer) = &self.transfer {
            let (id, client, user) = (self.id, self.client, self.login.name());
            log::info!("#{id} {client} {user} {}: {outcome}", transfer.describe());
        }
    }
}
