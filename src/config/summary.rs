//! Summary of a server at its start, one readable line each: where it listens, what it serves, who
//! may do what. Words only: nothing is decided here that `Config` has not decided.

use super::{Anonymous, Config, Error, TlsConfig, TlsIdentity, Users};
use crate::users::{Accounts, RequireTls};
use std::fs;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

/// The lines to print once a server is bound to `addresses`.
///
/// # Errors
/// The folder or the users file is gone since then.
pub fn summary(
    config: &Config,
    addresses: &[SocketAddr],
    fingerprint: Option<&str>,
) -> Result<Vec<String>, Error> {
    let folder =
        fs::canonicalize(&config.root).map_err(|source| Error::root(&config.root, source))?;
    let users = Users::open(config)?;
    let mut lines = lines(config, addresses, &folder, users.in_file());
    lines.extend(config.tls.as_ref().map(|tls| secured(tls, fingerprint)));
    Ok(lines)
}

fn lines(
    config: &Config,
    addresses: &[SocketAddr],
    folder: &Path,
    users: Option<&Accounts>,
) -> Vec<String> {
    let explicit = config.listen.iter().map(|wanted| (wanted, "ftp"));
    let wanted = explicit.chain(config.listen_tls.iter().map(|wanted| (wanted, "ftps")));
    // Some wanted ones may be absent.
    let mut bound = addresses.iter().peekable();
    let listening = |(wanted, scheme): (&SocketAddr, &str)| {
        let is_it = |bound: &&SocketAddr| {
            bound.ip() == wanted.ip() && [0, bound.port()].contains(&wanted.port())
        };
        bound.next_if(is_it).map(|address| listening(scheme, *address))
    };
    let mut lines: Vec<String> = wanted.filter_map(listening).collect();
    lines.push(format!("Serving {}", folder.display()));
    lines.push(anonymous(config));
    if let (Some(users), Some(file)) = (users, &config.users) {
        lines.push(format!("{} in {}", counted(users), file.display()));
    }
    let has_users =
        users.is_some_and(|users| users.iter().len() > 0) || !config.accounts.is_empty();
    if config.anonymous_access() == Anonymous::Off && !has_users {
        lines.push(NOBODY.to_owned());
    }
    if let Some(ports) = &config.passive_ports {
        lines.push(format!("Passive transfers use the ports {} to {}", ports.start(), ports.end()));
    }
    lines
}

const NOBODY: &str = "Warning: nobody can log in: give --users a file with a user in it \
                      (`packetboat user add`), or --anonymous read";

/// An address to paste into a client; for a wildcard, how to make one.
fn listening(scheme: &str, address: SocketAddr) -> String {
    let port = address.port();
    let (here, family) = match address {
        SocketAddr::V4(_) => (SocketAddr::from((Ipv4Addr::LOCALHOST, port)), "IPv4"),
        SocketAddr::V6(_) => (SocketAddr::from((Ipv6Addr::LOCALHOST, port)), "IPv6"),
    };
    match address.ip().is_unspecified() {
        false => format!("Listening on {scheme}://{address}/"),
        true => format!(
            "Listening on every {family} address, port {port}: {scheme}://{here}/ from this \
             machine, {scheme}://NAME-OR-ADDRESS:{port}/ from others"
        ),
    }
}

fn secured(tls: &TlsConfig, fingerprint: Option<&str>) -> String {
    let required = match tls.require {
        RequireTls::Off => "for who asks for it",
        RequireTls::Login => "required to log in",
        RequireTls::Data => "required to log in and for data",
    };
    let identity = match tls.identity {
        TlsIdentity::SelfSigned => "a self-signed certificate of its own",
        TlsIdentity::Certificates(_) => "a certificate",
    };
    let fingerprint = fingerprint.map(|text| format!(", SHA-256 fingerprint {text}"));
    format!("TLS is {required}, with {identity}{}", fingerprint.unwrap_or_default())
}

fn anonymous(config: &Config) -> String {
    match (config.anonymous_access(), config.is_local()) {
        (Anonymous::Off, _) => "Anonymous users may not log in",
        (Anonymous::Read, true) => "Anonymous users may read only",
        (Anonymous::Read, false) => {
            "Anonymous users may read only, because other machines can connect"
        }
        (Anonymous::Upload, _) => "Anonymous users may store new files only",
        (Anonymous::Write, true) => {
            "Anonymous users may read and store, because only this machine can connect"
        }
        (Anonymous::Write, false) => {
            "Anonymous users may read and store, from every machine that can connect"
        }
    }
    .to_owned()
}

fn counted(users: &Accounts) -> String {
    let count = users.iter().len();
    let writers = users.iter().filter(|user| user.access.writes()).count();
    let noun = if count == 1 { "user" } else { "users" };
    format!("{count} {noun} ({} may read only, {writers} may also store)", count - writers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::users::{Access, StoredPassword};

    fn said(config: &Config, users: Option<&Accounts>) -> Vec<String> {
        lines(config, &config.listen, Path::new("/srv/files"), users)
    }

    #[test]
    fn with_no_configuration_at_all() {
        assert_eq!(
            said(&Config::new("files"), None),
            [
                "Listening on ftp://127.0.0.1:52305/",
                "Serving /srv/files",
                "Anonymous users may read and store, because only this machine can connect",
            ]
        );
    }

    #[test]
    fn open_to_others() {
        let mut config = Config::new("files");
        config.listen = ["0.0.0.0:21", "[::]:21"].map(|text| text.parse().unwrap()).to_vec();
        config.users = Some("u.toml".into());
        config.passive_ports = Some(50000..=50099);
        let password = StoredPassword::decoy();
        let user = |name, access| {
            format!("[users.{name}]\npassword = \"{}\"\naccess = \"{access}\"\n", password.as_str())
        };
        let text = user("alice", Access::WRITE) + &user("bob", Access::READ);
        assert_eq!(
            said(&config, Some(&Accounts::parse(&text).unwrap())),
            [
                "Listening on every IPv4 address, port 21: ftp://127.0.0.1:21/ from this machine, \
                 ftp://NAME-OR-ADDRESS:21/ from others",
                "Listening on every IPv6 address, port 21: ftp://[::1]:21/ from this machine, \
                 ftp://NAME-OR-ADDRESS:21/ from others",
                "Serving /srv/files",
                "Anonymous users may not log in",
                "2 users (1 may read only, 1 may also store) in u.toml",
                "Passive transfers use the ports 50000 to 50099",
            ]
        );
    }

    #[test]
    fn a_server_that_nobody_can_use_says_so() {
        let mut config = Config::new("files");
        config.anonymous = Some(Anonymous::Off);
        for users in [None, Some(&Accounts::default())] {
            assert_eq!(said(&config, users).last().map(String::as_str), Some(NOBODY));
        }
    }
}
