//! Logger of the program: it prints by simple_logger, and neither stops nor ends the server where
//! that cannot be done. A line that cannot be written at once, because nobody reads the log, the disk
//! is full or the reader has gone, is dropped and counted; the next line tells how many were lost.
//!
//! Whether a line can be written at once, the kernel knows of pipes, sockets and terminals. Of a file
//! it doesn't: lines for a file go through a bounded queue to a thread. There is no such thread
//! otherwise, since each system call of a process with threads costs more; and none before anybody is
//! served, since the sandbox is entered by the one thread that there is.

use std::io::{self, IsTerminal};
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use log::{Level, LevelFilter, Log, Metadata, Record};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, Stat, fstat};
use simple_logger::SimpleLogger;
use time::UtcOffset;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

/// Lines that may wait to be written to a file.
const QUEUE: usize = 4096;
/// Longest text of a line, in bytes: with its time and level it fits into a pipe that has room.
const LONGEST_TEXT: usize = 3800;
/// Time that the end waits for lines to be written.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Logger, as the log crate and the program's end see it.
#[derive(Clone)]
pub struct Logger {
    level: LevelFilter,
    printer: Arc<Printer>,
    /// Queue of the thread that writes to a file, once there is one.
    queue: Arc<OnceLock<SyncSender<Entry>>>,
}

/// Reader of the log, who decides what a line looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reader {
    /// The journal of systemd, which has the time itself and wants a priority (sd-daemon(3)).
    Journal,
    /// Somebody at a terminal, who wants the time of day and no paths of modules.
    Person,
    /// A file or a program.
    Other,
}

