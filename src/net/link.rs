//! A connection as the rest of the server knows it: a [`Socket`], in clear or under TLS.
//!
//! Under TLS a link reads and writes as before, with three more things to know: plaintext can wait
//! while the socket is dry, reading can owe writing, and what was written may still wait to be
//! sent when the socket blocks ([`Link::flush`]).

use std::io;
use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::os::fd::BorrowedFd;

use mio::net::TcpStream;

use super::socket::{Flow, Socket};
use super::tls::{self, Input, Resumed, Tls, TlsConnection};

/// A TCP connection. All that TLS does not change is its socket's own.
#[derive(Debug)]
pub struct Link {
    socket: Socket,
    tls: Option<Box<TlsConnection>>,
}

impl Link {
    /// Takes over a connection that stands.
    pub fn adopt(stream: TcpStream) -> Link {
        Link { socket: Socket::adopt(stream), tls: None }
    }

    /// Begins to connect, from an address of ours; its port 0 is any.
    ///
    /// # Errors
    /// The kernel refuses at once: no route, no descriptor, no right to the port.
    pub fn connect(from: SocketAddr, to: SocketAddr) -> io::Result<Link> {
        Ok(Link { socket: Socket::connect(from, to)?, tls: None })
    }

    /// Reading is worth a try.
    pub fn is_readable(&self) -> bool {
        self.socket.is_readable() || self.tls.as_ref().is_some_and(|connection| connection.holds())
    }

    /// Reads once, if there may be something to read.
    pub fn read(&mut self, buffer: &mut [u8]) -> Flow {
        match &mut self.tls {
            Some(tls) => tls.read(&mut self.socket, buffer),
            None => self.socket.read(buffer),
        }
    }

    /// Writes once. Under TLS what moved may still wait to be sent; [`flush`](Link::flush) tells.
    pub fn write(&mut self, bytes: &[u8]) -> Flow {
        match &mut self.tls {
            Some(tls) => tls.write(&mut self.socket, bytes, false),
            None => self.socket.write(bytes),
        }
    }

    /// Writes once, and says with it, where TLS has a word for it, that nothing more will be
    /// written: one packet instead of two.
    pub fn write_last(&mut self, bytes: &[u8]) -> Flow {
        match &mut self.tls {
            Some(tls) => tls.write(&mut self.socket, bytes, true),
            None => self.socket.write(bytes),
        }
    }

