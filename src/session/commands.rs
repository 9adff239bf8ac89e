//! From lines to deeds: which command may be obeyed now, whether it is allowed, and who does it.

use std::time::Instant;

use super::dtp::Input;
use super::event::{Event, TransferEnd, TransferKind};
use super::waiting::{FileQuestion, Waiting};
use super::{FileOp, OUTPUT_LIMIT, Phase, Session};
use crate::proto::command::{self, Command, Misuse, Request};
use crate::proto::foreign::{self, Foreign};
use crate::proto::line::Line;
use crate::proto::reply::Reply;
use crate::proto::verb::{self, Restart, Verb};

impl Session {
    /// Obeys what may be obeyed.
    pub(super) fn advance(&mut self, now: Instant) {
        loop {
            self.overtake(now);
            while self.may_obey() {
                let Some(line) = self.lines.pop() else { break };
                self.timestamps.last_active = now;
                self.obey(line, now);
                self.overtake(now);
            }
            // No line of text begins so, and the rest of it may never come.
            if self.lines.is_binary()
                && self.lines.is_empty()
                && self.may_obey()
                && self.is_stranger()
            {
                self.turn_away(Foreign::Binary, now);
            }
            if !self.is_orphan() {
                break;
            }
            self.desert(now);
        }
        match self.phase {
            Phase::Open if self.input_ended && self.may_obey() && self.lines.is_empty() => {
                self.hang_up(now);
            }
            Phase::Leaving if self.dtp.transfer().is_none() => {
                self.cut_status();
                if !self.changes() {
                    self.reply(Reply::ShuttingDown);
                }
                self.hang_up(now);
            }
            _ => {}
        }
        self.list_on(now);
        self.check();
    }

    fn may_obey(&self) -> bool {
        let free = self.waiting.is_none() && !self.dtp.is_busy();
        self.phase == Phase::Open && free && self.output.len() < OUTPUT_LIMIT
    }

    /// While a transfer runs or a connection is being made, ABOR and STAT act at once, wherever
    /// in the queue they stand.
    fn overtake(&mut self, now: Instant) {
        while self.may_be_overtaken() && self.output.len() < OUTPUT_LIMIT {
            let Some(line) = self.lines.take_first(overtakes) else { return };
            self.timestamps.last_active = now;
            self.obey(Line::Whole(line), now);
        }
    }

    fn may_be_overtaken(&self) -> bool {
        match &self.waiting {
            None => self.dtp.is_busy() && self.phase != Phase::Over,
            Some(Waiting::File(question, _)) => question.takes_time(),
            _ => false,
        }
    }

    /// True if data moves to a client that has left without QUIT, or long work is done for it. An
    /// upload is read to the end of what was sent.
    fn is_orphan(&self) -> bool {
        (self.dtp.ends_with_client() || self.works()) && self.has_hung_up()
    }

    /// True if the client has left without QUIT.
    pub(super) fn has_hung_up(&self) -> bool {
        self.input_ended && !self.lines.holds(is_quit)
    }

    /// Breaks off what the client will not be there to see.
    fn desert(&mut self, now: Instant) {
        self.stop_working();
        self.tell_dtp(Input::End(TransferEnd::ControlLost), now);
    }

    /// One line: checked by what is the same for every verb, login first, then permission, then
    /// syntax; then done.
    fn obey(&mut self, line: Line, now: Instant) {
        let foreign = match &line {
            Line::Whole(line) => foreign::recognise(line),
            Line::Binary => Some(Foreign::Binary),
            Line::Dirty | Line::TooLong => None,
        };
        if let Some(foreign) = foreign
            && self.is_stranger()
        {
            return self.turn_away(foreign, now);
        }
        let request = match line {
            Line::Whole(line) => match command::parse(&line) {
                Ok(request) => {
                    if self.settings.traces {
                        let name = request.rule.name.as_bytes();
                        let shown = if request.rule.secret { name.to_vec() } else { line };
                        self.events.push_back(Event::Command(shown));
                    }
                    request
                }
                Err(misuse @ Misuse::Unrecognised) => return self.unrecognised(misuse, now),
                Err(misuse) => return self.reply(Reply::Misuse(misuse)),
            },
            Line::Dirty | Line::Binary => return self.reply(Reply::DirtyLine),
            Line::TooLong => return self.reply(Reply::LineTooLong),
        };
        if request.rule.restart == Restart::Forgets {
            self.parameters.range = None;
        }
        match self.login.permissions() {
            None if request.rule.login => self.reply(Reply::NotLoggedIn),
            Some(permissions) if request.rule.write && !permissions.anywhere().writes() => {
                self.refuse_writing(request);
            }
            _ => match request.command {
                Ok(command) => self.perform(command, now),
                Err(Misuse::Protocol)
                    if self.parameters.epsv_only && request.rule.verb == Verb::Eprt =>
                {
                    self.reply(Reply::EpsvWasPromised);
                }
                Err(Misuse::Protocol) => self.reply(Reply::UseProtocol(self.usable_protocol())),
                Err(misuse) => self.reply(Reply::Misuse(misuse)),
            },
        }
    }

