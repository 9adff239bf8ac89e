//! The lines of LIST, NLST, MLSD and MLST, one at a time, for a data connection. It reads no
//! directory, and sorts and filters nothing: what it is given it spells.
//!
//! RFC 959 leaves the looks of LIST open, so every client has learned to read `ls -l`. NLST is
//! names only; RFC 1123, 4.1.2.7, wants each to be usable in RETR as it stands, so the lines for
//! `NLST sub` are `sub/a`, `sub/b`. RFC 3659, 7, is the format meant for programs: each line is
//! `fact=value;fact=value; name`. FEAT tells which facts there are, a `*` after those that are
//! shown, and `OPTS MLST type;size;` chooses.
//!
//! A CR or LF in a name would break its line in two and is shown as `?`. All other bytes are
//! written as they are.

use super::facts::{Facts, Kind};
use super::{date, digits};
use std::fmt;
use std::io::Write as _; // only ever into a Vec

/// Style in which a listing spells a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// LIST: like `ls -l`.
    Long,
    /// NLST: names that can be used as arguments, so with the folder as the client spelled it.
    Names,
    /// MLSD: facts for programs.
    Machine {
        /// The facts to show.
        wanted: FactSet,
    },
}

/// Letters of the `perm` fact, one for each command that may be tried: in files append, rename, delete,
/// read, write; in folders create, enter, list, make, purge (RFC 3659, 7.5.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Perm {
    file: u32,
    folder: u32,
}

impl Perm {
    /// These letters, of `a` to `z`, for files and for folders.
    pub fn new(file: &[u8], folder: &[u8]) -> Perm {
        let bits = |letters: &[u8]| {
            let bit = |letter: &u8| 1_u32.checked_shl(u32::from(letter.wrapping_sub(b'a')));
            letters.iter().filter_map(bit).fold(0, |bits, bit| bits | bit)
        };
        Perm { file: bits(file), folder: bits(folder) }
    }

    /// Letters for a file of this kind. Of what a link leads to nothing is known but that the link
    /// itself may be renamed or deleted.
    fn letters(self, kind: Kind) -> impl Iterator<Item = u8> {
        let held = match kind {
            Kind::Directory => self.folder,
            Kind::File => self.file,
            Kind::Link | Kind::Special => self.file & Perm::new(b"df", b"").file,
        };
        (b'a'..=b'z').filter(move |letter| held & 1 << (letter - b'a') != 0)
    }
}

/// Letters of the `perm` fact for the names of a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Perms {
    /// Letters for all but the exceptions.
    pub each: Perm,
    /// Folders among them that have rules of their own.
    pub exceptions: Box<[(Box<[u8]>, Perm)]>,
}

impl Perms {
    /// Letters for this name.
    pub fn of(&self, name: &[u8]) -> Perm {
        let exception = self.exceptions.iter().find(|(other, _)| **other == *name);
        exception.map_or(self.each, |(_, perm)| *perm)
    }
}

/// Appends the line of LIST for one file. `target` is where a symbolic link leads, if that is
/// known; `now` decides whether the date is shown with its time or with its year.
pub fn long(out: &mut Vec<u8>, name: &[u8], facts: &Facts, target: Option<&[u8]>, now: i64) {
    out.extend_from_slice(&permissions(facts));
    let Facts { links, owner, group, size, modified, .. } = *facts;
    out.push(b' ');
    digits::right_aligned(out, links.into(), 3);
    out.push(b' ');
    digits::left_aligned(out, owner.into(), 8);
    out.push(b' ');
    digits::left_aligned(out, group.into(), 8);
    out.push(b' ');
    digits::right_aligned(out, size, 8);
    out.push(b' ');
    out.extend_from_slice(&date::ls(modified, now));
    out.push(b' ');
    shown(out, name);
    if let Some(target) = target {
        out.extend_from_slice(b" -> ");
        shown(out, target);
    }
    out.extend_from_slice(b"\r\n");
}

/// Appends the line of NLST for one name. `prefix` is what makes it a path that the client can
/// use: empty, or the directory as the client wrote it and a `/`.
pub fn name(out: &mut Vec<u8>, prefix: &[u8], name: &[u8]) {
    shown(out, prefix);
    shown(out, name);
    out.extend_from_slice(b"\r\n");
}

/// Appends the heading of a folder within a listing of many, and a blank line before all but the first.
pub fn heading(out: &mut Vec<u8>, folder: &[u8], is_first: bool) {
    if !is_first {
        out.extend_from_slice(b"\r\n");
    }
    shown(out, folder);
    out.extend_from_slice(b":\r\n");
}

/// Appends the line of MLSD for one file, with those of the `wanted` facts that it has. MLST sends
/// the same line on the control connection, a space before it.
pub fn machine(out: &mut Vec<u8>, name: &[u8], facts: &Facts, perm: Perm, wanted: FactSet) {
    for fact in FACTS.into_iter().filter(|&fact| wanted.has(fact)) {
        put_fact(out, fact, facts, perm);
    }
    out.push(b' ');
    shown(out, name);
    out.extend_from_slice(b"\r\n");
}

/// A fact that MLSx can show.
#[derive(Clone, Copy)]
enum Fact {
    Type,
    Size,
    Modify,
    Create,
    Perm,
    Unique,
    Mode,
    Owner,
    Group,
}

/// All facts, in the order in which they are shown.
const FACTS: [Fact; 9] = [
    Fact::Type,
    Fact::Size,
    Fact::Modify,
    Fact::Create,
    Fact::Perm,
    Fact::Unique,
    Fact::Mode,
    Fact::Owner,
    Fact::Group,
];

