//! Policy: what sessions may do, what must be under TLS, and what stays of an upload that is cut off.

use std::fmt;
use std::str::FromStr;

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// List and fetch.
    Read,
    /// Also store, delete, rename and make folders.
    Write,
}

impl FromStr for Access {
    type Err = String;

    fn from_str(text: &str) -> Result<Access, String> {
        match text {
            "read" => Ok(Access::Read),
            "write" => Ok(Access::Write),
            _ => Err("access is either \"read\" or \"write\"".to_owned()),
        }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Access::Read => "read",
            Access::Write => "write",
        })
    }
}

/// What must be under TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum RequireTls {
    /// Nothing.
    #[default]
    Off,
    /// The control connection, before a name is said.
    Login,
    /// Data connections as well.
    Data,
}

impl fmt::Display for RequireTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            RequireTls::Off => "off",
            RequireTls::Login => "login",
            RequireTls::Data => "data",
        })
    }
}

impl FromStr for RequireTls {
    type Err = String;

    fn from_str(text: &str) -> Result<RequireTls, String> {
        match text {
            "off" => Ok(RequireTls::Off),
            "login" => Ok(RequireTls::Login),
            "data" => Ok(RequireTls::Data),
            _ => Err("write off, login (the control connection) or data (all)".to_owned()),
        }
    }
}

/// The fate of a new file whose upload is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartialUploads {
    /// What arrived stands under the file's name, so that the client can resume.
    Keep,
    /// Nothing stays.
    Discard,
}

impl FromStr for PartialUploads {
    type Err = String;

    fn from_str(text: &str) -> Result<PartialUploads, String> {
        match text {
            "keep" => Ok(PartialUploads::Keep),
            "discard" => Ok(PartialUploads::Discard),
            _ => Err("write one of keep, discard".to_owned()),
        }
    }
}
