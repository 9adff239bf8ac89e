//! Table of verbs: one row says everything that must hold before a command is looked at.
//!
//! The session reads this table for the login check, the permission check, the queue, REST and the
//! log, and FEAT and HELP are made from it. The form of an argument stands in `command`, the text
//! of SITE HELP in `reply`. A verb that has no row is unrecognised (500), or, if the registry of
//! RFC 5797 knows it, not implemented (502).

use Argument::{Forbidden, Optional, Required};
use Feature::{Algorithms, Facts, Line, Tls};
use Verb::*;

/// Every command that is implemented; the historic `X` spellings are the same verbs (RFC 1123).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the table has a line for each
#[rustfmt::skip]
pub enum Verb {
    Abor, Acct, Allo, Appe, Auth, Avbl, Ccc, Cdup, Clnt, Comb, Cwd, Dele, Eprt, Epsv, Feat, Hash, Help, Host,
    Lang, List, Mdtm, Mff, Mfmt, Mkd, Mlsd, Mlst, Mode, Nlst, Noop, Opts, Pass, Pasv, Pbsz, Port, Prot, Pwd,
    Quit, Rang, Rein, Rest, Retr, Rmd, Rnfr, Rnto, Site, Size, Stat, Stor, Stou, Stru, Syst, Type, User,
    Xcrc, Xmd5, Xsha1, Xsha256, Xsha512,
}

/// Argument that a verb takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// No argument; what old clients send all the same is refused with 501.
    Forbidden,
    /// May be left out.
    Optional,
    /// Must be given.
    Required,
}

/// Right of a verb to be obeyed at once while a transfer runs, past the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overtakes {
    /// The verb waits its turn.
    Never,
    /// Without an argument only: STAT of a path is a listing, and waits its turn.
    Alone,
    /// Every form.
    Always,
}

/// Fate of a REST that came before a verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// REST is forgotten.
    Forgets,
    /// REST stays in force: a client may send this between REST and the transfer, because it has to
    /// set up its data connection some time.
    Keeps,
    /// REST is used up by the transfer, or by HASH, which reads a file like one.
    Uses,
}

/// Line of a verb in the reply to FEAT (RFC 2389).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// No line.
    None,
    /// The verb, and these words behind it, if any.
    Line(&'static str),
    /// A line as well, but only where TLS is to be had, and at a moment when the verb can be said.
    Tls(&'static str),
    /// HASH, and the algorithms that there are.
    Algorithms,
    /// MLST, and the facts that there are.
    Facts,
}

/// Row of the table.
#[derive(Debug)]
pub struct Rule {
    /// The verb as it is spelled on the wire, in capitals.
    pub name: &'static str,
    /// The command that it stands for.
    pub verb: Verb,
    /// Argument that it takes.
    pub argument: Argument,
    /// True if it is refused before login (530).
    pub login: bool,
    /// True if it changes what is served, and so needs write access (550).
    pub write: bool,
    /// True if the argument must not appear in a log.
    pub secret: bool,
    /// Right to overtake a transfer.
    pub overtakes: Overtakes,
    /// Fate of a REST before it.
    pub restart: Restart,
    /// Line in FEAT.
    pub feature: Feature,
    /// Words of HELP behind the verb.
    pub help: &'static str,
}

impl Rule {
    /// True if a command of this verb overtakes a transfer.
    pub fn may_overtake(&self, argument: Option<&[u8]>) -> bool {
        match self.overtakes {
            Overtakes::Never => false,
            Overtakes::Alone => argument.is_none_or(<[u8]>::is_empty),
            Overtakes::Always => true,
        }
    }

    const fn secret(mut self) -> Rule {
        self.secret = true;
        self
    }

    const fn overtakes(mut self, overtakes: Overtakes) -> Rule {
        self.overtakes = overtakes;
        self
    }

    const fn keeps_rest(mut self) -> Rule {
        self.restart = Restart::Keeps;
        self
    }

    const fn uses_rest(mut self) -> Rule {
        self.restart = Restart::Uses;
        self
    }

    const fn feature(mut self, feature: Feature) -> Rule {
        self.feature = feature;
        self
    }
}

/// Finds the row of a verb, in any case.
pub fn find(name: &[u8]) -> Option<&'static Rule> {
    search(TABLE, name)
}

