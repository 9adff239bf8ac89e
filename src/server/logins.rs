//! Who may come in: accounts, anonymous access, and passwords, which are checked one at a time.
//!
//! The neighbourhoods of those who wait have their turns, and one with wrong passwords has its next
//! turn only after a delay. So nobody is kept out by the number of others, nor by their mistakes.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::fair_queue::FairQueue;
use super::host::Host;
use super::neighbourhood::Neighbourhood;
use super::password_worker::PasswordWorker;
use super::penalties::Penalties;
use crate::net::{Key, Waker};
use crate::proto::command::Secret;
use crate::users::{Access, Account, RequireTls, StoredPassword, is_anonymous};

#[cfg(test)]
mod tests;

/// Passwords that may wait of a neighbourhood that had wrong ones. Each waits for the delays of those
/// before it, and a session has not the time to wait for more.
const WAITING_AFTER_FAILURES: usize = 64;

/// Login that waits for its verdict: given up when this is dropped.
#[derive(Debug)]
pub(super) struct PendingLogin(#[expect(dead_code, reason = "it is held, not read")] Arc<()>);

/// What a user gets.
#[derive(Debug)]
pub(super) struct Grant {
    pub(super) access: Access,
    /// The user's own root; the server's if there is none.
    pub(super) root: Option<PathBuf>,
    /// What must be under TLS.
    pub(super) require_tls: RequireTls,
}

impl Grant {
    pub(super) fn of(account: &Account) -> Grant {
        let Account { access, require_tls, .. } = *account;
        Grant { access, root: account.root.clone(), require_tls }
    }
}

/// What is known at once of a login.
#[derive(Debug)]
pub(super) enum Admission {
    /// Come in: nothing has to be checked.
    Granted(Access),
    /// The password is to be checked; the verdict comes as an event.
    Waiting(PendingLogin),
    /// Too many wait, of a neighbourhood with wrong passwords.
    Busy,
}

/// Verdict on a password.
#[derive(Debug)]
pub(super) enum Judged {
    Right(Grant),
    /// To be answered after so long, when the next one may be checked.
    Wrong(Duration),
    /// There is no thread to check it.
    Unchecked,
}

/// Password that waits to be checked.
#[derive(Debug)]
struct Login {
    owner: Key,
    wanted: Weak<()>,
    /// What the account grants; `None` for a name that nobody has.
    grant: Option<Grant>,
    secret: Secret,
    stored: StoredPassword,
}

/// Login whose password is being checked.
#[derive(Debug)]
struct Checking {
    owner: Key,
    neighbourhood: Neighbourhood,
    grant: Option<Grant>,
}

/// Logins: those that wait, the one that is being checked, and what failed ones cost.
#[derive(Debug)]
pub(super) struct Logins {
    password_worker: PasswordWorker,
    waiting: FairQueue<Login>,
    checking: Option<Checking>,
    /// Verdicts that came without a check.
    settled: VecDeque<(Key, Judged)>,
    penalties: Penalties,
    /// Moment at which the next check may begin, while delays alone keep it from that.
    next_check: Option<Instant>,
}

impl Logins {
    pub(super) fn new(waker: Arc<Waker>) -> Logins {
        Logins {
            password_worker: PasswordWorker::new(waker),
            waiting: FairQueue::default(),
            checking: None,
            settled: VecDeque::new(),
            penalties: Penalties::default(),
            next_check: None,
        }
    }

    /// Somebody says to be `name`. An unknown name takes as long as a wrong password.
    pub(super) fn admit(
        &mut self,
        owner: Key,
        client: IpAddr,
        host: &Host,
        (name, secret): (&[u8], Secret),
        now: Instant,
    ) -> Admission {
        if is_anonymous(name)
            && let Some(access) = host.anonymous()
        {
            return Admission::Granted(access);
        }
        let neighbourhood = Neighbourhood::of(client);
        if !self.has_room(neighbourhood, now) {
            return Admission::Busy;
        }
        let account = host.account(name);
        // Who has no password, or no account, is kept waiting like everybody else.
        let stored = account.as_ref().and_then(|account| account.password.clone());
        let grant = account.filter(|_| stored.is_some()).map(|account| Grant::of(&account));
        let stored = stored.unwrap_or_else(|| host.decoy());
        let token = Arc::new(());
        let wanted = Arc::downgrade(&token);
        self.waiting.push(neighbourhood, Login { owner, wanted, grant, secret, stored });
        self.check_next(now);
        Admission::Waiting(PendingLogin(token))
    }

    /// Next verdict: whose, and what it is.
    pub(super) fn verdict(&mut self, now: Instant) -> Option<(Key, Judged)> {
        if let Some(settled) = self.settled.pop_front() {
            return Some(settled);
        }
        let is_right = self.password_worker.verdict()?;
        let Checking { owner, neighbourhood, grant } = self.checking.take()?;
        // It counts as well if the session did not wait for it.
        self.penalties.note(neighbourhood, is_right && grant.is_some(), now);
        self.check_next(now);
        let judged = match grant.filter(|_| is_right) {
            Some(grant) => Judged::Right(grant),
            None => Judged::Wrong(self.penalties.delay(neighbourhood, now)),
        };
        Some((owner, judged))
    }

    /// Whether a verdict waits for which no event comes.
    pub(super) fn has_settled(&self) -> bool {
        !self.settled.is_empty()
    }

    /// Moment at which a check may begin.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.next_check
    }

    /// Begins a check whose delay is over.
    pub(super) fn expire(&mut self, now: Instant) {
        if self.next_check.is_some_and(|next| next <= now) {
            self.check_next(now);
        }
    }

    /// Whether one more password of this neighbourhood may wait.
    fn has_room(&mut self, neighbourhood: Neighbourhood, now: Instant) -> bool {
        let is_full =
            |waiting: &FairQueue<_>| waiting.len_of(neighbourhood) >= WAITING_AFTER_FAILURES;
        if is_full(&self.waiting) {
            self.waiting.retain(neighbourhood, |login: &Login| login.wanted.strong_count() > 0);
        }
        !is_full(&self.waiting) || !self.penalties.has_failed(neighbourhood, now)
    }

    /// Begins the next check, if none is under way and one may be.
    fn check_next(&mut self, now: Instant) {
        self.next_check = None;
        while self.checking.is_none() {
            let may = |neighbourhood| self.penalties.until(neighbourhood, now).is_none();
            let Some((neighbourhood, login)) = self.waiting.pop_where(may) else {
                let delays = self.waiting.neighbourhoods();
                self.next_check = delays.filter_map(|one| self.penalties.until(one, now)).min();
                return self.password_worker.rest();
            };
            if login.wanted.strong_count() > 0 {
                self.check(neighbourhood, login);
            }
        }
    }

    fn check(&mut self, neighbourhood: Neighbourhood, login: Login) {
        let Login { owner, grant, secret, stored, .. } = login;
        let more = !self.waiting.is_empty();
        match self.password_worker.check((owner, neighbourhood), secret, stored, more) {
            true => self.checking = Some(Checking { owner, neighbourhood, grant }),
            false => self.settled.push_back((owner, Judged::Unchecked)),
        }
    }
}
