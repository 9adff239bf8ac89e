//! Work on files as it can be done on any thread: what it needs is handed in, and what came of it
//! handed back.

use std::io;
use std::path::PathBuf;

use crate::fs::{Download, FileJob, JobState, Refusal, Root, UploadMode};
use crate::proto::command::Change;
use crate::proto::path::VPath;
use crate::session::{ByteRange, FileDone, FileOp, Listing};
use crate::transfer::{ListingLines, Pump, State, WORKER_LIST_BUDGET};
use crate::users::{Access, PartialUploads, RequireTls};

/// As much as a thread beside the loop reads at once. The memory is had for that one time: threads
/// that have nothing to do hold none.
const PIECE: usize = 128 * 1024;
/// As much of a copy as is made at once.
const COPIED: usize = 1 << 20;

/// What came of an operation.
#[derive(Debug)]
pub(super) enum Outcome {
    Done(FileDone),
    /// For a transfer, or a STAT.
    Opened(Box<Pump>),
    /// The answer is still to be worked for.
    Begun(Box<FileJob>),
}

/// What comes back from a thread beside the loop.
#[derive(Debug)]
pub(super) enum Finished {
    File(Result<Outcome, Refusal>),
    /// The pump, and whether it can go on.
    Pump(Box<Pump>, State),
    Lines(Box<Pump>, Result<Option<Vec<u8>>, Refusal>),
    Task(Result<JobState, Refusal>),
    /// A user's own root, what the user may do there, and what must be under TLS.
    Root(PathBuf, (Access, RequireTls), io::Result<Root>),
}

/// What an operation has to know beside its own words.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) keep: PartialUploads,
    /// Seconds since 1970.
    pub(super) wall_clock: i64,
}

/// Does what is asked of names beneath a root.
pub(super) fn perform(operation: &FileOp, root: &Root, terms: Terms) -> Result<Outcome, Refusal> {
    let mut done = FileDone::Done;
    match operation {
        FileOp::Facts(path) => done = FileDone::Facts(root.facts(path)?),
        FileOp::Exists(path) => drop(root.link_facts(path)?),
        FileOp::Enter(path) => root.enter(path)?,
        FileOp::MakeDir(path, umask) => root.make_dir(path, *umask)?,
        FileOp::RemoveDir(path) => root.remove_dir(path)?,
        FileOp::RemoveFile(path) => root.remove_file(path)?,
        FileOp::Rename(from, to) => root.rename(from, to)?,
        FileOp::FreeSpace(path) => done = FileDone::Free(root.free_space(path)?),
        FileOp::Change(path, changes) => {
            changes.iter().try_for_each(|change| match change {
                Change::Modified(seconds) => root.set_modified(path, *seconds),
                Change::Mode(mode) => root.set_mode(path, *mode),
            })?;
        }
        FileOp::OpenDownload(path, range, coding) => {
            return opened(Pump::download(open(root, path, *range)?, *coding));
        }
        FileOp::OpenUpload(path, mode, new, coding) => {
            return opened(Pump::upload(root.upload(path, *mode, terms.keep, *new)?, *coding));
        }
        FileOp::OpenListing(Listing { path, spelled, style, coding }) => {
            let lines = ListingLines::open(root, path, spelled, *style, terms.wall_clock)?;
            return opened(Pump::listing(lines, *coding));
        }
        FileOp::Checksum(path, algorithm, range) => {
            return Ok(Outcome::Begun(FileJob::checksum(open(root, path, *range)?, *algorithm)));
        }
        FileOp::Copy(from, to, new) => {
            let from = open(root, from, ByteRange::default())?;
            let to = root.upload(to, UploadMode::Replace, PartialUploads::Discard, *new)?;
            return Ok(Outcome::Begun(FileJob::copy(from, to)?));
        }
        FileOp::Combine(target, parts, new) => {
            let task = FileJob::combine(root.clone(), target, parts.clone(), *new)?;
            return Ok(Outcome::Begun(task));
        }
        FileOp::NextLines | FileOp::FinishUpload => {
            debug_assert!(false, "{operation:?} is about what is open");
        }
    }
    Ok(Outcome::Done(done))
}

fn opened(pump: Pump) -> Result<Outcome, Refusal> {
    Ok(Outcome::Opened(Box::new(pump)))
}

fn open(root: &Root, path: &VPath, range: ByteRange) -> Result<Download, Refusal> {
    let mut file = root.download(path, range.from)?;
    if let Some(end) = range.to {
        file.end_at(end);
    }
    Ok(file)
}

/// The upload has arrived whole.
pub(super) fn finish(pump: Option<Box<Pump>>) -> Result<Outcome, Refusal> {
    let Some(pump) = pump else {
        debug_assert!(false, "an upload is finished with nothing opened");
        return Err(Refusal::NotFound);
    };
    pump.finish()?;
    Ok(Outcome::Done(FileDone::Done))
}

/// The data connection of an upload stands.
pub(super) fn begin(mut pump: Box<Pump>) -> Finished {
    let state = pump.begin().map_or_else(State::Refused, |()| State::Spent);
    Finished::Pump(pump, state)
}

/// What a step of the pump left to be done elsewhere.
pub(super) fn pump(mut pump: Box<Pump>) -> Finished {
    let state = pump.work(&mut vec![0; PIECE]);
    Finished::Pump(pump, state)
}

/// The next lines of a STAT, or some work towards them.
pub(super) fn lines(mut pump: Box<Pump>) -> Finished {
    let mut budget = WORKER_LIST_BUDGET;
    let lines = pump.lines(&mut budget);
    Finished::Lines(pump, lines)
}

/// A piece of a checksum or copy.
pub(super) fn task(task: Box<FileJob>) -> Finished {
    Finished::Task(task.step(&mut vec![0; PIECE], COPIED))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::coding::Coding;
    use crate::proto::listing::Style;

    /// Four of them kept all threads busy for as long as a huge folder has names.
    #[test]
    fn a_stat_that_matches_nothing_is_done_a_few_names_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..3000 {
            std::fs::write(folder.path().join(format!("{number}")), "").unwrap();
        }
        let root = Root::open(folder.path()).unwrap().blocking();
        let path = VPath::root().join(b"*z");
        let listing = ListingLines::open(&root, &path, b"*z", Style::Long, 0).unwrap();
        let mut pump = Box::new(Pump::listing(listing, Coding::default()));
        let mut pieces = 0;
        loop {
            let Finished::Lines(next, lines) = super::lines(pump) else { unreachable!() };
            match lines.unwrap() {
                Some(lines) => break assert!(lines.is_empty()),
                None => (pump, pieces) = (next, pieces + 1),
            }
        }
        assert!(pieces >= 5, "3000 names in {pieces} pieces");
    }
}
