//! GNOME's gvfs, as its file manager uses it: `gio` on a message bus of its own.

use super::NAMES;
use super::desk::{Desk, assert_same, assert_same_tree, percent};
use crate::common::{names_in, random_bytes};
use std::fs;

const SCRIPT: &str = include_str!("gvfs.sh");

impl Desk {
    /// Mounts a server, and does all that the script does.
    fn gio(&self, url: &str) {
        for folder in ["up", "down", "home/run"] {
            let _ = fs::remove_dir_all(self.local(folder));
            fs::create_dir_all(self.local(folder)).unwrap();
        }
        let mut copies = String::new();
        for (seed, name) in NAMES.iter().enumerate() {
            fs::write(self.local(format!("up/{name}")), random_bytes(seed as u64, seed * 9_999))
                .unwrap();
            copies += &format!("{}\n", percent(name));
        }
        fs::write(self.local("up/100MB"), random_bytes(1, 100_000_000)).unwrap();
        copies += "100MB\n";
        fs::write(self.local("names"), copies).unwrap();
        self.run("dbus-run-session", &["--", "sh", "-euc", SCRIPT, "gvfs.sh", url]);
        assert_same_tree(&self.local("up"), &self.served("stored"));
        assert_same_tree(&self.local("up"), &self.local("down"));
        let listed = fs::read_to_string(self.local("listed")).unwrap();
        for name in names_in(&self.local("up")) {
            assert!(listed.lines().any(|line| line == name), "{name}: {listed}");
        }
        assert_same(&self.local("up/it's"), &self.served("renamed"));
        let doubled = fs::read(self.local("up/it's")).unwrap().repeat(2);
        assert_eq!(fs::read(self.served("appended")).unwrap(), doubled);
        assert_eq!(names_in(&self.served("")), ["appended", "renamed", "stored"]);
        fs::remove_dir_all(self.served("stored")).unwrap();
        fs::remove_file(self.served("renamed")).unwrap();
        fs::remove_file(self.served("appended")).unwrap();
    }
}

#[test]
#[ignore = "needs gio and gvfs"]
fn does_what_a_file_manager_does() {
    let desk = Desk::new();
    desk.gio(&format!("ftp://{}", desk.v4));
    desk.gio(&format!("ftp://{}", desk.v6));
}

#[test]
#[cfg(feature = "tls")]
#[ignore = "needs gio and gvfs"]
fn does_the_same_under_tls() {
    let desk = Desk::secure(&["--require-tls", "data"]);
    desk.gio(&format!("ftps://{}", desk.v4));
    desk.gio(&format!("ftpis://{}", desk.implicit()));
}
