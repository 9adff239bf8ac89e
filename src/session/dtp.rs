//! Data transfer process (RFC 959, 2.2): the data connection and the transfer over it, as one
//! machine. It is fed [`Input`]s, answers each with one [`Outcome`], and knows neither replies nor
//! effects.
//!
//! All transfers take the same way, so that no step is missed: *opening* (the files are asked),
//! *awaiting* (the passive connection is to come), *securing* (it comes under TLS, if PROT P was
//! said), *running* (the shell moves bytes), and for uploads *finishing* (the file is put under its
//! name), for some downloads *settling*. A transfer is complete when everything is really done. A
//! transfer that the files refuse leaves the data connection as it was, for the next one.

mod channel;

use std::mem;
use std::time::{Duration, Instant};

use super::event::{DataLoss, TransferEnd, TransferKind};
pub(super) use channel::Side;
use channel::{Channel, ChannelState, amid_handshake};

use crate::fs::Refusal;
use crate::proto::command::Protection;
use crate::proto::escaped::Escaped;
use crate::proto::path::VPath;

/// Pause between 150 and 226. aria2 waits in vain, for a minute by default, when it reads both at
/// once, as happens with small files. It says REST before every RETR, even `REST 0`, and nearly
/// nobody else does: so behind REST the 226 comes no sooner than this after the 150.
const SETTLING: Duration = Duration::from_millis(50);

/// State of the process. Every transfer that moves has its connection, since no state spells one
/// without the other.
#[derive(Debug, Default)]
pub(super) enum Dtp {
    /// No data connection.
    #[default]
    Idle,
    /// PORT: we connect to the client, since that moment.
    Connecting(Instant),
    /// The data connection is agreed or stands, and nothing is to be moved.
    Ready(Channel),
    /// The files are asked for what is to be moved.
    Opening(Box<Transfer>, Channel),
    /// The passive connection is to come.
    Awaiting(Box<Transfer>),
    /// The data connection comes under TLS.
    Securing(Box<Transfer>),
    /// Bytes move.
    Running(Box<Transfer>),
    /// The upload has arrived, the connection is gone, and the file is put under its name.
    Finishing(Box<Transfer>),
    /// All is sent, the connection is gone, and only the 226 is still to come.
    Settling(Box<Transfer>),
}

/// Transfer that is asked for, or under way.
#[derive(Debug)]
pub(super) struct Transfer {
    pub(super) kind: TransferKind,
    pub(super) path: VPath,
    /// Side that its data connection is made from.
    pub(super) side: Side,
    /// True if its data connection comes under TLS.
    pub(super) private: bool,
    /// Length that the upload must have, in bytes, where ALLO is a promise.
    pub(super) promised: Option<u64>,
    /// True if the 226 keeps its distance from the 150.
    pub(super) settles: bool,
    /// Bytes that moved so far.
    pub(super) moved: u64,
    /// Moment when the last of them did, or the state began: deadlines count from here.
    pub(super) moved_at: Instant,
    /// Moment when it began to run; before that, when it was asked for.
    pub(super) begun: Instant,
}

/// Times that things may take.
#[derive(Debug)]
pub(super) struct DataTimeouts {
    /// For a connection to be made.
    pub(super) arrival: Duration,
    /// For it to come under TLS.
    pub(super) handshake: Duration,
    /// For the next byte to move.
    pub(super) stall: Duration,
}

/// News for the process.
#[derive(Debug)]
pub(super) enum Input {
    /// PORT: the shell is asked to connect.
    Connect,
    /// PASV: the shell listens.
    Listen,
    /// A transfer is asked for.
    Begin(Box<Transfer>),
    /// The files are ready for it.
    Opened,
    /// The files refuse it.
    Refused(Refusal),
    /// The data connection stands, and is to be in clear or not.
    Connected(Protection),
    /// The data connection is under TLS.
    Secured,
    /// The client has ended the data connection in place of its TLS handshake.
    EndedEarly,
    /// Bytes have moved, so many.
    Moved(u64),
    /// The data connection came to its clean end.
    Ended,
    /// The upload stands under its name.
    Finished,
    /// The deadline has passed.
    Expired,
    /// The data connection is lost, or the disk.
    Failed(TransferEnd),
    /// Whatever there is ends, for this reason.
    End(TransferEnd),
}

