//! What the operator decides: flags and the users file, checked before anything starts. It reads the
//! file that users are kept in, never a served one, and knows no socket and no session.

mod error;
pub mod flags;
pub mod summary;
mod tls;
pub mod user_command;
mod users_file;

pub use error::StartError;
pub use tls::{SessionReuse, TlsConfig, TlsFiles, TlsIdentity, TlsPair};
pub use users_file::{UsersFile, UsersNews, edit_users_file};

use crate::users::PartialUploads;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

/// Everything that a server is told before it starts. [`Config::new`] gives the defaults; assign to
/// the fields what should differ.
#[derive(Clone, Debug)]
pub struct Config {
    /// The folder that is served.
    pub root: PathBuf,
    /// Where to listen for control connections; port 0 takes any free one.
    pub listen: Vec<SocketAddr>,
    /// Where to listen for clients that begin with a TLS handshake (implicit FTPS); needs `tls`.
    pub listen_tls: Vec<SocketAddr>,
    /// TLS; `None` has none.
    pub tls: Option<TlsConfig>,
    /// What anonymous users may do; `None` lets the listeners decide, see
    /// [`Config::anonymous_access`].
    pub anonymous: Option<Anonymous>,
    /// The text of the greeting, after `220 `.
    pub banner: String,
    /// The users file; without one only anonymous users can log in.
    pub users: Option<PathBuf>,
    /// The ports for passive data connections; `None` takes any free ones.
    pub passive_ports: Option<RangeInclusive<u16>>,
    /// The address that PASV announces; `None` announces the local one of the control connection.
    pub passive_address: Option<Ipv4Addr>,
    /// The port that active data connections come from; `None` takes any free one. Below 1024 it
    /// needs a privilege.
    pub active_port: Option<u16>,
    /// How many sessions there may be at once.
    pub max_sessions: usize,
    /// How many of them may come from one address.
    pub max_sessions_per_address: usize,
    /// How long a session may be idle.
    pub idle_timeout: Duration,
    /// How long a data connection may take to come up, a TLS handshake to be done, and a transfer
    /// to make any progress.
    pub data_timeout: Duration,
    /// What becomes of an upload of a new name that is cut off.
    pub partial_uploads: PartialUploads,
    /// Whether `ALLO n` is a promise: an upload of other than n bytes then counts as cut off.
    pub strict_allo: bool,
    /// How long running transfers may go on at shutdown.
    pub shutdown_grace: Duration,
    /// How many bytes the sessions that move many may move between them before the loop comes
    /// around; fewer while that takes too long. Nobody else moves more at once, nor more than 64 KiB.
    pub round_bytes: usize,
}

impl Config {
    /// Serves `root` to this machine only, with every other setting at its default.
    pub fn new(root: impl Into<PathBuf>) -> Config {
        Config {
            root: root.into(),
            listen: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 52305))],
            listen_tls: Vec::new(),
            tls: None,
            anonymous: None,
            banner: "packetboat ready.".to_owned(),
            users: None,
            passive_ports: None,
            passive_address: None,
            active_port: None,
            max_sessions: 10_000,
            max_sessions_per_address: 10_000,
            idle_timeout: Duration::from_secs(300),
            data_timeout: Duration::from_secs(30),
            partial_uploads: PartialUploads::Keep,
            strict_allo: false,
            shutdown_grace: Duration::from_secs(10),
            round_bytes: 1 << 20,
        }
    }

    /// What anonymous users may do: what was said, else write while nobody but this machine can
    /// connect, else read.
    pub fn anonymous_access(&self) -> Anonymous {
        match (self.anonymous, self.is_local()) {
            (Some(said), _) => said,
            (None, true) => Anonymous::Write,
            (None, false) => Anonymous::Read,
        }
    }

    /// Whether every listener is loopback, so that only this machine can connect.
    fn is_local(&self) -> bool {
        let mut listeners = self.listen.iter().chain(&self.listen_tls);
        listeners.all(|address| address.ip().to_canonical().is_loopback())
    }
}

/// What anonymous users may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Anonymous {
    /// Not even log in.
    Off,
    /// List and fetch.
    Read,
    /// Also store, delete, rename and make folders.
    Write,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anonymous_may_write_only_where_nobody_else_can_connect() {
        let mut config = Config::new("/srv");
        for (listen, access) in [
            (vec!["127.0.0.1:1", "[::1]:1", "127.9.9.9:1"], Anonymous::Write),
            (vec!["[::ffff:127.0.0.1]:1"], Anonymous::Write),
            (vec!["127.0.0.1:1", "192.0.2.1:1"], Anonymous::Read),
            (vec!["0.0.0.0:1"], Anonymous::Read),
            (vec!["[::]:1"], Anonymous::Read),
        ] {
            config.listen = listen.iter().map(|address| address.parse().unwrap()).collect();
            assert_eq!(config.anonymous_access(), access, "{listen:?}");
        }
        for said in [Anonymous::Off, Anonymous::Read, Anonymous::Write] {
            config.anonymous = Some(said);
            assert_eq!(config.anonymous_access(), said);
        }
    }
}
