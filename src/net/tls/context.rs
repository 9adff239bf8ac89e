//! The TLS of a server: what all of its connections have in common.

use std::fmt;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{self, Ticketer, cipher_suite};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::server::{
    ClientHello, NoClientAuth, NoServerSessionStorage, ResolvesServerCert,
    ServerSessionMemoryCache, WebPkiClientVerifier,
};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig};

use super::identity::{self, Identity};
use super::resumption::Marks;
use super::{Input, Resumption, TICKETS};

/// Protocols that clients may name (ALPN), on either connection; none is required.
const PROTOCOLS: [&[u8]; 2] = [b"ftp", b"ftp-data"];
/// TLS 1.2 sessions of clients without tickets that can be resumed. Each is a few hundred bytes.
const STORED_SESSIONS: usize = 1024;

/// TLS as all connections of a server have it in common. Cheap to clone.
#[derive(Clone)]
pub struct Tls {
    /// Configuration of connections that the client reads from.
    talking: Arc<ServerConfig>,
    /// Configuration without tickets, for connections that the client only writes to: it might close
    /// one with the tickets unread, and its kernel would send a reset and lose what was written.
    silent: Arc<ServerConfig>,
    resumption: Resumption,
}

impl Tls {
    /// Shows the first identity, or the first that is valid for the name that a client asks for.
    /// Clients may show a certificate of `client_ca`, PEM text.
    ///
    /// # Errors
    /// `client_ca` is wrong, or random numbers cannot be had on this machine.
    pub fn new(
        identities: Vec<Identity>,
        client_ca: Option<&[u8]>,
        resumption: Resumption,
    ) -> Result<Tls, String> {
        let resumes = resumption != Resumption::None;
        let provider = Arc::new(provider());
        let verifier = match client_ca {
            None => Arc::new(NoClientAuth),
            Some(pem) => {
                let roots = Arc::new(roots(pem)?);
                WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&provider))
                    .allow_unauthenticated()
                    .build()
                    .map_err(|error| error.to_string())?
            }
        };
        let keys = identities.into_iter().map(Identity::into_key).collect();
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(Arc::new(Certificates(keys)));
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
        config.ignore_client_order = true;
        if resumes {
            config.ticketer = Ticketer::new().map_err(|error| error.to_string())?;
            config.session_storage = ServerSessionMemoryCache::new(STORED_SESSIONS);
        } else {
            config.session_storage = Arc::new(NoServerSessionStorage {});
        }
        config.send_tls13_tickets = 0;
        let silent = Arc::new(config.clone());
        config.send_tls13_tickets = if resumes { TICKETS } else { 0 };
        Ok(Tls { talking: Arc::new(config), silent, resumption })
    }

    /// Configuration of a connection with these marks.
    pub(super) fn config(&self, marks: &Arc<Marks>, input: Input) -> Arc<ServerConfig> {
        let config = match input {
            Input::Commands | Input::None => &self.talking,
            Input::Unknown | Input::File { .. } => &self.silent,
        };
        match self.resumption {
            Resumption::None => Arc::clone(config),
            Resumption::Any | Resumption::Own => marks.applied_to(config),
        }
    }

    /// Marks of a connection of this client.
    pub(super) fn marks(&self, client: u64, input: Input) -> Arc<Marks> {
        Marks::new(client, input, self.resumption)
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

/// The suites that are safe, the fastest first: AES-128 costs a third of AES-256.
fn provider() -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    let fastest = [
        cipher_suite::TLS13_AES_128_GCM_SHA256,
        cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    ];
    provider.cipher_suites.sort_by_key(|suite| !fastest.contains(suite));
    provider
}

fn roots(pem: &[u8]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| format!("not PEM text: {error}"))?;
        roots.add(certificate).map_err(|error| format!("not a certificate: {error}"))?;
    }
    if roots.is_empty() {
        return Err(identity::NO_CERTIFICATE.to_owned());
    }
    Ok(roots)
}

/// The identities of a server, chosen by name (SNI).
#[derive(Debug)]
struct Certificates(Vec<Arc<CertifiedKey>>);

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let named = |key: &&Arc<CertifiedKey>| {
            hello.server_name().is_some_and(|name| identity::is_named(&key.cert, name))
        };
        self.0.iter().find(named).or(self.0.first()).cloned()
    }
}
