//! Logins by name: accounts, and passwords, which are checked one at a time.
//!
//! The neighbourhoods of those who wait have their turns, and one with wrong passwords has its next
//! turn only after a delay. So nobody is kept out by the number of others, nor by their mistakes.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::fair_queue::FairQueue;
use super::neighbourhood::Neighbourhood;
use super::password_worker::PasswordWorker;
use super::penalties::Penalties;
use super::user_lookup::UserLookup;
use super::worker_pool::{Lane, Ticket};
use crate::config::Users;
use crate::net::{Key, Waker};
use crate::proto::command::Secret;
use crate::proto::path::VPath;
use crate::session::Permissions;
use crate::users::{Access, Account, RequireTls, StoredPassword};

#[cfg(test)]
mod tests;

/// Longest wait for the turn of a password: clients wait no longer for an answer.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Login that waits for its verdict, given up when this is dropped.
#[derive(Debug)]
pub(super) struct PendingLogin(#[expect(dead_code, reason = "it is held, not read")] Arc<()>);

/// Rights and root that a user gets.
#[derive(Debug)]
pub(super) struct Grant {
    pub(super) permissions: Permissions,
    /// The user's own root; the server's if there is none.
    pub(super) root: Option<PathBuf>,
    /// Connections that must be under TLS.
    pub(super) require_tls: RequireTls,
}

impl Grant {
    pub(super) fn of(account: &Account) -> Grant {
        let permissions = permissions(account.access, &account.access_in);
        Grant { permissions, root: account.root.clone(), require_tls: account.require_tls }
    }
}

/// Permissions by the text of a users file or a flag.
pub(super) fn permissions(access: Access, access_in: &[(String, Access)]) -> Permissions {
    let folder =
        |(folder, access): &(String, Access)| (VPath::root().join(folder.as_bytes()), *access);
    Permissions::new(access, access_in.iter().map(folder))
}

/// Verdict on a password, or the account for a certificate.
#[derive(Debug)]
pub(super) enum Judged {
    Right(Grant),
    /// To be answered after so long, when the next one may be checked.
    Wrong(Duration),
    /// Not to be had in time: too many wait of a neighbourhood with wrong ones, or no thread is there.
    TooMany,
    /// Account of the name, if there is one: whose certificate it is has yet to be seen.
    Found(Option<Box<Account>>),
}

/// Login that waits for a look at the users file.
#[derive(Debug)]
struct Lookup {
    ticket: Ticket,
    wanted: Weak<()>,
    name: Vec<u8>,
    /// Password to be checked; `None` for a certificate.
    secret: Option<Secret>,
}

/// Password that waits to be checked.
#[derive(Debug)]
struct Login {
    ticket: Ticket,
    wanted: Weak<()>,
    name: Vec<u8>,
    /// Grant of the account; `None` for a name that nobody has.
    grant: Option<Grant>,
    secret: Secret,
    stored: StoredPassword,
}

/// Login whose password is being checked.
#[derive(Debug)]
struct Checking {
    ticket: Ticket,
    name: Vec<u8>,
    grant: Option<Grant>,
}

/// Logins: those that wait for a look at the users file or for their turn, the one that is being
/// checked, and what failed ones cost.
#[derive(Debug)]
pub(super) struct Logins {
    lookups: UserLookup<Lookup>,
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
    pub(super) fn new(users: Users, waker: Arc<Waker>) -> Logins {
        Logins {
            lookups: UserLookup::new(users, Arc::clone(&waker)),
            password_worker: PasswordWorker::new(waker),
            waiting: FairQueue::default(),
            checking: None,
            settled: VecDeque::new(),
            penalties: Penalties::default(),
            next_check: None,
        }
    }

    /// Somebody says to be `name`, and has a password. An unknown name takes as long as a wrong one.
    pub(super) fn verify(
        &mut self,
        (owner, client): (Key, IpAddr),
        name: Vec<u8>,
        secret: Secret,
        now: Instant,
    ) -> PendingLogin {
        self.look_up((owner, client), name, Some(secret), now)
    }

    /// Somebody says to be `name`, and has shown a certificate.
    pub(super) fn recognise(
        &mut self,
        (owner, client): (Key, IpAddr),
        name: Vec<u8>,
        now: Instant,
    ) -> PendingLogin {
        self.look_up((owner, client), name, None, now)
    }

    fn look_up(
        &mut self,
        (owner, client): (Key, IpAddr),
        name: Vec<u8>,
        secret: Option<Secret>,
        now: Instant,
    ) -> PendingLogin {
        let (token, neighbourhood) = (Arc::new(()), Neighbourhood::of(client));
        let ticket = Ticket { owner, neighbourhood, lane: Lane::Only };
        let lookup =
            Lookup { ticket: ticket.clone(), wanted: Arc::downgrade(&token), name, secret };
        if let Some(lookup) = self.lookups.ask(ticket, lookup, now) {
            self.found(lookup, now);
        }
        PendingLogin(token)
    }

    /// The users file has been looked at: the password waits for its turn, a certificate does not.
    fn found(&mut self, lookup: Lookup, now: Instant) {
        let Lookup { ticket, wanted, name, secret } = lookup;
        let account = self.lookups.find(&name).cloned();
        let Some(secret) = secret else {
            return self.settled.push_back((ticket.owner, Judged::Found(account.map(Box::new))));
        };
        // A name without password or account is kept waiting like every other.
        let stored = account.as_ref().and_then(|account| account.password.clone());
        let grant = account.filter(|_| stored.is_some()).map(|account| Grant::of(&account));
        let stored = stored.unwrap_or_else(|| self.lookups.decoy().clone());
        let neighbourhood = ticket.neighbourhood;
        self.waiting.push(neighbourhood, Login { ticket, wanted, name, grant, secret, stored });
        self.check_next(now);
        self.turn_away_late(neighbourhood, now);
    }

    /// Has these users from now on.
    pub(super) fn use_users(&mut self, users: Users) {
        self.lookups.use_users(users);
    }

    /// True if there is a user of this name, as last read.
    pub(super) fn knows(&self, name: &[u8]) -> bool {
        self.lookups.find(name).is_some()
    }

    /// Next verdict: whose, and what it is.
    pub(super) fn verdict(&mut self, now: Instant) -> Option<(Key, Judged)> {
        if let Some(settled) = self.settled.pop_front() {
            return Some(settled);
        }
        let is_right = self.password_worker.verdict()?;
        let Checking { ticket: Ticket { owner, neighbourhood, .. }, name, grant } =
            self.checking.take()?;
        // The user may have been removed meanwhile.
        let grant = grant.filter(|_| self.knows(&name));
        // A verdict counts as well if the session did not wait for it.
        self.penalties.note(neighbourhood, is_right && grant.is_some(), now);
        self.check_next(now);
        self.turn_away_late(neighbourhood, now);
        let judged = match grant.filter(|_| is_right) {
            Some(grant) => Judged::Right(grant),
            None => Judged::Wrong(self.penalties.delay(neighbourhood, now)),
        };
        Some((owner, judged))
    }

    /// True if a verdict waits for which no event comes.
    pub(super) fn has_settled(&self) -> bool {
        !self.settled.is_empty()
    }

    /// Moment at which a check may begin, or no look at the users file is waited for any longer.
    pub(super) fn deadline(&self) -> Option<Instant> {
        [self.next_check, self.lookups.deadline()].into_iter().flatten().min()
    }

    /// Goes on with logins whose users have been looked up, and begins a check whose delay is over.
    pub(super) fn go_on(&mut self, now: Instant) {
        for lookup in self.lookups.collect(now) {
            self.found(lookup, now);
        }
        if self.next_check.is_some_and(|next| next <= now) {
            self.check_next(now);
        }
    }

    /// Turns away those of a neighbourhood whose turn would come too late, the latest first: each
    /// waits for the delays of all before it.
    fn turn_away_late(&mut self, neighbourhood: Neighbourhood, now: Instant) {
        let delay = self.penalties.delay(neighbourhood, now).as_millis();
        let Some(room) = LONGEST_WAIT.as_millis().checked_div(delay) else { return };
        let is_full = |waiting: &FairQueue<_>| waiting.len_of(neighbourhood) as u128 > room;
        if is_full(&self.waiting) {
            self.waiting.retain(neighbourhood, |login: &Login| login.wanted.strong_count() > 0);
        }
        while is_full(&self.waiting)
            && let Some(login) = self.waiting.pop_last_of(neighbourhood)
        {
            self.settled.push_back((login.ticket.owner, Judged::TooMany));
        }
    }

    /// Begins the next check, if none is under way and one may be.
    fn check_next(&mut self, now: Instant) {
        self.next_check = None;
        while self.checking.is_none() {
            let may = |neighbourhood| self.penalties.until(neighbourhood, now).is_none();
            let Some((_, login)) = self.waiting.pop_where(may) else {
                let delays = self.waiting.neighbourhoods();
                self.next_check = delays.filter_map(|one| self.penalties.until(one, now)).min();
                return self.password_worker.rest();
            };
            if login.wanted.strong_count() > 0 {
                self.check(login);
            }
        }
    }

    fn check(&mut self, login: Login) {
        let Login { ticket, name, grant, secret, stored, .. } = login;
        let more = !self.waiting.is_empty();
        match self.password_worker.check(ticket.clone(), secret, stored, more) {
            true => self.checking = Some(Checking { ticket, name, grant }),
            false => self.settled.push_back((ticket.owner, Judged::TooMany)),
        }
    }
}