/// Consequence of an [`Input`].
#[derive(Debug)]
pub(super) enum Outcome {
    /// None.
    Nothing,
    /// The connection that PORT asked for stands, to be in clear or not, or can't be had.
    Established(Protection),
    Unreachable(TransferEnd),
    /// A data connection that nobody uses is to be dropped.
    Dropped,
    /// A transfer waits for its connection, or for the handshake that has begun.
    Awaited,
    /// The files have refused the transfer.
    Refused(Box<Transfer>, Refusal),
    /// The data connection is to come under TLS.
    Secure,
    /// Bytes are to be moved.
    Start,
    /// The upload is to be put under its name.
    Finish,
    /// The transfer is over: how far it had come, and why.
    Over(Stage, Box<Transfer>, TransferEnd),
}

/// Way that a transfer had come when it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The file was asked for.
    Opening,
    /// The data connection was not there.
    Awaiting,
    /// The data connection was not yet under TLS.
    Securing,
    /// Bytes moved, or had moved: the transfer had begun.
    Moving,
}

impl Dtp {
    /// Takes the news in, at this moment.
    pub(super) fn tell(&mut self, input: Input, now: Instant) -> Outcome {
        let (state, outcome) = match (mem::take(self), input) {
            (Dtp::Idle, Input::Connect) => (Dtp::Connecting(now), Outcome::Nothing),
            (Dtp::Idle, Input::Listen) => {
                let channel = Channel { side: Side::Passive, state: ChannelState::Listening(now) };
                (Dtp::Ready(channel), Outcome::Nothing)
            }
            (Dtp::Connecting(_), Input::Connected(protection)) => {
                let channel = Channel::standing(Side::Active, protection);
                (Dtp::Ready(channel), Outcome::Established(protection))
            }
            (Dtp::Ready(channel), Input::Begin(transfer)) => match channel.state {
                ChannelState::Lost(end) => over(Stage::Awaiting, transfer, *end),
                _ => (Dtp::Opening(transfer, channel), Outcome::Nothing),
            },
            (Dtp::Opening(transfer, channel), Input::Opened) => Dtp::opened(transfer, channel, now),
            (Dtp::Opening(transfer, channel), Input::Refused(refusal)) => {
                (Dtp::Ready(channel), Outcome::Refused(transfer, refusal))
            }
            (Dtp::Ready(channel), input) if channel.is_moved_by(&input) => {
                let (channel, outcome) = channel.tell(input);
                (Dtp::Ready(channel), outcome)
            }
            (Dtp::Opening(transfer, channel), input) if channel.is_moved_by(&input) => {
                let (channel, outcome) = channel.tell(input);
                (Dtp::Opening(transfer, channel), outcome)
            }

            (Dtp::Awaiting(transfer), Input::Connected(_)) => Dtp::connected(transfer, now),
            (Dtp::Securing(transfer), Input::Secured) => Dtp::run(transfer, now),
            (Dtp::Securing(transfer), Input::EndedEarly) => Dtp::ended_early(transfer, now),
            (Dtp::Running(mut transfer), Input::Moved(bytes)) => {
                transfer.moved += bytes;
                (Dtp::Running(transfer.since(now)), Outcome::Nothing)
            }
            (Dtp::Running(transfer), Input::Ended) => Dtp::ended(transfer, now),
            (Dtp::Finishing(transfer), Input::Finished)
            | (Dtp::Settling(transfer), Input::Expired | Input::End(_)) => {
                over(Stage::Moving, transfer, TransferEnd::Complete)
            }

            (Dtp::Idle, Input::End(_) | Input::Failed(_)) => (Dtp::Idle, Outcome::Nothing),
            (Dtp::Ready(_), Input::End(_) | Input::Expired) => (Dtp::Idle, Outcome::Dropped),
            (Dtp::Connecting(_), Input::End(end) | Input::Failed(end)) => {
                (Dtp::Idle, Outcome::Unreachable(end))
            }
            (Dtp::Connecting(_), Input::Expired) => {
                (Dtp::Idle, Outcome::Unreachable(TransferEnd::Lost(DataLoss::TimedOut)))
            }
            (Dtp::Awaiting(transfer), Input::Expired) => {
                over(Stage::Awaiting, transfer, TransferEnd::NobodyConnected)
            }
            (Dtp::Securing(transfer), Input::Expired) => {
                over(Stage::Securing, transfer, TransferEnd::HandshakeFailed(DataLoss::TimedOut))
            }
            (Dtp::Securing(transfer), Input::Failed(end)) => {
                over(Stage::Securing, transfer, amid_handshake(end))
            }
            (Dtp::Running(transfer), Input::Expired) => {
                over(Stage::Moving, transfer, TransferEnd::Stalled)
            }
            (Dtp::Opening(transfer, _), Input::End(end)) => over(Stage::Opening, transfer, end),
            (Dtp::Awaiting(transfer), Input::End(end) | Input::Failed(end)) => {
                over(Stage::Awaiting, transfer, end)
            }
            (Dtp::Securing(transfer), Input::End(end)) => over(Stage::Securing, transfer, end),
            (Dtp::Running(transfer) | Dtp::Finishing(transfer), Input::End(end))
            | (Dtp::Running(transfer) | Dtp::Finishing(transfer), Input::Failed(end)) => {
                over(Stage::Moving, transfer, end)
            }
            (state, input) => {
                debug_assert!(false, "{input:?} means nothing to {state:?}");
                (state, Outcome::Nothing)
            }
        };
        *self = state;
        outcome
    }

