//! Worker pool: threads for work that the kernel gives no readiness for. They are started as they are
//! needed and end with the loop; the outcome of a job comes back as an event.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};
use std::{fmt, thread};

use crate::net::{Key, Waker};

/// Time after which a job counts as hanging: others are done in some milliseconds.
const HANGING: Duration = Duration::from_secs(1);

/// Pool of a few threads that share a queue. `T` is the outcome of a job.
pub(super) struct WorkerPool<T> {
    name: &'static str,
    most_threads: usize,
    threads: usize,
    waker: Arc<Waker>,
    jobs: Sender<Job<T>>,
    queue: Arc<Mutex<Receiver<Job<T>>>>,
    outbox: Sender<Done<T>>,
    done: Receiver<Done<T>>,
    /// Jobs that are not yet done.
    pending: usize,
    /// Moment at which a thread last had something new to begin with.
    last_begun: Instant,
}

/// Outcome of a job, and the session that it was done for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Done<T> {
    pub(super) owner: Key,
    /// `None` if the job was given up before it was begun, or panicked.
    pub(super) outcome: Option<T>,
}

struct Job<T> {
    owner: Key,
    task: Task<T>,
}

enum Task<T> {
    /// Work to be done while its token lives, and dropped otherwise.
    Do(Weak<()>, Box<dyn FnOnce() -> T + Send>),
    Drop(Box<dyn Send>),
}

impl<T: Send + 'static> WorkerPool<T> {
    /// Pool of at most so many threads, none of which is started yet.
    pub(super) fn new(name: &'static str, most_threads: usize, waker: Arc<Waker>) -> WorkerPool<T> {
        let (jobs, queue) = channel();
        let (outbox, done) = channel();
        WorkerPool {
            name,
            most_threads,
            threads: 0,
            waker,
            jobs,
            queue: Arc::new(Mutex::new(queue)),
            outbox,
            done,
            pending: 0,
            last_begun: Instant::now(),
        }
    }

    /// Has work done for the session that `owner` names, as long as the token lives that is
    /// returned; `None` if there is no thread to do it.
    pub(super) fn submit(
        &mut self,
        owner: Key,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<Arc<()>> {
        let token = Arc::new(());
        let task = Task::Do(Arc::downgrade(&token), Box::new(work));
        self.send(Job { owner, task }).then_some(token)
    }

    /// Has a thing dropped whose drop may block. False if no thread is there to do it: then it has
    /// been dropped here.
    pub(super) fn drop_on_worker(&mut self, owner: Key, thing: impl Send + 'static) -> bool {
        self.send(Job { owner, task: Task::Drop(Box::new(thing)) })
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

    /// Thread that did it has begun with the job that waited longest.
    fn collect(&mut self, done: Done<T>) -> Done<T> {
        self.pending -= 1;
        self.last_begun = Instant::now();
        done
    }

    /// Whether a job would be begun before long: all threads may be busy, but must not all hang.
    pub(super) fn is_responsive(&self, now: Instant) -> bool {
        self.pending < self.most_threads || now < self.last_begun + HANGING
    }

    /// Number of jobs that are not yet done.
    pub(super) fn pending(&self) -> usize {
        self.pending
    }

    fn send(&mut self, job: Job<T>) -> bool {
        if self.threads <= self.pending && self.threads < self.most_threads {
            self.start();
        }
        if self.pending < self.most_threads {
            self.last_begun = Instant::now();
        }
        let sent = self.threads > 0 && self.jobs.send(job).is_ok();
        self.pending += usize::from(sent);
        sent
    }

    fn start(&mut self) {
        let (queue, outbox) = (Arc::clone(&self.queue), self.outbox.clone());
        let waker = Arc::clone(&self.waker);
        let thread = thread::Builder::new().name(self.name.into());
        match thread.spawn(move || work(&queue, &outbox, &waker)) {
            Ok(_) => self.threads += 1,
            Err(error) => log::error!("no thread for {}: {error}", self.name),
        }
    }
}

impl<T> fmt::Debug for WorkerPool<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(self.name).field("threads", &self.threads).finish_non_exhaustive()
    }
}

