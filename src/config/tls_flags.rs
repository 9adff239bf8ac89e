//! The options of TLS. A build without TLS has none of them.

use super::flags::{listen_address, one_of};
use super::{Config, Pem, SessionReuse, TlsClose, TlsConfig, TlsIdentity, TlsPair};
use crate::users::RequireTls;
use std::net::SocketAddr;
use std::path::PathBuf;

/// The options of TLS. Their comments are lines of `--help`.
#[derive(Debug, clap::Args)]
pub(super) struct TlsFlags {
    /// Where clients begin with TLS (implicit FTPS)
    #[arg(long, value_name = "ADDR:PORT", value_parser = listen_address, help_heading = TLS)]
    listen_tls: Vec<SocketAddr>,
    /// A certificate made at each start, for quick sharing
    #[arg(long, value_name = "self-signed", value_enum, hide_possible_values = true)]
    #[arg(conflicts_with = "tls_cert", help_heading = TLS)]
    tls: Option<Tls>,
    /// Certificate chain, PEM; repeatable, chosen by name
    #[arg(long, value_name = "FILE", help_heading = TLS)]
    tls_cert: Vec<PathBuf>,
    /// The key of each --tls-cert, in the same order
    #[arg(long, value_name = "FILE", help_heading = TLS)]
    tls_key: Vec<PathBuf>,
    /// What must be under TLS [default: off]
    #[arg(long, value_name = "off|login|data", help_heading = TLS)]
    require_tls: Option<RequireTls>,
    /// Authorities that sign certificates of clients, PEM
    #[arg(long, value_name = "FILE", help_heading = TLS)]
    tls_client_ca: Option<PathBuf>,
    /// Data connections resume TLS [default: prefer]
    #[arg(long, value_name = "off|prefer|require", hide_possible_values = true)]
    #[arg(value_parser = one_of::<SessionReuse, 3>(["off", "prefer", "require"]))]
    #[arg(help_heading = TLS)]
    tls_session_reuse: Option<SessionReuse>,
    /// Uploads may end without close_notify [default: auto]
    #[arg(long, value_name = "auto|strict|lenient", hide_possible_values = true)]
    #[arg(value_parser = one_of::<TlsClose, 3>(["auto", "strict", "lenient"]))]
    #[arg(help_heading = TLS)]
    tls_close: Option<TlsClose>,
    /// The earlier spelling of --tls-close lenient
    #[arg(long, hide = true, conflicts_with = "tls_close", help_heading = TLS)]
    tls_lenient_close: bool,
}

const TLS: &str = "TLS";

impl TlsFlags {
    /// Sets what the flags ask for.
    ///
    /// # Errors
    /// Options that do not go together: one line for who typed them.
    pub(super) fn apply(&self, config: &mut Config) -> Result<(), String> {
        let flawed = |flag, message| Err(format!("{flag}: {message}"));
        let (certificates, keys) = (&self.tls_cert, &self.tls_key);
        if certificates.len() != keys.len() {
            let flag = if certificates.len() > keys.len() { "--tls-cert" } else { "--tls-key" };
            return flawed(flag, "each --tls-cert FILE goes with one --tls-key FILE");
        }
        let identity = match self.tls {
            Some(Tls::SelfSigned) => TlsIdentity::SelfSigned,
            None if certificates.is_empty() => {
                let needs =
                    "needs a certificate: --tls-cert FILE --tls-key FILE, or --tls self-signed";
                return match self.flag_that_needs_tls() {
                    Some(flag) => flawed(flag, needs),
                    None => Ok(()),
                };
            }
            None => {
                let pairs = certificates.iter().cloned().zip(keys.iter().cloned());
                TlsIdentity::Certificates(
                    pairs.map(|(certificate, key)| TlsPair::files(certificate, key)).collect(),
                )
            }
        };
        let mut tls = TlsConfig::new(identity);
        tls.client_ca = self.tls_client_ca.clone().map(Pem::File);
        tls.require = self.require_tls.unwrap_or(tls.require);
        tls.session_reuse = self.tls_session_reuse.unwrap_or(tls.session_reuse);
        tls.close = match self.tls_lenient_close {
            true => TlsClose::Lenient,
            false => self.tls_close.unwrap_or(tls.close),
        };
        config.listen_tls.clone_from(&self.listen_tls);
        config.tls = Some(tls);
        Ok(())
    }

