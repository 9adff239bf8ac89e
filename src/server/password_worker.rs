//! Checks passwords, which takes tens of milliseconds on purpose: on a thread of their own, so that
//! no slow disk keeps anybody from logging in.

use std::sync::Arc;

use super::worker_pool::{Ticket, WorkerPool};
use crate::net::Waker;
use crate::proto::command::Secret;
use crate::users::{HashMemory, StoredPassword};

/// Checks one password at a time, away from the loop.
#[derive(Debug)]
pub(super) struct PasswordWorker {
    pool: WorkerPool<Checked>,
    /// Memory of the next hash, kept only while more passwords wait.
    memory: HashMemory,
    /// Keeps the check that is under way from being given up.
    _token: Option<Arc<()>>,
}

#[derive(Debug)]
struct Checked {
    is_right: bool,
    memory: HashMemory,
}

impl PasswordWorker {
    pub(super) fn new(waker: Arc<Waker>) -> PasswordWorker {
        let pool = WorkerPool::new("passwords", 1, waker);
        PasswordWorker { pool, memory: HashMemory::default(), _token: None }
    }

    /// Has a password checked; false if there is no thread to do it. If `more` wait, the memory of
    /// the hash is kept for the next.
    pub(super) fn check(
        &mut self,
        ticket: Ticket,
        secret: Secret,
        stored: StoredPassword,
        more: bool,
    ) -> bool {
        debug_assert!(self.pool.pending() == 0, "one password at a time");
        let mut memory = std::mem::take(&mut self.memory);
        self._token = self.pool.submit(ticket, move || {
            let is_right = stored.verify_in(&mut memory, &secret.0);
            let memory = if more { memory } else { HashMemory::default() };
            Checked { is_right, memory }
        });
        self._token.is_some()
    }

    /// Gives back the memory of hashes: no more wait.
    pub(super) fn rest(&mut self) {
        self.memory = HashMemory::default();
    }

    /// Verdict that has come: whether the password was right.
    pub(super) fn verdict(&mut self) -> Option<bool> {
        let done = self.pool.done()?;
        // A hash that cannot be computed is no password's.
        let Some(Checked { is_right, memory }) = done.outcome else { return Some(false) };
        self.memory = memory;
        Some(is_right)
    }
}
