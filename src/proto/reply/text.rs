//! Text of replies: what is put together from a table or a name, and made harmless.

use std::borrow::Cow;

use crate::proto::checksum::Algorithm;
use crate::proto::command::{Change, Misuse};
use crate::proto::date;
use crate::proto::listing::FactSet;
use crate::proto::verb::{self, Feature, Verb};

/// Refusal of a command that cannot be obeyed.
pub(super) fn misuse(misuse: Misuse) -> (u16, Cow<'static, [u8]>) {
    match misuse {
        Misuse::Unrecognised => (500, b"Command not recognised, see HELP."[..].into()),
        Misuse::NotImplemented => (502, b"Command not implemented."[..].into()),
        Misuse::Missing(rule) => (501, owned(&["Argument missing: ", rule.name, " ", rule.help])),
        Misuse::Unexpected(rule) => (501, owned(&[rule.name, " takes no argument."])),
        Misuse::Malformed(rule) => {
            (501, owned(&["Argument not understood: ", rule.name, " ", rule.help]))
        }
        Misuse::Unsupported(rule) => {
            (504, owned(&["Parameter not supported: ", rule.name, " ", rule.help]))
        }
        Misuse::Level => (536, b"TLS has the levels C and P only."[..].into()),
        Misuse::Protocol => (522, b"Network protocol not supported, use (1,2)."[..].into()),
    }
}

/// Features of RFC 2389: exactly what works.
pub(super) fn features(facts: FactSet, algorithm: Algorithm, security: &[Verb]) -> String {
    // TVFS and UTF8 belong to no verb.
    let mut lines = vec!["TVFS".to_owned(), "UTF8".to_owned()];
    let mut private = Vec::new();
    for rule in verb::all() {
        let words = match rule.feature {
            Feature::None => continue,
            Feature::Tls(_) if !security.contains(&rule.verb) => continue,
            Feature::Line(words) | Feature::Tls(words) => words.to_owned(),
            Feature::Algorithms => algorithm.feature(),
            Feature::Facts => facts.feature(),
        };
        let of = if matches!(rule.feature, Feature::Tls(_)) { &mut private } else { &mut lines };
        of.push(format!("{} {words}", rule.name).trim_end().to_owned());
    }
    lines.sort_unstable();
    private.append(&mut lines);
    format!("Features supported:\n{}\nEnd FEAT.", private.join("\n"))
}

/// Facts as MFF repeats them, a space behind.
pub(super) fn spelled(changes: &[Change]) -> String {
    let facts = changes.iter().map(|change| match change {
        Change::Modified(at) => format!("Modify={};", date::mdtm(*at)),
        Change::Mode(mode) => format!("UNIX.mode={mode};"),
    });
    facts.chain([" ".to_owned()]).collect()
}

pub(super) fn help() -> String {
    let mut text = String::from("Commands:");
    for (index, rule) in verb::all().iter().enumerate() {
        text.push_str(if index % 10 == 0 { "\n" } else { " " });
        text.push_str(rule.name);
    }
    text.push_str("\nHELP <command> tells more.");
    text
}

/// Opening of a data connection, in words that clients look for the length in.
pub(super) fn opening(bytes: u64) -> Cow<'static, [u8]> {
    owned(&["Opening data connection (", &bytes.to_string(), " bytes)."])
}

pub(super) fn owned(parts: &[&str]) -> Cow<'static, [u8]> {
    parts.concat().into_bytes().into()
}

pub(super) fn named(before: &str, name: &[u8], after: &str) -> Cow<'static, [u8]> {
    [before.as_bytes(), &one_line(name), after.as_bytes()].concat().into()
}

/// A path in quotes, its own quotes doubled (RFC 959, appendix II).
pub(super) fn quoted(path: &[u8], after: &str) -> Cow<'static, [u8]> {
    let mut text = vec![b'"'];
    for byte in one_line(path) {
        text.extend(std::iter::repeat_n(byte, if byte == b'"' { 2 } else { 1 }));
    }
    text.push(b'"');
    text.extend_from_slice(after.as_bytes());
    text.into()
}

/// A name that holds a LF must not make a second line.
pub(super) fn one_line(name: &[u8]) -> Vec<u8> {
    name.iter().map(|&byte| if byte == b'\n' { b'?' } else { byte }).collect()
}

/// Begins the reply to STAT with a path, which [`Reply::EndOfStatus`](super::Reply::EndOfStatus) ends.
pub fn begin_status(out: &mut Vec<u8>) {
    out.extend_from_slice(b"213-Status follows:\r\n");
}

/// Line between [`begin_status`] and the end, without its CRLF.
pub fn status_line(out: &mut Vec<u8>, line: &[u8]) {
    // A space in front, so that no name can look like the reply's last line.
    out.push(b' ');
    push_harmless(out, line);
    out.extend_from_slice(b"\r\n");
}

pub(super) fn push_code(out: &mut Vec<u8>, code: u16, separator: u8) {
    out.extend([code / 100 % 10, code / 10 % 10, code % 10].map(|digit| b'0' + digit as u8));
    out.push(separator);
}

pub(super) fn push_harmless(out: &mut Vec<u8>, line: &[u8]) {
    for &byte in line {
        match byte {
            b'\r' | b'\n' => out.push(b'?'),
            0xFF => out.extend_from_slice(&[0xFF, 0xFF]),
            byte => out.push(byte),
        }
    }
}
