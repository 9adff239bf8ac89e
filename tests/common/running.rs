//! A server on a thread of this process: the one place that knows how it is started and ended.

use packetboat::{Config, Counts, Grace, Handle, Server};
use std::net::SocketAddr;
use std::thread::{self, JoinHandle, ThreadId};

/// A server that runs until it is joined.
pub struct Running {
    addresses: Vec<SocketAddr>,
    handle: Handle,
    thread: JoinHandle<()>,
}

impl Running {
    pub fn start(config: Config) -> Running {
        packetboat::raise_descriptor_limit(config.max_sessions).expect("the limit may be raised");
        let server = Server::bind(config).expect("the server starts");
        let (addresses, handle) = (server.addresses().to_vec(), server.handle());
        let thread = thread::spawn(move || {
            // Under the program's own filter every test finds a call that is missed in it.
            #[cfg(test)]
            packetboat::program::allow_only_known_calls().expect("this kernel has seccomp");
            server.run().expect("the loop does not fail");
        });
        Running { addresses, handle, thread }
    }

    /// Addresses in the order of `listen`, then those of `listen_tls`.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    pub fn counts(&self) -> Counts {
        self.handle.counts()
    }

    /// Thread of the loop, which writes the log.
    pub fn thread(&self) -> ThreadId {
        self.thread.thread().id()
    }

    /// Tells it to end as soon as its transfers have.
    pub fn shut_down(&self) {
        self.handle.shut_down(Grace::Transfers);
    }

    /// Tells it to end now.
    pub fn shut_down_at_once(&self) {
        self.handle.shut_down(Grace::None);
    }

    pub fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }

    /// Waits for its end, once it was told to.
    pub fn join(self) -> thread::Result<()> {
        drop(self.handle);
        self.thread.join()
    }
}
