//! TLS of a build without it: the same names as with it, of types that have no value. A link then
//! never is under TLS, and the compiler leaves out whatever would be done there.

use std::convert::Infallible;
use std::io;

use super::{FlawedIdentity, Input, Resumed, Resumption};
use crate::net::socket::{Flow, Socket};

/// No identity.
#[derive(Debug)]
pub struct Identity(Infallible);

/// No TLS.
#[derive(Clone, Debug)]
pub struct Tls(Infallible);

/// No connection's TLS.
#[derive(Debug)]
pub(in crate::net) struct TlsConnection(Infallible);

const ABSENT: &str = "this build has no TLS";

impl Identity {
    /// Always fails.
    ///
    /// # Errors
    /// Always.
    pub fn from_pem(_: &[u8], _: &[u8], _: u64) -> Result<Identity, FlawedIdentity> {
        Err(FlawedIdentity::Certificate(ABSENT.to_owned()))
    }

    /// Always fails.
    ///
    /// # Errors
    /// Always.
    pub fn self_signed(_: Vec<String>) -> Result<Identity, String> {
        Err(ABSENT.to_owned())
    }

    /// Fault of its dates.
    pub fn outdated(&self) -> Option<&'static str> {
        match self.0 {}
    }

    /// Certificate in DER.
    pub fn certificate(&self) -> &[u8] {
        match self.0 {}
    }
}

impl Tls {
    /// Always fails.
    ///
    /// # Errors
    /// Always.
    pub fn new(_: Vec<Identity>, _: Option<&[u8]>, _: Resumption) -> Result<Tls, String> {
        Err(ABSENT.to_owned())
    }
}

impl TlsConnection {
    pub(in crate::net) fn new(tls: &Tls, _: u64, _: Input) -> io::Result<TlsConnection> {
        match tls.0 {}
    }

    pub(in crate::net) fn tls(&self) -> &Tls {
        match self.0 {}
    }

    pub(in crate::net) fn expect(&mut self, _: Input) {
        match self.0 {}
    }

    pub(in crate::net) fn was_closed(&self) -> bool {
        match self.0 {}
    }

    pub(in crate::net) fn is_handshaking(&self) -> bool {
        match self.0 {}
    }

    pub(in crate::net) fn resumed(&self) -> Option<Resumed> {
        match self.0 {}
    }

    pub(in crate::net) fn client_mark(&self) -> u64 {
        match self.0 {}
    }

    pub(in crate::net) fn is_renewed(&self) -> bool {
        match self.0 {}
    }

    pub(in crate::net) fn certificate(&self) -> Option<&[u8]> {
        match self.0 {}
    }

    pub(in crate::net) fn is_certified(&self) -> bool {
        match self.0 {}
    }

    pub(in crate::net) fn is_certified_as(&self, _: &str) -> bool {
        match self.0 {}
    }

    pub(in crate::net) fn holds(&self) -> bool {
        match self.0 {}
    }

    pub(in crate::net) fn handshake(&mut self, _: &mut Socket) -> io::Result<bool> {
        match self.0 {}
    }

    pub(in crate::net) fn read(&mut self, _: &mut Socket, _: &mut [u8]) -> Flow {
        match self.0 {}
    }

    pub(in crate::net) fn write(&mut self, _: &mut Socket, _: &[u8], _: bool) -> Flow {
        match self.0 {}
    }

    pub(in crate::net) fn flush(&mut self, _: &mut Socket) -> io::Result<bool> {
        match self.0 {}
    }

    pub(in crate::net) fn close(&mut self, _: &mut Socket) -> io::Result<bool> {
        match self.0 {}
    }

    pub(in crate::net) fn part(&mut self, _: &mut Socket) -> io::Result<bool> {
        match self.0 {}
    }
}
