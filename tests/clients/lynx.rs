//! lynx: a browser in text, which asks for a folder as if it were a file before it lists it.

use super::NAMES;
use super::desk::{Desk, assert_same, percent};
use crate::common::random_bytes;
use std::fs;

impl Desk {
    /// Page as lynx shows it, in passive mode or not.
    fn lynx(&self, mode: &str, how: &str, url: &str) -> String {
        fs::write(self.local("lynx.cfg"), format!("FTP_PASSIVE:{mode}\n")).unwrap();
        self.run("lynx", &["-cfg=lynx.cfg", "-connect_timeout=20", how, url])
    }
}

#[test]
#[ignore = "needs lynx"]
fn shows_folders_and_files() {
    let desk = Desk::new();
    fs::create_dir(desk.served("a folder")).unwrap();
    for name in NAMES {
        fs::write(desk.served(format!("a folder/{name}")), format!("this is {name}")).unwrap();
    }
    for address in desk.addresses() {
        for mode in ["TRUE", "FALSE"] {
            let url = format!("ftp://{address}/a%20folder");
            let page = desk.lynx(mode, "-dump", &url);
            for name in NAMES.iter().filter(|name| name.is_ascii()) {
                assert!(page.contains(&format!("]{name} ")), "{name}: {page}");
            }
            for name in NAMES {
                let page = desk.lynx(mode, "-source", &format!("{url}/{}", percent(name)));
                assert_eq!(page.trim(), format!("this is {name}"));
            }
        }
    }
    let log = desk.log();
    assert!(log.contains("command: EPSV") && log.contains("command: EPRT"), "{log}");
}

#[test]
#[ignore = "needs lynx"]
fn gets_files_of_all_lengths() {
    let desk = Desk::new();
    for (seed, len) in [0, 1, 65_537, 100_000_000].into_iter().enumerate() {
        fs::write(desk.served("file"), random_bytes(seed as u64, len)).unwrap();
        let url = format!("ftp://{}/file", desk.v4);
        desk.run("sh", &["-c", "lynx -source \"$0\" > got", &url]);
        assert_same(&desk.served("file"), &desk.local("got"));
    }
}
