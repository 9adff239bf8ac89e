//! Session: one client's conversation, pure: inputs in, effects out. No socket, no file, no clock.
//!
//! A [`Session`] has four kinds of methods:
//! - *inputs*, which tell it what happened: [`receive`](Session::receive),
//!   [`end_of_input`](Session::end_of_input), [`answer`](Session::answer),
//!   [`data`](Session::data), [`sent`](Session::sent), [`tick`](Session::tick),
//!   [`shut_down`](Session::shut_down), and at the end [`disconnected`](Session::disconnected);
//! - *outputs*, which say what it wants: [`output`](Session::output) is bytes to send,
//!   [`effect`](Session::effect) one thing to do, [`event`](Session::event) one that happened;
//! - [`room`](Session::room), how many bytes it would take now: the back-pressure;
//! - [`deadline`](Session::deadline), when it wants a [`tick`](Session::tick).
//!
//! The shell's rule is one sentence: after every input, carry out effects until there are none,
//! then write what there is to write. Events may be read at any time.
//!
//! Two machines are coupled in here: the commands, of which one is obeyed at a time, and the data
//! transfer process (`dtp`). A command is obeyed only while no question is open (`waiting`), no
//! transfer runs, and the client reads its replies; until then lines wait in order. ABOR and STAT
//! overtake (`commands`).

mod check;
mod checksums;
mod commands;
mod data_connection;
mod dtp;
mod effect;
mod event;
mod files;
mod login;
mod parameters;
mod permissions;
mod security;
mod settings;
#[cfg(test)]
mod simulation;
mod status;
#[cfg(test)]
mod tests;
mod timeouts;
mod transfer;
mod waiting;

use std::collections::VecDeque;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Instant;

pub use effect::{
    Answer, ByteRange, DataEvent, Effect, FileDone, FileOp, Listing, Target, Verdict,
};
pub use event::{
    DataLoss, Disconnect, Event, LoginRefusal, NameChange, Notice, TransferEnd, TransferKind,
};
pub use permissions::Permissions;
pub use settings::Settings;

use crate::proto::line::Lines;
use crate::proto::path::VPath;
use crate::proto::reply::Reply;
use crate::users::Right;
use dtp::Dtp;
use login::Login;
use parameters::Parameters;
use security::Security;
use timeouts::Timestamps;
use waiting::{FileQuestion, Waiting};

/// Replies that may wait to be read before the session stops obeying, in bytes.
const OUTPUT_LIMIT: usize = 8 * 1024;

/// Capacity that the buffer for replies may keep when it is empty, in bytes: most replies fit.
const IDLE_CAPACITY: usize = 64;

/// Session of one client: see the first lines of `session/mod.rs`.
#[derive(Debug)]
pub struct Session {
    settings: Rc<Settings>,
    id: u64,
    /// The addresses of the control connection: ours and the client's.
    local: IpAddr,
    client: IpAddr,

    lines: Lines,
    output: Vec<u8>,
    effects: VecDeque<Effect>,
    events: VecDeque<Event>,
    waiting: Option<Waiting>,
    phase: Phase,
    /// The client has sent its FIN: what it said before is still obeyed.
    input_ended: bool,
    /// The client was told of as one that ends its lines in LF alone.
    bare_line_feeds: bool,
    /// Bytes of files and listings that moved, to the client and from it.
    sent: u64,
    received: u64,
    timestamps: Timestamps,

    login: Login,
    security: Security,
    parameters: Parameters,
    dtp: Dtp,
}

/// Phase of the conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The conversation goes on.
    Open,
    /// The server goes down: the running transfer is the last thing.
    Leaving,
    /// HangUp was asked for; nothing is obeyed any more.
    Over,
}

