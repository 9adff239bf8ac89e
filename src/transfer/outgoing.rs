//! Outgoing: a file or a listing, translated and packed as the client asked.
//!
//! Files of TYPE I in MODE S go by sendfile and never enter this process; under TLS they are read
//! and encrypted at once. Everything else is staged: made or read in slices, translated, packed,
//! and sent.

use std::io;

use super::deflate::Packer;
use super::listing::ListingLines;
use super::step::{Slice, State, moved};
use crate::fs::{Download, Refusal, SendError};
use crate::net::Link;
use crate::proto::ascii::ToNetwork;
use crate::proto::coding::{Coding, Mode, Representation};

/// Bytes of a file that are made ready at once: a client that reads nothing holds as many, or twice
/// as many in TYPE A.
const STAGED_BYTES: usize = 64 * 1024;
/// Part listed of a slow disk at once, as [`ListingLines::fill`] counts it: the facts of a few
/// files, so that the first are soon seen and those of a client that has left not sought for long.
pub const WORKER_LIST_BUDGET: usize = 256 * 1024;
/// Bytes of lines that go into a reply at once, and at most one line more.
const STATUS_BYTES: usize = 4096;
/// Packing costs about so many times what sending does.
const PACKING_COST: usize = 16;

/// A file or a listing on its way out.
#[derive(Debug)]
pub struct Outgoing {
    source: Source,
    text: Option<ToNetwork>,
    packer: Option<Packer>,
    /// Bytes made and not yet sent, from `position` on.
    staged: Vec<u8>,
    position: usize,
    /// True if nothing comes behind them, as was found out elsewhere.
    ended: bool,
    corked: bool,
}

#[derive(Debug)]
enum Source {
    File {
        file: Download,
        /// File sent as it is, so that nothing is staged.
        plain: bool,
        by_sendfile: bool,
    },
    /// Lines ending in CRLF by themselves.
    Listing(Box<ListingLines>),
}

impl Outgoing {
    pub(super) fn file(file: Download, coding: Coding) -> Outgoing {
        let text = (coding.representation == Representation::Ascii).then(ToNetwork::default);
        let plain = text.is_none() && coding.mode == Mode::Stream;
        Outgoing::new(Source::File { file, plain, by_sendfile: plain }, text, coding)
    }

    pub(super) fn listing(lines: ListingLines, coding: Coding) -> Outgoing {
        Outgoing::new(Source::Listing(Box::new(lines)), None, coding)
    }

    fn new(source: Source, text: Option<ToNetwork>, coding: Coding) -> Outgoing {
        let packer = (coding.mode == Mode::Deflate).then(|| Packer::new(coding.level));
        let (staged, position, ended, corked) = (Vec::new(), 0, false, false);
        Outgoing { source, text, packer, staged, position, ended, corked }
    }

    /// Moves at most `left` bytes, or makes the next ones.
    pub(super) fn slice(
        &mut self,
        link: &mut Link,
        buffer: &mut [u8],
        left: usize,
        may_block: bool,
    ) -> Result<Slice, State> {
        let waiting = &self.staged[self.position..];
        if waiting.is_empty() && self.ended {
            return Err(State::Ended);
        }
        if waiting.is_empty() {
            // Bytes sent by one turn come in few pieces anyhow.
            if let Source::File { file, .. } = &self.source
                && file.left() > left as u64
                && !self.corked
            {
                link.cork();
                self.corked = true;
            }
            return match &mut self.source {
                Source::Listing(lines) if may_block || lines.may_block() => Err(State::NeedsWorker),
                Source::Listing(_) => self.stage(buffer, left),
                Source::File { file, plain, by_sendfile } => match file.at_hand(left) {
                    None => Err(State::NeedsWorker),
                    Some(left) if *plain && link.is_secure() => {
                        send_encrypted(file, link, buffer, left)
                    }
                    Some(left) if *by_sendfile => send_file(file, by_sendfile, link, left),
                    Some(left) => self.stage(buffer, left.min(STAGED_BYTES)),
                },
            };
        }
        let moved = moved(link.write(&waiting[..left.min(waiting.len())]))?;
        self.position += moved;
        Ok(Slice { moved, cost: moved })
    }

    /// See [`Pump::bytes`](super::Pump::bytes).
    pub(super) fn bytes(&self) -> Option<u64> {
        match &self.source {
            Source::File { file, .. } => Some(file.left()),
            Source::Listing(_) => None,
        }
    }

    /// See [`Pump::is_unsorted`](super::Pump::is_unsorted).
    pub(super) fn is_unsorted(&self) -> bool {
        match &self.source {
            Source::File { .. } => false,
            Source::Listing(lines) => lines.is_unsorted(),
        }
    }

    /// True if it is made of names.
    pub fn is_listing(&self) -> bool {
        matches!(self.source, Source::Listing(_))
    }

    /// See [`Pump::may_block`](super::Pump::may_block).
    pub(super) fn may_block(&self) -> bool {
        match &self.source {
            Source::File { file, .. } => file.may_block(),
            Source::Listing(lines) => lines.may_block(),
        }
    }

