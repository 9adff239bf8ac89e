//! A peer: one session with its two connections and what it has opened, and its turn of the loop.

mod control;
mod effects;
mod files;

use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use self::control::ControlChange;
use self::files::FileState;
use super::disk::{Disk, Latency};
use super::events;
use super::logins::PendingLogin;
use super::scheduler::Handshake;
use super::shared::Shared;
use crate::fs::FileJob;
use crate::net::{Event, Flow, Key, Lease, Link, Role};
use crate::session::{DataEvent, Disconnect, Session};
use crate::transfer::{Pump, State};

/// How long a client may take to read the last reply and close its side.
pub(in crate::server) const CLOSING: Duration = Duration::from_secs(5);

/// One client.
#[derive(Debug)]
pub(in crate::server) struct Peer {
    /// Names it, and its control connection.
    pub(in crate::server) key: Key,
    pub(in crate::server) session: Session,
    pub(in crate::server) control: Link,
    pub(in crate::server) data: DataLink,
    /// What is to become of the control connection.
    pub(in crate::server) change: Option<ControlChange>,
    /// Set when a TLS handshake had to be put off.
    pub(in crate::server) in_line: Option<Handshake>,
    /// Whether the data connection is on its way into TLS.
    pub(in crate::server) securing: bool,
    /// What the session's transfer has opened, from the opening to the 226.
    pub(in crate::server) pump: Option<Box<Pump>>,
    /// A checksum or copy under way, whose answer the session awaits.
    pub(in crate::server) task: Option<Box<FileJob>>,
    /// Whether the pump moves.
    pub(in crate::server) running: bool,
    /// Whether the session awaits the next lines of a STAT.
    pub(in crate::server) lists: bool,
    /// Where the client's `/` is.
    pub(in crate::server) disk: Rc<Disk>,
    /// Whether what is open is with a thread that waits for a slow disk.
    pub(in crate::server) away: FileState,
    /// The login that is being checked.
    pub(in crate::server) pending_login: Option<PendingLogin>,
    /// Set when the session has hung up: the last reply is to be sent until then.
    pub(in crate::server) closing: Option<Instant>,
    half_closed: bool,
    /// The loop's note of when the timer comes up.
    pub(in crate::server) armed: Option<Instant>,
}

/// The data connection as the shell holds it.
#[derive(Debug)]
pub(in crate::server) enum DataLink {
    None,
    /// The client is to come to a passive port.
    Leased(Lease),
    /// An active connect, pending until it is writable.
    Connecting(Link),
    Open(Link),
}

/// What becomes of a peer after its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) enum Fate {
    /// It waits for an event or its deadline.
    Rest,
    /// Its budget is used up: it wants another turn.
    Again,
    /// It wants one when there is time for its TLS handshake.
    InLine(Handshake),
    /// It is to be removed, for this reason.
    Gone(Disconnect),
}

/// The control connection is lost; carries the reason.
pub(in crate::server) struct Lost(pub(in crate::server) Disconnect);

impl Peer {
    pub(in crate::server) fn new(
        key: Key,
        session: Session,
        control: Link,
        disk: Rc<Disk>,
    ) -> Peer {
        Peer {
            key,
            session,
            control,
            data: DataLink::None,
            change: None,
            in_line: None,
            securing: false,
            pump: None,
            task: None,
            running: false,
            lists: false,
            disk,
            away: FileState::No,
            pending_login: None,
            closing: None,
            half_closed: false,
            armed: None,
        }
    }

    /// Notes what an event says; false if it is for a connection of the past.
    pub(in crate::server) fn mark(&mut self, event: Event) -> bool {
        let link = match (event.key.role(), &mut self.data) {
            (Role::Control, _) => &mut self.control,
            (Role::Data, DataLink::Connecting(link) | DataLink::Open(link)) => link,
            _ => return false,
        };
        let own = link.owns(event.key);
        if own {
            link.mark(event);
        }
        own
    }

    /// When the peer wants a turn, whatever else happens.
    pub(in crate::server) fn deadline(&self) -> Option<Instant> {
        self.closing.or_else(|| self.session.deadline())
    }

    /// The deadline has passed, or not quite.
    pub(in crate::server) fn tick(&mut self, shared: &mut Shared, now: Instant) {
        if self.running && !matches!(self.away, FileState::No) {
            self.session.data(DataEvent::Moved(0), now); // a slow disk is not the client's doing
        }
        self.session.tick(now);
        self.carry_out(shared, now);
    }

    /// The server goes down.
    pub(in crate::server) fn shut_down(&mut self, shared: &mut Shared, now: Instant) {
        self.session.shut_down(now);
        self.carry_out(shared, now);
    }

    /// The passive connection has come.
    pub(in crate::server) fn arrived(&mut self, link: Link, shared: &mut Shared, now: Instant) {
        self.data = DataLink::Open(link);
        self.session.data(DataEvent::Connected, now);
        self.carry_out(shared, now);
    }

