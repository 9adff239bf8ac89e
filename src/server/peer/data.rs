//! Data connection of a peer, from the lease or the connect to its end.

use std::io;
use std::time::Instant;

#[cfg(feature = "testing")]
use super::super::faults::FaultyCourse;
use super::super::siblings::Place;
use super::lingering::Lingering;
use super::session_reuse::{ClientTls, Ownership, Shown};
#[cfg(feature = "testing")]
use crate::config::FaultEffect;
use crate::config::SessionReuse;
use crate::net::{Event, Input, Lease, Link, Poller, Role, Tls};
use crate::transfer::{Pump, State, Step, TransferBuffers};

/// Data connection.
#[derive(Debug, Default)]
pub(super) struct Data {
    state: DataState,
    /// Connection that was given up.
    lingering: Lingering,
    /// The client has shown that it ends uploads by close_notify: a FIN alone is a cut then.
    sends_close_notify: bool,
    /// Knowledge of the client's TLS, once its control connection is under it.
    client: Option<Box<ClientTls>>,
    /// Fault that the next transfer meets, or the one under way.
    #[cfg(feature = "testing")]
    fault: Option<Box<FaultyCourse>>,
}

#[derive(Debug, Default)]
enum DataState {
    #[default]
    None,
    /// The client is to come to a passive port.
    Leased(Box<Lease>),
    /// Active connect, pending until it is writable.
    Connecting(Link),
    /// Connection that stands, and waits for its transfer.
    Open(Link),
    /// On its way into TLS.
    Securing(Link),
    /// Bytes of the transfer move.
    Moving(Link),
}

/// Terms of a TLS handshake on a data connection.
pub(super) struct TlsTerms<'a> {
    pub(super) tls: Option<&'a Tls>,
    pub(super) input: Input,
    /// A client that has nothing to store may end the connection in place of the handshake.
    pub(super) may_be_empty: bool,
    pub(super) reuse: SessionReuse,
    pub(super) has_siblings: bool,
    pub(super) now: Instant,
}

/// Outcome of going on with a TLS handshake.
pub(super) enum Secured {
    /// More is to come from the client.
    Pending,
    Done,
    /// The client has ended it in place of the handshake.
    EndedEarly,
    /// Done, but without the client's TLS session, which must be resumed.
    NotResumed,
    Failed(io::Error),
}

/// Goes on with a handshake: whether it is done. TLS is chosen when the client begins, since by then
/// the command has mostly come.
fn shake_hands(link: &mut Link, client: u64, terms: &TlsTerms<'_>) -> io::Result<bool> {
    if !link.is_secure() {
        if !link.has_begun()? {
            return Ok(false);
        }
        let tls = terms.tls.ok_or(io::ErrorKind::Unsupported)?;
        link.secure(tls, client, terms.input)?;
    }
    link.handshake()
}

impl Data {
    /// Notes what an event says; false if it is for a connection of the past.
    pub(super) fn mark(&mut self, event: Event) -> bool {
        let link = match &mut self.state {
            DataState::None | DataState::Leased(_) => return self.lingering.mark(event),
            DataState::Connecting(link)
            | DataState::Open(link)
            | DataState::Securing(link)
            | DataState::Moving(link) => link,
        };
        let own = link.owns(event.key);
        if own {
            link.mark(event);
        }
        own || self.lingering.mark(event)
    }

    /// Awaits the client at a passive port.
    pub(super) fn await_client(&mut self, lease: Lease) {
        self.state = DataState::Leased(Box::new(lease));
    }

    /// Awaits the end of a connect that was begun.
    pub(super) fn await_connect(&mut self, link: Link) {
        self.state = DataState::Connecting(link);
    }

    /// Takes note of the client's TLS, when its control connection has come under it.
    pub(super) fn know_client(&mut self, mut client: ClientTls) {
        client.place = self.place().and_then(Option::take);
        self.client = Some(Box::new(client));
    }

    /// Place of the client among others, if its control connection is under TLS or was.
    pub(super) fn place(&mut self) -> Option<&mut Option<Place>> {
        self.client.as_mut().map(|client| &mut client.place)
    }

    /// Takes the passive connection, which has come.
    pub(super) fn arrive(&mut self, link: Link) {
        self.state = DataState::Open(link);
    }

    /// Puts the connection on its way into TLS.
    pub(super) fn begin_handshake(&mut self) {
        self.change(DataState::Securing);
    }

    /// Has bytes move from now on.
    pub(super) fn start(&mut self, input: Input) {
        self.change(|mut link| {
            link.expect(input);
            DataState::Moving(link)
        });
    }

    /// True if the client has shown that it ends uploads by close_notify.
    pub(super) fn sends_close_notify(&self) -> bool {
        self.sends_close_notify
    }

    /// True if bytes move.
    pub(super) fn is_moving(&self) -> bool {
        matches!(self.state, DataState::Moving(_))
    }

    /// Closes the connection, which has come to its clean end.
    pub(super) fn close(&mut self) {
        if let DataState::Moving(link) = &self.state {
            self.sends_close_notify |= link.was_closed_by_notify();
        }
        self.state = DataState::None;
    }

    /// Gives the connection up, in whatever state it is; an unused lease is to be given back.
    pub(super) fn give_up(&mut self, now: Instant) -> Option<Lease> {
        match std::mem::take(&mut self.state) {
            DataState::Leased(lease) => return Some(*lease),
            DataState::None | DataState::Connecting(_) => {}
            DataState::Open(link) | DataState::Securing(link) | DataState::Moving(link) => {
                self.lingering.take(link, now);
            }
        }
        None
    }

