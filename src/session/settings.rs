//! Settings: what all sessions of a server have in common.

use std::net::Ipv4Addr;
use std::time::Duration;

use crate::users::RequireTls;

/// Settings that all sessions of a server have in common.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The greeting's text.
    pub banner: String,
    /// Time for logging in, from the connection on.
    pub login_timeout: Duration,
    /// Time that a client may say nothing.
    pub idle_timeout: Duration,
    /// Time that a data connection may take to come, and a client to read its replies.
    pub data_timeout: Duration,
    /// Time that a transfer may stand still.
    pub stall_timeout: Duration,
    /// Time that a TLS handshake may take.
    pub handshake_timeout: Duration,
    /// Address that PASV announces instead of the control connection's own.
    pub passive_address: Option<Ipv4Addr>,
    /// The machine's name, which HOST may say.
    pub host_name: String,
    /// Umask of new files and folders; `None` is that of the process. Either may take more bits, and
    /// neither gives any back.
    pub umask: Option<u16>,
    /// True if ALLO is a promise about the upload's length.
    pub strict_allo: bool,
    /// True if an upload whose client hung up behind it replaces an old file.
    pub replace_on_hangup: bool,
    /// True if clients may list a tree of folders at once.
    pub recursive_lists: bool,
    /// True if clients may set set-id and sticky bits.
    pub set_id: bool,
    /// Requirement of TLS; `None` if there is no TLS.
    pub tls: Option<RequireTls>,
    /// True if commands and replies are told as events.
    pub traces: bool,
}
