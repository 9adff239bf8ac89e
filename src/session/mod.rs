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
//! connection ([`data`]). A command is obeyed only while no question is open (`waiting`), no
//! transfer runs, and the client reads its replies; until then lines wait in order. ABOR and STAT
//! overtake ([`Session::overtake`]).

mod data;
mod deadlines;
mod effect;
mod files;
mod hashes;
mod info;
mod login;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
mod transfer;

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::time::{Duration, Instant};

pub use effect::{Answer, ByteRange, DataEvent, Effect, FileDone, FileOp, Listing, Verdict};

use crate::proto::checksum::Algorithm;
use crate::proto::command::{self, Coding, Command, Misuse, Request};
use crate::proto::line::{Line, Lines};
use crate::proto::listing::FactSet;
use crate::proto::path::VPath;
use crate::proto::reply::Reply;
use crate::proto::shown::Shown;
use crate::proto::verb::{self, Verb};
use crate::users::Access;
use data::Data;
use deadlines::Clocks;
use files::Errand;
use login::Login;
use transfer::Transfer;

/// Replies that may wait to be read before the session stops obeying, in bytes.
const OUTPUT_LIMIT: usize = 8 * 1024;

/// What all sessions of a server have in common.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The greeting's text.
    pub banner: String,
    /// How long a client may say nothing.
    pub idle_timeout: Duration,
    /// How long a data connection may take to come, or stand still.
    pub data_timeout: Duration,
    /// What PASV announces instead of the control connection's own address.
    pub passive_address: Option<Ipv4Addr>,
    /// The machine's name, which HOST may say.
    pub host_name: String,
    /// Whether ALLO is a promise about the upload's length.
    pub strict_allo: bool,
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
    life: Life,
    /// The client has sent its FIN: what it said before is still obeyed.
    input_ended: bool,
    clocks: Clocks,

    login: Login,
    folder: VPath,
    coding: Coding,
    /// The bytes that REST or RANG chose for the next transfer.
    range: ByteRange,
    rename_from: Option<VPath>,
    copy_from: Option<VPath>,
    /// What ALLO announced for the next upload, in bytes.
    allocated: Option<u64>,
    epsv_only: bool,
    facts: FactSet,
    algorithm: Algorithm,
    umask: Option<u16>,
    data: Data,
    transfer: Option<Transfer>,
}

/// The question that is open: no command is obeyed until it is answered.
#[derive(Debug)]
enum Waiting {
    /// Is the password right?
    Verdict { name: Vec<u8> },
    /// It was not, and the client is kept waiting until then.
    Penalty { until: Instant },
    /// PASV or EPSV: on which port?
    Listening { extended: bool },
    /// PORT or EPRT: does the client's port answer?
    Connection { since: Instant },
    /// What do the files say?
    File(Errand),
    /// Nothing is asked, but STAT goes on only when the client has read what it has.
    Drain,
}

/// How far the conversation has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    /// It goes on.
    Open,
    /// The server goes down: the running transfer is the last thing.
    Leaving,
    /// HangUp was asked for; nothing is obeyed any more.
    Over,
}

