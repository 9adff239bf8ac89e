//! The shell as the session knows it: answers questions at once, late or not as hoped, and does
//! with the data connection what networks do. It tells nothing that the real shell could not tell,
//! and watches that it is asked for nothing that it could not do.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use super::chance::Chance;
use super::judge::Judge;
use crate::fs::Refusal;
use crate::proto::entry::{Facts, Kind};
use crate::proto::path::VPath;
use crate::session::{Answer, DataEvent, Effect, FileDone, FileOp, Verdict};
use crate::users::{Access, RequireTls};

const REFUSALS: &[Refusal] = &[
    Refusal::NotFound,
    Refusal::Denied,
    Refusal::IsDirectory,
    Refusal::NotDirectory,
    Refusal::NotRegular,
    Refusal::Exists,
    Refusal::NotEmpty,
    Refusal::BadName,
    Refusal::ReadOnly,
    Refusal::NoSpace,
    Refusal::Quota,
    Refusal::TooLarge,
    Refusal::Loop,
    Refusal::BeyondEnd,
    Refusal::Shortened,
    Refusal::Busy,
    Refusal::CrossDevice,
    Refusal::TooManyOpen,
    Refusal::Failed(5),
];
/// No path that the kernel takes is longer.
const LONGEST_PATH: usize = 4096;

/// What comes of an effect before the next is looked at.
pub(super) enum Deed {
    Done,
    /// The question that it was is answered at once.
    Answer,
    Event(DataEvent),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    None,
    Leased,
    Connecting,
    Open,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opened {
    Download,
    Upload,
    Listing,
}

pub(super) struct Shell {
    client: IpAddr,
    question: Option<Effect>,
    link: Link,
    opened: Option<Opened>,
    running: bool,
    /// An upload has come to its end, and may be finished.
    ended: bool,
    /// When the reply to a wrong password is due.
    penalty: Option<Instant>,
    access: Access,
    input_ended: bool,
    /// An upload that ends from now on is not whole.
    deserted: bool,
    pub(super) over: bool,
    /// Transfers that may be called complete.
    pub(super) completed: u64,
    /// One in so many questions is answered at once.
    lateness: u64,
    /// Most passwords are wrong.
    distrusts: bool,
}

impl Shell {
    pub(super) fn new(chance: &mut Chance, client: IpAddr) -> Shell {
        Shell {
            client,
            question: None,
            link: Link::None,
            opened: None,
            running: false,
            ended: false,
            penalty: None,
            access: Access::Read,
            input_ended: false,
            deserted: false,
            over: false,
            completed: 0,
            distrusts: chance.one_in(8),
            lateness: chance.pick(&[1, 2, 10]),
        }
    }

    pub(super) fn runs(&self) -> bool {
        self.running
    }

    pub(super) fn is_asked(&self) -> bool {
        self.question.is_some()
    }

    /// Whether something is under way that the session waits for.
    pub(super) fn is_busy(&self) -> bool {
        self.is_asked() || self.link == Link::Connecting || self.opened.is_some()
    }

    pub(super) fn has_penalty(&self) -> bool {
        self.penalty.is_some()
    }

    pub(super) fn time_passed(&mut self, now: Instant) {
        self.penalty = self.penalty.filter(|until| *until > now);
    }

    /// Whether the client is still listened to.
    pub(super) fn hears(&self) -> bool {
        !self.input_ended && !self.over
    }

    pub(super) fn input_ended(&mut self, quits: bool) {
        self.input_ended = true;
        self.deserted = !quits;
    }

    // Effects.

