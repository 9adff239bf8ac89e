//! The TLS of one connection, by way of its socket.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::{HandshakeKind, ProtocolVersion, ServerConnection};

use super::super::Link;
use super::super::socket::{Flow, Socket};
use super::records::{Records, is_record};
use super::resumption::Marks;
use super::words::in_words;
use super::{FileEnd, Input, Resumed, Tls, identity};

/// One connection's TLS.
pub(in crate::net) struct TlsConnection {
    tls: Tls,
    connection: ServerConnection,
    marks: Arc<Marks>,
    /// Number of the session that it belongs to, or mark of the client that it should be of.
    owner: u64,
    input: Input,
    /// Place in a record where the input stands.
    records: Records,
    /// Records that were sent, as many as that may have been.
    sent: u64,
    /// Bytes of a ClientHello that has not come to its end, as many as that have come.
    hello: usize,
    /// Plaintext may be there to read, or its end.
    holds: bool,
    /// Plaintext has come.
    held: bool,
    /// We have said that no more will come.
    closed: bool,
    /// The client has said so.
    was_closed: bool,
    /// The client has ended the connection in place of the handshake.
    ended_early: bool,
    /// The record that has come since then.
    last: Vec<u8>,
}

/// Bytes that may wait to be sent: `MOST_ENCRYPTED` in records, each with its frame.
const BUFFERED_BYTES: usize = Link::MOST_ENCRYPTED + 1024;

