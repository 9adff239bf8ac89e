//! Certificates, from the settings of TLS to that which connections are secured by: at the start,
//! and again at each reload.

use std::net::{IpAddr, SocketAddr};

use sha2::{Digest, Sha256};

use super::clock::wall_clock;
use crate::config::{Error, ErrorKind, SessionReuse, TlsConfig, TlsIdentity, TlsPair};
use crate::net::{FlawedIdentity, Identity, Resumption, Tls};

/// Time before its end, in seconds, at which a certificate is to be renewed.
const SOON: u64 = 30 * 24 * 60 * 60;

/// Occasion at which certificates are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occasion {
    /// A certificate that has expired is better than no server: clients may be told to take it.
    Start,
    /// An expired certificate is better than none.
    Reload,
    /// Nothing is put in force: all that is wrong is told.
    Check,
}

/// Reads the certificates that there are, or makes one.
///
/// # Errors
/// The one that is wrong, and what would be right.
pub(super) fn load<'a>(
    config: &TlsConfig,
    occasion: Occasion,
    listen: impl IntoIterator<Item = &'a SocketAddr>,
) -> Result<Loaded, Error> {
    let lacking = |trouble: String| Error::setting(ErrorKind::Tls, trouble);
    let mut warnings = Vec::new();
    let identities = match &config.identity {
        TlsIdentity::SelfSigned => vec![Identity::self_signed(names(listen)).map_err(lacking)?],
        TlsIdentity::Certificates(pairs) => {
            let read = pairs.iter().map(|pair| identity(pair, occasion, &mut warnings));
            read.collect::<Result<Vec<_>, _>>()?
        }
    };
    let Some(first) = identities.first() else {
        return Err(lacking("it needs a certificate".to_owned()));
    };
    let fingerprint = fingerprint(first.certificate());
    let resumption = match config.session_reuse {
        SessionReuse::Off => Resumption::None,
        SessionReuse::Prefer => Resumption::Any,
        SessionReuse::Require => Resumption::Own,
    };
    let client_ca = match &config.client_ca {
        Some(client_ca) => Some((client_ca, client_ca.read(ErrorKind::ClientCa)?)),
        None => None,
    };
    let text = client_ca.as_ref().map(|(_, text)| &**text);
    let tls = Tls::new(identities, text, resumption).map_err(|trouble| match &client_ca {
        Some((client_ca, _)) => client_ca.flawed(ErrorKind::ClientCa, trouble),
        None => lacking(trouble),
    })?;
    Ok(Loaded { tls, fingerprint, warnings })
}

fn identity(
    pair: &TlsPair,
    occasion: Occasion,
    warnings: &mut Vec<String>,
) -> Result<Identity, Error> {
    let chain = pair.certificate.read(ErrorKind::Certificate)?;
    let key = pair.key.read(ErrorKind::PrivateKey)?;
    let now = u64::try_from(wall_clock()).unwrap_or_default();
    let identity = Identity::from_pem(&chain, &key, now).map_err(|flaw| match flaw {
        FlawedIdentity::Certificate(trouble) => {
            pair.certificate.flawed(ErrorKind::Certificate, trouble)
        }
        FlawedIdentity::Key(trouble) => pair.key.flawed(ErrorKind::PrivateKey, trouble),
    })?;
    let outdated = identity
        .outdated()
        .map(|trouble| pair.certificate.flawed(ErrorKind::Certificate, trouble.to_owned()));
    match (outdated, occasion) {
        (Some(error), Occasion::Start) => log::warn!("{error}"),
        (Some(error), Occasion::Reload) => return Err(error),
        (Some(error), Occasion::Check) => warnings.push(error.to_string()),
        (None, Occasion::Start | Occasion::Reload) => {}
        (None, Occasion::Check) => {
            let soon = Identity::from_pem(&chain, &key, now + SOON);
            if soon.is_ok_and(|soon| soon.outdated().is_some()) {
                let words = "it expires within 30 days; have it renewed".to_owned();
                warnings.push(pair.certificate.flawed(ErrorKind::Certificate, words).to_string());
            }
        }
    }
    Ok(identity)
}

/// TLS that is ready, and the fingerprint that its first certificate is known by.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) tls: Tls,
    pub(super) fingerprint: String,
    /// Faults that are no reason not to serve.
    pub(super) warnings: Vec<String>,
}

/// Names that clients may call this machine by: its own, and the addresses that it listens on.
fn names<'a>(listen: impl IntoIterator<Item = &'a SocketAddr>) -> Vec<String> {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let addresses = listen.into_iter().map(SocketAddr::ip).filter(|ip| !ip.is_unspecified());
    let mut names: Vec<String> = addresses.map(|ip: IpAddr| ip.to_string()).collect();
    names.extend(["localhost".to_owned(), host]);
    names.retain(|name| !name.is_empty() && name.is_ascii());
    names.sort();
    names.dedup();
    names
}

/// A fingerprint as clients show it: pairs of hexadecimal digits of a SHA-256.
fn fingerprint(certificate: &[u8]) -> String {
    let digest = Sha256::digest(certificate);
    let pairs: Vec<String> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}
