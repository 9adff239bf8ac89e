//! The walk of a listing: which folder is listed now, which come later, and what of their names is
//! chosen. It opens nothing.
//!
//! Most listings are of one folder. A pattern in several components leads through many, and so does a
//! tree. Folders to come are kept as their last names only, on a stack: a folder is listed before what
//! it holds, and that before its neighbour.

use super::super::names::Names;
use crate::fs::Refusal;
use crate::proto::facts::Kind;
use crate::proto::glob::{self, Pattern};
use crate::proto::list_options::Scope;
use crate::proto::path::VPath;

/// Longest honest pattern of one component.
const LONGEST_PATTERN: usize = 1024;
/// Folders that a tree is followed down.
const DEEPEST: usize = 32;
/// Names that a walk reads before it enters no further folder: one folder is never cut off.
const MOST_NAMES: usize = 100_000;
/// Memory for the names of folders to come, in bytes.
const MOST_PENDING_BYTES: usize = 1 << 20;

/// Walk through folders.
#[derive(Debug)]
pub(super) struct Walk {
    /// Folder where it begins.
    base: VPath,
    /// Base as the client spelled it, with a slash behind; empty for the current folder.
    spelled: Vec<u8>,
    /// Components of the names below the base that are chosen.
    components: Vec<Component>,
    scope: Scope,
    /// Way from the base to the current folder: empty, or `a/b`.
    way: Vec<u8>,
    /// Number of components that the way has.
    level: usize,
    /// Folders to come, the next at the end; and the way and level of the folder that each is in.
    pending: Names,
    parents: Vec<(usize, usize)>,
    /// Folders in the current one that are to come.
    found: Names,
    /// Names that were read.
    read: usize,
    /// Refusal to enter a folder, or to go on: the listing is not whole.
    refused: Option<Refusal>,
}

/// Component of a path that is a pattern, or that follows one.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Component {
    Name(Vec<u8>),
    Pattern(Pattern),
}

