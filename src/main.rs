//! The program: arguments → logger → config → server → exit code. Every decision is the library's;
//! here it is only started, and heard out.

#![forbid(unsafe_code)]

mod logger;

use clap::Parser;
use log::LevelFilter;
use logger::Logger;
use packetboat::program::{Command, CommandLine, ServeFlags, explain, summary};
use packetboat::{Config, Error, Server};
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let CommandLine { command, serve: flags } = CommandLine::parse();
    let done = match command {
        Some(Command::User(command)) => command.run().map(|lines| print(&lines)),
        None => serve(&flags),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(line) => {
            // The exit code still tells when nobody hears the line.
            let _ = writeln!(std::io::stderr(), "packetboat: {line}");
            ExitCode::from(2)
        }
    }
}

fn serve(flags: &ServeFlags) -> Result<(), String> {
    let logger = Logger::start(level(flags.verbosity()))
        .map_err(|error| format!("there is no thread for the log: {error}"))?;
    let done = run(flags.config()?).map_err(|error| explain(&error));
    logger.finish();
    done
}

fn run(config: Config) -> Result<(), Error> {
    if let Err(error) = packetboat::raise_descriptor_limit(config.max_sessions) {
        log::warn!("cannot have more descriptors: {error}");
    }
    let mut server = Server::bind(config.clone())?;
    server.stop_on_signals()?;
    for line in summary(&config, server.addresses(), server.fingerprint())? {
        print(&format!("{line}\n"));
    }
    server.run()?;
    print("Stopped.\n");
    Ok(())
}

/// Lines that are logged for an operator who wants more or less than usual.
fn level(verbosity: i16) -> LevelFilter {
    match verbosity {
        ..=-2 => LevelFilter::Error,
        -1 => LevelFilter::Warn,
        0 => LevelFilter::Info,
        1 => LevelFilter::Debug,
        2.. => LevelFilter::Trace,
    }
}

/// Like `print!`, but a reader of the output that went away does not end a server.
fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}
