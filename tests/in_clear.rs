//! Live tests without TLS: `tests/README.md`.

mod clear_only;
mod common;
mod live;
