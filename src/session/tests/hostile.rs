//! Hostile bytes: streams that no client sends, fed to the session in pieces, with a shell that says
//! yes and no by chance. Nothing may panic, the session's own rules hold after every input, and what
//! it keeps stays bounded. A stream is a seed:
//!
//! ```text
//! PACKETBOAT_SEED=42 cargo test --lib session::tests::hostile
//! cargo test --release --lib -- --ignored fuzz_      ten million streams, others each time
//! ```

use super::*;
use crate::fuzz::Chance;
use crate::fuzz::seeds::{self, Place};
use crate::session::OUTPUT_LIMIT;

const STREAMS: u64 = 20_000;
const MANY_STREAMS: u64 = 10_000_000;
/// More than any single input may add to what waits to be read, in bytes.
const LONGEST_REPLY: usize = 32 * 1024;

/// Words that streams are made of: verbs and arguments that are right, nearly right and wrong.
const WORDS: &[&[u8]] = &[
    b"USER anonymous",
    b"PASS x",
    b"ACCT a",
    b"AUTH TLS",
    b"PBSZ 0",
    b"PROT P",
    b"CCC",
    b"REIN",
    b"HOST a",
    b"FEAT",
    b"OPTS MLST size;modify;",
    b"OPTS HASH MD5",
    b"OPTS UTF8 ON",
    b"TYPE A",
    b"TYPE I",
    b"TYPE L 8",
    b"MODE Z",
    b"MODE S",
    b"STRU F",
    b"PORT 127,0,0,1,8,1",
    b"PORT 1,2,3,4,5,6",
    b"EPRT |1|127.0.0.1|2049|",
    b"EPRT |2|::1|2049|",
    b"PASV",
    b"EPSV",
    b"EPSV ALL",
    b"EPSV 2",
    b"RETR a",
    b"PASV\r\nRETR a",
    b"EPSV\r\nSTOR b",
    b"PORT 127,0,0,1,8,1\r\nLIST",
    b"PBSZ 0\r\nPROT P\r\nPASV\r\nMLSD",
    b"REST 5\r\nPASV\r\nRETR a\r\nABOR",
    b"STOR b",
    b"APPE c",
    b"STOU",
    b"ALLO 18446744073709551615",
    b"REST 18446744073709551615",
    b"REST 1",
    b"RANG 0 18446744073709551615",
    b"LIST -la *[[[",
    b"NLST -RtdS */*/[",
    b"NLST",
    b"MLSD",
    b"MLST",
    b"STAT",
    b"STAT *",
    b"SIZE a",
    b"MDTM 20230304112431 a",
    b"MDTM 20230304112431+99999999999999999999 a",
    b"MFMT 20230304112431 a",
    b"MFF modify=20230304112431;unix.mode=644; a",
    b"HASH a",
    b"XCRC \"a\" 1 2",
    b"COMB a b c",
    b"SITE CHMOD 777 /",
    b"SITE CHMOD u+s,g=u-x,+X f",
    b"SITE UMASK 000",
    b"SITE UTIME 202303041124 a",
    b"SITE CPFR a",
    b"SITE CPTO b",
    b"CWD ..",
    b"CDUP",
    b"PWD",
    b"MKD d",
    b"RMD d",
    b"DELE a",
    b"RNFR a",
    b"RNTO b",
    b"ABOR",
    b"NOOP",
    b"HELP",
    b"SYST",
    b"QUIT",
    b"GET / HTTP/1.1",
    b"Host: a",
    b"SMNT",
    b"XYZZY",
    b"\xff\xf4\xff\xf2ABOR",
    b"\xff\xfb\x01",
    b"\xff\xfa\x01",
    b"\x16\x03\x01\x02\x00\x01",
    b"\0",
    b"",
];

#[test]
fn hostile_bytes_break_no_rule() {
    run(seeds::first(STREAMS));
}

#[test]
#[ignore = "needs some minutes, in release mode"]
fn fuzz_of_the_session() {
    run(seeds::fresh(MANY_STREAMS));
}

