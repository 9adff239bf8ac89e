//! A listing as a source of bytes: lines that are made as they are sent.
//!
//! A folder's names are gathered and sorted first, up to a bound; a folder with more of them is
//! streamed as the kernel gives it. Either way each call does a bounded piece of work, and what is
//! kept does not grow with the folder.

use super::names::Names;
use crate::fs::{Dir, Refusal, Root};
use crate::proto::facts::{Facts, Kind};
use crate::proto::glob::{self, Pattern};
use crate::proto::listing::{self, Style};
use crate::proto::path::VPath;

/// Names that a listing is sorted to, about. A folder that holds more is streamed unsorted, so
/// that its first line is seen at once.
const SORTED_NAMES: usize = 2_000;
/// Longest honest pattern.
const LONGEST_PATTERN: usize = 1024;
/// Costs of work in the budget: in the time that it takes, about so many bytes could be sent.
/// One call for names, and each name that it brings.
const READ_COST: usize = 160 * 1024;
const NAME_READ_COST: usize = 768;
/// A name, spelled or passed over.
const NAME_COST: usize = 256;
/// The facts of a file.
const FACTS_COST: usize = 16 * 1024;
/// One step of matching, of which there can be the pattern's length for every byte of a name.
const STEP_COST: usize = 4;
/// Lines that are made at once, in bytes: a client that reads nothing has us hold as many.
const PIECE_BYTES: usize = 64 * 1024;

/// A listing in the making.
#[derive(Debug)]
pub struct ListingLines {
    root: Root,
    folder: VPath,
    dir: Dir,
    pattern: Option<Pattern>,
    style: Style,
    prefix: Vec<u8>,
    /// The time that dates are shown relative to, in seconds since 1970.
    now: i64,
    names: Names,
    progress: Progress,
    looks: Looks,
}

