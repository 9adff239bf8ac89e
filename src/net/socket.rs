//! A TCP socket and what is known of its readiness.
//!
//! A readiness bit is set by events and is a hint: the system call decides. Writing is cleared by
//! `WouldBlock` only; reading also by a read of a few bytes, which has emptied the socket, unless the event
//! spoke of a FIN or of urgent data: a read stops short of those, and no further event would come
//! for them. A fresh socket takes both for granted and is registered only when it blocks for the
//! first time, so that a short transfer never meets the poll at all.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};

use mio::net::TcpStream;
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::IpBindAddressNoPort;
use socket2::{Domain, Protocol, SockRef, Type};

use super::listener::unmapped;
use super::poller::{Event, Key, Poller, Role};

/// Outcome of moving bytes.
#[derive(Debug)]
pub enum Flow {
    /// Bytes moved.
    Moved(usize),
    /// No byte moves now; an event will tell.
    Blocked,
    /// The other side has sent its FIN, or under TLS its close_notify.
    Ended,
    /// The connection is lost.
    Broken(io::Error),
}

/// Bytes of a read from which on it isn't believed to have emptied the socket, short as it may be: some
/// kernels bring bulk in pieces of their own size, and no further event comes for the rest. Commands
/// are shorter, and cost no second call.
const SHORT: usize = 512;

/// A TCP connection without TLS, or beneath it.
#[derive(Debug)]
pub struct Socket {
    stream: TcpStream,
    key: Option<Key>,
    incoming: Incoming,
    writable: bool,
    gone: bool,
}

/// What may be there to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Incoming {
    Nothing,
    Bytes,
    /// An event spoke of a FIN, an error or urgent data.
    MoreThanBytes,
    /// A look has met the client's FIN: nothing is read any more. What came in clear behind it, in
    /// place of TLS, is no file.
    Ended,
}

impl Incoming {
    fn mark(&mut self, event: Event) {
        *self = match (*self, event.more_than_bytes, event.readable) {
            (Incoming::Ended, _, _) => Incoming::Ended,
            (_, true, _) | (Incoming::MoreThanBytes, _, _) => Incoming::MoreThanBytes,
            (Incoming::Bytes, false, _) | (Incoming::Nothing, false, true) => Incoming::Bytes,
            (Incoming::Nothing, false, false) => Incoming::Nothing,
        };
    }
}

impl Socket {
    pub(super) fn adopt(stream: TcpStream) -> Socket {
        Socket::new(stream, true)
    }

    pub(super) fn connect(from: SocketAddr, to: SocketAddr) -> io::Result<Socket> {
        let socket = bound(from)?;
        match socket.connect(&to.into()) {
            Err(error) if error.raw_os_error() != Some(IN_PROGRESS) => return Err(error),
            _ => {}
        }
        let stream = TcpStream::from_std(socket.into());
        Ok(Socket::new(stream, false))
    }

    fn new(stream: TcpStream, ready: bool) -> Socket {
        let incoming = if ready { Incoming::Bytes } else { Incoming::Nothing };
        Socket { stream, key: None, incoming, writable: ready, gone: false }
    }

