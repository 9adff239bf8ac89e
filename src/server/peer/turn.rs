//! Turn of a peer: its means, what it tells the session, and its fate after it.

use std::io;
use std::time::Instant;

use super::super::scheduler::Handshake;
use super::super::shared::Shared;
use crate::fs::{Refusal, RootPath};
use crate::session::{Answer, DataEvent, Disconnect, FileDone, Verdict};
use crate::transfer::State;

/// Means of a peer for one turn, or for one thing that happened to it.
pub(in crate::server) struct Turn<'a> {
    pub(in crate::server) shared: &'a mut Shared,
    pub(in crate::server) now: Instant,
    /// Bytes that may be moved, or work that costs as much.
    pub(in crate::server) budget: usize,
    /// Handshake that had to be put off.
    pub(super) deferred: Option<Handshake>,
}

/// Fate of a peer after its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) enum Fate {
    /// Peer that waits for an event or its deadline.
    Rest,
    /// Its budget is used up: it wants another turn.
    Again,
    /// Peer that wants a turn when there is time for its TLS handshake.
    Deferred(Handshake),
    /// Peer that is to be removed, for this cause.
    Gone(Disconnect),
}

/// Input of the session.
#[derive(Debug)]
pub(super) enum Input {
    /// Bytes of commands, so many, which are in the loop's buffer.
    Received(usize),
    /// FIN of the client.
    Ended,
    /// Bytes of replies, so many, are on their way.
    Sent(usize),
    Answer(Answer),
    Data(DataEvent),
    Tick,
    ShutDown,
}

impl<'a> Turn<'a> {
    /// Turn without a budget.
    pub(in crate::server) fn new(shared: &'a mut Shared, now: Instant) -> Turn<'a> {
        Turn::with_budget(shared, now, 0)
    }

    pub(in crate::server) fn with_budget(
        shared: &'a mut Shared,
        now: Instant,
        budget: usize,
    ) -> Turn<'a> {
        Turn { shared, now, budget, deferred: None }
    }
}

/// News of the files, for the session.
#[derive(Debug)]
pub(super) enum FileNews {
    /// None yet.
    Pending,
    /// Answer to an operation.
    Answer(Result<FileDone, Refusal>),
    /// Verdict on a login, whose root is open.
    Verdict(Verdict),
    /// Root of a user who has logged in, which cannot be opened.
    RootMissing(RootPath, io::Error),
    /// State of the transfer after work on its file.
    Stepped(State),
    /// End of the session, for no fault of its client.
    Failed(&'static str),
}
