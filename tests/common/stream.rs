//! A connection of a test's client: in clear, or by TLS where the tests run under TLS.

use super::PATIENCE;
use super::trust::{Checks, Trusting};
use rustls::client::WantsClientCert;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use rustls::{
    ALL_VERSIONS, ClientConfig, ClientConnection, ConfigBuilder, SupportedProtocolVersion,
};
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::ops::Deref;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

/// Whether this program's clients say AUTH TLS, PBSZ 0 and PROT P before anything else: it does in
/// `tests/under_tls.rs`, and its name is what tells.
pub fn under_tls() -> bool {
    env!("CARGO_CRATE_NAME") == "under_tls"
}

/// A blocking connection.
pub struct Stream {
    tcp: TcpStream,
    tls: Option<Box<ClientConnection>>,
}

impl Stream {
    pub fn clear(tcp: TcpStream) -> Stream {
        tcp.set_read_timeout(Some(PATIENCE)).unwrap();
        tcp.set_write_timeout(Some(PATIENCE)).unwrap();
        Stream { tcp, tls: None }
    }

    /// Puts it under TLS; the handshake comes with the first byte that is read or written.
    pub fn secure(&mut self, config: &Arc<ClientConfig>) {
        self.secure_as(config, "localhost");
    }

    /// The same with a server of that name.
    pub fn secure_as(&mut self, config: &Arc<ClientConfig>, name: &str) {
        assert!(self.tls.is_none(), "TLS within TLS");
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let connection = ClientConnection::new(Arc::clone(config), name).unwrap();
        self.tls = Some(Box::new(connection));
    }

    pub fn tls(&mut self) -> Option<&mut ClientConnection> {
        self.tls.as_deref_mut()
    }

    /// Leaves TLS, as the server does.
    pub fn leave_tls(&mut self) {
        let mut rest = Vec::new();
        self.read_to_end(&mut rest).expect("the server says its close_notify");
        assert_eq!(rest.escape_ascii().to_string(), "");
        self.close_notify();
        self.tls = None;
    }

    /// The bytes as they stand on the wire, for a thread to write.
    pub fn sealed(&mut self, bytes: &[u8]) -> Vec<u8> {
        let Some(tls) = &mut self.tls else { return bytes.to_vec() };
        let mut sealed = Vec::new();
        for piece in bytes.chunks(16 * 1024) {
            tls.writer().write_all(piece).unwrap();
            while tls.wants_write() {
                tls.write_tls(&mut sealed).unwrap();
            }
        }
        sealed
    }

    /// Shakes hands now.
    pub fn shake_hands(&mut self) -> io::Result<()> {
        let Some(tls) = &mut self.tls else { return Ok(()) };
        while tls.is_handshaking() {
            tls.complete_io(&mut self.tcp)?;
        }
        Ok(())
    }

    /// Says the first word of the handshake.
    pub fn begin_handshake(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.write_tls(&mut self.tcp).unwrap();
        }
    }

    /// Says that no more will come: close_notify under TLS, and a FIN.
    pub fn shutdown(&mut self, how: Shutdown) -> io::Result<()> {
        self.shake_hands()?;
        self.close_notify();
        self.tcp.shutdown(how)
    }

    /// Sends a FIN and no close_notify, as if cut off.
    pub fn truncate(mut self) {
        self.flush().unwrap();
        self.tls = None;
        self.tcp.shutdown(Shutdown::Write).unwrap();
    }

    /// Ends it by a reset.
    pub fn reset(mut self) {
        self.tls = None;
        let socket = socket2::SockRef::from(&self.tcp);
        socket.set_linger(Some(std::time::Duration::ZERO)).unwrap();
    }

    fn close_notify(&mut self) {
        if let Some(tls) = &mut self.tls
            && !tls.is_handshaking()
        {
            tls.send_close_notify();
            // Whoever is gone needs not be told.
            while tls.wants_write() && tls.write_tls(&mut self.tcp).is_ok() {}
        }
    }
}

/// As a real client: it ends cleanly, unless it ends by a reset.
impl Drop for Stream {
    fn drop(&mut self) {
        self.close_notify();
    }
}

impl Read for Stream {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match &mut self.tls {
            Some(tls) => rustls::Stream::new(&mut **tls, &mut self.tcp).read(bytes),
            None => self.tcp.read(bytes),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.tls {
            Some(tls) => rustls::Stream::new(&mut **tls, &mut self.tcp).write(bytes),
            None => self.tcp.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.tls {
            Some(tls) => rustls::Stream::new(&mut **tls, &mut self.tcp).flush(),
            None => self.tcp.flush(),
        }
    }
}

impl Deref for Stream {
    type Target = TcpStream;

    fn deref(&self) -> &TcpStream {
        &self.tcp
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.tcp.as_fd()
    }
}

/// What a client is told of TLS: it trusts anybody, and resumes sessions.
pub fn trusting() -> Arc<ClientConfig> {
    Arc::new(speaking(ALL_VERSIONS).with_no_client_auth())
}

/// The same, in these versions only.
pub fn speaking(versions: &[&'static SupportedProtocolVersion]) -> Unfinished {
    let provider = Arc::new(aws_lc_rs::default_provider());
    ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Trusting {
            provider,
            checks: Checks::Signatures,
        }))
}

/// All but the certificate of the client.
type Unfinished = ConfigBuilder<ClientConfig, WantsClientCert>;
