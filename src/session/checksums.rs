//! Checksums: HASH, XCRC, XMD5, XSHA….

use super::waiting::{FileQuestion, HashQuestion};
use super::{ByteRange, FileDone, FileOp, Session};
use crate::fs::Refusal;
use crate::proto::checksum::{Algorithm, Target};
use crate::proto::reply::Reply;

impl Session {
    pub(super) fn hash(&mut self, path: &[u8]) {
        let (algorithm, range) =
            (self.parameters.algorithm, self.parameters.range.take().unwrap_or_default());
        self.seek(HashQuestion {
            algorithm,
            path: path.to_vec(),
            range,
            is_hash: true,
            otherwise: None,
        });
    }

    /// XCRC and its kin.
    pub(super) fn checksum(&mut self, algorithm: Algorithm, target: Target) {
        let ranged = target.ranged.map(|(path, from, to)| (path, ByteRange { from, to }));
        let (path, range, otherwise) = match (target.whole, ranged) {
            (Some(whole), ranged) => (whole, ByteRange::default(), ranged),
            (None, Some((path, range))) => (path, range, None),
            (None, None) => return debug_assert!(false, "a target has a name"),
        };
        self.seek(HashQuestion { algorithm, path, range, is_hash: false, otherwise });
    }

    fn seek(&mut self, question: HashQuestion) {
        let operation =
            FileOp::Checksum(self.path(&question.path), question.algorithm, question.range);
        self.ask(FileQuestion::Checksum(Box::new(question)), operation);
    }

    pub(super) fn checksum_answered(
        &mut self,
        question: HashQuestion,
        result: Result<FileDone, Refusal>,
    ) {
        match (result, question.otherwise) {
            (Ok(FileDone::Checksum { digits, end }), _) if question.is_hash => {
                let (algorithm, range) = (question.algorithm, (question.range.from, end));
                self.reply(Reply::Hash { algorithm, range, digits: &digits, path: &question.path });
            }
            (Ok(FileDone::Checksum { digits, .. }), _) => self.reply(Reply::Checksum(&digits)),
            (Ok(done), _) => debug_assert!(false, "{done:?} is no checksum"),
            (Err(Refusal::NotFound), Some((path, range))) => {
                self.seek(HashQuestion { path, range, otherwise: None, ..question });
            }
            (Err(refusal), _) => self.refused(refusal),
        }
    }
}
