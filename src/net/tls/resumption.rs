//! Marks of the client that a TLS session belongs to. rustls tells whose session one resumes for TLS
//! 1.3 only, so each connection has its own way to look at tickets and stored sessions, which notes
//! the mark that it finds there.
//!
//! A mark is the number of the session that the client began with. A control connection that resumes
//! an earlier TLS session has shown that it comes from the same client, and takes over the mark:
//! clients with several control connections often keep all of their tickets in one place.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use rustls::ServerConfig;
use rustls::server::{ProducesTickets, StoresServerSessions};

use super::{Input, Resumed, Resumption};

/// Marks at one connection.
#[derive(Debug)]
pub(super) struct Marks {
    /// Mark of what the client can resume this session by.
    own: AtomicU64,
    /// Mark of the session that it wants to resume, or none, 0.
    found: AtomicU64,
    /// That session began on a control connection.
    found_of_control: AtomicBool,
    policy: Policy,
}

/// Policy for marks that are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Policy {
    /// Any mark, taken over.
    Inherit,
    /// Any mark.
    Note,
    /// Own mark only.
    OnlyOwn,
}

/// Bytes that stand in front of a session.
const MARK_BYTES: usize = size_of::<u64>() + size_of::<u8>();

impl Marks {
    /// Marks of a connection of this client.
    pub(super) fn new(client: u64, input: Input, resumption: Resumption) -> Arc<Marks> {
        let policy = match (input, resumption) {
            (Input::Commands, _) => Policy::Inherit,
            (_, Resumption::Own) => Policy::OnlyOwn,
            (_, Resumption::None | Resumption::Any) => Policy::Note,
        };
        Arc::new(Marks {
            own: AtomicU64::new(client),
            found: AtomicU64::new(0),
            found_of_control: AtomicBool::new(false),
            policy,
        })
    }

    /// A configuration for the one connection.
    pub(super) fn applied_to(self: &Arc<Marks>, config: &ServerConfig) -> Arc<ServerConfig> {
        let mut config = config.clone();
        let marks = Arc::clone(self);
        config.ticketer = Arc::new(Marked { inner: config.ticketer, marks });
        let marks = Arc::clone(self);
        config.session_storage = Arc::new(Marked { inner: config.session_storage, marks });
        Arc::new(config)
    }

    /// Forgets what was found, since nothing was resumed by it: whoever listened to the network can
    /// show a ticket of somebody else. Nothing was marked as yet.
    pub(super) fn begin_anew(&self, client: u64) {
        self.own.store(client, Relaxed);
        self.found.store(0, Relaxed);
    }

    pub(super) fn own(&self) -> u64 {
        self.own.load(Relaxed)
    }

    pub(super) fn found(&self) -> Option<Resumed> {
        let client = Some(self.found.load(Relaxed)).filter(|mark| *mark != 0)?;
        Some(Resumed { client, is_of_control: self.found_of_control.load(Relaxed) })
    }

    /// Puts in front of a session what it is known by: its client, and whether it is one of a
    /// control connection.
    fn mark(&self, plain: &[u8]) -> Vec<u8> {
        let is_of_control = u8::from(self.policy == Policy::Inherit);
        [&self.own().to_be_bytes(), &[is_of_control][..], plain].concat()
    }

    fn unmark(&self, mut marked: Vec<u8>) -> Option<Vec<u8>> {
        let [mark @ .., is_of_control] = *marked.first_chunk::<MARK_BYTES>()?;
        let mark = u64::from_be_bytes(mark);
        match self.policy {
            Policy::Inherit => self.own.store(mark, Relaxed),
            Policy::OnlyOwn if mark != self.own() => return None,
            Policy::Note | Policy::OnlyOwn => {}
        }
        self.found.store(mark, Relaxed);
        self.found_of_control.store(is_of_control == 1, Relaxed);
        Some(marked.split_off(MARK_BYTES))
    }
}

#[derive(Debug)]
struct Marked<T: ?Sized> {
    inner: Arc<T>,
    marks: Arc<Marks>,
}

impl ProducesTickets for Marked<dyn ProducesTickets> {
    fn enabled(&self) -> bool {
        self.inner.enabled()
    }

    fn lifetime(&self) -> u32 {
        self.inner.lifetime()
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        self.inner.encrypt(&self.marks.mark(plain))
    }

    fn decrypt(&self, cipher: &[u8]) -> Option<Vec<u8>> {
        self.inner.decrypt(cipher).and_then(|marked| self.marks.unmark(marked))
    }
}

impl StoresServerSessions for Marked<dyn StoresServerSessions> {
    fn put(&self, key: Vec<u8>, value: Vec<u8>) -> bool {
        self.inner.put(key, self.marks.mark(&value))
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.inner.get(key).and_then(|marked| self.marks.unmark(marked))
    }

    fn take(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.inner.take(key).and_then(|marked| self.marks.unmark(marked))
    }

    fn can_cache(&self) -> bool {
        self.inner.can_cache()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_that_was_overheard_makes_nobody_the_client() {
        let [victim, thief] = [7, 8].map(|id| Marks::new(id, Input::Commands, Resumption::Any));
        let ticket = victim.mark(b"secret");
        assert_eq!(thief.unmark(ticket.clone()).as_deref(), Some(&b"secret"[..]));
        let found = Resumed { client: 7, is_of_control: true };
        assert_eq!((thief.found(), thief.own()), (Some(found), 7), "it may be the victim");
        // The thief did not resume.
        thief.begin_anew(8);
        assert_eq!((thief.found(), thief.own()), (None, 8));
        let data = Marks::new(thief.own(), Input::None, Resumption::Own);
        assert_eq!(data.unmark(ticket), None);
        assert!(data.unmark(thief.mark(b"its own")).is_some());
        assert_eq!(data.unmark(b"short".to_vec()), None);
    }
}
