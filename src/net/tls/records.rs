//! Records of TLS, followed by their frames (RFC 8446, 5.1): where one ends and the next begins.

/// Place in a record where the input stands. rustls knows, and doesn't tell.
#[derive(Default)]
pub(super) struct Records {
    /// The frame that stands before a record; its last two bytes are the record's length.
    frame: [u8; FRAME_BYTES],
    /// Bytes of the frame that have come.
    framed: usize,
    /// Bytes of the record that are still to come.
    left: usize,
}

/// Bytes of a frame.
const FRAME_BYTES: usize = 5;

impl Records {
    pub(super) fn pass(&mut self, mut bytes: &[u8]) {
        while let [first, rest @ ..] = bytes {
            if self.left > 0 {
                let passed = self.left.min(bytes.len());
                self.left -= passed;
                bytes = &bytes[passed..];
                continue;
            }
            self.frame[self.framed] = *first;
            self.framed += 1;
            bytes = rest;
            if self.framed == FRAME_BYTES {
                let [.., high, low] = self.frame;
                self.left = usize::from(u16::from_be_bytes([high, low]));
                self.framed = 0;
            }
        }
    }

    pub(super) fn are_whole(&self) -> bool {
        self.left == 0 && self.framed == 0
    }
}

/// A record can begin with this byte; no command can.
pub(super) fn is_record(byte: u8) -> bool {
    (20..=23).contains(&byte)
}

#[cfg(test)]
mod fuzz;
