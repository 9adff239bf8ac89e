//! Lines of a listing: what is asked of a file for its line, and how that is spelled in each style.

use std::borrow::Cow;

use super::walk::Walk;
use crate::fs::{Dir, Refusal, Root};
use crate::proto::facts::{Facts, Kind};
use crate::proto::listing::{self, Perms, Style};

/// Heading of a folder, above its lines in the listing of a tree.
#[derive(Debug, Default)]
pub(super) struct Heading {
    /// Path of the folder, until it is said.
    pub(super) text: Option<Vec<u8>>,
    /// True once one was said.
    is_second: bool,
}

impl Heading {
    /// Appends the heading, if there is one that was not said.
    pub(super) fn put(&mut self, out: &mut Vec<u8>) {
        if let Some(text) = self.text.take() {
            listing::heading(out, &text, !self.is_second);
            self.is_second = true;
        }
    }
}

/// Name that is to have a line.
pub(super) struct Line<'a> {
    /// Text before the name.
    pub(super) prefix: &'a [u8],
    pub(super) name: &'a [u8],
    /// Kind, as far as the folder tells.
    pub(super) kind: Option<Kind>,
    pub(super) facts: Result<Facts, Refusal>,
}

impl Line<'_> {
    /// Appends the line; dates are shown relative to `now`, in seconds since 1970.
    pub(super) fn put(
        &self,
        out: &mut Vec<u8>,
        (style, perms): (Style, &Perms),
        dir: &Dir,
        now: i64,
    ) {
        let facts = self.facts.unwrap_or(Facts::without_a_look(self.kind));
        match style {
            Style::Names => listing::name(out, self.prefix, self.name),
            Style::Long => {
                let is_link = self.facts.is_ok() && facts.kind == Kind::Link;
                let target = if is_link { dir.link_target(self.name) } else { None };
                let name = match self.prefix {
                    b"" => Cow::Borrowed(self.name),
                    prefix => Cow::Owned([prefix, self.name].concat()),
                };
                listing::long(out, &name, &facts, target.as_deref(), now);
            }
            Style::Machine { wanted } => {
                let wanted = match self.facts {
                    Ok(_) => wanted,
                    Err(_) => wanted.without_a_look(),
                };
                listing::machine(out, self.name, &facts, perms.of(self.name), wanted);
            }
        }
    }
}

/// Facts that a style tells of a name in the folder where the walk is.
pub(super) fn facts_for(
    style: Style,
    (root, walk): (&Root, &Walk),
    dir: &Dir,
    name: &[u8],
) -> Result<Facts, Refusal> {
    let facts = dir.facts_of(name)?;
    match (style, facts.kind) {
        (Style::Machine { .. }, Kind::Link) => of_target((root, walk), name, facts),
        _ => Ok(facts),
    }
}

/// Facts that MLSD tells of a link. One to a file is told, as by MLST, SIZE and RETR, as what it leads
/// to. Otherwise rclone takes it for an empty file, and its copy for corrupted. A link to a folder
/// stays a link: a client that mirrors would go round in circles.
fn of_target((root, walk): (&Root, &Walk), name: &[u8], link: Facts) -> Result<Facts, Refusal> {
    match root.facts(&walk.place().join(name)) {
        Err(Refusal::NeedsWorker) => Err(Refusal::NeedsWorker),
        Ok(target) if target.kind == Kind::File => Ok(target),
        _ => Ok(link),
    }
}
