//! The pump: what is opened for a transfer, and how it moves.
//!
//! Downloads of TYPE I go by sendfile and never enter this process. Everything else is staged: made
//! or read in slices, translated, and sent; or received into the loop's one buffer, translated, and
//! written. A step ends when its budget is used up, when the connection blocks, or when all is done.

use std::io;

use super::listing::ListingLines;
use crate::fs::{Download, Refusal, SendError, Upload};
use crate::net::{Flow, Link};
use crate::proto::ascii::{FromNetwork, ToNetwork};
use crate::proto::command::Representation;

/// How many bytes of the budget a line of a listing costs: about as much work as so many bytes.
const LINE_COST: usize = 256;
/// Lines that are made at once, at most.
const LINES: usize = 256;
/// Lines that go into a reply at once.
const STATUS_LINES: usize = 32;

/// What is opened for a transfer, and what of it is on its way.
#[derive(Debug)]
pub struct Pump {
    opened: Opened,
    /// Bytes made and not yet sent, from `position` on.
    staged: Vec<u8>,
    position: usize,
}

#[derive(Debug)]
enum Opened {
    /// A file, by sendfile unless it must be read: in TYPE A, or if sendfile does not take it.
    Download {
        file: Download,
        text: Option<ToNetwork>,
        by_reading: bool,
    },
    Listing(ListingLines),
    Upload {
        file: Upload,
        text: Option<FromNetwork>,
    },
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
    /// The connection is lost.
    Broken(io::Error),
    /// The disk refused.
    Refused(Refusal),
}

impl From<Refusal> for State {
    fn from(refusal: Refusal) -> State {
        State::Refused(refusal)
    }
}

impl Pump {
    /// To send a file.
    pub fn download(file: Download, representation: Representation) -> Pump {
        let text = (representation == Representation::Ascii).then(ToNetwork::default);
        Pump::new(Opened::Download { file, by_reading: text.is_some(), text })
    }

    /// To send a listing.
    pub fn listing(lines: ListingLines) -> Pump {
        Pump::new(Opened::Listing(lines))
    }

    /// To store a file.
    pub fn upload(file: Upload, representation: Representation) -> Pump {
        let text = (representation == Representation::Ascii).then(FromNetwork::default);
        Pump::new(Opened::Upload { file, text })
    }

    fn new(opened: Opened) -> Pump {
        Pump { opened, staged: Vec::new(), position: 0 }
    }