    /// Does what can be done now, until nothing can, or `budget` bytes have moved.
    pub(in crate::server) fn turn(
        &mut self,
        shared: &mut Shared,
        budget: &mut usize,
        now: Instant,
    ) -> Fate {
        self.in_line = None;
        match (self.work(shared, now, budget), self.in_line) {
            (Err(Lost(cause)), _) => Fate::Gone(cause),
            (Ok(()), _) if self.closing.is_some() => self.close(shared, now),
            (Ok(()), Some(line)) => Fate::InLine(line),
            (Ok(()), None) if *budget == 0 => Fate::Again,
            (Ok(()), None) => Fate::Rest,
        }
    }

    fn work(&mut self, shared: &mut Shared, now: Instant, budget: &mut usize) -> Result<(), Lost> {
        if self.control.is_gone() && self.closing.is_none() {
            return Err(Lost(Disconnect::Lost));
        }
        self.settle_connect(shared, now);
        self.carry_out(shared, now);
        loop {
            // Data comes last: it would use up every budget, and an ABOR or a FIN go unread. The
            // reply goes out before the data that it announces moves, and by itself: some clients
            // wait for a time-out when 125 and 226 come in one piece.
            let mut progress = self.read_commands(shared, now, budget)?;
            progress |= self.send_replies(shared, now, budget)?;
            progress |= self.change_control(shared, now)?;
            progress |= self.secure_data(shared, now);
            progress |= self.move_data(shared, now, budget)?;
            progress |= self.make_lines(shared, now, budget);
            progress |= self.work_on_task(shared, now, budget);
            if !progress || *budget == 0 {
                return Ok(());
            }
        }
    }

    /// Reads once, and has the session obey.
    fn read_commands(
        &mut self,
        shared: &mut Shared,
        now: Instant,
        budget: &mut usize,
    ) -> Result<bool, Lost> {
        let most = self.session.room().min(*budget).min(shared.buffers.buffer.len());
        if most == 0 || !self.control.is_readable() {
            return Ok(false);
        }
        match self.control.read(&mut shared.buffers.buffer[..most]) {
            Flow::Moved(count) => {
                *budget -= count;
                self.session.receive(&shared.buffers.buffer[..count], now);
            }
            Flow::Blocked => return Ok(false),
            Flow::Ended => self.session.end_of_input(now),
            Flow::Broken(_) => return Err(Lost(Disconnect::Lost)),
        }
        self.carry_out(shared, now);
        Ok(true)
    }

    fn send_replies(
        &mut self,
        shared: &mut Shared,
        now: Instant,
        budget: &mut usize,
    ) -> Result<bool, Lost> {
        let output = self.session.output();
        let most = output.len().min(*budget);
        if !self.control.is_writable() || self.control.is_handshaking() {
            return Ok(false);
        }
        if most == 0 {
            let flushed = self.control.flush();
            return flushed.map(|_| false).map_err(|_| Lost(Disconnect::Lost));
        }
        let flow = match self.closing.is_some() && most == output.len() {
            true => self.control.write_last(output),
            false => self.control.write(&output[..most]),
        };
        match flow {
            Flow::Moved(count) => {
                *budget -= count;
                self.session.sent(count, now);
                self.carry_out(shared, now);
                Ok(true)
            }
            Flow::Blocked | Flow::Ended => Ok(false),
            Flow::Broken(_) => Err(Lost(Disconnect::Lost)),
        }
    }

    /// An active connect that has come to its end, one way or the other.
    fn settle_connect(&mut self, shared: &mut Shared, now: Instant) {
        let DataLink::Connecting(link) = &mut self.data else { return };
        if !link.is_writable() && !link.is_gone() {
            return;
        }
        match link.is_established() {
            Ok(false) => {}
            Ok(true) => {
                if let DataLink::Connecting(link) =
                    std::mem::replace(&mut self.data, DataLink::None)
                {
                    self.data = DataLink::Open(link);
                }
                self.session.data(DataEvent::Connected, now);
            }
            Err(error) => {
                self.drop_data(shared, now);
                self.session.data(DataEvent::Broken(events::loss(&error)), now);
            }
        }
    }

