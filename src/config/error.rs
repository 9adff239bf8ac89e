//! An error of a server that cannot start, or had to end: one line that names the setting, the file
//! and the line, and says what would be right. Only faults that the operator can mend belong here,
//! nothing that a client did.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// An error of a server that cannot start, or had to end.
///
/// The text is one line for people; programs match on [`kind`](Error::kind).
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    place: Place,
    trouble: String,
    /// Advice, where the trouble doesn't hold it.
    remedy: Option<&'static str>,
    source: Option<io::Error>,
}

/// The setting that an [`Error`] is about.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The configuration file cannot be read.
    ConfigFile,
    /// [`Config::root`](crate::Config::root) cannot be opened.
    Root,
    /// An address of [`Config::listen`](crate::Config::listen) or
    /// [`Config::listen_tls`](crate::Config::listen_tls) cannot be listened on.
    Listen,
    /// [`Config::active_port`](crate::Config::active_port) cannot be connected from.
    ActivePort,
    /// [`Config::users`](crate::Config::users) cannot be read or written, or is flawed.
    UsersFile,
    /// [`Config::banner`](crate::Config::banner) is not one line.
    Banner,
    /// [`Config::passive_ports`](crate::Config::passive_ports) are no range of ports.
    PassivePorts,
    /// One of [`Config::accounts`](crate::Config::accounts) is nobody's that can log in.
    Account,
    /// A certificate chain cannot be read or used.
    Certificate,
    /// A private key cannot be read or used, or is not that of its certificate.
    PrivateKey,
    /// [`TlsConfig::client_ca`](crate::TlsConfig::client_ca) cannot be read or used.
    ClientCa,
    /// [`Config::tls`](crate::Config::tls) lacks something, or this machine does.
    Tls,
    /// TLS is asked of a build without the feature `tls`.
    TlsUnsupported,
    /// The kernel refuses a poll or a signal handler, or the poll fails.
    EventLoop,
    /// The kernel gives no random numbers.
    RandomNumbers,
}

/// Place of an error.
#[derive(Debug)]
enum Place {
    /// The setting itself.
    Setting,
    File(PathBuf),
    /// A line of the file, counted from 1.
    Line(PathBuf, usize),
    Address(SocketAddr),
    Port(u16),
    /// The account of this name.
    Account(String),
}

impl Error {
    /// The setting that it is about.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The file or folder that it is about, as it was given.
    pub fn path(&self) -> Option<&Path> {
        match &self.place {
            Place::File(path) | Place::Line(path, _) => Some(path),
            Place::Setting | Place::Address(_) | Place::Port(_) | Place::Account(_) => None,
        }
    }

    /// The line of that file, counted from 1.
    pub fn line(&self) -> Option<usize> {
        match self.place {
            Place::Line(_, line) => Some(line),
            Place::Setting
            | Place::File(_)
            | Place::Address(_)
            | Place::Port(_)
            | Place::Account(_) => None,
        }
    }

    /// The address that cannot be listened on, as it was given.
    pub fn address(&self) -> Option<SocketAddr> {
        match self.place {
            Place::Address(address) => Some(address),
            Place::Setting
            | Place::File(_)
            | Place::Line(..)
            | Place::Port(_)
            | Place::Account(_) => None,
        }
    }

    pub(crate) fn root(path: &Path, source: io::Error) -> Error {
        use io::ErrorKind::{NotADirectory, NotFound, PermissionDenied};
        let (trouble, remedy) = match source.kind() {
            NotFound => ("no such folder".to_owned(), "name one that exists"),
            NotADirectory => ("not a folder".to_owned(), "name the folder that it is in"),
            PermissionDenied => {
                ("no permission".to_owned(), "name a folder that this user may read and enter")
            }
            _ => (source.to_string(), "name a folder that can be opened"),
        };
        let place = Place::File(path.to_owned());
        Error { kind: ErrorKind::Root, place, trouble, remedy: Some(remedy), source: Some(source) }
    }

