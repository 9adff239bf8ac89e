//! Ledger of the events: every transfer that begins ends once, the bytes add up, and the end comes
//! last.

use std::rc::Rc;

use crate::proto::path::VPath;
use crate::session::{DataEvent, Event, Session, TransferEnd, TransferKind};

pub(super) struct Ledger {
    /// True if commands and replies are to be told.
    traces: bool,
    /// The transfer that has begun and not ended.
    running: Option<(TransferKind, VPath)>,
    /// Bytes of it that the session was told of.
    moved: u64,
    sent: u64,
    received: u64,
    /// Transfers that ended complete.
    complete: u64,
    /// User who logged in last.
    user: Option<Rc<[u8]>>,
    over: bool,
}

impl Ledger {
    pub(super) fn new(traces: bool) -> Ledger {
        Ledger {
            traces,
            running: None,
            moved: 0,
            sent: 0,
            received: 0,
            complete: 0,
            user: None,
            over: false,
        }
    }

    /// The session is told of this.
    pub(super) fn told(&mut self, event: &DataEvent) {
        if let DataEvent::Moved(bytes) = event {
            self.moved += bytes;
        }
    }

    /// Reads what is new.
    pub(super) fn read(&mut self, session: &mut Session) {
        while let Some(event) = session.event() {
            assert!(!self.over, "{event:?} after the last event");
            self.enter(event);
        }
    }

    fn enter(&mut self, event: Event) {
        match event {
            Event::Command(text) | Event::Reply(text) => {
                assert!(self.traces, "a trace that nobody reads");
                let secret = text.windows(7).any(|word| word == b"hunter2");
                assert!(!secret, "a password is told: {}", text.escape_ascii());
            }
            Event::LoggedIn { user, .. } => self.user = Some(user),
            Event::LoginRefused { .. } | Event::Notice(_) => {}
            Event::Changed { user, .. } | Event::Unreachable { user, .. } => {
                assert_eq!(Some(user), self.user, "somebody else did it");
            }
            Event::TransferRefused { user, cause, .. } => {
                assert_eq!(Some(user), self.user, "somebody else did it");
                assert_ne!(cause, TransferEnd::Complete, "refused as complete");
                assert_eq!(self.running, None, "refused while another runs");
            }
            Event::TransferBegun { kind, path, .. } => {
                assert_eq!(self.running, None, "a transfer begins while another runs");
                (self.running, self.moved) = (Some((kind, path)), 0);
            }
            Event::TransferEnded { kind, path, bytes, end, .. } => {
                assert_eq!(self.running.take(), Some((kind, path)), "another ended than began");
                assert_eq!(bytes, self.moved, "bytes are lost");
                self.complete += u64::from(end == TransferEnd::Complete);
                *if kind.is_upload() { &mut self.received } else { &mut self.sent } += bytes;
            }
            Event::Disconnected { known, sent, received, .. } => {
                assert_eq!((sent, received), (self.sent, self.received), "bytes do not add up");
                assert_eq!(known, self.user.is_some(), "a stranger is known, or a user is not");
                self.over = true;
            }
        }
    }

    /// Invariants that hold after every input.
    pub(super) fn check(&self, running: bool, said_complete: u64) {
        assert!(!running || self.running.is_some(), "bytes move that nobody was told of");
        assert!(self.complete >= said_complete, "a 226, and no event");
    }

    /// No more will come.
    pub(super) fn close(&self) {
        assert!(self.over, "the end was not told");
        assert_eq!(self.running, None, "a transfer has begun and never ended");
    }
}
