//! Work on files, as it can be done on the loop or on a worker: all that it needs is handed in, and
//! all that it had open is handed back. So no two threads ever have the same file.

use std::cell::RefCell;
use std::io;
use std::time::Instant;

use super::disk::{Device, Disk, Latency};
use super::logins::Grant;
use super::worker_pool::Lane;
use crate::fs::{Download, FileJob, JobResult, JobState, Refusal, Root, RootPath, UploadMode};
use crate::proto::command::Change;
use crate::proto::path::VPath;
use crate::session::{ByteRange, FileDone, FileOp, Listing, Target};
use crate::transfer::{ListingLines, Pump, State, WORKER_LIST_BUDGET};
use crate::users::{PartialUploads, Replacing};

/// Buffer of a worker, in bytes.
const WORKER_BUFFER_BYTES: usize = 128 * 1024;
/// Bytes of a copy that a worker makes at once.
const WORKER_COPY_BYTES: usize = 1 << 20;
/// Cost of a byte of a checksum, in bytes that are sent.
const JOB_COST: usize = 4;

thread_local! {
    /// Buffer of this worker, which ends when it has had nothing to do for a while.
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Work to be done on files.
#[derive(Debug)]
pub(super) enum Work {
    /// Operation on names beneath the root.
    Operation(FileOp, Terms),
    /// Beginning of a transfer, whose data connection stands.
    Begin(Box<Pump>),
    /// Piece that a step of a transfer left to be done elsewhere.
    Step(Box<Pump>),
    /// End of an upload that has arrived whole.
    Finish(Box<Pump>),
    /// Next lines of a STAT, or some work towards them.
    Lines(Box<Pump>),
    /// Piece of a checksum or copy.
    Job(Box<FileJob>),
}

/// Outcome of work, with all that is still open.
#[derive(Debug)]
pub(super) enum Finished {
    Operation(Result<FileDone, Refusal>),
    /// Operation that leads to another mount, and so is for a worker.
    NeedsWorker(FileOp, Terms),
    /// File or listing for a transfer, or a STAT.
    Opened(Box<Pump>),
    /// Pump, and whether it can go on.
    Stepped(Box<Pump>, State),
    /// Lines of a STAT, none at its end; `None` if there is more work to do before the next.
    Lines(Box<Pump>, Result<Option<Vec<u8>>, Refusal>),
    /// Checksum or copy of which there is more to do.
    Job(Box<FileJob>),
    /// Root of a user.
    Root(RootPath, Grant, io::Result<Root>),
}

/// Terms of an operation beside its own words.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) partial_uploads: PartialUploads,
    pub(super) replacing: Replacing,
    /// Uploads are on the disk before they are answered.
    pub(super) durable: bool,
    /// Seconds since 1970.
    pub(super) wall_clock: i64,
}

impl Terms {
    /// Mode of an upload, as these terms have it.
    fn mode(self, asked: UploadMode) -> UploadMode {
        match (self.replacing, asked) {
            (Replacing::InPlace, UploadMode::Replace | UploadMode::ResumeAt(0)) => {
                UploadMode::Overwrite
            }
            (Replacing::Atomic | Replacing::InPlace, asked) => asked,
        }
    }
}

impl Work {
    /// True if the work, with so many bytes of a budget, may block: then it is for a worker. Without
    /// `responsive` workers, only work on a disk that may hang goes behind that of others.
    pub(super) fn may_block(
        &mut self,
        device: &Device,
        budget: usize,
        responsive: bool,
        now: Instant,
    ) -> bool {
        match self {
            Work::Operation(..) => device.names.may_block(responsive, now),
            Work::Begin(pump) => {
                pump.begin_may_block()
                    || (pump.is_upload() && device.storing_may_block(responsive, now))
            }
            Work::Step(pump) => responsive || pump.may_block(),
            Work::Finish(pump) => {
                // Behind workers that hang, who waits for this machine's own disk waits here.
                pump.may_block()
                    || (responsive && pump.finish_may_block())
                    || device.storing_may_block(responsive, now)
            }
            Work::Lines(pump) => pump.may_block() || device.names.may_block(responsive, now),
            Work::Job(job) => {
                let asked = if responsive { budget.div_ceil(JOB_COST) } else { 0 };
                device.writes.may_block(responsive, now) || job.may_block(asked)
            }
        }
    }

