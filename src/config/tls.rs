//! What the operator says of TLS, and the files that it takes.

use super::StartError;
use crate::users::RequireTls;
use std::fs;
use std::path::{Path, PathBuf};

/// Everything that a server is told of TLS.
#[derive(Clone, Debug)]
pub struct TlsConfig {
    /// What the server shows to be itself.
    pub identity: TlsIdentity,
    /// Certificate authorities, PEM, whose clients may show a certificate; `None` asks for none.
    pub client_ca: Option<PathBuf>,
    /// What must be under TLS; a user's account may ask for more.
    pub require: RequireTls,
    /// Whether data connections resume the TLS session of their control connection.
    pub session_reuse: SessionReuse,
    /// Whether an upload that ends by a FIN alone is complete: some clients never send the
    /// close_notify that tells an end from a cut.
    pub lenient_close: bool,
}

impl TlsConfig {
    /// TLS by this identity, with every other setting at its default.
    pub fn new(identity: TlsIdentity) -> TlsConfig {
        TlsConfig {
            identity,
            client_ca: None,
            require: RequireTls::Off,
            session_reuse: SessionReuse::Prefer,
            lenient_close: false,
        }
    }

    /// Reads the files that it names.
    ///
    /// # Errors
    /// The one that cannot be read.
    pub fn read(&self) -> Result<TlsFiles, StartError> {
        let pairs = match &self.identity {
            TlsIdentity::SelfSigned => Vec::new(),
            TlsIdentity::Files(pairs) => pairs
                .iter()
                .map(|pair| {
                    Ok((read("--tls-cert", &pair.certificate)?, read("--tls-key", &pair.key)?))
                })
                .collect::<Result<_, StartError>>()?,
        };
        let client_ca = self.client_ca.as_ref();
        let client_ca = client_ca.map(|path| read("--tls-client-ca", path)).transpose()?;
        Ok(TlsFiles { pairs, client_ca })
    }
}

/// What a server shows to be itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsIdentity {
    /// A certificate that is made at each start and that nobody vouches for; its fingerprint is
    /// for people to compare.
    SelfSigned,
    /// Certificates from files; which one is shown is decided by the name that a client asks for,
    /// and the first is for all other names.
    Files(Vec<TlsPair>),
}

/// A certificate chain and its key, both PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsPair {
    /// The server's own certificate, and behind it those that vouch for it.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Whether data connections resume the TLS session of their control connection, and so are the
/// client's own.
///
/// Not all clients do, so they must only where that is said. As `tests/clients` has them (Debian
/// 12), against `Require`:
///
/// | client | TLS 1.2 | TLS 1.3 |
/// | --- | --- | --- |
/// | lftp 4.9 | yes | yes |
/// | wget 1.21 | yes | yes |
/// | curl 7.88 | yes | yes, save for the second of two uploads in a row |
/// | rclone 1.60 | with one connection only (`--ftp-concurrency 1`) | the same |
/// | Python's ftplib | no; yes when told `session=` | the same |
/// | rustls, as in the tests | yes | yes, save for the fifth of five uploads in a row |
///
/// Who uses each ticket of TLS 1.3 once needs new ones, and an upload brings none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum SessionReuse {
    /// They can't: every handshake is a full one.
    Off,
    /// They may.
    Prefer,
    /// They must.
    Require,
}

/// What stands in the files.
#[derive(Debug)]
pub struct TlsFiles {
    /// Certificate chains and their keys, in the order of [`TlsIdentity::Files`].
    pub pairs: Vec<(Vec<u8>, Vec<u8>)>,
    /// Certificate authorities of clients.
    pub client_ca: Option<Vec<u8>>,
}

fn read(flag: &'static str, path: &Path) -> Result<Vec<u8>, StartError> {
    fs::read(path).map_err(|error| StartError::Tls {
        flag,
        path: Some(path.to_owned()),
        message: match error.kind() {
            std::io::ErrorKind::NotFound => "no such file; name one that exists".to_owned(),
            std::io::ErrorKind::PermissionDenied => {
                "no permission; run as its owner, or give it to this user".to_owned()
            }
            _ => error.to_string(),
        },
    })
}
