//! The judge reads every reply as it is written: its form, and whether it is due.

use super::guard::Guard;

/// The longest line that a reply may have: a path of 4 KB, each byte escaped, and some words.
const LONGEST_LINE: usize = 20 * 1024;

/// Farewells that answer no command, or one that has not come to its end.
const UNASKED: [&[u8]; 4] = [b"Idle", b"No login", b"The server", b"This is FTP"];

pub(super) struct Judge {
    /// For what TLS has to do with it.
    pub(super) guard: Guard,
    /// Bytes of the session's output that were read here, but not yet by the client.
    read: usize,
    /// The code of the reply that has begun and has more lines to come.
    open: Option<[u8; 3]>,
    /// Replies that end a command, the greeting among them.
    pub(super) finals: u64,
    /// 421 for reasons of our own, to no command in particular.
    unasked: u64,
    /// Transfers that were said to be complete.
    pub(super) complete: u64,
    /// Somebody is logged in, as the replies tell it.
    pub(super) logged_in: bool,
}

impl Judge {
    pub(super) fn new(guard: Guard) -> Judge {
        Judge { guard, read: 0, open: None, finals: 0, unasked: 0, complete: 0, logged_in: false }
    }

    /// The client has taken so many bytes away.
    pub(super) fn taken(&mut self, count: usize) {
        self.read -= count;
    }

    pub(super) fn taken_all(&mut self) {
        self.read = 0;
    }

    /// Reads what is new in the session's output.
    pub(super) fn read(&mut self, output: &[u8]) {
        let fresh = &output[self.read..];
        self.read = output.len();
        if fresh.is_empty() {
            return;
        }
        assert!(fresh.ends_with(b"\r\n"), "half a line of a reply");
        for line in fresh.split_inclusive(|&byte| byte == b'\n') {
            let line = line.strip_suffix(b"\r\n").expect("a reply's line ends in CR LF");
            self.read_line(line);
        }
    }

    fn read_line(&mut self, line: &[u8]) {
        let shown = line.escape_ascii();
        self.guard.hear(line);
        assert!(!line.contains(&b'\r'), "a stray CR: {shown}");
        assert!(line.len() < LONGEST_LINE, "a line of {} bytes", line.len());
        assert!(!line.windows(7).any(|word| word == b"hunter2"), "a password is shown: {shown}");
        if self.open.is_some() && line.starts_with(b" ") {
            return;
        }
        let (code, separator) = match line {
            [a @ b'1'..=b'5', b @ b'0'..=b'9', c @ b'0'..=b'9', separator, ..] => {
                ([*a, *b, *c], *separator)
            }
            _ => panic!("this is no reply: {shown}"),
        };
        match (self.open, separator) {
            (None, b'-') => self.open = Some(code),
            (None, b' ') => self.end(code, line),
            (Some(begun), b' ') if begun == code => {
                self.open = None;
                self.end(code, line);
            }
            _ => panic!("a reply within a reply: {shown}"),
        }
    }

    fn end(&mut self, code: [u8; 3], line: &[u8]) {
        if code[0] == b'1' {
            return;
        }
        self.finals += 1;
        match &code {
            b"230" | b"232" => self.logged_in = true,
            b"331" | b"220" | b"234" | b"530" => self.logged_in = false,
            b"226" if line.starts_with(b"226 Transfer complete") => self.complete += 1,
            b"421" if UNASKED.iter().any(|text| line[4..].starts_with(text)) => self.unasked += 1,
            _ => {}
        }
    }

    /// Rules at any time: no reply without a line that asked for it, and nothing is complete
    /// that did not come to its end.
    pub(super) fn check(&self, lines: u64, completed: &u64) {
        let asked = 1 + lines + self.unasked;
        assert!(self.finals <= asked, "{} replies to {lines} lines", self.finals);
        assert!(self.unasked <= 1, "two farewells");
        // A 226 behind REST comes a moment after the end.
        assert!(self.complete <= *completed, "a 226 for a transfer that did not end");
    }

    /// True if a 226 is still to come.
    pub(super) fn is_owed(&self, completed: u64) -> bool {
        self.complete < completed
    }

    /// Lines that have had no reply so far.
    pub(super) fn unanswered(&self, lines: u64) -> u64 {
        (1 + lines + self.unasked).saturating_sub(self.finals)
    }

    /// Rest: nothing is left to do, and every line has had its reply.
    pub(super) fn at_rest(&self, lines: u64) {
        assert_eq!(self.open, None, "a reply was begun and never ended");
        assert_eq!(self.finals, 1 + lines, "replies, and lines that asked for them");
    }
}
