//! Data transfer process (RFC 959, 2.2): the data connection and the transfer over it.

use std::time::Instant;

use crate::proto::escaped::Escaped;
use crate::proto::path::VPath;

/// In what state the data connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Data {
    /// There is none.
    None,
    /// We connect to the client.
    Connecting,
    /// The client is to connect to us.
    Listening,
    /// It stands.
    Open,
}

/// A transfer under way.
#[derive(Debug)]
pub(super) struct Transfer {
    pub(super) kind: Kind,
    pub(super) path: VPath,
    pub(super) stage: Stage,
    /// How long an upload is to be, where ALLO is a promise.
    pub(super) promised: Option<u64>,
    /// The earliest moment for 226, where there is one.
    pub(super) settles: Option<Instant>,
    /// Bytes that moved so far, and when the last of them did (or when the stage began).
    pub(super) moved: u64,
    pub(super) moved_at: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Download,
    Upload,
    /// STOU, whose replies tell the name.
    UniqueUpload,
    Listing,
    /// MLSD, which has a reply of its own for what is no folder.
    Facts,
}

impl Kind {
    pub(super) fn is_upload(self) -> bool {
        match self {
            Kind::Upload | Kind::UniqueUpload => true,
            Kind::Download | Kind::Listing | Kind::Facts => false,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Opening,
    Awaiting,
    Securing,
    Running,
    Finishing,
    /// All is sent; only the 226 is still to come.
    Settling,
}

impl Transfer {
    pub(super) fn runs(&self) -> bool {
        self.stage == Stage::Running
    }

    pub(super) fn is_opening(&self) -> bool {
        self.stage == Stage::Opening
    }

    pub(super) fn is_securing(&self) -> bool {
        self.stage == Stage::Securing
    }

    pub(super) fn awaits(&self) -> bool {
        self.stage == Stage::Awaiting
    }

    /// When its 226 is due, if that is all that is left of it.
    pub(super) fn settles(&self) -> Option<Instant> {
        self.settles.filter(|_| self.stage == Stage::Settling)
    }

    /// Whether a lost connection still matters to it: while the files are asked it is the answer
    /// that decides, and finishing no longer needs a connection.
    pub(super) fn can_break(&self) -> bool {
        matches!(self.stage, Stage::Awaiting | Stage::Securing | Stage::Running)
    }

    /// What it does and with what, for STAT and the log.
    pub(super) fn describe(&self) -> String {
        let verb = match self.kind {
            Kind::Download => "sending",
            Kind::Upload | Kind::UniqueUpload => "storing",
            Kind::Listing | Kind::Facts => "listing",
        };
        format!("{verb} {}, {} bytes", Escaped(self.path.as_bytes()), self.moved)
    }
}
