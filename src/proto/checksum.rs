//! The checksums that HASH and the older XCRC, XMD5 and XSHA commands ask for, by name only: who
//! computes them is not decided here.
//!
//! draft-bryan-ftpext-hash has one command, HASH, and OPTS HASH to choose its algorithm; clients of
//! old know a command for each, whose range ends before its last number.

/// Algorithm of a checksum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Algorithm {
    /// The CRC of zip and Ethernet.
    Crc32,
    /// Broken as a signature, good against accidents.
    Md5,
    /// Like MD5.
    Sha1,
    /// Default of HASH.
    #[default]
    Sha256,
    /// The longest.
    Sha512,
}

/// All, in the order of FEAT.
const ALGORITHMS: [Algorithm; 5] =
    [Algorithm::Sha256, Algorithm::Sha512, Algorithm::Sha1, Algorithm::Md5, Algorithm::Crc32];

impl Algorithm {
    /// The name in the registry of hash functions, as FEAT and OPTS HASH spell it.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Crc32 => "CRC32",
            Algorithm::Md5 => "MD5",
            Algorithm::Sha1 => "SHA-1",
            Algorithm::Sha256 => "SHA-256",
            Algorithm::Sha512 => "SHA-512",
        }
    }

    /// Reads a name, in any case.
    pub fn parse(name: &[u8]) -> Option<Algorithm> {
        ALGORITHMS.into_iter().find(|known| known.name().as_bytes().eq_ignore_ascii_case(name))
    }

    /// Words of FEAT behind `HASH `: all names, a `*` after this one.
    pub fn feature(self) -> String {
        let mark = |known: Algorithm| if known == self { "*" } else { "" };
        let names = ALGORITHMS.map(|known| format!("{}{}", known.name(), mark(known)));
        names.join(";")
    }
}

/// The file that an X command names, and the bytes of it.
///
/// `a 1 2` is a file's name, or bytes 1 and up to 2 of the file `a`: only who knows the files can
/// say. A quoted name leaves no doubt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The name, if the whole argument is one.
    pub whole: Option<Vec<u8>>,
    /// The name and the bytes, if numbers follow one: the first byte, and the one after the last.
    pub ranged: Option<(Vec<u8>, u64, Option<u64>)>,
}

impl Target {
    /// Reads the argument of an X command; `None` if it is malformed.
    pub fn parse(argument: &[u8]) -> Option<Target> {
        if let Some(quoted) = argument.strip_prefix(b"\"") {
            let end = quoted.iter().position(|&byte| byte == b'"')?;
            let (name, rest) = (quoted[..end].to_vec(), &quoted[end + 1..]);
            let (start, end) = match *numbers(rest)? {
                [] => return Some(Target { whole: Some(name), ranged: None }),
                [start] => (start, None),
                [start, end] => (start, Some(end)),
                _ => return None,
            };
            return Some(Target { whole: None, ranged: Some((name, start, end)) });
        }
        let ranged = split_number(argument).map(|(name, last)| match split_number(name) {
            Some((name, start)) => (name.to_vec(), start, Some(last)),
            None => (name.to_vec(), last, None),
        });
        Some(Target { whole: Some(argument.to_vec()), ranged })
    }
}

/// Splits the number off that a text ends in.
fn split_number(text: &[u8]) -> Option<(&[u8], u64)> {
    let space = text.iter().rposition(|&byte| byte == b' ')?;
    let number = super::digits::number(&text[space + 1..])?;
    (space > 0).then_some((&text[..space], number))
}

/// The numbers of a text that holds nothing else.
fn numbers(text: &[u8]) -> Option<Vec<u64>> {
    let words = text.split(|byte| matches!(byte, b' ' | b',')).filter(|word| !word.is_empty());
    words.map(super::digits::number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_features() {
        for known in ALGORITHMS {
            assert_eq!(Algorithm::parse(known.name().to_lowercase().as_bytes()), Some(known));
        }
        assert_eq!(Algorithm::parse(b"SHA-3"), None);
        assert_eq!(Algorithm::Md5.feature(), "SHA-256;SHA-512;SHA-1;MD5*;CRC32");
    }

    #[test]
    fn a_target_is_a_name_or_a_name_and_numbers() {
        let parse = |text: &str| Target::parse(text.as_bytes());
        let ranged = |name: &str, start, end| Some((name.as_bytes().to_vec(), start, end));
        let whole = |name: &str| Some(name.as_bytes().to_vec());
        for (text, expected) in [
            ("a b", Target { whole: whole("a b"), ranged: None }),
            ("a 7", Target { whole: whole("a 7"), ranged: ranged("a", 7, None) }),
            ("a 1 2", Target { whole: whole("a 1 2"), ranged: ranged("a", 1, Some(2)) }),
            ("\"a 1\"", Target { whole: whole("a 1"), ranged: None }),
            ("\"a\" 1", Target { whole: None, ranged: ranged("a", 1, None) }),
            ("\"a\", 1, 2", Target { whole: None, ranged: ranged("a", 1, Some(2)) }),
        ] {
            assert_eq!(parse(text), Some(expected), "{text}");
        }
        assert_eq!(parse("\"a"), None);
        assert_eq!(parse("\"a\" x"), None);
        assert_eq!(parse("\"a\" 1 2 3"), None);
    }
}
