//! The data connection: PORT and EPRT make it, PASV and EPSV await it, ABOR drops it.

use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV4};
use std::time::Instant;

use super::dtp::{Data, Transfer};
use super::waiting::Waiting;
use super::{DataEvent, Effect, Session};
use crate::proto::command::Epsv;
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
        self.drop_data();
        self.data = Data::Connecting;
        self.waiting = Some(Waiting::Connection { since: now });
        self.effects.push_back(Effect::Connect(address));
    }

    /// EPRT. lftp sends `|2|::|port|` on IPv6: the address that it listens on, which is all of them.
    /// The peer of the control connection is meant.
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
    pub(super) fn listen(&mut self) {
        if self.parameters.epsv_only {
            return self.reply(Reply::EpsvWasPromised);
        }
        if self.local.is_ipv6() {
            return self.reply(Reply::PassiveNeedsV4);
        }
        self.await_connection(false);
    }

    /// EPSV.
    pub(super) fn extended_listen(&mut self, protocol: Epsv) {
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
        self.await_connection(true);
    }

    fn await_connection(&mut self, extended: bool) {
        self.drop_data();
        self.waiting = Some(Waiting::Listening { extended });
        self.effects.push_back(Effect::Listen);
    }

    pub(super) fn listening(&mut self, extended: bool, address: Option<SocketAddr>) {
        let Some(address) = address else { return self.reply(Reply::NoPassivePort) };
        self.data = Data::Listening;
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

    /// What came of the data connection, or of the transfer over it.
    pub(super) fn data_event(&mut self, event: DataEvent, now: Instant) {
        match (event, self.data) {
            (DataEvent::Connected, Data::Connecting) => {
                self.waiting = None;
                self.data = Data::Open;
                self.reply(Reply::DataEstablished);
            }
            (DataEvent::Connected, Data::Listening) => {
                self.data = Data::Open;
                self.start_if_ready(now);
            }
            (DataEvent::Connected, Data::None | Data::Open) => {
                debug_assert!(false, "a connection that nobody waits for");
            }
            (DataEvent::Secured, _) => self.data_secured(now),
            (DataEvent::NotResumed, _) => self.not_resumed(),
            (DataEvent::Moved(bytes), _) => self.moved(bytes, now),
            (DataEvent::Ended, _) => self.ended(now),
            (DataEvent::Broken, _) => self.broken(),
            (DataEvent::Refused(refusal), _) => self.refused_midway(refusal),
        }
    }

    /// ABOR, which is answered in every state (RFC 959, 4.1.3).
    pub(super) fn abort(&mut self) {
        if self.connecting() {
            self.waiting = None;
            self.reply(Reply::CannotConnect);
        } else if self.transfer.as_deref().and_then(Transfer::settles).is_some() {
            self.complete();
        } else if self.transfer.is_some() {
            self.log_transfer("aborted");
            self.reply(Reply::TransferAborted);
        } else if self.waiting.is_some() {
            // A checksum or a copy: what takes time on our side can be given up as well.
            self.stop_working();
        }
        self.drop_data();
        self.reply(Reply::Aborted);
    }

    /// The data connection is lost, or never came to be.
    pub(super) fn broken(&mut self) {
        if self.connecting() {
            self.waiting = None;
            self.reply(Reply::CannotConnect);
        } else if self.transfer.as_deref().is_some_and(Transfer::is_opening) {
            // Told when the files have answered.
            self.data = Data::None;
            return;
        } else if self.transfer.as_deref().is_some_and(Transfer::is_securing) {
            self.log_transfer("no TLS on its data connection");
            self.reply(Reply::HandshakeFailed);
        } else if self.transfer.as_deref().is_some_and(Transfer::can_break) {
            self.log_transfer("broken");
            self.reply(Reply::DataBroken);
        } else if self.works() {
            self.stop_working();
        }
        self.drop_data();
    }

    /// The data connection is not the client's own, as far as TLS can tell.
    fn not_resumed(&mut self) {
        self.log_transfer("its data connection did not resume the TLS session");
        self.drop_data();
        self.reply(Reply::NotResumed);
    }

    fn stop_working(&mut self) {
        self.waiting = None;
        self.give_up();
        self.reply(Reply::TransferAborted);
    }

    /// Whether a checksum or a copy is being made.
    pub(super) fn works(&self) -> bool {
        matches!(&self.waiting, Some(Waiting::File(question)) if question.takes_time())
    }

    pub(super) fn connecting(&self) -> bool {
        matches!(self.waiting, Some(Waiting::Connection { .. }))
    }

    /// Forgets the data connection and the transfer, and has the shell drop what it holds.
    pub(super) fn drop_data(&mut self) {
        if self.data != Data::None || self.transfer.is_some() {
            self.data = Data::None;
            self.transfer = None;
            self.give_up();
        }
    }

    /// Has the shell drop what it holds, or does. What it has not begun, it must not begin: what
    /// came of it would be taken for news of what is begun next.
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