/// Priorities of the journal, in the order of the levels, in the place of the time.
const PRIORITIES: [&[BorrowedFormatItem<'_>]; 5] = [
    format_description!("<3>"),
    format_description!("<4>"),
    format_description!("<6>"),
    format_description!("<7>"),
    format_description!("<7>"),
];
const TIME_OF_DAY: &[BorrowedFormatItem<'_>] = format_description!("[hour]:[minute]:[second]");

/// Printer of lines.
struct Printer {
    reader: Reader,
    /// Loggers by level.
    simple: [SimpleLogger; 5],
    lost: AtomicUsize,
    /// Set while simple_logger prints: its panic then only means that the write failed.
    printing: AtomicBool,
}

enum Entry {
    Line {
        level: Level,
        target: String,
        text: String,
    },
    /// Mark behind everything that came before.
    Mark(SyncSender<()>),
}

impl Logger {
    /// Has all lines of this level and above printed from now on.
    pub fn start(level: LevelFilter) -> Logger {
        let reader = Reader::of_stderr();
        let printer = Arc::new(Printer {
            reader,
            simple: PRIORITIES.map(|priority| reader.logger(priority).with_level(level)),
            lost: AtomicUsize::new(0),
            printing: AtomicBool::new(false),
        });
        let panicking = Arc::clone(&printer);
        panic::set_hook(Box::new(move |panic| {
            if !panicking.printing.load(Ordering::Relaxed) {
                log::error!("a bug, please report it: {panic}");
            }
        }));
        let logger = Logger { level, printer, queue: Arc::default() };
        log::set_boxed_logger(Box::new(logger.clone())).expect("main sets the only logger, once");
        log::set_max_level(level);
        logger
    }

    /// Leaves a file to a thread of its own: nobody may wait for a disk from now on.
    ///
    /// # Errors
    /// The log is a file, and there is no thread to be had.
    pub fn write_on_thread(&self) -> io::Result<()> {
        if is_file() {
            let queue = writer(Arc::clone(&self.printer))?;
            self.queue.set(queue).expect("main asks for the thread once");
        }
        Ok(())
    }

    /// Waits until all lines are written, but not for ever.
    pub fn finish(&self) {
        let Some(queue) = self.queue.get() else { return };
        let (written, mark) = sync_channel(1);
        let (until, mut entry) = (Instant::now() + LAST_LINES, Entry::Mark(written));
        // A full queue is tried again: it empties, unless the disk hangs.
        while let Err(TrySendError::Full(unsent)) = queue.try_send(entry) {
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
        let (level, target) = (record.level(), record.target());
        let text = shortened(record.args().to_string());
        match self.queue.get() {
            Some(queue) => {
                let target = target.to_owned();
                if queue.try_send(Entry::Line { level, target, text }).is_err() {
                    self.printer.lost.fetch_add(1, Ordering::Relaxed);
                }
            }
            None if has_room() => self.printer.print(level, target, &text),
            None => {
                self.printer.lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn flush(&self) {}
}

impl Reader {
    fn of_stderr() -> Reader {
        match std::env::var("JOURNAL_STREAM") {
            Ok(stream) if fstat(io::stderr()).is_ok_and(|facts| names(&stream, &facts)) => {
                Reader::Journal
            }
            _ if io::stderr().is_terminal() => Reader::Person,
            _ => Reader::Other,
        }
    }

    /// Logger of simple_logger for lines of this priority.
    fn logger(self, priority: &'static [BorrowedFormatItem<'static>]) -> SimpleLogger {
        let logger = SimpleLogger::new();
        match self {
            Reader::Journal => logger.with_utc_timestamps().with_timestamp_format(priority),
            Reader::Person => {
                // Summer time is that of the start: later on other threads may change its zone.
                let zone = UtcOffset::current_local_offset().unwrap_or(UtcOffset::UTC);
                logger.with_utc_offset(zone).with_timestamp_format(TIME_OF_DAY)
            }
            Reader::Other => logger.with_utc_timestamps(),
        }
    }

    /// Target of a line as this reader wants it: a path of modules, or the crate alone.
    fn shown(self, target: &str) -> &str {
        match self {
            Reader::Journal | Reader::Person => target.split("::").next().unwrap_or(target),
            Reader::Other => target,
        }
    }
}

/// True if device and inode in the words of `JOURNAL_STREAM` are those of this file.
fn names(stream: &str, facts: &Stat) -> bool {
    stream.split_once(':').is_some_and(|(device, inode)| {
        device.parse() == Ok(facts.st_dev) && inode.parse() == Ok(facts.st_ino)
    })
}

impl Printer {
    /// Prints a line, and before it how many were lost.
    fn print(&self, level: Level, target: &str, text: &str) {
        let lost = match self.lost.swap(0, Ordering::Relaxed) {
            0 => 0,
            lost if self.print_line(Level::Warn, target, &told(lost)) => 0,
            lost => lost,
        };
        let printed = self.print_line(level, target, text);
        self.lost.fetch_add(lost + usize::from(!printed), Ordering::Relaxed);
    }

    /// Prints one line: false if it could not be written, which simple_logger answers by a panic.
    fn print_line(&self, level: Level, target: &str, text: &str) -> bool {
        self.printing.store(true, Ordering::Relaxed);
        let printed = catch_unwind(AssertUnwindSafe(|| {
            let mut record = Record::builder();
            record.level(level).target(self.reader.shown(target));
            self.simple[level as usize - 1].log(&record.args(format_args!("{text}")).build());
        }));
        self.printing.store(false, Ordering::Relaxed);
        printed.is_ok()
    }
}

/// Starts the thread that writes to a file.
fn writer(printer: Arc<Printer>) -> io::Result<SyncSender<Entry>> {
    let (queue, entries): (_, Receiver<Entry>) = sync_channel(QUEUE);
    let write = move || {
        for entry in entries {
            match entry {
                Entry::Line { level, target, text } => printer.print(level, &target, &text),
                Entry::Mark(written) => drop(written.try_send(())),
            }
        }
    };
    thread::Builder::new().name("log".into()).spawn(write)?;
    Ok(queue)
}

/// True if the log is a file, whose disk may be slow.
fn is_file() -> bool {
    fstat(io::stderr())
        .is_ok_and(|facts| FileType::from_raw_mode(facts.st_mode) == FileType::RegularFile)
}

/// True if the log takes a line at once.
fn has_room() -> bool {
    let stderr = io::stderr();
    let mut descriptors = [PollFd::new(&stderr, PollFlags::OUT)];
    // An error is the write's to tell.
    poll(&mut descriptors, Some(&Timespec::default())) != Ok(0)
}

fn shortened(mut text: String) -> String {
    if text.len() > LONGEST_TEXT {
        let end = (0..=LONGEST_TEXT).rfind(|&at| text.is_char_boundary(at)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}

fn told(lost: usize) -> String {
    match lost {
        1 => "1 line was lost: the log could not be written".to_owned(),
        _ => format!("{lost} lines were lost: the log could not be written"),
    }
}
