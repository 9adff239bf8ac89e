//! COMB: parts are joined behind what the target holds, and the whole takes the target's name in
//! one step. Only then are the parts removed, so that a refusal at any point loses nothing.

use std::collections::VecDeque;

use super::files::Errand;
use super::{FileDone, FileOp, Session};
use crate::fs::Refusal;
use crate::proto::path::VPath;
use crate::proto::reply::Reply;

impl Session {
    pub(super) fn combine(&mut self, target: &[u8], parts: &[Vec<u8>]) {
        let parts: Vec<VPath> = parts.iter().map(|part| self.path(part)).collect();
        let operation = FileOp::Combine(self.path(target), parts.clone(), self.new_file());
        self.ask(Errand::Combine(parts.into()), operation);
    }

    /// The target is whole, or a part is gone: the next part goes, until there is none.
    pub(super) fn remove_parts(
        &mut self,
        mut parts: VecDeque<VPath>,
        result: Result<FileDone, Refusal>,
    ) {
        match (result, parts.pop_front()) {
            (Err(refusal), _) => self.refused(refusal),
            (Ok(_), Some(part)) => {
                self.ask(Errand::RemovePart(parts), FileOp::RemoveFile(part));
            }
            (Ok(_), None) => self.reply(Reply::FileActionOkay),
        }
    }
}
