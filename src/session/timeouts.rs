//! Timeouts: what may last how long, and what is said when it has.

use std::time::{Duration, Instant};

use super::dtp::{DataTimeouts, Input};
use super::waiting::Waiting;
use super::{Notice, Phase, Session, Settings};
use crate::proto::reply::Reply;

/// The moments that deadlines are counted from.
#[derive(Debug)]
pub(super) struct Timestamps {
    begun: Instant,
    /// Moment since which nobody has been logged in.
    pub(super) logged_out: Instant,
    pub(super) last_active: Instant,
    /// Moment when the client last read a reply, or had none to read.
    pub(super) output_moved: Instant,
}

impl Timestamps {
    pub(super) fn new(now: Instant) -> Timestamps {
        Timestamps { begun: now, logged_out: now, last_active: now, output_moved: now }
    }

    /// Age of the session.
    pub(super) fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.begun)
    }
}

/// Patience that ends when a deadline passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Timeout {
    /// With a client that doesn't read its replies.
    Reading,
    /// With a client that says nothing.
    Idling,
    /// With one that does not log in, whatever else it says.
    LoggingIn,
    /// With our own answer, for a client that says no more and may be gone.
    Answering,
    /// With a TLS handshake of the control connection, or its end.
    Securing,
    /// With what the data transfer process waits for.
    Data,
    /// Not ours, but the client's: a wrong password is answered late.
    Penalty,
}

impl Session {
    /// Deadline at which the session wants a [`tick`](Session::tick); it may be given earlier.
    pub fn deadline(&self) -> Option<Instant> {
        self.timeout().into_iter().flatten().map(|(until, _)| until).min()
    }

    pub(super) fn expire(&mut self, now: Instant) {
        let due = self.timeout().into_iter().flatten().filter(|(until, _)| *until <= now);
        let Some((_, timeout)) = due.min_by_key(|(until, _)| *until) else { return };
        match timeout {
            Timeout::Penalty => self.deny(now),
            Timeout::Data => self.tell_dtp(Input::Expired, now),
            Timeout::Securing => {
                self.notice(Notice::NoTls);
                self.hang_up(now);
            }
            Timeout::Idling => {
                self.notice(Notice::Idle);
                self.reply(Reply::Idle);
                self.hang_up(now);
            }
            Timeout::LoggingIn => {
                self.notice(Notice::NoLogin);
                self.reply(Reply::NoLogin);
                self.hang_up(now);
            }
            Timeout::Answering => {
                self.notice(Notice::LeftWaiting);
                self.hang_up(now);
            }
            Timeout::Reading => {
                self.notice(Notice::RepliesUnread);
                self.hang_up(now);
            }
        }
    }

    /// Timeouts that run, and until when: for the client to read its replies, and for the one
    /// other thing that is due from it.
    fn timeout(&self) -> [Option<(Instant, Timeout)>; 2] {
        if self.phase == Phase::Over {
            return [None, None];
        }
        let (data_timeout, handshake_timeout) =
            (self.settings.data_timeout, self.settings.handshake_timeout);
        let reading = (!self.output.is_empty())
            .then_some((self.timestamps.output_moved + data_timeout, Timeout::Reading));
        let other = match &self.waiting {
            Some(Waiting::Penalty { until }) => Some((*until, Timeout::Penalty)),
            Some(Waiting::Securing { since } | Waiting::Clearing { since }) => {
                Some((*since + handshake_timeout, Timeout::Securing))
            }
            Some(Waiting::Drain) => None,
            Some(_) if self.input_ended => {
                Some((self.timestamps.last_active + data_timeout, Timeout::Answering))
            }
            // Our own answers are not the client's to hurry.
            Some(_) => None,
            None if self.dtp.is_busy() => {
                let deadline = self.dtp.deadline(&self.data_timeouts());
                deadline.map(|until| (until, Timeout::Data))
            }
            None => {
                let resting = self.resting();
                // Others need passive ports as well.
                let leased = self.dtp.deadline(&self.data_timeouts());
                let leased = leased.map(|until| (until, Timeout::Data));
                Some(leased.filter(|(until, _)| *until < resting.0).unwrap_or(resting))
            }
        };
        [reading, other]
    }

    /// Timeout of a session that has nothing to do.
    fn resting(&self) -> (Instant, Timeout) {
        let idle = self.timestamps.last_active + self.settings.idle_timeout;
        let login = self.timestamps.logged_out + self.settings.login_timeout;
        match self.login.is_granted() {
            false if login <= idle => (login, Timeout::LoggingIn),
            true | false => (idle, Timeout::Idling),
        }
    }

    fn data_timeouts(&self) -> DataTimeouts {
        let Settings { data_timeout, stall_timeout, handshake_timeout, .. } = *self.settings;
        // Bytes of a client that has left are in the kernel already.
        let stall = if self.input_ended { stall_timeout.min(data_timeout) } else { stall_timeout };
        DataTimeouts { arrival: data_timeout, handshake: handshake_timeout, stall }
    }
}
