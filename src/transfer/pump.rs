//! The pump: what is opened for a transfer, and how it moves, a step at a time.

use std::io;

use super::incoming::Incoming;
use super::listing::ListingLines;
use super::outgoing::Outgoing;
use crate::fs::{Download, Pipe, Refusal, Upload};
use crate::net::{Flow, Link};
use crate::proto::command::Coding;

/// What is opened for a transfer, and what of it is on its way.
#[derive(Debug)]
pub enum Pump {
    /// A file or a listing, to be sent.
    Outgoing(Outgoing),
    /// A file to be stored.
    Incoming(Incoming),
}

/// What a step came to.
#[derive(Debug)]
pub struct Step {
    /// Bytes that moved over the connection.
    pub moved: usize,
    /// What is to come.
    pub state: State,
}

/// Why a step came to its end.
#[derive(Debug)]
pub enum State {
    /// The budget is used up; there is more to do at once.
    Spent,
    /// The connection blocks; an event will tell.
    Blocked,
    /// All is sent; or the client has sent its FIN.
    Ended,
    /// The connection is lost, or what came over it makes no sense.
    Broken(io::Error),
    /// The disk refused.
    Refused(Refusal),
}

impl From<Refusal> for State {
    fn from(refusal: Refusal) -> State {
        State::Refused(refusal)
    }
}

/// What all transfers move through, one slice at a time: the loop has one of each.
#[derive(Debug)]
pub struct Aisle {
    /// For what is read before it is written.
    pub buffer: Vec<u8>,
    /// For what goes from a socket into a file without being read; without one, it is read.
    pub pipe: Option<Pipe>,
}

/// What one system call or two did, and what it costs of the budget.
pub(super) struct Slice {
    pub(super) moved: usize,
    pub(super) cost: usize,
}

impl Pump {
    /// To send a file.
    pub fn download(file: Download, coding: Coding) -> Pump {
        Pump::Outgoing(Outgoing::file(file, coding))
    }

    /// To send a listing.
    pub fn listing(lines: ListingLines, coding: Coding) -> Pump {
        Pump::Outgoing(Outgoing::listing(lines, coding))
    }

    /// To store a file.
    pub fn upload(file: Upload, coding: Coding) -> Pump {
        Pump::Incoming(Incoming::new(file, coding))
    }

    /// The data connection stands: an upload makes room for its bytes.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn begin(&mut self) -> Result<(), Refusal> {
        match self {
            Pump::Outgoing(_) => Ok(()),
            Pump::Incoming(incoming) => incoming.begin(),
        }
    }

    /// Whether bytes come in, rather than go out.
    pub fn is_upload(&self) -> bool {
        matches!(self, Pump::Incoming(_))
    }

    /// Moves about `budget` bytes, or does as much work.
    pub fn step(&mut self, link: &mut Link, aisle: &mut Aisle, budget: usize) -> Step {
        let mut moved = 0;
        let mut left = budget;
        while left > 0 {
            let slice = match self {
                Pump::Outgoing(outgoing) => outgoing.slice(link, &mut aisle.buffer, left),
                Pump::Incoming(incoming) => incoming.slice(link, aisle, left),
            };
            match slice {
                Ok(slice) => {
                    moved += slice.moved;
                    left = left.saturating_sub(slice.cost);
                }
                Err(State::Ended) => return Step { moved, state: self.end(link) },
                Err(state) => return Step { moved, state },
            }
        }
        Step { moved, state: State::Spent }
    }

    /// All has moved: under TLS that is said, and whoever sends has to get it out.
    fn end(&self, link: &mut Link) -> State {
        match (link.close_notify(), self) {
            (Err(error), Pump::Outgoing(_)) => State::Broken(error),
            (Ok(false), Pump::Outgoing(_)) => State::Blocked,
            (Ok(true), Pump::Outgoing(_)) => {
                link.discard_input();
                State::Ended
            }
            (_, Pump::Incoming(_)) => State::Ended,
        }
    }

    /// The upload is complete: the file stands under its name. Anything else is done already.
    ///
    /// # Errors
    /// The disk refuses; nothing is left of the upload.
    pub fn finish(self) -> Result<(), Refusal> {
        match self {
            Pump::Outgoing(_) => Ok(()),
            Pump::Incoming(incoming) => incoming.finish(),
        }
    }

    /// The transfer broke: what becomes of an upload is decided by how it was prepared.
    pub fn cut_off(self) {
        match self {
            Pump::Outgoing(_) => {}
            Pump::Incoming(incoming) => incoming.cut_off(),
        }
    }

    /// The next lines of a listing, for the control connection, empty at its end; `None` if
    /// `budget` is used up before there are any.
    ///
    /// # Errors
    /// The folder can't be read on.
    pub fn lines(&mut self, budget: &mut usize) -> Result<Option<Vec<u8>>, Refusal> {
        match self {
            Pump::Outgoing(outgoing) => outgoing.lines(budget),
            Pump::Incoming(_) => Ok(Some(Vec::new())),
        }
    }
}

/// What a link did, as the pump sees it.
pub(super) fn moved(flow: Flow) -> Result<usize, State> {
    match flow {
        Flow::Moved(moved) => Ok(moved),
        Flow::Blocked => Err(State::Blocked),
        Flow::Ended => Err(State::Ended),
        Flow::Broken(error) => Err(State::Broken(error)),
    }
}
