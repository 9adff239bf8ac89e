//! Board: jobs that wait for a thread. Lanes have their turns, and in each lane the neighbourhoods.

use std::collections::{HashMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::super::fair_queue::FairQueue;
use super::{Job, Lane};

/// Time without a job after which a thread ends.
const IDLE: Duration = Duration::from_secs(10);

/// Board that the loop and the threads share.
#[derive(Debug)]
pub(super) struct SharedBoard<T> {
    board: Mutex<Board<T>>,
    news: Condvar,
}

/// Jobs that wait, and threads.
#[derive(Debug)]
pub(super) struct Board<T> {
    lanes: HashMap<Lane, Waiting<T>>,
    /// Lanes in which a job waits, each once; the next one first.
    turns: VecDeque<Lane>,
    threads: usize,
    /// Threads that have nothing to do.
    idle: usize,
    /// The loop has dropped its side: threads end when the board is empty.
    is_closed: bool,
}

#[derive(Debug)]
struct Waiting<T> {
    jobs: FairQueue<Job<T>>,
    /// Jobs of the lane that threads are at work on.
    running: usize,
}

impl<T> Waiting<T> {
    /// Number of jobs that may be begun.
    fn startable(&self, lane: &Lane) -> usize {
        self.jobs.len().min(lane.most_threads().saturating_sub(self.running))
    }
}

impl<T> Default for SharedBoard<T> {
    fn default() -> SharedBoard<T> {
        let board = Board {
            lanes: HashMap::new(),
            turns: VecDeque::new(),
            threads: 0,
            idle: 0,
            is_closed: false,
        };
        SharedBoard { board: Mutex::new(board), news: Condvar::new() }
    }
}

impl<T> SharedBoard<T> {
    pub(super) fn lock(&self) -> MutexGuard<'_, Board<T>> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls a thread that has nothing to do, if there is one.
    pub(super) fn call(&self) {
        self.news.notify_one();
    }

    /// Has threads end when the board is empty.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.news.notify_all();
    }

    /// Next job for a thread, which comes from a job in the lane `before`; `None` ends the thread.
    pub(super) fn next(&self, before: Option<Lane>) -> Option<Job<T>> {
        let mut board = self.lock();
        if let Some(lane) = before {
            board.done(&lane);
        }
        loop {
            if let Some(job) = board.take() {
                return Some(job);
            }
            if board.is_closed {
                board.threads -= 1;
                return None;
            }
            board.idle += 1;
            let waited = self.news.wait_timeout(board, IDLE);
            let (woken, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            board = woken;
            board.idle -= 1;
            if timeout.timed_out() && !board.has_startable() {
                board.threads -= 1;
                return None;
            }
        }
    }
}

impl<T> Board<T> {
    /// Has a job wait. True if a thread should be started for it, which is counted already.
    pub(super) fn push(&mut self, job: Job<T>, most_threads: usize) -> bool {
        let lane = job.ticket.lane.clone();
        let waiting = self
            .lanes
            .entry(lane.clone())
            .or_insert_with(|| Waiting { jobs: FairQueue::default(), running: 0 });
        if waiting.jobs.is_empty() {
            self.turns.push_back(lane);
        }
        waiting.jobs.push(job.ticket.neighbourhood, job);
        // A thread that was called and has not yet come counts as idle.
        let wanted = self.startable() > self.idle && self.threads < most_threads;
        self.threads += usize::from(wanted);
        wanted
    }

    /// Takes back the count of a thread that could not be started. If there is none at all, no job
    /// will be done, and all are dropped: false.
    pub(super) fn thread_missing(&mut self) -> bool {
        self.threads -= 1;
        if self.threads == 0 {
            self.lanes.clear();
            self.turns.clear();
        }
        self.threads > 0
    }

    fn startable(&self) -> usize {
        let startable = |lane| self.lanes.get(lane).map_or(0, |waiting| waiting.startable(lane));
        self.turns.iter().map(startable).sum()
    }

    fn has_startable(&self) -> bool {
        self.startable() > 0
    }

    fn take(&mut self) -> Option<Job<T>> {
        let may = |lane| self.lanes.get(lane).is_some_and(|waiting| waiting.startable(lane) > 0);
        let turn = self.turns.iter().position(may)?;
        let lane = self.turns.remove(turn)?;
        let waiting = self.lanes.get_mut(&lane)?;
        let job = waiting.jobs.pop()?;
        waiting.running += 1;
        if !waiting.jobs.is_empty() {
            self.turns.push_back(lane);
        }
        Some(job)
    }

    fn done(&mut self, lane: &Lane) {
        let Some(waiting) = self.lanes.get_mut(lane) else { return };
        waiting.running -= 1;
        if waiting.running == 0 && waiting.jobs.is_empty() {
            self.lanes.remove(lane);
        }
    }
}
