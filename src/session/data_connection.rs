//! Data connection: PORT and EPRT make it, PASV and EPSV await it, ABOR drops it. Their
//! wishes go to the machine of [`dtp`](super::dtp), whose outcomes become replies and effects here.

use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV4};
use std::time::Instant;

use super::dtp::{Input, Outcome};
use super::event::TransferEnd;
use super::waiting::Waiting;
use super::{DataEvent, Effect, Event, Session};
use crate::proto::command::{Epsv, Protection};
use crate::proto::hostport;
use crate::proto::reply::Reply;

/// Ports that nobody may be made to connect to (RFC 2577, 3).
const PRIVILEGED_PORTS: u16 = 1024;

impl Session {
    /// PORT: the connection is made at once, and the reply tells what came of it.
    pub(super) fn connect(&mut self, address: SocketAddr, now: Instant) {
        if self.parameters.epsv_only {
            return self.reply(Reply::EpsvWasPromised);
        }
        if address.ip() != self.client || address.port() < PRIVILEGED_PORTS {
            return self.reply(Reply::ForeignAddress);
        }
        self.drop_data(TransferEnd::Aborted, now);
        self.tell_dtp(Input::Connect, now);
        self.effects.push_back(Effect::Connect(address));
    }

    /// EPRT. lftp sends `|2|::|port|` on IPv6: the address that it listens on, which is all of
    /// them. The peer of the control connection is meant.
    pub(super) fn extended_connect(&mut self, mut address: SocketAddr, now: Instant) {
        if address.ip() == Ipv6Addr::UNSPECIFIED && self.client.is_ipv6() {
            address.set_ip(self.client);
        }
        if !self.parameters.epsv_only && address.is_ipv4() != self.client.is_ipv4() {
            return self.reply(Reply::UseProtocol(self.usable_protocol()));
        }
        self.connect(address, now);
    }

    /// PASV.
    pub(super) fn listen(&mut self, now: Instant) {
        if self.parameters.epsv_only {
            return self.reply(Reply::EpsvWasPromised);
        }
        if self.local.is_ipv6() {
            return self.reply(Reply::PassiveNeedsV4);
        }
        self.await_connection(false, now);
    }

    /// EPSV.
    pub(super) fn extended_listen(&mut self, protocol: Epsv, now: Instant) {
        let usable = match protocol {
            Epsv::Same => true,
            Epsv::V4 => self.local.is_ipv4(),
            Epsv::V6 => self.local.is_ipv6(),
            Epsv::All => {
                self.parameters.epsv_only = true;
                return self.reply(Reply::OnlyEpsv);
            }
        };
        if !usable {
            return self.reply(Reply::UseProtocol(self.usable_protocol()));
        }
        self.await_connection(true, now);
    }

    fn await_connection(&mut self, extended: bool, now: Instant) {
        self.drop_data(TransferEnd::Aborted, now);
        self.waiting = Some(Waiting::Listening { extended });
        self.effects.push_back(Effect::Listen);
    }

    /// The answer to PASV or EPSV.
    pub(super) fn listening(&mut self, extended: bool, address: Option<SocketAddr>, now: Instant) {
        let Some(address) = address else { return self.reply(Reply::NoPassivePort) };
        self.tell_dtp(Input::Listen, now);
        match (extended, self.settings.passive_address, address.ip()) {
            (true, ..) => {
                let text = hostport::epsv_text(address.port());
                self.reply(Reply::ExtendedPassive(&text));
            }
            (false, Some(announced), _) | (false, None, IpAddr::V4(announced)) => {
                let text = hostport::pasv_text(SocketAddrV4::new(announced, address.port()));
                self.reply(Reply::Passive(&text));
            }
            (false, None, IpAddr::V6(_)) => {
                debug_assert!(false, "PASV was refused on an IPv6 connection");
                self.reply(Reply::PassiveNeedsV4);
            }
        }
    }

