//! The client: what it says, how it cuts it, and whether it reads the replies.

use std::collections::VecDeque;
use std::net::IpAddr;

use crate::fuzz::Chance;
use crate::proto::line::LONGEST_LINE;
use crate::proto::verb;
use crate::session::Settings;

/// Lines that clients say most, so that conversations get somewhere.
const COMMON: &[&str] = &[
    "PASV",
    "PASV",
    "EPSV",
    "RETR f",
    "RETR f",
    "STOR f",
    "STOR f",
    "APPE f",
    "STOU",
    "LIST",
    "NLST d",
    "LIST -Rt d",
    "NLST -lS */f",
    "STAT -R",
    "ABOR",
    "ABOR",
    "STAT",
    "STAT d",
    "STAT",
    "SIZE f",
    "HASH f",
    "HASH f",
    "XMD5 f",
    "SITE CPFR a",
    "SITE CPTO b",
    "COMB a b \"c d\"",
    "MLST f",
    "MLSD",
    "RANG 1 5",
    "MODE Z",
    "MFMT 20200101000000 f",
    "MDTM f",
    "MDTM 20200101000000-60 f",
    "SITE CHMOD g+sx f",
    "MFF UNIX.mode=2755; f",
    "CWD d",
    "PWD",
    "REST 5",
    "ALLO 7",
    "TYPE A",
    "TYPE I",
    "RNFR a",
    "RNTO b",
    "MKD d",
    "DELE f",
    "NOOP",
    "XYZZY",
    "MODE S",
    "SITE HELP",
    "HELP",
    "HELP RETR",
    "FEAT",
    "PBSZ 0",
    "PROT P",
    "PROT P",
    "PROT C",
    "",
];
/// Said now and then, since each ends something.
const RARE: &[&str] = &[
    "QUIT",
    "QUIT now",
    "REIN",
    "EPSV ALL",
    "USER u",
    "PASS hunter2",
    "abor x",
    "ACCT a",
    "AUTH TLS",
    "AUTH SSL",
    "CCC",
    "CCC",
];
const ARGUMENTS: &[&[u8]] = &[
    b"",
    b" ",
    b"f",
    b"/a/../b",
    b"a\"b",
    b"\xFE\x80",
    b"-la",
    b"0",
    b"99999999999999999999",
    b"I",
    b"A N",
    b"E",
    b"ALL",
    b"2",
    b"7",
    b"|1|127.0.0.1|52306",
    b"|3|x|1|",
    b"1,2,3,4,5,6",
    b"\xFF\xFF",
    b"UTF8 ON",
    b"|1|192.0.2.9|4000|",
    b"127,0,0,1,0,21",
    b"|2|::1|4000|",
    b"127,0,0,1,99,9",
    b"TLS",
    b"P",
];
/// Lines of other protocols: nobody who has not logged in is listened to behind them.
const FOREIGN: &[&[u8]] =
    &[b"GET / HTTP/1.1", b"Host: localhost", b"\x16\x03\x01\x02\0", b"\0\x03\0\x08", b"put a"];
