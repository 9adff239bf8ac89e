//! The pump: what is opened for a transfer, and how it moves, a step at a time.

use super::incoming::Incoming;
use super::listing::ListingLines;
use super::outgoing::Outgoing;
use super::step::{State, Step, TransferBuffers};
use crate::fs::{Download, Refusal, Upload};
use crate::net::Link;
use crate::proto::coding::Coding;

/// Transfer that is opened, and what of it is on its way. An upload that is dropped before it
/// is finished counts as cut off.
#[derive(Debug)]
pub enum Pump {
    /// A file or a listing, to be sent.
    Outgoing(Outgoing),
    /// A file to be stored.
    Incoming(Incoming),
}

impl Pump {
    /// Sends a file.
    pub fn download(file: Download, coding: Coding) -> Pump {
        Pump::Outgoing(Outgoing::file(file, coding))
    }

    /// Sends a listing.
    pub fn listing(lines: ListingLines, coding: Coding) -> Pump {
        Pump::Outgoing(Outgoing::listing(lines, coding))
    }

    /// Stores a file.
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

    /// Bytes of the file that are still to be sent; `None` if none is.
    pub fn bytes(&self) -> Option<u64> {
        match self {
            Pump::Outgoing(outgoing) => outgoing.bytes(),
            Pump::Incoming(_) => None,
        }
    }

    /// True for a listing with a folder of more names than could be put in the order that was asked
    /// for.
    pub fn is_unsorted(&self) -> bool {
        match self {
            Pump::Outgoing(outgoing) => outgoing.is_unsorted(),
            Pump::Incoming(_) => false,
        }
    }

    /// True if bytes come in, rather than go out.
    pub fn is_upload(&self) -> bool {
        matches!(self, Pump::Incoming(_))
    }

    /// True if any call on it but [`step`](Pump::step) may wait, the drop as well: then it is for a
    /// thread that may.
    pub fn may_block(&self) -> bool {
        match self {
            Pump::Outgoing(outgoing) => outgoing.may_block(),
            Pump::Incoming(incoming) => incoming.may_block(),
        }
    }

    /// True if [`begin`](Pump::begin) may wait for the disk.
    pub fn begin_may_block(&self) -> bool {
        match self {
            Pump::Outgoing(_) => false,
            Pump::Incoming(incoming) => incoming.begin_may_block(),
        }
    }

    /// True if the drop may wait for the disk.
    pub fn drop_may_block(&self) -> bool {
        match self {
            Pump::Outgoing(outgoing) => outgoing.may_block(),
            Pump::Incoming(incoming) => incoming.drop_may_block(),
        }
    }

    /// True if [`finish`](Pump::finish) waits for the disk.
    pub fn finish_may_block(&self) -> bool {
        match self {
            Pump::Outgoing(_) => false,
            Pump::Incoming(incoming) => incoming.finish_may_block(),
        }
    }

    /// Moves about `budget` bytes, or does as much work. If the disk is said to be `slow`, nothing
    /// is left to luck.
    pub fn step(
        &mut self,
        link: &mut Link,
        buffers: &mut TransferBuffers,
        budget: usize,
        may_block: bool,
    ) -> Step {
        let mut moved = 0;
        let mut left = budget;
        let state = loop {
            if left == 0 {
                break State::Spent;
            }
            let slice = match self {
                Pump::Outgoing(outgoing) => {
                    outgoing.slice(link, &mut buffers.buffer, left, may_block)
                }
                Pump::Incoming(incoming) => incoming.slice(link, buffers, left, may_block),
            };
            match slice {
                Ok(slice) => {
                    moved += slice.moved;
                    left = left.saturating_sub(slice.cost);
                }
                Err(State::Ended) => break self.end(link),
                Err(state) => break state,
            }
        };
        Step { moved, used: budget - left, state }
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

    /// Does a piece of what a step left to be done elsewhere: reads or makes what is sent next, or
    /// stores what was received. `Spent` says that a step can go on.
    pub fn work(&mut self, buffer: &mut [u8]) -> State {
        let worked = match self {
            Pump::Outgoing(outgoing) => outgoing.work(buffer),
            Pump::Incoming(incoming) => incoming.work(),
        };
        worked.map_or_else(|state| state, |()| State::Spent)
    }

    /// An upload replaces nothing from now on: see [`Upload::spare_others`].
    pub fn spare_others(&mut self) {
        if let Pump::Incoming(incoming) = self {
            incoming.spare_others();
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
