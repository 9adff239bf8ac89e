//! From what the operator said of TLS to what connections are secured by: at the start, and again
//! at each reload.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::clock::wall_clock;
use crate::config::{SessionReuse, StartError, TlsConfig, TlsIdentity};
use crate::net::{FlawedIdentity, Identity, Resumption, Tls};

/// Reads what there is to be read, and makes what there is to be made.
///
/// # Errors
/// What of it is wrong, and what would be right.
pub(super) fn load<'a>(
    config: &TlsConfig,
    listen: impl IntoIterator<Item = &'a SocketAddr>,
) -> Result<Loaded, StartError> {
    let files = config.read()?;
    let now = u64::try_from(wall_clock()).unwrap_or_default();
    let identities = match &config.identity {
        TlsIdentity::SelfSigned => {
            vec![Identity::self_signed(names(listen)).map_err(flawed("--tls", None))?]
        }
        TlsIdentity::Files(pairs) => pairs
            .iter()
            .zip(&files.pairs)
            .map(|(pair, (chain, key))| {
                Identity::from_pem(chain, key, now).map_err(|flaw| match flaw {
                    FlawedIdentity::Certificate(message) => {
                        flawed("--tls-cert", Some(&pair.certificate))(message)
                    }
                    FlawedIdentity::Key(message) => flawed("--tls-key", Some(&pair.key))(message),
                })
            })
            .collect::<Result<Vec<_>, _>>()?,
    };
    let Some(first) = identities.first() else {
        return Err(flawed("--tls-cert", None)("names no certificate".to_owned()));
    };
    let fingerprint = fingerprint(first.certificate());
    let resumption = match config.session_reuse {
        SessionReuse::Off => Resumption::None,
        SessionReuse::Prefer => Resumption::Any,
        SessionReuse::Require => Resumption::Own,
    };
    let tls = Tls::new(identities, files.client_ca.as_deref(), resumption)
        .map_err(flawed("--tls-client-ca", config.client_ca.as_ref()))?;
    Ok(Loaded { tls, fingerprint })
}

fn flawed(flag: &'static str, path: Option<&PathBuf>) -> impl Fn(String) -> StartError {
    let path = path.cloned();
    move |message| StartError::Tls { flag, path: path.clone(), message }
}

/// TLS that is ready, and what its first certificate is known by.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) tls: Tls,
    pub(super) fingerprint: String,
}

/// What clients may call this machine: by the names that it has, and the addresses it listens on.
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

/// As clients show it: pairs of hexadecimal digits of a SHA-256.
fn fingerprint(certificate: &[u8]) -> String {
    let digest = Sha256::digest(certificate);
    let pairs: Vec<String> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}
