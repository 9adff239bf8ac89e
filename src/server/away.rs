//! Work on slow disks, which is done beside the loop: how it goes there and comes back.
//!
//! All that a session has open goes with the work, so that no two threads ever have the same file;
//! and a session has one piece of work away at most, so that its files see everything in order, and
//! no more waits than there may be sessions. What it gives up meanwhile comes back all the same, and
//! is dropped where that stops nobody.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::crew::Work;
use super::disk::{Disk, Pace};
use super::file_work::{self, Back, Outcome, Terms};
use super::logins::Grant;
use super::peer::{Lost, Peer};
use super::services::Services;
use crate::fs::{FileJob, Refusal, Root};
use crate::session::{Answer, DataEvent, FileDone, FileOp, Verdict};
use crate::transfer::Pump;

/// Where a session's files are.
#[derive(Debug)]
pub(super) enum Away {
    /// On the loop.
    No,
    /// Beside it, to come back; not even begun when this is gone.
    Wanted { _token: Arc<()> },
    /// Beside it, to be dropped. What the session asks for now waits until that is done: it may be
    /// about what an upload leaves.
    Unwanted(Option<Box<Order>>),
}

/// What a session may ask for while something of it is away.
#[derive(Debug)]
pub(super) enum Order {
    File(FileOp),
    Enter(Grant),
}

impl Peer {
    /// Obeys, or has it done beside the loop if it may wait for a slow disk.
    pub(super) fn order(&mut self, order: Order, services: &mut Services, now: Instant) {
        debug_assert!(!matches!(self.away, Away::Wanted { .. }), "{order:?} comes too early");
        if let Away::Unwanted(next) = &mut self.away {
            *next = Some(Box::new(order));
            return;
        }
        match order {
            Order::File(FileOp::NextLines) => self.lists = true,
            Order::File(FileOp::FinishUpload) => self.finish_upload(services, now),
            Order::File(operation) => self.work_on_files(operation, services, now),
            Order::Enter(grant) => self.enter(grant, services, now),
        }
    }

    fn work_on_files(&mut self, operation: FileOp, services: &mut Services, now: Instant) {
        let terms = Terms { keep: services.partial_uploads, wall_clock: services.wall_clock };
        let Disk { root, names, .. } = &*self.disk;
        if !names.is_slow(services.files.has_hands(now), now) {
            match names.time(|| file_work::perform(&operation, root, terms)) {
                // It leads to another file system, which may be slow.
                Err(Refusal::CrossDevice) => {}
                result => return self.performed(result, now),
            }
        }
        let root = root.blocking();
        let work = move || Back::File(file_work::perform(&operation, &root, terms));
        self.send_away(Box::new(work), services, now);
    }

    fn performed(&mut self, result: Result<Outcome, Refusal>, now: Instant) {
        let answer = match result {
            Ok(Outcome::Done(done)) => Ok(done),
            Ok(Outcome::Opened(pump)) => {
                self.pump = Some(pump);
                Ok(FileDone::Done)
            }
            Ok(Outcome::Begun(task)) => return self.task = Some(task),
            Err(refusal) => Err(refusal),
        };
        self.session.answer(Answer::File(answer), now);
    }

    fn finish_upload(&mut self, services: &mut Services, now: Instant) {
        let pump = self.pump.take();
        if pump.as_ref().is_some_and(|pump| self.is_slow(pump, services, now)) {
            let work = move || Back::File(file_work::finish(pump));
            return self.send_away(Box::new(work), services, now);
        }
        let result = self.disk.names.time(|| file_work::finish(pump));
        self.performed(result, now);
    }

    /// The session's transfer starts.
    pub(super) fn begin(&mut self, services: &mut Services, now: Instant) {
        let Some(mut pump) = self.pump.take() else {
            debug_assert!(false, "a transfer starts with nothing opened");
            return self.fail("a transfer starts with nothing opened", now);
        };
        self.running = true;
        if pump.is_upload() && self.is_slow(&pump, services, now) {
            let work = move || file_work::begin(pump);
            return self.send_away(Box::new(work), services, now);
        }
        let begun = self.disk.names.time(|| pump.begin());
        self.pump = Some(pump);
        if let Err(refusal) = begun {
            self.drop_transfer(services, now);
            self.session.data(DataEvent::Refused(refusal), now);
        }
    }

    /// Has the pump do what a step left to be done elsewhere.
    pub(super) fn pump_away(&mut self, services: &mut Services, now: Instant) {
        if let Some(pump) = self.pump.take() {
            self.send_away(Box::new(move || file_work::pump(pump)), services, now);
        }
    }

    /// Has the next lines of a STAT made, if that may wait: false if it may not.
    pub(super) fn lines_away(&mut self, services: &mut Services, now: Instant) -> bool {
        let slow = self.disk.names.is_slow(services.files.has_hands(now), now);
        let Some(pump) = self.pump.take_if(|pump| slow || pump.may_block()) else { return false };
        self.send_away(Box::new(move || file_work::lines(pump)), services, now);
        true
    }

