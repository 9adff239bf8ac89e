//! Commands: one line becomes one command with typed arguments. A syntax error is a value like any
//! other.
//!
//! A command is a verb of three or four letters, a space and an argument (RFC 959, 5.3.1). A path
//! is everything behind exactly one space, so that names with blanks at either end survive; every
//! other argument is read without the blanks around it.

mod change;
mod comb;
mod mode_change;
mod protection;
mod site;

use std::fmt;
use std::net::SocketAddr;

use super::checksum::{Algorithm, Target};
use super::coding::{Level, Mode, Representation};
use super::digits::number;
use super::hostport::{self, EprtError};
use super::list_options::ListOptions;
use super::listing::FactSet;
use super::verb::{self, Argument, Rule, Verb};
pub use change::Change;
use change::{mff, timed, zoned};
use comb::comb;
pub use mode_change::ModeChange;
pub use protection::Protection;
use protection::{auth, pbsz, prot};
use site::site;

/// A password: it cannot be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub Vec<u8>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Network protocols that an EPSV asks for (RFC 2428).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Epsv {
    /// The control connection's.
    Same,
    /// IPv4.
    V4,
    /// IPv6.
    V6,
    /// EPSV is from now on the only way to set up a data connection.
    All,
}

/// A command whose syntax is right. Paths are as the client sent them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the variants are RFC 959's own verbs
pub enum Command {
    Abor,
    Acct,
    Allo(u64),
    Appe(Vec<u8>),
    /// TLS, and how data connections are protected until a PROT says otherwise.
    Auth(Protection),
    Avbl(Vec<u8>),
    Ccc,
    Cdup,
    /// The X commands: a checksum, and of what.
    Checksum(Algorithm, Target),
    Clnt,
    /// The target, and the parts that are joined behind it.
    Comb(Vec<u8>, Vec<Vec<u8>>),
    Cwd(Vec<u8>),
    Dele(Vec<u8>),
    Eprt(SocketAddr),
    Epsv(Epsv),
    Feat,
    Hash(Vec<u8>),
    Help(Option<&'static Rule>),
    Host(Vec<u8>),
    Lang,
    List(ListOptions, Vec<u8>),
    /// The time of a file; or, if there is no file of this name, old clients set a time so.
    Mdtm(Vec<u8>, Option<(Change, Vec<u8>)>),
    Mff(Vec<Change>, Vec<u8>),
    Mfmt(Change, Vec<u8>),
    Mkd(Vec<u8>),
    Mlsd(Vec<u8>),
    Mlst(Vec<u8>),
    Mode(Mode),
    Nlst(ListOptions, Vec<u8>),
    Noop,
    /// `None` asks which.
    OptsHash(Option<Algorithm>),
    OptsMlst(FactSet),
    /// MODE Z with this level.
    OptsModeZ(Level),
    OptsUtf8,
    Pass(Secret),
    Pasv,
    Pbsz,
    Port(SocketAddr),
    Prot(Protection),
    Pwd,
    Quit,
    /// The first and the last byte; `1 0` means all.
    Rang(u64, u64),
    Rein,
    Rest(u64),
    Retr(Vec<u8>),
    Rmd(Vec<u8>),
    Rnfr(Vec<u8>),
    Rnto(Vec<u8>),
    SiteChmod(ModeChange, Vec<u8>),
    SiteCpfr(Vec<u8>),
    SiteCpto(Vec<u8>),
    SiteHelp,
    /// `None` asks which.
    SiteUmask(Option<u16>),
    SiteUtime(Change, Vec<u8>),
    Size(Vec<u8>),
    /// `None` asks what the session is doing.
    Stat(Option<(ListOptions, Vec<u8>)>),
    Stor(Vec<u8>),
    Stou,
    Stru,
    Syst,
    Type(Representation),
    User(Vec<u8>),
}

/// Misuse of a command: why a line cannot be obeyed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misuse {
    /// No verb that anybody knows (500).
    Unrecognised,
    /// A verb of the registry that is not implemented (502).
    NotImplemented,
    /// The argument is missing (501); the row says what it would be.
    Missing(&'static Rule),
    /// The verb takes no argument (501).
    Unexpected(&'static Rule),
    /// The argument is not of the verb's form (501).
    Malformed(&'static Rule),
    /// The argument is well formed, but not supported here (504).
    Unsupported(&'static Rule),
    /// EPRT or EPSV with a network protocol that isn't known (522).
    Protocol,
    /// PROT with a level that TLS has not (536).
    Level,
}

/// A line whose verb is known: what must hold for it, and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The row of the verb, or of the command of SITE: login and permission are checked before a
    /// syntax error is told.
    pub rule: &'static Rule,
    /// The command, or what is wrong with its argument.
    pub command: Result<Command, Misuse>,
}

impl PartialEq for Rule {
    fn eq(&self, other: &Rule) -> bool {
        self.name == other.name
    }
}

impl Eq for Rule {}

/// Splits a line into its verb and, if a space follows, its argument.
pub fn split(line: &[u8]) -> (&[u8], Option<&[u8]>) {
    match line.iter().position(|&byte| byte == b' ') {
        Some(space) => (&line[..space], Some(&line[space + 1..])),
        None => (line, None),
    }
}

/// Parses a line without its CRLF.
///
/// # Errors
/// [`Misuse::Unrecognised`] and [`Misuse::NotImplemented`], where the verb has no row.
pub fn parse(line: &[u8]) -> Result<Request, Misuse> {
    let (name, argument) = split(line);
    let Some(rule) = verb::find(name) else {
        let known = verb::is_registered(name);
        return Err(if known { Misuse::NotImplemented } else { Misuse::Unrecognised });
    };
    let blank = argument.is_none_or(|argument| argument.trim_ascii().is_empty());
    let command = match rule.argument {
        Argument::Forbidden if !blank => Err(Misuse::Unexpected(rule)),
        // A file may be called ` `, but nobody means that by `RETR ` with nothing behind it.
        Argument::Required if argument.is_none_or(<[u8]>::is_empty) => Err(Misuse::Missing(rule)),
        _ => typed(rule, argument.unwrap_or_default()),
    };
    match (rule.verb, &command) {
        (Verb::Site, Ok(_)) => {
            let site = verb::find_site(split(argument.unwrap_or_default()).0);
            Ok(Request { rule: site.unwrap_or(rule), command })
        }
        _ => Ok(Request { rule, command }),
    }
}

fn typed(rule: &'static Rule, raw: &[u8]) -> Result<Command, Misuse> {
    let word = raw.trim_ascii();
    let path = || raw.to_vec();
    Ok(match rule.verb {
        Verb::Abor => Command::Abor,
        Verb::Acct => Command::Acct,
        Verb::Allo => Command::Allo(allo(word).ok_or(Misuse::Malformed(rule))?),
        Verb::Appe => Command::Appe(path()),
        Verb::Auth => auth(rule, word)?,
        Verb::Avbl => Command::Avbl(path()),
        Verb::Ccc => Command::Ccc,
        Verb::Cdup => Command::Cdup,
        Verb::Clnt => Command::Clnt,
        Verb::Comb => comb(rule, raw)?,
        Verb::Cwd => Command::Cwd(path()),
        Verb::Dele => Command::Dele(path()),
        Verb::Eprt => Command::Eprt(hostport::parse_eprt(word).map_err(|error| match error {
            EprtError::Syntax => Misuse::Malformed(rule),
            EprtError::Protocol => Misuse::Protocol,
        })?),
        Verb::Epsv => Command::Epsv(epsv(word).ok_or(Misuse::Malformed(rule))??),
        Verb::Feat => Command::Feat,
        Verb::Hash => Command::Hash(path()),
        Verb::Help if word.is_empty() => Command::Help(None),
        Verb::Help => Command::Help(Some(verb::find(word).ok_or(Misuse::Unsupported(rule))?)),
        Verb::Host if word.is_empty() => return Err(Misuse::Missing(rule)),
        Verb::Host => Command::Host(word.to_vec()),
        Verb::Lang if word.is_empty() || word.eq_ignore_ascii_case(b"EN") => Command::Lang,
        Verb::Lang => return Err(Misuse::Unsupported(rule)),
        Verb::List => {
            let (options, path) = ListOptions::parse(raw);
            Command::List(options, path.to_vec())
        }
        Verb::Mdtm => Command::Mdtm(path(), zoned(raw)),
        Verb::Mff => mff(rule, raw)?,
        Verb::Mfmt => {
            let (change, path) = timed(raw).ok_or(Misuse::Malformed(rule))?;
            Command::Mfmt(change, path)
        }
        Verb::Mlsd => Command::Mlsd(path()),
        Verb::Mlst => Command::Mlst(path()),
        Verb::Mkd => Command::Mkd(path()),
        Verb::Mode => Command::Mode(match code(rule, word, b"SZ", b"BC")? {
            b'Z' => Mode::Deflate,
            _ => Mode::Stream,
        }),
        Verb::Nlst => {
            let (options, path) = ListOptions::parse(raw);
            Command::Nlst(options, path.to_vec())
        }
        Verb::Noop => Command::Noop,
        Verb::Opts => opts(rule, word)?,
        Verb::Pass => Command::Pass(Secret(path())),
        Verb::Pasv => Command::Pasv,
        Verb::Pbsz => pbsz(rule, word)?,
        Verb::Port => Command::Port(hostport::parse_port(word).ok_or(Misuse::Malformed(rule))?),
        Verb::Prot => prot(rule, word)?,
        Verb::Pwd => Command::Pwd,
        Verb::Quit => Command::Quit,
        Verb::Rang => rang(word).ok_or(Misuse::Malformed(rule))?,
        Verb::Rein => Command::Rein,
        Verb::Rest => Command::Rest(number(word).ok_or(Misuse::Malformed(rule))?),
        Verb::Retr => Command::Retr(path()),
        Verb::Rmd => Command::Rmd(path()),
        Verb::Rnfr => Command::Rnfr(path()),
        Verb::Rnto => Command::Rnto(path()),
        Verb::Site => site(rule, raw)?,
        Verb::Size => Command::Size(path()),
        Verb::Stat if raw.is_empty() => Command::Stat(None),
        Verb::Stat => {
            let (options, path) = ListOptions::parse(raw);
            Command::Stat(Some((options, path.to_vec())))
        }
        Verb::Stor => Command::Stor(path()),
        Verb::Stou => Command::Stou,
        Verb::Stru => code(rule, word, b"F", b"RP").map(|_| Command::Stru)?,
        Verb::Syst => Command::Syst,
        Verb::Type => Command::Type(representation(rule, word)?),
        Verb::User => Command::User(path()),
        Verb::Xcrc => checksum(rule, Algorithm::Crc32, raw)?,
        Verb::Xmd5 => checksum(rule, Algorithm::Md5, raw)?,
        Verb::Xsha1 => checksum(rule, Algorithm::Sha1, raw)?,
        Verb::Xsha256 => checksum(rule, Algorithm::Sha256, raw)?,
        Verb::Xsha512 => checksum(rule, Algorithm::Sha512, raw)?,
    })
}

fn checksum(rule: &'static Rule, algorithm: Algorithm, raw: &[u8]) -> Result<Command, Misuse> {
    let target = Target::parse(raw).ok_or(Misuse::Malformed(rule))?;
    Ok(Command::Checksum(algorithm, target))
}

/// `RANG first last`; only `1 0`, which means all, may run backwards.
fn rang(word: &[u8]) -> Option<Command> {
    let (first, last) = split(word);
    let (first, last) = (number(first)?, number(last?.trim_ascii())?);
    (first <= last || (first, last) == (1, 0)).then_some(Command::Rang(first, last))
}

/// `ALLO n` or `ALLO n R m`, where m is a record length that files here don't have.
fn allo(word: &[u8]) -> Option<u64> {
    let mut words = word.split(|&byte| byte == b' ').filter(|word| !word.is_empty());
    let bytes = number(words.next()?)?;
    match (words.next(), words.next(), words.next()) {
        (None, ..) => Some(bytes),
        (Some(b"R" | b"r"), Some(record), None) => number(record).map(|_| bytes),
        _ => None,
    }
}

fn epsv(word: &[u8]) -> Option<Result<Epsv, Misuse>> {
    if word.eq_ignore_ascii_case(b"ALL") {
        return Some(Ok(Epsv::All));
    }
    match word {
        b"" => Some(Ok(Epsv::Same)),
        b"1" => Some(Ok(Epsv::V4)),
        b"2" => Some(Ok(Epsv::V6)),
        other => number(other).map(|_| Err(Misuse::Protocol)),
    }
}

/// Letter of MODE or STRU that RFC 959 knows: one of those here, or elsewhere.
fn code(rule: &'static Rule, word: &[u8], here: &[u8], known: &[u8]) -> Result<u8, Misuse> {
    match word {
        [letter] if here.contains(&letter.to_ascii_uppercase()) => Ok(letter.to_ascii_uppercase()),
        [letter] if known.contains(&letter.to_ascii_uppercase()) => Err(Misuse::Unsupported(rule)),
        _ => Err(Misuse::Malformed(rule)),
    }
}

fn representation(rule: &'static Rule, word: &[u8]) -> Result<Representation, Misuse> {
    let word = word.to_ascii_uppercase();
    let mut words = word.split(|&byte| byte == b' ').filter(|word| !word.is_empty());
    match (words.next(), words.next(), words.next()) {
        (Some(b"A"), None | Some(b"N"), None) => Ok(Representation::Ascii),
        (Some(b"I"), None, None) | (Some(b"L"), Some(b"8"), None) => Ok(Representation::Image),
        (Some(b"L8"), None, None) => Ok(Representation::Image),
        (Some(b"A" | b"E"), None | Some(b"N" | b"T" | b"C"), None) => {
            Err(Misuse::Unsupported(rule))
        }
        (Some(b"L"), Some(bits), None) if number(bits).is_some() => Err(Misuse::Unsupported(rule)),
        _ => Err(Misuse::Malformed(rule)),
    }
}

fn opts(rule: &'static Rule, word: &[u8]) -> Result<Command, Misuse> {
    let (name, value) = split(word);
    let value = value.unwrap_or_default().trim_ascii();
    match name.to_ascii_uppercase().as_slice() {
        b"HASH" if value.is_empty() => Ok(Command::OptsHash(None)),
        b"HASH" => {
            let algorithm = Algorithm::parse(value).ok_or(Misuse::Unsupported(rule))?;
            Ok(Command::OptsHash(Some(algorithm)))
        }
        b"MODE" => opts_mode(rule, value),
        b"MLST" => Ok(Command::OptsMlst(FactSet::parse(value))),
        b"UTF8" | b"UTF-8" if value.is_empty() || value.eq_ignore_ascii_case(b"ON") => {
            Ok(Command::OptsUtf8)
        }
        b"UTF8" | b"UTF-8" if value.eq_ignore_ascii_case(b"OFF") => Err(Misuse::Unsupported(rule)),
        _ => Err(Misuse::Malformed(rule)),
    }
}

/// `OPTS MODE Z LEVEL n`; without a level, the usual one.
fn opts_mode(rule: &'static Rule, value: &[u8]) -> Result<Command, Misuse> {
    let value = value.to_ascii_uppercase();
    let mut words = value.split(|&byte| byte == b' ').filter(|word| !word.is_empty());
    match (words.next(), words.next(), words.next(), words.next()) {
        (Some(b"Z"), None, ..) => Ok(Command::OptsModeZ(Level::default())),
        (Some(b"Z"), Some(b"LEVEL"), Some([digit @ b'1'..=b'9']), None) => {
            Ok(Command::OptsModeZ(Level(digit - b'0')))
        }
        (Some(b"Z"), Some(b"LEVEL"), Some(word), None) if number(word).is_some() => {
            Err(Misuse::Unsupported(rule))
        }
        _ => Err(Misuse::Malformed(rule)),
    }
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
