//! Life of a server: signals, and the way to its end.

use std::time::{Duration, Instant};

use super::event_loop::EventLoop;
use super::handle::Handle;
use super::peer::Peer;
use super::service_manager::{News, ServiceManager};
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
    service_manager: Option<ServiceManager>,
}

impl Lifecycle {
    pub(super) fn new(
        handle: Handle,
        signals: Option<Signals>,
        service_manager: Option<ServiceManager>,
    ) -> Lifecycle {
        Lifecycle {
            handle,
            signals,
            signalled: false,
            stop_signals: 0,
            stops: 0,
            drained_by: None,
            service_manager,
        }
    }

    /// Tells the service manager, if there is one.
    pub(super) fn tell(&mut self, news: News, now: Instant) {
        if let Some(service_manager) = &mut self.service_manager {
            service_manager.tell(news, now);
        }
    }

    /// Notes that signals have come.
    pub(super) fn mark(&mut self) {
        self.signalled = true;
    }

    /// Moment at which transfers are broken off, or the service manager is to hear something.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let service_manager = self.service_manager.as_ref().and_then(ServiceManager::deadline);
        self.drained_by.into_iter().chain(service_manager).min()
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
            self.begin_reload(now);
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
        let grace = self.host.shutdown_grace();
        let sessions = counted(self.peers.len(), "session");
        log::info!("shutting down, {sessions}: {}", self.farewell(grace));
        self.lifecycle.drained_by = Some(now + grace);
        self.lifecycle.tell(News::Stopping, now);
        self.acceptor.listeners.clear();
        let slots: Vec<usize> = self.peers.iter().map(|(slot, _)| slot).collect();
        for slot in slots {
            self.visit(slot, now, Peer::shut_down);
        }
    }

    /// Words on what the shutdown waits for.
    fn farewell(&self, grace: Duration) -> String {
        match self.transfers() {
            0 => "no transfer is waited for".to_owned(),
            transfers => format!(
                "waiting for {}, {} s at most; Ctrl-C again or another SIGTERM ends them",
                counted(transfers, "transfer"),
                grace.as_secs(),
            ),
        }
    }

    /// Number of transfers under way.
    fn transfers(&self) -> usize {
        self.peers.iter().filter(|(_, peer)| peer.is_moving()).count()
    }

    /// Lets the service manager know that the loop comes around, and what it holds.
    pub(super) fn keep_service_manager_posted(&mut self, now: Instant) {
        let Some(mut service_manager) = self.lifecycle.service_manager.take() else { return };
        service_manager.come_around(now, || {
            let sessions = counted(self.peers.len(), "session");
            format!("{sessions}, {}", counted(self.transfers(), "transfer"))
        });
        self.lifecycle.service_manager = Some(service_manager);
    }
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
