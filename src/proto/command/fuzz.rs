//! Lines of any bytes: each is one command, which is spelled again and parsed as the same, or one
//! misuse, whose reply is well formed.

use super::*;
use crate::fuzz::{Chance, part};
use crate::proto::facts::Kind;
use crate::proto::list_options::{Direction, Form, Order, Scope};
use crate::proto::reply::Reply;
use crate::proto::{date, foreign};

#[test]
fn hostile_lines_are_commands_that_can_be_spelled_or_misuse() {
    part!("command").some(check);
}

#[test]
#[ignore = "needs some minutes, in release mode"]
fn fuzz_of_commands() {
    part!("command").many(10_000_000, check);
}

fn check(line: &[u8], chance: &mut Chance) {
    check_spelled(&any_command(line, chance));
    let parsed = parse(line);
    match &parsed {
        Err(misuse) | Ok(Request { command: Err(misuse), .. }) => check_misuse(*misuse),
        Ok(_) => {}
    }
    let Ok(request) = parsed else { return };
    let (verb, rest) = line.split_at(split(line).0.len());
    assert!(verb.len() >= 3, "a verb of {} bytes", verb.len());
    let cut = chance.upto(verb.len() - 1);
    assert!(parse(&verb[..cut]).is_err(), "half of a verb is one");
    let other = [verb.to_ascii_lowercase(), rest.to_vec()].concat();
    assert_eq!(parse(&other).as_ref(), Ok(&request), "the case of a verb makes a difference");
    let is_text = !line.iter().any(u8::is_ascii_control);
    assert!(!is_text || foreign::recognise(line).is_none(), "a command of FTP is foreign");
    if let Ok(command) = &request.command {
        check_spelled(command);
        check_limits(command, line);
    }
}

/// A command, spelled, is that command.
fn check_spelled(command: &Command) {
    let spelled = spelled(command);
    let again = parse(&spelled).map(|request| request.command);
    assert_eq!(again.as_ref(), Ok(&Ok(command.clone())), "{}", spelled.escape_ascii());
}

/// Limits of what an accepted line may say.
fn check_limits(command: &Command, line: &[u8]) {
    match command {
        Command::Rang(first, last) => assert!(first <= last || (*first, *last) == (1, 0)),
        Command::SiteChmod(mode, _) => {
            let word = line.split(|&byte| byte == b' ').nth(2).and_then(|w| str::from_utf8(w).ok());
            let bits = word.and_then(|word| u16::from_str_radix(word, 8).ok());
            match mode {
                ModeChange::Octal(mode) => assert_eq!(bits, Some(*mode)),
                ModeChange::Symbolic(_) => assert_eq!(bits, None),
            }
            for kind in [Kind::Directory, Kind::File] {
                assert!(mode.applied_to(0o644, kind) <= 0o7777, "{mode}");
            }
        }
        Command::Comb(target, parts) => {
            let most = parts.len() <= 256 && !parts.is_empty();
            assert!(most && !target.is_empty() && parts.iter().all(|part| !part.is_empty()));
        }
        Command::OptsModeZ(level) => assert!((1..=9).contains(&level.0)),
        Command::Port(to) | Command::Eprt(to) => assert_ne!(to.port(), 0),
        _ => {}
    }
}

/// Command of any names and numbers: each can be said.
fn any_command(line: &[u8], chance: &mut Chance) -> Command {
    let words = line.split(|byte| b"/\0".contains(byte)).filter(|word| !word.is_empty());
    let mut names: Vec<Vec<u8>> = words.map(<[u8]>::to_vec).take(255).collect();
    names.push(b"last \" one".to_vec());
    let name = names[chance.upto(names.len() - 1)].clone();
    let modified = Change::Modified(chance.below(253_402_300_800) as i64);
    let mode = ModeChange::Octal(chance.below(0o10000) as u16);
    let number = chance.next() >> chance.below(64);
    match chance.below(8) {
        0 => Command::Comb(name, names),
        1 => Command::Mff(vec![modified, Change::Mode(mode)], name),
        2 => Command::Mfmt(modified, name),
        3 => Command::SiteChmod(mode, name),
        4 => Command::SiteUtime(modified, name),
        5 => Command::Rang(number, number.saturating_add(chance.below(9))),
        6 => Command::Rest(number),
        _ => {
            let name = name.into_iter().filter(|byte| *byte != b'"').collect();
            let end = chance.one_in(2).then_some(number);
            let ranged = (name, chance.below(9), end);
            Command::Checksum(Algorithm::Md5, Target { whole: None, ranged: Some(ranged) })
        }
    }
}

