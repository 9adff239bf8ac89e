//! An authority of the test's own, what it signs, and the files that this is kept in.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, PKCS_ECDSA_P256_SHA256,
    PKCS_RSA_SHA256, RsaKeySize,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fs;
use std::path::{Path, PathBuf};

/// Somebody who vouches for others.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate, then those that vouch for it, the root left out.
    chain: Vec<CertificateDer<'static>>,
    certificate: CertificateDer<'static>,
}

/// A certificate with those that vouch for it, and its key.
pub struct Certified {
    pub chain: Vec<CertificateDer<'static>>,
    key: KeyPair,
}

impl Authority {
    pub fn new() -> Authority {
        let (params, key) = (authority(0), KeyPair::generate().unwrap());
        let certificate = params.self_signed(&key).unwrap().der().clone();
        Authority { issuer: Issuer::new(params, key), chain: Vec::new(), certificate }
    }

    /// An authority that this one vouches for.
    pub fn subordinate(&self) -> Authority {
        let (params, key) = (authority(1 + self.chain.len()), KeyPair::generate().unwrap());
        let certificate = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        let chain = [vec![certificate.clone()], self.chain.clone()].concat();
        Authority { issuer: Issuer::new(params, key), chain, certificate }
    }

    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    pub fn pem(&self) -> String {
        pem("CERTIFICATE", &self.certificate)
    }

    /// A certificate for these names.
    pub fn certify(&self, names: &[&str]) -> Certified {
        self.certify_with(names, KeyPair::generate().unwrap(), |_| {})
    }

    /// The same for a key that there is, with some settings changed.
    pub fn certify_with(
        &self,
        names: &[&str],
        key: KeyPair,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Certified {
        let names = names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let mut params = CertificateParams::new(names).unwrap();
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        Certified { chain: [vec![certificate], self.chain.clone()].concat(), key }
    }
}

/// So many stand above it.
fn authority(depth: usize) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, format!("authority {depth}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

impl Certified {
    pub fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(self.key.serialize_der().into())
    }

    pub fn chain_pem(&self) -> String {
        self.chain.iter().map(|certificate| pem("CERTIFICATE", certificate)).collect()
    }

    pub fn key_pem(&self) -> String {
        pem("PRIVATE KEY", &self.key.serialize_der())
    }

    /// The key in the form that its kind had before PKCS#8, which only wraps it.
    pub fn old_key_pem(&self) -> String {
        let label = match self.key.algorithm() {
            algorithm if algorithm == &PKCS_ECDSA_P256_SHA256 => "EC PRIVATE KEY",
            algorithm if algorithm == &PKCS_RSA_SHA256 => "RSA PRIVATE KEY",
            algorithm => panic!("{algorithm:?} is younger"),
        };
        let pkcs8 = self.key.serialize_der();
        let (_, within, _) = element(&pkcs8);
        let (_, _version, rest) = element(within);
        let (_, _algorithm, rest) = element(rest);
        let (_, key, _) = element(rest);
        pem(label, key)
    }

    /// Keeps it as `NAME.pem` and `NAME.key`.
    pub fn save(&self, folder: &Path, name: &str) -> Saved {
        let certificate = folder.join(format!("{name}.pem"));
        let key = folder.join(format!("{name}.key"));
        fs::write(&certificate, self.chain_pem()).unwrap();
        fs::write(&key, self.key_pem()).unwrap();
        Saved { certificate, key }
    }
}

/// Files of a certificate, with those that vouch for it, and of its key.
pub struct Saved {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

pub fn rsa_key() -> KeyPair {
    KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap()
}

/// The tag and the content of the first element of DER, and what comes behind it.
fn element(der: &[u8]) -> (u8, &[u8], &[u8]) {
    let (tag, first) = (der[0], usize::from(der[1]));
    let digits = first.saturating_sub(0x80);
    let length = match digits {
        0 => first,
        _ => der[2..2 + digits].iter().fold(0, |length, &byte| length << 8 | usize::from(byte)),
    };
    let (content, rest) = der[2 + digits..].split_at(length);
    (tag, content, rest)
}

pub fn pem(label: &str, der: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in der.chunks(3) {
        let bits = (0..3).fold(0, |bits, at| bits << 8 | u32::from(*three.get(at).unwrap_or(&0)));
        for at in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * at)) as usize & 63];
            text.push(if at <= three.len() { char::from(digit) } else { '=' });
        }
    }
    let lines: Vec<_> =
        text.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}
