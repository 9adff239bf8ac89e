//! Live tests again, with all connections under TLS: each client says AUTH TLS, PBSZ 0 and PROT P
//! before anything else (`common::stream`). `tests/README.md` has more.

#![cfg(feature = "tls")]

mod common;
mod live;
