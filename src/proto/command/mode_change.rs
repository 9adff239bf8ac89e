//! Changes of permission bits, as chmod has them: octal digits, or clauses such as `u+x,go-w`. What
//! comes of a change is computed here; nothing is changed.

use std::fmt;

use crate::proto::facts::Kind;

/// Set-user-id, set-group-id and sticky bits.
const SPECIAL: u16 = 0o7000;
/// Set-user-id and set-group-id bits.
const SET_ID: u16 = 0o6000;
/// Permission to execute, or to search a folder, of all three.
const EXECUTE: u16 = 0o111;

/// Change of permission bits. Displayed as it was spelled; octal digits are four.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModeChange {
    /// These bits. A folder keeps its set-id bits, as with chmod.
    Octal(u16),
    /// Clauses, which take and give.
    Symbolic(Symbolic),
}

/// Clauses of a symbolic mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbolic {
    text: Box<str>,
    clauses: Box<[Clause]>,
    /// Bits that a clause leaves alone that does not say whose it means.
    umask: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Clause {
    /// Classes that it is about; `None` if it does not say.
    who: Option<Classes>,
    operator: Operator,
    permissions: Permissions,
}

/// Classes of users, as the bits of each: `u` is `0o700`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Classes(u16);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Add,
    Remove,
    Set,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Permissions {
    /// Bits for all classes, set-id and sticky bits among them.
    Bits {
        bits: u16,
        /// True behind an `X`: execution too, of folders and of what somebody may execute.
        if_executable: bool,
    },
    /// Bits of one class, which begin here, are those of all.
    CopyOf(u16),
}

impl ModeChange {
    /// Reads one to four octal digits, or clauses with commas between them.
    pub(super) fn parse(word: &[u8]) -> Option<ModeChange> {
        octal(word).map(ModeChange::Octal).or_else(|| {
            let mut clauses = Vec::new();
            word.split(|&byte| byte == b',')
                .try_for_each(|clause| parse_clause(clause, &mut clauses))?;
            let text = str::from_utf8(word).ok()?.into();
            Some(ModeChange::Symbolic(Symbolic { text, clauses: clauses.into(), umask: 0 }))
        })
    }

    /// Change where this umask holds for clauses that do not say whose bits they mean.
    pub fn under(self, umask: u16) -> ModeChange {
        match self {
            ModeChange::Octal(bits) => ModeChange::Octal(bits),
            ModeChange::Symbolic(symbolic) => ModeChange::Symbolic(Symbolic { umask, ..symbolic }),
        }
    }

    /// True if it may set a set-id or sticky bit.
    pub fn sets_special_bits(&self) -> bool {
        match self {
            ModeChange::Octal(bits) => bits & SPECIAL != 0,
            ModeChange::Symbolic(Symbolic { clauses, .. }) => clauses.iter().any(|clause| {
                let Permissions::Bits { bits, .. } = clause.permissions else { return false };
                clause.operator != Operator::Remove && bits & SPECIAL != 0
            }),
        }
    }

    /// Mode that a file of this kind comes to, which has the mode `old`.
    pub fn applied_to(&self, old: u16, kind: Kind) -> u16 {
        match self {
            ModeChange::Octal(bits) if kind == Kind::Directory => bits | (old & SET_ID),
            ModeChange::Octal(bits) => *bits,
            ModeChange::Symbolic(Symbolic { clauses, umask, .. }) => {
                clauses.iter().fold(old, |mode, clause| clause.applied_to(mode, *umask, kind))
            }
        }
    }
}

impl fmt::Display for ModeChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ModeChange::Octal(bits) => write!(f, "{bits:04o}"),
            ModeChange::Symbolic(symbolic) => f.write_str(&symbolic.text),
        }
    }
}

impl Clause {
    fn applied_to(self, mode: u16, umask: u16, kind: Kind) -> u16 {
        let affected = match self.who {
            Some(classes) => classes.with_special_bits(),
            None => !umask & 0o7777,
        };
        let wanted = match self.permissions {
            Permissions::CopyOf(shift) => (mode >> shift & 7) * EXECUTE,
            Permissions::Bits { bits, if_executable } => {
                let executable = kind == Kind::Directory || mode & EXECUTE != 0;
                if if_executable && executable { bits | EXECUTE } else { bits }
            }
        };
        match self.operator {
            Operator::Add => mode | (wanted & affected),
            Operator::Remove => mode & !(wanted & affected),
            Operator::Set => {
                let mut kept = self.who.map_or(0, |_| !affected);
                if kind == Kind::Directory {
                    kept |= SET_ID;
                }
                mode & kept | (wanted & affected)
            }
        }
    }
}

impl Classes {
    /// Bits of the classes, and the special bit of each: the sticky bit is that of the others.
    fn with_special_bits(self) -> u16 {
        let Classes(bits) = self;
        let special = [(0o700, 0o4000), (0o070, 0o2000), (0o007, 0o1000)];
        let of_these = special.into_iter().filter(|(class, _)| bits & class == *class);
        of_these.fold(bits, |bits, (_, special)| bits | special)
    }
}

/// One to four octal digits.
pub(super) fn octal(word: &[u8]) -> Option<u16> {
    let digits =
        (1..=4).contains(&word.len()) && word.iter().all(|byte| (b'0'..=b'7').contains(byte));
    digits.then(|| word.iter().fold(0, |bits, digit| bits << 3 | u16::from(digit & 7)))
}

