//! Lines of listings, of any name and any facts: one line each, from which a client reads what was
//! written.

use super::*;
use crate::fuzz::{Chance, part};

#[test]
fn hostile_names_and_facts_make_one_line_each() {
    part!("names").some(check);
}

#[test]
#[ignore = "needs some minutes, in release mode"]
fn fuzz_of_listings() {
    part!("names").many(10_000_000, check);
}

fn check(input: &[u8], chance: &mut Chance) {
    let facts = facts(chance);
    let cut = chance.upto(input.len());
    let (first, second) = input.split_at(cut);
    check_long(first, second, &facts, chance);
    check_machine(input, &facts, chance);
    let shown = line(|out| name(out, first, second));
    assert_eq!(shown, without_ends(input));
}

fn check_long(name: &[u8], target: &[u8], facts: &Facts, chance: &mut Chance) {
    let target = chance.one_in(2).then_some(target);
    let now = chance.next() as i64 >> chance.below(64);
    let shown = line(|out| long(out, name, facts, target, now));
    let tail = match target {
        Some(target) => [name, b" -> ", target].concat(),
        None => name.to_vec(),
    };
    let head = shown.strip_suffix(&*without_ends(&tail)).expect("the name comes last");
    let head = std::str::from_utf8(head).expect("all before the name is ASCII");
    assert!(head.is_ascii() && head.ends_with(' ') && head.len() <= 100);
    // Clients cut at runs of blanks: nine columns, the last three of which are the date.
    let columns: Vec<&str> = head.split_ascii_whitespace().collect();
    assert_eq!(columns.len(), 8, "{head}");
    assert_eq!(mode(columns[0]), facts.mode);
    assert_eq!(columns[1].parse(), Ok(facts.links));
    assert_eq!(columns[2].parse(), Ok(facts.owner));
    assert_eq!(columns[3].parse(), Ok(facts.group));
    assert_eq!(columns[4].parse(), Ok(facts.size));
}

fn check_machine(name: &[u8], facts: &Facts, chance: &mut Chance) {
    let wanted = FactSet(chance.below(1 << FACTS.len()) as u16);
    assert_eq!(FactSet::parse(wanted.to_string().to_ascii_uppercase().as_bytes()), wanted);
    let letters = [chance.next() as u32, chance.next() as u32].map(u32::to_le_bytes);
    let letters = letters.map(|bytes| bytes.map(|byte| b'a' + byte % 26));
    let perm = Perm::new(&letters[0], &letters[1]);
    let shown = line(|out| machine(out, name, facts, perm, wanted));
    let head = shown.strip_suffix(&*without_ends(name)).expect("the name comes last");
    let head = std::str::from_utf8(head).expect("facts are ASCII");
    let head = head.strip_suffix(' ').expect("a blank before the name");
    assert!(!head.contains(' ') && (head.is_empty() || head.ends_with(';')), "{head}");
    for fact in head.split_terminator(';') {
        let (name, value) = fact.split_once('=').expect("a fact has a value");
        match name {
            "size" => assert_eq!(value.parse(), Ok(facts.size)),
            "modify" => {
                let written = date::mdtm(facts.modified).to_string();
                assert_eq!(value, written);
            }
            "UNIX.mode" => assert_eq!(u16::from_str_radix(value, 8), Ok(facts.mode)),
            "UNIX.owner" => assert_eq!(value.parse(), Ok(facts.owner)),
            "UNIX.group" => assert_eq!(value.parse(), Ok(facts.group)),
            "type" | "create" | "perm" | "unique" => assert!(value.is_ascii()),
            other => panic!("no such fact: {other}"),
        }
    }
}

/// The one line that is written, without its end.
fn line(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out);
    let line = out.strip_suffix(b"\r\n").expect("a line ends in CRLF");
    assert!(!line.iter().any(|byte| b"\r\n".contains(byte)), "{}", out.escape_ascii());
    line.to_vec()
}

fn without_ends(name: &[u8]) -> Vec<u8> {
    name.iter().map(|&byte| if b"\r\n".contains(&byte) { b'?' } else { byte }).collect()
}

/// Mode that ten letters mean.
fn mode(letters: &str) -> u16 {
    letters.bytes().skip(1).enumerate().fold(0, |mode, (place, letter)| {
        let bit = 0o400 >> place;
        let special = 0o4000 >> (place / 3);
        mode | match letter {
            b'-' => 0,
            b's' | b't' => bit | special,
            b'S' | b'T' => special,
            _ => bit,
        }
    })
}

fn facts(chance: &mut Chance) -> Facts {
    let mut number = || chance.next() >> chance.below(64);
    let (size, modified, created) = (number(), number() as i64, number() as i64);
    let (links, owner, group) = (number() as u32, number() as u32, number() as u32);
    let (device, inode) = (number(), number());
    Facts {
        kind: chance.pick(&[Kind::Directory, Kind::File, Kind::Link, Kind::Special]),
        mode: chance.below(0o10000) as u16,
        links,
        owner,
        group,
        size,
        modified_ns: 0,
        modified: if chance.one_in(2) { modified } else { -modified },
        created: chance.one_in(2).then_some(created),
        device,
        inode,
    }
}