    pub(super) fn carry_out(&mut self, effect: Effect, judge: &Judge, chance: &mut Chance) -> Deed {
        assert!(!self.over, "{effect:?} after HangUp");
        match &effect {
            Effect::Secure | Effect::Clear | Effect::Recognise { .. } | Effect::Verify { .. } => {
                return self.ask(effect, chance);
            }
            Effect::SecureData => {}
            Effect::File(operation) => {
                assert!(judge.logged_in, "{effect:?} before login");
                self.may(operation);
                return self.ask(effect, chance);
            }
            Effect::Listen => {
                assert!(judge.logged_in, "{effect:?} before login");
                assert_eq!(self.link, Link::None, "a second data connection");
                return self.ask(effect, chance);
            }
            Effect::Connect(address) => {
                assert!(judge.logged_in, "{effect:?} before login");
                assert_eq!(self.link, Link::None, "a second data connection");
                assert_eq!(address.ip(), self.client, "somebody else is connected to");
                assert!(address.port() >= 1024, "a privileged port is connected to");
                if chance.one_in(8) {
                    return Deed::Event(DataEvent::Broken);
                }
                self.link = Link::Connecting;
            }
            Effect::Start => {
                assert!(self.opened.is_some(), "nothing was opened that could start");
                assert_eq!(self.link, Link::Open, "a transfer starts without a connection");
                assert!(!self.running, "started twice");
                if self.opened == Some(Opened::Upload) && chance.one_in(8) {
                    self.drop_all();
                    return Deed::Event(DataEvent::Refused(chance.pick(REFUSALS)));
                }
                self.running = true;
            }
            Effect::Abort => self.drop_all(),
            Effect::HangUp => self.over = true,
        }
        Deed::Done
    }

    fn ask(&mut self, question: Effect, chance: &mut Chance) -> Deed {
        assert_eq!(self.question, None, "{question:?} while another question is open");
        self.question = Some(question);
        if chance.one_in(self.lateness) { Deed::Answer } else { Deed::Done }
    }

    /// What may be asked of the files now, and by whom.
    fn may(&self, operation: &FileOp) {
        let (writes, transfers) = match operation {
            FileOp::OpenUpload(..) => (true, true),
            FileOp::OpenDownload(..) => (false, true),
            FileOp::MakeDir(..) | FileOp::RemoveDir(_) | FileOp::RemoveFile(_) => (true, false),
            FileOp::Rename(..) | FileOp::Change(..) => (true, false),
            FileOp::Copy(..) | FileOp::Combine(..) => (true, false),
            FileOp::FinishUpload => {
                assert!(self.ended && self.opened == Some(Opened::Upload), "nothing has ended");
                assert!(!self.deserted, "an upload is finished for a client that crashed");
                (true, false)
            }
            FileOp::NextLines => {
                assert!(self.opened == Some(Opened::Listing) && !self.running, "no STAT is open");
                (false, false)
            }
            FileOp::Facts(_) | FileOp::Exists(_) | FileOp::Enter(_) | FileOp::FreeSpace(_) => {
                (false, false)
            }
            FileOp::OpenListing(_) | FileOp::Checksum(..) => (false, false),
        };
        assert!(!writes || self.access == Access::Write, "{operation:?} by one who may only read");
        assert!(!transfers || self.link != Link::None, "{operation:?} without a data connection");
    }

    fn has_task(&self) -> bool {
        matches!(&self.question, Some(Effect::File(operation)) if operation.takes_time())
    }

    fn drop_all(&mut self) {
        // Only these take so long that they can be given up.
        if self.has_task() {
            self.question = None;
        }
        self.link = Link::None;
        self.opened = None;
        self.running = false;
        self.ended = false;
    }

    // Answers.

    pub(super) fn answer(&mut self, chance: &mut Chance, now: Instant) -> Option<Answer> {
        Some(match self.question.take()? {
            Effect::Verify { .. } => Answer::Login(self.verdict(chance, now)),
            Effect::Listen if chance.one_in(10) => Answer::Listening(None),
            Effect::Listen => {
                self.link = Link::Leased;
                Answer::Listening(Some(SocketAddr::new(self.client, 2000 + chance.below(9) as u16)))
            }
            Effect::File(operation) => Answer::File(self.file(&operation, chance)),
            other => unreachable!("{other:?} is no question"),
        })
    }

    fn verdict(&mut self, chance: &mut Chance, now: Instant) -> Verdict {
        let odds = if self.distrusts { 3 } else { 40 };
        match chance.below(odds) {
            39 => Verdict::Busy,
            0..2 => {
                let delay = Duration::from_secs(chance.below(5));
                self.penalty = Some(now + delay);
                Verdict::Denied(delay)
            }
            _ => {
                self.access = chance.pick(&[Access::Read, Access::Write, Access::Write]);
                Verdict::Granted(self.access, RequireTls::Off)
            }
        }
    }

