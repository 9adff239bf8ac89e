//! Events: the one place that turns what happened into lines of the log. One event is at most one
//! line, and each begins with the session's number and the client's address.

use std::fmt::{self, Display};
use std::io;
use std::net::IpAddr;
use std::path::Path;
#[cfg(feature = "testing")]
use std::sync::mpsc::Sender;
use std::time::Duration;

use log::Level;

#[cfg(feature = "testing")]
use super::observer;

use crate::config::{Users, UsersNews};
use crate::fs::Refusal;
use crate::net::{Lease, Stranger};
use crate::proto::command::Change;
use crate::proto::date;
use crate::proto::escaped::Escaped;
use crate::proto::foreign::Foreign;
use crate::proto::path::VPath;
use crate::session::{
    DataLoss, Disconnect, Event, LoginRefusal, NameChange, Notice, Session, TransferEnd,
    TransferKind,
};

/// Recorder of what happens in sessions.
#[derive(Debug, Default)]
pub(super) struct Events {
    /// Observer that is told as well.
    #[cfg(feature = "testing")]
    observer: Option<Sender<observer::Event>>,
}

impl Events {
    /// Recorder with an observer.
    #[cfg(feature = "testing")]
    pub(super) fn observed(observer: Option<Sender<observer::Event>>) -> Events {
        Events { observer }
    }

    /// Records everything that has happened in a session since the last call.
    pub(super) fn record_all(&self, session: &mut Session) {
        while let Some(event) = session.event() {
            record(session.id(), session.client(), &event);
            #[cfg(feature = "testing")]
            if let Some(sender) = &self.observer
                && let Some(event) = observer::Event::of(session.id(), session.client(), &event)
            {
                // The observer may have gone.
                let _ = sender.send(event);
            }
        }
    }
}

/// Records one event of a session.
fn record(id: u64, client: IpAddr, event: &Event) {
    let level = level(event);
    if log::log_enabled!(level) {
        log::log!(level, "#{id} {client} {}", Line(event));
    }
}

/// Records a connection that came to a passive port without a lease.
pub(super) fn record_stranger(stranger: &Stranger) {
    let Stranger { from, to, awaited } = stranger;
    match awaited {
        Some(awaited) => log::info!(
            "a data connection from {from} to {to} is closed: that port awaits {awaited}"
        ),
        None => log::debug!("a data connection from {from} to {to} is closed: nobody awaits it"),
    }
}

/// Records a PASV for which there is no port.
pub(super) fn record_no_passive_port(client: IpAddr, error: &io::Error) {
    match error.kind() {
        io::ErrorKind::QuotaExceeded => log::info!("no passive port for {client}: {error}"),
        _ => log::warn!("no passive port for {client}: {error}; more: --passive-ports LOW-HIGH"),
    }
}

/// Records a lease of a passive port whose connection was waited for so long and did not come, and
/// the clients of whom none ever arrives.
pub(super) fn record_unused_lease(
    session: u64,
    lease: &Lease,
    waited: Duration,
    never_arrive: Option<&str>,
) {
    let (client, port, seconds) = (lease.client(), lease.address(), waited.as_secs());
    let level = if seconds > 0 { Level::Info } else { Level::Debug };
    log::log!(level, "#{session} {client} did not come to its passive port {port} in {seconds} s");
    if let Some(clients) = never_arrive {
        log::warn!(
            "passive data connections of clients from {clients} never arrive: if this server is \
             behind NAT or a firewall, let --passive-ports LOW-HIGH through to it and announce its \
             public address with --passive-address"
        );
    }
}

/// Records what came of a look at the users file.
pub(super) fn record_users(news: &UsersNews, users: &Users) {
    match news {
        UsersNews::Read { path, users: count } => {
            log::info!("{path}: read again, {count} users");
            record_beyond_reach(users);
        }
        UsersNews::Bad(words) => {
            log::error!("{words}; until that is mended the users stay as they were");
        }
    }
}

/// Records the users whose roots the sandbox keeps shut.
pub(super) fn record_beyond_reach(users: &Users) {
    for line in users.beyond_reach() {
        log::warn!("{line}");
    }
}

/// Records a control connection that could not come under TLS, or leave it.
pub(super) fn record_tls_failure(session: &Session, error: &io::Error) {
    log::info!("#{} {} could not come under TLS: {error}", session.id(), session.client());
}

/// Records a login that failed for want of the user's root, a trouble of ours.
pub(super) fn record_root_missing(session: &Session, path: &Path, error: &io::Error) {
    let (id, client, path) = (session.id(), session.client(), path.display());
    log::error!("#{id} {client} cannot log in: the user's root {path}: {error}");
}

