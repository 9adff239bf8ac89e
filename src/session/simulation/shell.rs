//! The shell as the session knows it: answers questions at once, late or not as hoped, and does
//! with the data connection what networks do. It tells nothing that the real shell could not tell,
//! and watches that it is asked for nothing that it could not do.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use super::DATA_TIMEOUT;
use super::files::REFUSALS;
use super::judge::Judge;
use crate::fuzz::Chance;
use crate::session::{Answer, DataEvent, DataLoss, Effect, Settings, Verdict};
use crate::users::{Access, RequireTls};

/// Consequence of an effect before the next is looked at.
pub(super) enum Deed {
    Done,
    /// The question that it was is answered at once.
    Answer,
    Event(DataEvent),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    None,
    Leased,
    Connecting,
    Open,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opened {
    Download,
    Upload,
    Listing,
}

pub(super) struct Shell {
    client: IpAddr,
    question: Option<Effect>,
    pub(super) link: Link,
    pub(super) opened: Option<Opened>,
    pub(super) running: bool,
    /// Data connection on its way into TLS, and arrived there.
    securing: bool,
    secured: bool,
    /// Its client has ended it in place of the handshake.
    ended_early: bool,
    /// Start of the handshake that is under way.
    shaking_since: Instant,
    /// A handshake never ends.
    stuck: bool,
    /// An upload has come to its end, and may be finished.
    pub(super) ended: bool,
    /// Moment when the reply to a wrong password is due.
    penalty: Option<Instant>,
    pub(super) access: Access,
    input_ended: bool,
    /// The client has left without QUIT: an upload that ends from now on replaces nothing.
    pub(super) deserted: bool,
    pub(super) over: bool,
    /// Transfers that may be called complete.
    pub(super) completed: u64,
    /// Of these, those that moved under TLS.
    pub(super) private: u64,
    /// Handshakes of the control connection that came to their end.
    pub(super) handshakes: u64,
    /// Lateness: one in so many questions is answered at once.
    lateness: u64,
    /// Most passwords are wrong.
    distrusts: bool,
    /// Settings of the server.
    pub(super) replace_on_hangup: bool,
    pub(super) set_id: bool,
    pub(super) recursive_lists: bool,
}

impl Shell {
    pub(super) fn new(
        chance: &mut Chance,
        client: IpAddr,
        settings: &Settings,
        now: Instant,
    ) -> Shell {
        Shell {
            client,
            question: None,
            link: Link::None,
            opened: None,
            running: false,
            securing: false,
            secured: false,
            ended_early: false,
            shaking_since: now,
            stuck: false,
            ended: false,
            penalty: None,
            access: Access::READ,
            input_ended: false,
            deserted: false,
            over: false,
            completed: 0,
            private: 0,
            handshakes: 0,
            distrusts: chance.one_in(8),
            replace_on_hangup: settings.replace_on_hangup,
            set_id: settings.set_id,
            recursive_lists: settings.recursive_lists,
            lateness: chance.pick(&[1, 2, 10]),
        }
    }

    pub(super) fn runs(&self) -> bool {
        self.running
    }

    pub(super) fn is_asked(&self) -> bool {
        self.question.is_some()
    }

    /// True if the control connection is on its way into TLS or out of it.
    pub(super) fn is_changing(&self) -> bool {
        matches!(self.question, Some(Effect::Secure | Effect::Clear))
    }

    /// True if a handshake is under way that only a deadline ends.
    pub(super) fn is_stuck(&self) -> bool {
        self.stuck && (self.is_changing() || (self.securing && self.opened.is_some()))
    }

    /// Deadline of the handshake that is under way on the control connection. That of a data
    /// connection has none before its transfer waits for it.
    pub(super) fn handshake_due(&self) -> Option<Instant> {
        self.is_changing().then(|| self.shaking_since + DATA_TIMEOUT)
    }

    /// True if the data connection serves a client that has crashed. An upload is read to its end.
    pub(super) fn serves_nobody(&self) -> bool {
        let sends = self.running && self.opened != Some(Opened::Upload);
        self.deserted && (sends || self.link == Link::Connecting)
    }

    /// True if the connection is lost in the handshake that is under way.
    pub(super) fn loses(&self, chance: &mut Chance) -> bool {
        self.question == Some(Effect::Secure) && (self.input_ended || chance.one_in(20))
    }

