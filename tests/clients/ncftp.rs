//! NcFTP's commands for scripts: ncftpget, ncftpput, ncftpls. They know no IPv6.

use super::NAMES;
use super::desk::{Desk, assert_old, assert_same, assert_same_tree, make_old, plant};
use crate::common::{names_in, random_bytes};
use std::fs;

/// Active and passive.
const MODES: [&str; 2] = ["-E", "-F"];

impl Desk {
    fn ncftp(&self, program: &str, arguments: &[&str]) -> String {
        let port = self.v4.port().to_string();
        self.run(program, &[&["-P", &port], arguments].concat())
    }
}

#[test]
#[ignore = "needs ncftp"]
fn puts_and_gets_in_both_modes() {
    let desk = Desk::new();
    for (seed, len) in [0, 1, 65_537, 100_000_000].into_iter().enumerate() {
        fs::write(desk.local("file"), random_bytes(seed as u64, len)).unwrap();
        fs::create_dir(desk.local("got")).unwrap();
        for mode in MODES {
            desk.ncftp("ncftpput", &[mode, "-m", "127.0.0.1", "/d/e", "file"]);
            assert_same(&desk.local("file"), &desk.served("d/e/file"));
            desk.ncftp("ncftpget", &[mode, "127.0.0.1", "got", "/d/e/file"]);
            assert_same(&desk.local("file"), &desk.local("got/file"));
            fs::remove_dir_all(desk.served("d")).unwrap();
            fs::remove_file(desk.local("got/file")).unwrap();
        }
        fs::remove_dir(desk.local("got")).unwrap();
    }
}

#[test]
#[ignore = "needs ncftp"]
fn resumes_both_ways() {
    let desk = Desk::new();
    let content = random_bytes(1, 500_000);
    fs::write(desk.local("file"), &content).unwrap();
    fs::create_dir(desk.local("got")).unwrap();
    for mode in MODES {
        fs::write(desk.served("file"), &content[..123_456]).unwrap();
        // With sendfile(2) it begins at the wrong end: -s is without.
        desk.ncftp("ncftpput", &[mode, "-s", "-z", "127.0.0.1", "/", "file"]);
        assert_same(&desk.local("file"), &desk.served("file"));
        fs::write(desk.local("got/file"), &content[..234_567]).unwrap();
        desk.ncftp("ncftpget", &[mode, "-z", "127.0.0.1", "got", "/file"]);
        assert_same(&desk.local("file"), &desk.local("got/file"));
    }
}

#[test]
#[ignore = "needs ncftp"]
fn keeps_times_both_ways() {
    let desk = Desk::new();
    fs::write(desk.local("file"), "content").unwrap();
    make_old(&desk.local("file"));
    fs::create_dir(desk.local("got")).unwrap();
    desk.ncftp("ncftpput", &["127.0.0.1", "/", "file"]);
    assert_old(&desk.served("file"));
    desk.ncftp("ncftpget", &["127.0.0.1", "got", "/file"]);
    assert_old(&desk.local("got/file"));
}

#[test]
#[ignore = "needs ncftp"]
fn copies_folders_both_ways() {
    let desk = Desk::new();
    plant(&desk.local("tree"), &NAMES);
    fs::create_dir(desk.local("got")).unwrap();
    for mode in MODES {
        desk.ncftp("ncftpput", &[mode, "-R", "127.0.0.1", "/", "tree"]);
        assert_same_tree(&desk.local("tree"), &desk.served("tree"));
        desk.ncftp("ncftpget", &[mode, "-R", "127.0.0.1", "got", "/tree"]);
        assert_same_tree(&desk.local("tree"), &desk.local("got/tree"));
        fs::remove_dir_all(desk.local("got/tree")).unwrap();
        fs::remove_dir_all(desk.served("tree")).unwrap();
    }
}

#[test]
#[ignore = "needs ncftp"]
fn lists_and_expands_wildcards() {
    let desk = Desk::new();
    plant(&desk.served(""), &NAMES);
    fs::create_dir(desk.local("got")).unwrap();
    for mode in MODES {
        let short = desk.ncftp("ncftpls", &[mode, "-1", "ftp://127.0.0.1/"]);
        let long = desk.ncftp("ncftpls", &[mode, "-l", "ftp://127.0.0.1/"]);
        for name in names_in(&desk.served("")).iter().filter(|name| !name.starts_with('.')) {
            assert!(short.lines().any(|line| line.trim_end_matches('/') == name), "{short}");
            assert!(long.lines().any(|line| line.ends_with(&format!(" {name}"))), "{long}");
        }
        desk.ncftp("ncftpget", &[mode, "127.0.0.1", "got", "/p*.txt", "/with*"]);
        assert_eq!(names_in(&desk.local("got")), ["plain.txt", "with two blanks"]);
        fs::remove_file(desk.local("got/plain.txt")).unwrap();
        fs::remove_file(desk.local("got/with two blanks")).unwrap();
    }
}
