//! The TLS of one connection, by way of its socket.

mod reading;

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::{HandshakeKind, ProtocolVersion, ServerConnection};

use super::super::Link;
use super::super::socket::{Flow, Socket};
use super::records::{Records, is_record};
use super::resumption::Marks;
use super::{FileEnd, Input, Resumed, Tls, identity};

/// Records that one key may encrypt, with some to spare. Under TLS 1.3 there is a new key
/// then; under TLS 1.2 the connection is at its end, and rustls goes on as if it sent.
const MOST_RECORDS: u64 = (1 << 24) - (1 << 16);
/// Bytes that a record holds.
const RECORD_BYTES: usize = 16 * 1024;

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

/// Longest encrypted alert.
const LONGEST_ALERT: usize = 64;

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
