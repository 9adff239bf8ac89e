//! Conversations, one rule a test. There is no network and no time here: `Talk` feeds lines, plays
//! the shell, and shows what is answered as codes: `"150 226"`.

mod aborting;
mod data_connection;
mod ending;
mod events;
mod files;
mod foreign;
mod hostile;
mod login;
mod privacy;
mod security;
mod timeouts;
mod transfers;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::{
    Answer, DataEvent, DataLoss, Effect, Event, FileDone, FileOp, Session, Settings, Verdict,
};
use crate::fs::Refusal;
use crate::proto::command::Secret;
use crate::proto::facts::{Facts, Kind};
use crate::users::{Access, RequireTls};

const IDLE_TIMEOUT: u64 = 300;
const DATA_TIMEOUT: u64 = 30;
const STALL_TIMEOUT: u64 = 200;
const HANDSHAKE_TIMEOUT: u64 = 25;
const LOGIN_TIMEOUT: u64 = 60;
const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A client and a shell that talk with one session.
struct Talk {
    session: Session,
    now: Instant,
    /// Effects that the session asked for since the last look.
    effects: Vec<Effect>,
    /// Whether the client reads what it is sent.
    reads: bool,
}

impl Talk {
    /// Somebody who has just connected.
    fn stranger() -> Talk {
        Talk::with(CLIENT, |_| {})
    }

    fn with(host: IpAddr, change: impl Fn(&mut Settings)) -> Talk {
        let mut talk = Talk::connected_to(host, false, change);
        assert_eq!(talk.heard(), "220");
        talk
    }

    /// Somebody who has connected to this address of ours, with TLS from the first byte on or not.
    fn connected_to(host: IpAddr, implicit: bool, change: impl Fn(&mut Settings)) -> Talk {
        let mut settings = Settings {
            banner: "packetboat ready.".to_owned(),
            idle_timeout: Duration::from_secs(IDLE_TIMEOUT),
            data_timeout: Duration::from_secs(DATA_TIMEOUT),
            stall_timeout: Duration::from_secs(STALL_TIMEOUT),
            handshake_timeout: Duration::from_secs(HANDSHAKE_TIMEOUT),
            login_timeout: Duration::from_secs(LOGIN_TIMEOUT),
            passive_address: None,
            host_name: "host".to_owned(),
            umask: None,
            strict_allo: false,
            recursive_lists: true,
            set_id: false,
            replace_on_hangup: false,
            tls: None,
            traces: false,
        };
        change(&mut settings);
        let now = Instant::now();
        let session = Session::new(Rc::new(settings), 1, (host, host), implicit, now);
        Talk { session, now, effects: Vec::new(), reads: true }
    }

    /// Somebody who may store.
    fn writer() -> Talk {
        Talk::stranger().logged_in(Access::WRITE)
    }

    /// Somebody who may not.
    fn reader() -> Talk {
        Talk::stranger().logged_in(Access::READ)
    }

    fn logged_in(mut self, access: Access) -> Talk {
        assert_eq!(self.say("USER alice"), "331");
        assert_eq!(self.say("PASS hunter2"), "");
        assert_eq!(
            self.answer(Answer::Login(Verdict::Granted(access.into(), RequireTls::Off))),
            "230"
        );
        self.effects.clear();
        self
    }

    /// Somebody whose data connection stands.
    fn connected(mut self) -> Talk {
        assert_eq!(self.say("PORT 127,0,0,1,135,7"), "");
        assert_eq!(self.data(DataEvent::Connected), "200");
        self.effects.clear();
        self
    }

    /// Somebody whose data connection is awaited.
    fn passive(mut self) -> Talk {
        assert_eq!(self.say("PASV"), "");
        assert_eq!(self.listens_on(Some(2000)), "227");
        self.effects.clear();
        self
    }

    /// Somebody whose transfer is under way, or waits for its connection.
    fn transferring(mut self, line: &str) -> Talk {
        assert_eq!(self.say(line), "");
        assert!(["125", "150"].contains(&self.done().as_str()), "{line} does not begin");
        self.effects.clear();
        self
    }

    // Inputs; all answer with the codes of what is said then.

    fn say(&mut self, line: &str) -> String {
        self.send(format!("{line}\r\n").as_bytes())
    }

    fn send(&mut self, bytes: &[u8]) -> String {
        assert!(bytes.len() <= self.session.room(), "the session does not listen");
        self.session.receive(bytes, self.now);
        self.heard()
    }

    fn leave(&mut self) -> String {
        self.session.end_of_input(self.now);
        self.heard()
    }

    fn answer(&mut self, answer: Answer) -> String {
        self.session.answer(answer, self.now);
        self.heard()
    }

    fn done(&mut self) -> String {
        self.answer(Answer::File(Ok(FileDone::Done)))
    }

    fn refuse(&mut self, refusal: Refusal) -> String {
        self.answer(Answer::File(Err(refusal)))
    }

    fn listens_on(&mut self, port: Option<u16>) -> String {
        let local = self.session.local();
        self.answer(Answer::Listening(port.map(|port| SocketAddr::new(local, port))))
    }

    fn deny(&mut self, seconds: u64) -> String {
        self.answer(Answer::Login(Verdict::Denied(Duration::from_secs(seconds))))
    }

    fn data(&mut self, event: DataEvent) -> String {
        self.session.data(event, self.now);
        self.heard()
    }

    /// Lets time pass, with a tick at its end.
    fn wait(&mut self, seconds: u64) -> String {
        self.now += Duration::from_secs(seconds);
        self.session.tick(self.now);
        self.heard()
    }

    fn shut_down(&mut self) -> String {
        self.session.shut_down(self.now);
        self.heard()
    }

