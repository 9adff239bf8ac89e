//! Waiting: the one question that a session has open, and what its answer is for.

use std::time::Instant;

use super::{ByteRange, NameChange};
use crate::proto::checksum::Algorithm;
use crate::proto::command::Change;
use crate::proto::path::VPath;

/// The question that is open: no command is obeyed until it is answered.
#[derive(Debug)]
pub(super) enum Waiting {
    /// Has the control connection come under TLS?
    Securing { since: Instant },
    /// Has it left TLS?
    Clearing { since: Instant },
    /// Is the certificate that of the user?
    Recognition { name: Vec<u8> },
    /// Is the password right?
    Verdict { name: Vec<u8> },
    /// The password was wrong, and the client is kept waiting until then.
    Penalty { until: Instant },
    /// PASV or EPSV: on which port?
    Listening { extended: bool },
    /// Files are asked, with the change that is to be told when they have.
    File(FileQuestion, Option<Box<NameChange>>),
    /// Nothing is asked, but STAT goes on only when the client has read what it has.
    Drain,
}

/// Purpose of a question about files: what the answer is for.
#[derive(Debug)]
pub(super) enum FileQuestion {
    Size,
    Modified,
    /// MDTM that may be meant to set a time, if there is no file of its whole argument's name.
    ModifiedOrSet(Box<(Change, Vec<u8>)>),
    /// MLST, of this path.
    Facts(VPath),
    /// AVBL.
    Free,
    /// MFMT, MFF: these changes, of the path as it was spelled.
    SetFacts(Box<(Vec<Change>, Vec<u8>)>),
    /// SITE CHMOD, SITE UTIME.
    Site,
    /// SITE CPFR, of this name.
    CopyFrom(VPath),
    /// SITE CPTO.
    Copy,
    /// COMB, whose parts are then removed, the last of these first.
    Combine(Box<[VPath]>),
    /// A part is removed; these are left.
    RemovePart(Box<[VPath]>),
    /// HASH or an X command.
    Checksum(Box<HashQuestion>),
    /// CWD, to this folder.
    Enter(VPath),
    /// MKD, of this folder.
    MakeDir(VPath),
    /// DELE, RMD, RNTO.
    Change,
    /// RNFR, of this name.
    RenameFrom(VPath),
    /// ALLO, of so many bytes.
    Allocate(u64),
    /// A transfer is opened.
    Open,
    /// An upload is finished.
    Finish,
    /// STAT with a path: its listing is opened, then read.
    OpenStatus,
    StatusLines,
}

impl FileQuestion {
    /// True if the answer takes its time, so that ABOR may come in between.
    pub(super) fn takes_time(&self) -> bool {
        matches!(self, FileQuestion::Copy | FileQuestion::Combine(_) | FileQuestion::Checksum(_))
    }
}

/// The checksum that is being computed.
#[derive(Debug)]
pub(super) struct HashQuestion {
    pub(super) algorithm: Algorithm,
    /// The name as the client spelled it.
    pub(super) path: Vec<u8>,
    pub(super) range: ByteRange,
    /// HASH has a reply of its own form.
    pub(super) is_hash: bool,
    /// Other reading of the argument, if no file has the name.
    pub(super) otherwise: Option<(Vec<u8>, ByteRange)>,
}