/// Life of a worker. It ends when the loop has dropped its side, and the queue is empty.
fn work<T>(queue: &Mutex<Receiver<Job<T>>>, outbox: &Sender<Done<T>>, waker: &Waker) {
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
    while let Ok(Job { owner, task }) = next() {
        // A job that panics, for want of memory say, is no reason to lose the thread.
        let done = catch_unwind(AssertUnwindSafe(|| match task {
            Task::Do(token, work) => (token.strong_count() > 0).then(work),
            Task::Drop(thing) => {
                drop(thing);
                None
            }
        }));
        // The loop may have ended, and nobody want to know.
        let _ = outbox.send(Done { owner, outcome: done.unwrap_or_default() });
        let _ = waker.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{Poller, Role};
    use std::sync::mpsc::sync_channel;

    const PATIENCE: Duration = Duration::from_secs(20);

    #[test]
    fn work_is_done_in_turn_and_what_nobody_wants_is_dropped() {
        let mut poller = Poller::new().unwrap();
        let mut pool = WorkerPool::new("test", 1, Arc::new(poller.waker().unwrap()));
        let keys = [0, 1, 2, 3].map(|slot| poller.key(slot, Role::Control));
        let (go, gate) = sync_channel::<()>(0);
        let held = Arc::new(());
        let first = pool.submit(keys[0], move || gate.recv().map(|()| 'a'));
        let holds = Arc::clone(&held);
        let given_up = pool.submit(keys[1], move || {
            drop(holds);
            Ok('b')
        });
        assert!(pool.drop_on_worker(keys[2], Arc::clone(&held)));
        let last = pool.submit(keys[3], || panic!("as a test has it"));
        assert_eq!((pool.pending(), Arc::strong_count(&held)), (4, 3));
        assert!(pool.done().is_none());
        drop(given_up);
        go.send(()).unwrap();
        let done: Vec<_> = (0..4).filter_map(|_| pool.wait(PATIENCE)).collect();
        let expected = [Some(Ok('a')), None, None, None];
        let expected = keys.into_iter().zip(expected);
        let expected: Vec<_> = expected.map(|(owner, outcome)| Done { owner, outcome }).collect();
        assert_eq!(done, expected);
        assert_eq!((pool.pending(), Arc::strong_count(&held)), (0, 1));
        drop((first, last));
    }

    /// With as many clients as threads on a disk that only took its time, the loop read by itself.
    #[test]
    fn threads_that_are_busy_do_not_hang() {
        let mut poller = Poller::new().unwrap();
        let mut pool = WorkerPool::new("test", 2, Arc::new(poller.waker().unwrap()));
        let key = poller.key(0, Role::Control);
        let (go, gate) = sync_channel::<()>(0);
        let gate = Arc::new(Mutex::new(gate));
        let mut wanted = Vec::new();
        let mut submit = |pool: &mut WorkerPool<bool>| {
            let gate = Arc::clone(&gate);
            wanted.push(pool.submit(key, move || gate.lock().unwrap().recv().is_ok()));
        };
        let hangs_at = |pool: &WorkerPool<bool>| {
            let at = pool.last_begun + HANGING;
            pool.is_responsive(at - Duration::from_nanos(1)) && !pool.is_responsive(at)
        };
        submit(&mut pool);
        assert!(!hangs_at(&pool), "one of them has nothing to do");
        submit(&mut pool);
        assert!(hangs_at(&pool));
        let before = pool.last_begun;
        submit(&mut pool);
        assert!(hangs_at(&pool) && pool.last_begun == before, "what waits is not begun");
        let mut one_done = || {
            go.send(()).unwrap();
            assert_eq!(pool.wait(PATIENCE), Some(Done { owner: key, outcome: Some(true) }));
            hangs_at(&pool)
        };
        assert!(one_done(), "both have something to do");
        assert!(!one_done());
        assert!(!one_done());
    }
}
