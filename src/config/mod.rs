//! Configuration: flags, accounts and the users file, checked before anything starts. It reads the
//! file that users are kept in, never a served one, and knows no socket and no session.

pub mod command_line;
mod config_file;
mod confinement;
mod entries;
mod error;
mod explain;
mod exposed;
#[cfg(feature = "testing")]
mod faults;
pub mod flags;
pub mod summary;
mod tls;
#[cfg(feature = "tls")]
mod tls_flags;
pub mod user_command;
mod users;
mod users_file;

pub use confinement::{Confinement, Sandbox};
pub(crate) use confinement::{Reach, folders_on_the_way};
pub use error::{Error, ErrorKind};
pub use explain::explain;
#[cfg(feature = "testing")]
pub(crate) use faults::FaultEffect;
#[cfg(feature = "testing")]
pub use faults::{Fault, Transfer};
pub use tls::{Pem, SessionReuse, TlsClose, TlsConfig, TlsIdentity, TlsPair};
pub use users::Users;
pub use users_file::{Look, Seen, UsersFile, UsersNews, edit_users_file};

use crate::users::{Access, Account, PartialUploads, Replacing, ValueError};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// Settings of a server. [`Config::new`] gives the defaults; assign to the fields that should
/// differ.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The folder that is served.
    pub root: PathBuf,
    /// Addresses to listen on for control connections; port 0 takes any free one.
    pub listen: Vec<SocketAddr>,
    /// Addresses to listen on for clients that begin with a TLS handshake (implicit FTPS); they
    /// need `tls`.
    pub listen_tls: Vec<SocketAddr>,
    /// TLS; `None` has none.
    pub tls: Option<TlsConfig>,
    /// Rights of anonymous users; `None` lets the listeners decide, see
    /// [`Config::anonymous_access`].
    pub anonymous: Option<Anonymous>,
    /// Rights of anonymous users in folders, by the paths that they see, and in all that is in them: of
    /// two the deeper one counts. Of no account where anonymous users may not log in.
    pub anonymous_in: Vec<(String, Access)>,
    /// The text of the greeting, after `220 `: one line.
    pub banner: String,
    /// Users that are given in code, beside those of the users file. Where both have a name, this
    /// account is the one that counts.
    pub accounts: Vec<Account>,
    /// The users file, as `packetboat user add` writes it. It may change while the server runs.
    /// Without one, and without `accounts`, only anonymous users can log in.
    pub users: Option<PathBuf>,
    /// The ports for passive data connections; `None` takes any free ones.
    pub passive_ports: Option<RangeInclusive<u16>>,
    /// The address that PASV announces; `None` announces the local one of the control connection.
    pub passive_address: Option<Ipv4Addr>,
    /// The port that active data connections come from; `None` takes any free one. Below 1024 it
    /// needs a privilege.
    pub active_port: Option<u16>,
    /// Sessions that there may be at once. Each needs four descriptors, see
    /// [`raise_descriptor_limit`](crate::raise_descriptor_limit); there are fewer sessions where the
    /// process may not have so many.
    pub max_sessions: usize,
    /// Sessions of these that may come from one IPv4 address, or one IPv6 network of 64 bits. 0 is
    /// one in ten, ten at least, and as many as there may be for this machine itself.
    pub max_sessions_per_address: usize,
    /// Time for logging in, from the connection on.
    pub login_timeout: Duration,
    /// Time that a session may be idle.
    pub idle_timeout: Duration,
    /// Time that a data connection may take to come up, and a client to read its replies.
    pub data_timeout: Duration,
    /// Time that a transfer may stand still: people pause players, and pipe slow producers.
    pub stall_timeout: Duration,
    /// Time that a TLS handshake may take, of either connection.
    pub handshake_timeout: Duration,
    /// Fate of a new file whose upload is cut off.
    pub partial_uploads: PartialUploads,
    /// Way in which an upload replaces a file.
    pub replacing: Replacing,
    /// An upload whose client hangs up behind it, without QUIT, replaces an old file. Otherwise the
    /// old file stays, since a client that crashed looks alike; a new file is kept in any case.
    pub replace_on_hangup: bool,
    /// Uploads are on the disk, file and name, before they are answered: slower, by what the disk
    /// takes to say so. Without it that holds of the bytes of a file that takes its name when it is
    /// whole, so that no power cut leaves it without them, and not of the name.
    pub durable: bool,
    /// Permission bits that new files and folders must not have, beside those that the process takes
    /// from all; a user may choose others by SITE UMASK.
    pub umask: Option<u16>,
    /// `ALLO n` is a promise: an upload of other than n bytes counts as cut off.
    pub strict_allo: bool,
    /// Clients may list a tree of folders at once (`LIST -R`), as far as that is bounded. Otherwise they
    /// get the first folder of it.
    pub recursive_lists: bool,
    /// Clients may set the set-user-id, set-group-id and sticky bits of files. Otherwise such a change
    /// is refused as a whole.
    pub allow_set_id: bool,
    /// Time that running transfers have at shutdown with [`Grace::Transfers`](crate::Grace).
    pub shutdown_grace: Duration,
    /// Bytes that the sessions that move many may move between them before the loop comes around;
    /// fewer while that takes too long. Nobody else moves more at once, nor more than 64 KiB.
    pub round_bytes: usize,
    /// Folders that can be served, where a sandbox leaves but some.
    pub(crate) reach: Option<Reach>,
    /// Faults on demand.
    #[cfg(feature = "testing")]
    pub faults: Vec<Fault>,
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
            anonymous_in: Vec::new(),
            banner: "packetboat ready.".to_owned(),
            accounts: Vec::new(),
            users: None,
            passive_ports: None,
            passive_address: None,
            active_port: None,
            max_sessions: 10_000,
            max_sessions_per_address: 0,
            login_timeout: Duration::from_secs(60),
            idle_timeout: Duration::from_secs(300),
            data_timeout: Duration::from_secs(30),
            stall_timeout: Duration::from_secs(300),
            handshake_timeout: Duration::from_secs(30),
            partial_uploads: PartialUploads::Keep,
            replacing: Replacing::Atomic,
            replace_on_hangup: false,
            durable: false,
            umask: None,
            strict_allo: false,
            recursive_lists: true,
            allow_set_id: false,
            shutdown_grace: Duration::from_secs(10),
            round_bytes: 1 << 20,
            reach: None,
            #[cfg(feature = "testing")]
            faults: Vec::new(),
        }
    }

    /// Rights of anonymous users: those that were said. Without a word about them: none beside a users
    /// file, else write while nobody but this machine can connect, else read.
    pub fn anonymous_access(&self) -> Anonymous {
        match (self.anonymous, &self.users, self.is_local()) {
            (Some(said), _, _) => said,
            (None, Some(_), _) => Anonymous::Off,
            (None, None, true) => Anonymous::Write,
            (None, None, false) => Anonymous::Read,
        }
    }

    /// Sessions that may come from the neighbourhood of this address.
    pub(crate) fn sessions_from(&self, client: IpAddr) -> usize {
        match self.max_sessions_per_address {
            0 if client.to_canonical().is_loopback() => self.max_sessions,
            0 => (self.max_sessions / 10).max(10),
            set => set,
        }
    }

    /// Checks what can be checked before anything is opened.
    ///
    /// # Errors
    /// Settings that are wrong in themselves, or do not go together.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.banner.contains(char::is_control) {
            let trouble = "it has a control character; write one line without";
            return Err(Error::setting(ErrorKind::Banner, trouble));
        }
        if self.passive_ports.as_ref().is_some_and(|ports| ports.is_empty() || *ports.start() == 0)
        {
            let trouble = "they are no range from 1 to 65535; give the lower one first";
            return Err(Error::setting(ErrorKind::PassivePorts, trouble));
        }
        match &self.tls {
            Some(_) if cfg!(not(feature = "tls")) => {
                let trouble = "this build has none; build packetboat with its feature `tls`";
                Err(Error::setting(ErrorKind::TlsUnsupported, trouble))
            }
            None if !self.listen_tls.is_empty() => {
                Err(Error::setting(ErrorKind::Tls, "listening for it needs a certificate"))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Every listener is loopback, so that only this machine can connect.
    pub(crate) fn is_local(&self) -> bool {
        let mut listeners = self.listen.iter().chain(&self.listen_tls);
        listeners.all(|address| address.ip().to_canonical().is_loopback())
    }
}

/// Rights of anonymous users.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anonymous {
    /// No login.
    Off,
    /// List and fetch.
    Read,
    /// Also store, delete, rename and make folders.
    Write,
    /// Store new files, and no more.
    Upload,
}

