//! The control connection's input, from bytes to lines. It knows no command and refuses nothing:
//! what is wrong with a line is a value, and whoever pops the line answers it.
//!
//! RFC 959 sends commands as Telnet text: a line ends in CR LF, and only there. A lone CR, a lone
//! LF or a NUL ends nothing and makes the line `Dirty`: it is refused when its CRLF has come, and
//! never executed. Bytes that servers and middle boxes would split differently are how commands
//! get smuggled.
//!
//! RFC 854 has Telnet commands, each led in by IAC (255): two bytes in all, three for WILL, WONT, DO
//! and DONT, and IAC SB … IAC SE for a subnegotiation. RFC 959 needs them before a command only (the
//! Synch of ABOR), so they are looked for there, and dropped unread. Within a line 255 is a byte of a
//! name or a password: most clients send it as it is. Those that speak Telnet double it, as our
//! replies do: IAC IAC is one byte 255 anywhere.

use std::{fmt, mem};

/// The longest line that is kept, in bytes without its CRLF.
pub const LONGEST_LINE: usize = 8192;

/// Bytes of lines that may wait. They leave room beside the longest line, so a line that is
/// still incomplete can always grow until it is complete or too long.
pub const BACKLOG: usize = 16 * 1024;

/// Line as it arrived, without its CRLF and the Telnet commands before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// A line to obey. Any bytes but CR, LF and NUL; it may be empty.
    Whole(Vec<u8>),
    /// A line with a stray CR or LF in it, and no other control byte. The text is gone.
    Dirty,
    /// A line with a NUL in it, or with a stray CR or LF and another control byte: no text at all.
    /// The text is gone.
    Binary,
    /// A line that passed `LONGEST_LINE`. It is reported at once, and what remains of it is
    /// dropped, up to and including its CRLF.
    TooLong,
}

/// The lines that wait, and the one that is still arriving. An idle one holds next to no memory.
/// `Debug` prints only how much it holds, since that may be a password.
#[derive(Default)]
pub struct Lines {
    /// Complete lines: for each a `u16`, its length or a mark, and then its bytes. The two bytes
    /// stand in for the CRLF, so a flood of short lines takes no more than it sent.
    waiting: Vec<u8>,
    /// Start of the oldest line in `waiting`; what is before it has been popped.
    first: usize,
    /// The line that has no CRLF yet.
    open: Vec<u8>,
    state: State,
    /// The line has a control byte in it that is neither CR nor LF.
    has_control: bool,
    /// A CR has come that is in no line yet: the next byte shows whether it begins a CRLF.
    held_cr: bool,
    telnet: Telnet,
}

/// State of the line that is still arriving.
#[derive(Clone, Copy, Default)]
enum State {
    #[default]
    Clean,
    Dirty,
    /// Line reported as too long; its bytes are dropped.
    Discarded,
}

/// Place of the next byte in a Telnet command.
#[derive(Clone, Copy, Default)]
enum Telnet {
    #[default]
    Text,
    /// Behind an IAC.
    Command,
    /// Behind IAC WILL, WONT, DO or DONT.
    Option,
    /// Inside IAC SB.
    Subnegotiation,
    /// Inside IAC SB, behind an IAC, which SE would end.
    SubnegotiationCommand,
}

const IAC: u8 = 255;
const SB: u8 = 250;
const SE: u8 = 240;

/// Mark in place of a length, with no bytes behind it.
const BINARY: u16 = u16::MAX - 2;
const DIRTY: u16 = u16::MAX - 1;
const TOO_LONG: u16 = u16::MAX;

/// The capacity that each of the two buffers may keep when it is empty.
const IDLE_CAPACITY: usize = 128;

impl Lines {
    /// Takes what has been received, at most `room()` bytes. Each byte is looked at once.
    pub fn push(&mut self, bytes: &[u8]) {
        debug_assert!(bytes.len() <= self.room(), "push() takes no more than room() bytes");
        self.waiting.drain(..mem::take(&mut self.first));
        for &byte in bytes {
            self.strip_telnet(byte);
        }
    }

    /// Forgets all lines, the incomplete one and half a Telnet command included.
    pub fn clear(&mut self) {
        *self = Lines::default();
    }

    /// Bytes that `push` may be given now. Zero only while a complete line waits.
    pub fn room(&self) -> usize {
        BACKLOG.saturating_sub(self.waiting.len() - self.first + self.open.len())
    }

    /// True if no complete line waits.
    pub fn is_empty(&self) -> bool {
        self.first == self.waiting.len()
    }

    /// True if anything has come that was not popped, be it a part of a line.
    pub fn holds_anything(&self) -> bool {
        let text = matches!(self.telnet, Telnet::Text) && matches!(self.state, State::Clean);
        !self.is_empty() || !self.open.is_empty() || self.held_cr || !text
    }

    /// True if the last byte that came is a LF without a CR before it, which ends nothing.
    pub fn ends_in_line_feed(&self) -> bool {
        self.open.last() == Some(&b'\n') && !self.held_cr
    }

    /// True if the line that is still arriving has a control byte in it, CR and LF aside: no text
    /// does.
    pub fn is_binary(&self) -> bool {
        self.has_control
    }

