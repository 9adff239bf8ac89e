//! Effects: carrying out what sessions ask for, the shell's half of the boundary.

use std::net::SocketAddr;
use std::time::Duration;

use super::super::events;
use super::super::file_work::Terms;
use super::super::logins::{Grant, Judged, permissions};
use super::super::siblings::Place;
use super::files::Request;
use super::turn::FileNews;
use super::{Input, Peer, Turn};
use crate::fs::RootPath;
use crate::net::{Link, Role};
use crate::proto::command::Secret;
use crate::session::{Answer, DataEvent, Effect, FileOp, Verdict};
use crate::transfer::State;
use crate::users::{Account, RequireTls, is_anonymous};

/// Verdict on a right password that is of no use, for a reason of ours: nobody is to pay for it.
const OUR_TROUBLE: Verdict = Verdict::Denied(Duration::ZERO);

impl Peer {
    /// Carries out effects, until one of them has an input for the session at once, or there are no
    /// more.
    pub(super) fn carry_out(&mut self, turn: &mut Turn<'_>) -> Option<Input> {
        while let Some(effect) = self.session.effect() {
            let input = match effect {
                Effect::Secure => {
                    self.control.begin_securing();
                    None
                }
                Effect::Clear => {
                    self.control.begin_clearing();
                    None
                }
                Effect::SecureData => {
                    self.data.begin_handshake();
                    None
                }
                Effect::Recognise { name } => self.recognise(name, turn),
                Effect::Verify { name, secret } => self.verify(name, secret, turn),
                Effect::File(operation) => self.ask_files(operation, turn),
                Effect::Listen => Some(Input::Answer(Answer::Listening(self.listen(turn)))),
                Effect::Connect(address) => self.connect(address, turn),
                Effect::Start => self.start(turn),
                Effect::Abort => {
                    self.drop_transfer(turn);
                    None
                }
                Effect::HangUp => {
                    self.control.begin_closing(turn.now);
                    None
                }
            };
            if input.is_some() {
                return input;
            }
        }
        None
    }

    /// True if the client has shown the certificate of this user.
    fn certifies(&self, account: &Account) -> bool {
        let certificate = account.certificate.as_deref();
        certificate.is_some_and(|name| self.control.is_certified_as(name))
    }

    /// Obeys the verdict on the login that is being checked.
    pub(in crate::server) fn judge(&mut self, judged: Judged, turn: &mut Turn<'_>) {
        if self.login.take().is_none() {
            return;
        }
        let input = match judged {
            Judged::Right(grant) => self.enter(grant, turn),
            Judged::Wrong(delay) => Some(Input::Answer(Answer::Login(Verdict::Denied(delay)))),
            Judged::Found(account) => match account.filter(|account| self.certifies(account)) {
                Some(account) => self.enter(Grant::of(&account), turn),
                None => Some(Input::Answer(Answer::Login(Verdict::Unrecognised))),
            },
            Judged::TooMany => Some(Input::Answer(Answer::Login(Verdict::Busy))),
        };
        if let Some(input) = input {
            self.tell(input, turn);
        }
    }

    /// Has it looked up whether the certificate that the client has shown is that of the user of this
    /// name.
    fn recognise(&mut self, name: Vec<u8>, turn: &mut Turn<'_>) -> Option<Input> {
        let from = (self.key(), self.session.client());
        self.login = Some(turn.shared.logins.recognise(from, name, turn.now));
        None
    }

    fn verify(&mut self, name: Vec<u8>, secret: Secret, turn: &mut Turn<'_>) -> Option<Input> {
        if is_anonymous(&name)
            && turn.shared.admits_anonymous
            && let Some(access) = self.host.anonymous()
        {
            let permissions = permissions(access, &self.host.config.anonymous_in);
            let grant = Grant { permissions, root: None, require_tls: RequireTls::Off };
            return self.enter(grant, turn);
        }
        let from = (self.key(), self.session.client());
        self.login = Some(turn.shared.logins.verify(from, name, secret, turn.now));
        None
    }

    fn enter(&mut self, grant: Grant, turn: &mut Turn<'_>) -> Option<Input> {
        let path = match &grant.root {
            Some(path) => RootPath::User(path.clone()),
            None => RootPath::Server(self.host.config.root.clone()),
        };
        self.request(Request::Enter(path, grant), turn)
    }

    fn ask_files(&mut self, operation: FileOp, turn: &mut Turn<'_>) -> Option<Input> {
        #[cfg(feature = "testing")]
        if let Some(input) = self.meet_fault(&operation) {
            return Some(input);
        }
        let terms = Terms {
            partial_uploads: self.host.config.partial_uploads,
            replacing: self.host.config.replacing,
            durable: self.host.config.durable,
            wall_clock: turn.shared.wall_clock,
        };
        self.request(Request::File(operation, terms), turn)
    }

