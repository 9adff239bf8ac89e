//! The program: arguments → config → logger → server → exit code. What the library does is decided
//! there; here it is only started, and heard out.

#![forbid(unsafe_code)]

mod logger;

use clap::Parser;
use logger::Logger;
use packetboat::Config;
use packetboat::config::flags::{Command, CommandLine, ServeFlags};
use packetboat::config::{explain, summary};
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
            // With nobody to hear it, the exit code still tells.
            let _ = writeln!(std::io::stderr(), "packetboat: {line}");
            ExitCode::from(2)
        }
    }
}

fn serve(flags: &ServeFlags) -> Result<(), String> {
    let logger = Logger::start(flags.log_level())
        .map_err(|error| format!("there is no thread for the log: {error}"))?;
    let done = run(flags.config()?).map_err(|error| explain(&error));
    logger.finish();
    done
}

fn run(config: Config) -> Result<(), packetboat::Error> {
    if let Err(error) = packetboat::raise_descriptor_limit(config.max_sessions) {
        log::warn!("cannot have more descriptors: {error}");
    }
    let mut server = packetboat::Server::bind(config.clone())?;
    server.stop_on_signals()?;
    for line in summary::summary(&config, server.addresses(), server.fingerprint())? {
        print(&format!("{line}\n"));
    }
    server.run()?;
    print("Stopped.\n");
    Ok(())
}

/// Like `print!`, but a reader of the output that went away does not end a server.
fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}
