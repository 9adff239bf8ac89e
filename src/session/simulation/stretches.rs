//! Longer stretches of a conversation, each of which must come to its end.

use super::World;

/// More than it takes any conversation to come to rest, or to its end.
const PATIENCE: u32 = 50_000;

impl World {
    /// The client says no more and reads all; the shell answers all. Then every line must have had
    /// its replies, and the next is answered as ever.
    pub(super) fn come_to_rest(&mut self) {
        for _ in 0..PATIENCE {
            if self.shell.over {
                return;
            }
            self.session.sent(self.session.output().len(), self.now);
            self.judge.taken_all();
            self.settle_effects();
            if !self.client.unsent().is_empty() && self.session.room() > 0 {
                self.send(self.session.room().min(self.client.unsent().len()));
            } else if self.shell.is_asked() && !self.shell.is_changing() {
                self.answer();
            } else if self.shell.is_stuck()
                || self.shell.has_penalty()
                || self.judge.is_owed(self.shell.completed)
            {
                self.tick_in_time();
            } else if self.shell.is_asked() {
                self.answer();
            } else if self.shell.is_busy() {
                self.data_event();
            } else if self.session.output().is_empty() {
                return self.rest();
            }
        }
        panic!("the session never comes to rest");
    }

    fn rest(&mut self) {
        assert!(self.client.has_said_all(), "input is left, and nothing to wait for");
        self.judge.at_rest(self.client.lines);
        if self.shell.hears() && !self.client.leaves {
            self.client.ask_system();
            self.send(self.session.room().min(self.client.unsent().len()));
            assert_eq!(self.session.output(), b"215 UNIX Type: L8\r\n", "a plain command at rest");
        }
    }

    /// The client's machine dies: only the clock and our own answers go on. That ends everything.
    pub(super) fn be_abandoned(&mut self) {
        for _ in 0..PATIENCE {
            if self.shell.over {
                return;
            } else if self.shell.is_asked() && !self.shell.is_changing() {
                self.answer();
            } else {
                self.tick_in_time();
            }
        }
        panic!("the session outlives its client for ever");
    }

    /// The client reads all that it is told, and leaves; no question is ever answered again. That
    /// ends everything, as soon as it is known that the client has left.
    pub(super) fn leave_a_disk_that_hangs(&mut self) {
        self.client.leaves = true;
        for _ in 0..PATIENCE {
            self.session.sent(self.session.output().len(), self.now);
            self.judge.taken_all();
            self.settle_effects();
            self.hear_out();
            if self.shell.over {
                return;
            }
            if self.shell.hears() && self.session.deadline().is_none() {
                return;
            }
            self.tick_in_time();
        }
        panic!("a disk that hangs keeps a session for ever whose client has left");
    }
}
