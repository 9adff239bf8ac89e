//! TLS (RFC 4217): the one place that knows rustls.
//!
//! [`Identity`] is a certificate and its key, [`Tls`] the TLS of a server, and `TlsConnection` that
//! of one connection, which lives inside its [`Link`](super::Link). Built without the feature
//! `tls` they are types without a value, and nobody else has to know.

#[cfg(feature = "tls")]
mod connection;
#[cfg(feature = "tls")]
mod context;
#[cfg(feature = "tls")]
mod identity;
#[cfg(feature = "tls")]
mod records;
#[cfg(feature = "tls")]
mod resumption;
#[cfg(feature = "tls")]
mod words;

#[cfg(feature = "tls")]
pub(super) use connection::TlsConnection;
#[cfg(feature = "tls")]
pub use {context::Tls, identity::Identity};

#[cfg(not(feature = "tls"))]
mod absent;
#[cfg(not(feature = "tls"))]
pub(super) use absent::TlsConnection;
#[cfg(not(feature = "tls"))]
pub use absent::{Identity, Tls};

/// Input that the client is to send on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// Commands; a FIN ends them, whatever TLS has to say.
    Commands,
    /// No data: it reads.
    None,
    /// A file or nothing, as a command will say that has not come.
    Unknown,
    /// A file, and nothing is to be read.
    File(FileEnd),
}

/// End by which a file is whole. By a FIN that is not enough it is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileEnd {
    /// close_notify.
    Notify,
    /// close_notify; behind no byte at all a FIN alone.
    NotifyUnlessEmpty,
    /// A FIN alone.
    Fin,
}

/// Tickets that a client gets with each handshake of TLS 1.3 but those of uploads, to resume the
/// session by. Some use each once, and have to begin anew when so many uploads follow each other.
pub(super) const TICKETS: usize = 4;

/// TLS session that a connection has resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resumed {
    /// Mark of the client whose session it is.
    pub client: u64,
    /// True if it began on a control connection.
    pub is_of_control: bool,
}

/// TLS sessions that connections can resume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resumption {
    /// No session.
    None,
    /// All sessions.
    Any,
    /// Data connections those of their client, control connections all.
    Own,
}

/// The flawed part of an [`Identity`], and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlawedIdentity {
    /// The certificate chain.
    Certificate(String),
    /// The private key.
    #[cfg_attr(not(feature = "tls"), allow(dead_code))]
    Key(String),
}
