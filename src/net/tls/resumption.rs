//! Marks of the session that a TLS session belongs to, for connections that may resume no other.
//! rustls tells whose session one resumes for TLS 1.3 only, so each connection has its own way to
//! look at tickets and stored sessions, and those of others are none to it.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::server::{ProducesTickets, StoresServerSessions};

/// A configuration for one connection: what the client can resume the session by is marked by
/// `owner`, and with `only_own` what has another mark is not known.
pub(super) fn marked(config: &ServerConfig, owner: u64, only_own: bool) -> Arc<ServerConfig> {
    let mut config = config.clone();
    let mark = owner.to_be_bytes();
    config.ticketer = Arc::new(Marked { inner: config.ticketer, mark, only_own });
    config.session_storage = Arc::new(Marked { inner: config.session_storage, mark, only_own });
    Arc::new(config)
}

#[derive(Debug)]
struct Marked<T: ?Sized> {
    inner: Arc<T>,
    mark: [u8; 8],
    only_own: bool,
}

impl<T: ?Sized> Marked<T> {
    fn mark(&self, plain: &[u8]) -> Vec<u8> {
        [&self.mark, plain].concat()
    }

    fn unmark(&self, mut marked: Vec<u8>) -> Option<Vec<u8>> {
        let own = marked.starts_with(&self.mark);
        let plain = marked.split_off(self.mark.len().min(marked.len()));
        (own || !self.only_own).then_some(plain)
    }
}

impl ProducesTickets for Marked<dyn ProducesTickets> {
    fn enabled(&self) -> bool {
        self.inner.enabled()
    }

    fn lifetime(&self) -> u32 {
        self.inner.lifetime()
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        self.inner.encrypt(&self.mark(plain))
    }

    fn decrypt(&self, cipher: &[u8]) -> Option<Vec<u8>> {
        self.inner.decrypt(cipher).and_then(|marked| self.unmark(marked))
    }
}

impl StoresServerSessions for Marked<dyn StoresServerSessions> {
    fn put(&self, key: Vec<u8>, value: Vec<u8>) -> bool {
        self.inner.put(key, self.mark(&value))
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.inner.get(key).and_then(|marked| self.unmark(marked))
    }

    fn take(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.inner.take(key).and_then(|marked| self.unmark(marked))
    }

    fn can_cache(&self) -> bool {
        self.inner.can_cache()
    }
}