/// Finds the row of a command of SITE, in any case.
pub fn find_site(name: &[u8]) -> Option<&'static Rule> {
    search(SITE, name)
}

fn search(table: &'static [Rule], name: &[u8]) -> Option<&'static Rule> {
    let mut capitals = [0; LONGEST_NAME];
    let capitals = capitals.get_mut(..name.len())?;
    for (capital, byte) in capitals.iter_mut().zip(name) {
        *capital = byte.to_ascii_uppercase();
    }
    let row = table.binary_search_by(|rule| rule.name.as_bytes().cmp(capitals)).ok()?;
    Some(&table[row])
}

/// True if the command registry (RFC 5797) knows a verb that has no row here.
pub fn is_registered(name: &[u8]) -> bool {
    REGISTERED.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(name))
}

/// All rows, in the order of their names.
pub fn all() -> &'static [Rule] {
    TABLE
}

/// XSHA256.
const LONGEST_NAME: usize = 7;

/// Row of a verb that needs no login.
const fn open(name: &'static str, verb: Verb, argument: Argument, help: &'static str) -> Rule {
    Rule {
        name,
        verb,
        argument,
        login: false,
        write: false,
        secret: false,
        overtakes: Overtakes::Never,
        restart: Restart::Forgets,
        feature: Feature::None,
        help,
    }
}

/// Row of a verb that needs a login.
const fn read(name: &'static str, verb: Verb, argument: Argument, help: &'static str) -> Rule {
    Rule { login: true, ..open(name, verb, argument, help) }
}

/// Row of a verb that needs a login with write access.
const fn write(name: &'static str, verb: Verb, argument: Argument, help: &'static str) -> Rule {
    Rule { write: true, ..read(name, verb, argument, help) }
}