    /// True if a connect that was begun has come to its end; asked when an event came.
    ///
    /// # Errors
    /// The failure.
    pub fn is_established(&mut self) -> io::Result<bool> {
        if let Some(error) = self.stream.take_error()? {
            return Err(error);
        }
        match self.stream.peer_addr() {
            Ok(_) => {
                self.doubt();
                self.writable = true;
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::NotConnected => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Our address of the connection.
    ///
    /// # Errors
    /// The connection is gone already.
    pub fn local_address(&self) -> io::Result<SocketAddr> {
        self.stream.local_addr().map(unmapped)
    }

    /// Address that is of the same link as this connection, if it is one of a link at all (fe80::/10):
    /// such an address means nothing without its scope (RFC 4007, 6).
    pub fn scoped(&self, address: SocketAddr) -> SocketAddr {
        match address {
            SocketAddr::V6(mut of_link) if of_link.ip().is_unicast_link_local() => {
                if let Ok(SocketAddr::V6(local)) = self.stream.local_addr() {
                    of_link.set_scope_id(local.scope_id());
                }
                SocketAddr::V6(of_link)
            }
            address => address,
        }
    }

    /// Has the poll tell when the link can go on, if it is not done yet.
    ///
    /// # Errors
    /// The kernel's refusal of another registration.
    pub fn register(&mut self, poller: &mut Poller, slot: usize, role: Role) -> io::Result<Key> {
        if let Some(key) = self.key {
            return Ok(key);
        }
        let key = poller.key(slot, role);
        poller.register(&mut self.stream, key)?;
        self.key = Some(key);
        Ok(key)
    }

    /// True if an event is this link's own, and not that of an earlier one in its slot.
    pub fn owns(&self, key: Key) -> bool {
        self.key == Some(key)
    }

    /// Notes what an event says.
    pub fn mark(&mut self, event: Event) {
        self.incoming.mark(event);
        self.writable |= event.writable;
        self.gone |= event.gone;
    }

    /// Makes the next read ask the kernel: what came on another connection may have come after
    /// what came on this one, and the event about this one not yet be looked at.
    pub fn doubt(&mut self) {
        if self.incoming == Incoming::Nothing {
            self.incoming = Incoming::Bytes;
        }
    }

    pub(super) fn is_readable(&self) -> bool {
        self.incoming != Incoming::Nothing
    }

    /// True if writing is worth a try.
    pub fn is_writable(&self) -> bool {
        self.writable
    }

    /// True if the connection is known to be lost, even while nobody reads from it.
    pub fn is_gone(&self) -> bool {
        self.gone
    }

    /// Reads once, if there may be something to read.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Flow {
        match self.incoming {
            Incoming::Nothing => return Flow::Blocked,
            Incoming::Ended => return Flow::Ended,
            Incoming::Bytes | Incoming::MoreThanBytes => {}
        }
        let flow = flow(retry(|| self.stream.read(buffer)));
        let emptied = match flow {
            Flow::Moved(count) => {
                let short = count < buffer.len().min(SHORT);
                short && self.key.is_some() && self.incoming == Incoming::Bytes
            }
            Flow::Blocked => true,
            Flow::Ended | Flow::Broken(_) => false,
        };
        if emptied {
            self.read_blocked();
        }
        flow
    }

    /// Looks at what a read would bring, without taking it.
    pub(super) fn peek(&mut self, buffer: &mut [u8]) -> Flow {
        match self.incoming {
            Incoming::Nothing => return Flow::Blocked,
            Incoming::Ended => return Flow::Ended,
            Incoming::Bytes | Incoming::MoreThanBytes => {}
        }
        let flow = flow(retry(|| self.stream.peek(buffer)));
        match flow {
            Flow::Blocked => self.read_blocked(),
            Flow::Ended => self.incoming = Incoming::Ended,
            Flow::Moved(_) | Flow::Broken(_) => {}
        }
        flow
    }

    /// Writes once.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Flow {
        self.write_by(|stream| stream.write(bytes))
    }

    /// Writes once, in whatever way.
    pub(super) fn write_by(
        &mut self,
        mut write: impl FnMut(&mut TcpStream) -> io::Result<usize>,
    ) -> Flow {
        let flow = flow(retry(|| write(&mut self.stream)));
        if matches!(flow, Flow::Blocked) {
            self.write_blocked();
        }
        flow
    }

    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }

    pub(super) fn brings_bytes_only(&self) -> bool {
        matches!(self.incoming, Incoming::Nothing | Incoming::Bytes)
    }

    /// A system call that reads from it answered `WouldBlock`, or left nothing to read.
    pub fn read_blocked(&mut self) {
        self.incoming = Incoming::Nothing;
    }

