//! Several files joined to one, a slice at a time.

use std::vec;

use super::{Download, NewFile, Refusal, Root, Upload, UploadMode};
use crate::proto::path::VPath;
use crate::users::PartialUploads;

/// What is left to be joined, and the file that it becomes.
#[derive(Debug)]
pub struct Combination {
    root: Root,
    from: Option<Download>,
    parts: vec::IntoIter<VPath>,
    to: Upload,
}

impl Combination {
    /// To join `parts` behind what `target` holds, if there is such a file.
    ///
    /// # Errors
    /// A part is missing or is the target itself by another name; or the disk refuses to begin.
    pub fn new(
        root: Root,
        target: &VPath,
        parts: Vec<VPath>,
        new: NewFile,
    ) -> Result<Combination, Refusal> {
        let from = match root.download(target, 0) {
            Err(Refusal::NotFound) => None,
            old => Some(old?),
        };
        let identity = |path| root.facts(path).map(|facts| (facts.device, facts.inode));
        let old = from.as_ref().map(|_| identity(target)).transpose()?;
        for part in &parts {
            // It would be joined, and then removed.
            if Some(identity(part)?) == old {
                return Err(Refusal::BadName);
            }
        }
        let mut to = root.upload(target, UploadMode::Replace, PartialUploads::Discard, new)?;
        to.begin()?;
        Ok(Combination { root, from, parts: parts.into_iter(), to })
    }

    /// See [`Task::may_block`](super::Task::may_block).
    pub(super) fn may_block(&mut self, budget: usize) -> bool {
        self.root.may_block()
            || self.from.as_mut().is_some_and(|from| from.at_hand(budget).is_none())
    }

    /// Joins up to `budget` bytes; false when all is done but the finish.
    ///
    /// # Errors
    /// The disk refuses, or a part has vanished.
    pub fn step(&mut self, buffer: &mut [u8], budget: usize) -> Result<bool, Refusal> {
        if let Some(from) = &mut self.from
            && self.to.copy_from(from, buffer, budget)? > 0
        {
            return Ok(true);
        }
        self.from = match self.parts.next() {
            Some(part) => Some(self.root.download(&part, 0)?),
            None => return Ok(false),
        };
        Ok(true)
    }

    /// The whole takes the target's name.
    ///
    /// # Errors
    /// What the disk answers; then nothing is left of it.
    pub fn finish(mut self) -> Result<(), Refusal> {
        self.to.finish()
    }
}
