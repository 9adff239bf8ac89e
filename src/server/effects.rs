//! Carrying out what sessions ask for: the shell's half of the boundary.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Instant;

use super::logins::{Admission, Grant};
use super::peer::{CLOSING, DataLink, Peer};
use super::securing::ControlChange;
use super::services::Services;
use crate::config::PartialUploads;
use crate::fs::{Download, How, PartialKeep, Refusal, Root};
use crate::net::{Link, Role};
use crate::proto::command::{Change, Secret};
use crate::proto::path::VPath;
use crate::session::{Answer, ByteRange, DataEvent, Effect, FileDone, FileOp, Listing, Verdict};
use crate::transfer::{ListingLines, Pump, Task};
use crate::users::RequireTls;

impl Peer {
    /// Carries out effects until there are none.
    pub(super) fn carry_out(&mut self, services: &mut Services, now: Instant) {
        while let Some(effect) = self.session.effect() {
            match effect {
                Effect::Secure => self.change = Some(ControlChange::Secure),
                Effect::Clear => self.change = Some(ControlChange::Clear),
                Effect::SecureData => self.securing = true,
                Effect::Recognise { name } => {
                    let verdict = self.recognise(services, &name);
                    self.session.answer(Answer::Login(verdict), now);
                }
                Effect::Verify { name, secret } => {
                    if let Some(verdict) = self.verify(services, &name, secret) {
                        self.session.answer(Answer::Login(verdict), now);
                    }
                }
                Effect::File(operation) => {
                    if let Some(result) = self.file(operation, services).transpose() {
                        self.session.answer(Answer::File(result), now);
                    }
                }
                Effect::Listen => {
                    let address = self.listen(services, now);
                    self.session.answer(Answer::Listening(address), now);
                }
                Effect::Connect(address) => self.connect(services, address, now),
                Effect::Start => self.start(services, now),
                Effect::Abort => self.drop_transfer(services, now),
                Effect::HangUp => self.closing = Some(now + CLOSING),
            }
        }
    }

    /// The worker's verdict on the login that is being checked.
    pub(super) fn judged(&mut self, services: &mut Services, right: bool, now: Instant) {
        let Some(claim) = self.claim.take() else { return };
        let granted = claim.grant.filter(|_| right).and_then(|grant| self.grant(services, grant));
        let verdict = granted
            .unwrap_or_else(|| Verdict::Denied(services.logins.failed(self.session.client(), now)));
        self.session.answer(Answer::Login(verdict), now);
        self.carry_out(services, now);
    }

    /// Gives the client what its account grants; `None` if the account's root is not to be had.
    fn grant(&mut self, services: &mut Services, grant: Grant) -> Option<Verdict> {
        match services.root(grant.root.as_deref()) {
            Ok(root) => {
                self.root = root;
                Some(Verdict::Granted(grant.access, grant.require_tls))
            }
            Err(message) => {
                log::error!("#{} cannot log in: {message}", self.session.id());
                None
            }
        }
    }

    fn recognise(&mut self, services: &mut Services, name: &[u8]) -> Verdict {
        let control = &self.control;
        let grant = services.logins.recognise(name, |name| control.is_certified_as(name));
        let granted = grant.and_then(|grant| self.grant(services, grant));
        granted.unwrap_or(Verdict::Unrecognised)
    }

    fn verify(&mut self, services: &mut Services, name: &[u8], secret: Secret) -> Option<Verdict> {
        match services.logins.admit(self.key, self.session.client(), name, secret) {
            Admission::Granted(access) => {
                self.root = services.own_root();
                Some(Verdict::Granted(access, RequireTls::Off))
            }
            Admission::Checking(claim) => {
                self.claim = Some(claim);
                None
            }
            Admission::Busy => Some(Verdict::Busy),
        }
    }

    fn listen(&mut self, services: &mut Services, now: Instant) -> Option<SocketAddr> {
        let (local, client) = (self.session.local(), self.session.client());
        let lease = services.lease(local, client, self.key, now)?;
        let address = lease.address();
        self.data = DataLink::Leased(lease);
        Some(address)
    }

    fn connect(&mut self, services: &mut Services, to: SocketAddr, now: Instant) {
        let from = SocketAddr::new(self.session.local(), services.active_port);
        let connecting = Link::connect(from, to).and_then(|mut link| {
            link.register(&mut services.poller, self.key.slot(), Role::Data)?;
            Ok(link)
        });
        match connecting {
            Ok(link) => self.data = DataLink::Connecting(link),
            Err(error) => {
                log::warn!("#{} cannot connect from {from} to {to}: {error}", self.session.id());
                self.session.data(DataEvent::Broken, now);
            }
        }
    }