impl Session {
    /// A session for a client that has just connected: it begins with the greeting.
    pub fn new(
        settings: Rc<Settings>,
        id: u64,
        local: IpAddr,
        client: IpAddr,
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
            life: Life::Open,
            input_ended: false,
            clocks: Clocks::new(now),
            login: Login::default(),
            folder: VPath::root(),
            coding: Coding::default(),
            range: ByteRange::default(),
            rename_from: None,
            copy_from: None,
            allocated: None,
            epsv_only: false,
            facts: FactSet::default(),
            algorithm: Algorithm::default(),
            umask: None,
            data: Data::None,
            transfer: None,
        };
        let settings = Rc::clone(&session.settings);
        session.reply(Reply::Ready(&settings.banner));
        session
    }

    // Inputs.

    /// The client sent these bytes, no more than [`room`](Session::room).
    pub fn receive(&mut self, bytes: &[u8], now: Instant) {
        if !self.wakes(now) {
            return;
        }
        self.lines.push(bytes);
        self.advance(now);
    }

    /// The client sent its FIN. What it said before is still obeyed, but a client that leaves
    /// without QUIT may have crashed: its transfers are broken off, and an upload that seems to
    /// end now is not complete.
    pub fn end_of_input(&mut self, now: Instant) {
        if !self.wakes(now) {
            return;
        }
        self.input_ended = true;
        self.advance(now);
    }

    /// The open question is answered.
    pub fn answer(&mut self, answer: Answer, now: Instant) {
        if !self.wakes(now) {
            return;
        }
        match (self.waiting.take(), answer) {
            (Some(Waiting::Verdict { name }), Answer::Login(verdict)) => {
                self.judged(name, verdict, now);
            }
            (Some(Waiting::Listening { extended }), Answer::Listening(address)) => {
                self.listening(extended, address);
            }
            (Some(Waiting::File(errand)), Answer::File(result)) => {
                self.file_answered(errand, result, now);
            }
            (waiting, answer) => debug_assert!(false, "{answer:?} answers nothing: {waiting:?}"),
        }
        self.clocks.last_active = now;
        self.advance(now);
    }

    /// Something happened on the data connection.
    pub fn data(&mut self, event: DataEvent, now: Instant) {
        if !self.wakes(now) {
            return;
        }
        self.data_event(event, now);
        self.clocks.last_active = now;
        self.advance(now);
    }

    /// So many bytes of [`output`](Session::output) are on their way.
    pub fn sent(&mut self, bytes: usize, now: Instant) {
        self.output.drain(..bytes);
        if self.output.is_empty() && self.output.capacity() > 256 {
            self.output = Vec::new();
        }
        self.clocks.output_moved = now;
        if self.life != Life::Over {
            self.advance(now);
        }
    }

    /// The time has come that [`deadline`](Session::deadline) named. A tick that comes too early
    /// changes nothing.
    pub fn tick(&mut self, now: Instant) {
        if !self.wakes(now) {
            return;
        }
        self.expire(now);
        self.advance(now);
    }

    /// The server goes down: an idle session ends now, a running transfer may be finished.
    pub fn shut_down(&mut self, now: Instant) {
        if !self.wakes(now) {
            return;
        }
        self.life = Life::Leaving;
        self.advance(now);
    }

    /// Begins every input: nothing reaches a session that is over, and replies that are read at
    /// once never look stuck.
    fn wakes(&mut self, now: Instant) -> bool {
        if self.output.is_empty() {
            self.clocks.output_moved = now;
        }
        self.life != Life::Over
    }

    // Outputs.

    /// Bytes to send on the control connection; [`sent`](Session::sent) takes them off.
    pub fn output(&self) -> &[u8] {
        &self.output
    }

    /// The next thing to do, if any.
    pub fn effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// How many bytes [`receive`](Session::receive) would take now.
    pub fn room(&self) -> usize {
        // A session that leaves listens on: a client that crashes now must not go unnoticed.
        let listens = self.life != Life::Over && !self.input_ended;
        if listens && self.output.len() < OUTPUT_LIMIT { self.lines.room() } else { 0 }
    }

    /// The running number that the log knows this session by.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Our address of the control connection.
    pub fn local(&self) -> IpAddr {
        self.local
    }

    /// The client's address.
    pub fn client(&self) -> IpAddr {
        self.client
    }

    // The commands.

    /// Obeys what may be obeyed.
    fn advance(&mut self, now: Instant) {
        loop {
            self.overtake(now);
            while self.may_obey() {
                let Some(line) = self.lines.pop() else { break };
                self.clocks.last_active = now;
                self.obey(line, now);
                self.overtake(now);
            }
            if !self.is_orphan() {
                break;
            }
            self.broken(now);
        }
        match self.life {
            Life::Open if self.input_ended && self.may_obey() && self.lines.is_empty() => {
                self.hang_up();
            }
            Life::Leaving if self.transfer.is_none() => {
                self.cut_status();
                self.reply(Reply::ShuttingDown);
                self.hang_up();
            }
            _ => {}
        }
        self.list_on();
        self.check();
    }

    fn may_obey(&self) -> bool {
        let free = self.waiting.is_none() && self.transfer.is_none();
        self.life == Life::Open && free && self.output.len() < OUTPUT_LIMIT
    }

    /// While a transfer runs or a connection is being made, ABOR and STAT act at once, wherever
    /// in the queue they stand.
    fn overtake(&mut self, now: Instant) {
        while self.may_be_overtaken() && self.output.len() < OUTPUT_LIMIT {
            let Some(line) = self.lines.take_first(overtakes) else { return };
            self.clocks.last_active = now;
            self.obey(Line::Whole(line), now);
        }
    }

    fn may_be_overtaken(&self) -> bool {
        match &self.waiting {
            None => self.transfer.is_some() && self.life != Life::Over,
            Some(Waiting::Connection { .. }) => true,
            Some(Waiting::File(errand)) => errand.takes_time(),
            _ => false,
        }
    }

    /// Whether data moves, or is to move, for a client that has left without QUIT.
    fn is_orphan(&self) -> bool {
        let moves = self.transfer.as_ref().is_some_and(Transfer::can_break) || self.connecting();
        self.input_ended && moves && !self.lines.holds(|line| is_verb(line, Verb::Quit))
    }

    /// One line: checked, then done.
    fn obey(&mut self, line: Line, now: Instant) {
        let request = match line {
            Line::Whole(line) => match command::parse(&line) {
                Ok(request) => {
                    let secret = request.rule.secret();
                    let shown = if secret { request.rule.name.as_bytes() } else { &line[..] };
                    log::debug!("#{} {} command: {}", self.id, self.client, Shown(shown));
                    request
                }
                Err(misuse) => return self.reply(Reply::Misuse(misuse)),
            },
            Line::Dirty => return self.reply(Reply::DirtyLine),
            Line::TooLong => return self.reply(Reply::LineTooLong),
        };
        if !request.rule.keeps_restart() && !transfer::is_transfer(request.rule.verb) {
            self.range = ByteRange::default();
        }
        match self.allowed(request) {
            Ok(command) => self.perform(command, now),
            Err(reply) => self.reply(reply),
        }
    }

    /// The refusals that are the same for every verb: login first, then permission, then syntax.
    fn allowed(&self, request: Request) -> Result<Command, Reply<'static>> {
        let rule = request.rule;
        match self.login.access() {
            None if rule.login => Err(Reply::NotLoggedIn),
            Some(Access::Read) if rule.write => Err(Reply::ReadOnlyUser),
            Some(Access::Read) if request.command.as_ref().is_ok_and(Command::writes) => {
                Err(Reply::ReadOnlyUser)
            }
            _ => request.command.map_err(|misuse| match misuse {
                Misuse::Protocol => Reply::UseProtocol(self.usable_protocol()),
                misuse => Reply::Misuse(misuse),
            }),
        }
    }

    fn perform(&mut self, command: Command, now: Instant) {
        match command {
            Command::User(name) => self.user(name),
            Command::Pass(secret) => self.pass(secret),
            Command::Acct => self.reply(Reply::NoAccounts),
            Command::Rein => self.reinitialise(),
            Command::Quit => self.quit(),

            Command::Port(address) => self.connect(address, now),
            Command::Eprt(address) => self.extended_connect(address, now),
            Command::Pasv => self.listen(),
            Command::Epsv(protocol) => self.extended_listen(protocol),

            Command::Type(representation) => self.set_type(representation),
            Command::Mode(mode) => self.set_mode(mode),
            Command::Stru => self.reply(Reply::ParameterSet),
            Command::Rest(at) => self.restart_at(at),
            Command::Allo(bytes) => self.allocate(bytes),
            Command::Retr(path) => self.retrieve(&path, now),
            Command::Stor(path) => self.store(&path, now),
            Command::Appe(path) => self.append(&path, now),
            Command::Stou => self.store_unique(now),
            Command::List(path) => self.list(&path, now),
            Command::Nlst(path) => self.list_names(&path, now),
            Command::Mlsd(path) => self.list_facts(&path, now),
            Command::Rang(first, last) => self.choose_range(first, last),
            Command::Abor => self.abort(),

            Command::Size(path) => self.size(&path),
            Command::Mdtm(path, otherwise) => self.modified_or_set(&path, otherwise),
            Command::Mlst(path) => self.facts_of(&path),
            Command::Avbl(path) => self.ask(Errand::Free, FileOp::FreeSpace(self.path(&path))),
            Command::Mfmt(change, path) => self.set_facts(vec![change], &path),
            Command::Mff(changes, path) => self.set_facts(changes, &path),
            Command::SiteChmod(change, path) | Command::SiteUtime(change, path) => {
                self.ask(Errand::Site, FileOp::Change(self.path(&path), vec![change]));
            }
            Command::SiteUmask(mask) => self.set_umask(mask),
            Command::SiteCpfr(path) => self.copy_from(self.path(&path)),
            Command::SiteCpto(path) => self.copy_to(self.path(&path)),
            Command::Hash(path) => self.hash(&path),
            Command::Checksum(algorithm, target) => self.checksum(algorithm, target),
            Command::Pwd => self.print_folder(),
            Command::Cwd(path) => self.enter(self.path(&path)),
            Command::Cdup => self.enter(self.folder.parent()),
            Command::Mkd(path) => self.make_folder(self.path(&path)),
            Command::Rmd(path) => self.change(FileOp::RemoveDir(self.path(&path))),
            Command::Dele(path) => self.change(FileOp::RemoveFile(self.path(&path))),
            Command::Rnfr(path) => self.rename_from(self.path(&path)),
            Command::Rnto(path) => self.rename_to(self.path(&path)),

            Command::Syst => self.reply(Reply::System),
            Command::Noop => self.reply(Reply::Okay),
            Command::Feat => self.reply(Reply::Features(self.facts, self.algorithm)),
            Command::Lang => self.reply(Reply::Language),
            Command::Clnt => self.reply(Reply::ClientNoted),
            Command::Host(name) => self.host(&name),
            Command::OptsMlst(facts) => self.choose_facts(facts),
            Command::OptsModeZ(level) => self.set_level(level),
            Command::OptsHash(algorithm) => self.choose_algorithm(algorithm),
            Command::OptsUtf8 => self.reply(Reply::Utf8Always),
            Command::Help(None) => self.reply(Reply::Help),
            Command::Help(Some(rule)) => self.reply(Reply::HelpOn(rule.name, rule.help)),
            Command::SiteHelp => self.reply(Reply::SiteHelp),
            Command::Stat(None) => self.status(now),
            Command::Stat(Some(path)) => self.status_of(&path),
        }
    }

    // What all rooms of the session use.

    /// The one door for replies, and the one place that logs them.
    fn reply(&mut self, reply: Reply<'_>) {
        let from = self.output.len();
        reply.write_to(&mut self.output);
        if log::log_enabled!(log::Level::Debug) {
            let text = Shown(self.output[from..].trim_ascii_end());
            log::debug!("#{} {} reply: {text}", self.id, self.client);
        }
    }

    fn path(&self, argument: &[u8]) -> VPath {
        self.folder.join(argument)
    }

    /// Asks a question about files.
    fn ask(&mut self, errand: Errand, operation: FileOp) {
        self.waiting = Some(Waiting::File(errand));
        self.effects.push_back(Effect::File(operation));
    }

    /// The last thing a session does.
    fn hang_up(&mut self) {
        self.drop_data();
        self.life = Life::Over;
        self.waiting = None;
        self.lines.clear();
        self.effects.push_back(Effect::HangUp);
    }

    /// What must hold after every input.
    fn check(&self) {
        let running = self.transfer.as_ref().is_some_and(Transfer::runs);
        debug_assert!(!running || self.data == Data::Open, "a transfer runs without a connection");
        debug_assert!(
            self.connecting() == (self.data == Data::Connecting),
            "a connection is made that nobody asked for, or none that was"
        );
        debug_assert!(
            self.life != Life::Over || (self.waiting.is_none() && self.transfer.is_none()),
            "a session that is over still wants something"
        );
        debug_assert!(
            self.login.access().is_some() || (self.data == Data::None && self.transfer.is_none()),
            "data for somebody who has not logged in"
        );
        debug_assert!(self.output.len() < OUTPUT_LIMIT + 32 * 1024, "replies grow without bounds");
        debug_assert!(self.effects.len() <= 8, "effects pile up: {:?}", self.effects);
    }
}

fn overtakes(line: &[u8]) -> bool {
    // STAT of a path is a listing: it waits its turn.
    let (_, argument) = command::split(line);
    is_verb(line, Verb::Abor) || (is_verb(line, Verb::Stat) && argument.is_none())
}

fn is_verb(line: &[u8], verb: Verb) -> bool {
    verb::find(command::split(line).0).is_some_and(|rule| rule.verb == verb)
}
