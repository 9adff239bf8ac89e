//! The one harness of tests and benches: `tests/README.md` says how it is used.

#![allow(dead_code, unused_imports, reason = "no program of tests or benches uses all of it")]

pub mod certificates;
#[path = "../../src/fuzz/chance.rs"]
mod chance;
pub mod client;
pub mod descriptors;
mod dialogue;
pub mod logged;
pub mod ports;
pub mod program;
mod random;
pub mod running;
pub mod strace;
pub mod stream;
pub mod stuck;
mod test_server;
pub mod trust;

pub use chance::Chance;
pub use client::{Client, Way};
pub use dialogue::Dialogue;
pub use random::random_bytes;
pub use stream::{Stream, under_tls};
pub use test_server::TestServer;

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// Time that anything may take before a test fails; nothing ever takes that long.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Budgets of a round that transfers are tested with, in bytes: a small one finds edges that get
/// lost.
pub const ROUNDS: [usize; 3] = [1, 512, 1 << 20];

/// As many bytes as a test can move a round at a time.
pub fn bytes_for(round: usize) -> usize {
    (round * 20_000).min(3_000_000)
}

/// Runs a test with each of these budgets, and as many bytes as it can move with that.
pub fn with_every_round(test: impl Fn(&TestServer, usize)) {
    for round in ROUNDS {
        let server = TestServer::with(|config| config.round_bytes = round);
        test(&server, bytes_for(round));
    }
}

/// Waits until something is so.
#[track_caller]
pub fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// The names in a folder, sorted; escaped, where they are not UTF-8.
#[track_caller]
pub fn names_in(folder: &Path) -> Vec<String> {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut names: Vec<String> = entries
        .map(|entry| match entry.unwrap().file_name().into_string() {
            Ok(name) => name,
            Err(name) => name.as_bytes().escape_ascii().to_string(),
        })
        .collect();
    names.sort();
    names
}

/// The users of every users file, and what they may do; each has the password "secret".
pub const USERS: [(&str, &str); 2] = [("reader", "read"), ("writer", "write")];

/// The lines of a user in the users file. The hash is as cheap as argon2 goes.
pub fn user(name: &str, access: &str) -> String {
    use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version};
    let cheap = Params::new(Params::MIN_M_COST, 1, 1, None).expect("argon2 allows the least");
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, cheap);
    let hash = argon2.hash_password(b"secret").expect("argon2 hashes").to_string();
    format!("[users.{name}]\npassword = \"{hash}\"\naccess = \"{access}\"\n")
}