    /// Has the transfer that an operation opens meet the fault that is meant for it.
    #[cfg(feature = "testing")]
    fn meet_fault(&mut self, operation: &FileOp) -> Option<Input> {
        use crate::config::FaultEffect;
        let opens = matches!(
            operation,
            FileOp::OpenDownload(..) | FileOp::OpenUpload(..) | FileOp::OpenListing(_)
        );
        if !opens {
            return None;
        }
        match self.host.faults.next(operation) {
            Some(FaultEffect::Refuse { code, text }) => {
                let refusal = crate::fs::Refusal::Scripted(code, text);
                Some(Input::Answer(Answer::File(Err(refusal))))
            }
            effect => {
                self.data.meet(effect);
                None
            }
        }
    }

    fn request(&mut self, request: Request, turn: &mut Turn<'_>) -> Option<Input> {
        let news = self.files.request(request, &mut turn.budget, turn.shared, turn.now);
        self.file_input(news, turn)
    }

    fn start(&mut self, turn: &mut Turn<'_>) -> Option<Input> {
        self.data.start(self.data_input());
        let news = self.files.begin_transfer(&mut turn.budget, turn.shared, turn.now);
        self.file_input(news, turn)
    }

    fn listen(&mut self, turn: &mut Turn<'_>) -> Option<SocketAddr> {
        self.join_siblings(turn);
        let local = self.control.scoped(SocketAddr::new(self.session.local(), 0));
        let client = self.session.client();
        let lease = turn.shared.lease(local, client, self.key(), turn.now)?;
        let address = lease.address();
        self.data.await_client(lease);
        Some(address)
    }

    fn connect(&mut self, to: SocketAddr, turn: &mut Turn<'_>) -> Option<Input> {
        self.join_siblings(turn);
        let port = self.host.config.active_port.unwrap_or(0);
        let from = self.control.scoped(SocketAddr::new(self.session.local(), port));
        let to = self.control.scoped(to);
        if turn.shared.listens_on(to) {
            return Some(Input::Data(DataEvent::OwnListener));
        }
        let connecting = Link::connect(from, to).and_then(|mut link| {
            link.register(&mut turn.shared.poller, self.key().slot(), Role::Data)?;
            Ok(link)
        });
        match connecting {
            Ok(link) => {
                self.data.await_connect(link);
                None
            }
            Err(error) => Some(Input::Data(DataEvent::Broken(events::loss(&error)))),
        }
    }

    /// Counts the session among those of its user, before it has a data connection.
    fn join_siblings(&mut self, turn: &mut Turn<'_>) {
        if let (Some(place), Some(user)) = (self.data.place(), self.session.logged_in()) {
            let client = self.session.client();
            turn.shared.siblings.join(Place { client, user }, place);
        }
    }

    /// Input that news of the files are to the session.
    pub(super) fn file_input(&mut self, news: FileNews, turn: &mut Turn<'_>) -> Option<Input> {
        match news {
            FileNews::Pending => None,
            FileNews::Answer(result) => Some(Input::Answer(Answer::File(result))),
            FileNews::Verdict(verdict) => Some(Input::Answer(Answer::Login(verdict))),
            FileNews::RootMissing(path, error) => {
                events::record_root_missing(&self.session, path.path(), &error);
                Some(Input::Answer(Answer::Login(OUR_TROUBLE)))
            }
            FileNews::Stepped(State::Spent | State::Blocked | State::NeedsWorker) => None,
            FileNews::Stepped(State::Ended) => {
                debug_assert!(false, "only a step with the connection sees its end");
                None
            }
            FileNews::Stepped(State::Broken(error)) => {
                self.drop_transfer(turn);
                Some(Input::Data(DataEvent::Broken(events::loss(&error))))
            }
            FileNews::Stepped(State::Refused(refusal)) => {
                self.drop_transfer(turn);
                Some(Input::Data(DataEvent::Refused(refusal)))
            }
            FileNews::Failed(reason) => {
                self.control.fail(reason);
                None
            }
        }
    }

    /// Drops the data connection and what was opened for it; an upload counts as cut off.
    pub(super) fn drop_transfer(&mut self, turn: &mut Turn<'_>) {
        self.give_up_data(turn);
        self.files.drop_all(turn.shared, turn.now);
    }

    /// Gives the data connection up, in whatever state it is.
    pub(super) fn give_up_data(&mut self, turn: &mut Turn<'_>) {
        if let Some(lease) = self.data.give_up(turn.now) {
            turn.shared.lease_unused(lease, self.session.id(), turn.now);
        }
    }
}