/// Looks at the files that were listed.
#[derive(Debug, Default)]
struct Looks {
    /// True if one of them told something.
    told: bool,
    /// Refusal of the last that did not.
    refused: Option<Refusal>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// Names are gathered, to be sorted.
    Gathering,
    /// Too many names: lines are made of those at hand, then the next are read.
    Streaming,
    /// Lines are made of the names at hand, which are the last.
    Spelling,
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
        let lines = |folder: VPath, prefix: &[u8]| {
            Ok::<_, Refusal>(ListingLines {
                dir: root.dir(&folder)?,
                root: root.clone(),
                folder,
                pattern: None,
                style,
                prefix: prefix.to_vec(),
                now,
                names: Names::default(),
                progress: Progress::Gathering,
                looks: Looks::default(),
            })
        };
        let refusal = match lines(path.clone(), &folder_prefix(spelled)) {
            Ok(lines) => return Ok(lines),
            Err(refusal) if matches!(style, Style::Machine { .. }) => return Err(refusal),
            Err(refusal) => refusal,
        };
        let folder_part = spelled.iter().rposition(|&byte| byte == b'/').map_or(0, |at| at + 1);
        let prefix = &spelled[..folder_part];
        let name = path.name().unwrap_or_default();
        // A link that leads nowhere is listed as the link that it is.
        let is_link = || root.link_facts(path).is_ok_and(|facts| facts.kind == Kind::Link);
        let dangles = || refusal == Refusal::NotFound && is_link();
        if refusal == Refusal::NotDirectory || dangles() {
            let mut one = lines(path.parent(), prefix)?;
            one.names.push(name, None);
            one.progress = Progress::Spelling;
            return Ok(one);
        }
        if !is_pattern(name) || !matches!(refusal, Refusal::NotFound | Refusal::BadName) {
            return Err(refusal);
        }
        let mut matching = lines(path.parent(), prefix)?;
        matching.pattern = Some(Pattern::parse(name));
        Ok(matching)
    }

    /// True if a call may wait for a slow disk: then it is for a thread that may.
    pub fn may_block(&self) -> bool {
        self.root.may_block()
    }

    /// Puts lines into `out`, which is empty, or works towards them, until `most` of the budget is
    /// used up or a fair piece is made: the cost, or `None` when there are no more.
    ///
    /// # Errors
    /// The folder can't be read on, or was removed meanwhile; or none of its files can be looked at,
    /// which is said behind their names.
    pub fn fill(&mut self, out: &mut Vec<u8>, most: usize) -> Result<Option<usize>, Refusal> {
        if self.progress == Progress::Gathering {
            return self.gather().map(Some);
        }
        let mut cost = 0;
        while cost < most && out.len() < PIECE_BYTES {
            let Some((name, kind)) = self.names.next() else {
                if !out.is_empty() {
                    // Lines that are made are sent, whatever comes of the next call.
                    return Ok(Some(cost));
                }
                if self.progress == Progress::Spelling {
                    return self.end();
                }
                self.names.clear();
                return self.read().map(|read| Some(cost + read));
            };
            cost += NAME_COST;
            if let Some(pattern) = &self.pattern {
                cost += pattern.len() * name.len() * STEP_COST;
                if !pattern.matches(name) {
                    continue;
                }
            }
            let facts = match self.style {
                Style::Names => {
                    listing::name(out, &self.prefix, name);
                    continue;
                }
                Style::Long => self.dir.facts_of(name),
                Style::Machine { .. } => machine_facts((&self.root, &self.folder), &self.dir, name),
            };
            match (facts, self.style) {
                // A link may lead to where only a worker may go.
                (Err(Refusal::NeedsWorker), _) => {
                    self.root = self.root.blocking();
                    self.names.put_back();
                    return Ok(Some(cost));
                }
                // File gone since its name was read.
                (Err(Refusal::NotFound), _) | (_, Style::Names) => {}
                (Ok(facts), Style::Long) => {
                    self.looks.told = true;
                    let is_link = facts.kind == Kind::Link;
                    let target = if is_link { self.dir.link_target(name) } else { None };
                    listing::long(out, name, &facts, target.as_deref(), self.now);
                }
                (Ok(facts), Style::Machine { wanted, may_write }) => {
                    self.looks.told = true;
                    listing::machine(out, name, &facts, may_write, wanted);
                }
                (Err(refusal), Style::Long) => {
                    self.looks.refused = Some(refusal);
                    listing::long(out, name, &Facts::without_a_look(kind), None, self.now);
                }
                (Err(refusal), Style::Machine { wanted, may_write }) => {
                    self.looks.refused = Some(refusal);
                    let facts = Facts::without_a_look(kind);
                    listing::machine(out, name, &facts, may_write, wanted.without_a_look());
                }
            }
            cost += FACTS_COST;
        }
        Ok(Some(cost))
    }

    /// All names are spelled. Without a word, those of a removed folder would look like all there are,
    /// and a disk that answers nothing like a folder of empty files.
    fn end(&self) -> Result<Option<usize>, Refusal> {
        match (self.looks.told, self.looks.refused) {
            (false, Some(refusal)) => Err(refusal),
            _ if self.dir.is_removed() => Err(Refusal::NotFound),
            _ => Ok(None),
        }
    }

    /// Reads more names, and decides what becomes of them: the cost.
    fn gather(&mut self) -> Result<usize, Refusal> {
        self.progress = Progress::Streaming;
        let cost = self.read()?;
        match self.progress {
            Progress::Spelling => self.names.sort(),
            _ if self.names.len() < SORTED_NAMES => self.progress = Progress::Gathering,
            _ => {}
        }
        Ok(cost)
    }

    /// Reads some names on; the last are spelled, and then it is over. The cost is returned.
    fn read(&mut self) -> Result<usize, Refusal> {
        let names = &mut self.names;
        let before = names.len();
        let more = self.dir.next_names(|name, kind| names.push(name, kind))?;
        if !more {
            self.progress = Progress::Spelling;
        }
        Ok(READ_COST + (self.names.len() - before) * NAME_READ_COST)
    }
}

/// Facts that MLSD tells of a name. A link to a file is told, as by MLST, SIZE and RETR, as what it
/// leads to. Otherwise rclone takes it for an empty file, and its copy for corrupted. A link to
/// a folder stays a link: a client that mirrors would go round in circles.
fn machine_facts(place: (&Root, &VPath), dir: &Dir, name: &[u8]) -> Result<Facts, Refusal> {
    let facts = dir.facts_of(name)?;
    if facts.kind != Kind::Link {
        return Ok(facts);
    }
    let (root, folder) = place;
    match root.facts(&folder.join(name)) {
        Err(Refusal::NeedsWorker) => Err(Refusal::NeedsWorker),
        Ok(target) if target.kind == Kind::File => Ok(target),
        _ => Ok(facts),
    }
}

