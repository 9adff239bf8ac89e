//! Steps of a pump: what one came to, and what it moves bytes through.

use std::io;

use crate::fs::{Pipe, Refusal};
use crate::net::Flow;

/// Outcome of a step.
#[derive(Debug)]
pub struct Step {
    /// Bytes that moved over the connection.
    pub moved: usize,
    /// Budget that it used: those bytes, and work that counts as so many.
    pub used: usize,
    /// Next state.
    pub state: State,
}

/// Cause of a step's end.
#[derive(Debug)]
pub enum State {
    /// The budget is used up; there is more to do at once.
    Spent,
    /// The connection blocks; an event will tell.
    Blocked,
    /// All is sent; or the client has ended what it sends, cleanly.
    Ended,
    /// The connection is lost, or what came over it makes no sense.
    Broken(io::Error),
    /// The disk refused.
    Refused(Refusal),
    /// The next step may wait for the disk: it is for [`Pump::work`](super::pump::Pump::work), where
    /// that stops nobody.
    NeedsWorker,
}

impl From<Refusal> for State {
    fn from(refusal: Refusal) -> State {
        State::Refused(refusal)
    }
}

/// Buffers of all transfers, used a slice at a time: the loop has one of each.
#[derive(Debug)]
pub struct TransferBuffers {
    /// Bytes read before they are written.
    pub buffer: Vec<u8>,
    /// Way from a socket into a file without reading; without one, bytes are read.
    pub pipe: Option<Pipe>,
}

/// Work of one system call or two, and its cost of the budget.
pub(super) struct Slice {
    pub(super) moved: usize,
    pub(super) cost: usize,
}

/// Flow of a link, as the pump sees it.
pub(super) fn moved(flow: Flow) -> Result<usize, State> {
    match flow {
        Flow::Moved(moved) => Ok(moved),
        Flow::Blocked => Err(State::Blocked),
        Flow::Ended => Err(State::Ended),
        Flow::Broken(error) => Err(State::Broken(error)),
    }
}
