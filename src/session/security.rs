//! TLS as the session knows it: what is secure and what is not, and what must be (RFC 4217).

use std::time::Instant;

use super::waiting::Waiting;
use super::{Effect, Notice, Session, TransferEnd};
use crate::proto::command::{Misuse, Protection};
use crate::proto::reply::Reply;
use crate::proto::verb::Verb;
use crate::users::RequireTls;

/// Protection of the two connections.
#[derive(Debug, Default)]
pub(super) struct Security {
    /// The control connection is under TLS.
    secure: bool,
    /// TLS was there from the first byte on, and stays.
    implicit: bool,
    /// The client has shown a certificate that the server trusts.
    certified: bool,
    /// PBSZ was said.
    sized: bool,
    protection: Protection,
    /// TLS that the user's account asks for.
    of_user: RequireTls,
    /// An upload has ended without close_notify, which the operator was told of.
    close_notify_missed: bool,
}

impl Security {
    /// For a client that is to begin with a TLS handshake, or for one that is not. The first means
    /// everything to be private, data too, and clients of that time don't say so.
    pub(super) fn new(implicit: bool) -> Security {
        let mut security = Security { implicit, ..Security::default() };
        security.begin_anew();
        security
    }

    /// PBSZ and PROT are as if never said.
    fn begin_anew(&mut self) {
        self.sized = false;
        self.protection = if self.implicit { Protection::Private } else { Protection::Clear };
    }

    /// Protection of data connections.
    pub(super) fn protection(&self) -> Protection {
        self.protection
    }

    /// Notes that an upload ended without close_notify: whether one had before.
    pub(super) fn close_notify_missed(&mut self) -> bool {
        std::mem::replace(&mut self.close_notify_missed, true)
    }

    pub(super) fn is_secure(&self) -> bool {
        self.secure
    }
}

impl Session {
    /// AUTH: whoever was logged in in clear is forgotten, and nothing may come behind it: it would
    /// be in clear, from anybody, and be taken for the client's.
    pub(super) fn secure(&mut self, protection: Protection, now: Instant) {
        if self.settings.tls.is_none() {
            return self.reply(Reply::Misuse(Misuse::NotImplemented));
        }
        if self.security.secure {
            return self.reply(Reply::SecureAlready);
        }
        if self.lines.holds_anything() {
            return self.smuggled(now);
        }
        self.forget_user(now);
        self.security.protection = protection;
        self.reply(Reply::BeginTls);
        self.begin_handshake(now);
    }

    pub(super) fn begin_handshake(&mut self, now: Instant) {
        self.waiting = Some(Waiting::Securing { since: now });
        self.effects.push_back(Effect::Secure);
    }

    /// True if the control connection is on its way into TLS or out of it: nothing can be heard on
    /// it, nor said.
    pub(super) fn changes(&self) -> bool {
        matches!(self.waiting, Some(Waiting::Securing { .. } | Waiting::Clearing { .. }))
    }

    /// The control connection is secure.
    pub(super) fn secured(&mut self, certified: bool) {
        self.security.secure = true;
        self.security.certified = certified;
        if self.security.implicit {
            self.greet();
        }
    }

    /// True if the control connection is under TLS, as PBSZ, PROT and CCC need it; says so if not.
    fn has_tls(&mut self) -> bool {
        match self.settings.tls {
            _ if self.security.secure => return true,
            None => self.reply(Reply::Misuse(Misuse::NotImplemented)),
            Some(_) => self.reply(Reply::AuthFirst),
        }
        false
    }

    /// PBSZ.
    pub(super) fn set_buffer_size(&mut self) {
        if !self.has_tls() {
            return;
        }
        self.security.sized = true;
        self.reply(Reply::BufferSize);
    }

    /// PROT. A data connection that is under TLS already can't be in clear again.
    pub(super) fn set_protection(&mut self, protection: Protection, now: Instant) {
        if !self.has_tls() {
            return;
        }
        if !self.security.sized {
            return self.reply(Reply::BufferSizeFirst);
        }
        if protection == Protection::Clear && self.required() == RequireTls::Data {
            return self.reply(Reply::PrivateRequired);
        }
        if protection == Protection::Clear && self.dtp.is_private() {
            self.drop_data(TransferEnd::Aborted, now);
        }
        self.security.protection = protection;
        self.reply(Reply::ProtectionSet(protection));
    }

    /// CCC: the login was secure, the rest need not be; a firewall that reads PORT and PASV then
    /// can. Data connections stay as PROT has them.
    pub(super) fn clear_control(&mut self, now: Instant) {
        if !self.has_tls() {
            return;
        }
        if !self.may_clear() {
            return self.reply(Reply::TlsStays);
        }
        self.leave_tls(Reply::GoingClear, now);
    }

    /// REIN ends TLS as well (RFC 4217, 11), save where it is no option. Behind CCC that means data
    /// connections alone.
    pub(super) fn reinitialise(&mut self, now: Instant) {
        self.forget_user(now);
        self.security.begin_anew();
        if !self.security.secure || self.security.implicit {
            return self.reply(Reply::ReadyAgain);
        }
        self.leave_tls(Reply::ReadyAgain, now);
    }

    fn leave_tls(&mut self, reply: Reply<'_>, now: Instant) {
        if self.lines.holds_anything() {
            return self.smuggled(now);
        }
        self.reply(reply);
        self.waiting = Some(Waiting::Clearing { since: now });
        self.effects.push_back(Effect::Clear);
    }

    /// The control connection is in clear again.
    pub(super) fn cleared(&mut self) {
        self.security.secure = false;
        self.security.certified = false;
        self.security.sized = false;
    }

    fn smuggled(&mut self, now: Instant) {
        self.notice(Notice::Smuggled);
        self.reply(Reply::Smuggled);
        self.hang_up(now);
    }

    /// True if the client can be known by its certificate.
    pub(super) fn is_certified(&self) -> bool {
        self.security.certified
    }

    /// Requirement of the account that logs in; false if it is not met.
    pub(super) fn satisfies(&mut self, of_user: RequireTls) -> bool {
        let satisfied = of_user == RequireTls::Off || self.security.secure;
        self.security.of_user = if satisfied { of_user } else { RequireTls::Off };
        satisfied
    }

    /// True if a name may be said now.
    pub(super) fn may_name(&self) -> bool {
        self.security.secure || self.settings.tls.is_none_or(|required| required == RequireTls::Off)
    }

    /// True if a transfer may begin as data connections are protected now.
    pub(super) fn may_transfer(&self) -> bool {
        self.security.protection == Protection::Private || self.required() < RequireTls::Data
    }

    fn may_clear(&self) -> bool {
        !self.security.implicit && self.required() == RequireTls::Off
    }

    fn required(&self) -> RequireTls {
        self.settings.tls.unwrap_or_default().max(self.security.of_user)
    }

    /// Verbs of TLS that can be said at this moment, for FEAT.
    pub(super) fn security_features(&self) -> &'static [Verb] {
        match (self.settings.tls, self.security.secure) {
            (None, _) => &[],
            (Some(_), false) => &[Verb::Auth, Verb::Pbsz, Verb::Prot],
            (Some(_), true) if self.may_clear() => &[Verb::Ccc, Verb::Pbsz, Verb::Prot],
            (Some(_), true) => &[Verb::Pbsz, Verb::Prot],
        }
    }

    /// The login is over that may have asked for more than all do.
    pub(super) fn require_no_more(&mut self) {
        self.security.of_user = RequireTls::Off;
    }
}
