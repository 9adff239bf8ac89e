//! Channel: the data connection before bytes move over it, from PASV or PORT on. It lives longer than
//! a transfer that is refused, and may be under TLS before there is one.

use std::time::Instant;

use super::{Input, Outcome};
use crate::proto::command::Protection;
use crate::session::TransferEnd;

/// Data connection that waits for a transfer, or for the files to answer.
#[derive(Debug)]
pub(in crate::session) struct Channel {
    pub(super) side: Side,
    pub(super) state: ChannelState,
}

/// Side that the data connection is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::session) enum Side {
    /// Ours: PORT.
    Active,
    /// The client's: PASV.
    Passive,
}

/// State of a data connection that nothing moves over.
#[derive(Debug)]
pub(super) enum ChannelState {
    /// The client is to connect to us, since that moment.
    Listening(Instant),
    Clear,
    /// Connection that comes under TLS: the client need not wait for a command to begin.
    Securing,
    Secured,
    /// The client has ended it in place of the TLS handshake.
    EndedEarly,
    /// Connection that broke, which is told in the reply to the next transfer.
    Lost(Box<TransferEnd>),
}

impl Channel {
    /// The connection stands, and is to be in clear or not.
    pub(super) fn standing(side: Side, protection: Protection) -> Channel {
        let state = match protection {
            Protection::Clear => ChannelState::Clear,
            Protection::Private => ChannelState::Securing,
        };
        Channel { side, state }
    }

    /// True if it can take such news in.
    pub(super) fn is_moved_by(&self, input: &Input) -> bool {
        match input {
            Input::Connected(_) => matches!(self.state, ChannelState::Listening(_)),
            Input::Secured | Input::EndedEarly => matches!(self.state, ChannelState::Securing),
            Input::Failed(_) => true,
            _ => false,
        }
    }

    /// Takes news of the connection in.
    pub(super) fn tell(self, input: Input) -> (Channel, Outcome) {
        let state = match (self.state, input) {
            (_, Input::Connected(protection)) => {
                let outcome = match protection {
                    Protection::Clear => Outcome::Nothing,
                    Protection::Private => Outcome::Secure,
                };
                return (Channel::standing(self.side, protection), outcome);
            }
            (_, Input::Secured) => ChannelState::Secured,
            (_, Input::EndedEarly) => ChannelState::EndedEarly,
            (ChannelState::Securing, Input::Failed(end)) => {
                ChannelState::Lost(Box::new(amid_handshake(end)))
            }
            (_, Input::Failed(end)) => ChannelState::Lost(Box::new(end)),
            (state, _) => state,
        };
        (Channel { state, ..self }, Outcome::Nothing)
    }

    /// Words for STAT.
    pub(super) fn describe(&self) -> &'static str {
        match self.state {
            ChannelState::Listening(_) => "awaited",
            ChannelState::Clear | ChannelState::Securing | ChannelState::Secured => "open",
            ChannelState::EndedEarly => "ended",
            ChannelState::Lost(_) => "broken",
        }
    }

    /// Moment since which the client is to come, if it has not.
    pub(super) fn listens_since(&self) -> Option<Instant> {
        match self.state {
            ChannelState::Listening(since) => Some(since),
            ChannelState::Clear | ChannelState::Securing | ChannelState::Secured => None,
            ChannelState::EndedEarly | ChannelState::Lost(_) => None,
        }
    }

    /// True if it is under TLS, or on its way there.
    pub(super) fn is_private(&self) -> bool {
        match self.state {
            ChannelState::Securing | ChannelState::Secured | ChannelState::EndedEarly => true,
            ChannelState::Listening(_) | ChannelState::Clear | ChannelState::Lost(_) => false,
        }
    }
}

/// End of a handshake that the loss of its connection has ended.
pub(super) fn amid_handshake(end: TransferEnd) -> TransferEnd {
    match end {
        TransferEnd::Lost(loss) => TransferEnd::HandshakeFailed(loss),
        end => end,
    }
}