/// Records a listing that was not put in the order that its client asked for.
pub(super) fn record_unsorted(session: &Session) {
    let (id, client) = (session.id(), session.client());
    log::info!("#{id} {client} asked for an order in a folder of too many names to be sorted");
}

/// Words of the kernel or of TLS for the loss of a data connection.
pub(super) fn loss(error: &io::Error) -> DataLoss {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => DataLoss::NoCloseNotify,
        _ => DataLoss::Failed(error.to_string().into()),
    }
}

fn level(event: &Event) -> Level {
    match event {
        Event::Command(_) | Event::Reply(_) | Event::TransferBegun { .. } => Level::Debug,
        Event::LoggedIn { .. } | Event::Unreachable { .. } => Level::Info,
        Event::LoginRefused { .. } => Level::Warn,
        Event::Changed { result: Ok(()), .. } => Level::Info,
        Event::Changed { result: Err(_), .. } => Level::Debug,
        Event::TransferRefused { .. } | Event::TransferEnded { .. } => Level::Info,
        Event::Notice(Notice::Smuggled | Notice::BareLineFeed) => Level::Warn,
        Event::Notice(Notice::Foreign(_) | Notice::ManyUnknown) => Level::Warn,
        Event::Notice(_) => Level::Info,
        Event::Disconnected { known: true, .. } => Level::Info,
        Event::Disconnected { known: false, .. } => Level::Debug,
    }
}

/// Line of an event, without the session's number and address.
struct Line<'a>(&'a Event);

impl Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Event::Command(line) => write!(f, "command: {}", Escaped(line)),
            Event::Reply(text) => write!(f, "reply: {}", Escaped(text)),
            Event::LoggedIn { user, access } => {
                write!(f, "{} logged in, may {access}", Escaped(user))
            }
            Event::LoginRefused { user, cause } => {
                // The first is what programs look for that ban addresses.
                let why = match cause {
                    LoginRefusal::WrongPassword => "",
                    LoginRefusal::TlsRequired => ": may do so under TLS only",
                    LoginRefusal::Busy => ": too many logins at once",
                };
                write!(f, "{} could not log in{why}", Escaped(user))
            }
            Event::Changed { user, change, result } => changed(f, user, change, result),
            Event::Unreachable { user, loss } => {
                write!(f, "{} gets no data connection: it {loss}", Escaped(user))
            }
            Event::TransferRefused { user, kind, path, cause } => {
                let verb = match kind {
                    TransferKind::Download => "fetch",
                    TransferKind::Upload | TransferKind::UniqueUpload => "store",
                    TransferKind::Listing | TransferKind::Facts => "list",
                };
                let why = plain(cause);
                write!(f, "{} could not {verb} {}: {why}", Escaped(user), shown(path))
            }
            Event::TransferBegun { user, kind, path } => {
                let verb = match kind {
                    TransferKind::Download => "fetches",
                    TransferKind::Upload | TransferKind::UniqueUpload => "stores",
                    TransferKind::Listing | TransferKind::Facts => "lists",
                };
                write!(f, "{} {verb} {}", Escaped(user), shown(path))
            }
            Event::TransferEnded { user, kind, path, bytes, duration, end } => {
                let verb = match kind {
                    TransferKind::Download => "fetched",
                    TransferKind::Upload | TransferKind::UniqueUpload => "stored",
                    TransferKind::Listing | TransferKind::Facts => "listed",
                };
                let seconds = duration.as_secs_f64();
                write!(f, "{} {verb} {}: ", Escaped(user), shown(path))?;
                write!(f, "{} in {seconds:.2} s", Bytes(*bytes))?;
                ended(f, end)
            }
            Event::Notice(notice) => f.write_str(match notice {
                Notice::Smuggled => "sent on before the connection was as agreed",
                Notice::BareLineFeed => {
                    "ends its lines in LF alone: nothing is answered before a CR LF"
                }
                Notice::Foreign(Foreign::Http) => {
                    "is turned away: it speaks HTTP, as a web page in somebody's browser would"
                }
                Notice::Foreign(Foreign::Binary) => {
                    "is turned away: it sends no text, but TLS or the like"
                }
                Notice::ManyUnknown => "is turned away: too many unknown commands before a login",
                Notice::Idle => "said nothing for too long",
                Notice::NoLogin => "did not log in in time",
                Notice::UploadKept => "hung up behind its upload, which is kept",
                Notice::OldFileStays => {
                    "hung up behind its upload, so the old file stays; --replace-on-hangup replaces it"
                }
                Notice::NoCloseNotify => {
                    "ended an upload without close_notify, so it counts as cut off; for clients that \
                     never send it: --tls-close lenient"
                }
                Notice::RepliesUnread => "doesn't read its replies",
                Notice::LeftWaiting => "left, and waited for an answer too long",
                Notice::NoTls => "does not come under TLS, or out of it",
            }),
            Event::Disconnected { user, known: _, cause, sent, received, age } => {
                let user = user.as_deref().unwrap_or_default();
                let blank = if user.is_empty() { "" } else { " " };
                write!(f, "{}{blank}", Escaped(user))?;
                disconnected(f, *cause, *age)?;
                write!(f, ", {} sent, {} received", Amount(*sent), Amount(*received))
            }
        }
    }
}

