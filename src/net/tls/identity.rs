//! A certificate chain and its private key.

use std::sync::Arc;
use std::time::Duration;

use rustls::InconsistentKeys;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use webpki::{EndEntityCert, KeyUsage};

use super::FlawedIdentity;

/// Identity that a server shows: a certificate, with those that vouch for it, and its key.
#[derive(Debug)]
pub struct Identity {
    key: CertifiedKey,
    outdated: Option<&'static str>,
}

impl Identity {
    /// An identity from PEM text: the chain, the server's own certificate first, and the key in any
    /// of its forms (PKCS#8, SEC1, PKCS#1). `now` is in seconds since 1970.
    ///
    /// # Errors
    /// Chain or key is wrong, or they don't match.
    pub fn from_pem(chain: &[u8], key: &[u8], now: u64) -> Result<Identity, FlawedIdentity> {
        let (chain, key) = (without_mark(chain), without_mark(key));
        let chain = CertificateDer::pem_slice_iter(chain).collect::<Result<Vec<_>, _>>();
        let chain = chain.map_err(|error| FlawedIdentity::Certificate(not_pem(&error)))?;
        let Some(own) = chain.first() else {
            return Err(FlawedIdentity::Certificate(NO_CERTIFICATE.to_owned()));
        };
        let outdated = check_dates(own, now).map_err(FlawedIdentity::Certificate)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| {
            FlawedIdentity::Key(match error {
                pem::Error::NoItemsFound => {
                    "there is no private key in it that needs no passphrase; it takes PEM text, \
                     -----BEGIN PRIVATE KEY-----"
                        .to_owned()
                }
                error => not_pem(&error),
            })
        })?;
        certified(chain, key).map(|key| Identity { key, outdated }).map_err(|error| {
            FlawedIdentity::Key(match error {
                rustls::Error::InconsistentKeys(_) => {
                    "this is not the key of its certificate; name two that belong together"
                        .to_owned()
                }
                error => error.to_string(),
            })
        })
    }

    /// A new key, and a certificate for these names and addresses that nobody vouches for.
    ///
    /// # Errors
    /// Random numbers cannot be had on this machine.
    pub fn self_signed(names: Vec<String>) -> Result<Identity, String> {
        let made = rcgen::generate_simple_self_signed(names).map_err(|error| error.to_string())?;
        let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
        CertifiedKey::from_der(vec![made.cert.der().clone()], key, &default_provider())
            .map(|key| Identity { key, outdated: None })
            .map_err(|error| error.to_string())
    }

    /// A certificate like that of [`Identity::self_signed`] and its key, both as PEM text.
    ///
    /// # Errors
    /// Random numbers cannot be had on this machine.
    #[cfg(feature = "testing")]
    pub fn self_signed_pem(names: Vec<String>) -> Result<(String, String), String> {
        let made = rcgen::generate_simple_self_signed(names).map_err(|error| error.to_string())?;
        Ok((made.cert.pem(), made.signing_key.serialize_pem()))
    }

    /// The server's own certificate in DER, of which the fingerprint is taken.
    pub fn certificate(&self) -> &[u8] {
        self.key.cert.first().map_or(&[], |certificate| certificate)
    }

    /// Fault in the dates of the certificate, if it is not valid now.
    pub fn outdated(&self) -> Option<&'static str> {
        self.outdated
    }

    pub(super) fn into_key(self) -> Arc<CertifiedKey> {
        Arc::new(self.key)
    }
}

pub(super) const NO_CERTIFICATE: &str =
    "there is no certificate in it; it takes PEM text, -----BEGIN CERTIFICATE-----";

/// The first certificate of a chain is for this name.
pub(super) fn is_named(chain: &[CertificateDer<'_>], name: &str) -> bool {
    let Some(Ok(certificate)) = chain.first().map(EndEntityCert::try_from) else { return false };
    ServerName::try_from(name)
        .is_ok_and(|name| certificate.verify_is_valid_for_subject_name(&name).is_ok())
}

/// Text without the mark that some editors put before it.
fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text)
}

