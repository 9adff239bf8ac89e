//! The arguments of AUTH, PBSZ and PROT (RFC 2228), as far as TLS knows them (RFC 4217).

use super::super::digits::number;
use super::{Command, Misuse};
use crate::proto::verb::Rule;

/// Level of PROT: how data connections are protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protection {
    /// PROT C: not at all.
    #[default]
    Clear,
    /// PROT P: by TLS.
    Private,
}

/// AUTH: TLS by its own name and by those that old clients have for it, two of which mean PROT P
/// as well.
pub(super) fn auth(rule: &'static Rule, word: &[u8]) -> Result<Command, Misuse> {
    match word.to_ascii_uppercase().as_slice() {
        b"TLS" | b"TLS-C" => Ok(Command::Auth(Protection::Clear)),
        b"SSL" | b"TLS-P" => Ok(Command::Auth(Protection::Private)),
        _ => Err(Misuse::Unsupported(rule)),
    }
}

/// PBSZ: TLS has no use for a buffer size, any is answered by 0.
pub(super) fn pbsz(rule: &'static Rule, word: &[u8]) -> Result<Command, Misuse> {
    match number(word) {
        Some(size) if u32::try_from(size).is_ok() => Ok(Command::Pbsz),
        _ => Err(Misuse::Malformed(rule)),
    }
}

/// PROT. S and E, with integrity or secrecy alone, are none of TLS.
pub(super) fn prot(rule: &'static Rule, word: &[u8]) -> Result<Command, Misuse> {
    match word.to_ascii_uppercase().as_slice() {
        b"C" => Ok(Command::Prot(Protection::Clear)),
        b"P" => Ok(Command::Prot(Protection::Private)),
        b"S" | b"E" => Err(Misuse::Level),
        _ => Err(Misuse::Unsupported(rule)),
    }
}

#[cfg(test)]
mod tests {
    use crate::proto::command::{Command, Misuse, Protection, parse};
    use crate::proto::verb;

    #[test]
    fn tls_by_all_its_names_and_the_levels_that_it_has() {
        let (auth, pbsz, prot) = ("AUTH", "PBSZ", "PROT");
        let rule = |name: &str| verb::find(name.as_bytes()).unwrap();
        for (line, command) in [
            ("AUTH TLS", Ok(Command::Auth(Protection::Clear))),
            ("auth tls-c", Ok(Command::Auth(Protection::Clear))),
            ("AUTH SSL", Ok(Command::Auth(Protection::Private))),
            ("AUTH TLS-P", Ok(Command::Auth(Protection::Private))),
            ("AUTH GSSAPI", Err(Misuse::Unsupported(rule(auth)))),
            ("AUTH", Err(Misuse::Missing(rule(auth)))),
            ("PBSZ 0", Ok(Command::Pbsz)),
            ("PBSZ 4294967295", Ok(Command::Pbsz)),
            ("PBSZ 4294967296", Err(Misuse::Malformed(rule(pbsz)))),
            ("PBSZ -1", Err(Misuse::Malformed(rule(pbsz)))),
            ("PROT P", Ok(Command::Prot(Protection::Private))),
            ("PROT c", Ok(Command::Prot(Protection::Clear))),
            ("PROT S", Err(Misuse::Level)),
            ("PROT E", Err(Misuse::Level)),
            ("PROT X", Err(Misuse::Unsupported(rule(prot)))),
            ("CCC", Ok(Command::Ccc)),
        ] {
            assert_eq!(parse(line.as_bytes()).unwrap().command, command, "{line}");
        }
    }
}
