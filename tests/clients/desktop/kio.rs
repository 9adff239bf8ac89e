//! KDE's KIO, as its file manager uses it: `kioclient5` on a message bus of its own.

use crate::NAMES;
use crate::common::{names_in, random_bytes};
use crate::desk::{Desk, assert_same, assert_same_tree, plant};
use std::fs;

#[test]
#[ignore = "needs kioclient5 and dbus-run-session"]
fn does_what_a_file_manager_does() {
    let desk = Desk::new();
    plant(&desk.local("tree"), &NAMES);
    fs::write(desk.local("tree/large"), random_bytes(1, 100_000_000)).unwrap();
    for address in desk.addresses() {
        let url = format!("ftp://{address}");
        let script = include_str!("kio.sh");
        desk.run("dbus-run-session", &["--", "sh", "-euc", script, "kio.sh", &url]);
        assert_same_tree(&desk.local("tree"), &desk.served("tree"));
        assert_same_tree(&desk.local("tree"), &desk.local("back"));
        assert_same(&desk.local("tree/it's"), &desk.served("moved"));
        assert_eq!(names_in(&desk.served("")), ["moved", "tree"]);
        let listed = fs::read_to_string(desk.local("listed")).unwrap();
        for name in NAMES.iter().filter(|name| !name.starts_with('.')) {
            assert!(listed.lines().any(|line| line == *name), "{name}: {listed}");
        }
        fs::remove_dir_all(desk.local("back")).unwrap();
        fs::remove_dir_all(desk.served("tree")).unwrap();
        fs::remove_file(desk.served("moved")).unwrap();
    }
}
