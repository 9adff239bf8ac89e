//! Events: what happened in a session, told once. Nothing has to be done about them.

use std::fmt;

use crate::fs::Refusal;

/// What a transfer does.
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
    /// Whether bytes come from the client.
    pub fn is_upload(self) -> bool {
        match self {
            TransferKind::Upload | TransferKind::UniqueUpload => true,
            TransferKind::Download | TransferKind::Listing | TransferKind::Facts => false,
        }
    }
}

/// How a transfer ended, or why it could not begin.
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
    /// There was no data connection, nor was one agreed.
    NoDataConnection,
    /// Data connections must be under TLS.
    MustBePrivate,
    /// The user may only read.
    ReadOnlyUser,
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
            TransferEnd::ControlLost => f.write_str("the control connection was lost"),
            TransferEnd::Shutdown => f.write_str("the server shut down"),
        }
    }
}

/// How a data connection was lost, or could not be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataLoss {
    /// It ended in a FIN without TLS's close_notify: what came may not be all.
    NoCloseNotify,
    /// It took longer than it may.
    TimedOut,
    /// It failed, in the words of the kernel or of TLS.
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
