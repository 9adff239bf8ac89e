//! The one thread beside the loop: it checks passwords, which takes tens of milliseconds on
//! purpose. It is started with the first password, and its verdicts come back as events.

use std::io;
use std::panic::catch_unwind;
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::sync::{Arc, Weak};
use std::thread;

use crate::net::{Key, Waker};
use crate::proto::command::Secret;
use crate::users::StoredPassword;

/// Passwords that may wait to be checked.
const QUEUE: usize = 512;

/// A password to check.
#[derive(Debug)]
struct Job {
    owner: Key,
    /// Gone when the session is: then nobody wants to know any more.
    wanted: Weak<()>,
    secret: Secret,
    stored: StoredPassword,
}

/// Checks passwords away from the loop.
#[derive(Debug)]
pub(super) struct Verifier {
    waker: Arc<Waker>,
    worker: Option<Worker>,
}

#[derive(Debug)]
struct Worker {
    jobs: SyncSender<Job>,
    verdicts: Receiver<(Key, bool)>,
}

impl Verifier {
    pub(super) fn new(waker: Arc<Waker>) -> Verifier {
        Verifier { waker, worker: None }
    }

    /// Has a password checked for the session that `owner` names, as long as what is returned
    /// lives; `None` if too many wait already.
    pub(super) fn check(
        &mut self,
        owner: Key,
        secret: Secret,
        stored: StoredPassword,
    ) -> Option<Arc<()>> {
        let worker = match &mut self.worker {
            Some(worker) => worker,
            none => none.insert(start(Arc::clone(&self.waker)).ok()?),
        };
        let wanted = Arc::new(());
        let job = Job { owner, wanted: Arc::downgrade(&wanted), secret, stored };
        match worker.jobs.try_send(job) {
            Ok(()) => Some(wanted),
            Err(TrySendError::Full(_)) => None,
            Err(TrySendError::Disconnected(_)) => {
                // A stored password that makes the hash function panic; start anew.
                log::error!("the password worker has ended and is started again");
                self.worker = None;
                None
            }
        }
    }

    /// A verdict that has come: whose, and whether the password was right.
    pub(super) fn verdict(&mut self) -> Option<(Key, bool)> {
        self.worker.as_ref()?.verdicts.try_recv().ok()
    }
}

fn start(waker: Arc<Waker>) -> io::Result<Worker> {
    let (jobs, inbox) = sync_channel::<Job>(QUEUE);
    let (outbox, verdicts) = channel();
    thread::Builder::new().name("passwords".into()).spawn(move || work(&inbox, &outbox, &waker))?;
    Ok(Worker { jobs, verdicts })
}

/// Ends when the loop has dropped its side.
fn work(jobs: &Receiver<Job>, verdicts: &Sender<(Key, bool)>, waker: &Waker) {
    for job in jobs {
        if job.wanted.strong_count() == 0 {
            continue;
        }
        // A hash that cannot be computed, for want of memory say, is no reason to lose the worker.
        let checked = catch_unwind(|| job.stored.verify(&job.secret.0));
        let right = checked.unwrap_or(false);
        if verdicts.send((job.owner, right)).is_err() || waker.wake().is_err() {
            return;
        }
    }
}
