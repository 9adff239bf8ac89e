//! From what the operator said of TLS to what connections are secured by: at the start, and again
//! at each reload.

use std::net::{IpAddr, SocketAddr};

use sha2::{Digest, Sha256};

use super::event_loop::wall_clock;
use crate::config::{SessionReuse, StartError, TlsConfig, TlsIdentity};
use crate::net::{FlawedIdentity, Identity, Resumption, Tls};

/// Reads what there is to be read, and makes what there is to be made, if it is not `made` yet:
/// clients know it by its fingerprint.
///
/// # Errors
/// What of it is wrong, and what would be right.
pub(super) fn load(
    config: &TlsConfig,
    listen: &[SocketAddr],
    made: Option<&Identity>,
) -> Result<Loaded, StartError> {
    let files = config.read()?;
    let now = u64::try_from(wall_clock()).unwrap_or_default();
    let identities = match &config.identity {
        TlsIdentity::SelfSigned => {
            let made = made.cloned().map_or_else(|| Identity::self_signed(names(listen)), Ok);
            vec![made.map_err(|message| StartError::Tls { flag: "--tls", path: None, message })?]
        }
        TlsIdentity::Files(pairs) => {
            let mut identities = Vec::with_capacity(pairs.len());
            for (pair, (chain, key)) in pairs.iter().zip(&files.pairs) {
                let identity = Identity::from_pem(chain, key, now);
                identities.push(identity.map_err(|flaw| match flaw {
                    FlawedIdentity::Certificate(message) => {
                        let path = Some(pair.certificate.clone());
                        StartError::Tls { flag: "--tls-cert", path, message }
                    }
                    FlawedIdentity::Key(message) => {
                        let path = Some(pair.key.clone());
                        StartError::Tls { flag: "--tls-key", path, message }
                    }
                })?);
            }
            identities
        }
    };
    let own = identities.first().map_or(&[][..], Identity::certificate);
    let fingerprint = fingerprint(own);
    let made = match &config.identity {
        TlsIdentity::SelfSigned => identities.first().cloned(),
        TlsIdentity::Files(_) => None,
    };
    let resumption = match config.session_reuse {
        SessionReuse::Off => Resumption::None,
        SessionReuse::Prefer => Resumption::Any,
        SessionReuse::Require => Resumption::Own,
    };
    let tls = Tls::new(identities, files.client_ca.as_deref(), resumption);
    let path = config.client_ca.clone();
    let tls = tls.map_err(|message| StartError::Tls { flag: "--tls-client-ca", path, message })?;
    Ok(Loaded { tls, fingerprint, made })
}

/// TLS that is ready, and what its first certificate is known by.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) tls: Tls,
    pub(super) fingerprint: String,
    /// The certificate, where it comes from no file.
    pub(super) made: Option<Identity>,
}

/// What clients may call this machine: by the names that it has, and the addresses it listens on.
fn names(listen: &[SocketAddr]) -> Vec<String> {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let addresses = listen.iter().map(SocketAddr::ip).filter(|ip| !ip.is_unspecified());
    let mut names: Vec<String> = addresses.map(|ip: IpAddr| ip.to_string()).collect();
    names.extend(["localhost".to_owned(), host]);
    names.retain(|name| !name.is_empty() && name.is_ascii());
    names.dedup();
    names
}

/// As clients show it: pairs of hexadecimal digits of a SHA-256.
fn fingerprint(certificate: &[u8]) -> String {
    let digest = Sha256::digest(certificate);
    let pairs: Vec<String> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}
