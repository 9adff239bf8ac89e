//! The whole boundary of a session as plain data: what it asks for, and what it is told.

use std::net::SocketAddr;
use std::time::Duration;

use super::event::DataLoss;
use super::permissions::Permissions;
use crate::fs::{NewFile, Refusal, UploadMode};
use crate::proto::checksum::Algorithm;
use crate::proto::coding::Coding;
use crate::proto::command::{Change, Secret};
use crate::proto::facts::Facts;
use crate::proto::list_options::ListOptions;
use crate::proto::listing::{Perms, Style};
use crate::proto::path::VPath;
use crate::users::RequireTls;

/// Something for the shell to do. Each of `Secure`, `Clear`, `Recognise`, `Verify`, `File` and
/// `Listen` is a question that is answered by one [`Answer`]; `Connect`, `SecureData` and `Start` are
/// answered by [`DataEvent`]s.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Put the control connection under TLS, once all output is sent; answered by
    /// [`Answer::Secured`]. Where the handshake fails the session has nobody to talk to any more.
    Secure,
    /// Leave TLS on the control connection, once all output is sent; answered by
    /// [`Answer::Cleared`].
    Clear,
    /// Put the data connection under TLS, whether there is a transfer for it or not; answered by
    /// [`DataEvent::Secured`], [`DataEvent::EndedEarly`], [`DataEvent::NotResumed`] or
    /// [`DataEvent::Broken`].
    SecureData,
    /// Is the certificate that the client has shown this user's? Answered by [`Answer::Login`].
    Recognise {
        /// The name as it was given, known or not.
        name: Vec<u8>,
    },
    /// Check a password; answered by [`Answer::Login`].
    Verify {
        /// The name as it was given, known or not.
        name: Vec<u8>,
        /// The password as it was given.
        secret: Secret,
    },
    /// Work on files; answered by [`Answer::File`].
    File(FileOp),
    /// Await a data connection of this client; answered by [`Answer::Listening`], and by
    /// [`DataEvent::Connected`] when it comes.
    Listen,
    /// Connect to the client, from the control connection's own address; answered by
    /// [`DataEvent::Connected`], [`DataEvent::OwnListener`] or [`DataEvent::Broken`].
    Connect(SocketAddr),
    /// Move what was opened over the data connection, both of which the shell holds.
    Start,
    /// Drop the data connection, in whatever state it is, and what was opened: an upload that has
    /// begun counts as cut off. All output is sent before the client sees the connection go.
    Abort,
    /// Send what there is to send, then close. The last effect of a session.
    HangUp,
}

/// Work on files, one piece, beneath the user's root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileOp {
    /// The facts of a name, links followed; → [`FileDone::Facts`].
    Facts(VPath),
    /// Is there something of this name, a link not followed? → [`FileDone::Done`].
    Exists(VPath),
    /// May a session stand in this folder? → [`FileDone::Done`].
    Enter(VPath),
    /// With this umask, or that of the process; → [`FileDone::Done`].
    MakeDir(VPath, Option<u16>),
    /// → [`FileDone::Done`].
    RemoveDir(VPath),
    /// → [`FileDone::Done`].
    RemoveFile(VPath),
    /// From one name to another, in place of a file of that name or not; → [`FileDone::Done`].
    Rename(VPath, VPath, Target),
    /// Bytes that can be stored in this folder; → [`FileDone::Free`].
    FreeSpace(VPath),
    /// Set facts of a file; → [`FileDone::Done`].
    Change(VPath, Vec<Change>),
    /// Compute a checksum; the answer takes its time; → [`FileDone::Checksum`].
    Checksum(VPath, Algorithm, ByteRange),
    /// Copy a file to another name; the answer takes its time; → [`FileDone::Done`].
    Copy(VPath, VPath, UploadMode, NewFile),
    /// Join files behind what the first one holds, if it is there; the answer takes its time;
    /// → [`FileDone::Done`].
    Combine(VPath, Vec<VPath>, NewFile),
    /// Open a file, to send these bytes of it; → [`FileDone::Opened`].
    OpenDownload(VPath, ByteRange, Coding),
    /// Prepare an upload, touching nothing yet; → [`FileDone::Done`].
    OpenUpload(VPath, UploadMode, NewFile, Coding),
    /// Open a listing; → [`FileDone::Done`].
    OpenListing(Listing),
    /// The next lines of the listing that is open, for the control connection; the answer may take
    /// its time; → [`FileDone::Lines`].
    NextLines,
    /// The upload has arrived whole: put it under its name; → [`FileDone::Done`].
    FinishUpload,
    /// The upload has arrived whole, and may take a free name only: where there is a file it is
    /// dropped, and the refusal is `Exists`. One written in place is finished; → [`FileDone::Done`].
    FinishNewUpload,
}