/// Sorted by name, since it is searched by halves.
#[rustfmt::skip]
static TABLE: &[Rule] = &[
    open("ABOR", Abor, Forbidden, "(stop the transfer)").overtakes(Overtakes::Always),
    open("ACCT", Acct, Required, "<account> (not needed here)").secret(),
    write("ALLO", Allo, Required, "<bytes> (is there room for them?)").keeps_rest(),
    write("APPE", Appe, Required, "<file> (append to it)").uses_rest(),
    open("AUTH", Auth, Required, "TLS (secure this connection)").feature(Tls("TLS")),
    read("AVBL", Avbl, Optional, "[<folder>] (how many bytes can be stored)").feature(Line("")),
    open("CCC", Ccc, Forbidden, "(go on in clear)").feature(Tls("")),
    read("CDUP", Cdup, Forbidden, "(go to the parent folder)"),
    open("CLNT", Clnt, Required, "<name> (of the client)").feature(Line("")),
    write("COMB", Comb, Required, "\"<target>\" \"<part>\"... (append the parts to it, delete them)").feature(Line("target;source_list")),
    read("CWD", Cwd, Required, "<folder> (go there)"),
    write("DELE", Dele, Required, "<file> (delete it)"),
    read("EPRT", Eprt, Required, "|1|<address>|<port>| (connect to it for data)").keeps_rest().feature(Line("")),
    read("EPSV", Epsv, Optional, "[1|2|ALL] (listen for data)").keeps_rest().feature(Line("")),
    open("FEAT", Feat, Forbidden, "(what is supported)"),
    read("HASH", Hash, Required, "<file> (its checksum, by the algorithm of OPTS HASH)").uses_rest().feature(Algorithms),
    open("HELP", Help, Optional, "[<command>]"),
    open("HOST", Host, Required, "<name> (of this server)").feature(Line("")),
    open("LANG", Lang, Optional, "[EN]").feature(Line("EN*")),
    read("LIST", List, Optional, "[<path>] (folder, in full)").uses_rest(),
    read("MDTM", Mdtm, Required, "<file> (when it was last changed)").feature(Line("")),
    write("MFF", Mff, Required, "[Modify=<time>;][UNIX.mode=<mode>;] <path>").feature(Line("Modify;UNIX.mode;")),
    write("MFMT", Mfmt, Required, "<YYYYMMDDHHMMSS> <path> (set when it was last changed)").feature(Line("")),
    write("MKD", Mkd, Required, "<folder> (make it)"),
    read("MLSD", Mlsd, Optional, "[<folder>] (its entries, for programs)").uses_rest(),
    read("MLST", Mlst, Optional, "[<path>] (its facts, for programs)").feature(Facts),
    read("MODE", Mode, Required, "S|Z (stream or deflate)").keeps_rest().feature(Line("Z")),
    read("NLST", Nlst, Optional, "[<path>] (folder, names only)").uses_rest(),
    open("NOOP", Noop, Optional, "(nothing)"),
    open("OPTS", Opts, Required, "<command> [<options>]"),
    open("PASS", Pass, Optional, "<password>").secret(),
    read("PASV", Pasv, Forbidden, "(listen for data, IPv4)").keeps_rest(),
    open("PBSZ", Pbsz, Required, "0 (comes before PROT)").feature(Tls("")),
    read("PORT", Port, Required, "h1,h2,h3,h4,p1,p2 (connect to it for data)").keeps_rest(),
    open("PROT", Prot, Required, "C|P (data connections: clear or private)").feature(Tls("")),
    read("PWD", Pwd, Forbidden, "(where am I)"),
    open("QUIT", Quit, Forbidden, "(good-bye)"),
    read("RANG", Rang, Required, "<first byte> <last byte> (of the next RETR or HASH)").keeps_rest().feature(Line("STREAM")),
    open("REIN", Rein, Forbidden, "(log out, stay connected)"),
    read("REST", Rest, Required, "<byte> (where the next transfer starts)").keeps_rest().feature(Line("STREAM")),
    read("RETR", Retr, Required, "<file> (fetch it)").uses_rest(),
    write("RMD", Rmd, Required, "<folder> (remove it, empty)"),
    write("RNFR", Rnfr, Required, "<path> (rename this)"),
    write("RNTO", Rnto, Required, "<path> (to this)"),
    read("SITE", Site, Required, "HELP|CHMOD|CPFR|CPTO|UMASK|UTIME"),
    read("SIZE", Size, Required, "<file> (its length in bytes)").feature(Line("")),
    open("STAT", Stat, Optional, "[<path>]").overtakes(Overtakes::Alone),
    write("STOR", Stor, Required, "<file> (store it)").uses_rest(),
    write("STOU", Stou, Optional, "(store it under a new name)").uses_rest(),
    read("STRU", Stru, Required, "F (file)").keeps_rest(),
    open("SYST", Syst, Forbidden, "(what system this is)"),
    read("TYPE", Type, Required, "A|I (ASCII or image)").keeps_rest(),
    open("USER", User, Required, "<name>"),
    read("XCRC", Xcrc, Required, "<file> [<start> [<end>]] (its CRC-32)").feature(Line("")),
    read("XCUP", Cdup, Forbidden, "(go to the parent folder)"),
    read("XCWD", Cwd, Required, "<folder> (go there)"),
    read("XMD5", Xmd5, Required, "<file> [<start> [<end>]] (its MD5)").feature(Line("")),
    write("XMKD", Mkd, Required, "<folder> (make it)"),
    read("XPWD", Pwd, Forbidden, "(where am I)"),
    write("XRMD", Rmd, Required, "<folder> (remove it, empty)"),
    read("XSHA1", Xsha1, Required, "<file> [<start> [<end>]] (its SHA-1)").feature(Line("")),
    read("XSHA256", Xsha256, Required, "<file> [<start> [<end>]] (its SHA-256)").feature(Line("")),
    read("XSHA512", Xsha512, Required, "<file> [<start> [<end>]] (its SHA-512)").feature(Line("")),
];

/// Commands of SITE, sorted by name. A command that is not of its form has the row of SITE itself.
static SITE: &[Rule] = &[
    write("CHMOD", Site, Required, "<mode> <path>"),
    read("CPFR", Site, Required, "<file>"),
    write("CPTO", Site, Required, "<copy>"),
    read("HELP", Site, Optional, ""),
    read("UMASK", Site, Optional, "[<mode>]"),
    write("UTIME", Site, Required, "<YYYYMMDDhhmmss> <path>"),
];

/// The rest of the registry: known to the world, not implemented here.
static REGISTERED: &[&str] = &["ADAT", "ALGS", "CONF", "ENC", "LPRT", "LPSV", "MIC", "SMNT"];

#[cfg(test)]
mod tests;
