//! Incoming: a file to be stored, unpacked and translated as the client said.

use std::io::{Error, ErrorKind};

use super::deflate::Unpacker;
use super::step::{Slice, State, TransferBuffers, moved};
use crate::fs::{Refusal, SpliceError, Upload};
use crate::net::Link;
use crate::proto::ascii::FromNetwork;
use crate::proto::coding::{Coding, Mode, Representation};

/// Bytes that are received at once where they are stored elsewhere: so many are held meanwhile.
const WORKER_STORE_BYTES: usize = 256 * 1024;
/// Pieces that are unpacked at once elsewhere: a few bytes can become very many.
const WORKER_UNPACK_PIECES: usize = 4;

/// A file on its way in.
#[derive(Debug)]
pub struct Incoming {
    file: Upload,
    /// True if its bytes are stored as they come, and the file and the kernel can do without us.
    by_splice: bool,
    text: Option<FromNetwork>,
    packed: Option<Packed>,
    /// Bytes received, to be stored elsewhere.
    piece: Vec<u8>,
}

/// Input received in MODE Z.
#[derive(Debug)]
struct Packed {
    unpacker: Unpacker,
    /// Bytes received and not yet unpacked, from `position` on.
    received: Vec<u8>,
    position: usize,
    /// True if the unpacker holds output that had no room.
    holds: bool,
}

impl Incoming {
    pub(super) fn new(file: Upload, coding: Coding) -> Incoming {
        let text = (coding.representation == Representation::Ascii).then(FromNetwork::default);
        let packed = (coding.mode == Mode::Deflate).then(|| Packed {
            unpacker: Unpacker::new(),
            received: Vec::new(),
            position: 0,
            holds: false,
        });
        let by_splice = text.is_none() && packed.is_none();
        Incoming { file, by_splice, text, packed, piece: Vec::new() }
    }

    pub(super) fn begin(&mut self) -> Result<(), Refusal> {
        self.file.begin()
    }

    /// Receives and stores at most `left` bytes, or unpacks a piece.
    pub(super) fn slice(
        &mut self,
        link: &mut Link,
        buffers: &mut TransferBuffers,
        left: usize,
        may_block: bool,
    ) -> Result<Slice, State> {
        let may_block = may_block || self.may_block();
        if !self.piece.is_empty() || (may_block && self.unpacks()) {
            return Err(State::NeedsWorker);
        }
        if self.by_splice
            && !may_block
            && let Some(slice) = self.splice(link, buffers, left)
        {
            return slice;
        }
        if self.unpacks() {
            return self.unpack();
        }
        let buffer = &mut buffers.buffer;
        let most = left.min(if may_block { WORKER_STORE_BYTES } else { buffer.len() });
        let moved = match moved(link.read(&mut buffer[..most])) {
            Err(State::Ended) => return Err(self.end()),
            moved => moved?,
        };
        if may_block {
            self.piece.extend_from_slice(&buffer[..moved]);
        } else {
            self.take(&buffer[..moved])?;
        }
        Ok(Slice { moved, cost: moved })
    }

    /// Receives and stores what it can without reading it; `None` if it has to be read.
    fn splice(
        &mut self,
        link: &mut Link,
        buffers: &mut TransferBuffers,
        left: usize,
    ) -> Option<Result<Slice, State>> {
        let (pipe, socket) = (buffers.pipe.as_mut()?, link.to_receive_by()?);
        if !link.is_readable() {
            return Some(Err(State::Blocked));
        }
        Some(match self.file.splice_from(socket, pipe, &mut buffers.buffer, left) {
            // Urgent data looks like the end as well: a read tells.
            Ok(0) | Err(SpliceError::Unsupported) => {
                self.by_splice = false;
                return None;
            }
            Ok(moved) => Ok(Slice { moved, cost: moved }),
            Err(SpliceError::WouldBlock) => {
                link.read_blocked();
                Err(State::Blocked)
            }
            Err(SpliceError::Socket(number)) => {
                Err(State::Broken(Error::from_raw_os_error(number)))
            }
            Err(SpliceError::Disk(refusal)) => Err(State::Refused(refusal)),
        })
    }

    /// See [`Pump::may_block`](super::Pump::may_block).
    pub(super) fn may_block(&self) -> bool {
        self.file.may_block()
    }

    pub(super) fn begin_may_block(&self) -> bool {
        self.file.begin_may_block()
    }

    pub(super) fn drop_may_block(&self) -> bool {
        self.file.drop_may_block()
    }

    /// See [`Pump::finish_may_block`](super::Pump::finish_may_block).
    pub(super) fn finish_may_block(&self) -> bool {
        self.file.finish_may_block()
    }

