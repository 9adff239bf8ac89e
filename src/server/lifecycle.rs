//! Life of a server: signals, and the way to its end.

use std::time::Instant;

use super::event_loop::EventLoop;
use super::handle::Handle;
use super::peer::Peer;
use super::{RELOAD_SIGNAL, STOP_SIGNALS};
use crate::net::Signals;

/// State of a server's life.
#[derive(Debug)]
pub(super) struct Lifecycle {
    pub(super) handle: Handle,
    signals: Option<Signals>,
    /// Set by an event: signals have come that were not yet looked at.
    signalled: bool,
    /// Signals to end that have come.
    stop_signals: usize,
    /// Number of times that the server was told to end, by signals or the handle.
    stops: usize,
    /// Moment at which transfers are broken off, set while the server goes down.
    drained_by: Option<Instant>,
}

impl Lifecycle {
    pub(super) fn new(handle: Handle, signals: Option<Signals>) -> Lifecycle {
        Lifecycle { handle, signals, signalled: false, stop_signals: 0, stops: 0, drained_by: None }
    }

    /// Notes that signals have come.
    pub(super) fn mark(&mut self) {
        self.signalled = true;
    }

    /// Moment at which transfers are broken off.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.drained_by
    }

    /// True if the end has come: nothing is left to be waited for, or it was waited for long
    /// enough.
    pub(super) fn is_done(&self, is_idle: bool) -> bool {
        let late = self.drained_by.is_some_and(|until| until <= Instant::now());
        self.drained_by.is_some() && (is_idle || late || self.stops > 1)
    }

    /// Signals that have come since the last call.
    fn take_signals(&mut self) -> Vec<i32> {
        match std::mem::take(&mut self.signalled) {
            true => self.signals.iter_mut().flat_map(Signals::take).collect(),
            false => Vec::new(),
        }
    }
}

impl EventLoop {
    /// Obeys signals and the handle.
    pub(super) fn handle_lifecycle(&mut self, now: Instant) {
        let caught = self.lifecycle.take_signals();
        let stops = caught.iter().filter(|signal| STOP_SIGNALS.contains(signal)).count();
        self.lifecycle.stop_signals += stops;
        if caught.contains(&RELOAD_SIGNAL) {
            self.begin_reload();
        }
        let stops = self.lifecycle.handle.stops().max(self.lifecycle.stop_signals);
        if stops > 0 && self.lifecycle.drained_by.is_none() {
            self.drain(now);
        }
        self.lifecycle.stops = stops;
    }

    /// Lets transfers finish, within the grace: no connection is accepted any more, and sessions
    /// without a transfer end.
    fn drain(&mut self, now: Instant) {
        log::info!("shutting down, {} sessions", self.peers.len());
        self.lifecycle.drained_by = Some(now + self.host.shutdown_grace());
        self.acceptor.listeners.clear();
        let slots: Vec<usize> = self.peers.iter().map(|(slot, _)| slot).collect();
        for slot in slots {
            self.visit(slot, now, Peer::shut_down);
        }
    }
}
