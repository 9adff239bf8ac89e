//! A listener: where connections come in.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use mio::net::{TcpListener, TcpStream};
use socket2::{Domain, Protocol, SockRef, Socket, Type};

use super::poller::{Key, Poller};

/// Connections that the kernel holds until they are accepted.
const BACKLOG: i32 = 1024;

/// Connections in a row that may fail by themselves, before that is the listener's failure.
const TRIES: usize = 64;

/// A listening socket.
#[derive(Debug)]
pub struct Listener {
    listener: TcpListener,
    address: SocketAddr,
    /// Whether connections may wait; cleared only by `WouldBlock`.
    ready: bool,
}

impl Listener {
    /// Listens on an address; an IPv6 one is for IPv6 alone, so that both families can be listened
    /// on side by side and no address is ever of the mixed kind.
    ///
    /// # Errors
    /// The address is in use or not this machine's, or the port needs a privilege.
    pub fn open(address: SocketAddr) -> io::Result<Listener> {
        let kind = Type::STREAM.nonblocking();
        let socket = Socket::new(Domain::for_address(address), kind, Some(Protocol::TCP))?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        let listener = TcpListener::from_std(socket.into());
        let address = listener.local_addr()?;
        Ok(Listener { listener, address, ready: true })
    }

    /// Has every connection come with what a control connection needs: replies leave at once,
    /// urgent data (the Synch before an ABOR) stays in line, and a client whose machine has died
    /// is noticed. A connection inherits these from its listener on Linux.
    ///
    /// # Errors
    /// None that a listening socket can meet.
    pub fn prepare_control(&self) -> io::Result<()> {
        let socket = SockRef::from(&self.listener);
        socket.set_tcp_nodelay(true)?;
        socket.set_out_of_band_inline(true)?;
        socket.set_keepalive(true)
    }

    /// Has the poll tell when somebody connects.
    ///
    /// # Errors
    /// Whatever the kernel says against another registration.
    pub fn register(&mut self, poller: &Poller, key: Key) -> io::Result<()> {
        poller.register_readable(&mut self.listener, key)
    }

    /// The address that it listens on, with the port that was chosen for port 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Notes that somebody may be waiting.
    pub fn mark(&mut self) {
        self.ready = true;
    }

    /// Whether accepting is worth a try.
    pub fn is_ready(&self) -> bool {
        self.ready
    }

    /// The next connection that waits; `None` when there is none.
    ///
    /// # Errors
    /// Too few descriptors or too little memory, or whatever else lets none be accepted: the
    /// connection waits on, and so should the caller.
    pub fn accept(&mut self) -> io::Result<Option<(TcpStream, SocketAddr)>> {
        // An error that belongs to the one connection is no reason to leave the others waiting, but
        // one that comes again and again is a shortage as well.
        let mut tries = 0;
        loop {
            match self.listener.accept() {
                Ok(accepted) => return Ok(Some(accepted)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.ready = false;
                    return Ok(None);
                }
                Err(error) if is_shortage(&error) || tries == TRIES => return Err(error),
                Err(_) => tries += 1,
            }
        }
    }
}

fn is_shortage(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let shortages = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
    shortages.iter().any(|shortage| error.raw_os_error() == Some(shortage.raw_os_error()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    #[test]
    fn connections_have_what_a_control_connection_needs() {
        for ip in [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()] {
            let mut listener = Listener::open(SocketAddr::new(ip, 0)).unwrap();
            listener.prepare_control().unwrap();
            let _client = std::net::TcpStream::connect(listener.address()).unwrap();
            let (stream, _) = listener.accept().unwrap().expect("it waits");
            let socket = SockRef::from(&stream);
            assert!(socket.tcp_nodelay().unwrap());
            assert!(socket.out_of_band_inline().unwrap());
            assert!(socket.keepalive().unwrap());
        }
    }
}