    /// True if something is under way that the session waits for.
    pub(super) fn is_busy(&self) -> bool {
        self.is_asked() || self.link == Link::Connecting || self.opened.is_some()
    }

    pub(super) fn has_penalty(&self) -> bool {
        self.penalty.is_some()
    }

    pub(super) fn time_passed(&mut self, now: Instant) {
        self.penalty = self.penalty.filter(|until| *until > now);
    }

    /// True if the client is still listened to.
    pub(super) fn hears(&self) -> bool {
        !self.input_ended && !self.over
    }

    pub(super) fn input_ended(&mut self, quits: bool) {
        self.input_ended = true;
        self.deserted = !quits;
    }

    // Effects.

    pub(super) fn carry_out(
        &mut self,
        effect: Effect,
        judge: &mut Judge,
        chance: &mut Chance,
        now: Instant,
    ) -> Deed {
        assert!(!self.over, "{effect:?} after HangUp");
        match &effect {
            Effect::Secure | Effect::Clear => {
                judge.guard.change(&effect);
                if effect == Effect::Secure {
                    assert_eq!((self.link, self.opened), (Link::None, None), "data survives AUTH");
                }
                (self.shaking_since, self.stuck) = (now, chance.one_in(10));
                // Replies that are to be sent before take their time.
                let _later = self.ask(effect, chance);
            }
            Effect::Recognise { .. } => {
                judge.guard.recognise();
                return self.ask(effect, chance);
            }
            Effect::Verify { .. } => return self.ask(effect, chance),
            Effect::SecureData => {
                judge.guard.secure_data();
                assert_eq!(self.link, Link::Open, "TLS without a data connection");
                assert!(!self.running, "TLS in mid-transfer");
                assert!(!self.securing && !self.secured, "TLS within TLS");
                (self.shaking_since, self.stuck) = (now, chance.one_in(10));
                self.securing = true;
            }
            Effect::File(operation) => {
                assert!(judge.logged_in, "{effect:?} before login");
                self.may(operation);
                return self.ask(effect, chance);
            }
            Effect::Listen => {
                assert!(judge.logged_in, "{effect:?} before login");
                assert_eq!(self.link, Link::None, "a second data connection");
                return self.ask(effect, chance);
            }
            Effect::Connect(address) => {
                assert!(judge.logged_in, "{effect:?} before login");
                assert_eq!(self.link, Link::None, "a second data connection");
                assert_eq!(address.ip(), self.client, "somebody else is connected to");
                assert!(address.port() >= 1024, "a privileged port is connected to");
                match chance.below(16) {
                    0 => return Deed::Event(DataEvent::OwnListener),
                    1..3 => return Deed::Event(broken(chance)),
                    _ => self.link = Link::Connecting,
                }
            }
            Effect::Start => {
                assert!(self.opened.is_some(), "nothing was opened that could start");
                assert_eq!(self.link, Link::Open, "a transfer starts without a connection");
                assert!(!self.running, "started twice");
                judge.guard.start(self.secured || self.ended_early);
                let empty = self.opened == Some(Opened::Upload) || !self.ended_early;
                assert!(empty, "something is sent over what the client has ended");
                if self.opened == Some(Opened::Upload) && chance.one_in(8) {
                    self.drop_all();
                    return Deed::Event(DataEvent::Refused(chance.pick(REFUSALS)));
                }
                self.running = true;
            }
            Effect::Abort => self.drop_all(),
            Effect::HangUp => self.over = true,
        }
        Deed::Done
    }

    fn ask(&mut self, question: Effect, chance: &mut Chance) -> Deed {
        assert_eq!(self.question, None, "{question:?} while another question is open");
        self.question = Some(question);
        if chance.one_in(self.lateness) { Deed::Answer } else { Deed::Done }
    }

    fn has_task(&self) -> bool {
        matches!(&self.question, Some(Effect::File(operation)) if operation.takes_time())
    }

    fn drop_all(&mut self) {
        // Only these take so long that they can be given up.
        if self.has_task() {
            self.question = None;
        }
        self.link = Link::None;
        self.opened = None;
        self.running = false;
        self.securing = false;
        self.secured = false;
        self.ended_early = false;
        self.ended = false;
    }

    // Answers.

