//! User lookup: the users file is looked at for each login, on a thread of its own, since its disk
//! may hang. Until it answers again, users are as they were read last.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::events;
use super::worker_pool::{Ticket, WorkerPool};
use crate::config::{Seen, Users};
use crate::net::Waker;
use crate::users::{Account, StoredPassword};

/// Time that lookups wait for the users file.
const PATIENCE: Duration = Duration::from_secs(1);

/// Lookups that wait for a look at the users file, and the users.
#[derive(Debug)]
pub(super) struct UserLookup<T> {
    users: Users,
    pool: WorkerPool<Option<Seen>>,
    look: Option<Look>,
    /// Lookups that wait for the look that is under way.
    current: Vec<T>,
    /// Lookups that came after it had begun, and wait for the next one.
    next: Vec<(Ticket, T)>,
    /// True if the log has been told that the file is not to be had.
    told: bool,
}

#[derive(Debug)]
struct Look {
    since: Instant,
    /// True if there are other users since: what it finds is of no use.
    outdated: bool,
    /// Keeps the look from being given up.
    _token: Arc<()>,
}

impl Look {
    fn is_late(&self, now: Instant) -> bool {
        self.since + PATIENCE <= now
    }
}

impl<T> UserLookup<T> {
    pub(super) fn new(users: Users, waker: Arc<Waker>) -> UserLookup<T> {
        let pool = WorkerPool::new("users file", 1, waker);
        UserLookup { users, pool, look: None, current: Vec::new(), next: Vec::new(), told: false }
    }

    /// Has these users from now on.
    pub(super) fn use_users(&mut self, users: Users) {
        self.users = users;
        if let Some(look) = &mut self.look {
            look.outdated = true;
        }
    }

    /// Has the file looked at; gives back the lookup if there is no use in waiting for that.
    pub(super) fn ask(&mut self, ticket: Ticket, lookup: T, now: Instant) -> Option<T> {
        match &self.look {
            Some(look) if look.is_late(now) => return Some(lookup),
            Some(_) => self.next.push((ticket, lookup)),
            None => match self.begin(ticket, now) {
                true => self.current.push(lookup),
                false => return Some(lookup),
            },
        }
        None
    }

    /// Lookups that have waited for a look that is done, or for long enough.
    pub(super) fn collect(&mut self, now: Instant) -> Vec<T> {
        let mut ready = Vec::new();
        while let Some(done) = self.pool.done() {
            let outdated = self.look.as_ref().is_some_and(|look| look.outdated);
            let seen = done.outcome.flatten().filter(|_| !outdated);
            if let Some(news) = seen.and_then(|seen| self.users.adopt(seen)) {
                events::record_users(&news, &self.users);
            }
            (self.look, self.told) = (None, false);
            ready.append(&mut self.current);
            self.begin_next(&mut ready, now);
        }
        if self.look.as_ref().is_some_and(|look| look.is_late(now)) {
            ready.append(&mut self.current);
            ready.extend(self.next.drain(..).map(|(_, lookup)| lookup));
            if !std::mem::replace(&mut self.told, true) {
                log::error!(
                    "the users file cannot be read at the moment: its disk hangs; until it \
                             answers the users stay as they were"
                );
            }
        }
        ready
    }

