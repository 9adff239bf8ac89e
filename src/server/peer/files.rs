//! Work on slow disks, which is done beside the loop: how it goes there and comes back.
//!
//! All that a session has open goes with the work, so that no two threads ever have the same file;
//! and a session has one piece of work away at most, so that its files see everything in order, and
//! no more waits than there may be sessions. What it gives up meanwhile comes back all the same, and
//! is dropped where that stops nobody.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::disk::{Disk, Latency};
use super::super::file_work::{self, Finished, Outcome, Terms};
use super::super::logins::Grant;
use super::super::shared::Shared;
use super::super::worker_pool::Work;
use super::{Lost, Peer};
use crate::fs::{FileJob, Refusal, Root};
use crate::session::{Answer, DataEvent, FileDone, FileOp, Verdict};
use crate::transfer::Pump;

/// Where a session's files are.
#[derive(Debug)]
pub(in crate::server) enum FileState {
    /// On the loop.
    No,
    /// Beside it, to come back; not even begun when this is gone.
    Wanted { _token: Arc<()> },
    /// Beside it, to be dropped. What the session asks for now waits until that is done: it may be
    /// about what an upload leaves.
    Unwanted(Option<Box<Request>>),
}

/// What a session may ask for while something of it is away.
#[derive(Debug)]
pub(in crate::server) enum Request {
    File(FileOp),
    Enter(Grant),
}

impl Peer {
    /// Obeys, or has it done beside the loop if it may wait for a slow disk.
    pub(in crate::server) fn order(&mut self, order: Request, shared: &mut Shared, now: Instant) {
        debug_assert!(!matches!(self.away, FileState::Wanted { .. }), "{order:?} comes too early");
        if let FileState::Unwanted(next) = &mut self.away {
            *next = Some(Box::new(order));
            return;
        }
        match order {
            Request::File(FileOp::NextLines) => self.lists = true,
            Request::File(FileOp::FinishUpload) => self.finish_upload(shared, now),
            Request::File(operation) => self.work_on_files(operation, shared, now),
            Request::Enter(grant) => self.enter(grant, shared, now),
        }
    }

