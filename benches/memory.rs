//! User memory of an idle server, and of each session that is logged in and does nothing. Not a
//! measure of time, so not criterion's: `cargo bench --bench memory` prints the lines.

mod common;

use common::Client;
use common::harness::program::{Program, pss_kib};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

fn main() {
    let most = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most }).unwrap();
    let folder = tempfile::tempdir().unwrap();
    // A process of its own, whose memory is nobody else's.
    let words = ["--max-sessions", "20000", folder.path().to_str().unwrap()];
    let server = Program::start("", &words);
    let address = server.address();
    let pss_kib = || pss_kib(server.id()).expect("it runs");
    drop(Client::login(address));
    let before = pss_kib();
    println!("before the first session: {before} KiB");
    let mut sessions = Vec::new();
    for wanted in [1_000, 4_000] {
        sessions.resize_with(wanted, || Client::login(address));
        let each = (pss_kib() - before) as f64 / wanted as f64;
        println!("each of {wanted} idle sessions: {each:.2} KiB");
    }
}
