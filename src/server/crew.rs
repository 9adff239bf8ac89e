//! Threads beside the loop, for work that the kernel gives no readiness for. They are started as
//! they are needed and end with the loop; what came of a piece of work comes back as an event.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};
use std::{fmt, thread};

use crate::net::{Key, Waker};

/// A piece of work that takes so long hangs: others are done in some milliseconds.
const HANGING: Duration = Duration::from_secs(1);

/// A piece of work.
pub(super) type Work<T> = Box<dyn FnOnce() -> T + Send>;

/// Whose work is done and what came of it: nothing, if it was given up before it was begun.
pub(super) type Done<T> = (Key, Option<T>);

/// A few threads that share a queue.
pub(super) struct Crew<T> {
    name: &'static str,
    most_threads: usize,
    threads: usize,
    waker: Arc<Waker>,
    errands: Sender<Errand<T>>,
    queue: Arc<Mutex<Receiver<Errand<T>>>>,
    outbox: Sender<Done<T>>,
    done: Receiver<Done<T>>,
    away: usize,
    /// When a thread last had something new to begin with.
    last_begun: Instant,
}

struct Errand<T> {
    owner: Key,
    task: Task<T>,
}

enum Task<T> {
    /// To be done if it is still wanted, and dropped otherwise.
    Do(Weak<()>, Work<T>),
    Drop(Box<dyn Send>),
}

impl<T: Send + 'static> Crew<T> {
    pub(super) fn new(name: &'static str, most_threads: usize, waker: Arc<Waker>) -> Crew<T> {
        let (errands, queue) = channel();
        let (outbox, done) = channel();
        let queue = Arc::new(Mutex::new(queue));
        let (threads, away, last_begun) = (0, 0, Instant::now());
        Crew { name, most_threads, threads, waker, errands, queue, outbox, done, away, last_begun }
    }

    /// Has work done for the session that `owner` names, as long as what is returned lives; `None`
    /// if there is nobody to do it.
    pub(super) fn hand(&mut self, owner: Key, work: Work<T>) -> Option<Arc<()>> {
        let wanted = Arc::new(());
        let task = Task::Do(Arc::downgrade(&wanted), work);
        self.send(Errand { owner, task }).then_some(wanted)
    }

    /// Has something dropped that may take its time even for that. False if nobody is there to do
    /// it: then it has been done.
    pub(super) fn throw_away(&mut self, owner: Key, what: impl Send + 'static) -> bool {
        self.send(Errand { owner, task: Task::Drop(Box::new(what)) })
    }

    /// Something that is done.
    pub(super) fn done(&mut self) -> Option<Done<T>> {
        let done = self.done.try_recv().ok()?;
        Some(self.collected(done))
    }

    /// Waits until something is done, at most so long.
    pub(super) fn wait(&mut self, most: Duration) -> Option<Done<T>> {
        let done = self.done.recv_timeout(most).ok()?;
        Some(self.collected(done))
    }

    /// Whoever has done it has begun with what waited longest.
    fn collected(&mut self, done: Done<T>) -> Done<T> {
        self.away -= 1;
        self.last_begun = Instant::now();
        done
    }

    /// Whether somebody would begin before long: all threads may be busy, but must not all hang.
    pub(super) fn has_hands(&self, now: Instant) -> bool {
        self.away < self.most_threads || now < self.last_begun + HANGING
    }

    /// How many pieces of work are not yet done.
    pub(super) fn away(&self) -> usize {
        self.away
    }

    fn send(&mut self, errand: Errand<T>) -> bool {
        if self.threads <= self.away && self.threads < self.most_threads {
            self.start();
        }
        if self.away < self.most_threads {
            self.last_begun = Instant::now();
        }
        let sent = self.threads > 0 && self.errands.send(errand).is_ok();
        self.away += usize::from(sent);
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

impl<T> fmt::Debug for Crew<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(self.name).field("threads", &self.threads).finish_non_exhaustive()
    }
}

/// Ends when the loop has dropped its side, and the queue is empty.
fn work<T>(queue: &Mutex<Receiver<Errand<T>>>, outbox: &Sender<Done<T>>, waker: &Waker) {
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
    while let Ok(Errand { owner, task }) = next() {
        // What panics, for want of memory say, is no reason to lose the thread.
        let done = catch_unwind(AssertUnwindSafe(|| match task {
            Task::Do(wanted, work) => (wanted.strong_count() > 0).then(work),
            Task::Drop(what) => {
                drop(what);
                None
            }
        }));
        // Nobody may be there any more who wants to know.
        let _ = outbox.send((owner, done.unwrap_or_default()));
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
        let mut crew = Crew::new("test", 1, Arc::new(poller.waker().unwrap()));
        let keys = [0, 1, 2, 3].map(|slot| poller.key(slot, Role::Control));
        let (go, gate) = sync_channel::<()>(0);
        let held = Arc::new(());
        let first = crew.hand(keys[0], Box::new(move || gate.recv().map(|()| 'a')));
        let holds = Arc::clone(&held);
        let given_up = crew.hand(
            keys[1],
            Box::new(move || {
                drop(holds);
                Ok('b')
            }),
        );
        assert!(crew.throw_away(keys[2], Arc::clone(&held)));
        let last = crew.hand(keys[3], Box::new(|| panic!("as a test has it")));
        assert_eq!((crew.away(), Arc::strong_count(&held)), (4, 3));
        assert!(crew.done().is_none());
        drop(given_up);
        go.send(()).unwrap();
        let done: Vec<_> = (0..4).filter_map(|_| crew.wait(PATIENCE)).collect();
        let expected = [Some(Ok('a')), None, None, None];
        assert_eq!(done, keys.into_iter().zip(expected).collect::<Vec<_>>());
        assert_eq!((crew.away(), Arc::strong_count(&held)), (0, 1));
        drop((first, last));
    }

    /// With as many clients as threads on a disk that only took its time, the loop read by itself.
    #[test]
    fn threads_that_are_busy_do_not_hang() {
        let mut poller = Poller::new().unwrap();
        let mut crew = Crew::new("test", 2, Arc::new(poller.waker().unwrap()));
        let key = poller.key(0, Role::Control);
        let (go, gate) = sync_channel::<()>(0);
        let gate = Arc::new(Mutex::new(gate));
        let mut wanted = Vec::new();
        let mut hand = |crew: &mut Crew<bool>| {
            let gate = Arc::clone(&gate);
            wanted.push(crew.hand(key, Box::new(move || gate.lock().unwrap().recv().is_ok())));
        };
        let hangs_at = |crew: &Crew<bool>| {
            let at = crew.last_begun + HANGING;
            crew.has_hands(at - Duration::from_nanos(1)) && !crew.has_hands(at)
        };
        hand(&mut crew);
        assert!(!hangs_at(&crew), "one of them has nothing to do");
        hand(&mut crew);
        assert!(hangs_at(&crew));
        let before = crew.last_begun;
        hand(&mut crew);
        assert!(hangs_at(&crew) && crew.last_begun == before, "what waits is not begun");
        let mut one_done = || {
            go.send(()).unwrap();
            assert_eq!(crew.wait(PATIENCE), Some((key, Some(true))));
            hangs_at(&crew)
        };
        assert!(one_done(), "both have something to do");
        assert!(!one_done());
        assert!(!one_done());
    }
}
