//! Turn of the data connection: its connect, its TLS handshake, the bytes of a transfer, its end.

use super::super::disk::Latency;
use super::super::events;
use super::super::scheduler::Handshake;
use super::control::Lost;
use super::data::{Secured, TlsTerms};
use super::turn::FileNews;
use super::turn::Input;
use super::{Peer, Turn};
use crate::config::{SessionReuse, TlsClose};
use crate::net::{FileEnd, Input as TlsInput};
use crate::session::DataEvent;
use crate::transfer::State;

impl Peer {
    /// Tells the session of an active connect that has come to its end, one way or the other.
    pub(super) fn settle_connect(&mut self, turn: &mut Turn<'_>) {
        let event = match self.data.settle_connect() {
            None => return,
            Some(Ok(())) => DataEvent::Connected,
            Some(Err(error)) => DataEvent::Broken(events::loss(&error)),
        };
        self.tell(Input::Data(event), turn);
    }

    /// Goes on with a data connection that was given up, behind the reply that tells of it.
    pub(super) fn let_go(&mut self, turn: &mut Turn<'_>) -> bool {
        let is_all_sent = self.session.output().is_empty();
        let (shared, slot, now) = (&mut *turn.shared, self.key().slot(), turn.now);
        let most = turn.budget.min(shared.buffers.buffer.len());
        let buffer = &mut shared.buffers.buffer[..most];
        let used = self.data.linger(is_all_sent, buffer, &mut shared.poller, slot, now);
        turn.budget -= used;
        used > 0
    }

    /// Goes on with the TLS handshake of the data connection.
    pub(super) fn secure_data(&mut self, turn: &mut Turn<'_>) -> bool {
        if self.data.can_shake_hands() && !turn.shared.may_shake_hands(Handshake::Data) {
            turn.deferred = Some(Handshake::Data);
            return false;
        }
        let place = self.data.place().and_then(|place| place.as_ref());
        let has_siblings = turn.shared.siblings.are_at(place);
        let terms = TlsTerms {
            // TLS of the control connection, even if there is a newer certificate by now.
            tls: self.control.tls().or(self.host.tls.as_ref()),
            input: self.data_input(),
            may_be_empty: self.file_end() != FileEnd::Notify
                && self.host.session_reuse() != SessionReuse::Require,
            reuse: self.host.session_reuse(),
            has_siblings,
            now: turn.now,
        };
        let poller = &mut turn.shared.poller;
        let event = match self.data.handshake(&terms, poller, self.key().slot()) {
            None | Some(Secured::Pending) => return false,
            Some(Secured::Done) => DataEvent::Secured,
            Some(Secured::EndedEarly) => DataEvent::EndedEarly,
            Some(Secured::NotResumed) => DataEvent::NotResumed,
            Some(Secured::Failed(error)) => DataEvent::Broken(events::loss(&error)),
        };
        if matches!(event, DataEvent::NotResumed | DataEvent::Broken(_)) {
            self.give_up_data(turn);
        }
        self.tell(Input::Data(event), turn);
        true
    }

    /// Input that is to be expected of a data connection under TLS, as far as that is known.
    pub(super) fn data_input(&self) -> TlsInput {
        match self.files.is_sending() {
            None => TlsInput::Unknown,
            Some(true) => TlsInput::None,
            Some(false) => TlsInput::File(self.file_end()),
        }
    }

    /// End by which an upload under TLS is whole. Node's clients end an empty one before their
    /// handshake is done, and then send no close_notify, though otherwise they do.
    fn file_end(&self) -> FileEnd {
        match (self.host.tls_close(), self.data.sends_close_notify()) {
            (TlsClose::Auto, true) => FileEnd::NotifyUnlessEmpty,
            (TlsClose::Strict, _) => FileEnd::Notify,
            (TlsClose::Auto, false) | (TlsClose::Lenient, _) => FileEnd::Fin,
        }
    }

    /// Moves a slice over the data connection, and tells the session what came of it.
    pub(super) fn move_data(&mut self, turn: &mut Turn<'_>) -> Result<bool, Lost> {
        if turn.budget == 0 || !self.data.is_moving() {
            return Ok(false);
        }
        let Turn { shared, now, .. } = turn;
        let Some(lane) = self.files.lane() else { return Ok(false) };
        let Some((pump, latency)) = self.files.transfer() else { return Ok(false) };
        let responsive = shared.workers.is_responsive(&lane, *now);
        let may_block = latency.is_some_and(|latency| latency.may_block(responsive, *now));
        let (data, buffers, budget) = (&mut self.data, &mut shared.buffers, turn.budget);
        let step = || data.step(pump, buffers, budget, may_block, *now);
        let Some(step) = Latency::time_if(latency, step) else { return Ok(false) };
        turn.budget -= step.used;
        // Work is not standing still, even if a folder has nothing to tell for long.
        if step.moved > 0 || matches!(step.state, State::Spent) {
            self.tell(Input::Data(DataEvent::Moved(step.moved as u64)), turn);
        }
        let news = match step.state {
            State::Ended => {
                self.end_data(turn)?;
                return Ok(true);
            }
            State::Blocked => {
                let poller = &mut turn.shared.poller;
                FileNews::Stepped(self.data.await_event(poller, self.key().slot()))
            }
            State::NeedsWorker => {
                self.files.work_on_transfer(&mut turn.budget, turn.shared, turn.now)
            }
            state => FileNews::Stepped(state),
        };
        let progress = match &news {
            FileNews::Stepped(State::Blocked) | FileNews::Pending => step.moved > 0,
            _ => true,
        };
        if let Some(input) = self.file_input(news, turn) {
            self.tell(input, turn);
        }
        Ok(progress)
    }

    /// Ends the data connection, which has come to its clean end. A download is over; whether an
    /// upload is complete depends on the control connection, so that is looked at first.
    fn end_data(&mut self, turn: &mut Turn<'_>) -> Result<(), Lost> {
        if self.files.is_sending() == Some(false) {
            let budget = std::mem::replace(&mut turn.budget, usize::MAX);
            let heard = self.hear_out(turn);
            turn.budget = budget;
            heard?;
            // ABOR may have come with it, or a FIN without a QUIT.
            if !self.data.is_moving() {
                return Ok(());
            }
        } else {
            self.files.drop_all(turn.shared, turn.now);
        }
        self.data.close();
        self.tell(Input::Data(DataEvent::Ended), turn);
        Ok(())
    }

    /// Reads all commands that have come.
    fn hear_out(&mut self, turn: &mut Turn<'_>) -> Result<(), Lost> {
        // A FIN may stand behind the bytes that each read brings.
        self.control.doubt();
        while self.read_commands(turn)? {
            self.control.doubt();
        }
        Ok(())
    }
}