    /// A system call that writes to it answered `WouldBlock`.
    pub fn write_blocked(&mut self) {
        self.writable = false;
    }

    /// Has the kernel send full packets only, until the connection is closed: what comes in many
    /// pieces costs less then.
    pub fn cork(&self) {
        // A refusal only costs speed.
        let _ = SockRef::from(&self.stream).set_tcp_cork(true);
    }

    /// Sends a FIN: nothing more will be written. What was written still arrives, which a close
    /// with unread input would not grant.
    pub fn finish_writing(&mut self) {
        // Fails only on a connection that is gone, which the next read tells as well.
        let _ = self.stream.shutdown(Shutdown::Write);
    }
}

/// Checks once, before a client has to, that connections can come from this address.
///
/// # Errors
/// The obstacle.
pub fn can_connect_from(from: SocketAddr) -> io::Result<()> {
    bound(from).map(drop)
}

fn bound(from: SocketAddr) -> io::Result<socket2::Socket> {
    let kind = Type::STREAM.nonblocking();
    let socket = socket2::Socket::new(Domain::for_address(from), kind, Some(Protocol::TCP))?;
    match from.port() {
        // Otherwise the bind would take a port for this one connection and for a minute after it;
        // 25,000 transfers later there would be none.
        0 => setsockopt(&socket, IpBindAddressNoPort, &true)?,
        // Many connections come from the one port.
        _ => socket.set_reuse_address(true)?,
    }
    socket.bind(&from.into())?;
    Ok(socket)
}

/// EINPROGRESS, for which `ErrorKind` has no stable name.
const IN_PROGRESS: i32 = rustix::io::Errno::INPROGRESS.raw_os_error();

fn retry(mut call: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match call() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

fn flow(result: io::Result<usize>) -> Flow {
    match result {
        Ok(0) => Flow::Ended,
        Ok(bytes) => Flow::Moved(bytes),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Flow::Blocked,
        Err(error) => Flow::Broken(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener};

    #[test]
    fn a_corked_socket_sends_what_it_holds_when_it_is_closed() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mut client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let stream = listener.accept().unwrap().0;
        stream.set_nonblocking(true).unwrap();
        let mut socket = Socket::adopt(TcpStream::from_std(stream));
        socket.cork();
        assert!(SockRef::from(&socket.stream).tcp_cork().unwrap());
        assert!(matches!(socket.write(b"held"), Flow::Moved(4)));
        drop(socket);
        let mut received = Vec::new();
        client.read_to_end(&mut received).unwrap();
        assert_eq!(received, b"held");
    }

    /// Uploads stood still behind a kernel that brings its bytes in pieces of a thousand.
    #[test]
    fn only_a_read_of_a_line_or_two_is_believed_to_be_the_last() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mut client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let stream = listener.accept().unwrap().0;
        let mut socket = Socket::adopt(TcpStream::from_std(stream));
        let mut poller = Poller::new().unwrap();
        socket.register(&mut poller, 0, Role::Data).unwrap();
        let mut buffer = [0; 4096];
        for (bytes, is_readable) in [(5, false), (SHORT, true)] {
            socket.doubt();
            client.write_all(&vec![b'x'; bytes]).unwrap();
            assert!(matches!(socket.read(&mut buffer), Flow::Moved(count) if count == bytes));
            assert_eq!(socket.is_readable(), is_readable, "{bytes}");
        }
    }

    /// Without this, active transfers used up the machine's ports, 25,000 of them in a minute.
    #[test]
    fn a_connect_takes_no_port_from_others() {
        for ip in [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)] {
            let listener = TcpListener::bind((ip, 0)).unwrap();
            let to = listener.local_addr().unwrap();
            let socket = Socket::connect(SocketAddr::new(ip, 0), to).unwrap();
            assert!(nix::sys::socket::getsockopt(&socket.stream, IpBindAddressNoPort).unwrap());
            assert_eq!(socket.local_address().unwrap().ip(), ip);
        }
    }
}
