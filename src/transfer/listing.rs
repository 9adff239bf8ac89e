//! A listing as a source of bytes: lines that are made as they are sent.
//!
//! A folder's names are gathered and sorted first, up to a bound; a folder with more of them is
//! streamed as the kernel gives it. Either way each call does a bounded piece of work, and what is
//! kept does not grow with the folder.

use std::vec;

use crate::fs::{Dir, Refusal, Root};
use crate::proto::entry::Kind;
use crate::proto::listing::{self, Style};
use crate::proto::path::VPath;
use crate::proto::pattern;

/// Up to so many names a listing is sorted; beyond it is streamed unsorted.
const SORTED_NAMES: usize = 10_000;
/// A name read is a small part of the work of a line made.
const NAMES_PER_LINE: usize = 16;
/// Matching costs the pattern's length for every byte of a name; no honest pattern is longer.
const LONGEST_PATTERN: usize = 1024;

/// A listing in the making.
#[derive(Debug)]
pub struct ListingLines {
    dir: Dir,
    pattern: Option<Vec<u8>>,
    style: Style,
    prefix: Vec<u8>,
    /// The time that dates are shown relative to, in seconds since 1970.
    now: i64,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    /// Names are gathered, to be sorted.
    Gathering(Vec<Vec<u8>>),
    /// Lines are made of these; then, if there were too many to gather, of the rest.
    Spelling { names: vec::IntoIter<Vec<u8>>, more: bool },
}

impl ListingLines {
    /// Opens what `path` names, which the client spelled `spelled`: a folder's entries, one file,
    /// or, if nothing has this name, what matches its last component. `now` is in seconds since
    /// 1970.
    ///
    /// # Errors
    /// Nothing has this name, and it is no pattern; or it may not be read.
    pub fn open(
        root: &Root,
        path: &VPath,
        spelled: &[u8],
        style: Style,
        now: i64,
    ) -> Result<ListingLines, Refusal> {
        if matches!(style, Style::Machine { .. }) && root.facts(path)?.kind != Kind::Directory {
            return Err(Refusal::NotDirectory);
        }
        let folder_part = spelled.iter().rposition(|&byte| byte == b'/').map_or(0, |at| at + 1);
        let is_folder = match root.facts(path) {
            Ok(facts) => Some(facts.kind == Kind::Directory),
            // A link that leads nowhere is listed as the link that it is.
            Err(Refusal::NotFound) if root.link_facts(path).is_ok() => Some(false),
            Err(Refusal::NotFound | Refusal::BadName) if is_pattern(path) => None,
            Err(refusal) => return Err(refusal),
        };
        let folder = if is_folder == Some(true) { path.clone() } else { path.parent() };
        let name = path.name().map(<[u8]>::to_vec);
        let (prefix, pattern, phase) = match is_folder {
            Some(true) => (folder_prefix(spelled), None, Phase::Gathering(Vec::new())),
            Some(false) => {
                let names = Vec::from_iter(name).into_iter();
                (spelled[..folder_part].to_vec(), None, Phase::Spelling { names, more: false })
            }
            None => (spelled[..folder_part].to_vec(), name, Phase::Gathering(Vec::new())),
        };
        Ok(ListingLines { dir: root.dir(&folder)?, pattern, style, prefix, now, phase })
    }

    /// Appends about `lines` lines to `out`, or does as much work towards them; false when there
    /// are no more.
    ///
    /// # Errors
    /// The folder can't be read on.
    pub fn fill(&mut self, out: &mut Vec<u8>, lines: usize) -> Result<bool, Refusal> {
        if matches!(self.phase, Phase::Gathering(_)) {
            return self.gather(lines.saturating_mul(NAMES_PER_LINE)).map(|()| true);
        }
        for _ in 0..lines {
            match self.next_name()? {
                Some(name) => self.spell(out, &name),
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    fn gather(&mut self, most: usize) -> Result<(), Refusal> {
        let Phase::Gathering(names) = &mut self.phase else { return Ok(()) };
        let mut more = true;
        for _ in 0..most {
            match self.dir.next_name().transpose()? {
                Some(name) if matches(self.pattern.as_deref(), &name) => names.push(name),
                Some(_) => {}
                None => {
                    more = false;
                    break;
                }
            }
        }
        if !more || names.len() >= SORTED_NAMES {
            let mut names = std::mem::take(names);
            if !more {
                names.sort_unstable();
            }
            self.phase = Phase::Spelling { names: names.into_iter(), more };
        }
        Ok(())
    }

    fn next_name(&mut self) -> Result<Option<Vec<u8>>, Refusal> {
        let Phase::Spelling { names, more } = &mut self.phase else { return Ok(None) };
        if let Some(name) = names.next() {
            return Ok(Some(name));
        }
        if *more { self.dir.next_name().transpose() } else { Ok(None) }
    }

    fn spell(&self, out: &mut Vec<u8>, name: &[u8]) {
        if !matches(self.pattern.as_deref(), name) {
            return;
        }
        match self.style {
            Style::Names => listing::name(out, &self.prefix, name),
            Style::Machine { wanted, may_write } => {
                let Ok(facts) = self.dir.facts_of(name) else { return };
                listing::machine(out, name, &facts, may_write, wanted);
            }
            Style::Long => {
                // What vanished since its name was read is not there to be listed.
                let Ok(facts) = self.dir.facts_of(name) else { return };
                let is_link = facts.kind == Kind::Link;
                let target = if is_link { self.dir.link_target(name) } else { None };
                listing::long(out, name, &facts, target.as_deref(), self.now);
            }
        }
    }
}

fn is_pattern(path: &VPath) -> bool {
    let name = path.name().unwrap_or_default();
    name.len() <= LONGEST_PATTERN && pattern::has_wildcards(name)
}

fn matches(wanted: Option<&[u8]>, name: &[u8]) -> bool {
    wanted.is_none_or(|wanted| pattern::matches(wanted, name))
}

/// What makes the names of a folder usable from where the client is (RFC 1123, 4.1.2.7).
fn folder_prefix(spelled: &[u8]) -> Vec<u8> {
    match spelled {
        b"" | b"." | b"./" => Vec::new(),
        [.., b'/'] => spelled.to_vec(),
        _ => [spelled, b"/"].concat(),
    }
}