/// The chain with its key, if they belong together.
fn certified(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<CertifiedKey, rustls::Error> {
    let key = default_provider().key_provider.load_private_key(key)?;
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(certified),
        Err(error @ rustls::Error::InconsistentKeys(_)) => Err(error),
        // Version 1, which nothing here can read: the public key must stand in it as it is.
        Err(error) => match (certified.cert.first(), certified.key.public_key()) {
            (Some(own), Some(public)) if own.windows(public.len()).any(|part| part == &*public) => {
                Ok(certified)
            }
            (Some(own), Some(_)) if is_version_1(own) => {
                Err(rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch))
            }
            _ => Err(error),
        },
    }
}

/// `openssl x509 -req -signkey` makes certificates of version 1, and servers have them for years.
fn is_version_1(certificate: &CertificateDer<'_>) -> bool {
    matches!(EndEntityCert::try_from(certificate), Err(webpki::Error::UnsupportedCertVersion))
}

/// Fault in the dates of a certificate, if any; dates of version 1 are not known.
///
/// Chains are not looked at, that is for clients: with nobody to trust it is unknown who issued a
/// certificate, unless its dates are wrong, which is found before.
fn check_dates(certificate: &CertificateDer<'_>, now: u64) -> Result<Option<&'static str>, String> {
    if is_version_1(certificate) {
        return Ok(None);
    }
    let parsed = EndEntityCert::try_from(certificate)
        .map_err(|error| format!("not a certificate: {error}"))?;
    let now = UnixTime::since_unix_epoch(Duration::from_secs(now));
    let usage = KeyUsage::server_auth();
    match parsed.verify_for_usage(&[], &[], &[], now, usage, None, None) {
        Err(webpki::Error::CertExpired { .. }) => {
            Ok(Some("the certificate has expired, get a new one"))
        }
        Err(webpki::Error::CertNotValidYet { .. }) => {
            Ok(Some("the certificate is not valid yet: look at this machine's clock"))
        }
        _ => Ok(None),
    }
}

fn not_pem(error: &pem::Error) -> String {
    format!("not PEM text: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by `openssl x509 -req -signkey`, as how-tos of many years have it.
    const VERSION_1: &[u8] = b"\
-----BEGIN CERTIFICATE-----
MIIBFjCBvQIUDbkoFJnb5yFNRo14sB+SR3EWmxMwCgYIKoZIzj0EAwIwDjEMMAoG
A1UEAwwDbmFzMB4XDTI2MTEyNTA0MzUwM1oXDTI2MTIyNTA0MzUwM1owDjEMMAoG
A1UEAwwDbmFzMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEcuD/fXa/eKO2M0cQ
WKoY7EIA/pRvj6d7/frvU9wDXN7OZvjQxTkjeO5UwzHD8+JBJ2f/mlwXRhpTHv19
kxF4jDAKBggqhkjOPQQDAgNIADBFAiEAogCDEVZ1gpdo1TkGF/dJIzghxizr7nnQ
UPm1EW34wl0CICCqBMVyhM+/BX8UkAWGZyZnJkaAKqRThDEbqh0RwVbK
-----END CERTIFICATE-----
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgkboYOse7YmwAVvHT
gLO7wKw0D76QutD6DXD42Ztny0+hRANCAARy4P99dr94o7YzRxBYqhjsQgD+lG+P
p3v9+u9T3ANc3s5m+NDFOSN47lTDMcPz4kEnZ/+aXBdGGlMe/X2TEXiM
-----END PRIVATE KEY-----
";

    #[test]
    fn a_certificate_of_version_1_is_served_with_its_own_key_alone() {
        let identity = Identity::from_pem(VERSION_1, VERSION_1, 0).unwrap();
        assert!(is_version_1(&identity.key.cert[0]) && identity.outdated().is_none());
        let other = rcgen::KeyPair::generate().unwrap().serialize_der();
        let key = PrivateKeyDer::Pkcs8(other.into());
        let mismatch = rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch);
        assert_eq!(certified(identity.key.cert.clone(), key).unwrap_err(), mismatch);
    }
}