    fn flag_that_needs_tls(&self) -> Option<&'static str> {
        let said = [
            (!self.listen_tls.is_empty(), "--listen-tls"),
            (self.require_tls.is_some_and(|required| required > RequireTls::Off), "--require-tls"),
            (self.tls_client_ca.is_some(), "--tls-client-ca"),
            (self.tls_session_reuse.is_some(), "--tls-session-reuse"),
            (self.tls_close.is_some(), "--tls-close"),
            (self.tls_lenient_close, "--tls-lenient-close"),
        ];
        said.into_iter().find_map(|(said, flag)| said.then_some(flag))
    }
}

/// Source of a certificate that comes from no file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Tls {
    SelfSigned,
}

#[cfg(test)]
mod tests {
    use super::super::command_line::CommandLine;
    use super::*;
    use clap::Parser;

    fn parse(line: &str) -> Result<CommandLine, clap::Error> {
        CommandLine::try_parse_from(["packetboat"].into_iter().chain(line.split_whitespace()))
    }

    fn config(line: &str) -> Result<Config, String> {
        parse(line).expect(line).serve.config()
    }

    #[test]
    fn tls_options_that_do_not_go_together_are_refused() {
        for (line, starts) in [
            ("--tls-cert c", "--tls-cert: each --tls-cert FILE goes with one --tls-key"),
            ("--tls-cert c --tls-key k --tls-key l", "--tls-key: each"),
            ("--require-tls login", "--require-tls: needs a certificate: --tls-cert"),
            ("--listen-tls 990", "--listen-tls: needs"),
            ("--tls-client-ca f", "--tls-client-ca: needs"),
            ("--tls-session-reuse off", "--tls-session-reuse: needs"),
            ("--tls-lenient-close", "--tls-lenient-close: needs"),
            ("--tls-close auto", "--tls-close: needs"),
        ] {
            let error = config(line).expect_err(line);
            assert!(error.starts_with(starts), "{line}: {error}");
        }
        assert!(config("--require-tls off").unwrap().tls.is_none());
        assert!(parse("--tls self-signed --tls-cert c --tls-key k").is_err());
        let quick = config("--tls self-signed").unwrap().tls.unwrap();
        assert_eq!(quick.identity, TlsIdentity::SelfSigned);
    }

    #[test]
    fn every_flag_reaches_the_configuration() {
        let config = config(
            "--listen-tls 990 --tls-cert c --tls-key k --require-tls data --tls-client-ca a \
             --tls-session-reuse require --tls-close strict",
        );
        let pair = TlsPair::files("c", "k");
        let mut expected = Config::new(".");
        expected.listen_tls = vec!["127.0.0.1:990".parse().unwrap()];
        expected.tls = Some(TlsConfig {
            client_ca: Some(Pem::File("a".into())),
            require: RequireTls::Data,
            session_reuse: SessionReuse::Require,
            close: TlsClose::Strict,
            ..TlsConfig::new(TlsIdentity::Certificates(vec![pair]))
        });
        assert_eq!(config, Ok(expected));
    }

    #[test]
    fn the_earlier_spelling_of_tls_close_still_counts() {
        let close = |line: &str| config(line).unwrap().tls.unwrap().close;
        assert_eq!(close("--tls self-signed"), TlsClose::Auto);
        assert_eq!(close("--tls self-signed --tls-lenient-close"), TlsClose::Lenient);
        assert!(parse("--tls self-signed --tls-lenient-close --tls-close auto").is_err());
        assert!(!parse("--help").unwrap_err().to_string().contains("lenient-close"));
    }

    #[test]
    fn help_has_its_heading() {
        assert!(parse("--help").unwrap_err().to_string().contains("\nTLS:\n"));
        let wrong = parse("--tls-session-reuse no").unwrap_err().to_string();
        assert!(wrong.contains("off, prefer, require"), "{wrong}");
    }
}