    /// Stores what was received, or as much of it as is unpacked at once.
    pub(super) fn work(&mut self) -> Result<(), State> {
        let mut piece = std::mem::take(&mut self.piece);
        if !piece.is_empty() {
            self.take(&piece)?;
            piece.clear();
            self.piece = piece;
        }
        for _ in 0..WORKER_UNPACK_PIECES {
            if self.unpacks() {
                self.unpack()?;
            }
        }
        Ok(())
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        match &mut self.packed {
            Some(packed) => {
                packed.take(bytes);
                Ok(())
            }
            None => store(&mut self.file, self.text.as_mut(), bytes),
        }
    }

    fn unpacks(&self) -> bool {
        self.packed.as_ref().is_some_and(Packed::is_waiting)
    }

    fn unpack(&mut self) -> Result<Slice, State> {
        let Some(packed) = &mut self.packed else { return Ok(Slice { moved: 0, cost: 0 }) };
        let plain = packed.piece().ok_or_else(|| garbage("this is no zlib stream"))?;
        store(&mut self.file, self.text.as_mut(), &plain)?;
        Ok(Slice { moved: 0, cost: plain.len() })
    }

    /// The client has sent its FIN.
    fn end(&self) -> State {
        match &self.packed {
            Some(packed) if !packed.unpacker.is_complete() => garbage("the zlib stream is cut off"),
            _ => State::Ended,
        }
    }

    pub(super) fn spare_others(&mut self) {
        self.file.spare_others();
    }

    pub(super) fn finish(mut self) -> Result<(), Refusal> {
        if let Some(text) = &mut self.text {
            let mut rest = Vec::new();
            text.finish(&mut rest);
            self.file.write(&rest)?;
        }
        self.file.finish()
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        // Input has come, and counts.
        if !self.piece.is_empty() {
            let _ = self.work();
        }
    }
}

impl Packed {
    fn is_waiting(&self) -> bool {
        self.holds || self.position < self.received.len()
    }

    fn take(&mut self, bytes: &[u8]) {
        self.received.clear();
        self.received.extend_from_slice(bytes);
        self.position = 0;
    }

    /// The next plain bytes, a bounded piece; `None` if the stream is none.
    fn piece(&mut self) -> Option<Vec<u8>> {
        let mut plain = Vec::new();
        let used = self.unpacker.unpack(&self.received[self.position..], &mut plain)?;
        self.position += used;
        // A stream that stands still with input at hand would be tried for ever.
        let stuck = used == 0 && plain.is_empty() && !self.holds;
        self.holds = plain.len() == plain.capacity() && !self.unpacker.is_complete();
        (!stuck).then_some(plain)
    }
}

fn store(file: &mut Upload, text: Option<&mut FromNetwork>, bytes: &[u8]) -> Result<(), Refusal> {
    let Some(text) = text else { return file.write(bytes) };
    let mut decoded = Vec::with_capacity(bytes.len());
    text.decode(bytes, &mut decoded);
    file.write(&decoded)
}

fn garbage(what: &'static str) -> State {
    State::Broken(Error::new(ErrorKind::InvalidData, what))
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::{NewFile, RootPath, UploadMode};
    use crate::proto::path::VPath;
    use crate::transfer::deflate::Packer;
    use crate::users::PartialUploads;

    /// One packet of a client held up the loop, or a thread, for as long as its bytes are written.
    #[test]
    fn a_bomb_is_stored_a_few_pieces_at_a_time() {
        const PIECES: u64 = 2 * 64 * 1024 * WORKER_UNPACK_PIECES as u64;
        let folder = tempfile::tempdir().unwrap();
        let root = RootPath::Server(folder.path().into()).open().unwrap();
        let path = VPath::root().join(b"bomb");
        let (mut packer, mut bomb) = (Packer::new(Default::default()), Vec::new());
        packer.pack(&vec![0; 10_000_000], &mut bomb);
        assert!(packer.finish(&mut bomb) && bomb.len() < WORKER_STORE_BYTES);
        let receive = || {
            let keep = PartialUploads::Keep;
            let file = root.upload(&path, UploadMode::Replace, keep, NewFile::default()).unwrap();
            let coding = Coding { mode: Mode::Deflate, ..Coding::default() };
            let mut incoming = Incoming::new(file, coding);
            incoming.begin().unwrap();
            incoming.piece = bomb.clone();
            incoming
        };
        let mut incoming = receive();
        let mut stored = 0;
        while !incoming.piece.is_empty() || incoming.unpacks() {
            incoming.work().unwrap();
            assert!(incoming.file.written() - stored <= PIECES, "{stored} bytes at once");
            stored = incoming.file.written();
        }
        assert_eq!(stored, 10_000_000);
        incoming.finish().unwrap();
        assert_eq!(root.facts(&path).unwrap().size, 10_000_000);

        root.remove_file(&path).unwrap();
        drop(receive());
        assert!((1..=PIECES).contains(&root.facts(&path).unwrap().size));
    }
}
