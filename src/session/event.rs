//! Events: what happened in a session, told once. Nothing has to be done about them; whoever writes
//! logs, counts or calls hooks reads them.

use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use super::FileOp;
use crate::fs::Refusal;
use crate::proto::command::Change;
use crate::proto::foreign::Foreign;
use crate::proto::path::VPath;
use crate::users::{Access, Right};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A command came, where [`Settings::traces`](super::Settings::traces) is set: the line, or for
    /// one with a secret the verb alone.
    Command(Vec<u8>),
    /// A reply was written, where [`Settings::traces`](super::Settings::traces) is set.
    Reply(Vec<u8>),
    /// A user came in.
    LoggedIn {
        /// The user's name.
        user: Rc<[u8]>,
        /// Rights of the user.
        access: Access,
    },
    /// A user did not come in.
    LoginRefused {
        /// The name as it was given, known or not.
        user: Vec<u8>,
        /// Cause of the refusal.
        cause: LoginRefusal,
    },
    /// A name, or what is known of it, was changed, or the disk refused.
    Changed {
        /// User who asked for it.
        user: Rc<[u8]>,
        /// Change that was asked for.
        change: Box<NameChange>,
        /// Refusal, if it was not done.
        result: Result<(), Refusal>,
    },
    /// PORT or EPRT got no connection.
    Unreachable {
        /// User who asked for it.
        user: Rc<[u8]>,
        /// Cause of the failure.
        loss: DataLoss,
    },
    /// A transfer could not begin.
    TransferRefused {
        /// User who asked for it.
        user: Rc<[u8]>,
        /// Kind of the transfer.
        kind: TransferKind,
        /// File or folder that was meant.
        path: VPath,
        /// Cause of the refusal.
        cause: TransferEnd,
    },
    /// A transfer began: the shell was asked to move bytes.
    TransferBegun {
        /// User who asked for it.
        user: Rc<[u8]>,
        /// Kind of the transfer.
        kind: TransferKind,
        /// File or folder that was meant.
        path: VPath,
    },
    /// A transfer that had begun has ended.
    TransferEnded {
        /// User who asked for it.
        user: Rc<[u8]>,
        /// Kind of the transfer.
        kind: TransferKind,
        /// File or folder that was meant.
        path: VPath,
        /// Bytes that moved over the data connection.
        bytes: u64,
        /// Time that it took, from its beginning on.
        duration: Duration,
        /// End that it came to.
        end: TransferEnd,
    },
    /// The client did something worth a word.
    Notice(Notice),
    /// The session is over. The last event.
    Disconnected {
        /// User who was logged in at the end.
        user: Option<Rc<[u8]>>,
        /// True if anybody had logged in.
        known: bool,
        /// End that it came to.
        cause: Disconnect,
        /// Bytes of files and listings that went to the client.
        sent: u64,
        /// Bytes of files that came from it.
        received: u64,
        /// Age of the session.
        age: Duration,
    },
}

/// Refusal of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginRefusal {
    /// The name or the password is wrong.
    WrongPassword,
    /// The user may log in under TLS only.
    TlsRequired,
    /// Too many passwords wait to be checked.
    Busy,
}

/// A change of a name in the tree, or of what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameChange {
    /// MKD.
    MakeDir(VPath),
    /// RMD.
    RemoveDir(VPath),
    /// DELE.
    RemoveFile(VPath),
    /// RNFR and RNTO.
    Rename {
        /// The old name.
        from: VPath,
        /// The new one.
        to: VPath,
    },
    /// SITE CHMOD, SITE UTIME, MFMT, MFF, and MDTM that sets a time.
    Facts(VPath, Vec<Change>),
    /// SITE CPFR and SITE CPTO.
    Copy {
        /// The file.
        from: VPath,
        /// The copy.
        to: VPath,
    },
    /// COMB.
    Combine {
        /// The file that the parts were joined to.
        target: VPath,
        /// Number of parts, which are then removed.
        parts: usize,
    },
}

impl NameChange {
    /// The change that an operation makes, if it makes one. Uploads are told as transfers.
    pub(super) fn of(operation: &FileOp) -> Option<NameChange> {
        Some(match operation {
            FileOp::MakeDir(path, _) => NameChange::MakeDir(path.clone()),
            FileOp::RemoveDir(path) => NameChange::RemoveDir(path.clone()),
            FileOp::RemoveFile(path) => NameChange::RemoveFile(path.clone()),
            FileOp::Rename(from, to, _) => {
                NameChange::Rename { from: from.clone(), to: to.clone() }
            }
            FileOp::Change(path, changes) => NameChange::Facts(path.clone(), changes.clone()),
            FileOp::Copy(from, to, ..) => NameChange::Copy { from: from.clone(), to: to.clone() },
            FileOp::Combine(target, parts, _) => {
                NameChange::Combine { target: target.clone(), parts: parts.len() }
            }
            FileOp::Facts(_) | FileOp::Exists(_) | FileOp::Enter(_) | FileOp::FreeSpace(_) => {
                return None;
            }
            FileOp::Checksum(..) | FileOp::OpenDownload(..) | FileOp::OpenListing(_) => {
                return None;
            }
            FileOp::OpenUpload(..) | FileOp::FinishUpload | FileOp::FinishNewUpload => return None,
            FileOp::NextLines => return None,
        })
    }
}

