//! Parameters of a login: TYPE, MODE, REST, RANG, OPTS, SITE UMASK and whatever else a user sets
//! for the commands that follow. USER, REIN and AUTH set them back to their defaults, all at once.

use super::{ByteRange, Session};
use crate::fs::NewFile;
use crate::proto::checksum::Algorithm;
use crate::proto::coding::{Coding, Level, Mode, Representation};
use crate::proto::listing::FactSet;
use crate::proto::path::VPath;
use crate::proto::reply::Reply;

/// Umask that SITE UMASK tells before one was set; the process may have another.
const USUAL_UMASK: u16 = 0o022;

/// Everything that a user has set, with RFC 959's defaults (5.1), save that TYPE begins as I.
#[derive(Debug, Default)]
pub(super) struct Parameters {
    /// Working directory.
    pub(super) folder: VPath,
    pub(super) coding: Coding,
    /// Bytes that REST or RANG chose for the next transfer.
    pub(super) range: Option<ByteRange>,
    /// Name that RNFR chose, until RNTO.
    pub(super) rename_from: Option<VPath>,
    /// Name that SITE CPFR chose, until SITE CPTO.
    pub(super) copy_from: Option<VPath>,
    /// Length that ALLO announced for the next upload, in bytes.
    pub(super) allocated: Option<u64>,
    /// EPSV ALL was said (RFC 2428, 4).
    pub(super) epsv_only: bool,
    /// Facts that MLST and MLSD show.
    pub(super) facts: FactSet,
    /// Algorithm of HASH.
    pub(super) algorithm: Algorithm,
    /// Umask of new files, if the user has set one.
    pub(super) umask: Option<u16>,
}

impl Session {
    /// Umask that the user has set, or else the operator; `None` is that of the process.
    pub(super) fn umask(&self) -> Option<u16> {
        self.parameters.umask.or(self.settings.umask)
    }

    /// Umask that was set, or the one that is usual.
    pub(super) fn usual_umask(&self) -> u16 {
        self.umask().unwrap_or(USUAL_UMASK)
    }

    /// File that is made anew, and the bytes to be reserved for it.
    pub(super) fn new_file(&self, reserve: u64) -> NewFile {
        NewFile { umask: self.umask(), reserve, once: false }
    }

    /// TYPE.
    pub(super) fn set_type(&mut self, representation: Representation) {
        self.parameters.coding.representation = representation;
        self.reply(Reply::TypeSet(representation));
    }

    /// MODE.
    pub(super) fn set_mode(&mut self, mode: Mode) {
        self.parameters.coding.mode = mode;
        self.reply(Reply::ParameterSet);
    }

    /// OPTS MODE Z LEVEL.
    pub(super) fn set_level(&mut self, level: Level) {
        self.parameters.coding.level = level;
        self.reply(Reply::ParameterSet);
    }

    /// REST counts bytes of the file, which are those of the transfer in TYPE I only.
    pub(super) fn restart_at(&mut self, at: u64) {
        if self.parameters.coding.representation == Representation::Ascii && at > 0 {
            return self.reply(Reply::NoRestartInAscii);
        }
        self.parameters.range = Some(ByteRange { from: at, to: None });
        self.reply(Reply::Restarting(at));
    }

    /// RANG names the first and the last byte; `1 0` takes the choice back.
    pub(super) fn choose_range(&mut self, first: u64, last: u64) {
        let chosen = ByteRange { from: first, to: Some(last.saturating_add(1)) };
        self.parameters.range = (first <= last).then_some(chosen);
        self.reply(Reply::RangeSet(first, last));
    }

    /// OPTS MLST.
    pub(super) fn choose_facts(&mut self, facts: FactSet) {
        self.parameters.facts = facts;
        self.reply(Reply::FactsChosen(facts));
    }

    /// OPTS HASH; without an algorithm it tells the one in force.
    pub(super) fn choose_algorithm(&mut self, algorithm: Option<Algorithm>) {
        self.parameters.algorithm = algorithm.unwrap_or(self.parameters.algorithm);
        self.reply(Reply::AlgorithmChosen(self.parameters.algorithm));
    }

    /// SITE UMASK; without a mask it tells the one in force.
    pub(super) fn set_umask(&mut self, mask: Option<u16>) {
        self.parameters.umask = mask.or(self.parameters.umask);
        self.reply(Reply::Umask(self.usual_umask()));
    }
}
