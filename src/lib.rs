//! packetboat is an FTP server for Linux: one process, one event loop.
//!
//! The program serves a folder; this library puts the same server into a Rust program, or into a
//! test that needs a real one. It runs on the thread that calls [`Server::run`], and a [`Handle`]
//! ends it from another:
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use std::io::BufRead;
//! let folder = tempfile::tempdir()?;
//! let mut config = packetboat::Config::new(folder.path());
//! config.listen = vec!["127.0.0.1:0".parse()?];
//! let server = packetboat::Server::bind(config)?;
//! let (address, handle) = (server.addresses()[0], server.handle());
//! let thread = std::thread::spawn(move || server.run());
//!
//! let mut client = std::io::BufReader::new(std::net::TcpStream::connect(address)?);
//! let mut greeting = String::new();
//! client.read_line(&mut greeting)?;
//! assert_eq!(greeting, "220 packetboat ready.\r\n");
//!
//! handle.shut_down(packetboat::Grace::Transfers);
//! thread.join().expect("the server does not panic")?;
//! # Ok(())
//! # }
//! ```
//!
//! # The map
//!
//! Each module is a room, and imports only from rooms of a lower number:
//!
//! | room | | what it is for |
//! | --- | --- | --- |
//! | [`proto`] | 0 | FTP as a language: bytes ↔ values, pure |
//! | [`users`] | 0 | accounts and stored passwords, pure |
//! | [`fs`] | 1 | the only door to served files |
//! | [`net`] | 1 | sockets, readiness and TLS: the only importer of mio and rustls |
//! | [`config`] | 1 | flags and the users file → one checked [`Config`] |
//! | [`session`] | 2 | one client's conversation: inputs in, effects out; no socket, file or clock |
//! | [`transfer`] | 2 | moves bytes between a file or listing and a connection, a slice at a time |
//! | [`server`] | 3 | the shell: the loop, peers, timers, limits, threads for passwords and slow disks |
//!
//! To read it, begin with [`session`], whose first lines say how everything talks to it, then
//! `server/event_loop.rs`. What is stable for embedding is what this page names: [`Config`],
//! [`Server`], [`Handle`] and their kin; the rooms are open for benches and the curious.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod config;
pub mod fs;
pub mod net;
pub mod proto;
pub mod server;
pub mod session;
pub mod transfer;
pub mod users;

pub use config::{
    Anonymous, Config, Error, ErrorKind, Pem, SessionReuse, TlsConfig, TlsIdentity, TlsPair,
};
pub use server::{Counts, Grace, Handle, Server, raise_descriptor_limit};
pub use users::{Access, Account, PartialUploads, RequireTls, StoredPassword, ValueError};