/// Choice among the names of a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice<'a> {
    /// All names are listed.
    All,
    /// Names that match are listed.
    Matching(&'a Pattern),
    /// Folders that match are walked through.
    Through(&'a Pattern),
    /// A single name is listed, if it is there.
    Single(&'a [u8]),
}

impl Choice<'_> {
    /// True if the name is chosen.
    pub(super) fn admits(self, name: &[u8]) -> bool {
        match self {
            Choice::All | Choice::Single(_) => true,
            Choice::Matching(pattern) | Choice::Through(pattern) => pattern.matches(name),
        }
    }

    /// Steps that it takes at most to tell that.
    pub(super) fn steps(self, name: &[u8]) -> usize {
        match self {
            Choice::All | Choice::Single(_) => 0,
            Choice::Matching(pattern) | Choice::Through(pattern) => pattern.len() * name.len(),
        }
    }
}

impl Walk {
    /// Walk that begins with all names of a folder.
    pub(super) fn folder(base: VPath, spelled: Vec<u8>, scope: Scope) -> Walk {
        Walk::new(base, spelled, Vec::new(), scope)
    }

    /// Walks that a path with patterns may mean, the most literal first: `e[1]/*` is all of `e[1]`, if
    /// there is such a folder.
    pub(super) fn patterns(path: &VPath, spelled: &[u8], scope: Scope) -> Vec<Walk> {
        let starts = spelled.split(|&byte| byte == b'/').scan(0, |at, part| {
            let start = *at;
            *at += part.len() + 1;
            Some((start, part))
        });
        let parts: Vec<(usize, &[u8])> =
            starts.filter(|&(_, part)| !matches!(part, b"" | b".")).collect();
        let Some(first) = parts.iter().position(|(_, part)| is_pattern(part)) else {
            return Vec::new();
        };
        let last = parts.len() - 1;
        let walk = |from: usize| {
            let (start, _) = parts[from];
            let names = parts[from..].iter().map(|(_, part)| *part);
            // A `..` behind a pattern was followed by name already, and the rest means another place.
            let is_plain = names.clone().all(|name| name != b"..") && is_pattern(parts[from].1);
            let base = path.first(path.depth().saturating_sub(parts.len() - from));
            let components = names.map(Component::parse).collect();
            is_plain.then(|| Walk::new(base, spelled[..start].to_vec(), components, scope))
        };
        let mut walks: Vec<Walk> = walk(last).into_iter().collect();
        if first < last {
            walks.extend(walk(first));
        }
        walks
    }

    fn new(base: VPath, spelled: Vec<u8>, components: Vec<Component>, scope: Scope) -> Walk {
        Walk {
            base,
            spelled,
            components,
            scope,
            way: Vec::new(),
            level: 0,
            pending: Names::default(),
            parents: Vec::new(),
            found: Names::default(),
            read: 0,
            refused: None,
        }
    }

    /// The current folder.
    pub(super) fn place(&self) -> VPath {
        match self.way.is_empty() {
            true => self.base.clone(),
            false => self.base.join(&self.way),
        }
    }

    /// True in a folder below the one where it began.
    pub(super) fn is_below(&self) -> bool {
        !self.way.is_empty()
    }

    /// Choice among the names of the current folder.
    pub(super) fn choice(&self) -> Choice<'_> {
        match self.components.get(self.level) {
            None => Choice::All,
            Some(Component::Name(name)) => Choice::Single(name),
            Some(Component::Pattern(pattern)) if self.level + 1 == self.components.len() => {
                Choice::Matching(pattern)
            }
            Some(Component::Pattern(pattern)) => Choice::Through(pattern),
        }
    }

    /// Prefix by which names of the current folder are usable where the client is (RFC 1123, 4.1.2.7).
    pub(super) fn prefix(&self) -> Vec<u8> {
        match self.way.is_empty() {
            true => self.spelled.clone(),
            false => [&self.spelled[..], &self.way, b"/"].concat(),
        }
    }

    /// True if its lines are of many folders, and no heading tells of which.
    pub(super) fn mixes_folders(&self) -> bool {
        self.components.len() > 1 && self.scope != Scope::Tree
    }

    /// True if a name of the current folder can't be listed without a look at the file: it may not be
    /// there, or whether it is a folder is not known.
    pub(super) fn must_look(&self, kind: Option<Kind>) -> bool {
        match (self.choice(), self.scope, kind) {
            (Choice::Single(_), ..) | (_, Scope::Tree, None) => true,
            (_, Scope::Folder | Scope::Itself, _) | (_, Scope::Tree, Some(_)) => false,
        }
    }

    /// True if names of the current folder are listed, and not only walked through.
    pub(super) fn lists(&self) -> bool {
        !matches!(self.choice(), Choice::Through(_))
    }

    /// Path of the current folder, if it is one of a tree, as `ls -R` puts it above its names.
    pub(super) fn heading(&self) -> Option<Vec<u8>> {
        (self.scope == Scope::Tree && self.lists()).then(|| {
            let spelled = if self.spelled.is_empty() { b"./" } else { &self.spelled[..] };
            let mut text = [spelled, &self.way].concat();
            if text.len() > 1 && text.ends_with(b"/") {
                text.pop();
            }
            text
        })
    }

    /// Takes note of names that were read.
    pub(super) fn count(&mut self, names: usize) {
        self.read += names;
    }

    /// Takes note of a name in the current folder that was listed, or is walked through. A link is
    /// followed where a pattern matches it, and not in a tree.
    pub(super) fn note(&mut self, name: &[u8], kind: Option<Kind>) {
        let below = self.level + 1;
        let follows = match (self.choice(), kind) {
            (Choice::Through(_), Some(Kind::Directory | Kind::Link) | None) => true,
            (Choice::Through(_), Some(Kind::File | Kind::Special)) => false,
            (_, Some(Kind::Directory)) => self.scope == Scope::Tree,
            (_, _) => false,
        };
        let held = self.pending.memory() + self.found.memory();
        let is_bounded = below <= self.components.len() + DEEPEST && held < MOST_PENDING_BYTES;
        match (follows, is_bounded) {
            (true, true) => self.found.push(name, kind),
            (true, false) => self.refused = Some(Refusal::TooMany),
            (false, _) => {}
        }
    }

    /// Goes to the next folder; false if there is none.
    ///
    /// # Errors
    /// `TooMany` if too many names were read already.
    pub(super) fn go_on(&mut self) -> Result<bool, Refusal> {
        // The first comes to the end of the stack.
        while let Some(name) = self.found.pop() {
            self.pending.push(&name, None);
            self.parents.push((self.way.len(), self.level));
        }
        if self.read > MOST_NAMES && self.pending.len() > 0 {
            return Err(Refusal::TooMany);
        }
        let (Some(name), Some((way, level))) = (self.pending.pop(), self.parents.pop()) else {
            return Ok(false);
        };
        self.way.truncate(way);
        self.level = level;
        self.descend(&name);
        while self.level + 1 < self.components.len()
            && let Component::Name(name) = self.components[self.level].clone()
        {
            self.descend(&name);
        }
        Ok(true)
    }

    fn descend(&mut self, name: &[u8]) {
        if !self.way.is_empty() {
            self.way.push(b'/');
        }
        self.way.extend_from_slice(name);
        self.level += 1;
    }

    /// Takes note that the current folder can't be entered. One that is gone is no loss, and neither is
    /// what a pattern matches and is no folder, or is shut.
    pub(super) fn is_shut(&mut self, refusal: Refusal) {
        let is_tree = self.level >= self.components.len();
        match (refusal, is_tree) {
            (Refusal::NotFound | Refusal::NotDirectory, _) => {}
            (Refusal::Denied | Refusal::Loop, false) => {}
            (refusal, _) => self.refused = Some(refusal),
        }
    }

    /// Refusal to enter a folder, or to go on, if there was one.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        self.refused
    }
}

impl Component {
    fn parse(name: &[u8]) -> Component {
        match is_pattern(name) {
            true => Component::Pattern(Pattern::parse(name)),
            false => Component::Name(name.to_vec()),
        }
    }
}

fn is_pattern(name: &[u8]) -> bool {
    name.len() <= LONGEST_PATTERN && glob::has_wildcards(name)
}

#[cfg(test)]
mod tests;
