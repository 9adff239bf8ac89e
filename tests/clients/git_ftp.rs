//! git-ftp: deploys what has changed. Its own fault: it cannot store names with blanks.

use super::desk::{Desk, assert_same_tree};
use crate::common::{names_in, random_bytes};
use std::fs;

impl Desk {
    fn git(&self, arguments: &[&str]) -> String {
        let always = ["-C", "site", "-c", "user.name=x", "-c", "user.email=x"];
        self.run("git", &[&always, arguments].concat())
    }

    /// Deploys a tree, then what has changed in it.
    fn deploy(&self, url: &str) {
        fs::create_dir(self.local("site")).unwrap();
        let ca = self.local("ca").display().to_string();
        self.git(&["init", "--quiet"]);
        for (name, value) in
            [("url", url), ("user", "anonymous"), ("password", "x"), ("cacert", &ca)]
        {
            self.git(&["config", &format!("git-ftp.{name}"), value]);
        }
        fs::create_dir_all(self.local("site/folder/deep")).unwrap();
        for (seed, name) in NAMES.into_iter().enumerate() {
            let content = random_bytes(seed as u64, seed * 20_003);
            fs::write(self.local(format!("site/{name}")), &content).unwrap();
            fs::write(self.local(format!("site/folder/deep/{name}")), content).unwrap();
        }
        self.commit_and("init");
        fs::remove_file(self.local("site/it's")).unwrap();
        fs::write(self.local("site/plain.txt"), "changed").unwrap();
        fs::write(self.local("site/large"), random_bytes(9, 100_000_000)).unwrap();
        self.commit_and("push");
    }

    fn commit_and(&self, verb: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "-m", verb]);
        self.git(&["ftp", verb]);
        // Files of git-ftp and of git themselves are put aside for the comparison.
        fs::remove_file(self.local("log")).ok();
        fs::rename(self.served("site/.git-ftp.log"), self.local("log")).unwrap();
        fs::rename(self.local("site/.git"), self.local("git")).unwrap();
        assert_same_tree(&self.local("site"), &self.served("site"));
        fs::rename(self.local("git"), self.local("site/.git")).unwrap();
        fs::rename(self.local("log"), self.served("site/.git-ftp.log")).unwrap();
        assert!(names_in(&self.served("site")).len() > 5);
    }
}

const NAMES: [&str; 5] = ["plain.txt", "-dash", ".dot", "it's", "ümläut"];

#[test]
#[ignore = "needs git-ftp"]
fn deploys_what_has_changed() {
    let desk = Desk::new();
    desk.deploy(&format!("ftp://{}/site", desk.v4));
}

#[test]
#[cfg(feature = "tls")]
#[ignore = "needs git-ftp"]
fn deploys_under_tls() {
    let desk = Desk::secure(&["--require-tls", "data"]);
    desk.deploy(&format!("ftpes://{}/site", desk.v4));
}
