//! A connection: a socket and what is known of its readiness.
//!
//! A readiness bit is set by events and is a hint: the system call decides. Writing is cleared by
//! `WouldBlock` only; reading also by a short read, which has emptied the socket, unless the event
//! spoke of a FIN or of urgent data: a read stops short of those, and no further event would come
//! for them. A fresh link takes both for granted and is registered only when it blocks for the
//! first time, so that a short transfer never meets the poll at all.
//!
//! Under TLS a link reads and writes as before, with three more things to know: plaintext can wait
//! while the socket is dry, reading can owe writing, and what was written may still wait to be
//! sent when the socket blocks ([`Link::flush`]).

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};

use mio::net::TcpStream;
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::IpBindAddressNoPort;
use socket2::{Domain, Protocol, Socket, Type};

use super::poller::{Event, Key, Poller, Role};
use super::tls::{Input, Plaintext, Secure, Tls, is_record};

/// What came of moving bytes.
#[derive(Debug)]
pub enum Flow {
    /// So many bytes moved.
    Moved(usize),
    /// None can move now; an event will tell.
    Blocked,
    /// The other side has sent its FIN, or under TLS its close_notify.
    Ended,
    /// The connection is lost.
    Broken(io::Error),
}

/// A TCP connection.
#[derive(Debug)]
pub struct Link {
    stream: TcpStream,
    key: Option<Key>,
    readable: bool,
    writable: bool,
    /// An event spoke of more than bytes to read.
    more_than_bytes: bool,
    gone: bool,
    secure: Option<Box<Secure>>,
}

impl Link {
    /// Takes over a connection that stands.
    pub fn adopt(stream: TcpStream) -> Link {
        Link::new(stream, true)
    }

    /// Begins to connect, from an address of ours; its port 0 is any.
    ///
    /// # Errors
    /// What the kernel knows at once: no route, no descriptor, no right to the port.
    pub fn connect(from: SocketAddr, to: SocketAddr) -> io::Result<Link> {
        let socket = bound(from)?;
        match socket.connect(&to.into()) {
            Err(error) if error.raw_os_error() != Some(IN_PROGRESS) => return Err(error),
            _ => {}
        }
        let stream = TcpStream::from_std(socket.into());
        Ok(Link::new(stream, false))
    }

    fn new(stream: TcpStream, ready: bool) -> Link {
        let (readable, writable) = (ready, ready);
        let (more_than_bytes, gone) = (false, false);
        Link { stream, key: None, readable, writable, more_than_bytes, gone, secure: None }
    }

