//! A listing as a source of bytes: lines that are made as they are sent.
//!
//! A folder's names are gathered and sorted first, up to a bound; a folder with more of them is
//! streamed as the kernel gives it. Either way each call does a bounded piece of work, and what is
//! kept does not grow with the folder. A walk says which folder comes next.

mod line;
mod open;
mod walk;

use super::names::{Names, Taken};
use crate::fs::{Dir, Refusal, Root};
use crate::proto::facts::Facts;
use crate::proto::list_options::{Direction, ListOptions, Order};
use crate::proto::listing::{Perms, Style};
use line::{Heading, Line, facts_for};
use walk::{Choice, Walk};

/// Names that a listing is sorted to, about. A folder that holds more is streamed unsorted, so
/// that its first line is seen at once.
const SORTED_NAMES: usize = 2_000;
/// Names that are sorted where the client has chosen the order, about. With their facts they take
/// one megabyte, or four where all names are long.
const ORDERED_NAMES: usize = 10_000;
/// Costs of work in the budget: in the time that it takes, about so many bytes could be sent.
/// One call for names, and each name that it brings.
const READ_COST: usize = 160 * 1024;
const NAME_READ_COST: usize = 768;
/// A name, spelled or passed over.
const NAME_COST: usize = 256;
/// The facts of a file, or the way into a folder.
const FACTS_COST: usize = 16 * 1024;
/// One step of matching, of which there can be the pattern's length for every byte of a name.
const STEP_COST: usize = 4;
/// Lines that are made at once, in bytes: a client that reads nothing has us hold as many.
const PIECE_BYTES: usize = 64 * 1024;

/// A listing in the making.
#[derive(Debug)]
pub struct ListingLines {
    root: Root,
    walk: Walk,
    /// Current folder of the walk.
    dir: Dir,
    style: Style,
    perms: Perms,
    options: ListOptions,
    /// Text before each name.
    prefix: Vec<u8>,
    heading: Heading,
    /// The time that dates are shown relative to, in seconds since 1970.
    now: i64,
    names: Names,
    progress: Progress,
    looks: Looks,
    /// True once a folder had more names than could be put in the order that was asked for.
    unsorted: bool,
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
    /// Files are looked at, since their facts decide the order.
    Looking,
    /// Too many names: lines are made of those at hand, then the next are read.
    Streaming,
    /// Lines are made of the names at hand, which are the last of the folder.
    Spelling,
    /// The folder is done with, and the walk goes on.
    Leaving,
    /// The next folder is opened.
    Entering,
}

impl ListingLines {
    /// Has names tell these letters of the `perm` fact.
    pub fn with_perms(self, perms: Perms) -> ListingLines {
        ListingLines { perms, ..self }
    }

    /// True if a call may wait for a slow disk: then it is for a thread that may.
    pub fn may_block(&self) -> bool {
        self.root.may_block()
    }

    /// True if a folder had more names than could be put in the order that was asked for.
    pub fn is_unsorted(&self) -> bool {
        self.unsorted
    }

    /// Puts lines into `out`, which is empty, or works towards them, until `most` of the budget is
    /// used up or a fair piece is made: the cost, or `None` when there are no more.
    ///
    /// # Errors
    /// A folder can't be read on, or was removed meanwhile; none of its files can be looked at, which
    /// is said behind their names; or not all folders of a tree are listed, for this refusal.
    pub fn fill(&mut self, out: &mut Vec<u8>, most: usize) -> Result<Option<usize>, Refusal> {
        match self.progress {
            Progress::Gathering => self.gather().map(Some),
            Progress::Looking => Ok(Some(self.look(most))),
            Progress::Streaming | Progress::Spelling => self.spell(out, most).map(Some),
            Progress::Leaving => self.leave(),
            Progress::Entering => Ok(Some(self.enter())),
        }
    }

