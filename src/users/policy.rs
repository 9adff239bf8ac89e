//! Policy: connections that must be under TLS, the way in which an upload replaces a file, and the fate
//! of one that is cut off.

use std::fmt;
use std::str::FromStr;

use super::ValueError;

/// Connections that must be under TLS.
#[non_exhaustive]
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
    type Err = ValueError;

    fn from_str(text: &str) -> Result<RequireTls, ValueError> {
        match text {
            "off" => Ok(RequireTls::Off),
            "login" => Ok(RequireTls::Login),
            "data" => Ok(RequireTls::Data),
            _ => Err(ValueError::new("write off, login (the control connection) or data (all)")),
        }
    }
}

/// Way in which an upload replaces a file.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Replacing {
    /// The whole new file takes the name in one step; until then, and if the upload is cut off, the
    /// old one stands. It has other names no more, and there must be room for both.
    #[default]
    Atomic,
    /// The file itself is emptied and written anew: all its names show the new content, and whoever
    /// may write to it may replace it. Readers see it grow, and nothing is left of the old content
    /// if the upload is cut off.
    InPlace,
}

impl FromStr for Replacing {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Replacing, ValueError> {
        match text {
            "atomic" => Ok(Replacing::Atomic),
            "in-place" => Ok(Replacing::InPlace),
            _ => Err(ValueError::new("write one of atomic, in-place")),
        }
    }
}

/// The fate of a new file whose upload is cut off.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartialUploads {
    /// The part that arrived stands under the file's name, so that the client can resume.
    Keep,
    /// No part stays.
    Discard,
}

impl FromStr for PartialUploads {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<PartialUploads, ValueError> {
        match text {
            "keep" => Ok(PartialUploads::Keep),
            "discard" => Ok(PartialUploads::Discard),
            _ => Err(ValueError::new("write one of keep, discard")),
        }
    }
}
