//! Worker pool: threads for work that the kernel gives no readiness for. They are started as they are
//! needed, end when they have had nothing to do for a while, and with the loop; the outcome of a job
//! comes back as an event.

mod board;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use std::{fmt, thread};

use super::neighbourhood::Neighbourhood;
use crate::net::{Key, Waker};
use board::SharedBoard;

#[cfg(test)]
mod tests;

/// Time after which a job counts as hanging: others are done in some milliseconds.
const HANGING: Duration = Duration::from_secs(1);
/// Threads that may wait for one device. One that hangs can have them all wait; more of them would
/// only have more wait.
const DEVICE_THREADS: usize = 4;

/// Pool of threads. `T` is the outcome of a job.
pub(super) struct WorkerPool<T> {
    name: &'static str,
    most_threads: usize,
    waker: Arc<Waker>,
    board: Arc<SharedBoard<T>>,
    outbox: Sender<Done<T>>,
    done: Receiver<Done<T>>,
    /// Progress of all lanes, and of each that has jobs.
    progress: Progress,
    lanes: HashMap<Lane, Progress>,
}

/// Ticket of a job: whose it is, and where it waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ticket {
    /// Names the session that it is done for.
    pub(super) owner: Key,
    /// Neighbourhood of the client: they have their turns.
    pub(super) neighbourhood: Neighbourhood,
    pub(super) lane: Lane,
}

/// Lane of jobs that may hang together. Each has a few threads of all, so that no other lane waits
/// for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Lane {
    /// All jobs of a pool with one purpose.
    Only,
    /// Work on names beneath a root on this device, which may lead anywhere, and on files that another
    /// machine or program keeps.
    Device(u64),
    /// Work on open files beneath it that a disk of this machine keeps: such a disk may be slow, and
    /// does not hang with what is mounted within.
    Local(u64),
    /// Opening of the root at this path, on a device that is not yet known.
    Opening(PathBuf),
}

impl Lane {
    /// Threads that may be at work on it at once.
    fn most_threads(&self) -> usize {
        match self {
            Lane::Only | Lane::Opening(_) => 1,
            Lane::Device(_) | Lane::Local(_) => DEVICE_THREADS,
        }
    }
}

/// Outcome of a job.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Done<T> {
    pub(super) ticket: Ticket,
    /// `None` if the job was given up before it was begun, or panicked.
    pub(super) outcome: Option<T>,
}

#[derive(Debug)]
struct Job<T> {
    ticket: Ticket,
    task: Task<T>,
}

enum Task<T> {
    /// Work to be done while its token lives, and dropped otherwise.
    Do(Weak<()>, Box<dyn FnOnce() -> T + Send>),
    Drop(Box<dyn Send>),
}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Task::Do(..) => "Do",
            Task::Drop(_) => "Drop",
        })
    }
}

/// Progress of jobs that share threads.
#[derive(Debug)]
struct Progress {
    /// Jobs that are not yet done.
    pending: usize,
    /// Moment at which a thread last had something new to begin with.
    last_begun: Instant,
}

impl Progress {
    fn begin() -> Progress {
        Progress { pending: 0, last_begun: Instant::now() }
    }

    fn add(&mut self, most_threads: usize) {
        if self.pending < most_threads {
            self.last_begun = Instant::now();
        }
        self.pending += 1;
    }

    /// Takes one off: the thread that did it has begun with the job that waited longest.
    fn take(&mut self) {
        self.pending -= 1;
        self.last_begun = Instant::now();
    }

    fn is_responsive(&self, most_threads: usize, now: Instant) -> bool {
        self.pending < most_threads || now < self.last_begun + HANGING
    }
}

