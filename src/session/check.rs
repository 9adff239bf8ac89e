//! Check of a session after every input, in debug builds: what must hold, and what must not.

use super::dtp::Dtp;
use super::waiting::{FileQuestion, Waiting};
use super::{OUTPUT_LIMIT, Phase, Session};

impl Session {
    /// Invariants that hold after every input.
    pub(super) fn check(&self) {
        let opening = matches!(self.waiting, Some(Waiting::File(FileQuestion::Open, _)));
        let finishing = matches!(self.waiting, Some(Waiting::File(FileQuestion::Finish, _)));
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
        debug_assert!(self.login.is_granted() || idle, "data for somebody who has not logged in");
        debug_assert!(self.output.len() < OUTPUT_LIMIT + 32 * 1024, "replies grow without bounds");
        debug_assert!(self.effects.len() <= 8, "effects pile up: {:?}", self.effects);
    }
}