    /// The oldest complete line.
    pub fn pop(&mut self) -> Option<Line> {
        let (mark, bytes) = self.stored(self.first)?;
        let length = bytes.len();
        let line = match mark {
            BINARY => Line::Binary,
            DIRTY => Line::Dirty,
            TOO_LONG => Line::TooLong,
            _ => Line::Whole(bytes.to_vec()),
        };
        self.first += 2 + length;
        self.free_if_empty();
        Some(line)
    }

    /// Removes the oldest whole line that is `wanted`, wherever it stands. This is how ABOR and
    /// STAT overtake the commands that wait for the end of a transfer.
    pub fn take_first(&mut self, wanted: impl Fn(&[u8]) -> bool) -> Option<Vec<u8>> {
        let mut start = self.first;
        loop {
            let (mark, bytes) = self.stored(start)?;
            let end = start + 2 + bytes.len();
            if mark < BINARY && wanted(bytes) {
                let line = bytes.to_vec();
                self.waiting.drain(start..end);
                self.free_if_empty();
                return Some(line);
            }
            start = end;
        }
    }

    /// True if a whole line that is `wanted` waits.
    pub fn holds(&self, wanted: impl Fn(&[u8]) -> bool) -> bool {
        let mut start = self.first;
        while let Some((mark, bytes)) = self.stored(start) {
            if mark < BINARY && wanted(bytes) {
                return true;
            }
            start += 2 + bytes.len();
        }
        false
    }

    /// The line stored at `start`: its length or mark, and its bytes.
    fn stored(&self, start: usize) -> Option<(u16, &[u8])> {
        let (header, rest) = self.waiting[start..].split_first_chunk()?;
        let mark = u16::from_le_bytes(*header);
        let length = if mark < BINARY { usize::from(mark) } else { 0 };
        Some((mark, &rest[..length]))
    }

    fn store(&mut self, mark: u16) {
        self.waiting.extend_from_slice(&mark.to_le_bytes());
    }

    fn free_if_empty(&mut self) {
        if self.is_empty() {
            self.first = 0;
            empty(&mut self.waiting);
        }
    }

    fn strip_telnet(&mut self, byte: u8) {
        // Before a command; within one, only a doubled IAC is looked for.
        let between = self.is_between_lines();
        self.telnet = match (self.telnet, byte) {
            (Telnet::Text, IAC) => Telnet::Command,
            (Telnet::Text, _) => {
                self.take(byte);
                Telnet::Text
            }
            (Telnet::Command, IAC) => {
                self.take(IAC);
                Telnet::Text
            }
            (Telnet::Command, 251..=254) if between => Telnet::Option,
            (Telnet::Command, SB) if between => Telnet::Subnegotiation,
            (Telnet::Command, SE..=249) if between => Telnet::Text,
            (Telnet::Option, _) => Telnet::Text,
            (Telnet::Command, _) => {
                self.take(IAC);
                self.take(byte);
                Telnet::Text
            }
            (Telnet::Subnegotiation, IAC) => Telnet::SubnegotiationCommand,
            (Telnet::SubnegotiationCommand, SE) => Telnet::Text,
            (Telnet::Subnegotiation | Telnet::SubnegotiationCommand, _) => Telnet::Subnegotiation,
        };
    }

    /// True if nothing has come of the line that comes next.
    fn is_between_lines(&self) -> bool {
        self.open.is_empty() && !self.held_cr && matches!(self.state, State::Clean)
    }

    /// Takes one byte of text, and finds the line's end.
    fn take(&mut self, byte: u8) {
        let after_cr = mem::replace(&mut self.held_cr, byte == b'\r');
        match (after_cr, byte) {
            (true, b'\n') => self.end_line(),
            (true, b'\r') => self.keep(b'\r'),
            (true, _) => {
                self.keep(b'\r');
                self.keep(byte);
            }
            (false, b'\r') => {}
            (false, _) => self.keep(byte),
        }
    }

    /// Adds one byte to the line: whatever CR or LF comes here is a stray one.
    fn keep(&mut self, byte: u8) {
        self.has_control |= byte.is_ascii_control() && !matches!(byte, b'\r' | b'\n');
        match self.state {
            State::Discarded => {}
            State::Clean | State::Dirty if self.open.len() == LONGEST_LINE => {
                self.store(TOO_LONG);
                empty(&mut self.open);
                self.state = State::Discarded;
            }
            State::Clean | State::Dirty => {
                // A dirty line is still kept, for its length alone.
                self.open.push(byte);
                if matches!(byte, b'\r' | b'\n' | 0) {
                    self.state = State::Dirty;
                }
            }
        }
    }

    fn end_line(&mut self) {
        match (mem::take(&mut self.state), mem::take(&mut self.has_control)) {
            (State::Clean, _) => {
                self.store(self.open.len() as u16); // LONGEST_LINE is far below the marks
                self.waiting.extend_from_slice(&self.open);
            }
            (State::Dirty, false) => self.store(DIRTY),
            (State::Dirty, true) => self.store(BINARY),
            (State::Discarded, _) => {}
        }
        empty(&mut self.open);
    }
}

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lines({} bytes)", BACKLOG - self.room())
    }
}

/// Empties a buffer, and gives its memory back if that is worth the trouble.
fn empty(buffer: &mut Vec<u8>) {
    buffer.clear();
    if buffer.capacity() > IDLE_CAPACITY {
        *buffer = Vec::new();
    }
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
