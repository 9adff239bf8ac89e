//! curl: every way to set up a data connection, resuming, ranges, odd names, quoted commands.

use super::NAMES;
use super::desk::{Desk, assert_same, percent};
use crate::common::{names_in, random_bytes};
use std::fs;

/// How curl is told to make its data connections. On IPv6 PASV and PORT can't be, and it knows.
const MODES: [&[&str]; 4] =
    [&[], &["--disable-epsv"], &["--ftp-port", "-"], &["--ftp-port", "-", "--disable-eprt"]];

impl Desk {
    fn curl(&self, arguments: &[&str]) -> String {
        self.run("curl", &[&["-sS", "--max-time", "50"], arguments].concat())
    }
}

#[test]
#[ignore = "needs curl"]
fn puts_and_gets_in_every_mode() {
    let desk = Desk::new();
    for (seed, len) in [0, 1, 65_537, 3_000_000].into_iter().enumerate() {
        fs::write(desk.local("up"), random_bytes(seed as u64, len)).unwrap();
        for address in desk.addresses() {
            for (mode, options) in MODES.into_iter().enumerate() {
                let url = format!("ftp://{address}/{len}-{mode}");
                desk.curl(&[options, &["-T", "up", &url]].concat());
                assert_same(&desk.local("up"), &desk.served(format!("{len}-{mode}")));
                desk.curl(&[options, &["-o", "down", &url]].concat());
                assert_same(&desk.local("up"), &desk.local("down"));
            }
        }
    }
}

#[test]
#[ignore = "needs curl"]
fn puts_and_gets_100_megabytes() {
    let desk = Desk::new();
    fs::write(desk.local("up"), random_bytes(7, 100_000_000)).unwrap();
    for options in [MODES[0], MODES[2]] {
        let url = format!("ftp://{}/big", desk.v4);
        desk.curl(&[options, &["-T", "up", &url]].concat());
        assert_same(&desk.local("up"), &desk.served("big"));
        desk.curl(&[options, &["-o", "down", &url]].concat());
        assert_same(&desk.local("up"), &desk.local("down"));
    }
}

#[test]
#[ignore = "needs curl"]
fn resumes_both_ways() {
    let desk = Desk::new();
    let (content, url) = (random_bytes(1, 500_000), format!("ftp://{}/file", desk.v4));
    fs::write(desk.local("whole"), &content).unwrap();
    for options in MODES {
        fs::write(desk.served("file"), &content[..123_456]).unwrap();
        desk.curl(&[options, &["-C", "-", "-T", "whole", &url]].concat());
        assert_same(&desk.local("whole"), &desk.served("file"));
        fs::write(desk.local("part"), &content[..234_567]).unwrap();
        desk.curl(&[options, &["-C", "-", "-o", "part", &url]].concat());
        assert_same(&desk.local("whole"), &desk.local("part"));
    }
    // A range ends with the data connection closed on the server, who is not done.
    let range = desk.curl(&["-r", "1000-1999", "-o", "range", &url]);
    assert_eq!(range.trim(), "");
    assert_eq!(fs::read(desk.local("range")).unwrap(), content[1000..2000]);
    desk.curl(&["--append", "-T", "range", &url]);
    assert_eq!(fs::read(desk.served("file")).unwrap()[500_000..], content[1000..2000]);
}

#[test]
#[ignore = "needs curl"]
fn odd_names_come_back_byte_for_byte() {
    let desk = Desk::new();
    // Not with 0xFF, which curl doesn't double, as Telnet has it; control characters it refuses.
    let bytes: [&[u8]; 3] = [b" at the ends ", b"\xe4\xfe no UTF-8", &[b'x'; 255]];
    for name in NAMES.map(str::as_bytes).into_iter().chain(bytes) {
        fs::write(desk.local("up"), name).unwrap();
        for method in ["multicwd", "singlecwd", "nocwd"] {
            if method == "nocwd" {
                // Then curl makes no folder.
                fs::create_dir(desk.served(name)).unwrap();
            }
            let url = format!("ftp://{}/{}/{}", desk.v4, percent(name), percent(name));
            desk.curl(&["--ftp-create-dirs", "--ftp-method", method, "-T", "up", &url]);
            let path = [name, b"/", name].concat();
            assert_same(&desk.local("up"), &desk.served(&path));
            desk.curl(&["--ftp-method", method, "-o", "down", &url]);
            assert_same(&desk.local("up"), &desk.local("down"));
            fs::remove_dir_all(desk.served(name)).unwrap();
        }
    }
}