    /// Whether a connect that was begun has come to its end; asked when an event came.
    ///
    /// # Errors
    /// Why it failed.
    pub fn is_established(&mut self) -> io::Result<bool> {
        if let Some(error) = self.stream.take_error()? {
            return Err(error);
        }
        match self.stream.peer_addr() {
            Ok(_) => {
                self.readable = true;
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
        self.stream.local_addr()
    }

    /// Has the poll tell when the link can go on, if it is not done yet.
    ///
    /// # Errors
    /// Whatever the kernel says against another registration.
    pub fn register(&mut self, poller: &mut Poller, slot: usize, role: Role) -> io::Result<Key> {
        if let Some(key) = self.key {
            return Ok(key);
        }
        let key = poller.key(slot, role);
        poller.register(&mut self.stream, key)?;
        self.key = Some(key);
        Ok(key)
    }

    /// Whether an event is this link's own, and not that of an earlier one in its slot.
    pub fn owns(&self, key: Key) -> bool {
        self.key == Some(key)
    }

    /// Notes what an event says.
    pub fn mark(&mut self, event: Event) {
        self.readable |= event.readable;
        self.more_than_bytes |= event.more_than_bytes;
        self.writable |= event.writable;
        self.gone |= event.gone;
    }

    /// Makes the next read ask the kernel: what came on another connection may have come after
    /// what came on this one, and the event about this one not yet be looked at.
    pub fn doubt(&mut self) {
        self.readable = true;
    }

    /// Whether reading is worth a try.
    pub fn is_readable(&self) -> bool {
        self.readable || self.secure.as_ref().is_some_and(|secure| secure.holds())
    }

    /// Whether writing is worth a try.
    pub fn is_writable(&self) -> bool {
        self.writable
    }

    /// Whether the connection is known to be lost, even while nobody reads from it.
    pub fn is_gone(&self) -> bool {
        self.gone
    }

    /// Reads once, if there may be something to read.
    pub fn read(&mut self, buffer: &mut [u8]) -> Flow {
        let Some(mut secure) = self.secure.take() else { return self.read_socket(buffer) };
        let flow = self.read_secure(&mut secure, buffer);
        self.secure = Some(secure);
        flow
    }

    fn read_socket(&mut self, buffer: &mut [u8]) -> Flow {
        if !self.readable {
            return Flow::Blocked;
        }
        let flow = flow(retry(|| self.stream.read(buffer)));
        let emptied = match flow {
            Flow::Moved(count) => {
                let short = count < buffer.len();
                short && self.key.is_some() && !self.more_than_bytes
            }
            Flow::Blocked => true,
            Flow::Ended | Flow::Broken(_) => false,
        };
        if emptied {
            self.read_blocked();
        }
        flow
    }

    /// Writes once. Under TLS what moved may still wait to be sent; [`flush`](Link::flush) tells.
    pub fn write(&mut self, bytes: &[u8]) -> Flow {
        let Some(mut secure) = self.secure.take() else { return self.write_socket(bytes) };
        let flow = self.write_secure(&mut secure, bytes);
        self.secure = Some(secure);
        flow
    }

    fn write_socket(&mut self, bytes: &[u8]) -> Flow {
        let flow = flow(retry(|| self.stream.write(bytes)));
        if matches!(flow, Flow::Blocked) {
            self.write_blocked();
        }
        flow
    }

    /// The socket, for a system call that moves bytes into it from elsewhere; when that would
    /// block, [`write_blocked`](Link::write_blocked) is to be told.
    pub fn socket(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }

    /// The socket, for a system call that moves bytes out of it to elsewhere, if it brings those
    /// bytes, in clear, and nothing else; when that would block, [`read_blocked`](Link::read_blocked) is to be told.
    pub fn socket_to_splice(&self) -> Option<BorrowedFd<'_>> {
        let plain = self.secure.is_none() && !self.more_than_bytes;
        plain.then(|| self.stream.as_fd())
    }

    /// A read answered `WouldBlock`, or left nothing to read.
    pub fn read_blocked(&mut self) {
        self.readable = false;
        self.more_than_bytes = false;
    }

    /// A write by way of [`socket`](Link::socket) answered `WouldBlock`.
    pub fn write_blocked(&mut self) {
        self.writable = false;
    }

    /// Sends a FIN: nothing more will be written. What was written still arrives, which a close
    /// with unread input would not grant.
    pub fn finish_writing(&mut self) {
        // Fails only on a connection that is gone, which the next read tells as well.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    // TLS.

    /// As many bytes are encrypted whole, when nothing waits to be sent. It is also what waits at
    /// most, some records' frames aside.
    pub const MOST_ENCRYPTED: usize = 64 * 1024;

    /// Puts the connection under TLS: the client is to begin a handshake. `owner` is the number of
    /// the session that the connection belongs to.
    ///
    /// # Errors
    /// None that a configuration which was accepted can have.
    pub fn secure(&mut self, tls: &Tls, owner: u64, input: Input) -> io::Result<()> {
        debug_assert!(self.secure.is_none(), "TLS within TLS");
        self.secure = Some(Box::new(Secure::new(tls, owner, input)?));
        Ok(())
    }

    /// What it is under TLS by.
    pub fn tls(&self) -> Option<&Tls> {
        self.secure.as_ref().map(|secure| secure.tls())
    }

    /// Whether it is under TLS, or on the way there.
    pub fn is_secure(&self) -> bool {
        self.secure.is_some()
    }

    /// Whether nothing can be read or written, because the TLS handshake is not done.
    pub fn is_handshaking(&self) -> bool {
        self.secure.as_ref().is_some_and(|secure| secure.is_handshaking())
    }

    /// Goes on with the handshake as far as it goes now: whether it is done.
    ///
    /// # Errors
    /// The connection is lost, or the client does not speak TLS as it must.
    pub fn handshake(&mut self) -> io::Result<bool> {
        let Some(mut secure) = self.secure.take() else { return Ok(true) };
        let done = self.shake_hands(&mut secure);
        self.secure = Some(secure);
        done
    }

    fn shake_hands(&mut self, secure: &mut Secure) -> io::Result<bool> {
        let mut buffer = [0; HANDSHAKE_BYTES];
        while secure.is_handshaking() {
            match self.read_socket(&mut buffer) {
                Flow::Moved(count) => {
                    let fed = secure.feed(&buffer[..count]);
                    // What is wrong is told to the client, as far as it listens.
                    let sent = self.send(secure);
                    fed?;
                    sent?;
                }
                Flow::Blocked => return Ok(false),
                Flow::Ended => return Err(ErrorKind::UnexpectedEof.into()),
                Flow::Broken(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Whether it has resumed a TLS session, one that it could: see
    /// [`Resumption`](super::Resumption).
    pub fn has_resumed(&self) -> bool {
        self.secure.as_ref().is_some_and(|secure| secure.has_resumed())
    }

    /// Whether the client has shown a certificate, which then is one that we trust.
    pub fn is_certified(&self) -> bool {
        self.secure.as_ref().is_some_and(|secure| secure.is_certified())
    }

    /// Whether it has shown one for this name.
    pub fn is_certified_as(&self, name: &str) -> bool {
        self.secure.as_ref().is_some_and(|secure| secure.is_certified_as(name))
    }

    /// Sends what was written and still waits: whether nothing does any more.
    ///
    /// # Errors
    /// The connection is lost.
    pub fn flush(&mut self) -> io::Result<bool> {
        let Some(mut secure) = self.secure.take() else { return Ok(true) };
        let sent = self.send(&mut secure);
        self.secure = Some(secure);
        sent
    }

    /// Says, where TLS has a word for it, that nothing more will be written, and sends all that
    /// waits: whether it is done.
    ///
    /// # Errors
    /// The connection is lost.
    pub fn close_notify(&mut self) -> io::Result<bool> {
        if let Some(secure) = &mut self.secure {
            secure.close();
        }
        self.flush()
    }

    /// Throws away, under TLS, what has come and will not be read, the client's close_notify for
    /// one: a close with something unread is a reset, and what was sent could be lost.
    pub fn discard_input(&mut self) {
        let mut buffer = [0; HANDSHAKE_BYTES];
        for _ in 0..DISCARDS {
            if self.secure.is_none() || !matches!(self.read_socket(&mut buffer), Flow::Moved(_)) {
                return;
            }
        }
    }

    /// Leaves TLS, when both sides have said their close_notify, or the client goes on in clear
    /// without: whether it is done.
    ///
    /// # Errors
    /// The connection is lost, or the client sends on under TLS.
    pub fn leave_tls(&mut self) -> io::Result<bool> {
        if !self.close_notify()? {
            return Ok(false);
        }
        let Some(mut secure) = self.secure.take() else { return Ok(true) };
        let parted = self.part(&mut secure);
        if !matches!(parted, Ok(true)) {
            self.secure = Some(secure);
        }
        parted
    }

    fn part(&mut self, secure: &mut Secure) -> io::Result<bool> {
        // A byte at a time, so that none is taken that comes behind the end.
        let mut byte = [0];
        while !secure.has_parted()? {
            let flow = match secure.awaits_part() && self.readable {
                true => match flow(retry(|| self.stream.peek(&mut byte))) {
                    Flow::Moved(_) if !is_record(byte[0]) => return Ok(true),
                    Flow::Moved(_) => self.read_socket(&mut byte),
                    Flow::Blocked => {
                        self.readable = false;
                        Flow::Blocked
                    }
                    flow => flow,
                },
                false => self.read_socket(&mut byte),
            };
            match flow {
                Flow::Moved(_) => secure.part(byte[0]),
                Flow::Blocked => return Ok(false),
                Flow::Ended => return Err(ErrorKind::UnexpectedEof.into()),
                Flow::Broken(error) => return Err(error),
            }
        }
        Ok(true)
    }

    fn read_secure(&mut self, secure: &mut Secure, buffer: &mut [u8]) -> Flow {
        if secure.has_closed() {
            // What comes behind our close_notify is read to be thrown away.
            return self.read_socket(buffer);
        }
        // It comes to an end: rustls bears only so many records that hold nothing.
        loop {
            match secure.plaintext(buffer) {
                Ok(Plaintext::Bytes(count)) => return Flow::Moved(count),
                Ok(Plaintext::Closed) => return Flow::Ended,
                Ok(Plaintext::Missing) => {}
                Err(error) => return Flow::Broken(error),
            }
            match self.read_socket(buffer) {
                Flow::Moved(count) => {
                    let decrypted = secure.decrypt(buffer, count);
                    let sent = self.send(secure);
                    match (decrypted, sent) {
                        (Ok(0), Ok(_)) => {}
                        (Ok(count), Ok(_)) => return Flow::Moved(count),
                        (Err(error), _) | (_, Err(error)) => return Flow::Broken(error),
                    }
                }
                Flow::Ended if !secure.may_end() => {
                    let missing = "the connection ended without close_notify";
                    return Flow::Broken(io::Error::new(ErrorKind::UnexpectedEof, missing));
                }
                flow => return flow,
            }
        }
    }

    fn write_secure(&mut self, secure: &mut Secure, bytes: &[u8]) -> Flow {
        match self.send(secure) {
            Ok(true) => {}
            Ok(false) => return Flow::Blocked,
            Err(error) => return Flow::Broken(error),
        }
        let taken = secure.encrypt(bytes);
        match (self.send(secure), taken) {
            (Ok(_), Ok(count)) => Flow::Moved(count),
            (Err(error), _) | (_, Err(error)) => Flow::Broken(error),
        }
    }

    /// Sends what TLS has to send: whether all is sent.
    fn send(&mut self, secure: &mut Secure) -> io::Result<bool> {
        while secure.owes() {
            match retry(|| secure.write_to(&mut self.stream)) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.write_blocked();
                    return Ok(false);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}

/// Bytes of a handshake that are read at once: most of what a client says in one go.
const HANDSHAKE_BYTES: usize = 4096;

/// Reads that are made for nothing; no client that means well needs more than one.
const DISCARDS: usize = 16;

/// Whether connections can come from this address: asked once, before a client has to find out.
///
/// # Errors
/// Why they can't.
pub fn can_connect_from(from: SocketAddr) -> io::Result<()> {
    bound(from).map(drop)
}

fn bound(from: SocketAddr) -> io::Result<Socket> {
    let kind = Type::STREAM.nonblocking();
    let socket = Socket::new(Domain::for_address(from), kind, Some(Protocol::TCP))?;
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

    /// Without this, active transfers used up the machine's ports, 25,000 of them in a minute.
    #[test]
    fn a_connect_takes_no_port_from_others() {
        for ip in [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)] {
            let listener = TcpListener::bind((ip, 0)).unwrap();
            let to = listener.local_addr().unwrap();
            let link = Link::connect(SocketAddr::new(ip, 0), to).unwrap();
            assert!(nix::sys::socket::getsockopt(&link.stream, IpBindAddressNoPort).unwrap());
            assert_eq!(link.local_address().unwrap().ip(), ip);
        }
    }
}
