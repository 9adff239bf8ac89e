//! A peer's connections on their way into TLS, and out of it.

use std::io;
use std::time::Instant;

use super::super::events;
use super::super::scheduler::Handshake;
use super::super::shared::Shared;
use super::{DataLink, Lost, Peer};
use crate::config::SessionReuse;
use crate::net::{Input, Role};
use crate::session::{Answer, DataEvent, Disconnect};

/// What becomes of a control connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) enum ControlChange {
    /// It comes under TLS.
    Secure,
    /// It leaves TLS.
    Clear,
}

impl Peer {
    /// Goes on with what is to become of the control connection.
    pub(in crate::server) fn change_control(
        &mut self,
        shared: &mut Shared,
        now: Instant,
    ) -> Result<bool, Lost> {
        let Some(change) = self.change else { return Ok(false) };
        // What was said before is said as before.
        if !self.session.output().is_empty() {
            return Ok(false);
        }
        let changed = match change {
            ControlChange::Secure => self.secure_control(shared),
            ControlChange::Clear => self.control.leave_tls(),
        };
        match changed {
            Ok(false) => return Ok(false),
            Ok(true) => self.change = None,
            Err(error) => {
                let (id, client) = (self.session.id(), self.session.client());
                log::info!("#{id} {client} TLS on the control connection: {error}");
                return Err(Lost(Disconnect::Failed("TLS failed")));
            }
        }
        self.session.answer(
            match change {
                ControlChange::Secure => Answer::Secured { certified: self.control.is_certified() },
                ControlChange::Clear => Answer::Cleared,
            },
            now,
        );
        self.carry_out(shared, now);
        Ok(true)
    }

    fn secure_control(&mut self, shared: &mut Shared) -> io::Result<bool> {
        if !self.control.is_secure() {
            let Some(tls) = &shared.tls else { return Err(io::ErrorKind::Unsupported.into()) };
            self.control.secure(tls, self.session.id(), Input::Commands)?;
        }
        if self.control.is_readable() && !shared.may_shake_hands(Handshake::Control) {
            self.in_line = Some(Handshake::Control);
            return Ok(false);
        }
        self.control.handshake()
    }

    /// Goes on with the handshake of the data connection.
    pub(in crate::server) fn secure_data(&mut self, shared: &mut Shared, now: Instant) -> bool {
        let id = self.session.id();
        let input = match self.pump.as_ref().is_some_and(|pump| pump.is_upload()) {
            true => Input::File { strict: shared.strict_close },
            false => Input::None,
        };
        let (true, DataLink::Open(link)) = (self.securing, &mut self.data) else { return false };
        if link.is_readable() && !shared.may_shake_hands(Handshake::Data) {
            self.in_line = Some(Handshake::Data);
            return false;
        }
        // By what the control connection has, even if there is a newer certificate by now.
        let begun = match self.control.tls().or(shared.tls.as_ref()) {
            _ if link.is_secure() => Ok(()),
            Some(tls) => link.secure(tls, id, input),
            None => Err(io::ErrorKind::Unsupported.into()),
        };
        let event = match begun.and_then(|()| link.handshake()) {
            Ok(false) => match link.register(&mut shared.poller, self.key.slot(), Role::Data) {
                Ok(_) => return false,
                Err(error) => DataEvent::Broken(events::loss(&error)),
            },
            Ok(true) => match shared.session_reuse {
                SessionReuse::Require if !link.has_resumed() => DataEvent::NotResumed,
                SessionReuse::Off | SessionReuse::Prefer | SessionReuse::Require => {
                    DataEvent::Secured
                }
            },
            Err(error) => DataEvent::Broken(events::loss(&error)),
        };
        self.securing = false;
        if event != DataEvent::Secured {
            self.drop_transfer(shared, now);
        }
        self.session.data(event, now);
        self.carry_out(shared, now);
        true
    }
}