    fn file(&mut self, operation: &FileOp, chance: &mut Chance) -> Result<FileDone, Refusal> {
        if *operation == FileOp::FinishUpload {
            self.opened = None;
            self.ended = false;
        }
        let failed = chance.one_in(6) || path_of(operation).is_some_and(is_too_long);
        if failed {
            // The listing of a STAT is dropped with the answer that ends it.
            if *operation == FileOp::NextLines {
                self.opened = None;
            }
            return Err(chance.pick(REFUSALS));
        }
        match operation {
            FileOp::OpenDownload(..) => self.opened = Some(Opened::Download),
            FileOp::OpenUpload(..) => self.opened = Some(Opened::Upload),
            FileOp::OpenListing(_) => self.opened = Some(Opened::Listing),
            FileOp::FinishUpload => self.completed += 1,
            FileOp::Facts(_) => return Ok(FileDone::Facts(facts(chance))),
            FileOp::Checksum(..) => {
                return Ok(FileDone::Checksum { digits: "00FF".to_owned(), end: 4 });
            }
            FileOp::FreeSpace(_) => return Ok(FileDone::Free(chance.below(20))),
            FileOp::NextLines => {
                let count = chance.upto(32);
                if count == 0 {
                    self.opened = None;
                }
                let line = vec![chance.pick(b"x\xFF"); chance.upto(300)];
                return Ok(FileDone::Lines([&line[..], b"\r\n"].concat().repeat(count)));
            }
            _ => {}
        }
        Ok(FileDone::Done)
    }

    // The data connection.

    /// Something that can happen to the data connection now.
    pub(super) fn next_event(&mut self, chance: &mut Chance) -> Option<DataEvent> {
        match (self.link, self.running) {
            (Link::Connecting, _) if chance.one_in(4) => Some(DataEvent::Broken),
            (Link::Connecting | Link::Leased, _) => Some(DataEvent::Connected),
            (Link::Open, true) => Some(match chance.below(20) {
                0 => DataEvent::Broken,
                1 => DataEvent::Refused(chance.pick(REFUSALS)),
                2..10 => DataEvent::Ended,
                _ => DataEvent::Moved(chance.below(10)),
            }),
            // As when a handshake fails.
            (Link::Open, false)
                if self.opened.is_none() && !self.has_task() && chance.one_in(20) =>
            {
                Some(DataEvent::Broken)
            }
            (Link::Open, false) | (Link::None, _) => None,
        }
    }

    pub(super) fn ends_upload(&self, event: DataEvent) -> bool {
        event == DataEvent::Ended && self.opened == Some(Opened::Upload)
    }

    /// What the shell does before it tells the session.
    pub(super) fn note(&mut self, event: DataEvent) {
        match event {
            DataEvent::Connected => self.link = Link::Open,
            DataEvent::Moved(_) | DataEvent::Secured => {}
            DataEvent::Ended => {
                self.link = Link::None;
                self.running = false;
                self.ended = true;
                if self.opened != Some(Opened::Upload) {
                    self.opened = None;
                    self.completed += 1;
                }
            }
            DataEvent::Broken | DataEvent::NotResumed | DataEvent::Refused(_) => self.drop_all(),
        }
    }
}

fn path_of(operation: &FileOp) -> Option<&VPath> {
    match operation {
        FileOp::Facts(path) | FileOp::Exists(path) | FileOp::Enter(path) => Some(path),
        FileOp::MakeDir(path, _) | FileOp::RemoveDir(path) | FileOp::RemoveFile(path) => Some(path),
        FileOp::Change(path, _) | FileOp::Checksum(path, ..) => Some(path),
        FileOp::Copy(_, path, _) | FileOp::Combine(path, ..) => Some(path),
        FileOp::Rename(_, path) | FileOp::FreeSpace(path) => Some(path),
        FileOp::OpenDownload(path, ..) | FileOp::OpenUpload(path, ..) => Some(path),
        FileOp::OpenListing(listing) => Some(&listing.path),
        FileOp::NextLines | FileOp::FinishUpload => None,
    }
}

fn is_too_long(path: &VPath) -> bool {
    path.as_bytes().len() > LONGEST_PATH
}

fn facts(chance: &mut Chance) -> Facts {
    Facts {
        kind: chance.pick(&[Kind::File, Kind::File, Kind::Directory, Kind::Link, Kind::Special]),
        mode: 0o644,
        links: 1,
        owner: 0,
        group: 0,
        size: chance.below(u64::MAX),
        modified: chance.pick(&[0, 1_677_930_000, -1, i64::MIN, i64::MAX]),
        created: None,
        device: 1,
        inode: 1,
    }
}
