//! lftp: put and get, resumed, in both modes, and whole folders mirrored both ways.

use super::NAMES;
use super::desk::{Desk, assert_old, assert_same, assert_same_tree, make_old, plant};
use crate::common::{names_in, random_bytes};
use std::fs;
use std::net::SocketAddr;

const MODES: [&str; 2] = ["true", "false"];

impl Desk {
    fn lftp(&self, address: SocketAddr, passive: &str, script: &str) -> String {
        let settings = format!(
            "set cmd:fail-exit yes; set net:max-retries 2; set net:timeout 10; \
             set ftp:passive-mode {passive}; open ftp://{address}/; {script}"
        );
        self.run("lftp", &["--norc", "-c", &settings])
    }
}

#[test]
#[ignore = "needs lftp"]
fn puts_and_gets_in_both_modes() {
    let desk = Desk::new();
    for (seed, len) in [0, 1, 65_537, 100_000_000].into_iter().enumerate() {
        fs::write(desk.local("up"), random_bytes(seed as u64, len)).unwrap();
        for address in desk.addresses() {
            for passive in MODES {
                desk.lftp(address, passive, "put up -o file; get file -o down; rm file");
                assert_same(&desk.local("up"), &desk.local("down"));
                fs::remove_file(desk.local("down")).unwrap();
                assert_eq!(names_in(&desk.served("")), [""; 0]);
            }
        }
    }
}

#[test]
#[ignore = "needs lftp"]
fn resumes_both_ways() {
    let desk = Desk::new();
    let content = random_bytes(1, 500_000);
    fs::write(desk.local("whole"), &content).unwrap();
    for passive in MODES {
        fs::write(desk.served("file"), &content[..123_456]).unwrap();
        desk.lftp(desk.v4, passive, "put -c whole -o file");
        assert_same(&desk.local("whole"), &desk.served("file"));
        fs::write(desk.local("part"), &content[..234_567]).unwrap();
        desk.lftp(desk.v4, passive, "get -c file -o part");
        assert_same(&desk.local("whole"), &desk.local("part"));
    }
    desk.lftp(desk.v4, "true", "pget -n 4 file -o pieces");
    assert_same(&desk.local("whole"), &desk.local("pieces"));
}

#[test]
#[ignore = "needs lftp"]
fn mirrors_both_ways() {
    let desk = Desk::new();
    plant(&desk.local("tree"), &NAMES);
    for (address, passive) in [(desk.v4, "true"), (desk.v4, "false"), (desk.v6, "true")] {
        desk.lftp(address, passive, "mirror -R --parallel=3 tree up");
        assert_same_tree(&desk.local("tree"), &desk.served("up"));
        desk.lftp(address, passive, "mirror --parallel=3 up down");
        assert_same_tree(&desk.local("tree"), &desk.local("down"));
        fs::remove_dir_all(desk.local("down")).unwrap();
        desk.lftp(address, passive, "rm -r up");
        assert_eq!(names_in(&desk.served("")), [""; 0]);
    }
}

#[test]
#[ignore = "needs lftp"]
fn keeps_times_and_finds_nothing_to_do_again() {
    let desk = Desk::new();
    plant(&desk.local("tree"), &NAMES);
    NAMES.iter().for_each(|name| make_old(&desk.local(format!("tree/a folder/deep/{name}"))));
    for setting in ["true; set ftp:use-mlsd yes", "true; set ftp:use-mlsd no", "false"] {
        desk.lftp(desk.v4, setting, "mirror -R tree up; mirror up down");
        for place in [desk.served("up"), desk.local("down")] {
            assert_same_tree(&desk.local("tree"), &place);
            NAMES.iter().for_each(|name| assert_old(&place.join("a folder/deep").join(name)));
        }
        let again =
            desk.lftp(desk.v4, setting, "mirror -R -v tree up; mirror -v up down; rm -r up");
        assert!(!again.contains("ransferring file"), "{setting}: {again}");
        fs::remove_dir_all(desk.local("down")).unwrap();
    }
}

#[test]
#[ignore = "needs lftp"]
fn packs_what_it_transfers() {
    let desk = Desk::new();
    fs::write(desk.local("up"), [random_bytes(1, 1_000_000), vec![b'x'; 3_000_000]].concat())
        .unwrap();
    for (address, passive) in [(desk.v4, "true"), (desk.v4, "false"), (desk.v6, "true")] {
        let debug = desk.local("debug");
        let script = format!(
            "set ftp:use-mode-z yes; debug -o {} 9; put up -o file.txt; cls -1; \
             get file.txt -o down; rm file.txt",
            debug.display()
        );
        assert!(desk.lftp(address, passive, &script).contains("file.txt"));
        assert!(fs::read_to_string(&debug).unwrap().contains("MODE Z"));
        assert_same(&desk.local("up"), &desk.local("down"));
        fs::remove_file(desk.local("down")).unwrap();
    }
}

#[test]
#[ignore = "needs lftp"]
fn lists_renames_and_makes_folders() {
    let desk = Desk::new();
    plant(&desk.served("tree"), &NAMES);
    let listed = desk.lftp(desk.v4, "true", "cls -1 tree; ls tree");
    for name in NAMES.into_iter().filter(|name| !name.starts_with('.')) {
        assert!(listed.contains(&format!("tree/{name}\n")), "{name}: {listed}");
    }
    desk.lftp(desk.v4, "true", "mkdir -p x/y; mv tree/plain.txt x/y/z; du tree; find tree");
    assert_eq!(names_in(&desk.served("x/y")), ["z"]);
    let script = format!("set net:max-retries 1; open ftp://{}/; cat no", desk.v4);
    let (code, said) = desk.attempt("lftp", &["--norc", "-c", &script], "");
    assert!(code != Some(0) && said.contains("550"), "{said}");
}