    fn work_on_files(&mut self, operation: FileOp, shared: &mut Shared, now: Instant) {
        let terms = Terms { keep: shared.partial_uploads, wall_clock: shared.wall_clock };
        let Disk { root, names, .. } = &*self.disk;
        if !names.is_slow(shared.files.is_responsive(now), now) {
            match names.time(|| file_work::perform(&operation, root, terms)) {
                // It leads to another file system, which may be slow.
                Err(Refusal::CrossDevice) => {}
                result => return self.performed(result, now),
            }
        }
        let root = root.blocking();
        let work = move || Finished::File(file_work::perform(&operation, &root, terms));
        self.send_away(Box::new(work), shared, now);
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

    fn finish_upload(&mut self, shared: &mut Shared, now: Instant) {
        let pump = self.pump.take();
        if pump.as_ref().is_some_and(|pump| self.is_slow(pump, shared, now)) {
            let work = move || Finished::File(file_work::finish(pump));
            return self.send_away(Box::new(work), shared, now);
        }
        let result = self.disk.names.time(|| file_work::finish(pump));
        self.performed(result, now);
    }

    /// The session's transfer starts.
    pub(in crate::server) fn begin(&mut self, shared: &mut Shared, now: Instant) {
        let Some(mut pump) = self.pump.take() else {
            debug_assert!(false, "a transfer starts with nothing opened");
            return self.fail("a transfer starts with nothing opened", now);
        };
        self.running = true;
        if pump.is_upload() && self.is_slow(&pump, shared, now) {
            let work = move || file_work::begin(pump);
            return self.send_away(Box::new(work), shared, now);
        }
        let begun = self.disk.names.time(|| pump.begin());
        self.pump = Some(pump);
        if let Err(refusal) = begun {
            self.drop_transfer(shared, now);
            self.session.data(DataEvent::Refused(refusal), now);
        }
    }

    /// Has the pump do what a step left to be done elsewhere.
    pub(in crate::server) fn pump_away(&mut self, shared: &mut Shared, now: Instant) {
        if let Some(pump) = self.pump.take() {
            self.send_away(Box::new(move || file_work::pump(pump)), shared, now);
        }
    }

    /// Has the next lines of a STAT made, if that may wait: false if it may not.
    pub(in crate::server) fn lines_away(&mut self, shared: &mut Shared, now: Instant) -> bool {
        let slow = self.disk.names.is_slow(shared.files.is_responsive(now), now);
        let Some(pump) = self.pump.take_if(|pump| slow || pump.may_block()) else { return false };
        self.send_away(Box::new(move || file_work::lines(pump)), shared, now);
        true
    }

    /// Has a piece of the task done.
    pub(in crate::server) fn task_away(
        &mut self,
        task: Box<FileJob>,
        shared: &mut Shared,
        now: Instant,
    ) {
        self.send_away(Box::new(move || file_work::task(task)), shared, now);
    }

    /// Enters the user's root, which is opened if nobody else is there.
    pub(in crate::server) fn enter(&mut self, grant: Grant, shared: &mut Shared, now: Instant) {
        match (shared.disk(grant.root.as_deref()), grant.root) {
            (None, Some(path)) => {
                let terms = (grant.access, grant.require_tls);
                let work = move || {
                    let root = Root::open(&path);
                    Finished::Root(path, terms, root)
                };
                self.send_away(Box::new(work), shared, now);
            }
            (disk, _) => {
                self.disk = disk.unwrap_or_else(|| shared.own_disk());
                let verdict = Verdict::Granted(grant.access, grant.require_tls);
                self.session.answer(Answer::Login(verdict), now);
            }
        }
    }

    fn send_away(&mut self, work: Work<Finished>, shared: &mut Shared, now: Instant) {
        match shared.files.submit(self.key, work) {
            Some(token) => self.away = FileState::Wanted { _token: token },
            None => self.fail("there is no thread for its files", now),
        }
    }

    /// Drops what was opened, where that stops nobody.
    pub(in crate::server) fn drop_files(&mut self, shared: &mut Shared, now: Instant) {
        if !matches!(self.away, FileState::No) {
            self.away = FileState::Unwanted(None);
        }
        let pump = self.pump.take().map(|pump| (self.is_slow(&pump, shared, now), pump));
        let task = self.task.take().map(|mut task| (task.may_block(0), task));
        if matches!((&pump, &task), (Some((true, _)), _) | (_, Some((true, _)))) {
            self.drop_on_worker((pump, task), shared);
        } else if pump.is_some() || task.is_some() {
            self.disk.names.time(|| drop((pump, task)));
        }
    }

    fn drop_on_worker(&mut self, what: impl Send + 'static, shared: &mut Shared) {
        if shared.files.drop_on_worker(self.key, what) {
            self.away = FileState::Unwanted(None);
        }
    }

    /// Something of the session's has come back; nothing, if it was given up or lost.
    pub(in crate::server) fn came_back(
        &mut self,
        back: Option<Finished>,
        shared: &mut Shared,
        now: Instant,
    ) {
        match (std::mem::replace(&mut self.away, FileState::No), back) {
            (FileState::Wanted { .. }, Some(back)) => self.resume(back, shared, now),
            (FileState::Wanted { .. }, None) => self.fail("work on its files has failed", now),
            (FileState::Unwanted(next), back) => {
                if let Some(back) = back {
                    self.drop_on_worker(back, shared);
                }
                match (&mut self.away, next) {
                    (FileState::Unwanted(waiting), next) => *waiting = next,
                    (_, Some(next)) => self.order(*next, shared, now),
                    (_, None) => {}
                }
            }
            (FileState::No, _) => debug_assert!(false, "what nobody sent comes back"),
        }
        self.carry_out(shared, now);
    }

    fn resume(&mut self, back: Finished, shared: &mut Shared, now: Instant) {
        match back {
            Finished::File(result) => self.performed(result, now),
            Finished::Pump(pump, state) => {
                self.pump = Some(pump);
                // A slow disk is not the client's standing still.
                self.session.data(DataEvent::Moved(0), now);
                if let Err(Lost(_)) = self.stepped(state, shared, now) {
                    self.closing = Some(now);
                }
            }
            Finished::Lines(pump, lines) => {
                self.pump = Some(pump);
                self.lined(lines, shared, now);
            }
            Finished::Task(result) => self.worked(result, now),
            Finished::Root(path, (access, require_tls), root) => {
                let verdict = match root {
                    Ok(root) => {
                        self.disk = shared.adopt(path, root);
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
    fn is_slow(&self, pump: &Pump, shared: &Shared, now: Instant) -> bool {
        let responsive = shared.files.is_responsive(now);
        pump.may_block() || (pump.is_upload() && self.disk.is_slow_to_store(responsive, now))
    }

    /// By what a step of the pump is measured: what it sends of a file was asked for beforehand.
    pub(in crate::server) fn latency<'a>(disk: &'a Disk, pump: &Pump) -> Option<&'a Latency> {
        match pump {
            Pump::Incoming(_) => Some(&disk.writes),
            Pump::Outgoing(outgoing) => outgoing.is_listing().then_some(&disk.names),
        }
    }
}