    /// Makes lines of the names at hand, and has more read when there are none: the cost.
    fn spell(&mut self, out: &mut Vec<u8>, most: usize) -> Result<usize, Refusal> {
        let mut cost = 0;
        if self.walk.choice() == Choice::All {
            self.heading.put(out);
        }
        while cost < most && out.len() < PIECE_BYTES {
            let Some(Taken { name, kind, facts }) = self.names.next() else {
                if out.is_empty() {
                    cost += self.read_or_finish()?;
                }
                // Lines that are made are sent, whatever comes of the next call.
                return Ok(cost);
            };
            let choice = self.walk.choice();
            cost += NAME_COST;
            // Names whose facts are known were chosen before.
            if facts.is_none() {
                cost += choice.steps(name) * STEP_COST;
                if !choice.admits(name) {
                    continue;
                }
            }
            if !self.walk.lists() {
                self.walk.note(name, kind);
                continue;
            }
            let facts = match facts {
                Some(facts) => facts,
                None if self.style == Style::Names && !self.walk.must_look(kind) => {
                    Ok(Facts::without_a_look(kind))
                }
                None => {
                    cost += FACTS_COST;
                    facts_for(self.style, (&self.root, &self.walk), &self.dir, name)
                }
            };
            match facts {
                // A link may lead to where only a worker may go.
                Err(Refusal::NeedsWorker) => {
                    self.root = self.root.blocking();
                    self.names.put_back();
                    return Ok(cost);
                }
                // File gone since its name was read.
                Err(Refusal::NotFound) => continue,
                Err(refusal) => self.looks.refused = Some(refusal),
                Ok(_) => self.looks.told = true,
            }
            self.walk.note(name, facts.map_or(kind, |facts| Some(facts.kind)));
            self.heading.put(out);
            let line = Line { prefix: &self.prefix, name, kind, facts };
            line.put(out, (self.style, &self.perms), &self.dir, self.now);
        }
        Ok(cost)
    }

    /// Reads on when there is no name at hand, or is done with the folder: the cost.
    fn read_or_finish(&mut self) -> Result<usize, Refusal> {
        if self.progress == Progress::Spelling {
            // Without a word, the names of a removed folder would look like all there are.
            if !self.walk.is_below() && self.dir.is_removed() {
                return Err(Refusal::NotFound);
            }
            self.progress = Progress::Leaving;
            return Ok(0);
        }
        self.names.clear();
        self.read()
    }

    /// Goes to the next folder: the cost, or `None` if there is none.
    fn leave(&mut self) -> Result<Option<usize>, Refusal> {
        if self.walk.go_on()? {
            self.progress = Progress::Entering;
            return Ok(Some(0));
        }
        let refused = match (self.looks.told, self.looks.refused) {
            // A disk that answers nothing would look like a folder of empty files.
            (false, Some(refusal)) => Some(refusal),
            (true, _) | (false, None) => self.walk.refusal(),
        };
        refused.map_or(Ok(None), Err)
    }

    /// Opens the folder that the walk has come to: the cost.
    fn enter(&mut self) -> usize {
        match self.root.dir(&self.walk.place()) {
            Ok(dir) => {
                self.dir = dir;
                self.begin();
            }
            Err(Refusal::NeedsWorker) => self.root = self.root.blocking(),
            Err(refusal) => {
                self.walk.is_shut(refusal);
                self.progress = Progress::Leaving;
            }
        }
        FACTS_COST
    }

    /// Reads more names, and decides what becomes of them: the cost.
    fn gather(&mut self) -> Result<usize, Refusal> {
        self.progress = Progress::Streaming;
        let cost = self.read()?;
        let is_ordered = self.options.chooses_order() && self.walk.lists();
        let most = if is_ordered { ORDERED_NAMES } else { SORTED_NAMES };
        match (self.progress, is_ordered, self.options.order) {
            (Progress::Spelling, true, Order::Newest | Order::Largest) => {
                self.progress = Progress::Looking;
            }
            (Progress::Spelling, true, Order::Name) => self.names.sort(self.options.direction),
            (Progress::Spelling, false, _) => self.names.sort(Direction::Forward),
            _ if self.names.len() < most => self.progress = Progress::Gathering,
            (_, true, _) => self.unsorted = true,
            (_, false, _) => {}
        }
        Ok(cost)
    }

    /// Looks at files, and sorts them when all are looked at: the cost.
    fn look(&mut self, most: usize) -> usize {
        let mut cost = 0;
        while cost < most {
            let Some(Taken { name, .. }) = self.names.next() else {
                self.names.sort_kept(self.options.order, self.options.direction);
                self.progress = Progress::Spelling;
                return cost + self.names.len() * NAME_COST;
            };
            let choice = self.walk.choice();
            cost += NAME_COST + choice.steps(name) * STEP_COST;
            if choice.admits(name) {
                cost += FACTS_COST;
                let facts = self.dir.facts_of(name);
                self.names.keep(facts);
            }
        }
        cost
    }

    /// Reads some names on; the last are spelled, and then it is over. The cost is returned.
    fn read(&mut self) -> Result<usize, Refusal> {
        let names = &mut self.names;
        let before = names.len();
        let more = match self.dir.next_names(|name, kind| names.push(name, kind)) {
            // A folder of a tree may go as a file may.
            Err(Refusal::NotFound) if self.walk.is_below() => false,
            more => more?,
        };
        if !more {
            self.progress = Progress::Spelling;
        }
        let count = self.names.len() - before;
        self.walk.count(count);
        Ok(READ_COST + count * NAME_READ_COST)
    }
}

#[cfg(test)]
mod tests;
