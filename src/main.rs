//! The program: arguments → config → logger → server → exit code. What the library does is decided
//! there; here it is only started, and heard out.

#![forbid(unsafe_code)]

use clap::Parser;
use log::LevelFilter;
use packetboat::config::flags::{Command, CommandLine, ServeFlags};
use packetboat::config::{StartError, summary};
use simple_logger::SimpleLogger;
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let CommandLine { command, serve: flags } = CommandLine::parse();
    let done = match command {
        Some(Command::User(command)) => command.run().map(|lines| print(&lines)),
        None => serve(&flags).map_err(|error| error.to_string()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(line) => {
            // With nobody to hear it, the exit code still tells.
            let _ = writeln!(std::io::stderr(), "packetboat: {line}");
            ExitCode::from(2)
        }
    }
}

fn serve(flags: &ServeFlags) -> Result<(), StartError> {
    SimpleLogger::new()
        .with_level(level(flags.verbosity()))
        .with_utc_timestamps()
        .init()
        .expect("main sets the only logger, once");
    let config = flags.config()?;
    let mut server = packetboat::Server::bind(config.clone())?;
    server.stop_on_signals()?;
    for line in summary::summary(&config, server.addresses(), server.fingerprint())? {
        print(&format!("{line}\n"));
    }
    server.run()?;
    print("Stopped.\n");
    Ok(())
}

/// What is logged of an operator who wants more or less than usual.
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