#[test]
#[ignore = "needs curl"]
fn lists_and_asks() {
    let desk = Desk::new();
    for name in NAMES {
        fs::write(desk.served(name), "12345").unwrap();
    }
    for address in desk.addresses() {
        let url = format!("ftp://{address}/");
        let listed = desk.curl(&["-l", &url]);
        let mut listed: Vec<_> = listed.lines().filter(|line| !line.is_empty()).collect();
        listed.sort_unstable();
        let here = names_in(&desk.served(""));
        assert!(here.iter().filter(|name| *name != ".dot").all(|name| listed.contains(&&**name)));
        let long = desk.curl(&[&url]);
        let line = long.lines().find(|line| line.ends_with(" plain.txt")).expect(&long);
        assert!(line.starts_with("-rw") && line.contains(" 5 "), "{line}");
        let head = desk.curl(&["-I", &format!("{url}plain.txt")]);
        assert!(head.contains("Content-Length: 5") && head.contains("Last-Modified: "), "{head}");
    }
}

#[test]
#[ignore = "needs curl"]
fn quotes_commands_and_keeps_times() {
    let desk = Desk::new();
    fs::write(desk.local("up"), "moved").unwrap();
    let url = format!("ftp://{}/", desk.v4);
    desk.curl(&[
        "-Q",
        "MKD d",
        "-Q",
        "*DELE missing",
        "-Q",
        "-RNFR new",
        "-Q",
        "-RNTO d/moved",
        "-T",
        "up",
        &format!("{url}new"),
    ]);
    assert_same(&desk.local("up"), &desk.served("d/moved"));
    let hour = std::time::Duration::from_secs(3600);
    let then = std::time::SystemTime::UNIX_EPOCH + hour * 400_000;
    fs::File::open(desk.served("d/moved")).unwrap().set_modified(then).unwrap();
    desk.curl(&["-R", "-o", "down", &format!("{url}d/moved")]);
    assert_eq!(fs::metadata(desk.local("down")).unwrap().modified().unwrap(), then);
    desk.curl(&["-Q", "-DELE d/moved", "-Q", "-RMD d", &url]);
    assert_eq!(names_in(&desk.served("")), [""; 0]);
}

#[test]
#[ignore = "needs curl"]
fn text_comes_and_goes_with_the_line_ends_of_either_side() {
    let desk = Desk::new();
    fs::write(desk.local("up"), "one\ntwo\n").unwrap();
    let text = format!("ftp://{}/text;type=a", desk.v4);
    // Without --crlf curl sends the file as it is.
    for options in [&["--crlf"][..], &[]] {
        desk.curl(&[options, &["-T", "up", &text]].concat());
        assert_same(&desk.local("up"), &desk.served("text"));
        desk.curl(&["-o", "down", &text]);
        assert_same(&desk.local("up"), &desk.local("down"));
    }
}

#[test]
#[ignore = "needs curl"]
fn is_told_what_is_not_there() {
    let desk = Desk::new();
    fs::write(desk.local("up"), "x").unwrap();
    let url = |path: &str| format!("ftp://{}/{path}", desk.v4);
    let code = |arguments: &[&str]| desk.attempt("curl", &[&["-sS"], arguments].concat(), "").0;
    assert_eq!(code(&[&url("missing")]), Some(78), "remote file not found");
    assert_eq!(code(&[&url("missing/")]), Some(9), "remote access denied");
    assert_eq!(code(&["-T", "up", &url("missing/file")]), Some(9), "remote access denied");
    assert_eq!(code(&["-u", "nobody:x", &url("")]), Some(67), "login denied");
}
