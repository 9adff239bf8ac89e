//! A peer: one session, with the owners of its control connection, its data connection and its
//! files, and its turn of the loop.
//!
//! The owners know no peer and no session: their methods return what happened. The peer alone tells
//! the session, in [`Peer::tell`], which also carries out what the session then asks for.

mod control;
mod data;
mod data_turn;
mod effects;
mod files;
mod lingering;
mod session_reuse;
mod turn;

use std::rc::Rc;
use std::time::Instant;

use super::events;
use super::file_work::Finished;
use super::host::Host;
use super::logins::PendingLogin;
use super::neighbourhood::Neighbourhood;
use super::scheduler::Handshake;
use crate::net::{Event, Key, Link, Role};
use crate::proto::reply::Reply;
use crate::session::{Answer, DataEvent, Disconnect, Session};
use control::{Changed, Control, Lost, Received};
use data::Data;
use files::Files;
pub(super) use turn::{Fate, Turn};
use turn::{FileNews, Input};

/// One client.
#[derive(Debug)]
pub(super) struct Peer {
    session: Session,
    control: Control,
    data: Data,
    files: Files,
    /// Login whose password is to be checked.
    login: Option<PendingLogin>,
    /// Host that the client came to.
    host: Rc<Host>,
    /// Note of the loop: when the timer comes up.
    pub(super) armed: Option<Instant>,
}

impl Peer {
    pub(super) fn new(key: Key, session: Session, control: Link, host: Rc<Host>) -> Peer {
        let neighbourhood = Neighbourhood::of(session.client());
        Peer {
            session,
            control: Control::new(control),
            data: Data::default(),
            files: Files::new(key, neighbourhood),
            login: None,
            host,
            armed: None,
        }
    }

    /// Tells the session what happened, and carries out what it asks for, until it asks no more.
    fn tell(&mut self, input: Input, turn: &mut Turn<'_>) {
        let mut next = Some(input);
        while let Some(input) = next {
            let now = turn.now;
            match input {
                Input::Received(count) => {
                    self.session.receive(&turn.shared.buffers.buffer[..count], now);
                }
                Input::Ended => self.session.end_of_input(now),
                Input::Sent(count) => self.session.sent(count, now),
                Input::Answer(answer) => self.session.answer(answer, now),
                Input::Data(event) => self.session.data(event, now),
                Input::Tick => self.session.tick(now),
                Input::ShutDown => self.session.shut_down(now),
            }
            next = self.carry_out(turn);
        }
        turn.shared.events.record_all(&mut self.session);
        if self.files.take_unsorted() {
            events::record_unsorted(&self.session);
        }
    }

    // Things that happen to it.

    /// Notes what an event says; false if it is for a connection of the past.
    pub(super) fn mark(&mut self, event: Event) -> bool {
        match event.key.role() {
            Role::Control => self.control.mark(event),
            Role::Data => self.data.mark(event),
            Role::Listener | Role::Passive | Role::Waker | Role::Signals => false,
        }
    }

    /// Takes note that the deadline has passed, or not quite.
    pub(super) fn tick(&mut self, turn: &mut Turn<'_>) {
        if self.data.is_moving() && self.files.is_with_worker() {
            // A slow disk is not the client's standing still.
            self.tell(Input::Data(DataEvent::Moved(0)), turn);
        }
        self.tell(Input::Tick, turn);
    }

    /// Takes note that the server goes down.
    pub(super) fn shut_down(&mut self, turn: &mut Turn<'_>) {
        self.tell(Input::ShutDown, turn);
    }

    /// Takes the passive connection, which has come.
    pub(super) fn arrived(&mut self, link: Link, turn: &mut Turn<'_>) {
        self.data.arrive(link);
        self.tell(Input::Data(DataEvent::Connected), turn);
    }

    /// Takes back what a worker had; `None` if the work was given up or lost.
    pub(super) fn take_back(&mut self, finished: Option<Finished>, turn: &mut Turn<'_>) {
        let news = self.files.take_back(finished, &mut turn.budget, turn.shared, turn.now);
        if matches!(news, FileNews::Stepped(_)) {
            // A slow disk is not the client's standing still.
            self.tell(Input::Data(DataEvent::Moved(0)), turn);
        }
        if let Some(input) = self.file_input(news, turn) {
            self.tell(input, turn);
        }
    }

    /// Sends a last reply in one try, if no other is on its way.
    pub(super) fn dismiss(&mut self, last: Reply) {
        if self.session.output().is_empty() {
            let mut reply = Vec::new();
            last.write_to(&mut reply);
            self.control.try_to_say(&reply);
        }
    }

    /// Ends with the control connection; an upload counts as cut off.
    pub(super) fn end(mut self, cause: Disconnect, turn: &mut Turn<'_>) {
        self.drop_transfer(turn);
        turn.shared.siblings.leave(self.data.place().and_then(Option::take));
        self.session.disconnected(cause, turn.now);
        turn.shared.events.record_all(&mut self.session);
    }

