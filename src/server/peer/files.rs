//! Files of a peer: what its session has open, on the loop or with a worker.
//!
//! All that a session has open goes with the work that a worker does for it, so that no two threads
//! ever have the same file. A session has one piece of work with the workers at most, so that its
//! files see everything in order, and no more waits than there may be sessions. Work that was given
//! up meanwhile comes back all the same, and is dropped where that stops nobody.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use super::super::disk::{Disk, Latency};
use super::super::file_work::{Finished, Terms, Work, step_latency};
use super::super::logins::Grant;
use super::super::neighbourhood::Neighbourhood;
use super::super::shared::Shared;
use super::super::worker_pool::{Lane, Ticket};
use super::turn::FileNews;
use crate::fs::{FileJob, Refusal, RootPath};
use crate::net::Key;
use crate::session::{FileDone, FileOp, Verdict};
use crate::transfer::Pump;

/// Files of one session, beneath one root.
#[derive(Debug)]
pub(super) struct Files {
    /// Names the peer, and its control connection.
    owner: Key,
    /// Neighbourhood of the client: they have their turns with the workers.
    neighbourhood: Neighbourhood,
    /// Root of the client's `/`; none before a login.
    disk: Option<Rc<Disk>>,
    state: FileState,
    /// True if a listing has ended that was not in the order that was asked for.
    unsorted: bool,
}

/// State of what is open.
#[derive(Debug)]
enum FileState {
    Idle,
    /// Open for a transfer or a STAT, from the opening to the end.
    Transfer(Box<Pump>),
    /// Listing of a STAT, whose next lines the session awaits.
    Status(Box<Pump>),
    /// Checksum or copy, whose answer the session awaits.
    Job(Box<FileJob>),
    /// With a worker, to come back; the work is not even begun once the token is gone.
    OnWorker {
        _token: Arc<()>,
    },
    /// With a worker, to be dropped. A request of the session waits until that is done: it may be
    /// about what an upload leaves.
    Abandoned(Option<Box<Request>>),
}

/// Request of a session.
#[derive(Debug)]
pub(in crate::server) enum Request {
    /// Operation on files.
    File(FileOp, Terms),
    /// Entry of a user who has logged in.
    Enter(RootPath, Grant),
}

/// Place where work was done, chosen by [`Files::run`].
enum Ran {
    Here(Finished),
    Sent(FileNews),
}

impl Files {
    /// Files of a session that has nothing open yet.
    pub(super) fn new(owner: Key, neighbourhood: Neighbourhood) -> Files {
        Files { owner, neighbourhood, disk: None, state: FileState::Idle, unsorted: false }
    }

    pub(super) fn owner(&self) -> Key {
        self.owner
    }

    /// Does what the session asks for, or has it done.
    pub(super) fn request(
        &mut self,
        request: Request,
        budget: &mut usize,
        shared: &mut Shared,
        now: Instant,
    ) -> FileNews {
        debug_assert!(
            !matches!(self.state, FileState::OnWorker { .. }),
            "{request:?} is too early"
        );
        if let FileState::Abandoned(next) = &mut self.state {
            *next = Some(Box::new(request));
            return FileNews::Pending;
        }
        let work = match request {
            Request::File(FileOp::NextLines, _) => return self.await_lines(),
            Request::File(finish @ (FileOp::FinishUpload | FileOp::FinishNewUpload), _) => {
                let Some(mut pump) = self.take_transfer() else {
                    return FileNews::Failed("an upload is finished with nothing opened");
                };
                if finish == FileOp::FinishNewUpload {
                    pump.spare_others();
                }
                Work::Finish(pump)
            }
            Request::File(operation, terms) => Work::Operation(operation, terms),
            Request::Enter(path, grant) => return self.enter(path, grant, shared),
        };
        self.work(work, budget, shared, now)
    }

    /// Begins the transfer, whose data connection stands.
    pub(super) fn begin_transfer(
        &mut self,
        budget: &mut usize,
        shared: &mut Shared,
        now: Instant,
    ) -> FileNews {
        match self.take_transfer() {
            Some(pump) => self.work(Work::Begin(pump), budget, shared, now),
            None => FileNews::Failed("a transfer starts with nothing opened"),
        }
    }

    /// Does what a step of the transfer left to be done elsewhere.
    pub(super) fn work_on_transfer(
        &mut self,
        budget: &mut usize,
        shared: &mut Shared,
        now: Instant,
    ) -> FileNews {
        match self.take_transfer() {
            Some(pump) => self.work(Work::Step(pump), budget, shared, now),
            None => FileNews::Pending,
        }
    }

