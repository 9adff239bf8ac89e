//! Faults on demand: what a server is to do wrong, for tests of clients.

#[cfg(doc)]
use super::Config;

/// Kind of transfers that a [`Fault`] is about.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transfer {
    /// RETR.
    Download,
    /// STOR, APPE and STOU.
    Upload,
    /// LIST, NLST and MLSD, and STAT of a path.
    Listing,
}

/// Fault of a server in one transfer, or in all of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    pub(crate) transfer: Transfer,
    /// Number of the transfer among those of its kind, from 1 on; `None` means all.
    pub(crate) nth: Option<usize>,
    pub(crate) effect: FaultEffect,
}

/// Effect of a fault on its transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultEffect {
    Refuse { code: u16, text: &'static str },
    Stall { at: u64 },
    Cut { at: u64 },
    Slow { bytes_per_second: u64 },
}

impl Fault {
    /// Refuses a transfer with a reply, before it begins: `Fault::refuse(Transfer::Upload, 552,
    /// "Quota exceeded.")`.
    pub fn refuse(transfer: Transfer, code: u16, text: &'static str) -> Fault {
        Fault::new(transfer, FaultEffect::Refuse { code, text })
    }

    /// Moves so many bytes of a transfer and then none, with all connections open. The server's
    /// [`stall_timeout`](Config::stall_timeout) ends that with 426.
    pub fn stall(transfer: Transfer, at_byte: u64) -> Fault {
        Fault::new(transfer, FaultEffect::Stall { at: at_byte })
    }

    /// Moves so many bytes of a transfer, closes the data connection and says 426.
    pub fn cut(transfer: Transfer, at_byte: u64) -> Fault {
        Fault::new(transfer, FaultEffect::Cut { at: at_byte })
    }

    /// Moves no more than so many bytes in a second; 0 counts as 1.
    pub fn slow(transfer: Transfer, bytes_per_second: u64) -> Fault {
        let bytes_per_second = bytes_per_second.max(1);
        Fault::new(transfer, FaultEffect::Slow { bytes_per_second })
    }

    /// Same fault in the n-th transfer of its kind alone, counted from 1 over the server's life,
    /// refused transfers included.
    pub fn nth(self, nth: usize) -> Fault {
        Fault { nth: Some(nth), ..self }
    }

    fn new(transfer: Transfer, effect: FaultEffect) -> Fault {
        Fault { transfer, nth: None, effect }
    }
}