    pub(super) fn answer(&mut self, chance: &mut Chance, now: Instant) -> Option<Answer> {
        if self.stuck && self.is_changing() {
            return None;
        }
        Some(match self.question.take()? {
            Effect::Secure => {
                self.handshakes += 1;
                Answer::Secured { certified: chance.one_in(3) }
            }
            Effect::Clear => Answer::Cleared,
            Effect::Recognise { .. } if chance.one_in(2) => Answer::Login(Verdict::Unrecognised),
            Effect::Recognise { .. } => Answer::Login(self.grant(chance)),
            Effect::Verify { .. } => Answer::Login(self.verdict(chance, now)),
            Effect::Listen if chance.one_in(10) => Answer::Listening(None),
            Effect::Listen => {
                self.link = Link::Leased;
                Answer::Listening(Some(SocketAddr::new(self.client, 2000 + chance.below(9) as u16)))
            }
            Effect::File(operation) => Answer::File(self.file(&operation, chance)),
            other => unreachable!("{other:?} is no question"),
        })
    }

    fn verdict(&mut self, chance: &mut Chance, now: Instant) -> Verdict {
        let odds = if self.distrusts { 3 } else { 40 };
        match chance.below(odds) {
            39 => Verdict::Busy,
            0..2 => {
                let delay = Duration::from_secs(chance.below(5));
                self.penalty = Some(now + delay);
                Verdict::Denied(delay)
            }
            _ => self.grant(chance),
        }
    }

    fn grant(&mut self, chance: &mut Chance) -> Verdict {
        let some = Access(chance.below(1 << 12) as u16);
        let drop_box = Access::UPLOAD;
        self.access = chance.pick(&[Access::READ, Access::WRITE, Access::WRITE, drop_box, some]);
        let required = match chance.below(10) {
            0 => RequireTls::Login,
            1 => RequireTls::Data,
            _ => RequireTls::Off,
        };
        Verdict::Granted(self.access.into(), required)
    }

    // The data connection.

    /// Something that can happen to the data connection now.
    pub(super) fn next_event(&mut self, chance: &mut Chance) -> Option<DataEvent> {
        match (self.link, self.running) {
            (Link::Connecting, _) if chance.one_in(4) => Some(broken(chance)),
            (Link::Connecting | Link::Leased, _) => Some(DataEvent::Connected),
            (Link::Open, false) if self.securing => match chance.below(8) {
                _ if self.stuck => None,
                0 => Some(broken(chance)),
                1 => Some(DataEvent::NotResumed),
                2 => Some(DataEvent::EndedEarly),
                _ => Some(DataEvent::Secured),
            },
            (Link::Open, true) if self.ended_early => Some(DataEvent::Ended),
            (Link::Open, true) => Some(match chance.below(20) {
                0 => broken(chance),
                1 => DataEvent::Refused(chance.pick(REFUSALS)),
                2..10 => DataEvent::Ended,
                _ => DataEvent::Moved(chance.below(10)),
            }),
            // The shell doesn't look at what it has no use for yet; but it may.
            (Link::Open, false) if self.opened.is_none() && chance.one_in(20) => {
                Some(broken(chance))
            }
            (Link::Open, false) | (Link::None, _) => None,
        }
    }

    pub(super) fn ends_upload(&self, event: &DataEvent) -> bool {
        *event == DataEvent::Ended && self.opened == Some(Opened::Upload)
    }

    /// Changes of the shell before it tells the session.
    pub(super) fn note(&mut self, event: &DataEvent) {
        match event {
            DataEvent::Connected => self.link = Link::Open,
            DataEvent::Moved(_) | DataEvent::OwnListener => {}
            DataEvent::Secured => {
                self.securing = false;
                self.secured = true;
            }
            DataEvent::EndedEarly => {
                self.securing = false;
                self.ended_early = true;
            }
            DataEvent::Ended => {
                self.private += u64::from(self.secured);
                self.link = Link::None;
                self.running = false;
                self.secured = false;
                self.ended_early = false;
                self.ended = true;
                if self.opened != Some(Opened::Upload) {
                    self.opened = None;
                    self.completed += 1;
                }
            }
            DataEvent::Broken(_) | DataEvent::Refused(_) if self.running => self.drop_all(),
            DataEvent::Broken(_) | DataEvent::NotResumed | DataEvent::Refused(_) => {
                self.link = Link::None;
                self.securing = false;
                self.secured = false;
                self.ended_early = false;
            }
        }
    }
}

fn broken(chance: &mut Chance) -> DataEvent {
    DataEvent::Broken(match chance.one_in(2) {
        true => DataLoss::NoCloseNotify,
        false => DataLoss::Failed("connection reset".into()),
    })
}