fn check_misuse(misuse: Misuse) {
    let mut wire = Vec::new();
    Reply::Misuse(misuse).write_to(&mut wire);
    let is_error = matches!(wire[..4], [b'5', b'0'..=b'3', b'0'..=b'9', b' ']);
    let ends = wire.iter().filter(|byte| b"\r\n".contains(byte)).count();
    assert!(is_error && ends == 2 && wire.ends_with(b"\r\n"), "{}", wire.escape_ascii());
}

/// A line that means this command.
fn spelled(command: &Command) -> Vec<u8> {
    let with = |verb: &str, path: &[u8]| [verb.as_bytes(), b" ", path].concat();
    match command {
        Command::Appe(path) => with("APPE", path),
        Command::Avbl(path) => with("AVBL", path),
        Command::Checksum(algorithm, target) => with(verb_of(*algorithm), &target_text(target)),
        Command::Comb(target, parts) => {
            let names = [target].into_iter().chain(parts).map(|name| quoted(name));
            with("COMB", &names.collect::<Vec<_>>().join(&b' '))
        }
        Command::Cwd(path) => with("CWD", path),
        Command::Dele(path) => with("DELE", path),
        Command::Hash(path) => with("HASH", path),
        Command::Help(Some(rule)) => with("HELP", rule.name.as_bytes()),
        Command::Host(name) => with("HOST", name),
        Command::List(options, path) => with(&format!("LIST {}", letters(options)), path),
        Command::Mdtm(path, timed) => {
            let again = timed.as_ref().map(|(change, path)| with(&fact(change), path));
            let again = again.map(|text| parse(&with("MFMT", &text)).map(|r| r.command.is_ok()));
            assert_eq!(again.unwrap_or(Ok(true)), Ok(true));
            with("MDTM", path)
        }
        Command::Mff(changes, path) => {
            let facts = changes.iter().map(|change| match change {
                Change::Modified(_) => format!("Modify={};", fact(change)),
                Change::Mode(_) => format!("UNIX.mode={};", fact(change)),
            });
            with("MFF", &with(&facts.collect::<String>(), path))
        }
        Command::Mfmt(change, path) => with("MFMT", &with(&fact(change), path)),
        Command::Mkd(path) => with("MKD", path),
        Command::Mlsd(path) => with("MLSD", path),
        Command::Mlst(path) => with("MLST", path),
        Command::Nlst(options, path) => with(&format!("NLST {}", letters(options)), path),
        Command::Pass(secret) => with("PASS", &secret.0),
        Command::Retr(path) => with("RETR", path),
        Command::Rmd(path) => with("RMD", path),
        Command::Rnfr(path) => with("RNFR", path),
        Command::Rnto(path) => with("RNTO", path),
        Command::SiteChmod(mode, path) => with("SITE CHMOD", &with(&mode.to_string(), path)),
        Command::SiteCpfr(path) => with("SITE CPFR", path),
        Command::SiteCpto(path) => with("SITE CPTO", path),
        Command::SiteUtime(change, path) => with("SITE UTIME", &with(&fact(change), path)),
        Command::Size(path) => with("SIZE", path),
        Command::Stat(Some((options, path))) => with(&format!("STAT {}", letters(options)), path),
        Command::Stor(path) => with("STOR", path),
        Command::User(name) => with("USER", name),
        other => plainly(other).into_bytes(),
    }
}