/// Telnet commands, to be dropped before a line.
const TELNET: &[&[u8]] =
    &[b"\xFF\xF4", b"\xFF\xF2", b"\xFF\xF1", b"\xFF\xFB\x01", b"\xFF\xFA\r\n\xFF\xF0"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Saying {
    /// AUTH, with data connections private or not.
    Auth(bool),
    Other,
}

pub(super) enum Reading {
    All,
    Some,
    None,
}

pub(super) struct Client {
    unsent: Vec<u8>,
    /// Part that was sent of a line which has not yet been sent to its end.
    begun: Vec<u8>,
    sent: u64,
    /// Complete lines so far, sent or not.
    pub(super) lines: u64,
    /// Lines not yet sent whole: where each ends in all that is said, and what it is.
    ends: VecDeque<(u64, Saying)>,
    /// Privacy of data connections, by the last AUTH that was sent.
    private: bool,
    /// The reply that is waited for before more is said, and what is said before.
    pauses: VecDeque<(u64, u64)>,
    tls: bool,
    /// True if it has said QUIT, in whatever form.
    pub(super) quits: bool,
    /// True if its FIN follows what is unsent.
    pub(super) leaves: bool,
    port: &'static str,
    /// Clients that read less than they are sent end by their deadline, so not all may be so.
    reads_slowly: bool,
    reads_never: bool,
}

impl Client {
    pub(super) fn new(chance: &mut Chance, host: IpAddr, settings: &Settings) -> Client {
        let mut client = Client {
            unsent: Vec::new(),
            begun: Vec::new(),
            sent: 0,
            lines: 0,
            ends: VecDeque::new(),
            private: false,
            pauses: VecDeque::new(),
            tls: settings.tls.is_some(),
            quits: false,
            leaves: false,
            port: if host.is_ipv4() { "PORT 127,0,0,1,135,7" } else { "EPRT |2|::1|34567|" },
            reads_slowly: chance.one_in(3),
            reads_never: chance.one_in(12),
        };
        match chance.below(20) {
            0 => {}
            1..15 if client.tls => client.secure(chance),
            _ => client.log_in(),
        }
        client
    }

    /// Bytes that can be said now.
    pub(super) fn unsent(&self) -> &[u8] {
        match self.pauses.front() {
            Some((_, end)) => &self.unsent[..(end - self.sent) as usize],
            None => &self.unsent,
        }
    }

    pub(super) fn has_said_all(&self) -> bool {
        self.unsent.is_empty()
    }

    /// The next bytes on their way.
    pub(super) fn send(&mut self, count: usize) -> Vec<u8> {
        let bytes: Vec<u8> = self.unsent.drain(..count).collect();
        self.sent += count as u64;
        self.begun.extend_from_slice(&bytes);
        while let Some(&(end, saying)) = self.ends.front()
            && end <= self.sent
        {
            self.ends.pop_front();
            self.begun.drain(..self.begun.len() - (self.sent - end) as usize);
            if let Saying::Auth(private) = saying {
                self.private = private;
            }
        }
        bytes
    }

    /// Replies were read, so many.
    pub(super) fn heard(&mut self, replies: u64) {
        while self.pauses.front().is_some_and(|(awaited, _)| *awaited <= replies) {
            self.pauses.pop_front();
        }
    }

    /// Lines that were sent whole.
    pub(super) fn lines_sent(&self) -> u64 {
        self.lines - self.ends.len() as u64
    }

    /// True if some of a line was sent, and not its end. Telnet commands are no text.
    pub(super) fn is_amid_a_line(&self) -> bool {
        let mut begun = &self.begun[..];
        while let Some(rest) = TELNET.iter().find_map(|command| begun.strip_prefix(*command)) {
            begun = rest;
        }
        !begun.is_empty()
    }

    /// True if data connections are to be private from the last AUTH on.
    pub(super) fn wants_privacy(&self) -> bool {
        self.private
    }

    pub(super) fn reads(&self, chance: &mut Chance) -> Reading {
        match (self.reads_never, self.reads_slowly) {
            (true, _) => Reading::None,
            (_, true) if !chance.one_in(4) => Reading::Some,
            _ => Reading::All,
        }
    }

    /// Adds something to say: a line, or many.
    pub(super) fn think(&mut self, chance: &mut Chance) {
        if self.leaves {
            return;
        }
        match chance.below(100) {
            0..50 => self.common(chance),
            77 if self.tls => self.secure(chance),
            50..78 => self.setup_and_transfer(chance),
            78..84 => self.any_verb(chance),
            84..87 => self.dirty(chance),
            87..90 => self.rare(chance),
            90..93 => self.telnet(chance),
            93..95 => self.garbage(chance),
            95 if chance.one_in(4) => self.foreign(chance),
            95 => self.overlong(chance),
            96 => (0..chance.upto(300)).for_each(|_| self.common(chance)),
            _ => self.log_in(),
        }
    }

    /// A line without an end, which no reply is due to.
    pub(super) fn mutter(&mut self, chance: &mut Chance) {
        self.unsent.extend_from_slice(chance.pick(&[&b"STOR f"[..], b"QUIT", b"QUIT\r", b"\xFF"]));
    }

    pub(super) fn ask_system(&mut self) {
        self.line(b"SYST");
    }

    fn line(&mut self, line: &[u8]) {
        self.unsent.extend_from_slice(line);
        self.unsent.extend_from_slice(b"\r\n");
        self.lines += 1;
        let saying = match line {
            b"AUTH SSL" => Saying::Auth(true),
            b"AUTH TLS" => Saying::Auth(false),
            _ => Saying::Other,
        };
        self.ends.push_back((self.sent + self.unsent.len() as u64, saying));
    }

    /// A line that changes how the two talk: most clients wait for the reply to it.
    fn turn(&mut self, line: &[u8], chance: &mut Chance) {
        self.line(line);
        if !chance.one_in(8) {
            self.pauses.push_back((1 + self.lines, self.sent + self.unsent.len() as u64));
        }
    }

    /// All that a client of FTPS says at its beginning, or nearly.
    fn secure(&mut self, chance: &mut Chance) {
        self.turn(chance.pick(&[b"AUTH TLS", b"AUTH TLS", b"AUTH SSL"]), chance);
        self.log_in();
        for line in [&b"PBSZ 0"[..], b"PROT P"] {
            if !chance.one_in(5) {
                self.line(line);
            }
        }
    }

    fn log_in(&mut self) {
        self.line(b"USER u");
        self.line(b"PASS hunter2");
    }

    fn common(&mut self, chance: &mut Chance) {
        if chance.one_in(12) {
            return self.line(self.port.as_bytes());
        }
        self.line(chance.pick(COMMON).as_bytes());
    }

    fn rare(&mut self, chance: &mut Chance) {
        let line = chance.pick(RARE);
        self.quits |= line.starts_with("QUIT");
        match line {
            "AUTH TLS" | "AUTH SSL" => self.turn(line.as_bytes(), chance),
            "REIN" | "CCC" => {
                self.turn(line.as_bytes(), chance);
                match chance.below(3) {
                    0 => return,
                    1 => self.log_in(),
                    _ => self.secure(chance),
                }
                self.setup_and_transfer(chance);
            }
            _ => self.line(line.as_bytes()),
        }
    }

    fn setup_and_transfer(&mut self, chance: &mut Chance) {
        self.line(chance.pick(&["PASV", "EPSV", self.port]).as_bytes());
        self.line(chance.pick(&["RETR f", "STOR f", "STOU", "LIST", "APPE f"]).as_bytes());
        if chance.one_in(3) {
            self.line(chance.pick(&["ABOR", "STAT", "NOOP"]).as_bytes());
        }
    }

    fn any_verb(&mut self, chance: &mut Chance) {
        let row = &verb::all()[chance.upto(verb::all().len() - 1)];
        self.quits |= row.verb == verb::Verb::Quit;
        let line = [row.name.as_bytes(), b" ", chance.pick(ARGUMENTS)].concat();
        self.line(&line);
    }

    /// A line with a CR, a LF or a NUL where none may be.
    fn dirty(&mut self, chance: &mut Chance) {
        let stray = chance.pick(&[&b"\r"[..], b"\n", b"\0", b"\r\r", b"\n\r"]);
        self.line(&[b"NOOP", stray, b"QUIT"].concat());
    }

    fn telnet(&mut self, chance: &mut Chance) {
        let line = chance.pick(&["ABOR", "NOOP", "STAT", "LIST"]).as_bytes();
        self.line(&[chance.pick(TELNET), line].concat());
    }

    fn foreign(&mut self, chance: &mut Chance) {
        self.line(chance.pick(FOREIGN));
    }

    fn garbage(&mut self, chance: &mut Chance) {
        let length = chance.upto(40);
        let line: Vec<u8> = (0..length).map(|_| 1 + chance.below(254) as u8).collect();
        let harmless: Vec<u8> = line.into_iter().filter(|byte| !b"\r\n".contains(byte)).collect();
        // Garbage may begin with a verb's letters, but a QUIT by accident would need luck.
        self.line(&harmless);
    }

    fn overlong(&mut self, chance: &mut Chance) {
        let length = LONGEST_LINE - 10 + chance.upto(20);
        let mut line = b"CWD ".to_vec();
        line.resize(length, b'x');
        self.line(&line);
    }
}
