//! Why a server did not start: one line that names the flag, the file and the line, and says what
//! would be right. Only what the operator can mend belongs here, nothing that a client did.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Why a server did not start, or had to end.
#[derive(Debug)]
pub enum StartError {
    /// The folder to serve cannot be opened.
    Root {
        /// The folder, as it was given.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// An address cannot be listened on.
    Listen {
        /// The address, as it was given.
        address: SocketAddr,
        /// What the kernel said.
        source: io::Error,
    },
    /// Active data connections cannot come from the port that they are to come from.
    ActivePort {
        /// The port, as it was given.
        port: u16,
        /// What the kernel said.
        source: io::Error,
    },
    /// The users file cannot be read, understood or written.
    Users {
        /// The file, as it was given.
        path: PathBuf,
        /// The line that is wrong, where it is one.
        line: Option<usize>,
        /// What is wrong, and what would be right.
        message: String,
    },
    /// What was said of TLS cannot be used.
    Tls {
        /// The option.
        flag: &'static str,
        /// The file that it names, if it is about one.
        path: Option<PathBuf>,
        /// What is wrong, and what would be right.
        message: String,
    },
    /// The kernel refused what the event loop needs.
    Loop(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Root { path, source } => root(f, path, source),
            StartError::Listen { address, source } => listen(f, *address, source),
            StartError::ActivePort { port, source } => active_port(f, *port, source),
            StartError::Users { path, line: Some(line), message } => {
                write!(f, "--users {}, line {line}: {message}", path.display())
            }
            StartError::Users { path, line: None, message } => {
                write!(f, "--users {}: {message}", path.display())
            }
            StartError::Tls { flag, path: Some(path), message } => {
                write!(f, "{flag} {}: {message}", path.display())
            }
            StartError::Tls { flag, path: None, message } => write!(f, "{flag}: {message}"),
            StartError::Loop(source) => write!(f, "the kernel refused the event loop: {source}"),
        }
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            StartError::Root { source, .. } | StartError::Listen { source, .. } => Some(source),
            StartError::ActivePort { source, .. } | StartError::Loop(source) => Some(source),
            StartError::Users { .. } | StartError::Tls { .. } => None,
        }
    }
}

fn root(f: &mut fmt::Formatter<'_>, path: &Path, source: &io::Error) -> fmt::Result {
    write!(f, "ROOT {}: ", path.display())?;
    match source.kind() {
        ErrorKind::NotFound => f.write_str("no such folder; name one that exists"),
        ErrorKind::NotADirectory => f.write_str("not a folder; name the folder that it is in"),
        ErrorKind::PermissionDenied => {
            f.write_str("no permission; name a folder that this user may read and enter")
        }
        _ => write!(f, "{source}; name a folder that can be opened"),
    }
}

fn listen(f: &mut fmt::Formatter<'_>, address: SocketAddr, source: &io::Error) -> fmt::Result {
    write!(f, "--listen {address}: ")?;
    let mut other = address;
    match source.kind() {
        ErrorKind::AddrInUse => {
            other.set_port(address.port().checked_add(1).unwrap_or(52305));
            write!(f, "already in use; choose another port, such as --listen {other}")
        }
        ErrorKind::PermissionDenied => {
            other.set_port(2121);
            write!(f, "no permission: ports below 1024 need CAP_NET_BIND_SERVICE; ")?;
            write!(f, "choose a higher one, such as --listen {other}")
        }
        ErrorKind::AddrNotAvailable => {
            let all = if address.is_ipv4() { "0.0.0.0" } else { "[::]" };
            write!(f, "this machine has no such address; all of its own are --listen {all}:")?;
            write!(f, "{}", address.port())
        }
        _ => write!(f, "{source}; choose another address or port"),
    }
}

fn active_port(f: &mut fmt::Formatter<'_>, port: u16, source: &io::Error) -> fmt::Result {
    write!(f, "--active-port {port}: ")?;
    match source.kind() {
        ErrorKind::AddrInUse => f.write_str("somebody listens there; choose another port"),
        ErrorKind::PermissionDenied => {
            f.write_str("no permission: ports below 1024 need CAP_NET_BIND_SERVICE; ")?;
            f.write_str("leave the option out, and any port is taken")
        }
        _ => write!(f, "{source}; choose another port"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_is_one_line_that_says_what_would_be_right() {
        let root = |kind: ErrorKind| StartError::Root { path: "/x".into(), source: kind.into() };
        let listen = |address: &str, kind: ErrorKind| StartError::Listen {
            address: address.parse().unwrap(),
            source: kind.into(),
        };
        let active = |kind: ErrorKind| StartError::ActivePort { port: 20, source: kind.into() };
        let users = |line| StartError::Users {
            path: "u.toml".into(),
            line,
            message: "no such file".to_owned(),
        };
        for (error, starts, holds) in [
            (root(ErrorKind::NotFound), "ROOT /x: no such folder; ", "exists"),
            (root(ErrorKind::NotADirectory), "ROOT /x: not a folder; ", "folder that"),
            (root(ErrorKind::PermissionDenied), "ROOT /x: no permission; ", "may read"),
            (root(ErrorKind::Other), "ROOT /x: ", "can be opened"),
            (listen("127.0.0.1:2121", ErrorKind::AddrInUse), "--listen 127.0.0.1:2121: ", ":2122"),
            (listen("[::1]:65535", ErrorKind::AddrInUse), "--listen [::1]:65535: ", "[::1]:52305"),
            (listen("0.0.0.0:21", ErrorKind::PermissionDenied), "--listen 0.0.0.0:21: ", ":2121"),
            (listen("192.0.2.1:9", ErrorKind::AddrNotAvailable), "--listen ", "0.0.0.0:9"),
            (listen("192.0.2.1:9", ErrorKind::Other), "--listen 192.0.2.1:9: ", "another"),
            (active(ErrorKind::AddrInUse), "--active-port 20: somebody", "another port"),
            (
                active(ErrorKind::PermissionDenied),
                "--active-port 20: no perm",
                "leave the option out",
            ),
            (active(ErrorKind::Other), "--active-port 20: ", "another port"),
            (users(Some(3)), "--users u.toml, line 3: no", "file"),
            (users(None), "--users u.toml: no", "file"),
            (StartError::Loop(ErrorKind::Other.into()), "the kernel", "event loop"),
        ] {
            let line = error.to_string();
            assert!(line.starts_with(starts) && line.contains(holds), "{line}");
            assert!(!line.contains('\n'), "{line}");
        }
    }
}
