//! Checksums: HASH, XCRC, XMD5, XSHA…, and RANG, which chooses the bytes.

use super::files::Errand;
use super::{ByteRange, FileDone, FileOp, Session};
use crate::fs::Refusal;
use crate::proto::checksum::{Algorithm, Target};
use crate::proto::listing::FactSet;
use crate::proto::reply::Reply;

/// The checksum that is being computed.
#[derive(Debug)]
pub(super) struct Sought {
    algorithm: Algorithm,
    /// The name as the client spelled it.
    path: Vec<u8>,
    range: ByteRange,
    /// HASH has a reply of its own form.
    is_hash: bool,
    /// How else the argument can be read, if no file has the name.
    otherwise: Option<(Vec<u8>, ByteRange)>,
}

impl Session {
    pub(super) fn choose_facts(&mut self, facts: FactSet) {
        self.facts = facts;
        self.reply(Reply::FactsChosen(facts));
    }

    pub(super) fn choose_algorithm(&mut self, algorithm: Option<Algorithm>) {
        self.algorithm = algorithm.unwrap_or(self.algorithm);
        self.reply(Reply::AlgorithmChosen(self.algorithm));
    }

    /// RANG names the first and the last byte; `1 0` takes the choice back.
    pub(super) fn choose_range(&mut self, first: u64, last: u64) {
        let chosen = ByteRange { from: first, to: Some(last.saturating_add(1)) };
        self.range = (first <= last).then_some(chosen);
        self.reply(Reply::RangeSet(first, last));
    }

    pub(super) fn hash(&mut self, path: &[u8]) {
        let (algorithm, range) = (self.algorithm, self.range.take().unwrap_or_default());
        self.seek(Sought { algorithm, path: path.to_vec(), range, is_hash: true, otherwise: None });
    }

    /// XCRC and its kin.
    pub(super) fn checksum(&mut self, algorithm: Algorithm, target: Target) {
        let ranged = target.ranged.map(|(path, from, to)| (path, ByteRange { from, to }));
        let (path, range, otherwise) = match (target.whole, ranged) {
            (Some(whole), ranged) => (whole, ByteRange::default(), ranged),
            (None, Some((path, range))) => (path, range, None),
            (None, None) => return debug_assert!(false, "a target has a name"),
        };
        self.seek(Sought { algorithm, path, range, is_hash: false, otherwise });
    }

    fn seek(&mut self, sought: Sought) {
        let operation = FileOp::Checksum(self.path(&sought.path), sought.algorithm, sought.range);
        self.ask(Errand::Checksum(Box::new(sought)), operation);
    }

    pub(super) fn checksum_answered(&mut self, sought: Sought, result: Result<FileDone, Refusal>) {
        match (result, sought.otherwise) {
            (Ok(FileDone::Checksum { digits, end }), _) if sought.is_hash => {
                let (algorithm, range) = (sought.algorithm, (sought.range.from, end));
                self.reply(Reply::Hash { algorithm, range, digits: &digits, path: &sought.path });
            }
            (Ok(FileDone::Checksum { digits, .. }), _) => self.reply(Reply::Checksum(&digits)),
            (Ok(done), _) => debug_assert!(false, "{done:?} is no checksum"),
            (Err(Refusal::NotFound), Some((path, range))) => {
                self.seek(Sought { path, range, otherwise: None, ..sought });
            }
            (Err(refusal), _) => self.refused(refusal),
        }
    }
}