impl Session {
    /// A session for a client that has just connected, from `client` to `local`: it begins with
    /// the greeting, or, where TLS is implicit, with the handshake.
    pub fn new(
        settings: Rc<Settings>,
        id: u64,
        (local, client): (IpAddr, IpAddr),
        implicit_tls: bool,
        now: Instant,
    ) -> Session {
        let mut session = Session {
            settings,
            id,
            local,
            client,
            lines: Lines::default(),
            output: Vec::new(),
            effects: VecDeque::new(),
            events: VecDeque::new(),
            waiting: None,
            phase: Phase::Open,
            input_ended: false,
            bare_line_feeds: false,
            sent: 0,
            received: 0,
            timestamps: Timestamps::new(now),
            login: Login::default(),
            security: Security::new(implicit_tls),
            parameters: Parameters::default(),
            dtp: Dtp::default(),
        };
        match implicit_tls {
            true => session.begin_handshake(now),
            false => session.greet(),
        }
        session
    }

    // Inputs.

    /// The client sent these bytes, no more than [`room`](Session::room).
    pub fn receive(&mut self, bytes: &[u8], now: Instant) {
        if !self.is_open(now) {
            return;
        }
        self.lines.push(bytes);
        if self.lines.ends_in_line_feed() && !self.bare_line_feeds {
            self.bare_line_feeds = true;
            self.notice(Notice::BareLineFeed);
        }
        self.advance(now);
    }

    /// The client sent its FIN. What it said before is still obeyed, but a client that leaves
    /// without QUIT may have crashed: what is sent to it is broken off, and an upload, which is read
    /// to the end of what it sent, replaces no old file.
    pub fn end_of_input(&mut self, now: Instant) {
        if !self.is_open(now) {
            return;
        }
        self.input_ended = true;
        self.timestamps.last_active = now;
        self.advance(now);
    }

    /// The open question is answered.
    pub fn answer(&mut self, answer: Answer, now: Instant) {
        if !self.is_open(now) {
            return;
        }
        match (self.waiting.take(), answer) {
            (Some(Waiting::Recognition { name }), Answer::Login(verdict)) => {
                self.judged(name, verdict, Reply::LoggedInByCertificate, now);
            }
            (Some(Waiting::Verdict { name }), Answer::Login(verdict)) => {
                self.judged(name, verdict, Reply::LoggedIn, now);
            }
            (Some(Waiting::Securing { .. }), Answer::Secured { certified }) => {
                self.secured(certified);
            }
            (Some(Waiting::Clearing { .. }), Answer::Cleared) => self.cleared(),
            (Some(Waiting::Listening { extended }), Answer::Listening(address)) => {
                self.listening(extended, address, now);
            }
            (Some(Waiting::File(question, change)), Answer::File(result)) => {
                if let Some(change) = change {
                    let (user, result) =
                        (self.user_name(), result.as_ref().map(drop).map_err(|refusal| *refusal));
                    self.events.push_back(Event::Changed { user, change, result });
                }
                self.file_answered(question, result, now);
            }
            (waiting, answer) => debug_assert!(false, "{answer:?} answers nothing: {waiting:?}"),
        }
        self.timestamps.last_active = now;
        self.advance(now);
    }

    /// Something happened on the data connection.
    pub fn data(&mut self, event: DataEvent, now: Instant) {
        if !self.is_open(now) {
            return;
        }
        self.data_event(event, now);
        self.timestamps.last_active = now;
        self.advance(now);
    }

    /// Bytes of [`output`](Session::output), so many, are on their way.
    pub fn sent(&mut self, bytes: usize, now: Instant) {
        self.output.drain(..bytes);
        if self.output.is_empty() && self.output.capacity() > IDLE_CAPACITY {
            self.output = Vec::new();
        }
        self.timestamps.output_moved = now;
        if self.phase != Phase::Over {
            self.advance(now);
        }
    }

    /// The time has come that [`deadline`](Session::deadline) named. A tick that comes too early
    /// changes nothing.
    pub fn tick(&mut self, now: Instant) {
        if !self.is_open(now) {
            return;
        }
        self.expire(now);
        self.advance(now);
    }

    /// The server goes down: an idle session ends now, a running transfer may be finished.
    pub fn shut_down(&mut self, now: Instant) {
        if !self.is_open(now) {
            return;
        }
        self.phase = Phase::Leaving;
        self.advance(now);
    }

