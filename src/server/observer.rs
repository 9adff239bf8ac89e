//! Observer of a server: what happens in its sessions, told to another thread.

use std::net::IpAddr;
use std::time::Duration;

use crate::config::Transfer;
use crate::session::{self, NameChange, TransferEnd, TransferKind};

/// Event in a session. Names are as text; bytes that are no UTF-8 are replaced.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Running number of the session, from 1 on.
    pub session: u64,
    /// Address of the client.
    pub client: IpAddr,
    /// User who is logged in, or wants to be; empty before that.
    pub user: String,
    /// Event, as it happened.
    pub kind: EventKind,
}

/// Kind of an [`Event`].
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// A user has logged in.
    LoggedIn,
    /// A user could not log in.
    LoginRefused,
    /// A name was made, removed, renamed or changed, by this verb.
    Changed {
        /// MKD, RMD, DELE, RNTO, MFF (all that sets facts), CPTO or COMB.
        verb: &'static str,
        /// Path of the name, as clients see it; of two, the new one.
        path: String,
    },
    /// A transfer was refused before it began.
    Refused {
        /// Kind of the transfer.
        transfer: Transfer,
        /// Path, as clients see it.
        path: String,
        /// Why, in words.
        why: String,
    },
    /// A transfer has ended. Of an upload that is complete the whole file stands under its name.
    Ended {
        /// Kind of the transfer.
        transfer: Transfer,
        /// Path, as clients see it.
        path: String,
        /// Bytes that moved over the data connection.
        bytes: u64,
        /// Time from the transfer's beginning.
        duration: Duration,
        /// `Ok` if it is complete, else why not, in words.
        result: Result<(), String>,
    },
    /// The session is over.
    Disconnected,
}

impl Event {
    /// Event of a session for observers; `None` for what they are not told.
    pub(super) fn of(session: u64, client: IpAddr, event: &session::Event) -> Option<Event> {
        use session::Event as Happened;
        let (user, kind): (&[u8], _) = match event {
            Happened::LoggedIn { user, .. } => (user, EventKind::LoggedIn),
            Happened::LoginRefused { user, .. } => (user, EventKind::LoginRefused),
            Happened::Changed { user, change, result: Ok(()) } => {
                let (verb, path) = changed(change);
                (user, EventKind::Changed { verb, path: text(path) })
            }
            Happened::TransferRefused { user, kind, path, cause } => {
                let (transfer, path, why) =
                    (of_kind(*kind), text(path.as_bytes()), cause.to_string());
                (user, EventKind::Refused { transfer, path, why })
            }
            Happened::TransferEnded { user, kind, path, bytes, duration, end } => {
                let result = match end {
                    TransferEnd::Complete => Ok(()),
                    end => Err(end.to_string()),
                };
                let (transfer, path) = (of_kind(*kind), text(path.as_bytes()));
                let (bytes, duration) = (*bytes, *duration);
                (user, EventKind::Ended { transfer, path, bytes, duration, result })
            }
            Happened::Disconnected { user, .. } => {
                (user.as_deref().unwrap_or_default(), EventKind::Disconnected)
            }
            Happened::Command(_) | Happened::Reply(_) | Happened::Notice(_) => return None,
            Happened::Changed { result: Err(_), .. } => return None,
            Happened::Unreachable { .. } | Happened::TransferBegun { .. } => return None,
        };
        Some(Event { session, client, user: text(user), kind })
    }
}

fn changed(change: &NameChange) -> (&'static str, &[u8]) {
    match change {
        NameChange::MakeDir(path) => ("MKD", path.as_bytes()),
        NameChange::RemoveDir(path) => ("RMD", path.as_bytes()),
        NameChange::RemoveFile(path) => ("DELE", path.as_bytes()),
        NameChange::Rename { to, .. } => ("RNTO", to.as_bytes()),
        NameChange::Facts(path, _) => ("MFF", path.as_bytes()),
        NameChange::Copy { to, .. } => ("CPTO", to.as_bytes()),
        NameChange::Combine { target, .. } => ("COMB", target.as_bytes()),
    }
}

fn of_kind(kind: TransferKind) -> Transfer {
    match kind {
        TransferKind::Download => Transfer::Download,
        TransferKind::Upload | TransferKind::UniqueUpload => Transfer::Upload,
        TransferKind::Listing | TransferKind::Facts => Transfer::Listing,
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
