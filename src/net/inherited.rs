//! Listeners that the process was started with: socket activation of systemd (sd_listen_fds(3)).

use std::io;

use listenfd::ListenFd;
use socket2::SockRef;

use super::listener::Listener;

/// Listener that the process was started with, and the name that its starter gave it.
#[derive(Debug)]
pub struct Inherited {
    /// Listener.
    pub listener: Listener,
    /// Name of it in `LISTEN_FDNAMES`; empty if it has none.
    pub name: String,
}

impl Inherited {
    /// Takes all that the environment tells of (`LISTEN_FDS`, `LISTEN_PID`, `LISTEN_FDNAMES`). There
    /// are none the second time.
    ///
    /// # Errors
    /// A descriptor that is no listener of TCP.
    pub fn take_all() -> io::Result<Vec<Inherited>> {
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut names = names.split(':').map(str::to_owned);
        let mut descriptors = ListenFd::from_env();
        let mut all = Vec::new();
        for index in 0..descriptors.len() {
            let name = names.next().unwrap_or_default();
            let Some(listener) = descriptors.take_tcp_listener(index)? else { continue };
            if !SockRef::from(&listener).is_listener()? {
                let trouble = "a socket is a connection, not a listener: Accept=no is needed";
                return Err(io::Error::new(io::ErrorKind::InvalidInput, trouble));
            }
            all.push(Inherited { listener: Listener::adopt(listener)?, name });
        }
        Ok(all)
    }
}