    /// News of the data connection, or of the transfer over it.
    pub(super) fn data_event(&mut self, event: DataEvent, now: Instant) {
        let input = match event {
            DataEvent::Connected => Input::Connected(self.security.protection()),
            DataEvent::Secured => Input::Secured,
            DataEvent::EndedEarly => Input::EndedEarly,
            DataEvent::Moved(bytes) => Input::Moved(bytes),
            DataEvent::Ended => Input::Ended,
            DataEvent::OwnListener => {
                self.drop_data(TransferEnd::Aborted, now);
                return self.reply(Reply::ForeignAddress);
            }
            DataEvent::NotResumed => Input::Failed(TransferEnd::NotResumed),
            DataEvent::Broken(loss) => Input::Failed(TransferEnd::Lost(loss)),
            DataEvent::Refused(refusal) => Input::Failed(TransferEnd::Refused(refusal)),
        };
        self.tell_dtp(input, now);
    }

    /// Tells the data transfer process, and does what follows.
    pub(super) fn tell_dtp(&mut self, input: Input, now: Instant) {
        let outcome = self.dtp.tell(input, now);
        self.follow(outcome, now);
    }

    pub(super) fn follow(&mut self, outcome: Outcome, now: Instant) {
        match outcome {
            Outcome::Nothing | Outcome::Awaited => {}
            Outcome::Established(protection) => {
                self.reply(Reply::DataEstablished);
                if protection == Protection::Private {
                    self.effects.push_back(Effect::SecureData);
                }
            }
            Outcome::Unreachable(end) => {
                if let TransferEnd::Lost(loss) = end {
                    self.events.push_back(Event::Unreachable { user: self.user_name(), loss });
                }
                self.give_up();
                self.reply(Reply::CannotConnect);
            }
            // The shell would drop the checksum or copy with it.
            Outcome::Dropped if self.works() => self.stop_working(),
            Outcome::Dropped => self.give_up(),
            Outcome::Secure => self.effects.push_back(Effect::SecureData),
            Outcome::Start => {
                self.tell_beginning();
                self.effects.push_back(Effect::Start);
            }
            Outcome::Finish => self.finish_upload(),
            Outcome::Refused(transfer, refusal) => self.refused_to_open(*transfer, refusal, now),
            Outcome::Over(stage, transfer, end) => self.over(stage, *transfer, end, now),
        }
    }

    /// ABOR, which is answered in every state (RFC 959, 4.1.3).
    pub(super) fn abort(&mut self, now: Instant) {
        self.stop_working();
        self.tell_dtp(Input::End(TransferEnd::Aborted), now);
        self.reply(Reply::Aborted);
    }

    /// A checksum or a copy is given up: what takes time on our side can be stopped as well.
    pub(super) fn stop_working(&mut self) {
        if self.works() {
            self.waiting = None;
            self.give_up();
            self.reply(Reply::TransferAborted);
        }
    }

    /// True if a checksum or a copy is being made.
    pub(super) fn works(&self) -> bool {
        matches!(&self.waiting, Some(Waiting::File(question, _)) if question.takes_time())
    }

    /// Forgets the data connection and the transfer, and has the shell drop what it holds; the
    /// client is told nothing.
    pub(super) fn drop_data(&mut self, end: TransferEnd, now: Instant) {
        match self.dtp.tell(Input::End(end), now) {
            Outcome::Nothing => {}
            Outcome::Over(stage, transfer, end) => {
                self.tell_end(stage, *transfer, end, now);
                self.give_up();
            }
            _ => self.give_up(),
        }
    }

    /// Has the shell drop what it holds, or does. Whatever the shell has not begun, it must not
    /// begin: what came of that would be taken for news of what is begun next.
    pub(super) fn give_up(&mut self) {
        self.effects.retain(|effect| match effect {
            Effect::Connect(_) | Effect::SecureData | Effect::Start => false,
            Effect::File(operation) => !operation.takes_time(),
            Effect::Secure | Effect::Clear | Effect::Recognise { .. } | Effect::Verify { .. } => {
                true
            }
            Effect::Listen | Effect::Abort | Effect::HangUp => true,
        });
        if self.effects.back() != Some(&Effect::Abort) {
            self.effects.push_back(Effect::Abort);
        }
    }

    /// The network protocols that EPRT and EPSV can use here, as RFC 2428 lists them.
    pub(super) fn usable_protocol(&self) -> &'static str {
        if self.local.is_ipv4() { "(1)" } else { "(2)" }
    }
}