fn is_pattern(name: &[u8]) -> bool {
    name.len() <= LONGEST_PATTERN && glob::has_wildcards(name)
}

/// Prefix by which a folder's names are usable where the client is (RFC 1123, 4.1.2.7).
fn folder_prefix(spelled: &[u8]) -> Vec<u8> {
    match spelled {
        b"" | b"." | b"./" => Vec::new(),
        [.., b'/'] => spelled.to_vec(),
        _ => [spelled, b"/"].concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::RootPath;

    /// The client waited until ten thousand names were read and sorted.
    #[test]
    fn the_first_lines_of_a_large_folder_come_before_its_last_names_are_read() {
        const NAMES: usize = 3 * SORTED_NAMES;
        let folder = tempfile::tempdir().unwrap();
        for number in 0..NAMES {
            std::fs::write(folder.path().join(format!("{number:06}")), "").unwrap();
        }
        let root = RootPath::Server(folder.path().into()).open().unwrap();
        let mut lines = ListingLines::open(&root, &VPath::root(), b"", Style::Names, 0).unwrap();
        let mut out = Vec::new();
        while out.is_empty() {
            lines.fill(&mut out, 1).unwrap().unwrap();
        }
        assert!(lines.names.len() < NAMES / 2, "{} names were read first", lines.names.len());
        out.clear();
        while lines.fill(&mut out, usize::MAX).unwrap().is_some() {
            assert!(out.len() < 2 * PIECE_BYTES);
            out.clear();
        }
    }

    /// It was an empty listing, and a client that mirrors removed its copies.
    #[test]
    fn a_folder_that_is_removed_meanwhile_is_cut_off_and_not_empty() {
        for style in [Style::Long, Style::Names] {
            let folder = tempfile::tempdir().unwrap();
            let (inner, file) = (folder.path().join("inner"), folder.path().join("inner/file"));
            std::fs::create_dir(&inner).unwrap();
            std::fs::write(&file, "").unwrap();
            let root = RootPath::Server(folder.path().into()).open().unwrap();
            let path = VPath::root().join(b"inner");
            let mut lines = ListingLines::open(&root, &path, b"inner", style, 0).unwrap();
            let mut out = Vec::new();
            while lines.progress == Progress::Gathering {
                lines.fill(&mut out, 1).unwrap().unwrap();
            }
            std::fs::remove_file(file).unwrap();
            std::fs::remove_dir(inner).unwrap();
            let end = loop {
                out.clear();
                match lines.fill(&mut out, usize::MAX) {
                    Ok(Some(_)) => {}
                    end => break end,
                }
            };
            assert_eq!(end, Err(Refusal::NotFound), "{style:?}");
        }
    }

    /// One LIST held up the server for seconds: names that don't match were taken for no work.
    #[test]
    fn a_laborious_pattern_is_matched_a_few_names_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..30 {
            std::fs::write(folder.path().join(format!("{}{number}", "a".repeat(200))), "").unwrap();
        }
        let root = RootPath::Server(folder.path().into()).open().unwrap();
        let pattern = ["*", &"[b-da]".repeat(30), "Z"].concat();
        let path = VPath::root().join(pattern.as_bytes());
        let open = || ListingLines::open(&root, &path, pattern.as_bytes(), Style::Names, 0);
        let (mut lines, mut out) = (open().unwrap(), Vec::new());
        let (mut calls, mut total) = (0, 0);
        let most = READ_COST + 30 * NAME_READ_COST;
        while let Some(cost) = lines.fill(&mut out, 1).unwrap() {
            // The first calls read the names.
            assert!(cost <= most, "one name of 200 bytes and a pattern of 32 cost {cost}");
            calls += 1;
            total += cost;
        }
        assert!(out.is_empty());
        assert!(total >= 30 * 200 * 32, "thirty names cost {total}");
        assert!(calls >= 30, "thirty names in {calls} calls");
    }
}