fn run(seeds: std::ops::Range<u64>) {
    let (mut transfers, mut logins) = (0, 0);
    for seed in seeds {
        let _place = Place::new(seed);
        let mut world = World::new(seed);
        world.play();
        transfers += world.transfers;
        logins += u64::from(world.logged_in);
    }
    let enough = transfers > 100 && logins > 100;
    assert!(seeds::are_asked_for() || enough, "streams that get nowhere: {transfers}");
}

/// A session and the shell that it believes in.
struct World {
    chance: Chance,
    session: Session,
    now: Instant,
    link: Link,
    question: Option<Effect>,
    /// Whether the client reads what it is sent.
    reads: bool,
    logged_in: bool,
    over: bool,
    transfers: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Link {
    None,
    Coming,
    Open,
    Securing,
    Moving,
}

impl World {
    fn new(seed: u64) -> World {
        let mut chance = Chance::new(seed);
        let (tls, reads) = (chance.one_in(2), !chance.one_in(8));
        let talk = Talk::with(CLIENT, |settings| {
            settings.tls = tls.then_some(RequireTls::Off);
            settings.traces = true;
        });
        World {
            chance,
            session: talk.session,
            now: talk.now,
            link: Link::None,
            question: None,
            reads,
            logged_in: false,
            over: false,
            transfers: 0,
        }
    }

    fn play(&mut self) {
        let stream = self.stream();
        let mut rest = &stream[..];
        for _ in 0..4 * stream.len() + 100 {
            self.now += Duration::from_millis(self.chance.below(300));
            match self.chance.below(14) {
                0 => self.session.tick(self.now),
                1 | 2 => self.data_event(),
                3 | 4 => self.answer(),
                5 | 6 => self.read_some(),
                _ => {
                    let most = self.session.room().min(rest.len());
                    let count = if self.chance.one_in(3) {
                        most
                    } else {
                        most.min(1 + self.chance.upto(20))
                    };
                    self.session.receive(&rest[..count], self.now);
                    rest = &rest[count..];
                }
            }
            self.carry_out();
            if self.over || (rest.is_empty() && self.chance.one_in(20)) {
                break;
            }
        }
        if !self.over {
            self.session.end_of_input(self.now);
            self.carry_out();
        }
        let cause = crate::session::Disconnect::Lost;
        self.session.disconnected(cause, self.now);
        while self.session.event().is_some() {}
    }

    /// Stream of some words and some noise.
    fn stream(&mut self) -> Vec<u8> {
        let mut stream = Vec::new();
        let most = if self.reads { 8 } else { 100 };
        if !self.chance.one_in(3) {
            stream.extend_from_slice(b"USER anonymous\r\nPASS x\r\n");
        }
        for _ in 0..1 + self.chance.below(30) {
            let mut word = self.chance.pick(WORDS).to_vec();
            match self.chance.below(12) {
                0 if !word.is_empty() => {
                    let at = self.chance.upto(word.len() - 1);
                    word[at] = self.chance.below(256) as u8;
                }
                1 => word.truncate(self.chance.upto(word.len())),
                2 => word = [&word[..], b"\r\n"].concat().repeat(1 + self.chance.upto(most)),
                3 => word.extend((0..self.chance.below(20)).map(|byte| (byte * 37) as u8)),
                4 if self.chance.one_in(50) => word.resize(9000, b'a'),
                _ => {}
            }
            stream.extend(word);
            stream.extend_from_slice(match self.chance.below(20) {
                0 => b"\n",
                1 => b"\r",
                2 => b"\r\0",
                3 => b"",
                _ => b"\r\n",
            });
        }
        stream
    }

    fn read_some(&mut self) {
        if !self.reads {
            return;
        }
        let most = self.session.output().len();
        let count = if self.chance.one_in(3) { self.chance.upto(most) } else { most };
        self.session.sent(count, self.now);
    }