impl Anonymous {
    /// Access of anonymous users; `None` lets none in.
    pub fn access(self) -> Option<Access> {
        match self {
            Anonymous::Off => None,
            Anonymous::Read => Some(Access::READ),
            Anonymous::Write => Some(Access::WRITE),
            Anonymous::Upload => Some(Access::UPLOAD),
        }
    }
}

impl FromStr for Anonymous {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Anonymous, ValueError> {
        match text {
            "off" => Ok(Anonymous::Off),
            "read" => Ok(Anonymous::Read),
            "write" => Ok(Anonymous::Write),
            "upload" => Ok(Anonymous::Upload),
            _ => Err(ValueError::new("write one of off, read, write, upload")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_cannot_be_are_refused() {
        let kind = |change: &dyn Fn(&mut Config)| {
            let mut config = Config::new("/srv");
            change(&mut config);
            config.check().err().map(|error| error.kind())
        };
        assert_eq!(kind(&|_| {}), None);
        assert_eq!(
            kind(&|config| config.banner = "a\r\n230 b".to_owned()),
            Some(ErrorKind::Banner)
        );
        for (low, high) in [(0, 9), (9, 3)] {
            let ports = kind(&|config| config.passive_ports = Some(low..=high));
            assert_eq!(ports, Some(ErrorKind::PassivePorts));
        }
        let implicit = kind(&|config| config.listen_tls.clone_from(&config.listen));
        assert_eq!(implicit, Some(ErrorKind::Tls));
    }

    /// One address could have all sessions.
    #[test]
    fn an_address_has_one_session_in_ten_and_this_machine_all() {
        let mut config = Config::new("/srv");
        let all = ["192.0.2.1", "2001:db8::1", "127.0.0.9", "::1", "::ffff:127.0.0.1"];
        let sessions =
            |config: &Config| all.map(|client| config.sessions_from(client.parse().unwrap()));
        assert_eq!(sessions(&config), [1000, 1000, 10_000, 10_000, 10_000]);
        config.max_sessions = 20;
        assert_eq!(sessions(&config), [10, 10, 20, 20, 20]);
        config.max_sessions_per_address = 3;
        assert_eq!(sessions(&config), [3; 5]);
    }

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
