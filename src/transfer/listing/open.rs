//! The beginning of a listing: what a path means, which may be a folder, a file, or a pattern.

use super::line::Heading;
use super::walk::{Choice, Walk};
use super::{ListingLines, Looks, Progress};
use crate::fs::{Refusal, Root};
use crate::proto::facts::Kind;
use crate::proto::list_options::{ListOptions, Scope};
use crate::proto::listing::{Perms, Style};
use crate::proto::path::VPath;
use crate::transfer::names::Names;

impl ListingLines {
    /// Opens what a path names, which the client spelled so: a folder's entries, one file, or, if
    /// nothing has this name, what matches its components. `now` is in seconds since 1970.
    ///
    /// # Errors
    /// Nothing has this name, and it is no pattern; or it may not be read.
    pub fn open(
        root: &Root,
        (path, spelled): (&VPath, &[u8]),
        style: Style,
        options: ListOptions,
        now: i64,
    ) -> Result<ListingLines, Refusal> {
        let open = |walk| ListingLines::walking(root, walk, style, options, now);
        let found = match options.scope {
            Scope::Folder | Scope::Tree => {
                open(Walk::folder(path.clone(), folder_prefix(spelled), options.scope))
            }
            Scope::Itself => root.link_facts(path).and_then(|_| itself(path, spelled, open)),
        };
        let refusal = match found {
            Err(refusal) if matches!(style, Style::Machine { .. }) => return Err(refusal),
            Err(refusal) => refusal,
            found => return found,
        };
        // A link that leads nowhere is listed as the link that it is.
        let is_link = || root.link_facts(path).is_ok_and(|facts| facts.kind == Kind::Link);
        let dangles = || refusal == Refusal::NotFound && is_link();
        if refusal == Refusal::NotDirectory || dangles() {
            return itself(path, spelled, open);
        }
        let mut result = Err(refusal);
        if matches!(refusal, Refusal::NotFound | Refusal::BadName) {
            for walk in Walk::patterns(path, spelled, options.scope) {
                result = open(walk);
                if !matches!(result, Err(Refusal::NotFound | Refusal::NotDirectory)) {
                    break;
                }
            }
        }
        result
    }

    fn walking(
        root: &Root,
        walk: Walk,
        style: Style,
        options: ListOptions,
        now: i64,
    ) -> Result<ListingLines, Refusal> {
        let mut lines = ListingLines {
            dir: root.dir(&walk.place())?,
            root: root.clone(),
            walk,
            style,
            perms: Perms::default(),
            options,
            prefix: Vec::new(),
            heading: Heading::default(),
            now,
            names: Names::default(),
            progress: Progress::Gathering,
            looks: Looks::default(),
            unsorted: false,
        };
        lines.begin();
        Ok(lines)
    }

    /// Begins with the folder that was opened.
    pub(super) fn begin(&mut self) {
        self.names.clear();
        self.prefix = match self.style {
            Style::Names => self.walk.prefix(),
            Style::Long if self.walk.mixes_folders() => self.walk.prefix(),
            Style::Long | Style::Machine { .. } => Vec::new(),
        };
        self.heading.text = match self.style {
            Style::Long => self.walk.heading(),
            Style::Names | Style::Machine { .. } => None,
        };
        self.progress = match self.walk.choice() {
            Choice::Single(name) => {
                self.names.push(name, None);
                Progress::Spelling
            }
            Choice::All | Choice::Matching(_) | Choice::Through(_) => Progress::Gathering,
        };
    }
}

/// Listing of a single name, which is there: a file, or a folder with `-d`.
fn itself(
    path: &VPath,
    spelled: &[u8],
    open: impl Fn(Walk) -> Result<ListingLines, Refusal>,
) -> Result<ListingLines, Refusal> {
    let end = spelled.iter().rposition(|&byte| byte != b'/').map_or(0, |at| at + 1);
    let begin = spelled[..end].iter().rposition(|&byte| byte == b'/').map_or(0, |at| at + 1);
    let (folder, prefix, name) = match (&spelled[begin..end], path.name()) {
        // Only the folder itself knows itself by this name.
        (b"" | b"." | b"..", _) | (_, None) => (path.clone(), folder_prefix(spelled), &b"."[..]),
        (_, Some(name)) => (path.parent(), spelled[..begin].to_vec(), name),
    };
    let mut lines = open(Walk::folder(folder, prefix, Scope::Itself))?;
    lines.names.push(name, None);
    lines.progress = Progress::Spelling;
    Ok(lines)
}

/// Prefix by which a folder's names are usable where the client is (RFC 1123, 4.1.2.7).
fn folder_prefix(spelled: &[u8]) -> Vec<u8> {
    match spelled {
        b"" | b"." | b"./" => Vec::new(),
        [.., b'/'] => spelled.to_vec(),
        _ => [spelled, b"/"].concat(),
    }
}
