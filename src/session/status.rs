//! STAT and FEAT: what the session is doing, and what it can.

use std::time::Instant;

use super::Session;
use crate::proto::coding::{Mode, Representation};
use crate::proto::reply::Reply;

impl Session {
    pub(super) fn features(&mut self) {
        let security = self.security_features();
        self.reply(Reply::Features(self.parameters.facts, self.parameters.algorithm, security));
    }

    pub(super) fn status(&mut self, now: Instant) {
        let login = match self.login.permissions() {
            Some(permissions) => format!("Logged in, may {}", permissions.anywhere()),
            None => "Not logged in".to_owned(),
        };
        let control = if self.security.is_secure() { " by TLS" } else { "" };
        let representation = match self.parameters.coding.representation {
            Representation::Ascii => "ASCII",
            Representation::Image => "Binary",
        };
        let mode = match self.parameters.coding.mode {
            Mode::Stream => "Stream",
            Mode::Deflate => "Deflate",
        };
        let data = self.dtp.describe();
        let seconds = self.timestamps.age(now).as_secs();
        let text = format!(
            "packetboat status:\nConnected from {}{control} for {seconds} seconds\n{login}\n\
             TYPE: {representation}, MODE: {mode}, STRU: File\nData connection: {data}\n\
             End of status.",
            self.client,
        );
        self.reply(Reply::Status(&text));
    }
}
