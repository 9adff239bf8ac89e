//! Logging in: USER, PASS, QUIT. Names are never told apart before the password is checked.

use super::parameters::Parameters;
use super::permissions::Permissions;
use super::waiting::Waiting;
use super::{Effect, Event, LoginRefusal, Notice, Session, TransferEnd, Verdict};
use crate::proto::command::{Misuse, Secret};
use crate::proto::foreign::Foreign;
use crate::proto::reply::Reply;
use std::rc::Rc;
use std::time::Instant;

/// Wrong passwords that a session may send; the last one closes it.
const ATTEMPTS: u8 = 3;

/// Unknown commands before login, the last of which closes the session: whoever sends so many does
/// not know that this is FTP, and what comes behind them is not to be obeyed.
const UNKNOWN_COMMANDS: u8 = 10;

/// Login of a session, and the wrong passwords before it.
#[derive(Debug, Default)]
pub(super) struct Login {
    user: User,
    /// Somebody has logged in, then or now.
    known: bool,
    failures: u8,
    /// Unknown commands before login.
    unknown: u8,
}

/// User of a session, by name.
#[derive(Debug, Default)]
enum User {
    #[default]
    Nobody,
    /// USER said the name, and PASS has not yet confirmed it.
    Named(Box<[u8]>),
    /// Logged in.
    Granted(Box<Granted>),
}

/// User who is logged in.
#[derive(Debug)]
struct Granted {
    name: Rc<[u8]>,
    permissions: Permissions,
}

impl Login {
    /// Permissions of the user, once logged in.
    pub(super) fn permissions(&self) -> Option<&Permissions> {
        match &self.user {
            User::Granted(granted) => Some(&granted.permissions),
            User::Nobody | User::Named(_) => None,
        }
    }

    /// True if a user is logged in.
    pub(super) fn is_granted(&self) -> bool {
        self.permissions().is_some()
    }

    /// Name of the user who is logged in.
    pub(super) fn user(&self) -> Option<Rc<[u8]>> {
        match &self.user {
            User::Granted(granted) => Some(Rc::clone(&granted.name)),
            User::Nobody | User::Named(_) => None,
        }
    }

    /// True if anybody has logged in so far.
    pub(super) fn is_known(&self) -> bool {
        self.known
    }
}

impl Session {
    /// USER begins anew, whoever was logged in before (RFC 959, 4.1.1).
    pub(super) fn user(&mut self, name: Vec<u8>, now: Instant) {
        self.forget_user(now);
        if !self.may_name() {
            self.refuse_login(name, LoginRefusal::TlsRequired);
            return self.reply(Reply::TlsRequired);
        }
        if self.is_certified() {
            self.waiting = Some(Waiting::Recognition { name: name.clone() });
            return self.effects.push_back(Effect::Recognise { name });
        }
        self.named(name);
    }

    fn named(&mut self, name: Vec<u8>) {
        self.login.user = User::Named(name.into());
        self.reply(Reply::SendPassword);
    }

    pub(super) fn pass(&mut self, secret: Secret) {
        let name = match std::mem::take(&mut self.login.user) {
            User::Named(name) => name.into_vec(),
            user @ (User::Nobody | User::Granted(..)) => {
                self.login.user = user;
                return self.reply(Reply::UserFirst);
            }
        };
        self.waiting = Some(Waiting::Verdict { name: name.clone() });
        self.effects.push_back(Effect::Verify { name, secret });
    }

    pub(super) fn judged(
        &mut self,
        name: Vec<u8>,
        verdict: Verdict,
        welcome: Reply<'static>,
        now: Instant,
    ) {
        match verdict {
            Verdict::Granted(_, required) if !self.satisfies(required) => {
                self.refuse_login(name, LoginRefusal::TlsRequired);
                self.reply(Reply::TlsRequired);
            }
            Verdict::Granted(permissions, _) => {
                let (name, access): (Rc<[u8]>, _) = (name.into(), permissions.anywhere());
                self.events.push_back(Event::LoggedIn { user: Rc::clone(&name), access });
                self.login.user = User::Granted(Box::new(Granted { name, permissions }));
                self.login.known = true;
                self.login.unknown = 0;
                self.reply(welcome);
            }
            Verdict::Unrecognised => self.named(name),
            Verdict::Denied(delay) => {
                self.refuse_login(name, LoginRefusal::WrongPassword);
                self.waiting = Some(Waiting::Penalty { until: now + delay });
            }
            Verdict::Busy => {
                self.refuse_login(name, LoginRefusal::Busy);
                self.reply(Reply::LoginBusy);
                self.hang_up(now);
            }
        }
    }

    /// A command came that nobody knows.
    pub(super) fn unrecognised(&mut self, misuse: Misuse, now: Instant) {
        if !self.login.is_granted() {
            self.login.unknown += 1;
        }
        if self.login.unknown < UNKNOWN_COMMANDS {
            return self.reply(Reply::Misuse(misuse));
        }
        self.notice(Notice::ManyUnknown);
        self.reply(Reply::TooManyUnknown);
        self.hang_up(now);
    }

    /// Ends a session that nobody has logged in to, since it speaks another protocol.
    pub(super) fn turn_away(&mut self, foreign: Foreign, now: Instant) {
        self.notice(Notice::Foreign(foreign));
        self.reply(Reply::NotFtp);
        self.hang_up(now);
    }

    fn refuse_login(&mut self, user: Vec<u8>, cause: LoginRefusal) {
        self.events.push_back(Event::LoginRefused { user, cause });
    }

    /// The delay after a wrong password is over.
    pub(super) fn deny(&mut self, now: Instant) {
        self.waiting = None;
        self.login.failures += 1;
        if self.login.failures < ATTEMPTS {
            self.reply(Reply::LoginFailed);
        } else {
            self.reply(Reply::TooManyFailures);
            self.hang_up(now);
        }
    }

    /// HOST (RFC 7151): there is one host here, by the name of the machine or by its address.
    pub(super) fn host(&mut self, name: &[u8]) {
        if !matches!(self.login.user, User::Nobody) {
            return self.reply(Reply::HostTooLate);
        }
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        let address = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let is_address = address.unwrap_or(&name).parse() == Ok(self.local);
        let is_local = self.local.is_loopback() && name == "localhost";
        match is_address || is_local || name == self.settings.host_name.to_ascii_lowercase() {
            true => self.reply(Reply::HostAccepted),
            false => self.reply(Reply::HostUnknown),
        }
    }

    pub(super) fn quit(&mut self, now: Instant) {
        self.reply(Reply::Goodbye);
        self.hang_up(now);
    }

    /// Everything that belonged to the user is as at the beginning; failures stay counted.
    pub(super) fn forget_user(&mut self, now: Instant) {
        self.drop_data(TransferEnd::Aborted, now);
        self.require_no_more();
        if self.login.is_granted() {
            self.timestamps.logged_out = now;
        }
        self.login.user = User::Nobody;
        self.parameters = Parameters::default();
    }
}