    /// The files are ready: the connection may be so as well.
    fn opened(transfer: Box<Transfer>, channel: Channel, now: Instant) -> (Dtp, Outcome) {
        match channel.state {
            ChannelState::Listening(_) => (Dtp::Awaiting(transfer.since(now)), Outcome::Awaited),
            ChannelState::Clear => Dtp::connected(transfer, now),
            ChannelState::Securing => (Dtp::Securing(transfer.since(now)), Outcome::Awaited),
            ChannelState::Secured => Dtp::run(transfer, now),
            ChannelState::EndedEarly => Dtp::ended_early(transfer, now),
            ChannelState::Lost(end) => over(Stage::Awaiting, transfer, *end),
        }
    }

    /// A client that has nothing to store need not come under TLS for it.
    fn ended_early(transfer: Box<Transfer>, now: Instant) -> (Dtp, Outcome) {
        match transfer.kind.is_upload() {
            true => Dtp::run(transfer, now),
            false => {
                let loss = DataLoss::Failed("the client ended it".into());
                over(Stage::Securing, transfer, TransferEnd::HandshakeFailed(loss))
            }
        }
    }

    /// The transfer has its file and its connection.
    fn connected(transfer: Box<Transfer>, now: Instant) -> (Dtp, Outcome) {
        match transfer.private {
            true => (Dtp::Securing(transfer.since(now)), Outcome::Secure),
            false => Dtp::run(transfer, now),
        }
    }

    fn run(mut transfer: Box<Transfer>, now: Instant) -> (Dtp, Outcome) {
        transfer.begun = now;
        (Dtp::Running(transfer.since(now)), Outcome::Start)
    }

    /// The data connection of the transfer came to its clean end.
    fn ended(transfer: Box<Transfer>, now: Instant) -> (Dtp, Outcome) {
        let moved = transfer.moved;
        match (transfer.kind.is_upload(), transfer.promised) {
            (true, Some(promised)) if promised != moved => {
                over(Stage::Moving, transfer, TransferEnd::WrongLength { promised })
            }
            (true, _) => (Dtp::Finishing(transfer), Outcome::Finish),
            (false, _) if transfer.settles && transfer.begun + SETTLING > now => {
                (Dtp::Settling(transfer), Outcome::Nothing)
            }
            (false, _) => over(Stage::Moving, transfer, TransferEnd::Complete),
        }
    }

