//! Carrying out what sessions ask for: the shell's half of the boundary.

use std::net::SocketAddr;
use std::time::Instant;

use super::super::events;
use super::super::logins::Admission;
use super::super::shared::Shared;
use super::control::ControlChange;
use super::files::{FileState, Request};
use super::{CLOSING, DataLink, Peer};
use crate::fs::{JobResult, JobState, Refusal};
use crate::net::{Link, Role};
use crate::proto::command::Secret;
use crate::session::{Answer, DataEvent, Effect, FileDone, Verdict};
use crate::users::RequireTls;

/// A byte of a checksum takes about so many times as long as a byte that is sent.
const TASK_COST: usize = 4;

impl Peer {
    /// Carries out effects until there are none.
    pub(in crate::server) fn carry_out(&mut self, shared: &mut Shared, now: Instant) {
        while let Some(effect) = self.session.effect() {
            match effect {
                Effect::Secure => self.change = Some(ControlChange::Secure),
                Effect::Clear => self.change = Some(ControlChange::Clear),
                Effect::SecureData => self.securing = true,
                Effect::Recognise { name } => self.recognise(shared, &name, now),
                Effect::Verify { name, secret } => {
                    if let Some(verdict) = self.verify(shared, &name, secret) {
                        self.session.answer(Answer::Login(verdict), now);
                    }
                }
                Effect::File(operation) => self.order(Request::File(operation), shared, now),
                Effect::Listen => {
                    let address = self.listen(shared, now);
                    self.session.answer(Answer::Listening(address), now);
                }
                Effect::Connect(address) => self.connect(shared, address, now),
                Effect::Start => self.begin(shared, now),
                Effect::Abort => self.drop_transfer(shared, now),
                Effect::HangUp => self.closing = Some(now + CLOSING),
            }
        }
        events::record_all(&mut self.session);
    }

    /// The worker's verdict on the login that is being checked.
    pub(in crate::server) fn judged(&mut self, shared: &mut Shared, right: bool, now: Instant) {
        let Some(pending_login) = self.pending_login.take() else { return };
        match pending_login.grant.filter(|_| right) {
            Some(grant) => self.order(Request::Enter(grant), shared, now),
            None => {
                let delay = shared.logins.failed(self.session.client(), now);
                self.session.answer(Answer::Login(Verdict::Denied(delay)), now);
            }
        }
        self.carry_out(shared, now);
    }

    /// The client has shown a certificate: it may be that of the user of this name.
    fn recognise(&mut self, shared: &mut Shared, name: &[u8], now: Instant) {
        let control = &self.control;
        match shared.logins.recognise(name, |name| control.is_certified_as(name)) {
            Some(grant) => self.order(Request::Enter(grant), shared, now),
            None => self.session.answer(Answer::Login(Verdict::Unrecognised), now),
        }
    }

    fn verify(&mut self, shared: &mut Shared, name: &[u8], secret: Secret) -> Option<Verdict> {
        match shared.logins.admit(self.key, self.session.client(), name, secret) {
            Admission::Granted(access) => {
                self.disk = shared.own_disk();
                Some(Verdict::Granted(access, RequireTls::Off))
            }
            Admission::Checking(pending_login) => {
                self.pending_login = Some(pending_login);
                None
            }
            Admission::Busy => Some(Verdict::Busy),
        }
    }

    fn listen(&mut self, shared: &mut Shared, now: Instant) -> Option<SocketAddr> {
        let (local, client) = (self.session.local(), self.session.client());
        let lease = shared.lease(local, client, self.key, now)?;
        let address = lease.address();
        self.data = DataLink::Leased(lease);
        Some(address)
    }

    fn connect(&mut self, shared: &mut Shared, to: SocketAddr, now: Instant) {
        let from = SocketAddr::new(self.session.local(), shared.active_port);
        let connecting = Link::connect(from, to).and_then(|mut link| {
            link.register(&mut shared.poller, self.key.slot(), Role::Data)?;
            Ok(link)
        });
        match connecting {
            Ok(link) => self.data = DataLink::Connecting(link),
            Err(error) => {
                log::warn!("#{} cannot connect from {from} to {to}: {error}", self.session.id());
                self.session.data(DataEvent::Broken(events::loss(&error)), now);
            }
        }
    }

    /// Makes the next lines of a STAT, and answers when there are some, or no more.
    pub(in crate::server) fn make_lines(
        &mut self,
        shared: &mut Shared,
        now: Instant,
        budget: &mut usize,
    ) -> bool {
        let here = matches!(self.away, FileState::No);
        if !self.lists || !here || *budget == 0 || self.lines_away(shared, now) {
            return false;
        }
        let lines = match &mut self.pump {
            Some(pump) => self.disk.names.time(|| pump.lines(budget)),
            None => Ok(Some(Vec::new())),
        };
        self.lined(lines, shared, now);
        self.carry_out(shared, now);
        true
    }

    /// Answers with lines, if there are some, or no more.
    pub(in crate::server) fn lined(
        &mut self,
        lines: Result<Option<Vec<u8>>, Refusal>,
        shared: &mut Shared,
        now: Instant,
    ) {
        let Some(lines) = lines.transpose() else { return };
        self.lists = false;
        if lines.as_ref().map_or(true, Vec::is_empty) {
            self.drop_files(shared, now);
        }
        self.session.answer(Answer::File(lines.map(FileDone::Lines)), now);
    }

    /// Does a slice of a checksum or copy, and answers when it is done.
    pub(in crate::server) fn work_on_task(
        &mut self,
        shared: &mut Shared,
        now: Instant,
        budget: &mut usize,
    ) -> bool {
        // After the first slice of a turn the budget is used up, so commands are read in between.
        if *budget == 0 {
            return false;
        }
        let Some(mut task) = self.task.take() else { return false };
        let slice = budget.div_ceil(TASK_COST);
        let responsive = shared.files.is_responsive(now);
        // Without responsive only what is on a disk that may hang goes behind those that do.
        let asked = if responsive { slice } else { 0 };
        if self.disk.writes.is_slow(responsive, now) || task.may_block(asked) {
            self.task_away(task, shared, now);
            return false;
        }
        *budget = 0;
        let result = self.disk.writes.time(|| task.step(&mut shared.buffers.buffer, slice));
        self.worked(result, now);
        self.carry_out(shared, now);
        true
    }

    /// A slice of a checksum or copy is done.
    pub(in crate::server) fn worked(&mut self, result: Result<JobState, Refusal>, now: Instant) {
        let result = match result {
            Ok(JobState::More(task)) => return self.task = Some(task),
            Ok(JobState::Done(JobResult::Checksum(digits, end))) => {
                Ok(FileDone::Checksum { digits, end })
            }
            Ok(JobState::Done(JobResult::Copy)) => Ok(FileDone::Done),
            Err(refusal) => Err(refusal),
        };
        self.session.answer(Answer::File(result), now);
    }
}
