//! Options of LIST, NLST and STAT, which no RFC knows. Many clients take these commands for a shell's
//! `ls` and send `-la`, `-1 name` or `-ltr`, so options mean what they mean to `ls`.
//!
//! Names that begin with a dot are listed in any case, so `-a` adds nothing; `.` and `..` are never
//! listed. LIST is long already, and `-1` does not shorten it: GNU `ls` has it so behind `-l`, and
//! clients that send LIST read long lines. Letters and digits that are not known here are ignored. A
//! name that looks like options is told by `./-name`. What holds more than letters and digits is a
//! name: inetutils' `mdelete -*.x` asks `NLST -*.x`, and would delete all that a listing of the whole
//! folder names.

use super::command::split;

/// Options of a listing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ListOptions {
    /// Form of the lines.
    pub form: Form,
    /// Order of the names.
    pub order: Order,
    /// Direction of the order.
    pub direction: Direction,
    /// Extent of the listing.
    pub scope: Scope,
}

/// Form of the lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// Lines of LIST for LIST, names for NLST.
    #[default]
    Usual,
    /// `-l`: lines of LIST for NLST too.
    Long,
}

/// Order of the names of a folder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// By name, byte by byte.
    #[default]
    Name,
    /// `-t`: the last that changed comes first.
    Newest,
    /// `-S`: the largest comes first.
    Largest,
}

/// Direction of an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// As the order says.
    #[default]
    Forward,
    /// `-r`: the other way round.
    Reversed,
}

/// Extent of a listing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// What the folder holds.
    #[default]
    Folder,
    /// `-R`: what it holds, and what each folder in it holds, and so on.
    Tree,
    /// `-d`: the folder itself.
    Itself,
}

impl ListOptions {
    /// Splits an argument into options and a path, which may be empty.
    pub fn parse(raw: &[u8]) -> (ListOptions, &[u8]) {
        let (mut options, mut rest) = (ListOptions::default(), raw);
        while let ([b'-', letters @ ..], more) = split(rest)
            && letters.iter().all(u8::is_ascii_alphanumeric)
        {
            letters.iter().for_each(|&letter| options.add(letter));
            rest = more.unwrap_or_default();
        }
        (options, rest)
    }

    /// Same options, where trees are not listed.
    pub fn without_trees(self) -> ListOptions {
        match self.scope {
            Scope::Tree => ListOptions { scope: Scope::Folder, ..self },
            Scope::Folder | Scope::Itself => self,
        }
    }

    /// True if names come in an order of the client's choice.
    pub fn chooses_order(self) -> bool {
        (self.order, self.direction) != (Order::Name, Direction::Forward)
    }

    fn add(&mut self, letter: u8) {
        match (letter, self.scope) {
            (b'l', _) => self.form = Form::Long,
            (b't', _) => self.order = Order::Newest,
            (b'S', _) => self.order = Order::Largest,
            (b'r', _) => self.direction = Direction::Reversed,
            (b'd', _) => self.scope = Scope::Itself,
            (b'R', Scope::Folder | Scope::Tree) => self.scope = Scope::Tree,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_those_of_ls() {
        let usual = ListOptions::default();
        let long = ListOptions { form: Form::Long, ..usual };
        let newest = ListOptions { order: Order::Newest, ..usual };
        let oldest = ListOptions { direction: Direction::Reversed, ..newest };
        let largest = ListOptions { order: Order::Largest, ..usual };
        let tree = ListOptions { scope: Scope::Tree, ..usual };
        let itself = ListOptions { scope: Scope::Itself, ..usual };
        for (raw, options, path) in [
            ("", usual, ""),
            ("name", usual, "name"),
            ("-a", usual, ""),
            ("-1aF name", usual, "name"),
            ("-la a b -t", long, "a b -t"),
            ("-l -1 name", long, "name"),
            ("-t", newest, ""),
            ("-rt d", oldest, "d"),
            ("-t -r d", oldest, "d"),
            ("-St", newest, ""),
            ("-tS", largest, ""),
            ("-R", tree, ""),
            ("-Rd x", itself, "x"),
            ("-dR x", itself, "x"),
            ("-", usual, ""),
            ("--", usual, "--"),
            ("-- -name", usual, "-- -name"),
            ("./-R", usual, "./-R"),
            ("-*.x", usual, "-*.x"),
            ("-t -dash.txt", newest, "-dash.txt"),
        ] {
            assert_eq!(ListOptions::parse(raw.as_bytes()), (options, path.as_bytes()), "{raw}");
        }
        assert_eq!(tree.without_trees(), usual);
        assert_eq!(itself.without_trees(), itself);
    }
}
