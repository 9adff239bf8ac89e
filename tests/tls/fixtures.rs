//! Servers and clients under TLS that several topics need.

use crate::common::stream::{speaking, trusting};
use crate::common::{Client, Stream, TestServer};
use packetboat::{RequireTls, TlsConfig, TlsIdentity};
use rustls::client::Resumption;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, HandshakeKind, SupportedProtocolVersion};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

pub const VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];

pub fn server_with(change: impl FnOnce(&mut TlsConfig)) -> TestServer {
    let mut tls = TlsConfig::new(TlsIdentity::SelfSigned);
    change(&mut tls);
    TestServer::with(|config| config.tls = Some(tls))
}

/// A client's side of TLS that resumes sessions, and knows none yet.
pub fn resuming(version: &'static SupportedProtocolVersion) -> Arc<ClientConfig> {
    Arc::new(speaking(&[version]).with_no_client_auth())
}

pub fn forgetful(version: &'static SupportedProtocolVersion) -> Arc<ClientConfig> {
    let mut config = speaking(&[version]).with_no_client_auth();
    config.resumption = Resumption::disabled();
    Arc::new(config)
}

pub fn secure_client(server: &TestServer, config: &Arc<ClientConfig>) -> Client {
    let mut client = server.connect();
    client.secure(config);
    client.login();
    client
}

/// Whether a handshake resumed a session.
pub fn resumed(stream: &mut Stream) -> bool {
    stream.tls().unwrap().handshake_kind() == Some(HandshakeKind::Resumed)
}

pub fn requiring(require: RequireTls) -> TestServer {
    TestServer::with(|config| {
        let mut tls = TlsConfig::new(TlsIdentity::SelfSigned);
        tls.require = require;
        config.tls = Some(tls);
        config.listen_tls = vec!["127.0.0.1:0".parse().unwrap(), "[::1]:0".parse().unwrap()];
    })
}

/// A client of implicit TLS.
pub fn implicit(server: &TestServer, config: &Arc<ClientConfig>) -> Client {
    let mut client = Client::unseen(TcpStream::connect(server.implicit()).unwrap());
    client.stream.secure(config);
    client.expect_reply(220);
    client.private = Some(Arc::clone(config));
    client
}

/// A client that is under TLS by AUTH, and nothing else.
pub fn authenticated(server: &TestServer) -> Client {
    let mut client = server.connect();
    client.expect(234, "AUTH TLS");
    client.stream.secure(&trusting());
    client
}

/// A path as a word of a command line.
pub fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}
