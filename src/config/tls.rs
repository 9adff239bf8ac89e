//! Settings of TLS, and the PEM text that they name.

use std::borrow::Cow;
use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::str::FromStr;

use super::{Error, ErrorKind};
use crate::users::{RequireTls, ValueError};

/// Settings of TLS. [`TlsConfig::new`] gives the defaults; assign to the fields that should differ.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsConfig {
    /// Certificates that the server shows to be itself.
    pub identity: TlsIdentity,
    /// Certificate authorities whose clients may show a certificate; `None` asks for none.
    pub client_ca: Option<Pem>,
    /// Connections that must be under TLS; a user's account may ask for more.
    pub require: RequireTls,
    /// Reuse of the control connection's TLS session by data connections.
    pub session_reuse: SessionReuse,
    /// End that an upload must come to.
    pub close: TlsClose,
}

impl TlsConfig {
    /// TLS by this identity, with every other setting at its default: nothing is required, data
    /// connections may resume TLS sessions, and clients have no certificates.
    pub fn new(identity: TlsIdentity) -> TlsConfig {
        TlsConfig {
            identity,
            client_ca: None,
            require: RequireTls::Off,
            session_reuse: SessionReuse::Prefer,
            close: TlsClose::Auto,
        }
    }
}

/// Identity of a server: the certificates that it shows.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsIdentity {
    /// A certificate that is made at each start and that nobody vouches for; its fingerprint is
    /// for people to compare.
    SelfSigned,
    /// Certificates of its own, one at least. A client is shown the first that is for the name it
    /// asks for, or else the first of all.
    Certificates(Vec<TlsPair>),
}

/// A certificate chain and its key.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsPair {
    /// The server's own certificate, and behind it those that vouch for it.
    pub certificate: Pem,
    /// The private key, in PKCS#8, SEC1 or PKCS#1 and without a passphrase.
    pub key: Pem,
}

impl TlsPair {
    /// A pair from two files, which may be one.
    pub fn files(certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> TlsPair {
        TlsPair { certificate: Pem::File(certificate.into()), key: Pem::File(key.into()) }
    }

    /// A pair from two texts in PEM.
    pub fn pem(certificate: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> TlsPair {
        TlsPair { certificate: Pem::Text(certificate.into()), key: Pem::Text(key.into()) }
    }
}

/// Text in PEM (RFC 7468), or the file that holds it.
#[non_exhaustive]
#[derive(Clone, PartialEq, Eq)]
pub enum Pem {
    /// A file, read when the server starts and at each reload.
    File(PathBuf),
    /// The text itself.
    Text(Vec<u8>),
}

impl Pem {
    /// The text; an error is of this kind.
    pub(crate) fn read(&self, kind: ErrorKind) -> Result<Cow<'_, [u8]>, Error> {
        match self {
            Pem::File(path) => {
                fs::read(path).map(Cow::Owned).map_err(|source| Error::file(kind, path, source))
            }
            Pem::Text(text) => Ok(Cow::Borrowed(text)),
        }
    }

    /// An error of this kind, which the text is to blame for.
    pub(crate) fn flawed(&self, kind: ErrorKind, trouble: String) -> Error {
        match self {
            Pem::File(path) => Error::content(kind, path, None, trouble),
            Pem::Text(_) => Error::setting(kind, trouble),
        }
    }
}

/// Shows no text, so that no log ever holds a private key.
impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pem::File(path) => f.debug_tuple("File").field(path).finish(),
            Pem::Text(_) => f.write_str("Text(..)"),
        }
    }
}

/// Reuse of TLS sessions: whether data connections resume that of their control connection, and so
/// are the client's own.
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
/// A client that uses each ticket of TLS 1.3 once needs new ones, and an upload brings none. So under
/// `Prefer` none of these is refused: a client must resume once it has shown that it can, by a TLS
/// session of its control connection (which Java and Perl never resume), but not behind more uploads
/// than it has done so before, nor while its user has several connections from one address, which
/// share their tickets (rclone, curl's `--parallel`).
///
/// A data connection also shows the certificate that the client has shown on its control connection,
/// whatever is said here.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionReuse {
    /// Data connections can't: every handshake is a full one.
    Off,
    /// Data connections may, and must once the client has shown that it can.
    Prefer,
    /// Data connections must.
    Require,
}

impl FromStr for SessionReuse {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<SessionReuse, ValueError> {
        match text {
            "off" => Ok(SessionReuse::Off),
            "prefer" => Ok(SessionReuse::Prefer),
            "require" => Ok(SessionReuse::Require),
            _ => Err(ValueError::new("write one of off, prefer, require")),
        }
    }
}

/// End of an upload under TLS: whether a FIN alone, without the close_notify that tells an end from a
/// cut, makes it complete. A reset never does, nor a FIN within a record.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsClose {
    /// A FIN alone does until a session has shown that it sends a close_notify: many clients never
    /// do.
    Auto,
    /// A FIN is a cut.
    Strict,
    /// A FIN ends it.
    Lenient,
}

impl FromStr for TlsClose {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<TlsClose, ValueError> {
        match text {
            "auto" => Ok(TlsClose::Auto),
            "strict" => Ok(TlsClose::Strict),
            "lenient" => Ok(TlsClose::Lenient),
            _ => Err(ValueError::new("write one of auto, strict, lenient")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_key() {
        let shown = format!("{:?}", TlsPair::pem("chain", "secret"));
        assert_eq!(shown, "TlsPair { certificate: Text(..), key: Text(..) }");
    }
}
