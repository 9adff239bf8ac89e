//! Checks passwords, which takes tens of milliseconds on purpose: on a thread of their own, so that
//! no slow disk keeps anybody from logging in.

use std::sync::Arc;

use super::worker_pool::{Done, WorkerPool};
use crate::net::{Key, Waker};
use crate::proto::command::Secret;
use crate::users::StoredPassword;

/// Passwords that may wait to be checked.
const QUEUE: usize = 512;

/// Checks passwords away from the loop.
#[derive(Debug)]
pub(super) struct PasswordWorker(WorkerPool<bool>);

impl PasswordWorker {
    pub(super) fn new(waker: Arc<Waker>) -> PasswordWorker {
        PasswordWorker(WorkerPool::new("passwords", 1, waker))
    }

    /// Has a password checked for the session that `owner` names, as long as what is returned
    /// lives; `None` if too many wait already.
    pub(super) fn check(
        &mut self,
        owner: Key,
        secret: Secret,
        stored: StoredPassword,
    ) -> Option<Arc<()>> {
        if self.0.pending() > QUEUE {
            return None;
        }
        self.0.submit(owner, move || stored.verify(&secret.0))
    }

    /// A verdict that has come: whose, and whether the password was right.
    pub(super) fn verdict(&mut self) -> Option<(Key, bool)> {
        let Done { owner, outcome: right } = self.0.done()?;
        // A hash that cannot be computed is no password's.
        Some((owner, right.unwrap_or(false)))
    }
}
