//! MODE Z: the bytes of a transfer as one zlib stream. Bounded both ways: a little input that would
//! become a lot of output is unpacked a piece at a time.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use crate::proto::coding::Level;

/// Room made for output at once, in bytes.
const PIECE: usize = 64 * 1024;

/// Packs what is sent.
#[derive(Debug)]
pub(super) struct Packer {
    stream: Compress,
    finished: bool,
}

impl Packer {
    pub(super) fn new(level: Level) -> Packer {
        let stream = Compress::new(Compression::new(level.0.into()), true);
        Packer { stream, finished: false }
    }

    /// Packs all of `input`; some of it may be held back until more comes.
    pub(super) fn pack(&mut self, input: &[u8], out: &mut Vec<u8>) {
        let mut rest = input;
        while !rest.is_empty() {
            let used = self.run(rest, out, FlushCompress::None);
            rest = &rest[used..];
        }
    }

    /// Ends the stream; false if it had ended before.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) -> bool {
        if self.finished {
            return false;
        }
        while !self.finished {
            self.run(&[], out, FlushCompress::Finish);
        }
        true
    }

    fn run(&mut self, input: &[u8], out: &mut Vec<u8>, flush: FlushCompress) -> usize {
        let before = self.stream.total_in();
        out.reserve(PIECE);
        match self.stream.compress_vec(input, out, flush) {
            Ok(Status::StreamEnd) => self.finished = true,
            Ok(Status::Ok | Status::BufError) => {}
            Err(error) => {
                debug_assert!(false, "packing cannot fail: {error}");
                self.finished = true;
                return input.len();
            }
        }
        (self.stream.total_in() - before) as usize
    }
}

/// Unpacks what is received.
#[derive(Debug)]
pub(super) struct Unpacker {
    stream: Decompress,
    ended: bool,
}

impl Unpacker {
    pub(super) fn new() -> Unpacker {
        Unpacker { stream: Decompress::new(true), ended: false }
    }

    /// Unpacks some of `input` into `out`, a bounded piece; how much of the input is used up. What
    /// comes behind the end of the stream, and what is no stream, is `None`.
    pub(super) fn unpack(&mut self, input: &[u8], out: &mut Vec<u8>) -> Option<usize> {
        if self.ended {
            return None;
        }
        let before = self.stream.total_in();
        out.reserve(PIECE);
        let status = self.stream.decompress_vec(input, out, FlushDecompress::None).ok()?;
        self.ended = status == Status::StreamEnd;
        Some((self.stream.total_in() - before) as usize)
    }

    /// True if the stream is complete. One of no bytes at all is taken for an empty file.
    pub(super) fn is_complete(&self) -> bool {
        self.ended || self.stream.total_in() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(input: &[u8]) -> Vec<u8> {
        let (mut packer, mut out) = (Packer::new(Level::default()), Vec::new());
        input.chunks(1000).for_each(|chunk| packer.pack(chunk, &mut out));
        assert!(packer.finish(&mut out));
        assert!(!packer.finish(&mut out));
        out
    }

    #[test]
    fn what_is_packed_is_unpacked_across_every_cut() {
        let input: Vec<u8> = (0..50_000u32).flat_map(|n| (n * n).to_le_bytes()).collect();
        let stream = packed(&input);
        for size in [1, 7, 4096, stream.len()] {
            let (mut unpacker, mut out) = (Unpacker::new(), Vec::new());
            for chunk in stream.chunks(size) {
                let mut rest = chunk;
                while !rest.is_empty() {
                    assert!(!unpacker.is_complete() || out.is_empty());
                    rest = &rest[unpacker.unpack(rest, &mut out).expect("a sound stream")..];
                }
            }
            assert!(unpacker.is_complete());
            assert_eq!(out, input);
        }
    }

    #[test]
    fn a_bomb_goes_off_a_piece_at_a_time() {
        let bomb = packed(&vec![0; 10_000_000]);
        let (mut unpacker, mut rest, mut total) = (Unpacker::new(), &bomb[..], 0);
        while !rest.is_empty() {
            let mut out = Vec::new();
            rest = &rest[unpacker.unpack(rest, &mut out).expect("a sound stream")..];
            assert!(out.len() <= 2 * PIECE, "{} bytes at once", out.len());
            total += out.len();
        }
        assert_eq!(total, 10_000_000);
    }

    #[test]
    fn garbage_and_a_cut_stream_are_told() {
        assert_eq!(Unpacker::new().unpack(b"no zlib stream", &mut Vec::new()), None);
        let stream = packed(b"hello");
        let (mut unpacker, mut out) = (Unpacker::new(), Vec::new());
        unpacker.unpack(&stream[..stream.len() - 1], &mut out);
        assert!(!unpacker.is_complete());
        let (mut unpacker, mut out) = (Unpacker::new(), Vec::new());
        assert_eq!(unpacker.unpack(&stream, &mut out), Some(stream.len()));
        assert_eq!(unpacker.unpack(b"more", &mut out), None);
        assert!(Unpacker::new().is_complete());
    }
}
