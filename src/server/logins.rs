//! Who may come in: accounts, anonymous access, and patience with wrong passwords.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::events;
use super::password_worker::PasswordWorker;
use crate::config::{Anonymous, UsersFile};
use crate::net::{Key, Waker};
use crate::proto::command::Secret;
use crate::users::{Access, Account, RequireTls, StoredPassword, is_anonymous};

/// The delay after an address's first wrong password; each further one doubles it.
const FIRST_DELAY: Duration = Duration::from_millis(250);
/// What the delay grows to.
const LONGEST_DELAY: Duration = Duration::from_secs(8);
/// After how long an address that made no further mistake is forgiven.
const FORGIVEN: Duration = Duration::from_secs(600);
/// Addresses that are remembered; beyond, all are forgiven that can be.
const REMEMBERED: usize = 10_000;

/// Passwords of one address that may wait to be checked: one that floods us leaves room for others.
const CHECKED_EACH: usize = 64;

/// What a login that is being checked would give.
#[derive(Debug)]
pub(super) struct PendingLogin {
    /// What the account grants; `None` for a name that nobody has.
    pub(super) grant: Option<Grant>,
    /// The worker checks the password only as long as this lives.
    _wanted: Arc<()>,
    /// One of those that its address may have.
    _place: Rc<()>,
}

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
    fn of(account: &Account) -> Grant {
        let Account { access, require_tls, .. } = *account;
        Grant { access, root: account.root.clone(), require_tls }
    }
}

/// What is known at once of a login.
#[derive(Debug)]
pub(super) enum Admission {
    /// Come in: nothing has to be checked.
    Granted(Access),
    /// The password is being checked; the verdict comes as an event.
    Checking(PendingLogin),
    /// Too many are being checked.
    Busy,
}

/// Logins: accounts, anonymous access, and what failed passwords cost.
#[derive(Debug)]
pub(super) struct Logins {
    anonymous: Anonymous,
    users: Option<UsersFile>,
    password_worker: PasswordWorker,
    /// Addresses whose passwords are being checked: as many as there are claims on each.
    checking: HashMap<IpAddr, Weak<()>>,
    /// Wrong passwords of each address, and when the last one was.
    failures: HashMap<IpAddr, (u32, Instant)>,
}

impl Logins {
    pub(super) fn new(anonymous: Anonymous, users: Option<UsersFile>, waker: Arc<Waker>) -> Logins {
        let (checking, failures) = (HashMap::new(), HashMap::new());
        Logins { anonymous, users, password_worker: PasswordWorker::new(waker), checking, failures }
    }

    /// Somebody says to be `name`. An unknown name takes as long as a wrong password.
    pub(super) fn admit(
        &mut self,
        owner: Key,
        client: IpAddr,
        name: &[u8],
        secret: Secret,
    ) -> Admission {
        if is_anonymous(name) {
            let access = match self.anonymous {
                Anonymous::Off => None,
                Anonymous::Read => Some(Access::Read),
                Anonymous::Write => Some(Access::Write),
            };
            if let Some(access) = access {
                return Admission::Granted(access);
            }
        }
        let Some(place) = self.place(client) else { return Admission::Busy };
        let account = self.account(name);
        // Who has no password, or no account, is kept waiting like everybody else.
        let stored = account.and_then(|account| account.password.clone());
        let grant = account.filter(|_| stored.is_some()).map(Grant::of);
        let stored = stored.unwrap_or_else(StoredPassword::decoy);
        match self.password_worker.check(owner, secret, stored) {
            Some(wanted) => {
                Admission::Checking(PendingLogin { grant, _wanted: wanted, _place: place })
            }
            None => Admission::Busy,
        }
    }

    /// What the user of this name gets who shows a certificate, if it is the account's.
    pub(super) fn recognise(
        &mut self,
        name: &[u8],
        certified_as: impl Fn(&str) -> bool,
    ) -> Option<Grant> {
        let account = self.account(name)?;
        account.certificate.as_deref().is_some_and(certified_as).then(|| Grant::of(account))
    }

    fn account(&mut self, name: &[u8]) -> Option<&Account> {
        let users = self.users.as_mut()?;
        if let Some(news) = users.refresh() {
            events::record_users(&news);
        }
        users.accounts().find(name)
    }

    /// A place among the passwords of this address that are being checked, if there is one left.
    fn place(&mut self, client: IpAddr) -> Option<Rc<()>> {
        self.checking.retain(|_, place| place.strong_count() > 0);
        let place = self.checking.get(&client).and_then(Weak::upgrade).unwrap_or_default();
        self.checking.insert(client, Rc::downgrade(&place));
        (Rc::strong_count(&place) <= CHECKED_EACH).then_some(place)
    }

    /// A verdict of the worker: whose, and whether the password was right.
    pub(super) fn verdict(&mut self) -> Option<(Key, bool)> {
        self.password_worker.verdict()
    }

    /// Counts a wrong password; the answer to it waits for so long.
    pub(super) fn failed(&mut self, client: IpAddr, now: Instant) -> Duration {
        if self.failures.len() >= REMEMBERED {
            self.failures.retain(|_, (_, last)| now < *last + FORGIVEN);
        }
        let (count, last) = match self.failures.get(&client) {
            Some(&(count, last)) if now < last + FORGIVEN => (count, last),
            _ => (0, now),
        };
        if self.failures.len() < REMEMBERED || self.failures.contains_key(&client) {
            self.failures.insert(client, (count.saturating_add(1), now.max(last)));
        }
        FIRST_DELAY.saturating_mul(1 << count.min(16)).min(LONGEST_DELAY)
    }
}