    pub(crate) fn listen(address: SocketAddr, source: io::Error) -> Error {
        use io::ErrorKind::{AddrInUse, AddrNotAvailable, PermissionDenied};
        let (trouble, remedy) = match source.kind() {
            AddrInUse => ("already in use".to_owned(), "choose another port"),
            PermissionDenied => (PRIVILEGED.to_owned(), "choose a higher one"),
            AddrNotAvailable => {
                ("this machine has no such address".to_owned(), "choose one that it has")
            }
            _ => (source.to_string(), "choose another address or port"),
        };
        let (kind, place) = (ErrorKind::Listen, Place::Address(address));
        Error { kind, place, trouble, remedy: Some(remedy), source: Some(source) }
    }

    pub(crate) fn active_port(port: u16, source: io::Error) -> Error {
        use io::ErrorKind::{AddrInUse, PermissionDenied};
        let (trouble, remedy) = match source.kind() {
            AddrInUse => ("somebody listens there".to_owned(), "choose another port"),
            PermissionDenied => (PRIVILEGED.to_owned(), "name none, and any port is taken"),
            _ => (source.to_string(), "choose another port"),
        };
        let (kind, place) = (ErrorKind::ActivePort, Place::Port(port));
        Error { kind, place, trouble, remedy: Some(remedy), source: Some(source) }
    }

    pub(crate) fn event_loop(source: io::Error) -> Error {
        let (kind, trouble) = (ErrorKind::EventLoop, source.to_string());
        Error { kind, place: Place::Setting, trouble, remedy: None, source: Some(source) }
    }

    pub(crate) fn random_numbers(source: io::Error) -> Error {
        let (kind, trouble) = (ErrorKind::RandomNumbers, source.to_string());
        Error { kind, place: Place::Setting, trouble, remedy: None, source: Some(source) }
    }

    /// A file that the kernel keeps from us.
    pub(crate) fn file(kind: ErrorKind, path: &Path, source: io::Error) -> Error {
        use io::ErrorKind::{NotFound, PermissionDenied};
        let (trouble, remedy) = match source.kind() {
            NotFound => ("no such file".to_owned(), Some("name one that exists")),
            PermissionDenied => {
                ("no permission".to_owned(), Some("run as its owner, or give it to this user"))
            }
            _ => (source.to_string(), None),
        };
        let place = Place::File(path.to_owned());
        Error { kind, place, trouble, remedy, source: Some(source) }
    }

    /// A file whose content is wrong, in this line of it where it is one.
    pub(crate) fn content(
        kind: ErrorKind,
        path: &Path,
        line: Option<usize>,
        trouble: String,
    ) -> Error {
        let path = path.to_owned();
        let place = match line {
            Some(line) => Place::Line(path, line),
            None => Place::File(path),
        };
        Error { kind, place, trouble, remedy: None, source: None }
    }

    pub(crate) fn account(name: &str, trouble: String) -> Error {
        let (kind, place) = (ErrorKind::Account, Place::Account(name.to_owned()));
        Error { kind, place, trouble, remedy: None, source: None }
    }

    /// A setting that is wrong in itself.
    pub(crate) fn setting(kind: ErrorKind, trouble: impl Into<String>) -> Error {
        Error { kind, place: Place::Setting, trouble: trouble.into(), remedy: None, source: None }
    }

    /// The kind of the kernel's error, where there is one behind it.
    pub(super) fn io_kind(&self) -> Option<io::ErrorKind> {
        self.source.as_ref().map(io::Error::kind)
    }

    /// Line of an error, with this noun for the setting, and this remedy if any.
    pub(super) fn in_words(&self, noun: &str, remedy: Option<&str>) -> String {
        let trouble = &self.trouble;
        let place = match &self.place {
            Place::Setting => String::new(),
            Place::File(path) => format!(" {}", path.display()),
            Place::Line(path, line) => format!(" {}, line {line}", path.display()),
            Place::Address(address) => format!(" {address}"),
            Place::Port(port) => format!(" {port}"),
            Place::Account(name) => format!(" {}", name.escape_debug()),
        };
        match remedy.or(self.remedy) {
            Some(remedy) => format!("{noun}{place}: {trouble}; {remedy}"),
            None => format!("{noun}{place}: {trouble}"),
        }
    }
}

