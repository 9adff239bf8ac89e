//! The guard watches over what must be under TLS, by what is said and asked for.

use crate::session::{Answer, Effect, Settings, Verdict};
use crate::users::RequireTls;

pub(super) struct Guard {
    /// Requirement of the settings; `None` if there is no TLS.
    tls: Option<RequireTls>,
    implicit: bool,
    /// The control connection is under TLS.
    secure: bool,
    certified: bool,
    /// PBSZ was said.
    sized: bool,
    /// Data connections are to be under TLS.
    private: bool,
    /// Requirement of the user's account.
    of_user: RequireTls,
    /// The change of the control connection that was announced, and is now to be asked for.
    announced: Option<Effect>,
    /// A change was asked for and is not yet answered.
    changing: bool,
}

impl Guard {
    pub(super) fn new(settings: &Settings, implicit: bool) -> Guard {
        Guard {
            tls: settings.tls,
            implicit,
            secure: false,
            certified: false,
            sized: false,
            private: implicit,
            of_user: RequireTls::Off,
            announced: implicit.then_some(Effect::Secure),
            changing: false,
        }
    }

    fn required(&self) -> RequireTls {
        self.tls.unwrap_or_default().max(self.of_user)
    }

    /// A line of a reply.
    pub(super) fn hear(&mut self, line: &[u8]) {
        let shown = line.escape_ascii();
        assert!(self.announced.is_none() && !self.changing, "said on the way to TLS: {shown}");
        assert!(self.secure || !self.implicit, "said in clear: {shown}");
        let of_all = self.tls.unwrap_or_default();
        match line.get(..3).unwrap_or_default() {
            b"331" => {
                assert!(self.secure || of_all == RequireTls::Off, "a name in clear");
                self.of_user = RequireTls::Off;
            }
            b"230" | b"232" => {
                assert!(self.secure || self.required() == RequireTls::Off, "a login in clear");
                assert!(self.certified || !line.starts_with(b"232"), "no certificate was shown");
            }
            b"530" => self.of_user = RequireTls::Off,
            b"234" => {
                assert!(self.tls.is_some() && !self.secure, "TLS that cannot be");
                self.of_user = RequireTls::Off;
                self.announced = Some(Effect::Secure);
            }
            b"220" if line.starts_with(b"220 Ready for a new user") => {
                self.of_user = RequireTls::Off;
                self.sized = false;
                self.private = self.implicit;
                self.announced = (self.secure && !self.implicit).then_some(Effect::Clear);
            }
            b"200" => self.hear_okay(line),
            _ => {}
        }
    }

    fn hear_okay(&mut self, line: &[u8]) {
        if line.starts_with(b"200 PBSZ") {
            assert!(self.secure, "PBSZ in clear");
            self.sized = true;
        } else if line.starts_with(b"200 Data connections go") {
            assert!(self.secure && self.sized, "PROT before its time");
            self.private = line.ends_with(b"by TLS.");
            assert!(self.private || self.required() < RequireTls::Data, "PROT C");
        } else if line.starts_with(b"200 This connection goes on in clear") {
            assert!(self.secure && !self.implicit && self.required() == RequireTls::Off, "CCC");
            self.announced = Some(Effect::Clear);
        }
    }

    /// Secure or Clear is asked for.
    pub(super) fn change(&mut self, effect: &Effect) {
        assert_eq!(self.announced.as_ref(), Some(effect), "a change that nobody expects");
        assert_eq!(self.secure, *effect == Effect::Clear, "it is so already");
        self.announced = None;
        self.changing = true;
    }

    /// Behind AUTH data connections are private only if its argument said so.
    pub(super) fn set_privacy(&mut self, private: bool) {
        self.private = private;
    }

    pub(super) fn told(&mut self, answer: &Answer) {
        match answer {
            Answer::Secured { certified } => {
                (self.changing, self.secure, self.certified) = (false, true, *certified);
            }
            Answer::Cleared => {
                (self.changing, self.secure, self.certified) = (false, false, false);
                self.sized = false;
            }
            Answer::Login(Verdict::Granted(_, required)) => self.of_user = *required,
            _ => {}
        }
    }

    pub(super) fn recognise(&self) {
        assert!(self.secure && self.certified, "no certificate was shown");
    }

    pub(super) fn secure_data(&self) {
        assert!(self.private, "TLS that nobody asked for");
    }

    /// A transfer starts, over a data connection that is under TLS or not.
    pub(super) fn start(&self, secured: bool) {
        assert_eq!(secured, self.private, "a transfer starts otherwise than PROT said");
        assert!(secured || self.required() < RequireTls::Data, "a transfer starts in clear");
    }

    /// After each input, once all is done.
    pub(super) fn check(&self) {
        assert_eq!(self.announced, None, "announced, and not done");
    }
}