fn changed(
    f: &mut fmt::Formatter<'_>,
    user: &[u8],
    change: &NameChange,
    result: &Result<(), Refusal>,
) -> fmt::Result {
    let verbs = match change {
        NameChange::MakeDir(_) => ["made folder", "make folder"],
        NameChange::RemoveDir(_) => ["removed folder", "remove folder"],
        NameChange::RemoveFile(_) => ["deleted", "delete"],
        NameChange::Rename { .. } => ["renamed", "rename"],
        NameChange::Facts(..) => ["changed", "change"],
        NameChange::Copy { .. } => ["copied", "copy"],
        NameChange::Combine { .. } => ["appended", "append"],
    };
    match result {
        Ok(()) => write!(f, "{} {} ", Escaped(user), verbs[0])?,
        Err(_) => write!(f, "{} could not {} ", Escaped(user), verbs[1])?,
    }
    match change {
        NameChange::MakeDir(path) | NameChange::RemoveDir(path) | NameChange::RemoveFile(path) => {
            write!(f, "{}", shown(path))?;
        }
        NameChange::Rename { from, to } | NameChange::Copy { from, to } => {
            write!(f, "{} to {}", shown(from), shown(to))?;
        }
        NameChange::Facts(path, changes) => {
            write!(f, "{}", shown(path))?;
            for change in changes {
                match change {
                    Change::Modified(at) => write!(f, ", modified {}", date::mdtm(*at))?,
                    Change::Mode(mode) => write!(f, ", mode {mode}")?,
                }
            }
        }
        NameChange::Combine { target, parts } => {
            write!(f, "{parts} parts to {}", shown(target))?;
        }
    }
    match result {
        Ok(()) => Ok(()),
        Err(refusal) => write!(f, ": {}", plain(refusal)),
    }
}

/// End of a transfer's line: nothing for one that is complete.
fn ended(f: &mut fmt::Formatter<'_>, end: &TransferEnd) -> fmt::Result {
    match end {
        TransferEnd::Complete => Ok(()),
        _ => write!(f, ", cut off: {}", plain(end)),
    }
}

fn disconnected(f: &mut fmt::Formatter<'_>, cause: Disconnect, age: Duration) -> fmt::Result {
    let seconds = age.as_secs();
    match cause {
        Disconnect::Closed => write!(f, "left after {seconds} s"),
        Disconnect::Lost => write!(f, "lost its connection after {seconds} s"),
        Disconnect::Shutdown => write!(f, "stayed until the server shut down, {seconds} s"),
        Disconnect::Failed(why) => write!(f, "was dropped after {seconds} s ({why})"),
    }
}

fn shown(path: &VPath) -> Escaped<'_> {
    Escaped(path.as_bytes())
}

/// A sentence as part of a line: without its capital and its full stop.
fn plain(sentence: &impl Display) -> String {
    let mut words = sentence.to_string();
    if words.ends_with('.') {
        words.pop();
    }
    // A word of capitals alone is a name, as TLS is.
    let is_name = words.chars().take(2).all(|letter| letter.is_ascii_uppercase());
    if let (false, Some(first)) = (is_name, words.get_mut(..1)) {
        first.make_ascii_lowercase();
    }
    words
}

/// Length in bytes, exactly.
struct Bytes(u64);

impl Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, if self.0 == 1 { "byte" } else { "bytes" })
    }
}

/// Amount of data, in the largest unit of which there is one.
struct Amount(u64);

impl Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ..1_000 => write!(f, "{}", Bytes(self.0)),
            1_000..1_000_000 => write!(f, "{} kB", self.0 / 1_000),
            1_000_000..1_000_000_000 => write!(f, "{} MB", self.0 / 1_000_000),
            _ => write!(f, "{}.{} GB", self.0 / 1_000_000_000, self.0 / 100_000_000 % 10),
        }
    }
}

#[cfg(test)]
mod tests;
