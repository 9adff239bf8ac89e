//! FTP libraries of other languages, each by a small script in its own language beside this file.
//! Their packages come from npm and PyPI, or are large; `.ci/clients` installs and runs all of it.

mod compiled;
mod course;
mod interpreted;
mod node;
mod packages;
mod python;

/// A script of this folder.
macro_rules! script {
    ($name:literal) => {
        concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/libraries/", $name)
    };
}
use script;
