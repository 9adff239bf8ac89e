//! One client's conversation, pure: inputs in, effects out. No socket, no file, no clock.
//!
//! A [`Session`] has four kinds of methods:
//! - *inputs*, which tell it what happened: [`receive`](Session::receive),
//!   [`end_of_input`](Session::end_of_input), [`answer`](Session::answer),
//!   [`data`](Session::data), [`sent`](Session::sent), [`tick`](Session::tick),
//!   [`shut_down`](Session::shut_down);
//! - *outputs*, which say what it wants: [`output`](Session::output) is bytes to send,
//!   [`effect`](Session::effect) one thing to do;
//! - [`room`](Session::room), how many bytes it would take now: the back-pressure;
//! - [`deadline`](Session::deadline), when it wants a [`tick`](Session::tick).
//!
//! The shell's rule is one sentence: after every input, carry out effects until there are none,
//! then write what there is to write.
//!
//! Two machines are coupled in here: the commands, of which one is obeyed at a time, and the data
//! transfer process (`dtp`). A command is obeyed only while no question is open (`waiting`), no
//! transfer runs, and the client reads its replies; until then lines wait in order. ABOR and STAT
//! overtake (`commands`).

mod checksums;
mod commands;
mod data_connection;
mod dtp;
mod effect;
mod event;
mod files;
mod login;
mod parameters;
mod security;
#[cfg(test)]
mod simulation;
mod status;
#[cfg(test)]
mod tests;
mod timeouts;
mod transfer;
mod waiting;

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::time::{Duration, Instant};

pub use effect::{Answer, ByteRange, DataEvent, Effect, FileDone, FileOp, Listing, Verdict};
pub use event::{DataLoss, TransferEnd, TransferKind};

use crate::proto::escaped::Escaped;
use crate::proto::line::Lines;
use crate::proto::path::VPath;
use crate::proto::reply::Reply;
use crate::users::RequireTls;
use dtp::Dtp;
use login::Login;
use parameters::Parameters;
use security::Security;
use timeouts::Timestamps;
use waiting::{FileQuestion, Waiting};

/// Replies that may wait to be read before the session stops obeying, in bytes.
const OUTPUT_LIMIT: usize = 8 * 1024;

/// What the buffer for replies may keep when it is empty, in bytes: most replies fit.
const IDLE_CAPACITY: usize = 64;

/// What all sessions of a server have in common.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The greeting's text.
    pub banner: String,
    /// How long a client may say nothing.
    pub idle_timeout: Duration,
    /// How long a data connection may take to come, or stand still, and a TLS handshake may take.
    pub data_timeout: Duration,
    /// What PASV announces instead of the control connection's own address.
    pub passive_address: Option<Ipv4Addr>,
    /// The machine's name, which HOST may say.
    pub host_name: String,
    /// Whether ALLO is a promise about the upload's length.
    pub strict_allo: bool,
    /// What must be under TLS; `None` if there is no TLS.
    pub tls: Option<RequireTls>,
}

/// One client's conversation. See the [module's](self) words.
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
    waiting: Option<Waiting>,
    phase: Phase,
    /// The client has sent its FIN: what it said before is still obeyed.
    input_ended: bool,
    timestamps: Timestamps,

    login: Login,
    security: Security,
    parameters: Parameters,
    dtp: Dtp,
}

/// How far the conversation has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// It goes on.
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
            waiting: None,
            phase: Phase::Open,
            input_ended: false,
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
        self.advance(now);
    }

    /// The client sent its FIN. What it said before is still obeyed, but a client that leaves
    /// without QUIT may have crashed: its transfers are broken off, and an upload that seems to
    /// end now is not complete.
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
            (Some(Waiting::File(question)), Answer::File(result)) => {
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

    /// So many bytes of [`output`](Session::output) are on their way.
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

    /// How many bytes [`receive`](Session::receive) would take now.
    pub fn room(&self) -> usize {
        // A session that leaves listens on: a client that crashes now must not go unnoticed.
        let listens = self.phase != Phase::Over && !self.input_ended && !self.changes();
        if listens && self.output.len() < OUTPUT_LIMIT { self.lines.room() } else { 0 }
    }

    /// The running number that the log knows this session by.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Whether a user is logged in now.
    pub fn is_logged_in(&self) -> bool {
        self.login.access().is_some()
    }

    /// Our address of the control connection.
    pub fn local(&self) -> IpAddr {
        self.local
    }

    /// The client's address.
    pub fn client(&self) -> IpAddr {
        self.client
    }

    // What all rooms of the session use.

    /// The one door for replies, and the one place that logs them.
    fn reply(&mut self, reply: Reply<'_>) {
        let from = self.output.len();
        reply.write_to(&mut self.output);
        if log::log_enabled!(log::Level::Debug) {
            let text = Escaped(self.output[from..].trim_ascii_end());
            log::debug!("#{} {} reply: {text}", self.id, self.client);
        }
    }

    fn greet(&mut self) {
        let settings = Rc::clone(&self.settings);
        self.reply(Reply::Ready(&settings.banner));
    }

    fn path(&self, argument: &[u8]) -> VPath {
        self.parameters.folder.join(argument)
    }

    /// Asks a question about files.
    fn ask(&mut self, question: FileQuestion, operation: FileOp) {
        self.waiting = Some(Waiting::File(question));
        self.effects.push_back(Effect::File(operation));
    }

    /// The last thing a session does.
    fn hang_up(&mut self, now: Instant) {
        if self.works() {
            self.give_up();
        }
        self.drop_data(now);
        self.phase = Phase::Over;
        self.waiting = None;
        self.lines.clear();
        self.effects.push_back(Effect::HangUp);
    }

    /// What must hold after every input.
    fn check(&self) {
        let opening = matches!(self.waiting, Some(Waiting::File(FileQuestion::Open)));
        let finishing = matches!(self.waiting, Some(Waiting::File(FileQuestion::Finish)));
        debug_assert!(
            opening == matches!(self.dtp, Dtp::Opening(..))
                && finishing == matches!(self.dtp, Dtp::Finishing(_)),
            "the files are asked for no transfer, or a transfer waits for files that nobody asked"
        );
        debug_assert!(
            !matches!(self.dtp, Dtp::Running(_)) || self.may_transfer(),
            "what must be private goes in clear"
        );
        let idle = matches!(self.dtp, Dtp::Idle);
        debug_assert!(
            self.phase != Phase::Over || (self.waiting.is_none() && idle),
            "a session that is over still wants something"
        );
        debug_assert!(
            self.login.access().is_some() || idle,
            "data for somebody who has not logged in"
        );
        debug_assert!(self.output.len() < OUTPUT_LIMIT + 32 * 1024, "replies grow without bounds");
        debug_assert!(self.effects.len() <= 8, "effects pile up: {:?}", self.effects);
    }
}
