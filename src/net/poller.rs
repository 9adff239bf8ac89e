//! One `Poll`, and the keys by which its events find their way.
//!
//! mio is edge-triggered: a socket is registered once, for both directions, and an event is only a
//! hint that is marked and acted on later. A key carries the serial number of its registration, so
//! that an event, or anything else that arrives late, for a slot that was reused is told apart.

use std::time::Duration;
use std::{fmt, io};

use mio::event::Source;
use mio::{Events, Interest, Poll, Token, Waker};
use signal_hook_mio::v1_0;

/// Events that are taken from the kernel at once.
const EVENTS: usize = 1024;

/// Role of a registration in the loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The control connection of the session in this slot.
    Control,
    /// A data connection.
    Data,
    /// A listener for control connections.
    Listener,
    /// A listener for passive data connections.
    Passive,
    /// Waker for other threads.
    Waker,
    /// Signals of the process.
    Signals,
}

const ROLES: [Role; 6] =
    [Role::Control, Role::Data, Role::Listener, Role::Passive, Role::Waker, Role::Signals];

/// Name of a registration: serial number, slot and role. No key comes twice, save for a serial
/// number that has gone once around.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    serial: u32,
    slot: u32,
    role: Role,
}

impl Key {
    /// The slot of the thing in its collection.
    pub fn slot(self) -> usize {
        self.slot as usize
    }

    /// The thing's role.
    pub fn role(self) -> Role {
        self.role
    }

    // serial (32 bits) | slot (28 bits) | role (4 bits)
    fn token(self) -> Token {
        Token((self.serial as usize) << 32 | (self.slot as usize) << 4 | self.role as usize)
    }

    fn from_token(token: Token) -> Option<Key> {
        let Token(bits) = token;
        let role = *ROLES.get(bits & 0xF)?;
        Some(Key { serial: (bits >> 32) as u32, slot: (bits as u32) >> 4, role })
    }
}

/// The kernel's word on a registration.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    /// The owner.
    pub key: Key,
    /// Input is there to read: bytes, a FIN or an error.
    pub readable: bool,
    /// Input to read is more than bytes: a FIN, an error, or urgent data among them.
    pub more_than_bytes: bool,
    /// Room to write is there, or a connect has come to its end.
    pub writable: bool,
    /// The connection is lost in both directions.
    pub gone: bool,
}

/// End of a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// Events have come, or the time is over.
    Through,
    /// A signal has come. Its own event may not: the handler tells by a socket, which the kernel can
    /// refuse to send on.
    Interrupted,
}

/// The process's one poll.
#[derive(Debug)]
pub struct Poller {
    poll: Poll,
    events: Events,
    serial: u32,
}

impl Poller {
    /// A poll with nothing registered.
    ///
    /// # Errors
    /// The kernel's refusal of another epoll descriptor.
    pub fn new() -> io::Result<Poller> {
        Ok(Poller { poll: Poll::new()?, events: Events::with_capacity(EVENTS), serial: 0 })
    }

    /// A key that nothing had before.
    pub fn key(&mut self, slot: usize, role: Role) -> Key {
        self.serial = self.serial.wrapping_add(1);
        debug_assert!(slot < 1 << 28, "slot {slot} does not fit a token");
        Key { serial: self.serial, slot: slot as u32, role }
    }

    /// Registers a socket under a key, for good and for both directions.
    pub(super) fn register(&self, source: &mut impl Source, key: Key) -> io::Result<()> {
        let interest = Interest::READABLE | Interest::WRITABLE | Interest::PRIORITY;
        self.poll.registry().register(source, key.token(), interest)
    }

    /// Registers a listener or the like, from which one only reads.
    pub(super) fn register_readable(&self, source: &mut impl Source, key: Key) -> io::Result<()> {
        self.poll.registry().register(source, key.token(), Interest::READABLE)
    }

    /// Waker by which another thread wakes the loop.
    ///
    /// # Errors
    /// The kernel's refusal of another event descriptor.
    pub fn waker(&mut self) -> io::Result<Waker> {
        let key = self.key(0, Role::Waker);
        Waker::new(self.poll.registry(), key.token())
    }

    /// Sleeps until something happens, at most for `timeout`, and passes every event on.
    ///
    /// # Errors
    /// No error a running server can meet, save for a bug.
    pub fn wait(
        &mut self,
        timeout: Option<Duration>,
        mut mark: impl FnMut(Event),
    ) -> io::Result<Waited> {
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                return Ok(Waited::Interrupted);
            }
            result => result?,
        }
        for event in &self.events {
            let Some(key) = Key::from_token(event.token()) else { continue };
            mark(Event {
                key,
                readable: event.is_readable() || event.is_read_closed(),
                more_than_bytes: event.is_read_closed() || event.is_priority(),
                writable: event.is_writable(),
                gone: event.is_error() || event.is_write_closed(),
            });
        }
        Ok(Waited::Through)
    }
}

/// Signals of the process, as events.
pub struct Signals(v1_0::Signals);

impl Signals {
    /// Catches these signals from now on.
    ///
    /// # Errors
    /// A signal that cannot be caught.
    pub fn new(poller: &mut Poller, signals: &[i32]) -> io::Result<Signals> {
        let mut signals = v1_0::Signals::new(signals)?;
        let key = poller.key(0, Role::Signals);
        poller.register_readable(&mut signals, key)?;
        Ok(Signals(signals))
    }

    /// Signals come since the last call.
    pub fn take(&mut self) -> impl Iterator<Item = i32> {
        self.0.pending()
    }
}

impl fmt::Debug for Signals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signals")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_its_token() {
        for role in ROLES {
            for (serial, slot) in [(0, 0), (1, 2), (u32::MAX, (1 << 28) - 1)] {
                let key = Key { serial, slot, role };
                assert_eq!(Key::from_token(key.token()), Some(key));
            }
        }
    }
}
