//! Descriptors of a test, apart from those of the tests that run beside it.
//!
//! Linux counts descriptors by table. All threads of a process share one, so a leak could be
//! anybody's. Therefore a test takes a copy for itself before it opens anything: from then on its
//! thread, and each thread that this one starts (the server's among them), opens and closes in a
//! table that no other test can touch.

use super::PATIENCE;
use nix::sched::{CloneFlags, unshare};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::collections::BTreeMap;
use std::fs;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

thread_local! {
    /// Whether this thread has a table of its own; the first look makes it so, unless the kernel
    /// refuses, as it does in some containers.
    static IS_SEPARATE: bool = unshare(CloneFlags::CLONE_FILES).is_ok();
}

static TURN: Mutex<()> = Mutex::new(());

/// Gives this thread a table of its own, for a test that opens something before its server. What
/// is opened earlier is copied, and stays open in the other table for good.
pub fn separate() {
    IS_SEPARATE.with(|_| ());
}

/// The right to open descriptors that are counted: at once in a table of its own, and where there
/// is none, as soon as no other test of this program has it.
pub fn alone() -> Option<MutexGuard<'static, ()>> {
    let is_separate = IS_SEPARATE.with(|is| *is);
    (!is_separate).then(|| TURN.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Lets this process hold so many descriptors, and as many more as it ever may: tests that run
/// beside this one want their own number.
pub fn raise_limit(wanted: usize) {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let is_enough = maximum.is_none_or(|maximum| maximum >= wanted as u64 + 100);
    assert!(is_enough, "this test needs {wanted} descriptors (ulimit -n): {maximum:?}");
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
}

/// Open descriptors, and what they lead to.
#[derive(Debug, PartialEq, Eq)]
pub struct Descriptors(BTreeMap<String, String>);

impl Descriptors {
    /// Those of this thread's table.
    pub fn now() -> Descriptors {
        let entries = fs::read_dir("/proc/thread-self/fd").expect("Linux has /proc");
        let links = entries.filter_map(|entry| {
            let path = entry.ok()?.path();
            let target = fs::read_link(&path).ok()?;
            // The descriptor that reads this folder is gone when it has been read.
            let number = path.file_name()?.to_str()?.to_owned();
            (!target.starts_with("/proc")).then(|| (number, target.display().to_string()))
        });
        Descriptors(links.collect())
    }

    /// Waits until none is open that was not among these. Threads for passwords and slow disks end
    /// a moment after the loop.
    #[track_caller]
    pub fn wait_for_return(&self) {
        let left = || {
            let Descriptors(mut left) = Descriptors::now();
            left.retain(|number, target| self.0.get(number) != Some(target));
            left
        };
        let deadline = Instant::now() + PATIENCE;
        while !left().is_empty() {
            assert!(Instant::now() < deadline, "descriptors left open: {:#?}", left());
            thread::sleep(Duration::from_millis(1));
        }
    }
}
