//! TLS itself. Here tests say AUTH on their own, or don't: nothing is done for them as it is in
//! `under_tls`.

#![cfg(feature = "tls")]

#[path = "../common/mod.rs"]
mod common;

mod auth;
mod certificates;
mod client_certificates;
mod crowds;
mod data;
mod fixtures;
mod required;
mod resumption;