    /// The data connection stands: an upload makes room for its bytes.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn begin(&mut self) -> Result<(), Refusal> {
        match &mut self.opened {
            Opened::Upload { file, .. } => file.begin(),
            _ => Ok(()),
        }
    }

    /// Whether bytes come in, rather than go out.
    pub fn is_upload(&self) -> bool {
        matches!(self.opened, Opened::Upload { .. })
    }

    /// Moves about `budget` bytes, or does as much work; `buffer` is the loop's.
    pub fn step(&mut self, link: &mut Link, buffer: &mut [u8], budget: usize) -> Step {
        let mut moved = 0;
        let mut left = budget;
        while left > 0 {
            let slice = match &mut self.opened {
                Opened::Download { file, by_reading, .. } if !*by_reading => {
                    send_file(file, by_reading, link, left)
                }
                Opened::Upload { file, text } => receive(file, text.as_mut(), link, buffer, left),
                _ if self.position < self.staged.len() => self.send_staged(link, left),
                _ => self.stage(buffer, left),
            };
            match slice {
                Ok(slice) => {
                    moved += slice.moved;
                    left = left.saturating_sub(slice.cost);
                }
                Err(state) => return Step { moved, state },
            }
        }
        Step { moved, state: State::Spent }
    }

    /// The upload is complete: the file stands under its name. Anything else is done already.
    ///
    /// # Errors
    /// The disk refuses; nothing is left of the upload.
    pub fn finish(self) -> Result<(), Refusal> {
        match self.opened {
            Opened::Upload { file, .. } => file.finish(),
            _ => Ok(()),
        }
    }

    /// The transfer broke: what becomes of an upload is decided by how it was prepared.
    pub fn cut_off(self) {
        if let Opened::Upload { file, .. } = self.opened {
            file.cut_off();
        }
    }

    /// The next lines of a listing, for the control connection; none at its end.
    ///
    /// # Errors
    /// The folder can't be read on.
    pub fn lines(&mut self) -> Result<Vec<u8>, Refusal> {
        let mut out = Vec::new();
        if let Opened::Listing(lines) = &mut self.opened {
            while out.is_empty() && lines.fill(&mut out, STATUS_LINES)? {}
        }
        Ok(out)
    }

    /// Makes or reads what is to be sent next.
    fn stage(&mut self, buffer: &mut [u8], left: usize) -> Result<Slice, State> {
        self.staged.clear();
        self.position = 0;
        match &mut self.opened {
            Opened::Listing(lines) => {
                let wanted = (left / LINE_COST).clamp(1, LINES);
                if !lines.fill(&mut self.staged, wanted)? && self.staged.is_empty() {
                    return Err(State::Ended);
                }
                Ok(Slice { moved: 0, cost: wanted * LINE_COST })
            }
            Opened::Download { file, text, .. } => {
                let most = left.min(buffer.len());
                let read = file.read(&mut buffer[..most])?;
                if read == 0 {
                    return Err(end_of(file));
                }
                match text {
                    Some(text) => text.encode(&buffer[..read], &mut self.staged),
                    None => self.staged.extend_from_slice(&buffer[..read]),
                }
                Ok(Slice { moved: 0, cost: 0 })
            }
            Opened::Upload { .. } => Err(State::Ended),
        }
    }

    fn send_staged(&mut self, link: &mut Link, left: usize) -> Result<Slice, State> {
        let waiting = &self.staged[self.position..];
        let moved = sent(link.write(&waiting[..left.min(waiting.len())]))?;
        self.position += moved;
        Ok(Slice { moved, cost: moved })
    }
}

/// What one system call did, and what it costs of the budget.
struct Slice {
    moved: usize,
    cost: usize,
}

fn send_file(
    file: &mut Download,
    by_reading: &mut bool,
    link: &mut Link,
    left: usize,
) -> Result<Slice, State> {
    match file.send_to(link.socket(), left) {
        Ok(0) => Err(end_of(file)),
        Ok(moved) => Ok(Slice { moved, cost: moved }),
        Err(SendError::WouldBlock) => {
            link.write_blocked();
            Err(State::Blocked)
        }
        Err(SendError::Socket(number)) => Err(State::Broken(io::Error::from_raw_os_error(number))),
        Err(SendError::Disk(refusal)) => Err(State::Refused(refusal)),
        Err(SendError::Unsupported) => {
            *by_reading = true;
            Ok(Slice { moved: 0, cost: 0 })
        }
    }
}

fn receive(
    file: &mut Upload,
    text: Option<&mut FromNetwork>,
    link: &mut Link,
    buffer: &mut [u8],
    left: usize,
) -> Result<Slice, State> {
    let most = left.min(buffer.len());
    let moved = match sent(link.read(&mut buffer[..most])) {
        Ok(moved) => moved,
        Err(State::Ended) => {
            let mut rest = Vec::new();
            if let Some(text) = text {
                text.finish(&mut rest);
            }
            file.write(&rest)?;
            return Err(State::Ended);
        }
        Err(state) => return Err(state),
    };
    match text {
        None => file.write(&buffer[..moved])?,
        Some(text) => {
            let mut decoded = Vec::with_capacity(moved);
            text.decode(&buffer[..moved], &mut decoded);
            file.write(&decoded)?;
        }
    }
    Ok(Slice { moved, cost: moved })
}

/// A file that ends before its size has been cut meanwhile: the client must not take it for whole.
fn end_of(file: &Download) -> State {
    if file.left() == 0 { State::Ended } else { State::Refused(Refusal::Shortened) }
}

fn sent(flow: Flow) -> Result<usize, State> {
    match flow {
        Flow::Moved(moved) => Ok(moved),
        Flow::Blocked => Err(State::Blocked),
        Flow::Ended => Err(State::Ended),
        Flow::Broken(error) => Err(State::Broken(error)),
    }
}
