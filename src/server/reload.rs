//! Reload: the configuration is read anew on a thread of its own, since that may wait for disks, and
//! put in force by the loop between two rounds. One that is wrong changes nothing.

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Instant;

use super::accept::ControlListener;
use super::certificates::Occasion;
use super::event_loop::EventLoop;
use super::host::Host;
use super::listening::StandIn;
use super::peer::Peer;
use super::prepared::Prepared;
use super::service_manager::News;
use super::{descriptors, events, listening};
use crate::config::Config;
use crate::net::Waker;
use crate::proto::reply::Reply;
use crate::session::Disconnect;
use crate::users::is_anonymous;

/// Source of the configuration that is to be in force now; the error is one line for the log.
#[derive(Clone)]
pub(super) struct Source(Arc<dyn Fn() -> Result<Config, String> + Send + Sync>);

impl Source {
    pub(super) fn new(
        source: impl Fn() -> Result<Config, String> + Send + Sync + 'static,
    ) -> Source {
        Source(Arc::new(source))
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Source")
    }
}

/// Reader of the configuration.
#[derive(Debug)]
pub(super) struct Reloader {
    /// Source; without one the configuration stays, and only what it names is read anew.
    source: Option<Source>,
    /// Addresses that stand in for those of every configuration.
    stand_in: Option<StandIn>,
    outbox: Sender<Result<Prepared, String>>,
    done: Receiver<Result<Prepared, String>>,
    waker: Arc<Waker>,
    state: ReloadState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ReloadState {
    Idle,
    Reading,
    /// Being read, and to be read once more: what was changed meanwhile may not be seen.
    ReadAgain,
}

impl Reloader {
    pub(super) fn new(
        source: Option<Source>,
        stand_in: Option<StandIn>,
        waker: Arc<Waker>,
    ) -> Reloader {
        let (outbox, done) = channel();
        Reloader { source, stand_in, outbox, done, waker, state: ReloadState::Idle }
    }

    /// Has the configuration read, `present` if there is no other source.
    fn begin(&mut self, present: &Config) {
        self.state = match self.state {
            ReloadState::Idle => ReloadState::Reading,
            ReloadState::Reading | ReloadState::ReadAgain => {
                self.state = ReloadState::ReadAgain;
                return;
            }
        };
        let (source, present) = (self.source.clone(), present.clone());
        let stand_in = self.stand_in.clone();
        let (outbox, waker) = (self.outbox.clone(), Arc::clone(&self.waker));
        let read = move || {
            let config = source.map_or(Ok(present), |source| source.0());
            let prepared = config.and_then(|mut config| {
                stand_in.iter().for_each(|stand_in| stand_in.replace(&mut config));
                Prepared::open(config, Occasion::Reload).map_err(|error| error.to_string())
            });
            // The loop may have ended, and nobody want to know.
            let _ = outbox.send(prepared);
            let _ = waker.wake();
        };
        if let Err(error) = thread::Builder::new().name("reload".into()).spawn(read) {
            self.state = ReloadState::Idle;
            log::error!(
                "the configuration stays as it was: there is no thread to read it: {error}"
            );
        }
    }

    /// Configuration that was read, and whether it is to be read once more.
    fn take(&mut self) -> Option<(Result<Prepared, String>, bool)> {
        let prepared = self.done.try_recv().ok()?;
        let again = self.state == ReloadState::ReadAgain;
        self.state = ReloadState::Idle;
        Some((prepared, again))
    }
}

impl EventLoop {
    /// Has the configuration read anew.
    pub(super) fn begin_reload(&mut self, now: Instant) {
        self.lifecycle.tell(News::Reloading, now);
        self.reloader.begin(&self.host.config);
        if self.reloader.state == ReloadState::Idle {
            self.lifecycle.tell(News::Ready, now);
        }
    }