    /// Goes on with a connection that was given up: how many bytes were thrown away.
    pub(super) fn linger(
        &mut self,
        is_all_sent: bool,
        buffer: &mut [u8],
        poller: &mut Poller,
        slot: usize,
        now: Instant,
    ) -> usize {
        self.lingering.go_on(is_all_sent, buffer, poller, slot, now)
    }

    /// Moment at which a connection that was given up is closed.
    pub(super) fn lingers_until(&self) -> Option<Instant> {
        self.lingering.deadline()
    }

    /// Looks whether an active connect has come to its end, one way or the other.
    pub(super) fn settle_connect(&mut self) -> Option<io::Result<()>> {
        let DataState::Connecting(link) = &mut self.state else { return None };
        if !link.is_writable() && !link.is_gone() {
            return None;
        }
        match link.is_established() {
            Ok(false) => None,
            Ok(true) => {
                self.change(DataState::Open);
                Some(Ok(()))
            }
            Err(error) => {
                self.state = DataState::None;
                Some(Err(error))
            }
        }
    }

    /// True if a step of a TLS handshake can be made now, which costs its time.
    pub(super) fn can_shake_hands(&self) -> bool {
        matches!(&self.state, DataState::Securing(link) if link.is_readable())
    }

    /// Goes on with the TLS handshake, if there is one; what fails or is not resumed is still to be
    /// dropped.
    pub(super) fn handshake(
        &mut self,
        terms: &TlsTerms<'_>,
        poller: &mut Poller,
        slot: usize,
    ) -> Option<Secured> {
        let DataState::Securing(link) = &mut self.state else { return None };
        let client = self.client.as_ref().map_or(0, |client| client.client());
        Some(match shake_hands(link, client, terms) {
            Err(error)
                if error.kind() == io::ErrorKind::ConnectionAborted && terms.may_be_empty =>
            {
                self.change(DataState::Open);
                Secured::EndedEarly
            }
            Ok(false) => match link.register(poller, slot, Role::Data) {
                Ok(_) => Secured::Pending,
                Err(error) => Secured::Failed(error),
            },
            Ok(true) => {
                let shown = Shown {
                    resumed: link.resumed(),
                    certificate: link.certificate(),
                    is_renewed: link.is_renewed(),
                    has_siblings: terms.has_siblings,
                };
                let judge =
                    |client: &mut Box<ClientTls>| client.judge(shown, terms.reuse, terms.now);
                match self.client.as_mut().map_or(Ownership::NotResumed, judge) {
                    Ownership::Plausible => {
                        self.change(DataState::Open);
                        Secured::Done
                    }
                    Ownership::NotResumed => Secured::NotResumed,
                    Ownership::OtherCertificate => {
                        let words = "it shows another certificate than the control connection";
                        Secured::Failed(io::Error::other(words))
                    }
                }
            }
            Err(error) => Secured::Failed(error),
        })
    }

    /// Moves about `budget` bytes of a transfer; `None` if none is under way.
    pub(super) fn step(
        &mut self,
        pump: &mut Pump,
        buffers: &mut TransferBuffers,
        budget: usize,
        may_block: bool,
        now: Instant,
    ) -> Option<Step> {
        if !self.is_moving() {
            return None;
        }
        let budget = match self.allowance(budget, now) {
            Ok(budget) => budget,
            Err(state) => return Some(Step { moved: 0, used: 0, state }),
        };
        let DataState::Moving(link) = &mut self.state else { return None };
        let step = pump.step(link, buffers, budget, may_block);
        #[cfg(feature = "testing")]
        if let Some(fault) = &mut self.fault {
            fault.moved(step.moved);
        }
        Some(step)
    }

    /// Budget that a transfer may use of one in bytes: all of it, unless a fault is in its way.
    #[cfg(not(feature = "testing"))]
    fn allowance(&mut self, budget: usize, _now: Instant) -> Result<usize, State> {
        Ok(budget)
    }

    #[cfg(feature = "testing")]
    fn allowance(&mut self, budget: usize, now: Instant) -> Result<usize, State> {
        self.fault.as_mut().map_or(Ok(budget), |fault| fault.budget(budget, now))
    }

    /// Has the next transfer meet a fault, or none.
    #[cfg(feature = "testing")]
    pub(super) fn meet(&mut self, fault: Option<FaultEffect>) {
        self.fault = fault.map(|effect| Box::new(FaultyCourse::new(effect)));
    }

    /// Moment at which a transfer that is slowed down goes on.
    #[cfg(feature = "testing")]
    pub(super) fn wake_at(&self) -> Option<Instant> {
        match (&self.state, &self.fault) {
            (DataState::Moving(_), Some(fault)) => fault.wake_at(),
            _ => None,
        }
    }

    /// Has the poll tell when a transfer that blocks can go on.
    pub(super) fn await_event(&mut self, poller: &mut Poller, slot: usize) -> State {
        match &mut self.state {
            DataState::Moving(link) => match link.register(poller, slot, Role::Data) {
                Ok(_) => State::Blocked,
                Err(error) => State::Broken(error),
            },
            _ => State::Blocked,
        }
    }

    fn change(&mut self, to: impl FnOnce(Link) -> DataState) {
        self.state = match std::mem::take(&mut self.state) {
            DataState::Connecting(link)
            | DataState::Open(link)
            | DataState::Securing(link)
            | DataState::Moving(link) => to(link),
            state @ (DataState::None | DataState::Leased(_)) => {
                debug_assert!(false, "no data connection: {state:?}");
                state
            }
        };
    }
}
