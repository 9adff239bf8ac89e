//! An error in the words of the command line: the same line that the library says, with the option
//! to change and what to type. Only the program speaks so.

use std::io::ErrorKind::{AddrInUse, AddrNotAvailable, NotFound, PermissionDenied};

use super::{Error, ErrorKind};

/// Error as a line for the command line.
pub fn explain(error: &Error) -> String {
    let (noun, remedy) = match error.kind() {
        ErrorKind::ConfigFile => ("--config", None),
        ErrorKind::Root => ("ROOT", None),
        ErrorKind::Listen => ("--listen", other_address(error)),
        ErrorKind::ActivePort => ("--active-port", other_active_port(error)),
        ErrorKind::UsersFile => ("--users", users_file(error)),
        ErrorKind::Banner => ("--banner", None),
        ErrorKind::PassivePorts => ("--passive-ports", None),
        ErrorKind::Certificate => ("--tls-cert", None),
        ErrorKind::PrivateKey => ("--tls-key", None),
        ErrorKind::ClientCa => ("--tls-client-ca", None),
        ErrorKind::Tls => ("--tls", None),
        ErrorKind::Account
        | ErrorKind::TlsUnsupported
        | ErrorKind::EventLoop
        | ErrorKind::RandomNumbers => return error.to_string(),
    };
    error.in_words(noun, remedy.as_deref())
}

fn other_address(error: &Error) -> Option<String> {
    let address = error.address()?;
    let mut other = address;
    match error.io_kind()? {
        AddrInUse => {
            other.set_port(address.port().checked_add(1).unwrap_or(52305));
            Some(format!("choose another port, such as --listen {other}"))
        }
        PermissionDenied => {
            other.set_port(2121);
            Some(format!("choose a higher one, such as --listen {other}"))
        }
        AddrNotAvailable => {
            let all = if address.is_ipv4() { "0.0.0.0" } else { "[::]" };
            Some(format!("all of its own are --listen {all}:{}", address.port()))
        }
        _ => None,
    }
}

fn other_active_port(error: &Error) -> Option<String> {
    let denied = error.io_kind()? == PermissionDenied;
    denied.then(|| "leave the option out, and any port is taken".to_owned())
}

fn users_file(error: &Error) -> Option<String> {
    let path = error.path()?.display();
    match error.io_kind()? {
        NotFound => Some(format!("`packetboat user add NAME --users {path}` makes one")),
        PermissionDenied => Some("run as the file's owner, or give it to this user".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::ErrorKind as Io;
    use std::path::Path;

    #[test]
    fn each_error_names_what_to_type() {
        let root = |kind: Io| Error::root(Path::new("/x"), kind.into());
        let listen = |address: &str, kind: Io| Error::listen(address.parse().unwrap(), kind.into());
        let active = |kind: Io| Error::active_port(20, kind.into());
        let users =
            |line| Error::content(ErrorKind::UsersFile, Path::new("u"), line, "off".to_owned());
        let missing = |kind| Error::file(kind, Path::new("u"), Io::NotFound.into());
        for (error, starts, holds) in [
            (root(Io::NotFound), "ROOT /x: no such folder; ", "exists"),
            (root(Io::NotADirectory), "ROOT /x: not a folder; ", "folder that"),
            (root(Io::PermissionDenied), "ROOT /x: no permission; ", "may read"),
            (root(Io::Other), "ROOT /x: ", "can be opened"),
            (listen("127.0.0.1:2121", Io::AddrInUse), "--listen 127.0.0.1:2121: ", ":2122"),
            (listen("[::1]:65535", Io::AddrInUse), "--listen [::1]:65535: ", "[::1]:52305"),
            (listen("0.0.0.0:21", Io::PermissionDenied), "--listen 0.0.0.0:21: ", ":2121"),
            (listen("192.0.2.1:9", Io::AddrNotAvailable), "--listen ", "--listen 0.0.0.0:9"),
            (listen("192.0.2.1:9", Io::Other), "--listen 192.0.2.1:9: ", "another"),
            (active(Io::AddrInUse), "--active-port 20: somebody", "another port"),
            (active(Io::PermissionDenied), "--active-port 20: no perm", "leave the option out"),
            (active(Io::Other), "--active-port 20: ", "another port"),
            (users(Some(3)), "--users u, line 3: o", "off"),
            (users(None), "--users u: o", "off"),
            (missing(ErrorKind::UsersFile), "--users u: no such file; ", "`packetboat user add"),
            (missing(ErrorKind::Certificate), "--tls-cert u: no such file; ", "exists"),
            (missing(ErrorKind::PrivateKey), "--tls-key u: no such file; ", "exists"),
            (missing(ErrorKind::ClientCa), "--tls-client-ca u: no such file; ", "exists"),
            (Error::setting(ErrorKind::Tls, "off"), "--tls: o", "off"),
            (Error::event_loop(Io::Other.into()), "the kernel", "event loop"),
        ] {
            let line = explain(&error);
            assert!(line.starts_with(starts) && line.contains(holds), "{line}");
            assert!(!line.contains('\n'), "{line}");
        }
    }
}
