//! Reading from a TLS connection: records off the socket, and plaintext out of them.

use std::io::{self, ErrorKind, Read};

use rustls::HandshakeKind;

use super::super::words::in_words;
use super::{Flow, Socket, TlsConnection};

/// Bytes that are read at once where little is wanted, the plaintext of which can be kept.
const KEPT_BYTES: usize = 4096;

/// Bytes that a ClientHello may have, frames included: those that clients send have a tenth of it.
/// A client that stops amid one has it kept for as long as a handshake may take.
const LONGEST_HELLO: usize = 16 * 1024;

/// Plaintext that is at hand to be read.
enum Plaintext {
    /// Bytes, as many as are in the buffer now.
    Bytes(usize),
    /// The client has said that no more will come.
    Closed,
    /// No byte yet.
    Missing,
}

impl TlsConnection {
    /// Reading may give something without the socket.
    pub(in crate::net) fn holds(&self) -> bool {
        self.holds
    }

    /// Goes on with the handshake as far as it goes now: true when done.
    pub(in crate::net) fn handshake(&mut self, socket: &mut Socket) -> io::Result<bool> {
        // Records still to be sent may be all that the client waits for.
        self.flush(socket)?;
        while self.is_handshaking() {
            match self.receive_some(socket) {
                Flow::Moved(_) => {}
                Flow::Blocked => return Ok(false),
                Flow::Ended if self.records.are_whole() => return Err(self.end_early()),
                Flow::Ended => {
                    let words = "the client ended it amid the handshake";
                    return Err(io::Error::new(ErrorKind::InvalidData, words));
                }
                Flow::Broken(error) if error.kind() == ErrorKind::ConnectionAborted => {
                    return Err(self.end_early());
                }
                Flow::Broken(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// The client has ended the connection in place of the handshake: nothing is to be read.
    fn end_early(&mut self) -> io::Error {
        self.ended_early = true;
        let words = "the client ended it amid the handshake";
        io::Error::new(ErrorKind::ConnectionAborted, words)
    }

    pub(in crate::net) fn read(&mut self, socket: &mut Socket, buffer: &mut [u8]) -> Flow {
        if self.closed {
            // Bytes behind our close_notify are read to be thrown away.
            return socket.read(buffer);
        }
        if self.ended_early {
            return Flow::Ended;
        }
        if let Err(error) = self.flush(socket) {
            return Flow::Broken(error);
        }
        // The loop comes to an end: rustls bears only so many records that hold nothing.
        loop {
            match self.plaintext(buffer) {
                Ok(Plaintext::Bytes(count)) => return Flow::Moved(count),
                Ok(Plaintext::Closed) => {
                    self.was_closed = true;
                    return Flow::Ended;
                }
                Ok(Plaintext::Missing) => {}
                Err(error) => return Flow::Broken(error),
            }
            // A record is not read byte by byte, however little is wanted of it.
            let flow = match buffer.len() < KEPT_BYTES {
                true => self.receive_some(socket),
                false => self.receive_into(socket, buffer),
            };
            match flow {
                Flow::Moved(0) => {}
                Flow::Ended if !self.may_end() => {
                    let missing = "the connection ended without close_notify";
                    return Flow::Broken(io::Error::new(ErrorKind::UnexpectedEof, missing));
                }
                flow => return flow,
            }
        }
    }

    /// Receives so little that its plaintext can be kept, and is: none of it has moved yet.
    fn receive_some(&mut self, socket: &mut Socket) -> Flow {
        let mut buffer = [0; KEPT_BYTES];
        match socket.read(&mut buffer) {
            Flow::Moved(count) => {
                let kept = self.keep(&buffer[..count]).map(|()| 0);
                self.settle(kept, socket)
            }
            flow => flow,
        }
    }

    fn receive_into(&mut self, socket: &mut Socket, buffer: &mut [u8]) -> Flow {
        match socket.read(buffer) {
            Flow::Moved(count) => {
                let decrypted = self.decrypt(buffer, count);
                self.settle(decrypted, socket)
            }
            flow => flow,
        }
    }

    /// Sends what bytes in either direction owe, even if they are wrong: the client is told, as far
    /// as it listens.
    pub(super) fn settle(&mut self, moved: io::Result<usize>, socket: &mut Socket) -> Flow {
        match (moved, self.flush(socket)) {
            (Ok(count), Ok(_)) => Flow::Moved(count),
            (Err(error), _) | (_, Err(error)) => Flow::Broken(error),
        }
    }

    /// Plaintext that is there already.
    fn plaintext(&mut self, buffer: &mut [u8]) -> io::Result<Plaintext> {
        if !self.holds {
            return Ok(Plaintext::Missing);
        }
        match self.connection.reader().read(buffer) {
            Ok(0) => Ok(Plaintext::Closed),
            Ok(count) => Ok(Plaintext::Bytes(count)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.holds = false;
                Ok(Plaintext::Missing)
            }
            Err(error) => Err(error),
        }
    }

    /// Decrypts the first `count` bytes of `buffer` in place: so many bytes of plaintext stand
    /// there now. Further plaintext is kept.
    fn decrypt(&mut self, buffer: &mut [u8], count: usize) -> io::Result<usize> {
        let (mut taken, mut made) = (0, 0);
        while taken < count {
            match self.take(&buffer[taken..count])? {
                0 => break,
                more => taken += more,
            }
            // Room is there: rustls never makes more than it has taken.
            if let Plaintext::Bytes(more) = self.plaintext(&mut buffer[made..taken])? {
                made += more;
            }
        }
        Ok(made)
    }

    fn keep(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.take(bytes)? {
                0 => break,
                taken => bytes = &bytes[taken..],
            }
        }
        Ok(())
    }

    /// Takes some bytes; none once the client has said that no more will come.
    fn take(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.connection.read_tls(&mut &*bytes)?;
        self.records.pass(&bytes[..taken]);
        let state = self.connection.process_new_packets().map_err(|error| in_words(&error))?;
        self.held |= state.plaintext_bytes_to_read() > 0;
        self.holds = state.plaintext_bytes_to_read() > 0 || state.peer_has_closed();
        match self.connection.handshake_kind() {
            // The ClientHello is not at its end.
            None => {
                self.hello += taken;
                if self.hello > LONGEST_HELLO {
                    let words = "the client's first words have no end";
                    return Err(io::Error::new(ErrorKind::InvalidData, words));
                }
            }
            Some(HandshakeKind::Resumed) => {}
            Some(HandshakeKind::Full | HandshakeKind::FullWithHelloRetryRequest) => {
                if self.is_handshaking() {
                    self.marks.begin_anew(self.owner);
                }
            }
        }
        Ok(taken)
    }
}