/// Classes, then an operator and permissions, once or several times: `u+x-w`.
fn parse_clause(clause: &[u8], clauses: &mut Vec<Clause>) -> Option<()> {
    let is_operator = |byte: &u8| b"+-=".contains(byte);
    let end = clause.iter().position(is_operator)?;
    let (who, mut rest) = clause.split_at(end);
    let who = match who {
        b"" => None,
        _ => Some(Classes(who.iter().try_fold(0, |bits, &class| Some(bits | class_bits(class)?))?)),
    };
    while let Some((operator, more)) = rest.split_first() {
        let operator = match operator {
            b'+' => Operator::Add,
            b'-' => Operator::Remove,
            _ => Operator::Set,
        };
        let end = more.iter().position(is_operator).unwrap_or(more.len());
        let (permissions, more) = more.split_at(end);
        let permissions = parse_permissions(permissions)?;
        clauses.push(Clause { who, operator, permissions });
        rest = more;
    }
    Some(())
}

fn class_bits(class: u8) -> Option<u16> {
    match class {
        b'u' => Some(0o700),
        b'g' => Some(0o070),
        b'o' => Some(0o007),
        b'a' => Some(0o777),
        _ => None,
    }
}

fn parse_permissions(letters: &[u8]) -> Option<Permissions> {
    if let [class @ (b'u' | b'g' | b'o')] = letters {
        return class_bits(*class).map(|bits| Permissions::CopyOf(bits.trailing_zeros() as u16));
    }
    let bits = letters.iter().try_fold(0, |bits, letter| {
        Some(
            bits | match letter {
                b'r' => 0o444,
                b'w' => 0o222,
                b'x' => EXECUTE,
                b'X' => 0,
                b's' => SET_ID,
                b't' => 0o1000,
                _ => return None,
            },
        )
    })?;
    Some(Permissions::Bits { bits, if_executable: letters.contains(&b'X') })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(word: &str, old: u16, kind: Kind) -> u16 {
        let change = ModeChange::parse(word.as_bytes()).expect(word);
        change.under(0o022).applied_to(old, kind)
    }

    /// Results are those of GNU chmod under umask 022.
    #[test]
    fn changes_do_what_chmod_does() {
        for (word, old, new) in [
            ("644", 0o600, 0o644),
            ("0755", 0o4644, 0o755),
            ("4755", 0o644, 0o4755),
            ("0", 0o777, 0),
            ("u+x", 0o644, 0o744),
            ("go-w", 0o666, 0o644),
            ("a=r", 0o755, 0o444),
            ("+x", 0o644, 0o755),
            ("+w", 0o444, 0o644),
            ("-w", 0o666, 0o466),
            ("=rw", 0o4777, 0o644),
            ("u=rwx,go=rx", 0o600, 0o755),
            ("u=rwx,go=", 0o666, 0o700),
            ("a+X", 0o644, 0o644),
            ("a+X", 0o744, 0o755),
            ("u+x,a+X", 0o644, 0o755),
            ("g=u", 0o640, 0o660),
            ("o=g", 0o640, 0o644),
            ("u+r-w+x", 0o600, 0o500),
            ("ug+w", 0o444, 0o664),
            ("u+s", 0o755, 0o4755),
            ("g+s", 0o755, 0o2755),
            ("o+s", 0o755, 0o755),
            ("+t", 0o755, 0o1755),
            ("a+t", 0o755, 0o1755),
            ("o=rxt", 0o755, 0o1755),
            ("u+t", 0o755, 0o755),
            ("o=rx", 0o1777, 0o775),
            ("u+x", 0o4644, 0o4744),
            ("u=rw", 0o4755, 0o655),
            ("a-s", 0o6755, 0o755),
        ] {
            assert_eq!(applied(word, old, Kind::File), new, "{word} of {old:o}");
        }
        for (word, old, new) in [
            ("755", 0o2770, 0o2755),
            ("755", 0o1777, 0o755),
            ("a+X", 0o700, 0o711),
            ("g=rx", 0o2775, 0o2755),
            ("g-s", 0o2755, 0o755),
        ] {
            assert_eq!(applied(word, old, Kind::Directory), new, "{word} of {old:o}");
        }
    }

    #[test]
    fn special_bits_are_noticed() {
        for (word, special) in [
            ("4000", true),
            ("1777", true),
            ("0777", false),
            ("u+s", true),
            ("g=rxs", true),
            ("+t", true),
            ("u+x,o=t", true),
            ("u-s", false),
            ("a=rwx", false),
            ("g=u", false),
        ] {
            let change = ModeChange::parse(word.as_bytes()).expect(word);
            assert_eq!(change.sets_special_bits(), special, "{word}");
        }
    }

    #[test]
    fn changes_are_spelled_as_they_came() {
        for (word, spelled) in [("7", "0007"), ("4755", "4755"), ("u=rwx,go=rX", "u=rwx,go=rX")] {
            assert_eq!(ModeChange::parse(word.as_bytes()).unwrap().to_string(), spelled);
        }
        for word in ["", "8", "00644", "u", "x", "u+z", "z+x", "u+x,", ",u+x", "u*x", "u+xg", "+ u"]
        {
            assert_eq!(ModeChange::parse(word.as_bytes()), None, "{word}");
        }
    }
}