    /// Moves a slice over the data connection, and tells the session what came of it.
    fn move_data(
        &mut self,
        shared: &mut Shared,
        now: Instant,
        budget: &mut usize,
    ) -> Result<bool, Lost> {
        let (true, Some(pump), DataLink::Open(link)) =
            (self.running, &mut self.pump, &mut self.data)
        else {
            return Ok(false);
        };
        if *budget == 0 {
            return Ok(false);
        }
        let (latency, responsive) =
            (Peer::latency(&self.disk, pump), shared.files.is_responsive(now));
        let slow = latency.is_some_and(|latency| latency.is_slow(responsive, now));
        let step = || pump.step(link, &mut shared.buffers, *budget, slow);
        let step = Latency::time_if(latency, step);
        *budget -= step.used;
        // What is worked on is not standing still, even if a folder has nothing to tell for long.
        if step.moved > 0 || matches!(step.state, State::Spent) {
            self.session.data(DataEvent::Moved(step.moved as u64), now);
        }
        match step.state {
            State::Blocked => {
                if let Err(error) = link.register(&mut shared.poller, self.key.slot(), Role::Data) {
                    self.broken(&error, shared, now);
                }
                self.carry_out(shared, now);
                return Ok(step.moved > 0);
            }
            // Rather here than behind a disk that hangs.
            State::NeedsWorker if !responsive && !pump.may_block() => {
                let work = || pump.work(&mut shared.buffers.buffer);
                let state = Latency::time_if(latency, work);
                *budget = 0;
                self.stepped(state, shared, now)?;
            }
            State::NeedsWorker => {
                self.pump_away(shared, now);
                self.carry_out(shared, now);
                return Ok(step.moved > 0);
            }
            state => self.stepped(state, shared, now)?,
        }
        self.carry_out(shared, now);
        Ok(true)
    }

    /// What a step of the pump has come to, if that is an end.
    pub(in crate::server) fn stepped(
        &mut self,
        state: State,
        shared: &mut Shared,
        now: Instant,
    ) -> Result<(), Lost> {
        match state {
            State::Spent | State::Blocked | State::NeedsWorker => {}
            State::Ended => self.ended(shared, now)?,
            State::Broken(error) => self.broken(&error, shared, now),
            State::Refused(refusal) => {
                self.drop_transfer(shared, now);
                self.session.data(DataEvent::Refused(refusal), now);
            }
        }
        Ok(())
    }

    /// The data connection has come to its clean end. A download is over; whether an upload is
    /// complete depends on the control connection, so that is looked at first.
    fn ended(&mut self, shared: &mut Shared, now: Instant) -> Result<(), Lost> {
        if self.pump.as_ref().is_some_and(|pump| pump.is_upload()) {
            let mut unlimited = usize::MAX;
            // A FIN may stand behind the bytes that each read brings.
            self.control.doubt();
            while self.read_commands(shared, now, &mut unlimited)? {
                self.control.doubt();
            }
            // ABOR may have come with it, or a FIN without a QUIT.
            if !self.running {
                return Ok(());
            }
        } else {
            self.drop_files(shared, now);
        }
        self.running = false;
        self.data = DataLink::None;
        self.session.data(DataEvent::Ended, now);
        Ok(())
    }

    fn broken(&mut self, error: &io::Error, shared: &mut Shared, now: Instant) {
        self.drop_transfer(shared, now);
        self.session.data(DataEvent::Broken(events::loss(error)), now);
    }

    /// Drops the data connection and what was opened for it; an upload counts as cut off.
    pub(in crate::server) fn drop_transfer(&mut self, shared: &mut Shared, now: Instant) {
        self.drop_data(shared, now);
        self.running = false;
        self.securing = false;
        self.drop_files(shared, now);
    }

    /// Drops the data connection, in whatever state it is.
    pub(in crate::server) fn drop_data(&mut self, shared: &mut Shared, now: Instant) {
        if let DataLink::Leased(lease) = std::mem::replace(&mut self.data, DataLink::None) {
            shared.lease_unused(lease, self.session.id(), now);
        }
    }

    /// The session has hung up: sends what is left to send, then closes. A close with unread input
    /// would make the kernel send a reset, and the client might never see the last reply: then the
    /// client gets a moment to read it and to close first.
    fn close(&mut self, shared: &mut Shared, now: Instant) -> Fate {
        let late = self.closing.is_some_and(|until| until <= now);
        if late || self.control.is_gone() || self.control.is_handshaking() {
            return Fate::Gone(Disconnect::Closed);
        }
        if !self.session.output().is_empty() {
            return if self.control.is_writable() { Fate::Again } else { Fate::Rest };
        }
        match self.control.close_notify() {
            Ok(true) => {}
            Ok(false) => return Fate::Rest,
            Err(_) => return Fate::Gone(Disconnect::Closed),
        }
        match self.control.read(&mut shared.buffers.buffer) {
            Flow::Moved(_) => {
                if !self.half_closed {
                    self.half_closed = true;
                    self.control.finish_writing();
                }
                Fate::Again
            }
            Flow::Blocked if self.half_closed => Fate::Rest,
            Flow::Blocked | Flow::Ended | Flow::Broken(_) => Fate::Gone(Disconnect::Closed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_peer_is_small() {
        assert!(size_of::<Peer>() <= 736, "a peer has {} bytes", size_of::<Peer>());
    }
}
