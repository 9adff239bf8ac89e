//! rclone: keeps folders alike over several connections at once, and knows no active mode.

use super::NAMES;
use super::desk::{Desk, assert_old, assert_same, assert_same_tree, make_old, plant};
use crate::common::{names_in, random_bytes};
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::symlink;

impl Desk {
    /// How rclone is told of this server, without a configuration file.
    fn remote(&self, address: SocketAddr, path: &str) -> String {
        let password = self.run("rclone", &["obscure", "anything"]);
        let host = match address {
            SocketAddr::V4(v4) => v4.ip().to_string(),
            SocketAddr::V6(v6) => format!("'[{}]'", v6.ip()),
        };
        let (port, password) = (address.port(), password.trim());
        format!(":ftp,host={host},port={port},user=anonymous,pass={password}:{path}")
    }

    fn rclone(&self, arguments: &[&str]) -> String {
        let always = ["--config", "", "--retries", "1", "--low-level-retries", "1", "-v"];
        self.run("rclone", &[&always, arguments].concat())
    }
}

#[test]
#[ignore = "needs rclone"]
fn copies_checks_and_syncs_folders() {
    let desk = Desk::new();
    plant(&desk.local("tree"), &NAMES);
    for address in desk.addresses() {
        let remote = desk.remote(address, "tree");
        desk.rclone(&["copy", "--create-empty-src-dirs", "tree", &remote]);
        assert_same_tree(&desk.local("tree"), &desk.served("tree"));
        desk.rclone(&["check", "--download", "tree", &remote]);
        desk.rclone(&["copy", "--create-empty-src-dirs", &remote, "got"]);
        assert_same_tree(&desk.local("tree"), &desk.local("got"));

        fs::write(desk.local("got/new"), "new").unwrap();
        fs::remove_file(desk.local("got/plain.txt")).unwrap();
        let (code, said) = desk.attempt("rclone", &["check", "got", &remote], "");
        assert!(code == Some(1) && said.contains("2 differences found"), "{said}");
        desk.rclone(&["sync", "--create-empty-src-dirs", "got", &remote]);
        assert_same_tree(&desk.local("got"), &desk.served("tree"));
        desk.rclone(&["purge", &remote]);
        assert_eq!(names_in(&desk.served("")), [""; 0]);
        fs::remove_dir_all(desk.local("got")).unwrap();
    }
}

#[test]
#[ignore = "needs rclone"]
fn keeps_times_and_finds_nothing_to_do_again() {
    let desk = Desk::new();
    plant(&desk.local("tree"), &NAMES);
    NAMES.iter().for_each(|name| make_old(&desk.local(format!("tree/{name}"))));
    let remote = desk.remote(desk.v4, "up");
    for (from, to) in [("tree", &*remote), (&*remote, "down")] {
        desk.rclone(&["copy", from, to]);
        let again = desk.rclone(&["copy", from, to]);
        assert!(again.contains("There was nothing to transfer"), "{again}");
    }
    NAMES.iter().for_each(|name| assert_old(&desk.served(format!("up/{name}"))));
    NAMES.iter().for_each(|name| assert_old(&desk.local(format!("down/{name}"))));
}

/// A link to a file is a file like any other to it; of others it says that it can't have them.
#[test]
#[ignore = "needs rclone"]
fn copies_what_links_lead_to() {
    let desk = Desk::new();
    fs::create_dir(desk.served("tree")).unwrap();
    fs::write(desk.served("tree/file"), random_bytes(1, 100_000)).unwrap();
    symlink("file", desk.served("tree/link")).unwrap();
    let remote = desk.remote(desk.v4, "tree");
    desk.rclone(&["copy", &remote, "got"]);
    assert_same(&desk.served("tree/file"), &desk.local("got/link"));
    desk.rclone(&["check", "--download", "got", &remote]);
}

#[test]
#[ignore = "needs rclone"]
fn copies_files_of_every_size() {
    let desk = Desk::new();
    for (seed, len) in [0, 1, 65_537, 100_000_000].into_iter().enumerate() {
        fs::write(desk.local("up"), random_bytes(seed as u64, len)).unwrap();
        let remote = desk.remote(desk.v4, "file");
        desk.rclone(&["copyto", "up", &remote]);
        assert_same(&desk.local("up"), &desk.served("file"));
        desk.rclone(&["copyto", &remote, "down"]);
        assert_same(&desk.local("up"), &desk.local("down"));
    }
}

#[test]
#[ignore = "needs rclone"]
fn lists_and_moves() {
    let desk = Desk::new();
    plant(&desk.served("tree"), &NAMES);
    let listed = desk.rclone(&["lsf", "--format", "sp", "-R", &desk.remote(desk.v4, "")]);
    for (seed, name) in NAMES.into_iter().enumerate() {
        for folder in ["tree/", "tree/a folder/deep/"] {
            let line = format!("{};{folder}{name}", seed * 30_011);
            let quoted = format!("{};\"{folder}{}\"", seed * 30_011, name.replace('"', "\"\""));
            assert!(listed.lines().any(|said| said == line || said == quoted), "{line}: {listed}");
        }
    }
    let [from, to] = ["tree", "moved"].map(|path| desk.remote(desk.v4, path));
    desk.rclone(&["move", &from, &to]);
    assert_eq!(
        names_in(&desk.served("moved/a folder/deep")),
        names_in(&desk.served("moved/a folder/deep"))
    );
    let (code, said) = desk.attempt("rclone", &["lsf", &desk.remote(desk.v4, "missing")], "");
    assert_eq!(code, Some(3), "directory not found: {said}");
}