    /// Puts a configuration in force that has been read.
    pub(super) fn finish_reload(&mut self, now: Instant) {
        let Some((prepared, again)) = self.reloader.take() else { return };
        match prepared.and_then(|prepared| self.put_in_force(prepared, now)) {
            Ok(()) => {}
            Err(trouble) => log::error!("the configuration stays as it was: {trouble}"),
        }
        match again {
            true => self.begin_reload(now),
            false => self.lifecycle.tell(News::Ready, now),
        }
    }

    /// Puts a configuration in force. Sessions keep the host that they began with; those of a user who
    /// may no longer log in end.
    fn put_in_force(&mut self, prepared: Prepared, now: Instant) -> Result<(), String> {
        let Prepared { config, root: _, users, tls } = prepared;
        let fingerprint = tls.as_ref().map(|tls| tls.fingerprint.clone());
        let host = Rc::new(self.host.follow(config, tls.map(|loaded| loaded.tls)));
        self.replace_listeners(&host)?;
        let config = &host.config;
        self.acceptor.places = descriptors::places(config.max_sessions);
        self.scheduler.set_largest_budget(config.round_bytes.max(1));
        self.shared.passive.use_range(config.passive_ports.clone(), now);
        events::record_beyond_reach(&users);
        self.shared.logins.use_users(users);
        self.shared.admits_anonymous = host.anonymous().is_some();
        self.host = host;
        self.end_sessions_of_nobody(now);
        match fingerprint {
            Some(fingerprint) => {
                log::info!("reloaded; TLS certificate with SHA-256 fingerprint {fingerprint}");
            }
            None => log::info!("reloaded"),
        }
        Ok(())
    }

    /// Opens the listeners that are new and closes those that are gone; the others go over to the new
    /// host, as do all that were inherited. Either all can be had, or nothing changes.
    fn replace_listeners(&mut self, host: &Rc<Host>) -> Result<(), String> {
        let listeners = &mut self.acceptor.listeners;
        if self.reloader.stand_in.is_some() {
            listeners.iter_mut().for_each(|(_, control)| control.host = Rc::clone(host));
            return Ok(());
        }
        let mut opened = Vec::new();
        for wanted in listening::wanted(&host.config) {
            if listeners.iter().any(|(_, control)| control.wanted == wanted) {
                continue;
            }
            match listening::open(&mut self.shared.poller, listeners, wanted.address) {
                Ok(None) => {}
                Ok(Some(listener)) => {
                    let control = ControlListener::new(listener, wanted, Rc::clone(host));
                    opened.push(listeners.insert(control));
                }
                Err(error) => {
                    opened.into_iter().for_each(|slot| drop(listeners.remove(slot)));
                    return Err(error.to_string());
                }
            }
        }
        for slot in opened {
            log::info!("listening on {}", listeners[slot].address());
        }
        listeners.retain(|_, control| {
            let is_wanted = listening::wanted(&host.config).any(|wanted| wanted == control.wanted);
            if !is_wanted {
                log::info!("no longer listening on {}", control.address());
            }
            control.host = Rc::clone(host);
            is_wanted
        });
        let addresses = listeners.iter().map(|(_, control)| control.address()).collect();
        self.shared.use_addresses(addresses);
        Ok(())
    }

    /// Ends the sessions of users who may no longer log in.
    fn end_sessions_of_nobody(&mut self, now: Instant) {
        let is_nobody = |peer: &Peer| {
            let Some(user) = peer.user() else { return false };
            match is_anonymous(&user) && self.host.anonymous().is_some() {
                true => false,
                false => !self.shared.logins.knows(&user),
            }
        };
        let peers = self.peers.iter().filter(|(_, peer)| is_nobody(peer));
        let slots: Vec<usize> = peers.map(|(slot, _)| slot).collect();
        for slot in slots {
            if let Some(peer) = self.peers.get_mut(slot) {
                peer.dismiss(Reply::AccountGone);
            }
            self.remove(slot, Disconnect::Failed("its user may no longer log in"), now);
        }
    }
}