    /// The shell has removed the session, which hears and says no more. The last input.
    pub fn disconnected(&mut self, cause: Disconnect, now: Instant) {
        let end = match cause {
            Disconnect::Shutdown => TransferEnd::Shutdown,
            Disconnect::Closed | Disconnect::Lost | Disconnect::Failed(_) => {
                TransferEnd::ControlLost
            }
        };
        self.drop_data(end, now);
        self.phase = Phase::Over;
        self.waiting = None;
        self.effects.clear();
        self.events.push_back(Event::Disconnected {
            user: self.login.user(),
            known: self.login.is_known(),
            cause,
            sent: self.sent,
            received: self.received,
            age: self.timestamps.age(now),
        });
    }

    /// Begins every input: nothing reaches a session that is over, and replies that are read at
    /// once never look stuck.
    fn is_open(&mut self, now: Instant) -> bool {
        if self.output.is_empty() {
            self.timestamps.output_moved = now;
        }
        self.phase != Phase::Over
    }

    // Outputs.

    /// Bytes to send on the control connection; [`sent`](Session::sent) takes them off.
    pub fn output(&self) -> &[u8] {
        &self.output
    }

    /// The next thing to do, if any.
    pub fn effect(&mut self) -> Option<Effect> {
        let effect = self.effects.pop_front();
        if effect.is_none() {
            // A session that does nothing holds no memory for what it might ask.
            self.effects = VecDeque::new();
        }
        effect
    }

    /// The next thing that happened, if any.
    pub fn event(&mut self) -> Option<Event> {
        let event = self.events.pop_front();
        if event.is_none() {
            self.events = VecDeque::new();
        }
        event
    }

    /// Room: how many bytes [`receive`](Session::receive) would take now.
    pub fn room(&self) -> usize {
        // A session that leaves listens on: a client that crashes now must not go unnoticed.
        let listens = self.phase != Phase::Over && !self.input_ended && !self.changes();
        if listens && self.output.len() < OUTPUT_LIMIT { self.lines.room() } else { 0 }
    }

    /// The running number that the log knows this session by.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// True if a user is logged in now.
    pub fn is_logged_in(&self) -> bool {
        self.login.is_granted()
    }

    /// Name of the user who is logged in.
    pub fn logged_in(&self) -> Option<Rc<[u8]>> {
        self.login.user()
    }

    /// Our address of the control connection.
    pub fn local(&self) -> IpAddr {
        self.local
    }

    /// The client's address.
    pub fn client(&self) -> IpAddr {
        self.client
    }

    // Helpers for all files of the session.

    /// The one door for replies.
    fn reply(&mut self, reply: Reply<'_>) {
        let from = self.output.len();
        reply.write_to(&mut self.output);
        if self.settings.traces {
            let text = self.output[from..].trim_ascii_end().to_vec();
            self.events.push_back(Event::Reply(text));
        }
    }

    fn notice(&mut self, notice: Notice) {
        self.events.push_back(Event::Notice(notice));
    }

    /// Name of the user for events; empty if nobody is logged in.
    fn user_name(&self) -> Rc<[u8]> {
        self.login.user().unwrap_or_default()
    }

    fn greet(&mut self) {
        let settings = Rc::clone(&self.settings);
        self.reply(Reply::Ready(&settings.banner));
    }

    fn path(&self, argument: &[u8]) -> VPath {
        self.parameters.folder.join(argument)
    }

    /// Right that the user lacks for this operation, if any.
    fn lacks(&self, operation: &FileOp) -> Option<Right> {
        self.login.permissions()?.lacks(operation)
    }

    /// Asks a question about files, unless the user has not the right to.
    fn ask(&mut self, question: FileQuestion, operation: FileOp) {
        if let Some(right) = self.lacks(&operation) {
            return self.reply(Reply::MayNot(right.name()));
        }
        let change = match question {
            // Told with the whole.
            FileQuestion::RemovePart(_) => None,
            _ => NameChange::of(&operation).map(Box::new),
        };
        self.waiting = Some(Waiting::File(question, change));
        self.effects.push_back(Effect::File(operation));
    }

    /// The last thing a session does.
    fn hang_up(&mut self, now: Instant) {
        if self.works() {
            self.give_up();
        }
        self.drop_data(TransferEnd::ControlLost, now);
        self.phase = Phase::Over;
        self.waiting = None;
        self.lines.clear();
        self.effects.push_back(Effect::HangUp);
    }
}
