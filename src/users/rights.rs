//! Rights: what a user may do with names and files, one by one, and the usual sets of them.

use std::fmt;
use std::str::FromStr;

use super::ValueError;

/// Right of a user.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// See names and facts: LIST, NLST, MLSD, MLST, STAT.
    List,
    /// Fetch files: RETR, HASH.
    Get,
    /// Store new files: STOR, STOU.
    Put,
    /// Replace files.
    Overwrite,
    /// Go on writing files: APPE, REST.
    Append,
    /// Remove files: DELE.
    Delete,
    /// Give other names: RNFR, RNTO.
    Rename,
    /// Make folders: MKD.
    Mkdir,
    /// Remove folders: RMD.
    Rmdir,
    /// Change permissions: SITE CHMOD.
    Chmod,
    /// Change times: MFMT.
    Mtime,
    /// Have the server copy and join files: SITE CPTO, COMB.
    Copy,
}

/// All rights, in the order in which they are shown.
const ALL: [Right; 12] = [
    Right::List,
    Right::Get,
    Right::Put,
    Right::Overwrite,
    Right::Append,
    Right::Delete,
    Right::Rename,
    Right::Mkdir,
    Right::Rmdir,
    Right::Chmod,
    Right::Mtime,
    Right::Copy,
];

impl Right {
    /// Name as in the users file.
    pub fn name(self) -> &'static str {
        match self {
            Right::List => "list",
            Right::Get => "get",
            Right::Put => "put",
            Right::Overwrite => "overwrite",
            Right::Append => "append",
            Right::Delete => "delete",
            Right::Rename => "rename",
            Right::Mkdir => "mkdir",
            Right::Rmdir => "rmdir",
            Right::Chmod => "chmod",
            Right::Mtime => "mtime",
            Right::Copy => "copy",
        }
    }
}

/// Set of rights. Its text is `none`, `read`, `write`, `upload`, or the rights with commas between
/// them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Access(pub(crate) u16);

impl Access {
    /// No right at all.
    pub const NONE: Access = Access(0);
    /// List and fetch.
    pub const READ: Access = Access::of(&[Right::List, Right::Get]);
    /// Everything.
    pub const WRITE: Access = Access::of(&ALL);
    /// Put new files, and no more: a drop box, where nobody sees or changes what others left.
    pub const UPLOAD: Access = Access::of(&[Right::Put]);

    /// These rights.
    pub const fn of(rights: &[Right]) -> Access {
        let (mut bits, mut index) = (0, 0);
        while index < rights.len() {
            bits |= 1 << rights[index] as u16;
            index += 1;
        }
        Access(bits)
    }

    /// True if the right is one of them.
    pub fn has(self, right: Right) -> bool {
        self.0 & 1 << right as u16 != 0
    }

    /// True if one of them changes what is served.
    pub fn writes(self) -> bool {
        self.0 & !Access::READ.0 != 0
    }

    /// These rights and those.
    pub fn or(self, other: Access) -> Access {
        Access(self.0 | other.0)
    }

    /// These rights save those.
    pub fn without(self, others: Access) -> Access {
        Access(self.0 & !others.0)
    }

    /// Sets that have names of their own.
    const NAMED: [(&'static str, Access); 4] = [
        ("none", Access::NONE),
        ("read", Access::READ),
        ("write", Access::WRITE),
        ("upload", Access::UPLOAD),
    ];
}

impl FromStr for Access {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Access, ValueError> {
        let one = |word: &str| {
            let named = Access::NAMED.into_iter().find(|(name, _)| *name == word);
            let right = ALL.into_iter().find(|right| right.name() == word);
            named.map(|(_, access)| access).or(right.map(|right| Access::of(&[right])))
        };
        let rights = text.split(',').map(|word| one(word.trim()));
        rights.reduce(|some, more| Some(some?.or(more?))).flatten().ok_or_else(|| {
            let names: Vec<&str> = ALL.into_iter().map(Right::name).collect();
            let names = names.join(", ");
            ValueError::new(format!(
                "access is \"read\", \"write\", \"upload\", \"none\", or some of {names}, with commas \
                 between them"
            ))
        })
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Access::NAMED.into_iter().find(|(_, access)| access == self) {
            Some((name, _)) => f.pad(name),
            None => {
                let rights = ALL.into_iter().filter(|&right| self.has(right));
                f.pad(&rights.map(Right::name).collect::<Vec<_>>().join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn access_is_read_as_it_is_shown() {
        for (text, access) in [
            ("read", Access::READ),
            ("write", Access::WRITE),
            ("upload", Access::UPLOAD),
            ("none", Access::NONE),
            ("list, put", Access::of(&[Right::Put, Right::List])),
            ("list, get, put, mkdir", Access::READ.or(Access::of(&[Right::Put, Right::Mkdir]))),
        ] {
            assert_eq!(text.parse(), Ok(access));
            assert_eq!(access.to_string(), text);
        }
        assert_eq!("put,read".parse(), Ok(Access::READ.or(Access::UPLOAD)));
        for wrong in ["", "all", "read,", "list get", "Read"] {
            assert!(wrong.parse::<Access>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn sets_hold_what_they_say() {
        for right in ALL {
            assert!(Access::WRITE.has(right) && !Access::NONE.has(right));
            let reads = matches!(right, Right::List | Right::Get);
            assert_eq!(Access::READ.has(right), reads, "{right:?}");
            assert_eq!(Access::of(&[right]).writes(), !reads, "{right:?}");
        }
        assert!(Access::UPLOAD.writes() && !Access::READ.writes());
    }
}
