//! Every live test again, with all connections under TLS: each client says AUTH TLS, PBSZ 0 and
//! PROT P before anything else (`common::stream`).
//!
//! Not among them: `telnet`, since TLS has no urgent data, and `in_clear`.

#![cfg(feature = "tls")]
#![allow(clippy::duplicate_mod)] // each topic brings its own copy of `common`

#[path = "active.rs"]
mod active;
#[path = "bad_input.rs"]
mod bad_input;
#[path = "brief.rs"]
mod brief;
#[path = "disks.rs"]
mod disks;
#[path = "extensions.rs"]
mod extensions;
#[path = "files.rs"]
mod files;
#[path = "limits.rs"]
mod limits;
#[path = "listing.rs"]
mod listing;
#[path = "logins.rs"]
mod logins;
#[path = "names.rs"]
mod names;
#[path = "passive.rs"]
mod passive;
#[path = "stress.rs"]
mod stress;
#[path = "transfers.rs"]
mod transfers;
#[path = "uploads.rs"]
mod uploads;