/// A line for a command that no bytes of a client's own are in.
fn plainly(command: &Command) -> String {
    let protection = |level: &Protection, clear, private| match level {
        Protection::Clear => clear,
        Protection::Private => private,
    };
    match command {
        Command::Acct => "ACCT a".to_owned(),
        Command::Allo(bytes) => format!("ALLO {bytes}"),
        Command::Auth(level) => format!("AUTH {}", protection(level, "TLS", "SSL")),
        Command::Clnt => "CLNT a".to_owned(),
        Command::Eprt(to) => format!("EPRT |{}|{}|", to.ip(), to.port()),
        Command::Epsv(Epsv::All) => "EPSV ALL".to_owned(),
        Command::Epsv(Epsv::V4) => "EPSV 1".to_owned(),
        Command::Epsv(Epsv::V6) => "EPSV 2".to_owned(),
        Command::Epsv(Epsv::Same) => "EPSV".to_owned(),
        Command::Mode(Mode::Stream) => "MODE S".to_owned(),
        Command::Mode(Mode::Deflate) => "MODE Z".to_owned(),
        Command::OptsHash(None) => "OPTS HASH".to_owned(),
        Command::OptsHash(Some(algorithm)) => format!("OPTS HASH {}", algorithm.name()),
        Command::OptsMlst(facts) => format!("OPTS MLST {facts}"),
        Command::OptsModeZ(level) => format!("OPTS MODE Z LEVEL {}", level.0),
        Command::OptsUtf8 => "OPTS UTF8 ON".to_owned(),
        Command::Pbsz => "PBSZ 0".to_owned(),
        Command::Port(SocketAddr::V4(to)) => format!("PORT {}", hostport::pasv_text(*to)),
        Command::Prot(level) => format!("PROT {}", protection(level, "C", "P")),
        Command::Rang(first, last) => format!("RANG {first} {last}"),
        Command::Rest(at) => format!("REST {at}"),
        Command::SiteHelp => "SITE HELP".to_owned(),
        Command::SiteUmask(None) => "SITE UMASK".to_owned(),
        Command::SiteUmask(Some(mask)) => format!("SITE UMASK {mask:03o}"),
        Command::Stru => "STRU F".to_owned(),
        Command::Type(Representation::Ascii) => "TYPE A".to_owned(),
        Command::Type(Representation::Image) => "TYPE I".to_owned(),
        Command::Help(None) | Command::Stat(None) => format!("{command:?}")[..4].to_owned(),
        // The other verbs take no argument.
        bare => format!("{bare:?}"),
    }
}

/// Options of a listing; the first letter means nothing, so that there is always one.
fn letters(options: &ListOptions) -> String {
    let letters = [
        ("l", options.form == Form::Long),
        ("t", options.order == Order::Newest),
        ("S", options.order == Order::Largest),
        ("r", options.direction == Direction::Reversed),
        ("R", options.scope == Scope::Tree),
        ("d", options.scope == Scope::Itself),
    ];
    let chosen = letters.into_iter().filter_map(|(letter, chosen)| chosen.then_some(letter));
    format!("-a{}", chosen.collect::<String>())
}

fn fact(change: &Change) -> String {
    match change {
        Change::Modified(at) => date::mdtm(*at).to_string(),
        Change::Mode(mode) => mode.to_string(),
    }
}

fn quoted(name: &[u8]) -> Vec<u8> {
    let doubled = name.split(|&byte| byte == b'"').collect::<Vec<_>>().join(&b"\"\""[..]);
    [b"\"", &*doubled, b"\""].concat()
}

fn verb_of(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Crc32 => "XCRC",
        Algorithm::Md5 => "XMD5",
        Algorithm::Sha1 => "XSHA1",
        Algorithm::Sha256 => "XSHA256",
        Algorithm::Sha512 => "XSHA512",
    }
}

fn target_text(target: &Target) -> Vec<u8> {
    match target {
        Target { whole: Some(name), ranged: None } if !name.contains(&b'"') => quoted(name),
        Target { whole: Some(raw), .. } => raw.clone(),
        Target { whole: None, ranged } => {
            let (name, start, end) = ranged.as_ref().expect("a target names something");
            let end = end.map_or(String::new(), |end| format!(" {end}"));
            [&*quoted(name), format!(" {start}{end}").as_bytes()].concat()
        }
    }
}
