//! Real clients against the real program. Each test is ignored, because it needs a program that a
//! machine may not have; `.ci/run` installs them all and runs them with `--ignored`.

#[path = "../common/mod.rs"]
mod common;

mod aria2;
mod chromium;
mod curl;
mod desk;
mod desktop;
mod ffmpeg;
mod ftplib;
mod git_ftp;
mod gvfs;
mod inetutils;
mod lftp;
#[cfg(feature = "tls")]
mod libraries;
mod lynx;
mod mc;
mod ncftp;
mod rclone;
#[cfg(feature = "tls")]
mod tls;
mod tnftp;
mod tshark;
mod wget;

/// Names that a client may come across. Every one of these clients can be asked for every one of
/// these; what a client cannot spell stands in its own file.
const NAMES: [&str; 9] = [
    "plain.txt",
    "with two blanks",
    "-dash",
    ".dot",
    "it's",
    "say \"hi\"",
    "[b] {c} #1 100% a&b;c",
    "ümläut 文件 🚢",
    "back\\slash",
];