    /// Moment at which the lookups that wait have waited long enough.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let look = self.look.as_ref()?;
        let waits = !self.current.is_empty() || !self.next.is_empty();
        waits.then_some(look.since + PATIENCE)
    }

    /// User of this name, as last read.
    pub(super) fn find(&self, name: &[u8]) -> Option<&Account> {
        self.users.find(name)
    }

    /// Nobody's password, as costly to check as the costliest of all users.
    pub(super) fn decoy(&self) -> &StoredPassword {
        self.users.decoy()
    }

    fn begin_next(&mut self, ready: &mut Vec<T>, now: Instant) {
        let mut next = std::mem::take(&mut self.next);
        let Some(ticket) = next.first().map(|(ticket, _)| ticket.clone()) else { return };
        let lookups = next.drain(..).map(|(_, lookup)| lookup);
        match self.begin(ticket, now) {
            true => self.current.extend(lookups),
            false => ready.extend(lookups),
        }
    }

    /// Begins a look; false if there is no file, or no thread for it.
    fn begin(&mut self, ticket: Ticket, now: Instant) -> bool {
        let Some(look) = self.users.look() else { return false };
        let token = self.pool.submit(ticket, move || look.take());
        self.look = token.map(|token| Look { since: now, outdated: false, _token: token });
        self.look.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, edit_users_file};
    use crate::net::{Poller, Role};
    use crate::server::neighbourhood::Neighbourhood;
    use crate::server::worker_pool::Lane;
    use crate::users::edit;
    use std::path::PathBuf;
    use std::sync::mpsc::{Sender, channel};

    /// Lookups in a users file with alice, at first.
    struct Fixture {
        lookup: UserLookup<char>,
        ticket: Ticket,
        path: PathBuf,
        _folder: tempfile::TempDir,
    }

    impl Fixture {
        fn new() -> Fixture {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("users.toml");
            add(&path, "alice");
            let mut config = Config::new(folder.path());
            config.users = Some(path.clone());
            let mut poller = Poller::new().unwrap();
            let waker = Arc::new(poller.waker().unwrap());
            let neighbourhood = Neighbourhood::of([192, 0, 2, 1].into());
            let owner = poller.key(0, Role::Control);
            let ticket = Ticket { owner, neighbourhood, lane: Lane::Only };
            let lookup = UserLookup::new(Users::open(&config).unwrap(), waker);
            Fixture { lookup, ticket, path, _folder: folder }
        }

        fn ask(&mut self, lookup: char, now: Instant) -> Option<char> {
            self.lookup.ask(self.ticket.clone(), lookup, now)
        }

        /// Keeps the thread busy, as a disk that hangs would, until this is dropped.
        fn hang(&mut self) -> (Sender<()>, Option<Arc<()>>) {
            let (go, gate) = channel::<()>();
            let work = move || {
                let _ = gate.recv();
                None
            };
            (go, self.lookup.pool.submit(self.ticket.clone(), work))
        }

        /// Lookups that become ready, the next ones.
        fn ready(&mut self, now: Instant) -> Vec<char> {
            let deadline = Instant::now() + Duration::from_secs(20);
            loop {
                let ready = self.lookup.collect(now);
                if !ready.is_empty() {
                    return ready;
                }
                assert!(Instant::now() < deadline, "no lookup is ready");
                std::thread::yield_now();
            }
        }

        fn knows(&self, name: &str) -> bool {
            self.lookup.find(name.as_bytes()).is_some()
        }
    }

    fn add(path: &std::path::Path, name: &str) {
        let account = Account::new(name, StoredPassword::decoy());
        edit_users_file(path, |text| edit::add(text, &account)).unwrap();
    }

    #[test]
    fn a_lookup_sees_what_was_changed_before_it() {
        let (mut fixture, now) = (Fixture::new(), Instant::now());
        add(&fixture.path, "bob");
        assert_eq!(fixture.ask('a', now), None);
        assert!(!fixture.knows("bob"));
        assert_eq!(fixture.ready(now), ['a']);
        assert!(fixture.knows("alice") && fixture.knows("bob"));
        assert_eq!(fixture.lookup.deadline(), None);
    }

    /// A look that had begun before the change says nothing of it.
    #[test]
    fn a_lookup_that_comes_during_a_look_waits_for_the_next() {
        let (mut fixture, now) = (Fixture::new(), Instant::now());
        assert_eq!(fixture.ask('a', now), None);
        add(&fixture.path, "bob");
        assert_eq!([fixture.ask('b', now), fixture.ask('c', now)], [None, None]);
        assert_eq!(fixture.lookup.next.len(), 2);
        let mut ready = Vec::new();
        while ready.len() < 3 {
            ready.extend(fixture.ready(now));
        }
        assert_eq!(ready, ['a', 'b', 'c']);
        assert!(fixture.knows("bob"));
    }

    /// A users file on a disk that hung stopped everybody, anonymous users and transfers too.
    #[test]
    fn a_disk_that_hangs_is_waited_for_once_and_users_stay_as_they_were() {
        let (mut fixture, now) = (Fixture::new(), Instant::now());
        add(&fixture.path, "bob");
        let (go, _token) = fixture.hang();
        assert_eq!([fixture.ask('a', now), fixture.ask('b', now)], [None, None]);
        let late = now + PATIENCE;
        assert_eq!(fixture.lookup.deadline(), Some(late));
        assert!(fixture.lookup.collect(late - Duration::from_nanos(1)).is_empty());
        assert_eq!(fixture.ready(late), ['a', 'b']);
        assert_eq!(fixture.ask('c', late), Some('c'), "nobody waits for it again");
        assert!(fixture.knows("alice") && !fixture.knows("bob"));
        drop(go);
        let patience = Duration::from_secs(20);
        assert!(fixture.lookup.pool.wait(patience).is_some(), "the job that hung is done");
        let deadline = Instant::now() + patience;
        while !fixture.knows("bob") {
            assert!(fixture.lookup.collect(late).is_empty());
            assert!(Instant::now() < deadline, "it answers again");
        }
        assert_eq!(fixture.ask('d', late), None);
        assert_eq!(fixture.ready(late), ['d']);
    }
}