    fn start(&mut self, services: &mut Services, now: Instant) {
        let begun = match &mut self.pump {
            Some(pump) => pump.begin(),
            None => {
                debug_assert!(false, "a transfer starts with nothing opened");
                Err(Refusal::NotFound)
            }
        };
        match begun {
            Ok(()) => self.running = true,
            Err(refusal) => {
                self.drop_transfer(services, now);
                self.session.data(DataEvent::Refused(refusal), now);
            }
        }
    }

    /// Works on files; `Ok(None)` is answered later, when a task or the next lines are done.
    fn file(
        &mut self,
        operation: FileOp,
        services: &Services,
    ) -> Result<Option<FileDone>, Refusal> {
        let root = &self.root;
        let mut done = FileDone::Done;
        match operation {
            FileOp::Facts(path) => done = FileDone::Facts(root.facts(&path)?),
            FileOp::Exists(path) => drop(root.link_facts(&path)?),
            FileOp::Enter(path) => root.enter(&path)?,
            FileOp::MakeDir(path, umask) => root.make_dir(&path, umask)?,
            FileOp::RemoveDir(path) => root.remove_dir(&path)?,
            FileOp::RemoveFile(path) => root.remove_file(&path)?,
            FileOp::Rename(from, to) => root.rename(&from, &to)?,
            FileOp::FreeSpace(path) => done = FileDone::Free(root.free_space(&path)?),
            FileOp::Change(path, changes) => {
                changes.iter().try_for_each(|change| match change {
                    Change::Modified(seconds) => root.set_modified(&path, *seconds),
                    Change::Mode(mode) => root.set_mode(&path, *mode),
                })?;
            }
            FileOp::NextLines => {
                self.lists = true;
                return Ok(None);
            }
            FileOp::FinishUpload => self.pump.take().map_or(Ok(()), |pump| pump.finish())?,
            FileOp::OpenDownload(path, range, coding) => {
                let pump = Pump::download(open(root, &path, range)?, coding);
                self.pump = Some(Box::new(pump));
            }
            FileOp::OpenUpload(path, how, new, coding) => {
                let keep = match services.partial_uploads {
                    PartialUploads::Keep => PartialKeep::Keep,
                    PartialUploads::Discard => PartialKeep::Discard,
                };
                let upload = root.upload(&path, how, keep, new)?;
                self.pump = Some(Box::new(Pump::upload(upload, coding)));
            }
            FileOp::OpenListing(Listing { path, spelled, style, coding }) => {
                let now = services.wall_clock;
                let lines = ListingLines::open(root, &path, &spelled, style, now)?;
                self.pump = Some(Box::new(Pump::listing(lines, coding)));
            }
            FileOp::Checksum(path, algorithm, range) => {
                self.task = Some(Task::checksum(open(root, &path, range)?, algorithm));
                return Ok(None);
            }
            FileOp::Copy(from, to, new) => {
                let from = open(root, &from, ByteRange::default())?;
                let to = root.upload(&to, How::Replace, PartialKeep::Discard, new)?;
                self.task = Some(Task::copy(from, to)?);
                return Ok(None);
            }
            FileOp::Combine(target, parts, new) => {
                self.task = Some(Task::combine(Rc::clone(root), &target, parts, new)?);
                return Ok(None);
            }
        }
        Ok(Some(done))
    }

    /// Makes the next lines of a STAT, and answers when there are some, or no more.
    pub(super) fn make_lines(
        &mut self,
        services: &mut Services,
        now: Instant,
        budget: &mut usize,
    ) -> bool {
        if !self.lists || *budget == 0 {
            return false;
        }
        let lines = match &mut self.pump {
            Some(pump) => pump.lines(budget),
            None => Ok(Some(Vec::new())),
        };
        let Some(lines) = lines.transpose() else { return true };
        self.lists = false;
        if lines.as_ref().map_or(true, Vec::is_empty) {
            self.pump = None;
        }
        self.session.answer(Answer::File(lines.map(FileDone::Lines)), now);
        self.carry_out(services, now);
        true
    }
}

fn open(root: &Root, path: &VPath, range: ByteRange) -> Result<Download, Refusal> {
    let mut file = root.download(path, range.from)?;
    if let Some(end) = range.to {
        file.end_at(end);
    }
    Ok(file)
}
