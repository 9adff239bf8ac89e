//! The table of verbs: one row says everything that must hold before a command is looked at.
//!
//! FEAT, HELP, the login check, the permission check and the queue all read this table, so none of
//! them can disagree. A verb that has no row is unrecognised (500), or, if the registry of RFC 5797
//! knows it, not implemented (502).

use Argument::{Forbidden, Optional, Required};
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

/// Whether a verb takes an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// None may be given; what old clients send all the same is refused with 501.
    Forbidden,
    /// May be left out.
    Optional,
    /// Must be given.
    Required,
}

/// One row of the table.
#[derive(Debug)]
pub struct Rule {
    /// The verb as it is spelled on the wire, in capitals.
    pub name: &'static str,
    /// The command that it stands for.
    pub verb: Verb,
    /// What argument it takes.
    pub argument: Argument,
    /// Whether it is refused before login (530).
    pub login: bool,
    /// Whether it changes what is served, and so needs write access (550).
    pub write: bool,
    /// What HELP shows behind the verb.
    pub help: &'static str,
}

impl Rule {
    /// Whether the argument must not appear in a log.
    pub fn secret(&self) -> bool {
        matches!(self.verb, Pass | Acct)
    }

    /// Whether REST stays in force across this command: what a client may send between REST and
    /// the transfer, because it has to set up its data connection some time.
    pub fn keeps_restart(&self) -> bool {
        matches!(self.verb, Rest | Rang | Port | Eprt | Pasv | Epsv | Type | Mode | Stru | Allo)
    }

    /// Whether the verb begins a transfer or, as HASH does, reads like one, and so uses up a REST.
    pub fn is_transfer(&self) -> bool {
        matches!(self.verb, Retr | Stor | Appe | Stou | List | Nlst | Mlsd | Hash)
    }
}

/// Finds the row of a verb, in any case.
pub fn find(name: &[u8]) -> Option<&'static Rule> {
    let mut capitals = [0; LONGEST_NAME];
    let capitals = capitals.get_mut(..name.len())?;
    for (capital, byte) in capitals.iter_mut().zip(name) {
        *capital = byte.to_ascii_uppercase();
    }
    let row = TABLE.binary_search_by(|rule| rule.name.as_bytes().cmp(capitals)).ok()?;
    Some(&TABLE[row])
}

/// Whether the command registry (RFC 5797) knows a verb that has no row here.
pub fn is_registered(name: &[u8]) -> bool {
    REGISTERED.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(name))
}

/// All rows, in the order of their names.
pub fn all() -> &'static [Rule] {
    TABLE
}

/// XSHA256.
const LONGEST_NAME: usize = 7;

const fn open(name: &'static str, verb: Verb, argument: Argument, help: &'static str) -> Rule {
    Rule { name, verb, argument, login: false, write: false, help }
}

const fn read(name: &'static str, verb: Verb, argument: Argument, help: &'static str) -> Rule {
    Rule { name, verb, argument, login: true, write: false, help }
}

const fn write(name: &'static str, verb: Verb, argument: Argument, help: &'static str) -> Rule {
    Rule { name, verb, argument, login: true, write: true, help }
}