    fn carry_out(&mut self) {
        let waiting = self.session.output().len();
        assert!(waiting < OUTPUT_LIMIT + LONGEST_REPLY, "replies pile up: {waiting}");
        while let Some(effect) = self.session.effect() {
            match effect {
                Effect::SecureData => self.link = Link::Securing,
                Effect::Connect(_) => self.link = Link::Coming,
                Effect::Start => self.link = Link::Moving,
                Effect::Abort => {
                    self.link = Link::None;
                    if matches!(&self.question, Some(Effect::File(file)) if file.takes_time()) {
                        self.question = None;
                    }
                }
                Effect::HangUp => self.over = true,
                question => {
                    assert!(self.question.is_none(), "{question:?} while another one is open");
                    self.question = Some(question);
                    if self.chance.one_in(2) {
                        self.answer();
                    }
                }
            }
        }
        while self.session.event().is_some() {}
    }

    fn answer(&mut self) {
        // Under way into TLS and out of it, all replies are sent first.
        let changes = matches!(self.question, Some(Effect::Secure | Effect::Clear));
        if changes && !self.reads && !self.session.output().is_empty() {
            return;
        }
        if changes {
            let all = self.session.output().len();
            self.session.sent(all, self.now);
        }
        let Some(question) = self.question.take() else { return };
        let answer = match question {
            Effect::Secure => Answer::Secured { certified: self.chance.one_in(2) },
            Effect::Clear => Answer::Cleared,
            Effect::Recognise { .. } => Answer::Login(Verdict::Unrecognised),
            Effect::Verify { .. } if self.chance.one_in(8) => {
                Answer::Login(Verdict::Denied(Duration::from_secs(self.chance.below(4))))
            }
            Effect::Verify { .. } => {
                self.logged_in = true;
                Answer::Login(Verdict::Granted(Access::WRITE.into(), RequireTls::Off))
            }
            Effect::Listen if self.chance.one_in(8) => Answer::Listening(None),
            Effect::Listen => {
                self.link = Link::Coming;
                Answer::Listening(Some(SocketAddr::new(CLIENT, 2050)))
            }
            Effect::File(operation) => Answer::File(self.file(&operation)),
            other => unreachable!("{other:?} is no question"),
        };
        self.session.answer(answer, self.now);
    }

    fn file(&mut self, operation: &FileOp) -> Result<FileDone, Refusal> {
        if self.chance.one_in(8) {
            return Err(self.chance.pick(&[Refusal::NotFound, Refusal::Denied, Refusal::NoSpace]));
        }
        Ok(match operation {
            FileOp::Facts(_) => FileDone::Facts(facts()),
            FileOp::FreeSpace(_) => FileDone::Free(u64::MAX),
            FileOp::Checksum(..) => FileDone::Checksum { digits: "00".to_owned(), end: 1 },
            FileOp::NextLines => {
                FileDone::Lines(b"\xff line\r\n".repeat(self.chance.upto(20)).to_vec())
            }
            _ => FileDone::Done,
        })
    }

    fn data_event(&mut self) {
        let broken = || DataEvent::Broken(DataLoss::Failed("by chance".into()));
        let event = match self.link {
            Link::None | Link::Open => return,
            Link::Coming if self.chance.one_in(4) => broken(),
            Link::Coming => DataEvent::Connected,
            Link::Securing if self.chance.one_in(4) => DataEvent::NotResumed,
            Link::Securing => DataEvent::Secured,
            Link::Moving => match self.chance.below(4) {
                0 => DataEvent::Moved(self.chance.below(u64::from(u32::MAX))),
                1 => DataEvent::Refused(Refusal::NoSpace),
                2 => broken(),
                _ => DataEvent::Ended,
            },
        };
        self.link = match &event {
            DataEvent::Connected | DataEvent::Secured => Link::Open,
            DataEvent::Moved(_) => Link::Moving,
            _ => Link::None,
        };
        self.transfers += u64::from(event == DataEvent::Ended);
        self.session.data(event, self.now);
    }
}

fn facts() -> Facts {
    Facts {
        kind: Kind::File,
        mode: 0o644,
        links: 1,
        owner: 0,
        group: 0,
        size: u64::MAX,
        modified: i64::MIN,
        modified_ns: 0,
        created: Some(i64::MAX),
        device: 1,
        inode: 1,
    }
}
