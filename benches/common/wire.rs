//! A connection in clear or under TLS, of either side, as bare as can be: the same suite for all.

use std::io::{BufRead, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;

use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
use rustls::client::{ClientConfig, Resumption};
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256;
use rustls::crypto::aws_lc_rs::{Ticketer, default_provider, kx_group};
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::version::TLS13;
use rustls::{ClientConnection, Connection, HandshakeKind, ServerConfig, ServerConnection};

use super::harness::trust::{Checks, Trusting};

pub struct Wire {
    stream: TcpStream,
    tls: Option<Connection>,
}

impl Wire {
    pub fn new(stream: TcpStream) -> Wire {
        Wire { stream, tls: None }
    }

    /// Comes under TLS: the handshake begins, and goes on with each read.
    pub fn secure(&mut self, connection: impl Into<Connection>) {
        let mut tls = connection.into();
        tls.set_buffer_limit(None);
        self.tls = Some(tls);
        self.flush();
    }

    /// Comes under TLS, and waits until it is.
    pub fn shake_hands(&mut self, connection: impl Into<Connection>) {
        self.secure(connection);
        while self.is_handshaking() {
            assert!(self.read(&mut [0; 8192], RecvFlags::empty(), |_| ()).unwrap(), "no handshake");
        }
    }

    pub fn is_handshaking(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.is_handshaking())
    }

    pub fn is_resumed(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.handshake_kind() == Some(HandshakeKind::Resumed))
    }

    /// Reads once, and shows what came, in clear; false at its end.
    pub fn read(
        &mut self,
        buffer: &mut [u8],
        flags: RecvFlags,
        mut seen: impl FnMut(&[u8]),
    ) -> Result<bool, Errno> {
        let (_, count) = recv(&self.stream, &mut *buffer, flags)?;
        let mut bytes = &buffer[..count];
        let Some(tls) = &mut self.tls else {
            seen(bytes);
            return Ok(count > 0);
        };
        let mut closed = count == 0;
        while !bytes.is_empty() && !closed {
            tls.read_tls(&mut bytes).unwrap();
            closed = tls.process_new_packets().unwrap().peer_has_closed();
            let mut reader = tls.reader();
            while let Ok(piece @ [_, ..]) = reader.fill_buf() {
                seen(piece);
                let length = piece.len();
                reader.consume(length);
            }
        }
        if closed {
            tls.send_close_notify();
        }
        // Nobody may be left there to hear it.
        while tls.wants_write() && tls.write_tls(&mut self.stream).is_ok() {}
        Ok(!closed)
    }

    /// Receives once, and says how much came; false at its end. In clear the kernel throws it away
    /// without a copy, so that a client costs next to nothing beside its server.
    pub fn discard(&mut self, buffer: &mut [u8], mut seen: impl FnMut(usize)) -> bool {
        if self.tls.is_some() {
            return self.read(buffer, RecvFlags::empty(), |bytes| seen(bytes.len())).unwrap();
        }
        let (_, count) = recv(&self.stream, buffer, RecvFlags::TRUNC).unwrap();
        seen(count);
        count > 0
    }

    pub fn write(&mut self, bytes: &[u8]) {
        match &mut self.tls {
            None => self.stream.write_all(bytes).unwrap(),
            Some(tls) => {
                tls.writer().write_all(bytes).unwrap();
                self.flush();
            }
        }
    }

    fn flush(&mut self) {
        if let Some(tls) = &mut self.tls {
            while tls.wants_write() {
                tls.write_tls(&mut self.stream).unwrap();
            }
        }
    }

    /// Says, where TLS has a word for it, that no more will come.
    pub fn close_notify(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
            self.flush();
        }
    }

    /// All is written. Under TLS the other side's end is awaited: to close with tickets unread
    /// would reset the connection, and what was written be lost.
    pub fn finish(mut self) {
        if self.tls.is_some() {
            self.close_notify();
            self.stream.shutdown(Shutdown::Write).unwrap();
            while recv(&self.stream, &mut [0; 8192][..], RecvFlags::empty())
                .is_ok_and(|(_, count)| count > 0)
            {}
        }
    }
}

impl AsRawFd for Wire {
    fn as_raw_fd(&self) -> RawFd {
        self.stream.as_raw_fd()
    }
}

/// A client's side, that asks nobody who he is.
pub fn client(config: &Arc<ClientConfig>) -> ClientConnection {
    let name = ServerName::try_from("localhost").unwrap();
    ClientConnection::new(Arc::clone(config), name).unwrap()
}

pub fn client_config(resumes: bool) -> Arc<ClientConfig> {
    let provider = Arc::new(provider());
    let trusting = Trusting { provider: Arc::clone(&provider), checks: Checks::Nothing };
    let builder = ClientConfig::builder_with_provider(provider);
    let mut config = builder
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(trusting))
        .with_no_client_auth();
    config.resumption = match resumes {
        true => Resumption::in_memory_sessions(64),
        false => Resumption::disabled(),
    };
    Arc::new(config)
}

/// A server's side.
pub fn server(config: &Arc<ServerConfig>) -> ServerConnection {
    ServerConnection::new(Arc::clone(config)).unwrap()
}

/// With a certificate of its own (ECDSA, P-256).
pub fn server_config() -> Arc<ServerConfig> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider()))
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    config.ticketer = Ticketer::new().unwrap();
    config.send_tls13_tickets = 1;
    Arc::new(config)
}

fn provider() -> CryptoProvider {
    CryptoProvider {
        cipher_suites: vec![TLS13_AES_128_GCM_SHA256],
        kx_groups: vec![kx_group::SECP256R1],
        ..default_provider()
    }
}
