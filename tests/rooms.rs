//! The rooms of `src/ARCHITECTURE.md`, kept apart: reads the sources, and fails on a path that leads to a
//! room of the same or a higher number, or to a crate that belongs to one room alone. It knows
//! paths, not types; test modules may do as they like.

use std::fs;
use std::path::Path;

/// As in the map of `src/ARCHITECTURE.md`.
const ROOMS: [(&str, u8); 10] = [
    ("proto", 0),
    ("users", 0),
    ("fs", 1),
    ("net", 1),
    ("config", 1),
    ("sandbox", 2),
    ("session", 2),
    ("transfer", 2),
    ("server", 3),
    ("testing", 4),
];

/// Paths that belong to some rooms alone, wherever in a path they stand.
const OWNED: [(&str, &[&str]); 15] = [
    ("mio", &["net"]),
    ("rustls", &["net"]),
    ("rcgen", &["net"]),
    ("webpki", &["net"]),
    ("signal_hook_mio", &["net"]),
    ("socket2", &["net"]),
    ("landlock", &["sandbox"]),
    ("seccompiler", &["sandbox"]),
    ("slab", &["server"]),
    ("std::thread", &["server", "testing", "logger"]),
    ("log", &["server", "main", "logger"]),
    ("std::fs", &["fs", "config"]),
    ("rustix::fs", &["fs", "config", "logger"]),
    ("Instant::now", &["server", "testing", "logger"]),
    ("SystemTime::now", &["server"]),
];

/// Files and folders that are tests, whose modules may do as they like.
const TESTS: [&str; 5] = ["tests", "tests.rs", "simulation.rs", "fuzz", "fuzz.rs"];

#[test]
fn no_source_breaks_the_rules_of_the_rooms() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut files, mut offences) = (0, Vec::new());
    visit(&src, &mut |path, text| {
        files += 1;
        let name = path.strip_prefix(&src).unwrap().to_str().unwrap();
        offences.extend(offences_in(name, text));
    });
    assert!(files > 30, "only {files} files were found");
    assert!(offences.is_empty(), "{}", offences.join("\n"));
}

#[test]
fn every_room_is_in_the_map() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let map = fs::read_to_string(src.join("ARCHITECTURE.md")).unwrap();
    for (room, number) in ROOMS {
        assert!(map.contains(&format!("| `{room}` | {number} |")), "{room} {number}");
    }
    let folders = fs::read_dir(&src).unwrap().map(|entry| entry.unwrap().path());
    let folders = folders.filter(|path| path.is_dir() && !path.ends_with("fuzz"));
    assert_eq!(folders.count(), ROOMS.len());
}

#[test]
fn a_broken_rule_is_found() {
    for (file, line) in [
        ("proto/line.rs", "use crate::session::Session;"),
        ("net/link.rs", "use crate::fs::Root;"),
        ("session/mod.rs", "use crate::{proto::line::Lines, transfer::Pump};"),
        ("session/data.rs", "fn f() { crate::server::run() }"),
        ("net/link.rs", "use super::super::session::Session;"),
        ("transfer/pump.rs", "use super::super::{proto, server::Peer};"),
        ("server/peer.rs", "use mio::net::TcpStream;"),
        ("server/peer.rs", "fn f(x: &mio::Token) {}"),
        ("session/mod.rs", "fn f() { log::info!(\"x\"); }"),
        ("server/mod.rs", "use signal_hook_mio::v1_0::Signals;"),
        ("transfer/pump.rs", "use socket2::Socket;"),
        ("net/poller.rs", "use slab::Slab;"),
        ("session/mod.rs", "use std::{thread, io};"),
        ("server/mod.rs", "use std::{io, fs::{self, File}};"),
        ("users/mod.rs", "fn f() { std::fs::read(\"x\"); }"),
        ("server/mod.rs", "use rustix::{process::getrlimit, fs};"),
        ("session/mod.rs", "let now = Instant::now();"),
        ("fs/mod.rs", "let now = std::time::SystemTime::now();"),
        ("fs/mod.rs", "fn f() { unsafe { g() } }"),
        ("main.rs", "use mio::Poll;"),
    ] {
        assert!(!offences_in(file, line).is_empty(), "{file}: {line}");
    }
}

#[test]
fn what_is_allowed_is_not_found() {
    for (file, text) in [
        ("session/mod.rs", "use crate::proto::line::{Line, Lines};\nuse crate::fs::Refusal;"),
        ("session/data.rs", "use super::{Session, Waiting};"),
        ("net/listener.rs", "use mio::net::TcpListener; use super::poller::Key;"),
        ("server/verifier.rs", "use std::thread; use crate::users::StoredPassword;"),
        ("server/events.rs", "fn f() { log::info!(\"x\"); }"),
        ("main.rs", "use log::LevelFilter;"),
        ("fs/root.rs", "use rustix::fs::{Mode, open}; use crate::proto::path::VPath;"),
        (
            "proto/line.rs",
            "// like mio::Token\n/// [`crate::server::Server`]\nlet x = \"slab::Slab\";",
        ),
        ("net/passive.rs", "fn f(now: Instant) { g(crate::net::X) }"),
        ("proto/line.rs", "#[cfg(test)]\nmod tests {\n    use std::fs;\n    fn f() {}\n}\n"),
        ("session/mod.rs", "#[cfg(test)]\nmod simulation;\n"),
        ("fs/tests/uploads.rs", "use crate::server::Server; use std::thread;"),
    ] {
        assert_eq!(offences_in(file, text), [""; 0], "{file}");
    }
}

