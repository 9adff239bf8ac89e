//! Midnight Commander: its panels, by keys.

use super::NAMES;
use super::desk::{Desk, assert_same_tree, plant};
use crate::common::{names_in, random_bytes};
use std::fs;

#[test]
#[ignore = "needs mc and python3"]
fn copies_and_deletes_by_its_panels() {
    for v6 in [false, true] {
        let desk = Desk::new();
        let address = if v6 { desk.v6 } else { desk.v4 };
        for folder in ["mine", "got"] {
            fs::create_dir(desk.local(folder)).unwrap();
        }
        fs::create_dir(desk.served("theirs")).unwrap();
        plant(&desk.local("mine/tree"), &NAMES);
        fs::write(desk.local("mine/tree/large"), random_bytes(1, 100_000_000)).unwrap();
        let url = format!("ftp://anonymous:x@{address}/theirs");
        let served = desk.served("theirs").display().to_string();
        let script = include_str!("mc.py");
        let said = desk.talk("python3", &["-", &url, &served, "mine", "got"], script);
        assert!(said.contains("all asserted"), "{said}");
        assert_same_tree(&desk.local("mine"), &desk.local("got"));
        assert_eq!(names_in(&desk.served("theirs")), [""; 0]);
    }
}