    /// Lane of the workers that it is for.
    pub(super) fn lane(&self, disk: &Disk) -> Lane {
        match self {
            Work::Begin(pump) | Work::Step(pump) | Work::Finish(pump) => disk.lane_of(pump),
            Work::Operation(..) | Work::Lines(_) | Work::Job(_) => disk.lane(),
        }
    }

    /// Latency that the work is noted in when the loop does it.
    pub(super) fn latency<'a>(&self, device: &'a Device) -> Option<&'a Latency> {
        match self {
            Work::Step(pump) => step_latency(pump, device),
            Work::Job(_) => Some(&device.writes),
            Work::Operation(..) | Work::Begin(_) | Work::Finish(_) => Some(&device.names),
            Work::Lines(_) => Some(&device.names),
        }
    }

    /// Does the work, about as much as the budget has bytes.
    pub(super) fn run(self, root: &Root, buffer: &mut [u8], budget: &mut usize) -> Finished {
        match self {
            Work::Operation(operation, terms) => match perform(&operation, root, terms) {
                Err(Refusal::NeedsWorker) => Finished::NeedsWorker(operation, terms),
                finished => finished.unwrap_or_else(|refusal| Finished::Operation(Err(refusal))),
            },
            Work::Begin(mut pump) => {
                let state = pump.begin().map_or_else(State::Refused, |()| State::Spent);
                Finished::Stepped(pump, state)
            }
            Work::Step(mut pump) => {
                *budget = 0;
                let state = pump.work(buffer);
                Finished::Stepped(pump, state)
            }
            Work::Finish(pump) => Finished::Operation(pump.finish().map(|()| FileDone::Done)),
            Work::Lines(mut pump) => {
                let lines = pump.lines(budget);
                Finished::Lines(pump, lines)
            }
            Work::Job(job) => {
                let slice = std::mem::take(budget).div_ceil(JOB_COST);
                worked(job.step(buffer, slice))
            }
        }
    }

    /// Does the work on a worker.
    pub(super) fn run_on_worker(self, root: &Root) -> Finished {
        let mut budget = match self {
            Work::Job(_) => WORKER_COPY_BYTES * JOB_COST,
            _ => WORKER_LIST_BUDGET,
        };
        BUFFER.with_borrow_mut(|buffer| {
            buffer.resize(WORKER_BUFFER_BYTES, 0);
            self.run(root, buffer, &mut budget)
        })
    }
}

/// Latency that a step of a pump is noted in. A file that is sent was asked beforehand.
pub(super) fn step_latency<'a>(pump: &Pump, device: &'a Device) -> Option<&'a Latency> {
    match pump {
        Pump::Incoming(_) => Some(&device.writes),
        Pump::Outgoing(outgoing) => outgoing.is_listing().then_some(&device.names),
    }
}

fn worked(result: Result<JobState, Refusal>) -> Finished {
    match result {
        Ok(JobState::More(job)) => Finished::Job(job),
        Ok(JobState::Done(JobResult::Checksum(digits, end))) => {
            Finished::Operation(Ok(FileDone::Checksum { digits, end }))
        }
        Ok(JobState::Done(JobResult::Copy)) => Finished::Operation(Ok(FileDone::Done)),
        Err(refusal) => Finished::Operation(Err(refusal)),
    }
}

