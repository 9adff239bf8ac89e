//! A certificate chain and its private key.

use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use webpki::{EndEntityCert, KeyUsage};

use super::FlawedIdentity;

/// Identity that a server shows: a certificate, with those that vouch for it, and its key.
#[derive(Debug)]
pub struct Identity(CertifiedKey);

impl Identity {
    /// An identity from PEM text: the chain, the server's own certificate first, and the key in any
    /// of its forms (PKCS#8, SEC1, PKCS#1). `now` is in seconds since 1970.
    ///
    /// # Errors
    /// One of them is wrong, or they don't belong together, or the certificate is not valid now.
    pub fn from_pem(chain: &[u8], key: &[u8], now: u64) -> Result<Identity, FlawedIdentity> {
        let chain = CertificateDer::pem_slice_iter(chain).collect::<Result<Vec<_>, _>>();
        let chain = chain.map_err(|error| FlawedIdentity::Certificate(not_pem(&error)))?;
        let Some(own) = chain.first() else {
            return Err(FlawedIdentity::Certificate(NO_CERTIFICATE.to_owned()));
        };
        check_dates(own, now).map_err(FlawedIdentity::Certificate)?;
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
        let identity = CertifiedKey::from_der(chain, key, &default_provider());
        identity.map(Identity).map_err(|error| {
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
            .map(Identity)
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
        self.0.cert.first().map_or(&[], |certificate| certificate)
    }

    pub(super) fn into_key(self) -> Arc<CertifiedKey> {
        Arc::new(self.0)
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

/// Chains are not looked at, that is for clients: with nobody to trust it is unknown who issued a
/// certificate, unless its dates are wrong, which is found before.
fn check_dates(certificate: &CertificateDer<'_>, now: u64) -> Result<(), String> {
    let parsed = EndEntityCert::try_from(certificate)
        .map_err(|error| format!("not a certificate: {error}"))?;
    let now = UnixTime::since_unix_epoch(Duration::from_secs(now));
    let usage = KeyUsage::server_auth();
    match parsed.verify_for_usage(&[], &[], &[], now, usage, None, None) {
        Err(webpki::Error::CertExpired { .. }) => {
            Err("the certificate has expired, get a new one".to_owned())
        }
        Err(webpki::Error::CertNotValidYet { .. }) => {
            Err("the certificate is not valid yet: look at this machine's clock".to_owned())
        }
        _ => Ok(()),
    }
}

fn not_pem(error: &pem::Error) -> String {
    format!("not PEM text: {error}")
}
