//! Long work on files that needs no connection: checksums and copies, a slice at a time.

use md5::Digest;

use super::combine::Combination;
use super::{Download, NewFile, Refusal, Root, Upload};
use crate::proto::checksum::Algorithm;
use crate::proto::path::VPath;

/// Job on files that is under way.
#[derive(Debug)]
pub enum FileJob {
    /// A checksum of what a file still holds.
    Checksum(Download, Hasher),
    /// A copy.
    Copy(Download, Upload),
    /// Several files joined to one.
    Combine(Combination),
}

/// Result of a job.
#[derive(Debug)]
pub enum JobResult {
    /// A checksum in hexadecimal digits, and the byte after the last one that counts.
    Checksum(String, u64),
    /// The copy, or what was joined, stands under its name.
    Copy,
}

/// State of a job.
#[derive(Debug)]
pub enum JobState {
    /// Work is left.
    More(Box<FileJob>),
    /// Work done.
    Done(JobResult),
}

/// A checksum that is not yet complete.
#[derive(Debug)]
#[allow(missing_docs)] // one for each `Algorithm`
pub enum Hasher {
    Crc32(crc32fast::Hasher),
    Md5(md5::Md5),
    Sha1(sha1::Sha1),
    Sha256(sha2::Sha256),
    Sha512(sha2::Sha512),
}

impl FileJob {
    /// Checksum of a file.
    pub fn checksum(file: Download, algorithm: Algorithm) -> Box<FileJob> {
        Box::new(FileJob::Checksum(file, Hasher::new(algorithm)))
    }

    /// Copy of a file; `to` is prepared.
    ///
    /// # Errors
    /// The disk refuses to begin.
    pub fn copy(from: Download, mut to: Upload) -> Result<Box<FileJob>, Refusal> {
        to.take_mode_of(&from);
        to.begin()?;
        Ok(Box::new(FileJob::Copy(from, to)))
    }

    /// Join of `parts` behind what `target` holds; `durable` as [`Upload::make_durable`] has it.
    ///
    /// # Errors
    /// As `Combination::new`.
    pub fn combine(
        root: Root,
        target: &VPath,
        parts: Vec<VPath>,
        new: NewFile,
        durable: bool,
    ) -> Result<Box<FileJob>, Refusal> {
        let mut combination = Combination::new(root, target, parts, new)?;
        if durable {
            combination.make_durable();
        }
        Ok(Box::new(FileJob::Combine(combination)))
    }

    /// True if work on `budget` bytes may wait for the disk: then it is for a thread that may.
    pub fn may_block(&mut self, budget: usize) -> bool {
        match self {
            FileJob::Checksum(file, _) => file.at_hand(budget).is_none(),
            FileJob::Copy(from, to) => to.finish_may_block() || from.at_hand(budget).is_none(),
            FileJob::Combine(combination) => combination.may_block(budget),
        }
    }

    /// True if the drop may block.
    pub fn drop_may_block(&mut self) -> bool {
        let frees = match self {
            FileJob::Checksum(..) => false,
            FileJob::Copy(_, to) => to.drop_may_block(),
            FileJob::Combine(combination) => combination.drop_may_block(),
        };
        frees || self.may_block(0)
    }

    /// Works on `budget` bytes at most; `buffer` is the loop's.
    ///
    /// # Errors
    /// The disk refuses; nothing is left of a copy.
    pub fn step(
        mut self: Box<Self>,
        buffer: &mut [u8],
        budget: usize,
    ) -> Result<JobState, Refusal> {
        let most = budget.min(buffer.len());
        let more = match &mut *self {
            FileJob::Checksum(file, hasher) => {
                let count = file.read_on(&mut buffer[..most])?;
                hasher.update(&buffer[..count]);
                count > 0
            }
            FileJob::Copy(from, to) => to.copy_from(from, buffer, budget)? > 0,
            FileJob::Combine(combination) => combination.step(buffer, budget)?,
        };
        if more {
            return Ok(JobState::More(self));
        }
        Ok(JobState::Done(match *self {
            FileJob::Checksum(file, hasher) => {
                JobResult::Checksum(hasher.digits(), file.position())
            }
            FileJob::Copy(_, mut to) => {
                to.finish()?;
                JobResult::Copy
            }
            FileJob::Combine(combination) => {
                combination.finish()?;
                JobResult::Copy
            }
        }))
    }
}

impl Hasher {
    fn new(algorithm: Algorithm) -> Hasher {
        match algorithm {
            Algorithm::Crc32 => Hasher::Crc32(crc32fast::Hasher::new()),
            Algorithm::Md5 => Hasher::Md5(md5::Md5::new()),
            Algorithm::Sha1 => Hasher::Sha1(sha1::Sha1::new()),
            Algorithm::Sha256 => Hasher::Sha256(sha2::Sha256::new()),
            Algorithm::Sha512 => Hasher::Sha512(sha2::Sha512::new()),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Hasher::Crc32(hasher) => hasher.update(bytes),
            Hasher::Md5(hasher) => hasher.update(bytes),
            Hasher::Sha1(hasher) => hasher.update(bytes),
            Hasher::Sha256(hasher) => hasher.update(bytes),
            Hasher::Sha512(hasher) => hasher.update(bytes),
        }
    }

    fn digits(self) -> String {
        match self {
            Hasher::Crc32(hasher) => hex(&hasher.finalize().to_be_bytes()),
            Hasher::Md5(hasher) => hex(&hasher.finalize()),
            Hasher::Sha1(hasher) => hex(&hasher.finalize()),
            Hasher::Sha256(hasher) => hex(&hasher.finalize()),
            Hasher::Sha512(hasher) => hex(&hasher.finalize()),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_that_the_world_computes() {
        for (algorithm, digits) in [
            (Algorithm::Crc32, "352441c2"),
            (Algorithm::Md5, "900150983cd24fb0d6963f7d28e17f72"),
            (Algorithm::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (Algorithm::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ] {
            let mut hasher = Hasher::new(algorithm);
            hasher.update(b"a");
            hasher.update(b"bc");
            assert_eq!(hasher.digits(), digits);
        }
    }
}