    // Questions of the loop.

    pub(super) fn key(&self) -> Key {
        self.files.owner()
    }

    pub(super) fn client(&self) -> std::net::IpAddr {
        self.session.client()
    }

    /// Number that the log knows it by.
    pub(super) fn number(&self) -> u64 {
        self.session.id()
    }

    /// Name of the user who is logged in.
    pub(super) fn user(&self) -> Option<Rc<[u8]>> {
        self.session.logged_in()
    }

    pub(super) fn is_logged_in(&self) -> bool {
        self.session.is_logged_in()
    }

    /// True if bytes of a transfer move.
    pub(super) fn is_moving(&self) -> bool {
        self.data.is_moving()
    }

    /// Moment at which the peer wants a turn, whatever else happens.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let deadline = self.control.deadline().or_else(|| self.session.deadline());
        let deadline = deadline.into_iter().chain(self.data.lingers_until());
        #[cfg(feature = "testing")]
        let deadline = deadline.chain(self.data.wake_at());
        deadline.min()
    }

    // Its turn.

    /// Does what can be done now, until nothing can, or the budget is used up.
    pub(super) fn turn(&mut self, turn: &mut Turn<'_>) -> Fate {
        match self.work(turn) {
            Err(Lost(cause)) => Fate::Gone(cause),
            Ok(()) if self.control.is_closing() => {
                let is_all_sent = self.session.output().is_empty();
                self.control.close(is_all_sent, &mut turn.shared.buffers.buffer, turn.now)
            }
            Ok(()) => match turn.deferred {
                Some(handshake) => Fate::Deferred(handshake),
                None if turn.budget == 0 => Fate::Again,
                None => Fate::Rest,
            },
        }
    }

    fn work(&mut self, turn: &mut Turn<'_>) -> Result<(), Lost> {
        self.control.check()?;
        self.settle_connect(turn);
        if let Some(input) = self.carry_out(turn) {
            self.tell(input, turn);
        }
        loop {
            // Data comes last: it would use up every budget, and an ABOR or a FIN go unread. The
            // reply goes out before the data that it announces moves, and by itself: some clients
            // wait for a time-out when 125 and 226 come in one piece.
            let mut progress = self.read_commands(turn)?;
            progress |= self.send_replies(turn)?;
            progress |= self.change_control(turn)?;
            progress |= self.let_go(turn);
            progress |= self.secure_data(turn);
            progress |= self.move_data(turn)?;
            progress |= self.work_on_files(turn);
            if !progress || turn.budget == 0 {
                return Ok(());
            }
        }
    }

    /// Reads once, and has the session obey.
    fn read_commands(&mut self, turn: &mut Turn<'_>) -> Result<bool, Lost> {
        let buffer = &mut turn.shared.buffers.buffer;
        let most = self.session.room().min(turn.budget).min(buffer.len());
        let input = match self.control.read(&mut buffer[..most])? {
            Received::Nothing => return Ok(false),
            Received::Bytes(count) => {
                turn.budget -= count;
                Input::Received(count)
            }
            Received::Ended => Input::Ended,
        };
        self.tell(input, turn);
        Ok(true)
    }

    fn send_replies(&mut self, turn: &mut Turn<'_>) -> Result<bool, Lost> {
        let sent = self.control.send(self.session.output(), turn.budget)?;
        if sent > 0 {
            turn.budget -= sent;
            self.tell(Input::Sent(sent), turn);
        }
        Ok(sent > 0)
    }

    /// Goes on with a change of the control connection into TLS or out of it.
    fn change_control(&mut self, turn: &mut Turn<'_>) -> Result<bool, Lost> {
        // Replies of before are sent as before.
        if !self.session.output().is_empty() {
            return Ok(false);
        }
        if self.control.can_shake_hands() && !turn.shared.may_shake_hands(Handshake::Control) {
            turn.deferred = Some(Handshake::Control);
            return Ok(false);
        }
        let answer = match self.control.go_on(self.host.tls.as_ref(), self.session.id()) {
            Ok(Changed::Pending) => return Ok(false),
            Ok(Changed::Secured { certified }) => {
                self.data.know_client(self.control.client_tls(turn.now));
                Answer::Secured { certified }
            }
            Ok(Changed::Cleared) => Answer::Cleared,
            Err(error) => {
                events::record_tls_failure(&self.session, &error);
                return Err(Lost(Disconnect::Failed("no TLS")));
            }
        };
        self.tell(Input::Answer(answer), turn);
        Ok(true)
    }

    /// Goes on with the lines of a STAT, a checksum or a copy.
    fn work_on_files(&mut self, turn: &mut Turn<'_>) -> bool {
        if turn.budget == 0 {
            return false;
        }
        let Some(news) = self.files.go_on(&mut turn.budget, turn.shared, turn.now) else {
            return false;
        };
        let sent = self.files.is_with_worker();
        if let Some(input) = self.file_input(news, turn) {
            self.tell(input, turn);
        }
        !sent
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