fn visit(folder: &Path, look: &mut impl FnMut(&Path, &str)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            visit(&path, look);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            look(&path, &fs::read_to_string(&path).unwrap());
        }
    }
}

/// What is wrong with a source file; `file` is its path in `src`.
fn offences_in(file: &str, text: &str) -> Vec<String> {
    let is_test = file.split('/').any(|part| TESTS.contains(&part));
    if is_test {
        return Vec::new();
    }
    let module: Vec<&str> = file.strip_suffix(".rs").unwrap().split('/').collect();
    let code = plain_code(&without_tests(text));
    let mut paths = Vec::new();
    collect_paths(&code, &mut paths);
    let mut offences = Vec::new();
    for path in paths {
        if path == ["unsafe"] {
            offences.push(format!("{file}: unsafe"));
        }
        if let Some(why) = offence(&module, &path) {
            offences.push(format!("{file}: {} {why}", path.join("::")));
        }
    }
    offences.dedup();
    offences
}

/// What is wrong with one path in a module.
fn offence(module: &[&str], path: &[String]) -> Option<String> {
    let room = module[0];
    for (owned, owners) in OWNED {
        let wanted: Vec<&str> = owned.split("::").collect();
        // A crate stands at the beginning of a path; a function may be reached in many ways.
        let found = match owned.ends_with("::now") {
            true => path.windows(wanted.len()).any(|window| window == wanted),
            false => path.get(..wanted.len()).is_some_and(|start| start == wanted),
        };
        if found && !owners.contains(&room) {
            return Some(format!("belongs to {}", owners.join(" and ")));
        }
    }
    let number =
        |room: &str| ROOMS.iter().find(|(name, _)| *name == room).map(|(_, number)| number);
    let target = room_of(module, path)?;
    let (here, there) = (number(room)?, number(target)?);
    (room != target && there >= here).then(|| format!("leads from room {here} up to {there}"))
}

/// The room that a path leads to from a module, if it leads to the crate's own rooms by name.
fn room_of<'a>(module: &[&str], path: &'a [String]) -> Option<&'a str> {
    // `mod.rs` is its folder's module; any other file is one within it.
    let depth = module.len() - usize::from(module.last() == Some(&"mod"));
    let supers = path.iter().take_while(|part| *part == "super").count();
    match path.first()?.as_str() {
        "crate" => path.get(1).map(String::as_str),
        "super" if supers == depth => path.get(supers).map(String::as_str),
        _ => None,
    }
}

/// The text without what `#[cfg(test)]` stands before, be it `mod x;` or a block.
fn without_tests(text: &str) -> String {
    let mut lines = text.lines();
    let mut kept = String::new();
    while let Some(line) = lines.next() {
        if line.trim() != "#[cfg(test)]" {
            kept.push_str(line);
            kept.push('\n');
            continue;
        }
        let indent = &line[..line.len() - line.trim_start().len()];
        let first = lines.next().unwrap_or_default();
        if !first.trim_end().ends_with([';', '}']) {
            // rustfmt puts the end of a block below its beginning.
            lines.by_ref().find(|line| *line == format!("{indent}}}"));
        }
    }
    kept
}

/// The text without comments and without what strings and characters hold.
fn plain_code(text: &str) -> String {
    let mut code = String::new();
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match (char, chars.peek()) {
            ('/', Some('/')) => {
                chars.by_ref().find(|char| *char == '\n');
                code.push('\n');
            }
            ('"', _) => {
                while let Some(char) = chars.next() {
                    match char {
                        '\\' => drop(chars.next()),
                        '"' => break,
                        _ => {}
                    }
                }
                code.push_str("\"\"");
            }
            // A quote as a character or byte would look like the beginning of a string.
            ('\'', Some('"')) => drop(chars.next()),
            ('\'', Some('\\')) => drop((chars.next(), chars.next())),
            _ => code.push(char),
        }
    }
    code
}

/// Every path in the code, those in braces spelled out: `a::{b, c::d}` is `a::b` and `a::c::d`.
fn collect_paths(code: &str, paths: &mut Vec<Vec<String>>) {
    let mut prefixes: Vec<Vec<String>> = Vec::new();
    let mut path: Vec<String> = Vec::new();
    let mut words = tokens(code).into_iter().peekable();
    while let Some(token) = words.next() {
        let joined = words.peek().is_some_and(|next| next == "::");
        match token.as_str() {
            "::" if words.peek().is_some_and(|next| next == "{") => {
                words.next();
                prefixes.push(std::mem::take(&mut path));
            }
            "::" => {}
            // Braces inside of a `use` have the prefix of those around them; others have none.
            "{" => prefixes.push(Vec::new()),
            "}" => drop(prefixes.pop()),
            word if word.starts_with(|char: char| char.is_alphanumeric() || char == '_') => {
                path.push(word.to_owned());
                if !joined {
                    let mut whole = prefixes.concat();
                    whole.append(&mut path);
                    paths.push(whole);
                }
            }
            _ => path.clear(),
        }
    }
}

/// Words, `::`, and every other character by itself.
fn tokens(code: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut in_word = false;
    for char in code.chars() {
        let is_word = char.is_alphanumeric() || char == '_';
        match tokens.last_mut() {
            Some(last) if is_word && in_word => last.push(char),
            Some(last) if char == ':' && last == ":" => last.push(char),
            _ if char.is_whitespace() => {}
            _ => tokens.push(char.to_string()),
        }
        in_word = is_word;
    }
    tokens
}