const PRIVILEGED: &str = "no permission: ports below 1024 need CAP_NET_BIND_SERVICE";

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let noun = match self.kind {
            ErrorKind::ConfigFile => "the configuration file",
            ErrorKind::Root => "the root",
            ErrorKind::Listen => "listening on",
            ErrorKind::ActivePort => "active data connections from port",
            ErrorKind::UsersFile => "the users file",
            ErrorKind::Banner => "the banner",
            ErrorKind::PassivePorts => "the passive ports",
            ErrorKind::Account => "the account",
            ErrorKind::Certificate => "the certificate",
            ErrorKind::PrivateKey => "the private key",
            ErrorKind::ClientCa => "the authorities of client certificates",
            ErrorKind::Tls | ErrorKind::TlsUnsupported => "TLS",
            ErrorKind::EventLoop => "the kernel refused the event loop",
            ErrorKind::RandomNumbers => "the kernel gives no random numbers",
        };
        f.write_str(&self.in_words(noun, None))
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error as _;
    use std::io::ErrorKind as Io;

    #[test]
    fn each_error_is_one_line_that_says_what_would_be_right() {
        let root = |kind: Io| Error::root(Path::new("/x"), kind.into());
        let listen = |address: &str, kind: Io| Error::listen(address.parse().unwrap(), kind.into());
        let active = |kind: Io| Error::active_port(20, kind.into());
        let users = |kind: Io| Error::file(ErrorKind::UsersFile, Path::new("u"), kind.into());
        let wrong = |kind, line| Error::content(kind, Path::new("f"), line, "is off".to_owned());
        for (error, line) in [
            (root(Io::NotFound), "the root /x: no such folder; name one that exists"),
            (root(Io::NotADirectory), "the root /x: not a folder; name the folder that it is in"),
            (
                listen("[::1]:65535", Io::AddrInUse),
                "listening on [::1]:65535: already in use; choose another port",
            ),
            (
                listen("192.0.2.1:9", Io::AddrNotAvailable),
                "listening on 192.0.2.1:9: this machine has no such address; choose one that it has",
            ),
            (
                active(Io::PermissionDenied),
                "active data connections from port 20: no permission: ports below 1024 need \
                 CAP_NET_BIND_SERVICE; name none, and any port is taken",
            ),
            (users(Io::NotFound), "the users file u: no such file; name one that exists"),
            (wrong(ErrorKind::UsersFile, Some(3)), "the users file f, line 3: is off"),
            (wrong(ErrorKind::Certificate, None), "the certificate f: is off"),
            (Error::account("a\n", "is off".to_owned()), "the account a\\n: is off"),
            (Error::setting(ErrorKind::Tls, "is off"), "TLS: is off"),
        ] {
            assert_eq!(error.to_string(), line);
        }
        let lost = Error::event_loop(Io::Other.into());
        assert!(lost.to_string().starts_with("the kernel refused the event loop: "), "{lost}");
    }

    #[test]
    fn an_error_knows_its_place_and_source() {
        let flaw = Error::content(ErrorKind::UsersFile, Path::new("f"), Some(3), String::new());
        assert_eq!((flaw.kind(), flaw.line()), (ErrorKind::UsersFile, Some(3)));
        assert_eq!((flaw.path(), flaw.address()), (Some(Path::new("f")), None));
        assert!(flaw.source().is_none());
        let address = "127.0.0.1:21".parse().unwrap();
        let taken = Error::listen(address, Io::AddrInUse.into());
        assert_eq!((taken.address(), taken.path(), taken.line()), (Some(address), None, None));
        assert!(taken.source().is_some());
    }
}
