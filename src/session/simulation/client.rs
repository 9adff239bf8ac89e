//! The client: what it says, how it cuts it, and whether it reads the replies.

use std::net::IpAddr;

use super::chance::Chance;
use crate::proto::line::LONGEST_LINE;
use crate::proto::verb;

/// What clients say most, so that conversations get somewhere.
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
    "",
];
/// Said now and then, since each ends something.
const RARE: &[&str] =
    &["QUIT", "QUIT now", "REIN", "EPSV ALL", "USER u", "PASS hunter2", "abor x", "ACCT a"];
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
];
/// Telnet commands, to be dropped wherever they stand.
const TELNET: &[&[u8]] =
    &[b"\xFF\xF4", b"\xFF\xF2", b"\xFF\xF1", b"\xFF\xFB\x01", b"\xFF\xFA\r\n\xFF\xF0"];

pub(super) enum Reading {
    All,
    Some,
    None,
}

pub(super) struct Client {
    unsent: Vec<u8>,
    /// Complete lines so far, sent or not.
    pub(super) lines: u64,
    /// Whether it has said QUIT, in whatever form.
    pub(super) quits: bool,
    /// Whether its FIN follows what is unsent.
    pub(super) leaves: bool,
    port: &'static str,
    /// One that reads less than it is sent ends by its deadline, so not all may be so.
    reads_slowly: bool,
    reads_never: bool,
}

impl Client {
    pub(super) fn new(chance: &mut Chance, host: IpAddr) -> Client {
        let mut client = Client {
            unsent: Vec::new(),
            lines: 0,
            quits: false,
            leaves: false,
            port: if host.is_ipv4() { "PORT 127,0,0,1,135,7" } else { "EPRT |2|::1|34567|" },
            reads_slowly: chance.one_in(3),
            reads_never: chance.one_in(12),
        };
        if !chance.one_in(20) {
            client.line(b"USER u");
            client.line(b"PASS hunter2");
        }
        client
    }

    pub(super) fn unsent(&self) -> &[u8] {
        &self.unsent
    }

    /// The next bytes on their way.
    pub(super) fn send(&mut self, count: usize) -> Vec<u8> {
        self.unsent.drain(..count).collect()
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
            50..78 => self.setup_and_transfer(chance),
            78..84 => self.any_verb(chance),
            84..87 => self.dirty(chance),
            87..90 => self.rare(chance),
            90..93 => self.telnet(chance),
            93..95 => self.garbage(chance),
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
        self.line(line.as_bytes());
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
        let at = chance.upto(line.len());
        let line = [&line[..at], chance.pick(TELNET), &line[at..]].concat();
        self.line(&line);
    }

    fn garbage(&mut self, chance: &mut Chance) {
        let length = chance.upto(40);
        let line: Vec<u8> = (0..length).map(|_| 1 + chance.below(254) as u8).collect();
        let harmless: Vec<u8> = line.into_iter().filter(|byte| !b"\r\n".contains(byte)).collect();
        // It may begin with a verb's letters, but a QUIT by accident would need luck.
        self.line(&harmless);
    }

    fn overlong(&mut self, chance: &mut Chance) {
        let length = LONGEST_LINE - 10 + chance.upto(20);
        let mut line = b"CWD ".to_vec();
        line.resize(length, b'x');
        self.line(&line);
    }
}