    // Outputs.

    fn heard(&mut self) -> String {
        codes(&self.heard_text())
    }

    fn heard_text(&mut self) -> String {
        let mut text = String::new();
        loop {
            self.effects.extend(std::iter::from_fn(|| self.session.effect()));
            let output = self.session.output();
            if !self.reads || output.is_empty() {
                return text;
            }
            text += &String::from_utf8_lossy(output).replace("\r\n", "\n");
            self.session.sent(output.len(), self.now);
        }
    }

    /// Effects since the last look.
    fn effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// The one file operation that is asked for.
    fn asked(&mut self) -> FileOp {
        match self.effects().pop() {
            Some(Effect::File(operation)) => operation,
            other => panic!("no question about files, but {other:?}"),
        }
    }

    /// Events since the last look.
    fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.session.event()).collect()
    }

    fn is_over(&self) -> bool {
        self.effects.last() == Some(&Effect::HangUp)
    }

    /// Seconds until the session wants to be ticked.
    fn timeout(&self) -> Option<u64> {
        Some(self.session.deadline()?.saturating_duration_since(self.now).as_secs())
    }
}

/// The codes of whole replies.
fn codes(text: &str) -> String {
    let last_lines = text.lines().filter(|line| line.as_bytes().get(3) == Some(&b' '));
    let codes: Vec<&str> = last_lines.map(|line| &line[..3]).filter(|code| *code > "099").collect();
    codes.join(" ")
}

fn broken() -> DataEvent {
    DataEvent::Broken(DataLoss::Failed("connection reset".into()))
}

fn facts(kind: Kind) -> Answer {
    Answer::File(Ok(FileDone::Facts(Facts {
        kind,
        mode: 0o644,
        links: 1,
        owner: 0,
        group: 0,
        size: 2331,
        modified: 1_677_929_071,
        modified_ns: 0,
        created: None,
        device: 1,
        inode: 1,
    })))
}

/// Says each line and expects its codes.
fn table(talk: &mut Talk, rows: &[(&str, &str)]) {
    for (line, expected) in rows {
        assert_eq!(talk.say(line), *expected, "{line}");
    }
}

#[test]
fn the_briefs_session() {
    let mut talk = Talk::stranger();
    table(&mut talk, &[("USER anonymous", "331"), ("PASS anonymous@", "")]);
    assert_eq!(
        talk.answer(Answer::Login(Verdict::Granted(Access::WRITE.into(), RequireTls::Off))),
        "230"
    );
    table(&mut talk, &[("SYST", "215"), ("FEAT", "211"), ("TYPE I", "200"), ("SIZE file", "")]);
    talk.session.answer(facts(Kind::File), talk.now);
    assert_eq!(talk.heard_text(), "213 2331\n");
    assert_eq!(talk.say("EPRT |1|127.0.0.1|46427|"), "");
    assert_eq!(talk.effects().pop(), Some(Effect::Connect("127.0.0.1:46427".parse().unwrap())));
    talk.session.data(DataEvent::Connected, talk.now);
    assert_eq!(talk.heard_text(), "200 Active data connection established.\n");
    assert_eq!(talk.say("RETR file"), "");
    assert!(matches!(talk.asked(), FileOp::OpenDownload(path, ..) if path.as_bytes() == b"/file"));
    assert_eq!(talk.done(), "125");
    assert_eq!(talk.effects(), [Effect::Start]);
    assert_eq!(talk.data(DataEvent::Moved(2331)), "");
    assert_eq!(talk.data(DataEvent::Ended), "226");
    assert_eq!(talk.say("MDTM file"), "");
    talk.session.answer(facts(Kind::File), talk.now);
    assert_eq!(talk.heard_text(), "213 20230304112431\n");
    assert_eq!(talk.say("QUIT"), "221");
    assert!(talk.is_over());
}

#[test]
fn a_command_waits_for_its_crlf_and_a_stray_byte_spoils_it() {
    let mut talk = Talk::stranger();
    for (bytes, expected) in [
        (&b"NOOP"[..], ""),
        (b"\r", ""),
        (b"\n", "200"),
        (b"NOOP\n", ""),
        (b"\r\n", "500"),
        (b"NOOP\rQUIT\r\n", "500"),
        (b"\xFF\xF4\xFF\xF2NOOP\r\n", "200"),
        (b"NOOP\r\nSYST\r\n\r\n", "200 215 500"),
    ] {
        assert_eq!(talk.send(bytes), expected, "{}", bytes.escape_ascii());
    }
    assert!(!talk.is_over());
}

#[test]
fn a_name_with_a_byte_255_lost_letters() {
    let mut talk = Talk::writer();
    talk.send(b"MKD \xFF\xF0\xEB\xFB\xEA\r\n");
    assert!(
        matches!(talk.asked(), FileOp::MakeDir(path, _) if path.as_bytes() == b"/\xFF\xF0\xEB\xFB\xEA")
    );
    let mut talk = Talk::stranger();
    talk.say("USER ivan");
    talk.send(b"PASS \xEC\xFF\xF0\xFB\r\n");
    let secret = Secret(b"\xEC\xFF\xF0\xFB".to_vec());
    assert_eq!(talk.effects(), [Effect::Verify { name: b"ivan".to_vec(), secret }]);
}

#[test]
fn endless_lines_are_refused_once() {
    let mut talk = Talk::stranger();
    let mut heard = Vec::new();
    for _ in 0..1000 {
        heard.push(talk.send(&[b'x'; 1024]));
    }
    heard.push(talk.send(b"\r\nNOOP\r\n"));
    heard.retain(|codes| !codes.is_empty());
    assert_eq!(heard, ["500", "200"]);
}