impl<T: Send + 'static> WorkerPool<T> {
    /// Pool of at most so many threads, none of which is started yet.
    pub(super) fn new(name: &'static str, most_threads: usize, waker: Arc<Waker>) -> WorkerPool<T> {
        let (outbox, done) = channel();
        WorkerPool {
            name,
            most_threads,
            waker,
            board: Arc::default(),
            outbox,
            done,
            progress: Progress::begin(),
            lanes: HashMap::new(),
        }
    }

    /// Has work done, as long as the token lives that is returned; `None` if there is no thread to
    /// do it.
    pub(super) fn submit(
        &mut self,
        ticket: Ticket,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<Arc<()>> {
        let token = Arc::new(());
        let task = Task::Do(Arc::downgrade(&token), Box::new(work));
        self.send(Job { ticket, task }).then_some(token)
    }

    /// Has a thing dropped whose drop may block. False if no thread is there to do it: then it has
    /// been dropped here.
    pub(super) fn drop_on_worker(&mut self, ticket: Ticket, thing: impl Send + 'static) -> bool {
        self.send(Job { ticket, task: Task::Drop(Box::new(thing)) })
    }

    /// Next job that is done.
    pub(super) fn done(&mut self) -> Option<Done<T>> {
        let done = self.done.try_recv().ok()?;
        Some(self.collect(done))
    }

    /// Next job that is done, waited for at most so long.
    pub(super) fn wait(&mut self, most: Duration) -> Option<Done<T>> {
        let done = self.done.recv_timeout(most).ok()?;
        Some(self.collect(done))
    }

    fn collect(&mut self, done: Done<T>) -> Done<T> {
        self.progress.take();
        if let Some(progress) = self.lanes.get_mut(&done.ticket.lane) {
            progress.take();
            if progress.pending == 0 {
                self.lanes.remove(&done.ticket.lane);
            }
        }
        done
    }

    /// True if a job in this lane would be begun before long: all its threads may be busy, but must
    /// not all hang.
    pub(super) fn is_responsive(&self, lane: &Lane, now: Instant) -> bool {
        let has_thread = self.progress.is_responsive(self.most_threads, now);
        let lane = self.lanes.get(lane).map(|one| one.is_responsive(lane.most_threads(), now));
        has_thread && lane.unwrap_or(true)
    }

    /// Number of jobs that are not yet done.
    pub(super) fn pending(&self) -> usize {
        self.progress.pending
    }

    fn send(&mut self, job: Job<T>) -> bool {
        let lane = job.ticket.lane.clone();
        if self.board.lock().push(job, self.most_threads) && !self.start() {
            return false;
        }
        self.board.call();
        self.progress.add(self.most_threads);
        let most_threads = lane.most_threads();
        self.lanes.entry(lane).or_insert_with(Progress::begin).add(most_threads);
        true
    }

    /// Starts a thread, which the board counts already. False if there is none at all: then the
    /// board is empty again.
    fn start(&self) -> bool {
        let (board, outbox) = (Arc::clone(&self.board), self.outbox.clone());
        let waker = Arc::clone(&self.waker);
        let thread = thread::Builder::new().name(self.name.into());
        match thread.spawn(move || work(&board, &outbox, &waker)) {
            Ok(_) => true,
            Err(error) => {
                log::error!("no thread for {}: {error}", self.name);
                self.board.lock().thread_missing()
            }
        }
    }
}

impl<T> Drop for WorkerPool<T> {
    fn drop(&mut self) {
        self.board.close();
    }
}

impl<T> fmt::Debug for WorkerPool<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(self.name).field("progress", &self.progress).finish_non_exhaustive()
    }
}

/// Life of a worker.
fn work<T>(board: &SharedBoard<T>, outbox: &Sender<Done<T>>, waker: &Waker) {
    let mut before = None;
    while let Some(Job { ticket, task }) = board.next(before.take()) {
        // A job that panics, for want of memory say, is no reason to lose the thread.
        let done = catch_unwind(AssertUnwindSafe(|| match task {
            Task::Do(token, work) => (token.strong_count() > 0).then(work),
            Task::Drop(thing) => {
                drop(thing);
                None
            }
        }));
        before = Some(ticket.lane.clone());
        // The loop may have ended, and nobody want to know.
        let _ = outbox.send(Done { ticket, outcome: done.unwrap_or_default() });
        // Without a wake the client would have no answer before something else happens.
        let _ = waker.wake().or_else(|_| waker.wake());
    }
}
