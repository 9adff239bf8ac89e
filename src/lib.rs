//! packetboat is an FTP server for Linux: one process, one event loop.
//!
//! The program serves a folder; this library puts the same server into a Rust program, or into a
//! test that needs a real one. It runs on the thread that calls [`Server::run`], and a [`Handle`]
//! ends it from another. Here it listens on any free port, and knows a user without a users file:
//!
//! ```
//! use packetboat::{Access, Account, Config, Grace, Server, StoredPassword};
//! use std::io::{BufRead, BufReader, Write};
//! use std::net::TcpStream;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let mut alice = Account::new("alice", StoredPassword::hash("secret")?);
//! alice.access = Access::WRITE;
//! let mut config = Config::new(folder.path());
//! config.listen = vec!["127.0.0.1:0".parse()?];
//! config.accounts = vec![alice];
//! let server = Server::bind(config)?;
//! let (address, handle) = (server.addresses()[0], server.handle());
//! let thread = std::thread::spawn(move || server.run());
//!
//! let mut client = BufReader::new(TcpStream::connect(address)?);
//! for (command, code) in [("", "220"), ("USER alice\r\n", "331"), ("PASS secret\r\n", "230")] {
//!     client.get_mut().write_all(command.as_bytes())?;
//!     let mut reply = String::new();
//!     client.read_line(&mut reply)?;
//!     assert!(reply.starts_with(code), "{reply}");
//! }
//!
//! handle.shut_down(Grace::Transfers);
//! thread.join().expect("the server does not panic")?;
//! # Ok(())
//! # }
//! ```
//!
//! With TLS, by a certificate that is made at the start ([`TlsPair`] takes one of your own):
//!
//! ```
//! use packetboat::{Config, RequireTls, Server, TlsConfig, TlsIdentity};
//!
//! # #[cfg(feature = "tls")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! let mut tls = TlsConfig::new(TlsIdentity::SelfSigned);
//! tls.require = RequireTls::Data;
//! let mut config = Config::new(folder.path());
//! config.listen = vec!["127.0.0.1:0".parse()?];
//! config.tls = Some(tls);
//! let server = Server::bind(config)?;
//! println!("compare the fingerprint: {}", server.fingerprint().unwrap_or_default());
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "tls"))]
//! # fn main() {}
//! ```
//!
//! A server that cannot start says why by an [`Error`]: a line for people, and a kind to match on.
//! Once it runs it writes to the logger of the crate `log`, if your program has one. It changes
//! nothing of the process that it is part of, save for a few threads while they are of use;
//! signals ([`Server::stop_on_signals`]), the limit of descriptors ([`raise_descriptor_limit`]) and the
//! service manager ([`Server::notify_service_manager`], [`Server::bind_inherited`]) are left alone
//! unless you ask.
//!
//! # What is stable
//!
//! The names that this page lists at its end; they follow semantic versioning. Configuration, errors
//! and counts may get more fields and variants, so a match needs a `_` arm, and a struct its `new`.
//!
//! # Features
//!
//! - `tls`, on by default: FTPS, by rustls and aws-lc. Without it (`default-features = false`)
//!   nothing is built that is written in C, and [`Config::tls`] is refused
//!   ([`ErrorKind::TlsUnsupported`]).
//! - `testing`: the module `testing`, a server for the tests of a client, with events to wait for and
//!   faults on demand.
//!
//! # How it is built
//!
//! [`architecture`] is the map for people who change the code.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

#[cfg(not(target_os = "linux"))]
compile_error!("packetboat needs Linux (5.6 or later): it stands on openat2, splice and sendfile");

mod config;
mod fs;
#[cfg(test)]
mod fuzz;
mod net;
mod proto;
mod sandbox;
mod server;
mod session;
#[cfg(feature = "testing")]
pub mod testing;
mod transfer;
mod users;

pub use config::{
    Anonymous, Config, Error, ErrorKind, Pem, SessionReuse, TlsClose, TlsConfig, TlsIdentity,
    TlsPair,
};
pub use server::{Counts, Grace, Handle, Server, raise_descriptor_limit};
pub use users::{
    Access, Account, PartialUploads, Replacing, RequireTls, Right, StoredPassword, ValueError,
};

#[cfg(doc)]
#[doc = include_str!("ARCHITECTURE.md")]
pub mod architecture {}

/// Parts that benches and tests of this crate measure by themselves. They change at any time.
#[doc(hidden)]
pub mod parts {
    pub use crate::proto::checksum::Algorithm;
    pub use crate::proto::command;
    pub use crate::proto::facts::{Facts, Kind};
    pub use crate::proto::line::Lines;
    pub use crate::proto::listing::{self, FactSet};
    pub use crate::proto::path::VPath;
    pub use crate::proto::reply::Reply;
    pub use crate::session::{
        Answer, DataEvent, Effect, FileDone, FileOp, Session, Settings, Verdict,
    };
}

/// Parts of the program `packetboat` beside the server. They change with it, at any time.
#[doc(hidden)]
pub mod program {
    pub use crate::config::command_line::{
        Command, CommandLine, ConfigCommand, EXAMPLE, Misuse, system_variable,
    };
    pub use crate::config::edit_users_file;
    pub use crate::config::explain;
    pub use crate::config::flags::ServeFlags;
    pub use crate::config::summary::summary;
    pub use crate::config::{Confinement, Sandbox};
    pub use crate::sandbox::{Boundary, Held, Identity, allow_only_known_calls, confine};
    pub use crate::server::warnings;
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_types_may_go_to_other_threads() {
        fn to_another<T: Send>() {}
        fn to_several<T: Send + Sync + Clone>() {}
        to_another::<Server>();
        to_another::<Error>();
        to_several::<Config>();
        to_several::<Handle>();
    }
}
