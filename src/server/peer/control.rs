//! Control connection of a peer: its bytes, its changes into TLS and out of it, and its end.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::Fate;
use super::session_reuse::ClientTls;
use crate::net::{Event, Flow, Input, Link, Tls};
use crate::session::Disconnect;

/// Time that a client has to read the last reply and to close its side.
const CLOSING: Duration = Duration::from_secs(5);

/// Control connection.
#[derive(Debug)]
pub(super) struct Control {
    link: Link,
    state: ControlState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ControlState {
    Open,
    /// Under TLS as soon as all replies are sent.
    Securing,
    /// Out of TLS as soon as all replies are sent.
    Clearing,
    /// The session has hung up: the last reply is to be sent until then.
    Closing {
        until: Instant,
    },
    /// Our FIN is sent: the client is to read the last reply and to close until then.
    HalfClosed {
        until: Instant,
    },
    /// The session cannot go on, for no fault of its client.
    Failed(&'static str),
}

/// Input of the control connection.
pub(super) enum Received {
    /// None can be read now.
    Nothing,
    /// Bytes, so many, which are in the buffer.
    Bytes(usize),
    /// The client's FIN.
    Ended,
}

/// Outcome of going on with a change into TLS or out of it.
pub(super) enum Changed {
    /// Nothing yet, or no change is under way.
    Pending,
    /// Under TLS; `certified` if the client has shown a certificate that is trusted.
    Secured { certified: bool },
    /// In clear again.
    Cleared,
}

/// Loss of the control connection, with its cause.
#[derive(Debug)]
pub(super) struct Lost(pub(super) Disconnect);

const CONNECTION_LOST: Lost = Lost(Disconnect::Lost);

impl Control {
    pub(super) fn new(link: Link) -> Control {
        Control { link, state: ControlState::Open }
    }

    /// Notes what an event says; false if it is for a connection of the past.
    pub(super) fn mark(&mut self, event: Event) -> bool {
        let own = self.link.owns(event.key);
        if own {
            self.link.mark(event);
        }
        own
    }

    /// Knowledge of the client's TLS, once the connection is under it.
    pub(super) fn client_tls(&self, now: Instant) -> ClientTls {
        ClientTls::of(&self.link, now)
    }

    /// Address that is of the same link as this connection, if it is one of a link.
    pub(super) fn scoped(&self, address: SocketAddr) -> SocketAddr {
        self.link.scoped(address)
    }

    /// Fails if the connection is known to be lost, even while nobody reads from it.
    pub(super) fn check(&self) -> Result<(), Lost> {
        match self.link.is_gone() && !self.is_closing() {
            true => Err(CONNECTION_LOST),
            false => Ok(()),
        }
    }

    /// Moment at which waiting for the client's close ends.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.state {
            ControlState::Closing { until } | ControlState::HalfClosed { until } => Some(until),
            ControlState::Open | ControlState::Securing | ControlState::Clearing => None,
            ControlState::Failed(_) => None,
        }
    }

    /// True if it is to be closed.
    pub(super) fn is_closing(&self) -> bool {
        match self.state {
            ControlState::Open | ControlState::Securing | ControlState::Clearing => false,
            ControlState::Closing { .. } | ControlState::HalfClosed { .. } => true,
            ControlState::Failed(_) => true,
        }
    }

    /// Has the connection come under TLS, once all replies are sent.
    pub(super) fn begin_securing(&mut self) {
        self.state = ControlState::Securing;
    }

    /// Has the connection leave TLS, once all replies are sent.
    pub(super) fn begin_clearing(&mut self) {
        self.state = ControlState::Clearing;
    }

    /// Has the connection closed, once all replies are sent.
    pub(super) fn begin_closing(&mut self, now: Instant) {
        self.state = ControlState::Closing { until: now + CLOSING };
    }

    /// Ends the connection at once: the session cannot go on.
    pub(super) fn fail(&mut self, reason: &'static str) {
        self.state = ControlState::Failed(reason);
    }

    /// TLS that the connection is secured by.
    pub(super) fn tls(&self) -> Option<&Tls> {
        self.link.tls()
    }

    /// True if the client has shown a trusted certificate for this name.
    pub(super) fn is_certified_as(&self, name: &str) -> bool {
        self.link.is_certified_as(name)
    }

    /// Makes the next read ask the kernel, whatever events said.
    pub(super) fn doubt(&mut self) {
        self.link.doubt();
    }