    /// True if nobody is logged in: then whoever speaks another protocol is sent away.
    fn is_stranger(&self) -> bool {
        !self.login.is_granted()
    }

    /// A user who may only read wants to write.
    fn refuse_writing(&mut self, request: Request) {
        let cause = TransferEnd::ReadOnlyUser;
        match request.command {
            Ok(Command::Stor(path) | Command::Appe(path)) => {
                self.refuse_transfer(TransferKind::Upload, self.path(&path), cause);
            }
            Ok(Command::Stou) => {
                let folder = self.parameters.folder.clone();
                self.refuse_transfer(TransferKind::UniqueUpload, folder, cause);
            }
            _ => self.reply(Reply::ReadOnlyUser),
        }
    }

    fn perform(&mut self, command: Command, now: Instant) {
        match command {
            Command::User(name) => self.user(name, now),
            Command::Pass(secret) => self.pass(secret),
            Command::Acct => self.reply(Reply::NoAccounts),
            Command::Rein => self.reinitialise(now),
            Command::Quit => self.quit(now),

            Command::Auth(protection) => self.secure(protection, now),
            Command::Pbsz => self.set_buffer_size(),
            Command::Prot(protection) => self.set_protection(protection, now),
            Command::Ccc => self.clear_control(now),

            Command::Port(address) => self.connect(address, now),
            Command::Eprt(address) => self.extended_connect(address, now),
            Command::Pasv => self.listen(now),
            Command::Epsv(protocol) => self.extended_listen(protocol, now),

            Command::Type(representation) => self.set_type(representation),
            Command::Mode(mode) => self.set_mode(mode),
            Command::Stru => self.reply(Reply::ParameterSet),
            Command::Rest(at) => self.restart_at(at),
            Command::Allo(bytes) => self.allocate(bytes),
            Command::Retr(path) => self.retrieve(&path, now),
            Command::Stor(path) => self.store(&path, now),
            Command::Appe(path) => self.append(&path, now),
            Command::Stou => self.store_unique(now),
            Command::List(options, path) => self.list(options, &path, now),
            Command::Nlst(options, path) => self.list_names(options, &path, now),
            Command::Mlsd(path) => self.list_facts(&path, now),
            Command::Rang(first, last) => self.choose_range(first, last),
            Command::Abor => self.abort(now),

            Command::Size(path) => self.size(&path),
            Command::Mdtm(path, otherwise) => self.modified_or_set(&path, otherwise),
            Command::Mlst(path) => self.facts_of(&path),
            Command::Avbl(path) => {
                self.ask(FileQuestion::Free, FileOp::FreeSpace(self.path(&path)))
            }
            Command::Mfmt(change, path) => self.set_facts(vec![change], &path),
            Command::Mff(changes, path) => self.set_facts(changes, &path),
            Command::SiteChmod(mode, path) => self.change_mode(mode, &path),
            Command::SiteUtime(change, path) => {
                self.ask(FileQuestion::Site, FileOp::Change(self.path(&path), vec![change]));
            }
            Command::SiteUmask(mask) => self.set_umask(mask),
            Command::SiteCpfr(path) => self.copy_from(self.path(&path)),
            Command::SiteCpto(path) => self.copy_to(self.path(&path)),
            Command::Comb(target, parts) => self.combine(&target, &parts),
            Command::Hash(path) => self.hash(&path),
            Command::Checksum(algorithm, target) => self.checksum(algorithm, target),
            Command::Pwd => self.print_folder(),
            Command::Cwd(path) => self.enter(self.path(&path)),
            Command::Cdup => self.enter(self.parameters.folder.parent()),
            Command::Mkd(path) => self.make_folder(self.path(&path)),
            Command::Rmd(path) => self.change(FileOp::RemoveDir(self.path(&path))),
            Command::Dele(path) => self.change(FileOp::RemoveFile(self.path(&path))),
            Command::Rnfr(path) => self.rename_from(self.path(&path)),
            Command::Rnto(path) => self.rename_to(self.path(&path)),

            Command::Syst => self.reply(Reply::System),
            Command::Noop => self.reply(Reply::Okay),
            Command::Feat => self.features(),
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
            Command::Stat(Some((options, path))) => self.status_of(options, &path),
        }
    }
}

fn overtakes(line: &[u8]) -> bool {
    let (name, argument) = command::split(line);
    verb::find(name).is_some_and(|rule| rule.may_overtake(argument))
}

fn is_quit(line: &[u8]) -> bool {
    verb::find(command::split(line).0).is_some_and(|rule| rule.verb == Verb::Quit)
}