fn perform(operation: &FileOp, root: &Root, terms: Terms) -> Result<Finished, Refusal> {
    let mut done = FileDone::Done;
    match operation {
        FileOp::Facts(path) => done = FileDone::Facts(root.facts(path)?),
        FileOp::Exists(path) => drop(root.link_facts(path)?),
        FileOp::Enter(path) => root.enter(path)?,
        FileOp::MakeDir(path, umask) => root.make_dir(path, *umask)?,
        FileOp::RemoveDir(path) => root.remove_dir(path)?,
        FileOp::RemoveFile(path) => root.remove_file(path)?,
        FileOp::Rename(from, to, Target::Any) => root.rename(from, to)?,
        FileOp::Rename(from, to, Target::Free) => root.rename_to_free(from, to)?,
        FileOp::FreeSpace(path) => done = FileDone::Free(root.free_space(path)?),
        FileOp::Change(path, changes) => {
            changes.iter().try_for_each(|change| match change {
                Change::Modified(seconds) => root.set_modified(path, *seconds),
                Change::Mode(mode) => root.set_mode(path, mode),
            })?;
        }
        FileOp::OpenDownload(path, range, coding) => {
            return opened(Pump::download(open(root, path, *range)?, *coding));
        }
        FileOp::OpenUpload(path, mode, new, coding) => {
            let keep = if new.once { PartialUploads::Discard } else { terms.partial_uploads };
            let mut upload = root.upload(path, terms.mode(*mode), keep, *new)?;
            if terms.durable {
                upload.make_durable();
            }
            return opened(Pump::upload(upload, *coding));
        }
        FileOp::OpenListing(Listing { path, spelled, style, perms, options, coding }) => {
            let place = (path, &spelled[..]);
            let lines = ListingLines::open(root, place, *style, *options, terms.wall_clock)?;
            return opened(Pump::listing(lines.with_perms(perms.clone()), *coding));
        }
        FileOp::Checksum(path, algorithm, range) => {
            return Ok(Finished::Job(FileJob::checksum(open(root, path, *range)?, *algorithm)));
        }
        FileOp::Copy(from, to, mode, new) => {
            let from = open(root, from, ByteRange::default())?;
            // Never in place: both may be names of one file.
            let mut to = root.upload(to, *mode, PartialUploads::Discard, *new)?;
            if terms.durable {
                to.make_durable();
            }
            return Ok(Finished::Job(FileJob::copy(from, to)?));
        }
        FileOp::Combine(target, parts, new) => {
            let task = FileJob::combine(root.clone(), target, parts.clone(), *new, terms.durable)?;
            return Ok(Finished::Job(task));
        }
        FileOp::NextLines | FileOp::FinishUpload | FileOp::FinishNewUpload => {
            debug_assert!(false, "{operation:?} is about what is open");
        }
    }
    Ok(Finished::Operation(Ok(done)))
}

fn opened(pump: Pump) -> Result<Finished, Refusal> {
    Ok(Finished::Opened(Box::new(pump)))
}

fn open(root: &Root, path: &VPath, range: ByteRange) -> Result<Download, Refusal> {
    let mut file = root.download(path, range.from)?;
    if let Some(end) = range.to {
        file.end_at(end);
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::coding::Coding;
    use crate::proto::list_options::ListOptions;
    use crate::proto::listing::Style;

    /// Four of them kept all threads busy for as long as a huge folder has names.
    #[test]
    fn a_stat_that_matches_nothing_is_done_a_few_names_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..3000 {
            std::fs::write(folder.path().join(format!("{number}")), "").unwrap();
        }
        let root = RootPath::Server(folder.path().into()).open().unwrap().blocking();
        let path = VPath::root().join(b"*z");
        let options = ListOptions::default();
        let place = (&path, &b"*z"[..]);
        let listing = ListingLines::open(&root, place, Style::Long, options, 0).unwrap();
        let mut pump = Box::new(Pump::listing(listing, Coding::default()));
        let mut pieces = 0;
        loop {
            let Finished::Lines(next, lines) = Work::Lines(pump).run_on_worker(&root) else {
                panic!("lines were asked for")
            };
            match lines.unwrap() {
                Some(lines) => break assert!(lines.is_empty()),
                None => (pump, pieces) = (next, pieces + 1),
            }
        }
        assert!(pieces >= 5, "3000 names in {pieces} pieces");
    }
}