    /// Has a piece of the task done.
    pub(super) fn task_away(&mut self, task: Box<FileJob>, services: &mut Services, now: Instant) {
        self.send_away(Box::new(move || file_work::task(task)), services, now);
    }

    /// Enters the user's root, which is opened if nobody else is there.
    pub(super) fn enter(&mut self, grant: Grant, services: &mut Services, now: Instant) {
        match (services.disk(grant.root.as_deref()), grant.root) {
            (None, Some(path)) => {
                let terms = (grant.access, grant.require_tls);
                let work = move || {
                    let root = Root::open(&path);
                    Back::Root(path, terms, root)
                };
                self.send_away(Box::new(work), services, now);
            }
            (disk, _) => {
                self.disk = disk.unwrap_or_else(|| services.own_disk());
                let verdict = Verdict::Granted(grant.access, grant.require_tls);
                self.session.answer(Answer::Login(verdict), now);
            }
        }
    }

    fn send_away(&mut self, work: Work<Back>, services: &mut Services, now: Instant) {
        match services.files.hand(self.key, work) {
            Some(token) => self.away = Away::Wanted { _token: token },
            None => self.fail("there is no thread for its files", now),
        }
    }

    /// Drops what was opened, where that stops nobody.
    pub(super) fn drop_files(&mut self, services: &mut Services, now: Instant) {
        if !matches!(self.away, Away::No) {
            self.away = Away::Unwanted(None);
        }
        let pump = self.pump.take().map(|pump| (self.is_slow(&pump, services, now), pump));
        let task = self.task.take().map(|mut task| (task.may_block(0), task));
        if matches!((&pump, &task), (Some((true, _)), _) | (_, Some((true, _)))) {
            self.throw_away((pump, task), services);
        } else if pump.is_some() || task.is_some() {
            self.disk.names.time(|| drop((pump, task)));
        }
    }

    fn throw_away(&mut self, what: impl Send + 'static, services: &mut Services) {
        if services.files.throw_away(self.key, what) {
            self.away = Away::Unwanted(None);
        }
    }

    /// Something of the session's has come back; nothing, if it was given up or lost.
    pub(super) fn came_back(&mut self, back: Option<Back>, services: &mut Services, now: Instant) {
        match (std::mem::replace(&mut self.away, Away::No), back) {
            (Away::Wanted { .. }, Some(back)) => self.resume(back, services, now),
            (Away::Wanted { .. }, None) => self.fail("work on its files has failed", now),
            (Away::Unwanted(next), back) => {
                if let Some(back) = back {
                    self.throw_away(back, services);
                }
                match (&mut self.away, next) {
                    (Away::Unwanted(waiting), next) => *waiting = next,
                    (_, Some(next)) => self.order(*next, services, now),
                    (_, None) => {}
                }
            }
            (Away::No, _) => debug_assert!(false, "what nobody sent comes back"),
        }
        self.carry_out(services, now);
    }

    fn resume(&mut self, back: Back, services: &mut Services, now: Instant) {
        match back {
            Back::File(result) => self.performed(result, now),
            Back::Pump(pump, state) => {
                self.pump = Some(pump);
                // A slow disk is not the client's standing still.
                self.session.data(DataEvent::Moved(0), now);
                if let Err(Lost(reason)) = self.stepped(state, services, now) {
                    log::debug!("#{} {reason}", self.session.id());
                    self.closing = Some(now);
                }
            }
            Back::Lines(pump, lines) => {
                self.pump = Some(pump);
                self.lined(lines, services, now);
            }
            Back::Task(result) => self.worked(result, now),
            Back::Root(path, (access, require_tls), root) => {
                let verdict = match root {
                    Ok(root) => {
                        self.disk = services.adopt(path, root);
                        Verdict::Granted(access, require_tls)
                    }
                    Err(error) => {
                        let (id, path) = (self.session.id(), path.display());
                        log::error!("#{id} cannot log in: the user's root {path}: {error}");
                        // The password was right, and nobody is to pay for our own trouble.
                        Verdict::Denied(Duration::ZERO)
                    }
                };
                self.session.answer(Answer::Login(verdict), now);
            }
        }
    }

    /// The session cannot go on, for no fault of its client.
    fn fail(&mut self, reason: &str, now: Instant) {
        log::error!("#{} ends: {reason}", self.session.id());
        self.closing = Some(now);
    }

    /// Whether what is done with the pump's file, save for moving bytes, may wait.
    fn is_slow(&self, pump: &Pump, services: &Services, now: Instant) -> bool {
        let hands = services.files.has_hands(now);
        pump.may_block() || (pump.is_upload() && self.disk.is_slow_to_store(hands, now))
    }

    /// By what a step of the pump is measured: what it sends of a file was asked for beforehand.
    pub(super) fn pace<'a>(disk: &'a Disk, pump: &Pump) -> Option<&'a Pace> {
        match pump {
            Pump::Incoming(_) => Some(&disk.writes),
            Pump::Outgoing(outgoing) => outgoing.is_listing().then_some(&disk.names),
        }
    }
}
