//! A listener: where connections come in.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use mio::net::{TcpListener, TcpStream};
use socket2::{Domain, Protocol, SockRef, Socket, Type};

use super::poller::{Key, Poller};

/// Connections that the kernel holds until they are accepted.
const BACKLOG: i32 = 1024;
/// Connections in a row that may fail before the caller is told.
const FAILURES: usize = 16;

/// A listening socket.
#[derive(Debug)]
pub struct Listener {
    listener: TcpListener,
    address: SocketAddr,
    /// True if connections may wait; cleared only by `WouldBlock`.
    ready: bool,
}

impl Listener {
    /// Listens on an address; an IPv6 one is for IPv6 alone, so that both families can be listened
    /// on side by side and no address is ever of the mixed kind.
    ///
    /// # Errors
    /// The address is in use or not this machine's, or the port needs a privilege.
    pub fn open(address: SocketAddr) -> io::Result<Listener> {
        Listener::bind(address, false)
    }

    /// Listens on an address that this machine does not have yet. When it has, connections come.
    ///
    /// # Errors
    /// As for [`open`](Listener::open).
    pub fn open_early(address: SocketAddr) -> io::Result<Listener> {
        Listener::bind(address, true)
    }

    /// True if this error of `open` means that the machine does without the address's family.
    pub fn lacks_family(error: &io::Error) -> bool {
        rustix::io::Errno::from_io_error(error) == Some(rustix::io::Errno::AFNOSUPPORT)
    }

    fn bind(address: SocketAddr, early: bool) -> io::Result<Listener> {
        let kind = Type::STREAM.nonblocking();
        let socket = Socket::new(Domain::for_address(address), kind, Some(Protocol::TCP))?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        match (early, address) {
            (false, _) => {}
            (true, SocketAddr::V4(_)) => socket.set_freebind_v4(true)?,
            (true, SocketAddr::V6(_)) => socket.set_freebind_v6(true)?,
        }
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        Listener::adopt(socket.into())
    }

    /// Takes over a socket that listens.
    ///
    /// # Errors
    /// The kernel knows no address of it.
    pub fn adopt(listener: std::net::TcpListener) -> io::Result<Listener> {
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener);
        let address = listener.local_addr()?;
        Ok(Listener { listener, address, ready: true })
    }

    /// Has every connection come with what a control connection needs: replies leave at once,
    /// urgent data (the Synch before an ABOR) stays in line, and a client whose machine has died
    /// is noticed. A connection inherits these from its listener on Linux.
    ///
    /// # Errors
    /// No error a listening socket can meet.
    pub fn prepare_control(&self) -> io::Result<()> {
        let socket = SockRef::from(&self.listener);
        socket.set_tcp_nodelay(true)?;
        socket.set_out_of_band_inline(true)?;
        socket.set_keepalive(true)
    }

    /// Has the poll tell when somebody connects.
    ///
    /// # Errors
    /// The kernel's refusal of another registration.
    pub fn register(&mut self, poller: &Poller, key: Key) -> io::Result<()> {
        poller.register_readable(&mut self.listener, key)
    }

    /// Address of the listener, with the port that was chosen for port 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Addresses that connections come to: two for a socket of both families, as others open them.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> + use<> {
        let is_mixed = self.address.ip() == Ipv6Addr::UNSPECIFIED
            && SockRef::from(&self.listener).only_v6().is_ok_and(|only| !only);
        let other = SocketAddr::from((Ipv4Addr::UNSPECIFIED, self.address.port()));
        [self.address].into_iter().chain(is_mixed.then_some(other))
    }

    /// Notes that somebody may be waiting.
    pub fn mark(&mut self) {
        self.ready = true;
    }

    /// True if accepting is worth a try.
    pub fn is_ready(&self) -> bool {
        self.ready
    }

    /// The next connection that waits; `None` when there is none.
    ///
    /// # Errors
    /// See [`AcceptErrorKind`]. Unless the listener is broken, what waits there, waits on, and so
    /// should the caller, for a moment.
    pub fn accept(&mut self) -> Result<Option<(TcpStream, SocketAddr)>, AcceptError> {
        let mut failed = 0;
        loop {
            let error = match self.listener.accept() {
                Ok((stream, client)) => return Ok(Some((stream, unmapped(client)))),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.ready = false;
                    return Ok(None);
                }
                Err(error) => AcceptError::new(error),
            };
            failed += 1;
            match error.kind {
                // The rest should not wait for it; where all fail, no loop should spin on it.
                AcceptErrorKind::Connections if failed < FAILURES => {}
                AcceptErrorKind::Connections | AcceptErrorKind::Shortage => return Err(error),
                AcceptErrorKind::Broken => {
                    self.ready = false;
                    return Err(error);
                }
            }
        }
    }
}

/// Address of IPv4 that a socket of both families writes as one of IPv6 (RFC 4291, 2.5.5.2).
pub(super) fn unmapped(address: SocketAddr) -> SocketAddr {
    match address.ip().to_canonical() {
        ip if ip == address.ip() => address,
        ip => SocketAddr::new(ip, address.port()),
    }
}

/// Failure to accept, from the one listener.
#[derive(Debug)]
pub struct AcceptError {
    kind: AcceptErrorKind,
    source: io::Error,
}

/// Kinds of failures to accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcceptErrorKind {
    /// One connection after the other failed, each before it could be accepted: a firewall or a
    /// network that is down.
    Connections,
    /// Too few descriptors or too little memory, which other listeners will meet as well.
    Shortage,
    /// The listener is none any more.
    Broken,
}

impl AcceptError {
    fn new(source: io::Error) -> AcceptError {
        use rustix::io::Errno;
        let errno = Errno::from_io_error(&source);
        let kind = match errno {
            Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM) => {
                AcceptErrorKind::Shortage
            }
            Some(Errno::BADF | Errno::INVAL | Errno::NOTSOCK | Errno::FAULT) => {
                AcceptErrorKind::Broken
            }
            // accept(2) passes on whatever is wrong with the connection, EINTR aside.
            _ => AcceptErrorKind::Connections,
        };
        AcceptError { kind, source }
    }

    /// Kind of the failure.
    pub fn kind(&self) -> AcceptErrorKind {
        self.kind
    }
}

impl fmt::Display for AcceptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

impl From<AcceptError> for io::Error {
    fn from(error: AcceptError) -> io::Error {
        error.source
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    /// With EPERM, EPROTO or ECONNABORTED for ever the loop spun, without a line in the log.
    #[test]
    fn what_fails_is_told_by_whom_it_concerns() {
        use AcceptErrorKind::{Broken, Connections, Shortage};
        use rustix::io::Errno;
        for (errno, kind) in [
            (Errno::MFILE, Shortage),
            (Errno::NFILE, Shortage),
            (Errno::NOBUFS, Shortage),
            (Errno::NOMEM, Shortage),
            (Errno::CONNABORTED, Connections),
            (Errno::PROTO, Connections),
            (Errno::PERM, Connections),
            (Errno::NETDOWN, Connections),
            (Errno::INTR, Connections),
            (Errno::INVAL, Broken),
            (Errno::BADF, Broken),
        ] {
            assert_eq!(AcceptError::new(errno.into()).kind(), kind, "{errno:?}");
        }
    }
}
