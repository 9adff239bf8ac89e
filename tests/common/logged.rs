//! The log of a server, as its operator reads it.

use super::TestServer;
use packetboat::Config;
use std::sync::Mutex;
use std::thread::{self, ThreadId};

/// Every line that was logged, and the thread of its server.
static LINES: Mutex<Vec<(ThreadId, String)>> = Mutex::new(Vec::new());

struct Lines;

impl log::Log for Lines {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let line = format!("{} {}", record.level(), record.args());
        LINES.lock().unwrap().push((thread::current().id(), line));
    }

    fn flush(&self) {}
}

/// A server whose log is read by [`logged`].
pub fn with_log(change: impl FnOnce(&mut Config)) -> TestServer {
    let _ = log::set_logger(&Lines); // the first test has set it for all
    log::set_max_level(log::LevelFilter::Info);
    TestServer::with(change)
}

/// How many lines of this server hold all these words.
pub fn logged(server: &TestServer, words: &[&str]) -> usize {
    let lines = LINES.lock().unwrap();
    let own = lines.iter().filter(|(thread, _)| *thread == server.thread());
    own.filter(|(_, line)| words.iter().all(|word| line.contains(word))).count()
}
