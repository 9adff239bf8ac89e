//! aria2: only down, in several pieces at once, each cut off by its client when it has enough.

use super::NAMES;
use super::desk::{Desk, assert_old, assert_same, make_old, percent};
use crate::common::random_bytes;
use std::fs;
use std::time::{Duration, Instant};

/// Active and passive. In active mode it knows PORT only, so no IPv6.
const MODES: [&str; 2] = ["--ftp-pasv=false", "--ftp-pasv=true"];

impl Desk {
    fn aria2(&self, arguments: &[&str]) -> String {
        // When it happens to read the 125 and the 226 at once it doesn't see the 226, and waits for
        // it as long as --timeout says: a minute by default. It then goes on as if it had come.
        let timeout = ["--timeout=3", "--max-tries=1"];
        let always = ["--no-conf", "--file-allocation=none", "--allow-overwrite=true"];
        self.run("aria2c", &[&always, &timeout[..], arguments].concat())
    }
}

#[test]
#[ignore = "needs aria2c"]
fn gets_in_both_modes() {
    let desk = Desk::new();
    for (seed, len) in [0, 1, 65_537, 100_000_000].into_iter().enumerate() {
        fs::write(desk.served("file"), random_bytes(seed as u64, len)).unwrap();
        for (address, mode) in [(desk.v4, MODES[0]), (desk.v4, MODES[1]), (desk.v6, MODES[1])] {
            let url = format!("ftp://{address}/file");
            desk.aria2(&[mode, "-o", "got", &url]);
            assert_same(&desk.served("file"), &desk.local("got"));
            desk.aria2(&[mode, "-x4", "-s4", "-k1M", "-o", "pieces", &url]);
            assert_same(&desk.served("file"), &desk.local("pieces"));
        }
    }
}

#[test]
#[ignore = "needs aria2c"]
fn resumes_and_keeps_times() {
    let desk = Desk::new();
    let content = random_bytes(1, 5_000_000);
    fs::write(desk.served("file"), &content).unwrap();
    for mode in MODES {
        fs::write(desk.local("file"), &content[..1_234_567]).unwrap();
        let url = format!("ftp://{}/file", desk.v4);
        desk.aria2(&[mode, "-c", "--allow-overwrite=false", &url]);
        assert_same(&desk.served("file"), &desk.local("file"));
        fs::remove_file(desk.local("file")).unwrap();
        make_old(&desk.served("file"));
        desk.aria2(&[mode, "--remote-time=true", &url]);
        assert_old(&desk.local("file"));
    }
}

/// It did for its whole --timeout, as often as it read the replies 125 and 226 at once.
#[test]
#[ignore = "needs aria2c"]
fn does_not_wait_in_vain_for_the_end_of_small_files() {
    let desk = Desk::new();
    fs::write(desk.served("file"), "small").unwrap();
    let begun = Instant::now();
    for _ in 0..20 {
        desk.aria2(&["-o", "got", &format!("ftp://{}/file", desk.v4)]);
    }
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
#[ignore = "needs aria2c"]
fn odd_names_come_back() {
    let desk = Desk::new();
    fs::create_dir(desk.served("folder")).unwrap();
    for name in NAMES {
        fs::write(desk.served(format!("folder/{name}")), name).unwrap();
        let url = format!("ftp://{}/folder/{}", desk.v4, percent(name));
        desk.aria2(&["-o", "got", &url]);
        assert_same(&desk.served(format!("folder/{name}")), &desk.local("got"));
    }
    let (code, said) = desk.attempt("aria2c", &[&format!("ftp://{}/missing", desk.v4)], "");
    assert_eq!(code, Some(3), "resource not found: {said}");
}
