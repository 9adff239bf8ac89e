//! The sandbox: what this process gives up before a client is heard, so that a bug in it does not become
//! the machine's: root, privileges, files beyond its own, and system calls that it never makes. It holds
//! for the whole process, and so it is the program's business and not a server's; it knows no socket and
//! no session.
//!
//! All of it is given up by the one thread that there is, before any other begins: the kernel keeps
//! most of it for each thread, and those that a thread starts have what it has.

mod boundary;
mod calls;
mod capabilities;
mod files;
mod identity;
#[cfg(test)]
mod tests;

pub use boundary::Boundary;
#[doc(hidden)]
pub use calls::allow_only_known_calls;
pub use identity::Identity;

use crate::config::{Config, Confinement, Sandbox};

/// Parts of the sandbox that hold, in words, and those that do not.
#[derive(Debug, Default)]
pub struct Held {
    holding: Vec<String>,
    missing: Vec<String>,
}

impl Held {
    /// Line for the start that says what holds.
    pub fn line(&self) -> String {
        match self.holding.is_empty() {
            true => "Sandbox: none".to_owned(),
            false => format!("Sandbox: {}", self.holding.join("; ")),
        }
    }

    /// Parts that this kernel does not have, each with the cause.
    pub fn missing(&self) -> &[String] {
        &self.missing
    }

    fn note(&mut self, part: Result<String, String>) {
        match part {
            Ok(words) => self.holding.push(words),
            Err(words) => self.missing.push(words),
        }
    }
}

/// Gives up what a server with this configuration can do without: capabilities, the way to new ones,
/// files and ports beyond the boundary, calls that it never makes.
///
/// # Errors
/// `sandbox = "required"`, and a part of it is not to be had.
pub fn confine(
    confinement: &Confinement,
    config: &Config,
    boundary: &Boundary,
) -> Result<Held, String> {
    let mut held = Held::default();
    if confinement.sandbox == Sandbox::Off {
        return Ok(held);
    }
    held.note(capabilities::keep(capabilities::needed(config)));
    held.note(files::allow_only(boundary));
    held.note(allow_only_known_calls());
    match (confinement.sandbox, held.missing.is_empty()) {
        (Sandbox::Required, false) => {
            Err(format!("--sandbox required: {}", held.missing.join("; ")))
        }
        (Sandbox::Required, true) | (Sandbox::Best | Sandbox::Off, _) => Ok(held),
    }
}
