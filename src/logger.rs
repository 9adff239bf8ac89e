//! Logger of the program: lines go through a bounded queue to a thread of their own, which prints
//! them by simple_logger. So a log that nobody reads, that is full or gone, neither stops nor ends
//! the server: lines that find no room are dropped and counted.

use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use log::{Level, LevelFilter, Log, Metadata, Record};
use simple_logger::SimpleLogger;

/// Lines that may wait to be printed, beside what a pipe holds.
const QUEUE: usize = 4096;
/// Time that the end waits for lines to be printed.
const LAST_LINES: Duration = Duration::from_secs(1);
/// Name of the thread that prints.
const THREAD: &str = "log";

/// Queue of lines, as the log crate sees it.
#[derive(Clone)]
pub struct Logger {
    queue: SyncSender<Entry>,
    lost: Arc<AtomicUsize>,
    level: LevelFilter,
}

enum Entry {
    Line {
        level: Level,
        target: String,
        text: String,
    },
    /// Everything before it has been printed.
    Mark(SyncSender<()>),
}

impl Logger {
    /// Starts the thread, and has all lines of this level and above go there.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub fn start(level: LevelFilter) -> std::io::Result<Logger> {
        let (queue, entries) = sync_channel(QUEUE);
        let logger = Logger { queue, lost: Arc::default(), level };
        let lost = Arc::clone(&logger.lost);
        let printer = SimpleLogger::new().with_level(level).with_utc_timestamps();
        thread::Builder::new()
            .name(THREAD.into())
            .spawn(move || print(&printer, entries, &lost))?;
        panic::set_hook(Box::new(|panic| {
            // A line that could not be printed is counted, and no panic to speak of.
            if thread::current().name() != Some(THREAD) {
                log::error!("a bug, please report it: {panic}");
            }
        }));
        log::set_boxed_logger(Box::new(logger.clone())).expect("main sets the only logger, once");
        log::set_max_level(level);
        Ok(logger)
    }

    /// Waits until all lines are printed, but not for ever.
    pub fn finish(&self) {
        let (printed, mark) = sync_channel(1);
        let (until, mut entry) = (Instant::now() + LAST_LINES, Entry::Mark(printed));
        // A full queue is tried again: it empties, unless nobody reads the log.
        while let Err(TrySendError::Full(unsent)) = self.queue.try_send(entry) {
            if Instant::now() >= until {
                return;
            }
            entry = unsent;
            thread::sleep(LAST_LINES / 100);
        }
        let _ = mark.recv_timeout(until.saturating_duration_since(Instant::now()));
    }
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= self.level
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let entry = Entry::Line {
            level: record.level(),
            target: record.target().to_owned(),
            text: record.args().to_string(),
        };
        if self.queue.try_send(entry).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn flush(&self) {}
}

/// Prints lines for as long as there is a logger, and says how many were lost as soon as one can be
/// printed again.
fn print(printer: &SimpleLogger, entries: Receiver<Entry>, lost: &AtomicUsize) {
    for entry in entries {
        match entry {
            Entry::Mark(printed) => drop(printed.try_send(())),
            Entry::Line { level, target, text } => {
                let missing = lost.swap(0, Ordering::Relaxed);
                let told = missing == 0 || print_line(printer, Level::Warn, "log", &told(missing));
                let printed = print_line(printer, level, &target, &text);
                let again = if told { 0 } else { missing } + usize::from(!printed);
                lost.fetch_add(again, Ordering::Relaxed);
            }
        }
    }
}

fn told(missing: usize) -> String {
    match missing {
        1 => "1 line was lost: the log could not be written".to_owned(),
        _ => format!("{missing} lines were lost: the log could not be written"),
    }
}

/// Prints one line: false if it could not be written, which simple_logger answers by a panic.
fn print_line(printer: &SimpleLogger, level: Level, target: &str, text: &str) -> bool {
    catch_unwind(AssertUnwindSafe(|| {
        printer.log(
            &Record::builder().level(level).target(target).args(format_args!("{text}")).build(),
        );
    }))
    .is_ok()
}