    /// Deadline at which [`Input::Expired`] is due.
    pub(super) fn deadline(&self, timeouts: &DataTimeouts) -> Option<Instant> {
        match self {
            Dtp::Connecting(since) => Some(*since + timeouts.arrival),
            Dtp::Ready(channel) => channel.listens_since().map(|since| since + timeouts.arrival),
            Dtp::Awaiting(transfer) => Some(transfer.moved_at + timeouts.arrival),
            Dtp::Securing(transfer) => Some(transfer.moved_at + timeouts.handshake),
            Dtp::Running(transfer) => Some(transfer.moved_at + timeouts.stall),
            Dtp::Settling(transfer) => Some(transfer.begun + SETTLING),
            // Our own answers are not the client's to hurry.
            Dtp::Opening(..) | Dtp::Finishing(_) => None,
            Dtp::Idle => None,
        }
    }

    /// Side of the data connection that stands or was agreed, for the next transfer.
    pub(super) fn side(&self) -> Option<Side> {
        match self {
            Dtp::Ready(channel) => Some(channel.side),
            _ => None,
        }
    }

    /// True if a data connection that nobody uses yet is under TLS, or on its way there.
    pub(super) fn is_private(&self) -> bool {
        match self {
            Dtp::Ready(channel) => channel.is_private(),
            _ => false,
        }
    }

    /// The transfer under way.
    pub(super) fn transfer(&self) -> Option<&Transfer> {
        match self {
            Dtp::Idle | Dtp::Connecting(_) | Dtp::Ready(_) => None,
            Dtp::Opening(transfer, _) | Dtp::Awaiting(transfer) | Dtp::Securing(transfer) => {
                Some(transfer)
            }
            Dtp::Running(transfer) | Dtp::Finishing(transfer) | Dtp::Settling(transfer) => {
                Some(transfer)
            }
        }
    }

    /// True if other commands must wait.
    pub(super) fn is_busy(&self) -> bool {
        matches!(self, Dtp::Connecting(_)) || self.transfer().is_some()
    }

    /// True if it ends with a client that leaves without a word: neither our files nor our clock go
    /// on with it, and it is no upload, of which all may have been sent.
    pub(super) fn ends_with_client(&self) -> bool {
        match self {
            Dtp::Connecting(_) | Dtp::Awaiting(_) => true,
            Dtp::Securing(transfer) | Dtp::Running(transfer) => !transfer.kind.is_upload(),
            Dtp::Opening(..) | Dtp::Finishing(_) | Dtp::Settling(_) => false,
            Dtp::Idle | Dtp::Ready(_) => false,
        }
    }

    /// Words for STAT.
    pub(super) fn describe(&self) -> String {
        let Some(transfer) = self.transfer() else {
            return match self {
                Dtp::Connecting(_) => "connecting",
                Dtp::Ready(channel) => channel.describe(),
                _ => "none",
            }
            .to_owned();
        };
        let verb = match transfer.kind {
            TransferKind::Download => "sending",
            TransferKind::Upload | TransferKind::UniqueUpload => "storing",
            TransferKind::Listing | TransferKind::Facts => "listing",
        };
        format!("{verb} {}, {} bytes", Escaped(transfer.path.as_bytes()), transfer.moved)
    }
}

impl Transfer {
    /// Deadlines count from `now`.
    fn since(mut self: Box<Self>, now: Instant) -> Box<Transfer> {
        self.moved_at = now;
        self
    }
}

fn over(stage: Stage, transfer: Box<Transfer>, end: TransferEnd) -> (Dtp, Outcome) {
    (Dtp::Idle, Outcome::Over(stage, transfer, end))
}