/// Bytes that are read at once where little is wanted, the plaintext of which can be kept.
const KEPT_BYTES: usize = 4096;
/// Records that one key may encrypt, with some to spare. Under TLS 1.3 there is a new key
/// then; under TLS 1.2 the connection is at its end, and rustls goes on as if it sent.
const MOST_RECORDS: u64 = (1 << 24) - (1 << 16);
/// Bytes that a record holds.
const RECORD_BYTES: usize = 16 * 1024;
/// Bytes that a ClientHello may have, frames included: those that clients send have a tenth of it.
/// A client that stops amid one has it kept for as long as a handshake may take.
const LONGEST_HELLO: usize = 16 * 1024;
/// Longest encrypted alert.
const LONGEST_ALERT: usize = 64;

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
    /// The server's side, before the handshake, of a connection that belongs to the session of
    /// this number, or to the client of this mark.
    pub(in crate::net) fn new(tls: &Tls, owner: u64, input: Input) -> io::Result<TlsConnection> {
        let marks = tls.marks(owner, input);
        let connection = ServerConnection::new(tls.config(&marks, input));
        let mut connection = connection.map_err(io::Error::other)?;
        connection.set_buffer_limit(Some(BUFFERED_BYTES));
        Ok(TlsConnection {
            tls: tls.clone(),
            connection,
            marks,
            owner,
            input,
            records: Records::default(),
            sent: 0,
            hello: 0,
            holds: false,
            held: false,
            closed: false,
            was_closed: false,
            ended_early: false,
            last: Vec::new(),
        })
    }

    pub(in crate::net) fn tls(&self) -> &Tls {
        &self.tls
    }

    /// Has the input judged as what it is to be from now on.
    pub(in crate::net) fn expect(&mut self, input: Input) {
        self.input = input;
    }

    /// The client has said that no more will come.
    pub(in crate::net) fn was_closed(&self) -> bool {
        self.was_closed
    }

    /// A FIN may stand here, without a close_notify before it.
    fn may_end(&self) -> bool {
        match self.input {
            Input::Commands => true,
            Input::File(FileEnd::Fin) => self.records.are_whole(),
            Input::File(FileEnd::NotifyUnlessEmpty) => !self.held && self.records.are_whole(),
            Input::None | Input::Unknown | Input::File(FileEnd::Notify) => false,
        }
    }

    pub(in crate::net) fn is_handshaking(&self) -> bool {
        self.connection.is_handshaking()
    }

    pub(in crate::net) fn resumed(&self) -> Option<Resumed> {
        let resumed = self.connection.handshake_kind() == Some(HandshakeKind::Resumed);
        self.marks.found().filter(|_| resumed)
    }

    pub(in crate::net) fn client_mark(&self) -> u64 {
        self.marks.own()
    }

    /// The client can resume the session, as often as this one before: under TLS 1.2 in any case,
    /// later if it got tickets.
    pub(in crate::net) fn is_renewed(&self) -> bool {
        let old = self.connection.protocol_version() == Some(ProtocolVersion::TLSv1_2);
        old || matches!(self.input, Input::Commands | Input::None)
    }

    /// The client's certificate, in DER.
    pub(in crate::net) fn certificate(&self) -> Option<&[u8]> {
        self.connection.peer_certificates()?.first().map(|certificate| &**certificate)
    }

    pub(in crate::net) fn is_certified(&self) -> bool {
        self.connection.peer_certificates().is_some_and(|chain| !chain.is_empty())
    }

    /// The client's certificate is for this name.
    pub(in crate::net) fn is_certified_as(&self, name: &str) -> bool {
        let chain: &[CertificateDer<'_>] = self.connection.peer_certificates().unwrap_or_default();
        identity::is_named(chain, name)
    }

    // In.

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
    fn settle(&mut self, moved: io::Result<usize>, socket: &mut Socket) -> Flow {
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

    // Out.

    /// Writes what there is room for; what is the `last` with the close_notify behind it, if all of
    /// it is taken.
    pub(in crate::net) fn write(&mut self, socket: &mut Socket, bytes: &[u8], last: bool) -> Flow {
        match self.flush(socket) {
            Ok(true) => {}
            Ok(false) => return Flow::Blocked,
            Err(error) => return Flow::Broken(error),
        }
        self.sent += bytes.len().div_ceil(RECORD_BYTES) as u64;
        let ends = self.connection.protocol_version() == Some(ProtocolVersion::TLSv1_2);
        if ends && self.sent > MOST_RECORDS {
            return Flow::Broken(io::Error::other("TLS 1.2 encrypts no more on one connection"));
        }
        let taken = self.connection.writer().write(bytes);
        if last && taken.as_ref().is_ok_and(|&count| count == bytes.len()) {
            self.say_closed();
        }
        self.settle(taken, socket)
    }

    /// Sends what is to be sent: true when all is sent.
    pub(in crate::net) fn flush(&mut self, socket: &mut Socket) -> io::Result<bool> {
        while self.connection.wants_write() {
            match socket.write_by(|stream| self.connection.write_tls(stream)) {
                Flow::Moved(_) => {}
                Flow::Blocked => return Ok(false),
                Flow::Ended => return Err(ErrorKind::WriteZero.into()),
                Flow::Broken(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Says that no more will come, and sends it: true when done.
    pub(in crate::net) fn close(&mut self, socket: &mut Socket) -> io::Result<bool> {
        self.say_closed();
        self.flush(socket)
    }

    fn say_closed(&mut self) {
        self.connection.send_close_notify();
        self.closed = true;
    }

    /// Says that no more will come, and awaits the same of the client: true when done. The
    /// client's is not decrypted: what comes behind it is in clear, and not to be trusted more for
    /// it. It may also be missing.
    pub(in crate::net) fn part(&mut self, socket: &mut Socket) -> io::Result<bool> {
        if !self.close(socket)? {
            return Ok(false);
        }
        if self.last.is_empty() && !self.connection_is_at_rest() {
            return Err(io::Error::new(ErrorKind::InvalidData, "more came than a close_notify"));
        }
        // A byte at a time, so that none is taken that comes behind it.
        let mut byte = [0];
        while !self.has_parted()? {
            let flow = match self.last.is_empty() {
                true => match socket.peek(&mut byte) {
                    Flow::Moved(_) if !is_record(byte[0]) => return Ok(true),
                    Flow::Moved(_) => socket.read(&mut byte),
                    flow => flow,
                },
                false => socket.read(&mut byte),
            };
            match flow {
                Flow::Moved(_) => self.last.push(byte[0]),
                Flow::Blocked => return Ok(false),
                Flow::Ended => return Err(ErrorKind::UnexpectedEof.into()),
                Flow::Broken(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// All that came was read, save for the client's close_notify.
    fn connection_is_at_rest(&mut self) -> bool {
        let state = self.connection.process_new_packets();
        state.is_ok_and(|state| state.plaintext_bytes_to_read() == 0) && self.records.are_whole()
    }

    /// The client's close_notify is there, all of it.
    fn has_parted(&mut self) -> io::Result<bool> {
        if self.connection.process_new_packets().is_ok_and(|state| state.peer_has_closed()) {
            return Ok(true);
        }
        let [_, _, _, high, low, rest @ ..] = &self.last[..] else { return Ok(false) };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        if length > LONGEST_ALERT {
            return Err(io::Error::new(ErrorKind::InvalidData, "more came than a close_notify"));
        }
        Ok(rest.len() == length)
    }
}

impl fmt::Debug for TlsConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConnection").finish_non_exhaustive()
    }
}