    /// Reads once.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<Received, Lost> {
        if buffer.is_empty() || !self.link.is_readable() {
            return Ok(Received::Nothing);
        }
        match self.link.read(buffer) {
            Flow::Moved(count) => Ok(Received::Bytes(count)),
            Flow::Blocked => Ok(Received::Nothing),
            Flow::Ended => Ok(Received::Ended),
            Flow::Broken(_) => Err(CONNECTION_LOST),
        }
    }

    /// Sends at most so many bytes of what there is to send: how many went.
    pub(super) fn send(&mut self, output: &[u8], most: usize) -> Result<usize, Lost> {
        if !self.link.is_writable() || self.link.is_handshaking() {
            return Ok(0);
        }
        let most = most.min(output.len());
        if most == 0 {
            return self.link.flush().map(|_| 0).map_err(|_| CONNECTION_LOST);
        }
        let flow = match self.is_closing() && most == output.len() {
            true => self.link.write_last(output),
            false => self.link.write(&output[..most]),
        };
        match flow {
            Flow::Moved(count) => Ok(count),
            Flow::Blocked | Flow::Ended => Ok(0),
            Flow::Broken(_) => Err(CONNECTION_LOST),
        }
    }

    /// Sends a last reply, as far as it goes at once.
    pub(super) fn try_to_say(&mut self, reply: &[u8]) {
        if self.state == ControlState::Open {
            let _ = self.send(reply, reply.len());
        }
    }

    /// True if a step of a TLS handshake can be made now, which costs its time.
    pub(super) fn can_shake_hands(&self) -> bool {
        self.state == ControlState::Securing && self.link.is_readable()
    }

    /// Goes on with a change into TLS or out of it, for the session of this number. All replies are
    /// sent: what was said before is said as before.
    ///
    /// # Errors
    /// The connection is lost, or the client does not speak TLS as it must.
    pub(super) fn go_on(&mut self, tls: Option<&Tls>, owner: u64) -> io::Result<Changed> {
        let changed = match self.state {
            ControlState::Securing => {
                self.secure(tls, owner)?;
                let done = self.link.handshake()?;
                done.then(|| Changed::Secured { certified: self.link.is_certified() })
            }
            ControlState::Clearing => self.link.leave_tls()?.then_some(Changed::Cleared),
            ControlState::Open
            | ControlState::Closing { .. }
            | ControlState::HalfClosed { .. }
            | ControlState::Failed(_) => None,
        };
        if changed.is_some() {
            self.state = ControlState::Open;
        }
        Ok(changed.unwrap_or(Changed::Pending))
    }

    /// Begins TLS, if that was not yet done.
    fn secure(&mut self, tls: Option<&Tls>, owner: u64) -> io::Result<()> {
        match tls {
            _ if self.link.is_secure() => Ok(()),
            Some(tls) => self.link.secure(tls, owner, Input::Commands),
            None => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Closes the connection, once the `last` reply is sent. A close with unread input would make
    /// the kernel send a reset, and the client might never see that reply: then the client gets a
    /// moment to read it and to close first.
    pub(super) fn close(&mut self, is_all_sent: bool, buffer: &mut [u8], now: Instant) -> Fate {
        let until = match self.state {
            ControlState::Failed(reason) => return Fate::Gone(Disconnect::Failed(reason)),
            ControlState::Closing { until } | ControlState::HalfClosed { until } => until,
            ControlState::Open | ControlState::Securing | ControlState::Clearing => {
                return Fate::Rest;
            }
        };
        if until <= now || self.link.is_gone() || self.link.is_handshaking() {
            return Fate::Gone(Disconnect::Closed);
        }
        if !is_all_sent {
            return if self.link.is_writable() { Fate::Again } else { Fate::Rest };
        }
        match self.link.close_notify() {
            Ok(true) => {}
            Ok(false) => return Fate::Rest,
            Err(_) => return Fate::Gone(Disconnect::Closed),
        }
        match (self.link.read(buffer), self.state) {
            (Flow::Moved(_), ControlState::Closing { until }) => {
                self.state = ControlState::HalfClosed { until };
                self.link.finish_writing();
                Fate::Again
            }
            (Flow::Moved(_), _) => Fate::Again,
            (Flow::Blocked, ControlState::HalfClosed { .. }) => Fate::Rest,
            (Flow::Blocked | Flow::Ended | Flow::Broken(_), _) => Fate::Gone(Disconnect::Closed),
        }
    }
}