    /// Brings the next bytes into memory, or makes them ready to be sent.
    pub(super) fn work(&mut self, buffer: &mut [u8]) -> Result<(), State> {
        let left = match &mut self.source {
            Source::File { file, by_sendfile: true, .. } if !file.may_block() => {
                return Ok(file.warm(buffer)?);
            }
            Source::File { by_sendfile: true, .. } => buffer.len(),
            Source::File { .. } => STAGED_BYTES,
            Source::Listing(_) => WORKER_LIST_BUDGET,
        };
        match self.stage(buffer, left) {
            // The next step says that, as it has the connection.
            Err(State::Ended) => {
                self.ended = true;
                Ok(())
            }
            worked => worked.map(drop),
        }
    }

    /// Makes what is to be sent next.
    fn stage(&mut self, buffer: &mut [u8], left: usize) -> Result<Slice, State> {
        let left = if self.packer.is_some() { left.div_ceil(PACKING_COST) } else { left };
        self.staged.clear();
        self.position = 0;
        let (cost, more) = match &mut self.source {
            Source::Listing(lines) => {
                let cost = lines.fill(&mut self.staged, left)?;
                (cost.unwrap_or(0), cost.is_some())
            }
            Source::File { file, .. } => {
                let most = left.min(buffer.len());
                let read = file.read(&mut buffer[..most])?;
                match &mut self.text {
                    Some(text) => text.encode(&buffer[..read], &mut self.staged),
                    None => self.staged.extend_from_slice(&buffer[..read]),
                }
                if read == 0 && file.left() > 0 {
                    return Err(Refusal::Shortened.into());
                }
                (0, read > 0)
            }
        };
        let Some(packer) = &mut self.packer else {
            let done = !more && self.staged.is_empty();
            return if done { Err(State::Ended) } else { Ok(Slice { moved: 0, cost }) };
        };
        let cost = cost + self.staged.len() * PACKING_COST;
        let mut packed = Vec::new();
        packer.pack(&self.staged, &mut packed);
        self.staged = packed;
        if !more && !packer.finish(&mut self.staged) {
            return Err(State::Ended);
        }
        Ok(Slice { moved: 0, cost })
    }

    /// The next lines of a listing, empty at its end; `None` if `budget` is used up before there
    /// are any.
    pub(super) fn lines(&mut self, budget: &mut usize) -> Result<Option<Vec<u8>>, Refusal> {
        let mut out = Vec::new();
        let Source::Listing(lines) = &mut self.source else { return Ok(Some(out)) };
        let may_block = lines.may_block();
        // A listing that has come to another mount goes on with a worker.
        while *budget > 0 && out.len() < STATUS_BYTES && lines.may_block() == may_block {
            let mut piece = Vec::new();
            match lines.fill(&mut piece, 1) {
                Ok(Some(cost)) => *budget = budget.saturating_sub(cost),
                Ok(None) => return Ok(Some(out)),
                Err(refusal) if out.is_empty() => return Err(refusal),
                // A refusal comes again at the next call.
                Err(_) => return Ok(Some(out)),
            }
            out.append(&mut piece);
        }
        Ok((!out.is_empty()).then_some(out))
    }
}

fn send_encrypted(
    file: &mut Download,
    link: &mut Link,
    buffer: &mut [u8],
    left: usize,
) -> Result<Slice, State> {
    // Encryption takes bytes whole, so nothing read is lost when the connection blocks.
    match link.flush() {
        Ok(true) => {}
        Ok(false) => return Err(State::Blocked),
        Err(error) => return Err(State::Broken(error)),
    }
    let most = left.min(buffer.len()).min(Link::MOST_ENCRYPTED);
    let read = file.read(&mut buffer[..most])?;
    if read == 0 {
        return Err(if file.left() > 0 { Refusal::Shortened.into() } else { State::Ended });
    }
    let moved = moved(match file.left() {
        0 => link.write_last(&buffer[..read]),
        _ => link.write(&buffer[..read]),
    })?;
    if moved != read {
        return Err(State::Broken(io::Error::other("not all was encrypted that was read")));
    }
    Ok(Slice { moved, cost: moved })
}

fn send_file(
    file: &mut Download,
    by_sendfile: &mut bool,
    link: &mut Link,
    left: usize,
) -> Result<Slice, State> {
    let sent = match link.to_send_by() {
        Some(socket) => file.send_to(socket, left),
        None => Err(SendError::Unsupported),
    };
    match sent {
        // A file that ends before its size was cut meanwhile: nobody must take it for whole.
        Ok(0) if file.left() > 0 => Err(Refusal::Shortened.into()),
        Ok(0) => Err(State::Ended),
        Ok(moved) => Ok(Slice { moved, cost: moved }),
        Err(SendError::WouldBlock) => {
            link.write_blocked();
            Err(State::Blocked)
        }
        Err(SendError::Socket(number)) => Err(State::Broken(io::Error::from_raw_os_error(number))),
        Err(SendError::Disk(refusal)) => Err(State::Refused(refusal)),
        Err(SendError::Unsupported) => {
            *by_sendfile = false;
            Ok(Slice { moved: 0, cost: 0 })
        }
    }
}
