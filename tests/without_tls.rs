//! A build without the feature `tls`: what it is asked for and does not have, it says.

#![cfg(not(feature = "tls"))]

use packetboat::{Config, ErrorKind, Server, TlsConfig, TlsIdentity, TlsPair};
use std::process::Command;

#[test]
fn tls_is_refused_at_the_start() {
    let pair = TlsPair::pem("chain", "key");
    for identity in [TlsIdentity::SelfSigned, TlsIdentity::Certificates(vec![pair])] {
        let mut config = Config::new("/");
        config.listen = vec!["127.0.0.1:0".parse().unwrap()];
        config.tls = Some(TlsConfig::new(identity));
        let error = Server::bind(config).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TlsUnsupported);
        assert!(error.to_string().contains("feature `tls`"), "{error}");
    }
}

#[test]
fn the_program_has_no_options_of_it() {
    let program = |words: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_packetboat")).args(words).output().unwrap()
    };
    let help = program(&["--help"]);
    assert!(help.status.success() && !String::from_utf8(help.stdout).unwrap().contains("TLS"));
    assert_eq!(program(&["--tls", "self-signed"]).status.code(), Some(2));
}
