use super::*;
use crate::config::{Config, Users};
use crate::net::{Poller, Role};

const PATIENCE: Duration = Duration::from_secs(20);
/// Shortest of delays.
const DELAY: Duration = Duration::from_millis(250);

/// Logins of a server with one user, whose hash is as cheap as argon2 goes.
struct Door {
    logins: Logins,
    poller: Poller,
}

impl Door {
    fn new() -> Door {
        use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version};
        let cheap = Params::new(Params::MIN_M_COST, 1, 1, None).unwrap();
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, cheap);
        let hash = argon2.hash_password(b"secret").unwrap().to_string();
        let mut config = Config::new("/srv");
        config.accounts = vec![Account::new("alice", StoredPassword::parse(&hash).unwrap())];
        let mut poller = Poller::new().unwrap();
        let waker = Arc::new(poller.waker().unwrap());
        let users = Users::open(&config).unwrap();
        Door { logins: Logins::new(users, waker), poller }
    }

    /// Login of a new session from 192.0.2.`from`.
    fn login(&mut self, from: u8, secret: &str, now: Instant) -> (Key, PendingLogin) {
        let owner = self.poller.key(0, Role::Control);
        let secret = Secret(secret.as_bytes().to_vec());
        let from = (owner, [192, 0, 2, from].into());
        (owner, self.logins.verify(from, b"alice".to_vec(), secret, now))
    }

    /// Next verdict, which must be on its way.
    fn verdict(&mut self, now: Instant) -> (Key, bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.logins.verdict(now) {
                Some((owner, Judged::Right(_))) => return (owner, true),
                Some((owner, Judged::Wrong(_))) => return (owner, false),
                Some((_, Judged::TooMany | Judged::Found(_))) => panic!("it has room"),
                None => assert!(Instant::now() < deadline, "no verdict comes"),
            }
            std::thread::yield_now();
        }
    }

    fn is_quiet(&self) -> bool {
        self.logins.checking.is_none()
    }
}

/// The delay was put on the answer to a wrong password; a right one was answered at once, and told
/// whoever tried them all.
#[test]
fn a_right_password_after_a_wrong_one_is_as_late_as_another_wrong_one() {
    for secret in ["secret", "wrong"] {
        let (mut door, now) = (Door::new(), Instant::now());
        let _wrong = door.login(1, "wrong", now);
        assert!(!door.verdict(now).1);
        assert_eq!(door.logins.deadline(), None, "nobody waits");
        let (owner, _waiting) = door.login(1, secret, now);
        assert_eq!(door.logins.deadline(), Some(now + DELAY));
        door.logins.go_on(now + DELAY - Duration::from_nanos(1));
        assert!(door.is_quiet());
        door.logins.go_on(now + DELAY);
        assert_eq!(door.verdict(now + DELAY), (owner, secret == "secret"));
    }
}

/// The verdict of a session that was gone was not counted: to hang up and try the next cost nothing.
#[test]
fn who_hangs_up_during_the_check_pays_all_the_same() {
    let (mut door, now) = (Door::new(), Instant::now());
    drop(door.login(1, "wrong", now));
    assert!(!door.verdict(now).1);
    let _waiting = door.login(1, "secret", now);
    assert_eq!(door.logins.deadline(), Some(now + DELAY));
}

/// Sessions side by side each had their own delay.
#[test]
fn sessions_of_one_neighbourhood_wait_for_each_other() {
    let (mut door, mut now) = (Door::new(), Instant::now());
    let waiting: Vec<_> = (0..4).map(|_| door.login(1, "wrong", now)).collect();
    let mut delay = DELAY;
    for (owner, _) in &waiting {
        assert_eq!(door.verdict(now), (*owner, false));
        if owner != &waiting[3].0 {
            assert_eq!(door.logins.deadline(), Some(now + delay));
            now += delay;
            door.logins.go_on(now);
            delay *= 2;
        }
    }
}

/// Ten addresses with wrong passwords kept everybody out.
#[test]
fn a_newcomer_waits_behind_one_of_each_other_neighbourhood_at_most() {
    let (mut door, now) = (Door::new(), Instant::now());
    let _flood: Vec<_> =
        (0..40).flat_map(|_| [1, 2, 3]).map(|from| door.login(from, "wrong", now)).collect();
    let (owner, _waiting) = door.login(4, "secret", now);
    for _ in 0..3 {
        assert!(!door.verdict(now).1);
    }
    assert_eq!(door.verdict(now), (owner, true));
}

#[test]
fn only_those_of_a_neighbourhood_with_failures_are_ever_too_many() {
    let (mut door, now) = (Door::new(), Instant::now());
    let honest: Vec<_> = (0..1000).map(|_| door.login(1, "secret", now)).collect();
    drop(honest);
    let _wrong = door.login(2, "wrong", now);
    while door.verdict(now).1 {}
    // At a delay of 250 ms.
    let mut waiting: Vec<_> = (0..240).map(|_| door.login(2, "wrong", now)).collect();
    let _other = door.login(3, "secret", now);
    assert!(!door.logins.has_settled());
    waiting.pop();
    waiting.push(door.login(2, "wrong", now));
    assert!(!door.logins.has_settled(), "one has left");
    let (one_too_many, _token) = door.login(2, "wrong", now);
    let settled = door.logins.settled.pop_front();
    assert!(matches!(settled, Some((owner, Judged::TooMany)) if owner == one_too_many));
    door.verdict(now);
    door.logins.go_on(now + DELAY);
    let (first, right) = door.verdict(now + DELAY);
    assert!(first == waiting[0].0 && !right);
    let late: Vec<_> = door.logins.settled.iter().map(|(owner, _)| *owner).collect();
    let expected: Vec<_> = waiting[121..].iter().rev().map(|(owner, _)| *owner).collect();
    assert_eq!(late, expected, "half as many after the second, and the latest leave");
}
