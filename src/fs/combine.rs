//! Several files joined to one, a slice at a time.

use std::os::fd::OwnedFd;
use std::vec;

use super::facts::facts_of;
use super::{Download, NewFile, Refusal, Root, Upload, UploadMode};
use crate::proto::path::VPath;
use crate::users::PartialUploads;
use rustix::fs::OFlags;

/// Parts still to be joined, and the file that they become.
#[derive(Debug)]
pub struct Combination {
    root: Root,
    from: Option<Download>,
    parts: vec::IntoIter<VPath>,
    folder: PartFolder,
    to: Upload,
}

/// Folder that a part was last found in. Parts lie together mostly, and deep down it takes the kernel
/// long to go there anew for each.
#[derive(Debug, Default)]
struct PartFolder(Option<(VPath, OwnedFd)>);

impl Combination {
    /// Join of `parts` behind what `target` holds, if there is such a file.
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
        let mut folder = PartFolder::default();
        let mut identity = |path| {
            let facts = facts_of(folder.find(&root, path)?)?;
            Ok::<_, Refusal>((facts.device, facts.inode))
        };
        let old = from.as_ref().map(|_| identity(target)).transpose()?;
        for part in &parts {
            // The target would be joined and lost.
            if Some(identity(part)?) == old {
                return Err(Refusal::BadName);
            }
        }
        // A file that comes meanwhile is another's.
        let mode = if from.is_some() { UploadMode::Replace } else { UploadMode::Create };
        let mut to = root.upload(target, mode, PartialUploads::Discard, new)?;
        to.begin()?;
        Ok(Combination { root, from, parts: parts.into_iter(), folder, to })
    }

    /// See [`Upload::make_durable`].
    pub(super) fn make_durable(&mut self) {
        self.to.make_durable();
    }

    /// See [`Task::may_block`](super::Task::may_block).
    pub(super) fn may_block(&mut self, budget: usize) -> bool {
        self.root.may_block()
            || self.to.finish_may_block()
            || self.from.as_mut().is_some_and(|from| from.at_hand(budget).is_none())
    }

    pub(super) fn drop_may_block(&self) -> bool {
        self.to.drop_may_block()
    }

    /// Joins up to `budget` bytes; false when all is done but the finish.
    ///
    /// # Errors
    /// The disk refuses, or a part has vanished or become shorter.
    pub fn step(&mut self, buffer: &mut [u8], budget: usize) -> Result<bool, Refusal> {
        if let Some(from) = &mut self.from
            && self.to.copy_from(from, buffer, budget)? > 0
        {
            return Ok(true);
        }
        self.from = match self.parts.next() {
            Some(part) => {
                let place = self.folder.find(&self.root, &part)?;
                Some(Download::from_place(&self.root, &part, &place)?)
            }
            None => return Ok(false),
        };
        Ok(true)
    }

    /// The whole takes the target's name.
    ///
    /// # Errors
    /// The disk's answer; then nothing is left of it.
    pub fn finish(mut self) -> Result<(), Refusal> {
        self.to.finish()
    }
}

impl PartFolder {
    /// Looks up `path` (`O_PATH`).
    fn find(&mut self, root: &Root, path: &VPath) -> Result<OwnedFd, Refusal> {
        let parent = path.parent();
        let known = self.0.take().filter(|(folder, _)| *folder == parent);
        let folder = match known {
            Some((_, folder)) => folder,
            None => root.resolve(&parent, OFlags::PATH | OFlags::DIRECTORY)?,
        };
        let found = root.resolve_in(&folder, path);
        self.0 = Some((parent, folder));
        found
    }
}
