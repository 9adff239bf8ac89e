//! Replies with any text in them: one well-formed reply each, as a client reads it (RFC 959, 4.2).

use super::*;
use crate::fuzz::{Chance, part};
use crate::proto::command::ModeChange;

#[test]
fn hostile_texts_make_one_reply_each() {
    part!("names").some(check);
}

#[test]
#[ignore = "needs some minutes, in release mode"]
fn fuzz_of_replies() {
    part!("names").many(10_000_000, check);
}

fn check(input: &[u8], chance: &mut Chance) {
    let seconds = (chance.next() as i64) >> chance.below(40);
    let changes =
        [Change::Modified(seconds), Change::Mode(ModeChange::Octal(chance.below(0o1000) as u16))];
    let changes = &changes[chance.upto(2)..];
    let text = String::from_utf8_lossy(input);
    let hash = Reply::Hash {
        algorithm: Algorithm::default(),
        range: (chance.next(), chance.next()),
        digits: "00",
        path: input,
    };
    for reply in [
        Reply::Ready(&text),
        Reply::StoringAs(input),
        Reply::StoredAs(input),
        Reply::CurrentFolder(input),
        Reply::FolderMade(input),
        Reply::Facts(input),
        Reply::Changed(changes, input),
        hash,
        Reply::Status(&text),
        Reply::Refused(chance.pick(&[450, 550, 553]), &text),
    ] {
        let mut wire = Vec::new();
        reply.write_to(&mut wire);
        assert!(wire.len() <= 100 + 3 * input.len(), "{} bytes", wire.len());
        let lines = lines_of_one_reply(&wire);
        match reply {
            Reply::CurrentFolder(path) => assert_eq!(unquoted(&lines[0]), harmless(path)),
            Reply::StoringAs(name) => assert_eq!(lines, [[b"FILE: ", &*harmless(name)].concat()]),
            Reply::Facts(line) => assert_eq!(lines[1], harmless(line)),
            _ => {}
        }
    }

    let mut listing = Vec::new();
    begin_status(&mut listing);
    let names: Vec<&[u8]> = input.split(|&byte| byte == b'/').collect();
    names.iter().for_each(|name| status_line(&mut listing, name));
    Reply::EndOfStatus.write_to(&mut listing);
    let lines = lines_of_one_reply(&listing);
    assert_eq!(lines.len(), names.len() + 2);
    assert!(names.iter().zip(&lines[1..]).all(|(name, line)| harmless(name) == *line));
}

/// Lines of the one reply that this is, without codes and blanks, and read as Telnet.
fn lines_of_one_reply(wire: &[u8]) -> Vec<Vec<u8>> {
    let text = wire.strip_suffix(b"\r\n").expect("a reply ends in CRLF");
    let mut lines = Vec::new();
    let mut rest = Some(text);
    while let Some(line) = rest {
        let end = line.windows(2).position(|pair| pair == b"\r\n");
        rest = end.map(|end| &line[end + 2..]);
        let line = &line[..end.unwrap_or(line.len())];
        assert!(!line.iter().any(|byte| b"\r\n".contains(byte)), "{}", wire.escape_ascii());
        assert!(wire[..3].iter().all(u8::is_ascii_digit));
        let text = match (lines.is_empty(), rest.is_none()) {
            (_, true) => [&wire[..3], b" "].concat(),
            (true, false) => [&wire[..3], b"-"].concat(),
            // No line between may look like the last.
            (false, false) => b" ".to_vec(),
        };
        let text = line.strip_prefix(&*text);
        let text = text.unwrap_or_else(|| panic!("not one reply: {}", wire.escape_ascii()));
        lines.push(from_telnet(text));
    }
    lines
}

/// Bytes of a Telnet text, in which no command may stand.
fn from_telnet(text: &[u8]) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), text.iter());
    while let Some(&byte) = rest.next() {
        assert!(byte != 0xff || rest.next() == Some(&0xff), "a Telnet command");
        bytes.push(byte);
    }
    bytes
}

/// A name as a line can show it.
fn harmless(name: &[u8]) -> Vec<u8> {
    name.iter().map(|&byte| if b"\r\n".contains(&byte) { b'?' } else { byte }).collect()
}

/// Path of a 257, as clients read it: up to the first quote that is not doubled.
fn unquoted(line: &[u8]) -> Vec<u8> {
    let (mut path, mut rest) = (Vec::new(), line.strip_prefix(b"\"").expect("a quote"));
    loop {
        match rest {
            [b'"', b'"', after @ ..] => {
                path.push(b'"');
                rest = after;
            }
            [b'"', ..] => return path,
            [byte, after @ ..] => {
                path.push(*byte);
                rest = after;
            }
            [] => panic!("no closing quote: {}", line.escape_ascii()),
        }
    }
}