    /// The socket in clear, for a system call that moves bytes into it from elsewhere; when that
    /// would block, [`write_blocked`](Socket::write_blocked) is to be told.
    pub fn to_send_by(&self) -> Option<BorrowedFd<'_>> {
        self.tls.is_none().then(|| self.socket.descriptor())
    }

    /// The socket in clear, for a system call that moves bytes out of it to elsewhere, if it
    /// brings those bytes and nothing else; when that would block,
    /// [`read_blocked`](Socket::read_blocked) is to be told.
    pub fn to_receive_by(&self) -> Option<BorrowedFd<'_>> {
        let plain = self.tls.is_none() && self.socket.brings_bytes_only();
        plain.then(|| self.socket.descriptor())
    }

    // TLS.

    /// Bytes that are encrypted at once when nothing waits to be sent. No more can wait, some
    /// records' frames aside.
    pub const MOST_ENCRYPTED: usize = 64 * 1024;

    /// Puts the connection under TLS: the client is to begin a handshake. `owner` is the number of
    /// the session that the control connection belongs to, or the mark of the client whose data
    /// connection it should be.
    ///
    /// # Errors
    /// No error of a configuration that was accepted.
    pub fn secure(&mut self, tls: &Tls, owner: u64, input: Input) -> io::Result<()> {
        debug_assert!(self.tls.is_none(), "TLS within TLS");
        self.tls = Some(Box::new(TlsConnection::new(tls, owner, input)?));
        Ok(())
    }

    /// TLS of the connection.
    pub fn tls(&self) -> Option<&Tls> {
        self.tls.as_ref().map(|connection| connection.tls())
    }

    /// The connection is under TLS, or on the way there.
    pub fn is_secure(&self) -> bool {
        self.tls.is_some()
    }

    /// The TLS handshake is not done, so nothing can be read or written.
    pub fn is_handshaking(&self) -> bool {
        self.tls.as_ref().is_some_and(|connection| connection.is_handshaking())
    }

    /// Goes on with the handshake as far as it goes now: true when done.
    ///
    /// # Errors
    /// The connection is lost, or the client does not speak TLS as it must.
    pub fn handshake(&mut self) -> io::Result<bool> {
        match &mut self.tls {
            Some(tls) => tls.handshake(&mut self.socket),
            None => Ok(true),
        }
    }

    /// Tickets that a client gets at once.
    pub const TICKETS: usize = tls::TICKETS;

    /// TLS session that the connection has resumed, one that it could: see
    /// [`Resumption`](super::Resumption).
    pub fn resumed(&self) -> Option<Resumed> {
        self.tls.as_ref().and_then(|connection| connection.resumed())
    }

    /// Mark of the client of a control connection: the number of its session, or of an earlier one
    /// whose TLS session it has resumed.
    pub fn client_mark(&self) -> u64 {
        self.tls.as_ref().map_or(0, |connection| connection.client_mark())
    }

    /// The client can resume this TLS session as it could the one before.
    pub fn is_renewed(&self) -> bool {
        self.tls.as_ref().is_some_and(|connection| connection.is_renewed())
    }

    /// Certificate that the client has shown, in DER.
    pub fn certificate(&self) -> Option<&[u8]> {
        self.tls.as_ref().and_then(|connection| connection.certificate())
    }

    /// The client has shown a certificate, which then is one that we trust.
    pub fn is_certified(&self) -> bool {
        self.tls.as_ref().is_some_and(|connection| connection.is_certified())
    }

    /// The client has shown a certificate for this name.
    pub fn is_certified_as(&self, name: &str) -> bool {
        self.tls.as_ref().is_some_and(|connection| connection.is_certified_as(name))
    }

    /// Sends all that was written and still waits: true when nothing does.
    ///
    /// # Errors
    /// The connection is lost.
    pub fn flush(&mut self) -> io::Result<bool> {
        match &mut self.tls {
            Some(tls) => tls.flush(&mut self.socket),
            None => Ok(true),
        }
    }

    /// Says, where TLS has a word for it, that nothing more will be written, and sends all that
    /// waits: true when done.
    ///
    /// # Errors
    /// The connection is lost.
    pub fn close_notify(&mut self) -> io::Result<bool> {
        match &mut self.tls {
            Some(tls) => tls.close(&mut self.socket),
            None => Ok(true),
        }
    }

    /// Reads once, to throw away what comes: under TLS nothing of it is decrypted.
    pub fn discard(&mut self, buffer: &mut [u8]) -> Flow {
        self.socket.read(buffer)
    }

    /// Says what the client is to send from now on, where TLS has to know.
    pub fn expect(&mut self, input: Input) {
        if let Some(tls) = &mut self.tls {
            tls.expect(input);
        }
    }

    /// True if a TLS handshake can begin: the client has sent something, or its FIN.
    ///
    /// # Errors
    /// The connection is lost; `ConnectionAborted` is the client's FIN.
    pub fn has_begun(&mut self) -> io::Result<bool> {
        match self.socket.peek(&mut [0]) {
            Flow::Moved(_) => Ok(true),
            Flow::Blocked => Ok(false),
            Flow::Ended => Err(io::ErrorKind::ConnectionAborted.into()),
            Flow::Broken(error) => Err(error),
        }
    }

    /// True if the client has said, where TLS has a word for it, that no more will come.
    pub fn was_closed_by_notify(&self) -> bool {
        self.tls.as_ref().is_some_and(|connection| connection.was_closed())
    }

    /// Throws away, under TLS, input that will not be read, the client's close_notify for one: a
    /// close with something unread is a reset, and what was sent could be lost.
    pub fn discard_input(&mut self) {
        let mut buffer = [0; 4096];
        for _ in 0..DISCARDS {
            if self.tls.is_none() || !matches!(self.socket.read(&mut buffer), Flow::Moved(_)) {
                return;
            }
        }
    }

    /// Leaves TLS, when both sides have said their close_notify, or the client goes on in clear
    /// without: true when done.
    ///
    /// # Errors
    /// The connection is lost, or the client sends on under TLS.
    pub fn leave_tls(&mut self) -> io::Result<bool> {
        if let Some(tls) = &mut self.tls
            && !tls.part(&mut self.socket)?
        {
            return Ok(false);
        }
        self.tls = None;
        Ok(true)
    }
}

/// Reads that are made for nothing; no client that means well needs more than one.
const DISCARDS: usize = 16;

impl Deref for Link {
    type Target = Socket;

    fn deref(&self) -> &Socket {
        &self.socket
    }
}

impl DerefMut for Link {
    fn deref_mut(&mut self) -> &mut Socket {
        &mut self.socket
    }
}