/// Things that clients do, or don't, which somebody may want to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Bytes came behind AUTH, CCC or REIN, before the connection was as agreed.
    Smuggled,
    /// Lines end in LF alone, so that nothing is ever answered. Told once a session.
    BareLineFeed,
    /// Another protocol was spoken before login: maybe a web page has its reader's browser do so.
    Foreign(Foreign),
    /// Too many unknown commands came before login.
    ManyUnknown,
    /// Nothing was said for too long.
    Idle,
    /// Nobody logged in for too long.
    NoLogin,
    /// The client hung up behind its upload, which is kept under its name.
    UploadKept,
    /// The client hung up behind its upload, which would have replaced a file: that stays.
    OldFileStays,
    /// An upload ended without close_notify, and counts as cut off. Told once a session.
    NoCloseNotify,
    /// Replies are not read.
    RepliesUnread,
    /// The client left, and the answer that it waited for did not come.
    LeftWaiting,
    /// The control connection does not come under TLS, or out of it.
    NoTls,
}

/// End of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disconnect {
    /// The session had hung up, and the connection was closed.
    Closed,
    /// The control connection was lost.
    Lost,
    /// The server shut down.
    Shutdown,
    /// The session could not go on, for this reason.
    Failed(&'static str),
}

/// Kind of a transfer: what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransferKind {
    /// RETR.
    Download,
    /// STOR and APPE.
    Upload,
    /// STOU, whose replies tell the name.
    UniqueUpload,
    /// LIST and NLST.
    Listing,
    /// MLSD, which has a reply of its own for what is no folder.
    Facts,
}

impl TransferKind {
    /// True if bytes come from the client.
    pub fn is_upload(self) -> bool {
        match self {
            TransferKind::Upload | TransferKind::UniqueUpload => true,
            TransferKind::Download | TransferKind::Listing | TransferKind::Facts => false,
        }
    }
}

/// End of a transfer, or the cause why it could not begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransferEnd {
    /// All is where it belongs.
    Complete,
    /// ABOR.
    Aborted,
    /// The data connection broke.
    Lost(DataLoss),
    /// No byte moved for too long.
    Stalled,
    /// The upload has not the length that ALLO had promised, in bytes.
    WrongLength {
        /// The length of ALLO.
        promised: u64,
    },
    /// The disk refused.
    Refused(Refusal),
    /// The data connection did not resume the TLS session of the control connection, as it must.
    NotResumed,
    /// The data connection did not come under TLS.
    HandshakeFailed(DataLoss),
    /// Nobody came to the passive port.
    NobodyConnected,
    /// No data connection stood, nor was one agreed.
    NoDataConnection,
    /// Data connections must be under TLS.
    MustBePrivate,
    /// The user may only read.
    ReadOnlyUser,
    /// The user lacks this right there.
    Forbidden(Right),
    /// The client has left, or does not read its replies.
    ControlLost,
    /// The server shut down.
    Shutdown,
}

impl fmt::Display for TransferEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TransferEnd::Complete => f.write_str("complete"),
            TransferEnd::Aborted => f.write_str("aborted by the client"),
            TransferEnd::Lost(loss) => write!(f, "the data connection {loss}"),
            TransferEnd::Stalled => f.write_str("the data connection stood still for too long"),
            TransferEnd::WrongLength { promised } => {
                write!(f, "the client had promised {promised} bytes by ALLO")
            }
            TransferEnd::Refused(refusal) => write!(f, "{refusal}"),
            TransferEnd::NotResumed => {
                f.write_str("the data connection did not resume the TLS session")
            }
            TransferEnd::HandshakeFailed(loss) => {
                write!(f, "no TLS on the data connection, which {loss}")
            }
            TransferEnd::NobodyConnected => f.write_str("nobody opened the data connection"),
            TransferEnd::NoDataConnection => f.write_str("no PORT or PASV came before"),
            TransferEnd::MustBePrivate => f.write_str("data connections must be under TLS"),
            TransferEnd::ReadOnlyUser => f.write_str("the user may only read"),
            TransferEnd::Forbidden(right) => {
                write!(f, "the user has not the right to {} there", right.name())
            }
            TransferEnd::ControlLost => f.write_str("the control connection was lost"),
            TransferEnd::Shutdown => f.write_str("the server shut down"),
        }
    }
}

/// Loss of a data connection, or the cause why it could not be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataLoss {
    /// A FIN came without TLS's close_notify: what arrived may not be all.
    NoCloseNotify,
    /// The connection, or its handshake, took longer than it may.
    TimedOut,
    /// The connection failed, in the words of the kernel or of TLS.
    Failed(Box<str>),
}

impl fmt::Display for DataLoss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DataLoss::NoCloseNotify => f.write_str("ended without close_notify"),
            DataLoss::TimedOut => f.write_str("took too long"),
            DataLoss::Failed(words) => write!(f, "failed: {words}"),
        }
    }
}