/// Sorted by name, since it is searched by halves.
static TABLE: &[Rule] = &[
    open("ABOR", Abor, Forbidden, "(stop the transfer)"),
    open("ACCT", Acct, Required, "<account> (not needed here)"),
    write("ALLO", Allo, Required, "<bytes> (is there room for them?)"),
    write("APPE", Appe, Required, "<file> (append to it)"),
    open("AUTH", Auth, Required, "TLS (secure this connection)"),
    read("AVBL", Avbl, Optional, "[<folder>] (how many bytes can be stored)"),
    open("CCC", Ccc, Forbidden, "(go on in clear)"),
    read("CDUP", Cdup, Forbidden, "(go to the parent folder)"),
    open("CLNT", Clnt, Required, "<name> (of the client)"),
    write(
        "COMB",
        Comb,
        Required,
        "\"<target>\" \"<part>\"... (append the parts to it, delete them)",
    ),
    read("CWD", Cwd, Required, "<folder> (go there)"),
    write("DELE", Dele, Required, "<file> (delete it)"),
    read("EPRT", Eprt, Required, "|1|<address>|<port>| (connect to it for data)"),
    read("EPSV", Epsv, Optional, "[1|2|ALL] (listen for data)"),
    open("FEAT", Feat, Forbidden, "(what is supported)"),
    read("HASH", Hash, Required, "<file> (its checksum, by the algorithm of OPTS HASH)"),
    open("HELP", Help, Optional, "[<command>]"),
    open("HOST", Host, Required, "<name> (of this server)"),
    open("LANG", Lang, Optional, "[EN]"),
    read("LIST", List, Optional, "[<path>] (folder, in full)"),
    read("MDTM", Mdtm, Required, "<file> (when it was last changed)"),
    write("MFF", Mff, Required, "[Modify=<time>;][UNIX.mode=<mode>;] <path>"),
    write("MFMT", Mfmt, Required, "<YYYYMMDDHHMMSS> <path> (set when it was last changed)"),
    write("MKD", Mkd, Required, "<folder> (make it)"),
    read("MLSD", Mlsd, Optional, "[<folder>] (its entries, for programs)"),
    read("MLST", Mlst, Optional, "[<path>] (its facts, for programs)"),
    read("MODE", Mode, Required, "S|Z (stream or deflate)"),
    read("NLST", Nlst, Optional, "[<path>] (folder, names only)"),
    open("NOOP", Noop, Optional, "(nothing)"),
    open("OPTS", Opts, Required, "<command> [<options>]"),
    open("PASS", Pass, Optional, "<password>"),
    read("PASV", Pasv, Forbidden, "(listen for data, IPv4)"),
    open("PBSZ", Pbsz, Required, "0 (comes before PROT)"),
    read("PORT", Port, Required, "h1,h2,h3,h4,p1,p2 (connect to it for data)"),
    open("PROT", Prot, Required, "C|P (data connections: clear or private)"),
    read("PWD", Pwd, Forbidden, "(where am I)"),
    open("QUIT", Quit, Forbidden, "(good-bye)"),
    read("RANG", Rang, Required, "<first byte> <last byte> (of the next RETR or HASH)"),
    open("REIN", Rein, Forbidden, "(log out, stay connected)"),
    read("REST", Rest, Required, "<byte> (where the next transfer starts)"),
    read("RETR", Retr, Required, "<file> (fetch it)"),
    write("RMD", Rmd, Required, "<folder> (remove it, empty)"),
    write("RNFR", Rnfr, Required, "<path> (rename this)"),
    write("RNTO", Rnto, Required, "<path> (to this)"),
    read("SITE", Site, Required, "HELP|CHMOD|CPFR|CPTO|UMASK|UTIME"),
    read("SIZE", Size, Required, "<file> (its length in bytes)"),
    open("STAT", Stat, Optional, "[<path>]"),
    write("STOR", Stor, Required, "<file> (store it)"),
    write("STOU", Stou, Optional, "(store it under a new name)"),
    read("STRU", Stru, Required, "F (file)"),
    open("SYST", Syst, Forbidden, "(what system this is)"),
    read("TYPE", Type, Required, "A|I (ASCII or image)"),
    open("USER", User, Required, "<name>"),
    read("XCRC", Xcrc, Required, "<file> [<start> [<end>]] (its CRC-32)"),
    read("XCUP", Cdup, Forbidden, "(go to the parent folder)"),
    read("XCWD", Cwd, Required, "<folder> (go there)"),
    read("XMD5", Xmd5, Required, "<file> [<start> [<end>]] (its MD5)"),
    write("XMKD", Mkd, Required, "<folder> (make it)"),
    read("XPWD", Pwd, Forbidden, "(where am I)"),
    write("XRMD", Rmd, Required, "<folder> (remove it, empty)"),
    read("XSHA1", Xsha1, Required, "<file> [<start> [<end>]] (its SHA-1)"),
    read("XSHA256", Xsha256, Required, "<file> [<start> [<end>]] (its SHA-256)"),
    read("XSHA512", Xsha512, Required, "<file> [<start> [<end>]] (its SHA-512)"),
];

/// The rest of the registry: known to the world, not implemented here.
static REGISTERED: &[&str] = &["ADAT", "ALGS", "CONF", "ENC", "LPRT", "LPSV", "MIC", "SMNT"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_sorted_and_every_row_is_found() {
        assert!(TABLE.is_sorted_by(|a, b| a.name < b.name));
        for rule in TABLE {
            let lower = rule.name.to_ascii_lowercase();
            assert_eq!(find(lower.as_bytes()).map(|found| found.name), Some(rule.name));
            assert!(!is_registered(rule.name.as_bytes()), "{} stands twice", rule.name);
        }
    }

    #[test]
    fn unknown_and_registered_verbs_have_no_row() {
        for name in ["", "X", "XYZZY", "FOO", "RETRX", "RET"] {
            assert!(find(name.as_bytes()).is_none());
            assert!(!is_registered(name.as_bytes()));
        }
        assert!(find(b"SMNT").is_none() && is_registered(b"smnt"));
    }
}