    /// Goes on with the lines of a STAT, a checksum or a copy; `None` if there are none.
    pub(super) fn go_on(
        &mut self,
        budget: &mut usize,
        shared: &mut Shared,
        now: Instant,
    ) -> Option<FileNews> {
        let work = match std::mem::replace(&mut self.state, FileState::Idle) {
            FileState::Status(pump) => Work::Lines(pump),
            FileState::Job(job) => Work::Job(job),
            state => {
                self.state = state;
                return None;
            }
        };
        Some(self.work(work, budget, shared, now))
    }

    /// Takes back what a worker had; `None` if the work was given up or lost.
    pub(super) fn take_back(
        &mut self,
        finished: Option<Finished>,
        budget: &mut usize,
        shared: &mut Shared,
        now: Instant,
    ) -> FileNews {
        match (std::mem::replace(&mut self.state, FileState::Idle), finished) {
            (FileState::OnWorker { .. }, Some(finished)) => self.settle(finished, shared, now),
            (FileState::OnWorker { .. }, None) => FileNews::Failed("work on its files has failed"),
            (FileState::Abandoned(next), finished) => {
                if let (Some(finished), Some(lane)) = (finished, self.lane())
                    && shared.workers.drop_on_worker(self.ticket(lane), finished)
                {
                    self.state = FileState::Abandoned(next);
                    return FileNews::Pending;
                }
                match next {
                    Some(request) => self.request(*request, budget, shared, now),
                    None => FileNews::Pending,
                }
            }
            (state, _) => {
                debug_assert!(false, "work comes back that nobody sent");
                self.state = state;
                FileNews::Pending
            }
        }
    }

    /// Drops all that is open, where that stops nobody; an upload counts as cut off.
    pub(super) fn drop_all(&mut self, shared: &mut Shared, now: Instant) {
        let abandoned =
            match (std::mem::replace(&mut self.state, FileState::Idle), self.disk.clone()) {
                (FileState::OnWorker { .. } | FileState::Abandoned(_), _) => true,
                (FileState::Idle, _) | (_, None) => false,
                (FileState::Transfer(pump) | FileState::Status(pump), Some(disk)) => {
                    let lane = disk.lane_of(&pump);
                    let responsive = shared.workers.is_responsive(&lane, now);
                    self.unsorted = pump.is_unsorted();
                    let stores = pump.is_upload() && disk.device.storing_may_block(responsive, now);
                    let lane = (stores || pump.drop_may_block()).then_some(lane);
                    self.drop_one(lane, pump, &disk, shared)
                }
                (FileState::Job(mut job), Some(disk)) => {
                    self.drop_one(job.drop_may_block().then(|| disk.lane()), job, &disk, shared)
                }
            };
        if abandoned {
            self.state = FileState::Abandoned(None);
        }
    }

    /// True if a listing has ended that was not in the order that was asked for; told once.
    pub(super) fn take_unsorted(&mut self) -> bool {
        std::mem::take(&mut self.unsorted)
    }

    /// Lane of the workers for work on what is open.
    pub(super) fn lane(&self) -> Option<Lane> {
        let disk = self.disk.as_ref()?;
        match &self.state {
            FileState::Transfer(pump) => Some(disk.lane_of(pump)),
            _ => Some(disk.lane()),
        }
    }

    fn ticket(&self, lane: Lane) -> Ticket {
        Ticket { owner: self.owner, neighbourhood: self.neighbourhood, lane }
    }

    /// Pump of the transfer, and the latency that its steps are noted in.
    pub(super) fn transfer(&mut self) -> Option<(&mut Pump, Option<&Latency>)> {
        match &mut self.state {
            FileState::Transfer(pump) => {
                let latency = step_latency(pump, &self.disk.as_ref()?.device);
                Some((pump, latency))
            }
            _ => None,
        }
    }

    /// True if the transfer sends, rather than stores; `None` if none is open here.
    pub(super) fn is_sending(&self) -> Option<bool> {
        match &self.state {
            FileState::Transfer(pump) => Some(!pump.is_upload()),
            _ => None,
        }
    }

    /// True if something that the session has open is with a worker.
    pub(super) fn is_with_worker(&self) -> bool {
        matches!(self.state, FileState::OnWorker { .. } | FileState::Abandoned(_))
    }

    fn take_transfer(&mut self) -> Option<Box<Pump>> {
        match std::mem::replace(&mut self.state, FileState::Idle) {
            FileState::Transfer(pump) => Some(pump),
            state => {
                self.state = state;
                None
            }
        }
    }

    /// Notes that the session awaits the next lines of a STAT.
    fn await_lines(&mut self) -> FileNews {
        match self.take_transfer() {
            Some(pump) => {
                self.state = FileState::Status(pump);
                FileNews::Pending
            }
            None => FileNews::Answer(Ok(FileDone::Lines(Vec::new()))),
        }
    }

