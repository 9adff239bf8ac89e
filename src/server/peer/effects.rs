//! Effects: carrying out what sessions ask for, the shell's half of the boundary.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use super::super::events;
use super::super::file_work::Terms;
use super::super::logins::{Admission, Grant};
use super::files::Request;
use super::{Input, Peer, Turn};
use crate::net::{Link, Role};
use crate::proto::command::Secret;
use crate::session::{Answer, DataEvent, Effect, FileOp, Verdict};
use crate::users::RequireTls;

/// Verdict on a right password that is of no use, for a reason of ours: nobody is to pay for it.
pub(super) const OUR_TROUBLE: Verdict = Verdict::Denied(Duration::ZERO);

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
                Effect::Recognise { name } => self.recognise(&name, turn),
                Effect::Verify { name, secret } => self.verify(&name, secret, turn),
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

    /// Obeys the password worker's verdict on the login that is being checked.
    pub(in crate::server) fn judge(&mut self, right: bool, turn: &mut Turn<'_>) {
        let Some(login) = self.login.take() else { return };
        let input = match login.grant.filter(|_| right) {
            Some(grant) => self.enter(grant, turn),
            None => {
                let delay = turn.shared.logins.failed(self.session.client(), turn.now);
                Some(Input::Answer(Answer::Login(Verdict::Denied(delay))))
            }
        };
        if let Some(input) = input {
            self.tell(input, turn);
        }
    }

    /// Looks whether the certificate that the client has shown is that of the user of this name.
    fn recognise(&mut self, name: &[u8], turn: &mut Turn<'_>) -> Option<Input> {
        let account = self.host.account(name).filter(|account| {
            let certificate = account.certificate.as_deref();
            certificate.is_some_and(|name| self.control.is_certified_as(name))
        });
        match account {
            Some(account) => self.enter(Grant::of(&account), turn),
            None => Some(Input::Answer(Answer::Login(Verdict::Unrecognised))),
        }
    }

    fn verify(&mut self, name: &[u8], secret: Secret, turn: &mut Turn<'_>) -> Option<Input> {
        let client = self.session.client();
        let verdict = match turn.shared.logins.admit(self.key, client, &self.host, name, secret) {
            Admission::Granted(access) => {
                self.files.enter_root(Rc::clone(&self.host.root));
                Verdict::Granted(access, RequireTls::Off)
            }
            Admission::Checking(login) => {
                self.login = Some(Box::new(login));
                return None;
            }
            Admission::Busy => Verdict::Busy,
        };
        Some(Input::Answer(Answer::Login(verdict)))
    }

    fn enter(&mut self, grant: Grant, turn: &mut Turn<'_>) -> Option<Input> {
        self.request(Request::Enter(grant, Rc::clone(&self.host.root)), turn)
    }

    fn ask_files(&mut self, operation: FileOp, turn: &mut Turn<'_>) -> Option<Input> {
        let terms = Terms {
            partial_uploads: self.host.config.partial_uploads,
            durable: self.host.config.durable,
            wall_clock: turn.shared.wall_clock,
        };
        self.request(Request::File(operation, terms), turn)
    }

    fn request(&mut self, request: Request, turn: &mut Turn<'_>) -> Option<Input> {
        let news = self.files.request(request, &mut turn.budget, turn.shared, turn.now);
        self.file_input(news, turn)
    }

    fn start(&mut self, turn: &mut Turn<'_>) -> Option<Input> {
        self.data.start();
        let news = self.files.begin_transfer(&mut turn.budget, turn.shared, turn.now);
        self.file_input(news, turn)
    }

    fn listen(&mut self, turn: &mut Turn<'_>) -> Option<SocketAddr> {
        let (local, client) = (self.session.local(), self.session.client());
        let lease = turn.shared.lease(local, client, self.key, turn.now)?;
        let address = lease.address();
        self.data.await_client(lease);
        Some(address)
    }

    fn connect(&mut self, to: SocketAddr, turn: &mut Turn<'_>) -> Option<Input> {
        let port = self.host.config.active_port.unwrap_or(0);
        let from = SocketAddr::new(self.session.local(), port);
        let connecting = Link::connect(from, to).and_then(|mut link| {
            link.register(&mut turn.shared.poller, self.key.slot(), Role::Data)?;
            Ok(link)
        });
        match connecting {
            Ok(link) => {
                self.data.await_connect(link);
                None
            }
            Err(error) => {
                log::warn!("#{} cannot connect from {from} to {to}: {error}", self.session.id());
                Some(Input::Data(DataEvent::Broken(events::loss(&error))))
            }
        }
    }
}