impl FileOp {
    /// True if the answer takes its time, so that [`Effect::Abort`] may come in between.
    pub fn takes_time(&self) -> bool {
        matches!(self, FileOp::Checksum(..) | FileOp::Copy(..) | FileOp::Combine(..))
    }
}

/// Name that something is to get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// May be that of a file, which is replaced.
    Any,
    /// Must be free.
    Free,
}

/// Bytes of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ByteRange {
    /// The first.
    pub from: u64,
    /// The one after the last; `None` means the end of the file.
    pub to: Option<u64>,
}

/// Listing that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// A folder, a single file, or, if nothing has that name, a shell pattern in any of its
    /// components.
    pub path: VPath,
    /// Path as the client spelled it; empty for the current folder.
    pub spelled: Vec<u8>,
    /// Spelling of a line.
    pub style: Style,
    /// Letters of the `perm` fact.
    pub perms: Perms,
    /// Options of the client's.
    pub options: ListOptions,
    /// Coding of the lines on a data connection; of no account on the control connection.
    pub coding: Coding,
}

/// Result of a [`FileOp`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileDone {
    /// The work is done.
    Done,
    /// A file is open, of which so many bytes are to be sent.
    Opened(u64),
    /// The facts of the file.
    Facts(Facts),
    /// Bytes that are free.
    Free(u64),
    /// A checksum.
    Checksum {
        /// In hexadecimal digits.
        digits: String,
        /// The byte after the last one that counts.
        end: u64,
    },
    /// Whole lines of a listing, each with CRLF; none means that there are no more.
    Lines(Vec<u8>),
}

/// The answer to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// To [`Effect::Secure`].
    Secured {
        /// True if the client has shown a certificate that the server trusts.
        certified: bool,
    },
    /// To [`Effect::Clear`].
    Cleared,
    /// To [`Effect::Verify`] and [`Effect::Recognise`].
    Login(Verdict),
    /// To [`Effect::File`].
    File(Result<FileDone, Refusal>),
    /// To [`Effect::Listen`]: where connections are awaited, if a port could be had.
    Listening(Option<SocketAddr>),
}

/// Verdict on a password or a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The user may come in, and do this, if so much is under TLS.
    Granted(Permissions, RequireTls),
    /// The certificate is not this user's: a password is needed.
    Unrecognised,
    /// The name or the password is wrong; the reply waits for so long.
    Denied(Duration),
    /// Too many passwords wait to be checked.
    Busy,
}

/// News of the data connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataEvent {
    /// The data connection stands.
    Connected,
    /// The data connection is under TLS.
    Secured,
    /// The client has ended the data connection in place of its TLS handshake: it has nothing to
    /// say. An upload can start, and is empty.
    EndedEarly,
    /// The data connection did not resume the TLS session of the control connection, as it must.
    /// The shell has dropped it.
    NotResumed,
    /// The address to connect to is one of the server's own listeners. Nothing was connected.
    OwnListener,
    /// Bytes of the transfer that have moved since the last time.
    Moved(u64),
    /// The transfer came to its clean end: all is sent, or the client has sent its FIN. The shell
    /// has dropped the connection, and the file of a download.
    Ended,
    /// The data connection could not be made, or it broke. The shell has dropped it, and what bytes
    /// moved of.
    Broken(DataLoss),
    /// The disk refused in mid-transfer. The shell has dropped the connection and what was opened.
    Refused(Refusal),
}
