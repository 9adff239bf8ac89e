//! Carrying out what sessions ask for: the shell's half of the boundary.

use std::net::SocketAddr;
use std::time::Instant;

use super::away::{Away, Order};
use super::logins::Admission;
use super::peer::{CLOSING, DataLink, Peer};
use super::securing::ControlChange;
use super::services::Services;
use crate::fs::{JobResult, JobState, Refusal};
use crate::net::{Link, Role};
use crate::proto::command::Secret;
use crate::session::{Answer, DataEvent, Effect, FileDone, Verdict};
use crate::users::RequireTls;

/// A byte of a checksum takes about so many times as long as a byte that is sent.
const TASK_COST: usize = 4;

impl Peer {
    /// Carries out effects until there are none.
    pub(super) fn carry_out(&mut self, services: &mut Services, now: Instant) {
        while let Some(effect) = self.session.effect() {
            match effect {
                Effect::Secure => self.change = Some(ControlChange::Secure),
                Effect::Clear => self.change = Some(ControlChange::Clear),
                Effect::SecureData => self.securing = true,
                Effect::Recognise { name } => self.recognise(services, &name, now),
                Effect::Verify { name, secret } => {
                    if let Some(verdict) = self.verify(services, &name, secret) {
                        self.session.answer(Answer::Login(verdict), now);
                    }
                }
                Effect::File(operation) => self.order(Order::File(operation), services, now),
                Effect::Listen => {
                    let address = self.listen(services, now);
                    self.session.answer(Answer::Listening(address), now);
                }
                Effect::Connect(address) => self.connect(services, address, now),
                Effect::Start => self.begin(services, now),
                Effect::Abort => self.drop_transfer(services, now),
                Effect::HangUp => self.closing = Some(now + CLOSING),
            }
        }
    }

    /// The worker's verdict on the login that is being checked.
    pub(super) fn judged(&mut self, services: &mut Services, right: bool, now: Instant) {
        let Some(claim) = self.claim.take() else { return };
        match claim.grant.filter(|_| right) {
            Some(grant) => self.order(Order::Enter(grant), services, now),
            None => {
                let delay = services.logins.failed(self.session.client(), now);
                self.session.answer(Answer::Login(Verdict::Denied(delay)), now);
            }
        }
        self.carry_out(services, now);
    }

    /// The client has shown a certificate: it may be that of the user of this name.
    fn recognise(&mut self, services: &mut Services, name: &[u8], now: Instant) {
        let control = &self.control;
        match services.logins.recognise(name, |name| control.is_certified_as(name)) {
            Some(grant) => self.order(Order::Enter(grant), services, now),
            None => self.session.answer(Answer::Login(Verdict::Unrecognised), now),
        }
    }

    fn verify(&mut self, services: &mut Services, name: &[u8], secret: Secret) -> Option<Verdict> {
        match services.logins.admit(self.key, self.session.client(), name, secret) {
            Admission::Granted(access) => {
                self.disk = services.own_disk();
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

    /// Makes the next lines of a STAT, and answers when there are some, or no more.
    pub(super) fn make_lines(
        &mut self,
        services: &mut Services,
        now: Instant,
        budget: &mut usize,
    ) -> bool {
        let here = matches!(self.away, Away::No);
        if !self.lists || !here || *budget == 0 || self.lines_away(services, now) {
            return false;
        }
        let lines = match &mut self.pump {
            Some(pump) => self.disk.names.time(|| pump.lines(budget)),
            None => Ok(Some(Vec::new())),
        };
        self.lined(lines, services, now);
        self.carry_out(services, now);
        true
    }

    /// Answers with lines, if there are some, or no more.
    pub(super) fn lined(
        &mut self,
        lines: Result<Option<Vec<u8>>, Refusal>,
        services: &mut Services,
        now: Instant,
    ) {
        let Some(lines) = lines.transpose() else { return };
        self.lists = false;
        if lines.as_ref().map_or(true, Vec::is_empty) {
            self.drop_files(services, now);
        }
        self.session.answer(Answer::File(lines.map(FileDone::Lines)), now);
    }

    /// Does a slice of a checksum or copy, and answers when it is done.
    pub(super) fn work_on_task(
        &mut self,
        services: &mut Services,
        now: Instant,
        budget: &mut usize,
    ) -> bool {
        // After the first slice of a turn the budget is used up, so commands are read in between.
        if *budget == 0 {
            return false;
        }
        let Some(mut task) = self.task.take() else { return false };
        let slice = budget.div_ceil(TASK_COST);
        let hands = services.files.has_hands(now);
        // Without hands only what is on a disk that may hang goes behind those that do.
        let asked = if hands { slice } else { 0 };
        if self.disk.writes.is_slow(hands, now) || task.may_block(asked) {
            self.task_away(task, services, now);
            return false;
        }
        *budget = 0;
        let result = self.disk.writes.time(|| task.step(&mut services.buffers.buffer, slice));
        self.worked(result, now);
        self.carry_out(services, now);
        true
    }

    /// A slice of a checksum or copy is done.
    pub(super) fn worked(&mut self, result: Result<JobState, Refusal>, now: Instant) {
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