    /// Enters the root of a user, which a worker opens where that may block.
    fn enter(&mut self, path: RootPath, grant: Grant, shared: &mut Shared) -> FileNews {
        if let Some(disk) = shared.roots.find(&path) {
            return self.entered(disk, &grant);
        }
        let ticket = self.ticket(Lane::Opening(path.path().to_owned()));
        self.send(ticket, shared, move || {
            let root = path.open();
            Finished::Root(path, grant, root)
        })
    }

    fn entered(&mut self, disk: Rc<Disk>, grant: &Grant) -> FileNews {
        self.disk = Some(disk);
        FileNews::Verdict(Verdict::Granted(grant.permissions.clone(), grant.require_tls))
    }

    fn work(
        &mut self,
        work: Work,
        budget: &mut usize,
        shared: &mut Shared,
        now: Instant,
    ) -> FileNews {
        match self.run(work, budget, shared, now) {
            Ran::Here(finished) => self.settle(finished, shared, now),
            Ran::Sent(news) => news,
        }
    }

    /// Does work here, or sends it to a worker if it may block. The one place where that is chosen.
    fn run(
        &mut self,
        mut work: Work,
        budget: &mut usize,
        shared: &mut Shared,
        now: Instant,
    ) -> Ran {
        let Some(disk) = self.disk.clone() else {
            return Ran::Sent(FileNews::Failed("there is work on its files before a login"));
        };
        let lane = work.lane(&disk);
        let responsive = shared.workers.is_responsive(&lane, now);
        if work.may_block(&disk.device, *budget, responsive, now) {
            return Ran::Sent(self.send_work(work, lane, &disk, shared));
        }
        let buffer = &mut shared.buffers.buffer;
        let latency = work.latency(&disk.device);
        match Latency::time_if(latency, || work.run(&disk.root, buffer, budget)) {
            Finished::NeedsWorker(operation, terms) => {
                let work = Work::Operation(operation, terms);
                Ran::Sent(self.send_work(work, lane, &disk, shared))
            }
            finished => Ran::Here(finished),
        }
    }

    fn send_work(&mut self, work: Work, lane: Lane, disk: &Disk, shared: &mut Shared) -> FileNews {
        let root = disk.root.blocking();
        self.send(self.ticket(lane), shared, move || work.run_on_worker(&root))
    }

    fn send(
        &mut self,
        ticket: Ticket,
        shared: &mut Shared,
        work: impl FnOnce() -> Finished + Send + 'static,
    ) -> FileNews {
        match shared.workers.submit(ticket, work) {
            Some(token) => {
                self.state = FileState::OnWorker { _token: token };
                FileNews::Pending
            }
            None => FileNews::Failed("there is no thread for its files"),
        }
    }

    /// Keeps what is still open after work, and says what came of it.
    fn settle(&mut self, finished: Finished, shared: &mut Shared, now: Instant) -> FileNews {
        match finished {
            Finished::Operation(result) => FileNews::Answer(result),
            Finished::NeedsWorker(..) => FileNews::Answer(Err(Refusal::NeedsWorker)),
            Finished::Opened(pump) => {
                let done = pump.bytes().map_or(FileDone::Done, FileDone::Opened);
                self.state = FileState::Transfer(pump);
                FileNews::Answer(Ok(done))
            }
            Finished::Stepped(pump, state) => {
                self.state = FileState::Transfer(pump);
                FileNews::Stepped(state)
            }
            Finished::Lines(pump, Ok(None)) => {
                self.state = FileState::Status(pump);
                FileNews::Pending
            }
            Finished::Lines(pump, Ok(Some(lines))) => {
                self.state = FileState::Transfer(pump);
                if lines.is_empty() {
                    self.drop_all(shared, now);
                }
                FileNews::Answer(Ok(FileDone::Lines(lines)))
            }
            Finished::Lines(pump, Err(refusal)) => {
                self.state = FileState::Transfer(pump);
                self.drop_all(shared, now);
                FileNews::Answer(Err(refusal))
            }
            Finished::Job(job) => {
                self.state = FileState::Job(job);
                FileNews::Pending
            }
            Finished::Root(path, grant, opened) => {
                match opened.and_then(|root| shared.roots.adopt(&path, root)) {
                    Ok(disk) => self.entered(disk, &grant),
                    Err(error) => FileNews::RootMissing(path, error),
                }
            }
        }
    }

    /// Drops a thing, on a worker of the lane if that may block: whether a worker has it now.
    fn drop_one(
        &self,
        lane: Option<Lane>,
        thing: impl Send + 'static,
        disk: &Disk,
        shared: &mut Shared,
    ) -> bool {
        if let Some(lane) = lane {
            return shared.workers.drop_on_worker(self.ticket(lane), thing);
        }
        disk.device.names.time(|| drop(thing));
        false
    }
}
