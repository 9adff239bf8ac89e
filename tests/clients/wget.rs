//! wget: only down, but whole folders, and it parses `LIST` by itself.

use super::NAMES;
use super::desk::{Desk, assert_same, assert_same_tree, percent, plant};
use crate::common::random_bytes;
use std::fs;

/// Active and passive.
const MODES: [&str; 2] = ["--no-passive-ftp", "--passive-ftp"];

impl Desk {
    fn wget(&self, arguments: &[&str]) -> String {
        let always = ["--no-config", "--no-verbose", "--tries=1", "--timeout=20"];
        self.run("wget", &[&always, arguments].concat())
    }
}

#[test]
#[ignore = "needs wget"]
fn gets_in_both_modes_and_keeps_times() {
    let desk = Desk::new();
    for (seed, len) in [0, 1, 65_537, 100_000_000].into_iter().enumerate() {
        fs::write(desk.served("file"), random_bytes(seed as u64, len)).unwrap();
        for address in desk.addresses() {
            for mode in MODES {
                desk.wget(&[mode, "-O", "got", &format!("ftp://{address}/file")]);
                assert_same(&desk.served("file"), &desk.local("got"));
            }
        }
    }
    desk.wget(&["-N", &format!("ftp://{}/file", desk.v4)]);
    let modified = |path| fs::metadata(path).unwrap().modified().unwrap();
    let apart = modified(desk.served("file")).duration_since(modified(desk.local("file")));
    // LIST tells minutes.
    assert!(apart.unwrap().as_secs() < 60);
}

#[test]
#[ignore = "needs wget"]
fn resumes() {
    let desk = Desk::new();
    let content = random_bytes(1, 500_000);
    fs::write(desk.served("file"), &content).unwrap();
    for mode in MODES {
        fs::write(desk.local("file"), &content[..123_456]).unwrap();
        desk.wget(&[mode, "-c", &format!("ftp://{}/file", desk.v4)]);
        assert_same(&desk.served("file"), &desk.local("file"));
    }
}

#[test]
#[ignore = "needs wget"]
fn gets_folders_and_wildcards() {
    let desk = Desk::new();
    plant(&desk.served("tree"), &NAMES);
    for (address, mode) in [(desk.v4, MODES[0]), (desk.v4, MODES[1]), (desk.v6, MODES[1])] {
        let url = format!("ftp://{address}/tree");
        desk.wget(&[mode, "-r", "-l", "9", "-nH", "-P", "got", &format!("{url}/")]);
        assert_same_tree(&desk.served("tree"), &desk.local("got/tree"));
        fs::remove_dir_all(desk.local("got")).unwrap();
        desk.wget(&[mode, "-P", "some", &format!("{url}/*t*")]);
        assert_same(&desk.served("tree/it's"), &desk.local("some/it's"));
        for name in NAMES {
            desk.wget(&[mode, "-O", "one", &format!("{url}/{}", percent(name))]);
            assert_same(&desk.served(format!("tree/{name}")), &desk.local("one"));
        }
    }
}

#[test]
#[ignore = "needs wget"]
fn is_told_what_is_not_there() {
    let desk = Desk::new();
    for path in ["missing", "missing/", "missing/file"] {
        let (code, said) = desk.attempt("wget", &[&format!("ftp://{}/{path}", desk.v4)], "");
        assert_eq!(code, Some(8), "{path}: {said}");
    }
}
