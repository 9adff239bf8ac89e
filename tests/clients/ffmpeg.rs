//! ffmpeg: reads and seeks as players do, and hangs up behind what it writes, without QUIT.

use super::desk::{Desk, assert_same};
use crate::common::{random_bytes, wait_until};
use std::fs;

/// Sound that is its bytes and nothing else, 192,000 of them a second.
const SOUND: [&str; 6] = ["-f", "s16le", "-ar", "48000", "-ac", "2"];

impl Desk {
    fn ffmpeg(&self, input: &[&str], output: &str) {
        let copied = ["-c", "copy", "-f", "s16le", output];
        let always = ["-nostdin", "-v", "error", "-y"];
        self.run("ffmpeg", &[&always, &SOUND[..], input, &copied].concat());
    }
}

#[test]
#[ignore = "needs ffmpeg"]
fn reads_and_seeks() {
    let desk = Desk::new();
    let content = random_bytes(1, 40_000_000);
    fs::write(desk.served("file"), &content).unwrap();
    for address in desk.addresses() {
        let url = format!("ftp://{address}/file");
        desk.ffmpeg(&["-i", &url], "whole");
        assert_same(&desk.served("file"), &desk.local("whole"));
        desk.ffmpeg(&["-ss", "100", "-i", &url], "rest");
        assert!(fs::read(desk.local("rest")).unwrap() == content[100 * 192_000..]);
    }
    assert!(desk.log().contains("command: REST 192"));
}

/// Uploads were cut short or lost, as many as half of them.
#[test]
#[ignore = "needs ffmpeg"]
fn loses_nothing_that_it_writes() {
    let desk = Desk::with(|_| vec!["--replace-on-hangup".to_owned()]);
    for (seed, len) in [4, 65_536, 100_000_000, 1_000_000, 200_000].into_iter().enumerate() {
        fs::write(desk.local("up"), random_bytes(seed as u64, len)).unwrap();
        for address in desk.addresses() {
            for name in [format!("new-{len}-{}", address.is_ipv4()), "old".to_owned()] {
                desk.ffmpeg(&["-i", "up"], &format!("ftp://{address}/{name}"));
                let sent = fs::read(desk.local("up")).unwrap();
                // Last bytes may still be in the kernel: ffmpeg has left.
                wait_until("all of it is stored", || {
                    fs::read(desk.served(&name)).is_ok_and(|stored| stored == sent)
                });
            }
        }
    }
}