impl Fact {
    fn name(self) -> &'static str {
        match self {
            Fact::Type => "type",
            Fact::Size => "size",
            Fact::Modify => "modify",
            Fact::Create => "create",
            Fact::Perm => "perm",
            Fact::Unique => "unique",
            Fact::Mode => "UNIX.mode",
            Fact::Owner => "UNIX.owner",
            Fact::Group => "UNIX.group",
        }
    }
}

/// Facts that a client wants to see. Displayed as `type;size;`, which is how the reply to
/// OPTS MLST repeats them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FactSet(u16);

impl Default for FactSet {
    /// Facts that FileZilla and lftp look for, so that they need no OPTS: all but `create` and
    /// `unique`.
    fn default() -> FactSet {
        FactSet::of(|fact| !matches!(fact, Fact::Create | Fact::Unique))
    }
}

impl FactSet {
    /// Facts of these that are known of a file not looked at: its type.
    pub fn without_a_look(self) -> FactSet {
        FactSet::of(|fact| matches!(fact, Fact::Type) && self.has(fact))
    }

    /// Reads the facts of `OPTS MLST`, `type;size;`, in any case and order. Facts that we don't
    /// have are passed over, as RFC 3659, 7.9, demands; none at all is a choice too.
    pub fn parse(list: &[u8]) -> FactSet {
        FactSet::of(|fact| {
            let name = fact.name().as_bytes();
            list.split(|&byte| byte == b';')
                .any(|item| item.trim_ascii().eq_ignore_ascii_case(name))
        })
    }

    /// Words of FEAT behind `MLST `: all facts, a `*` after those in the set.
    pub fn feature(self) -> String {
        FACTS
            .into_iter()
            .map(|fact| format!("{}{};", fact.name(), if self.has(fact) { "*" } else { "" }))
            .collect()
    }

    fn of(chosen: impl Fn(Fact) -> bool) -> FactSet {
        let chosen = FACTS.into_iter().filter(|&fact| chosen(fact));
        FactSet(chosen.fold(0, |bits, fact| bits | 1 << fact as u16))
    }

    fn has(self, fact: Fact) -> bool {
        self.0 & 1 << fact as u16 != 0
    }
}

impl fmt::Display for FactSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut chosen = FACTS.into_iter().filter(|&fact| self.has(fact));
        chosen.try_for_each(|fact| write!(f, "{};", fact.name()))
    }
}

/// Appends one fact, or nothing if the file does not have it.
fn put_fact(out: &mut Vec<u8>, fact: Fact, facts: &Facts, perm: Perm) {
    match fact {
        // RFC 3659 means the bytes that a transfer would have.
        Fact::Size if facts.kind != Kind::File => return,
        Fact::Create if facts.created.is_none() => return,
        _ => {}
    }
    out.extend_from_slice(fact.name().as_bytes());
    out.push(b'=');
    match fact {
        Fact::Type => out.extend_from_slice(kind(facts.kind).as_bytes()),
        Fact::Size => digits::left_aligned(out, facts.size, 0),
        Fact::Modify => out.extend_from_slice(date::mdtm(facts.modified).as_bytes()),
        Fact::Create => {
            out.extend_from_slice(date::mdtm(facts.created.unwrap_or_default()).as_bytes());
        }
        Fact::Perm => out.extend(perm.letters(facts.kind)),
        Fact::Unique => put(out, format_args!("{:x}g{:x}", facts.device, facts.inode)),
        Fact::Mode => {
            let octal = [9, 6, 3, 0].map(|shift| b'0' + (facts.mode >> shift & 7) as u8);
            out.extend_from_slice(&octal);
        }
        Fact::Owner => digits::left_aligned(out, facts.owner.into(), 0),
        Fact::Group => digits::left_aligned(out, facts.group.into(), 0),
    }
    out.push(b';');
}

/// The `type` fact. A link is `OS.unix=symlink` without its target, which `OS.unix=slink:target`
/// would add: a target may hold a `;`, and a client that wants to follow the link just uses it.
fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Directory => "dir",
        Kind::File => "file",
        Kind::Link => "OS.unix=symlink",
        Kind::Special => "OS.unix=special",
    }
}

/// The ten letters at the beginning of an `ls -l` line.
fn permissions(facts: &Facts) -> [u8; 10] {
    let mut letters = *b"-rwxrwxrwx";
    letters[0] = match facts.kind {
        Kind::Directory => b'd',
        Kind::File => b'-',
        Kind::Link => b'l',
        // Special files have one letter for all. Clients that mirror skip it; behind a `-` they
        // would try to fetch a device and fail.
        Kind::Special => b's',
    };
    for (place, letter) in letters[1..].iter_mut().enumerate() {
        if facts.mode & 0o400 >> place == 0 {
            *letter = b'-';
        }
    }
    for (bit, place, set, alone) in
        [(0o4000, 3, b's', b'S'), (0o2000, 6, b's', b'S'), (0o1000, 9, b't', b'T')]
    {
        if facts.mode & bit != 0 {
            letters[place] = if letters[place] == b'x' { set } else { alone };
        }
    }
    letters
}

/// Appends a name as it can be shown within one line.
fn shown(out: &mut Vec<u8>, name: &[u8]) {
    let breaks_lines = |byte: &u8| matches!(byte, b'\r' | b'\n');
    let from = out.len();
    out.extend_from_slice(name);
    // No jump for each byte, since hardly any name has one.
    if name.iter().fold(false, |found, byte| found | breaks_lines(byte)) {
        out[from..].iter_mut().filter(|byte| breaks_lines(byte)).for_each(|byte| *byte = b'?');
    }
}

fn put(out: &mut Vec<u8>, text: fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a Vec takes every byte");
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
