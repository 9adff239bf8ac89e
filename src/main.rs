//! The program: arguments → logger → config → server → exit code. Every decision is the library's;
//! here it is only started, and heard out.

#![forbid(unsafe_code)]

mod logger;

use log::LevelFilter;
use logger::Logger;
use packetboat::program::{
    Boundary, Command, CommandLine, ConfigCommand, EXAMPLE, Identity, Misuse, ServeFlags, confine,
    explain, summary, system_variable, warnings,
};
use packetboat::{Config, ErrorKind, Server};
use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    let CommandLine { command, serve: flags } = match CommandLine::read(&words, system_variable) {
        Ok(command_line) => command_line,
        Err(Misuse::Words(error)) => error.exit(),
        Err(Misuse::Settings(line)) => return failed(&line),
    };
    let done = match command {
        Some(Command::User(command)) => command.run().map(|lines| print(&lines)),
        Some(Command::Config(ConfigCommand::Example)) => {
            print(EXAMPLE);
            Ok(())
        }
        Some(Command::Check(flags)) => check(&flags),
        Some(Command::Serve(flags)) => serve(&flags, words),
        None => serve(&flags, words),
    };
    done.map_or_else(|line| failed(&line), |()| ExitCode::SUCCESS)
}

fn failed(line: &str) -> ExitCode {
    // The exit code still tells when nobody hears the line.
    let _ = writeln!(std::io::stderr(), "packetboat: {line}");
    ExitCode::from(2)
}

/// Says what the settings mean, and serves nobody.
fn check(flags: &ServeFlags) -> Result<(), String> {
    let config = flags.config()?;
    let warned = warnings(&config).map_err(|error| explain(&error))?;
    let addresses: Vec<_> = config.listen.iter().chain(&config.listen_tls).copied().collect();
    let lines = summary(&config, &addresses, None).map_err(|error| explain(&error))?;
    for line in lines {
        print(&format!("{line}\n"));
    }
    for warning in warned {
        print(&format!("Warning: {warning}\n"));
    }
    Ok(())
}

fn serve(flags: &ServeFlags, words: Vec<OsString>) -> Result<(), String> {
    let logger = Logger::start(level(flags.verbosity()));
    let done = run(flags, words, &logger);
    logger.finish();
    done
}

/// Takes what is needed, gives up all else, and serves.
fn run(flags: &ServeFlags, words: Vec<OsString>, logger: &Logger) -> Result<(), String> {
    let (config, confinement) = (flags.config()?, flags.confinement());
    let identity = Identity::choose(&confinement, flags.config_file().is_some())?;
    if let Err(error) = packetboat::raise_descriptor_limit(config.max_sessions) {
        log::warn!("cannot have more descriptors: {error}");
    }
    let boundary = Boundary::of(&config, &confinement, flags.config_file());
    let boundary = boundary.map_err(|error| explain(&error))?;
    let mut server =
        Server::bind_inherited(boundary.around(config)).map_err(|error| explain(&error))?;
    // Inherited listeners stand in for those of the flags.
    let config = server.config().clone();
    server.stop_on_signals().map_err(|error| explain(&error))?;
    server.notify_service_manager();
    let lines = summary(&config, server.addresses(), server.fingerprint());
    let lines = lines.map_err(|error| explain(&error))?;
    identity.assume(&config)?;
    warn_of(&identity, &config)?;
    let held = confine(&confinement, &config, &boundary)?;
    held.missing().iter().for_each(|missing| log::warn!("the sandbox has a gap: {missing}"));
    // Threads have what the one that starts them was left with.
    logger.write_on_thread().map_err(|error| format!("there is no thread for the log: {error}"))?;
    server.reload_from(move || boundary.around_new(configuration(&words)?));
    for line in lines.into_iter().chain([held.line()]) {
        print(&format!("{line}\n"));
    }
    if server.is_activated() {
        print(
            "The service manager has opened the listeners: --listen and --listen-tls do not count\n",
        );
    }
    server.run().map_err(|error| explain(&error))?;
    print("Stopped.\n");
    Ok(())
}

/// Says what the user that serves cannot do, or can without need; a root that is shut to that user is
/// no root to serve.
fn warn_of(identity: &Identity, config: &Config) -> Result<(), String> {
    match identity {
        Identity::Same => {}
        Identity::UntoldRoot => {
            log::warn!("serving as root; --user NAME becomes another user, --user root means it");
        }
        Identity::Other(user) => match warnings(config) {
            Ok(lines) => lines.iter().for_each(|line| log::warn!("as {}: {line}", user.name)),
            Err(error) if error.kind() == ErrorKind::Root => {
                return Err(format!("as {}: {}", user.name, explain(&error)));
            }
            Err(error) => {
                log::warn!("a reload as {} would fail: {}", user.name, explain(&error));
            }
        },
    }
    Ok(())
}

/// Configuration that the same command line means now.
fn configuration(words: &[OsString]) -> Result<Config, String> {
    match CommandLine::read(words, system_variable) {
        Ok(CommandLine { command: Some(Command::Serve(flags)), .. }) => flags.config(),
        Ok(CommandLine { serve, .. }) => serve.config(),
        Err(Misuse::Settings(line)) => Err(line),
        Err(Misuse::Words(error)) => Err(error.to_string()),
    }
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
