//! The command line: commands, and how the flags of a server are completed by what the environment
//! and the configuration file say. All three use the same words; a flag wins over a variable, and a
//! variable over the file.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};

use super::config_file::read_config_file;
use super::entries::{Entry, environment, variable_of};
use super::flags::ServeFlags;
use super::user_command::UserCommand;

/// The whole command line of `packetboat`.
#[derive(Debug, Parser)]
#[command(
    version,
    about = "A light FTP server: serves a folder, to this machine only unless told otherwise.",
    after_long_help = EXAMPLES,
    max_term_width = 100,
    args_conflicts_with_subcommands = true
)]
pub struct CommandLine {
    /// Command to carry out, `serve` if none is given.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Options of the server.
    #[command(flatten)]
    pub serve: ServeFlags,
}

/// Examples behind the long help, as --help and the manual show it.
const EXAMPLES: &str = "\
Examples:
  packetboat /tmp
      Share a folder with this machine: anybody on it may store too.

  packetboat --listen 0.0.0.0:2121 /srv/files
      Let everybody who can connect fetch files.

  packetboat user add alice --users users.toml --access write
  packetboat --listen 0.0.0.0:21 --users users.toml \\
      --tls self-signed --require-tls data /srv/files
      Let alice store files, under TLS only.

  packetboat config example > packetboat.toml
  packetboat check --config packetboat.toml
  packetboat --config packetboat.toml
      Have all settings in a file. SIGHUP has it read again.

Each flag is also a variable: PACKETBOAT_IDLE_TIMEOUT=5m is
--idle-timeout 5m. A flag wins over a variable, and a variable over
the file.";

/// Commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve a folder, as without a command
    Serve(Box<ServeFlags>),
    /// Say what the settings mean, or what is wrong with them, and serve nobody
    Check(Box<ServeFlags>),
    /// Show a configuration file
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Add, change, remove or list the users of a users file
    #[command(subcommand)]
    User(UserCommand),
}

/// Commands on configuration files.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum ConfigCommand {
    /// A file with every setting and its default, to begin with
    Example,
}

/// Command line that cannot be obeyed.
#[derive(Debug)]
pub enum Misuse {
    /// Message that clap has for it, a request for help among them.
    Words(clap::Error),
    /// Line about the file or the environment.
    Settings(String),
}

impl From<clap::Error> for Misuse {
    fn from(error: clap::Error) -> Misuse {
        Misuse::Words(error)
    }
}

impl CommandLine {
    /// Reads the words of a command line, the program's name first, and completes them by the
    /// environment and the configuration file.
    ///
    /// # Errors
    /// Words, a variable or a line of the file that cannot be understood.
    pub fn read(
        words: &[OsString],
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<CommandLine, Misuse> {
        let matches = CommandLine::command().try_get_matches_from(words)?;
        let (serving, behind) = match matches.subcommand() {
            None => (&matches, 1),
            Some(("serve" | "check", serving)) => (serving, 2),
            Some(_) => return Ok(CommandLine::from_arg_matches(&matches)?),
        };
        let file = match serving.get_one::<PathBuf>("config").cloned() {
            None => variable(&variable_of("config")).map(PathBuf::from),
            said => said,
        };
        let mut entries = environment(variable).map_err(Misuse::Settings)?;
        if let Some(file) = file {
            for entry in read_config_file(&file).map_err(Misuse::Settings)? {
                if !entries.iter().any(|other| other.names_the_same(&entry)) {
                    entries.push(entry);
                }
            }
        }
        let entries = entries.iter().filter(|entry| !is_said(serving, entry));
        let mut all = words[..behind.min(words.len())].to_vec();
        all.extend(entries.flat_map(Entry::words));
        all.extend_from_slice(&words[behind.min(words.len())..]);
        let matches = CommandLine::command().try_get_matches_from(all)?;
        Ok(CommandLine::from_arg_matches(&matches)?)
    }
}

/// True if the command line says itself what the entry says.
fn is_said(matches: &ArgMatches, entry: &Entry) -> bool {
    matches.value_source(entry.id()) == Some(ValueSource::CommandLine)
}

/// Example of a configuration file: every setting, at its default.
pub const EXAMPLE: &str = include_str!("example.toml");

/// Variable of the environment, as the operating system has it.
pub fn system_variable(name: &str) -> Option<OsString> {
    std::env::var_os(OsStr::new(name)).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Anonymous, Config};
    use std::fs;

    fn read(line: &str, variables: &[(&str, &str)]) -> Result<CommandLine, Misuse> {
        let words = ["packetboat"].into_iter().chain(line.split_whitespace());
        let words: Vec<OsString> = words.map(OsString::from).collect();
        CommandLine::read(&words, |name| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| OsString::from(value))
        })
    }

    fn config(line: &str, variables: &[(&str, &str)]) -> Config {
        read(line, variables).unwrap().serve.config().unwrap()
    }

    fn trouble(line: &str, variables: &[(&str, &str)]) -> String {
        match read(line, variables) {
            Err(Misuse::Settings(line)) => line,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn flags_win_over_variables_and_variables_over_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.toml");
        fs::write(&path, "banner = 'file'\nlisten = [1, 2]\nidle-timeout = '5m'\nroot = '/f'\n")
            .unwrap();
        let path = path.to_str().unwrap();
        let line = format!("--config {path}");
        let from_file = config(&line, &[]);
        assert_eq!(from_file.listen.len(), 2);
        assert_eq!((from_file.banner.as_str(), from_file.root), ("file", "/f".into()));
        assert_eq!(from_file.idle_timeout.as_secs(), 300);

        let variables = [("PACKETBOAT_BANNER", "variable"), ("PACKETBOAT_LISTEN", "3,4,5")];
        let mixed = config(&format!("{line} --banner flag /srv"), &variables);
        assert_eq!((mixed.banner.as_str(), mixed.root), ("flag", "/srv".into()));
        assert_eq!(mixed.listen.len(), 3);
        assert_eq!(config(&line, &variables).banner, "variable");
        let by_variable = config("", &[("PACKETBOAT_CONFIG", path), ("PACKETBOAT_ROOT", "/v")]);
        assert_eq!((by_variable.banner.as_str(), by_variable.root), ("file", "/v".into()));
        // A container's own variables are nobody's mistake.
        assert_eq!(config("", &[("PACKETBOAT_PORT", "tcp://10.0.0.1:21")]), Config::new("."));
    }

    #[test]
    fn commands_of_the_server_read_the_file_and_others_need_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.toml");
        fs::write(&path, "anonymous = 'read'\n").unwrap();
        for command in ["check", "serve"] {
            let line = format!("{command} --config {} /srv", path.display());
            match read(&line, &[]).unwrap().command {
                Some(Command::Check(flags) | Command::Serve(flags)) => {
                    let config = flags.config().unwrap();
                    assert_eq!(config.anonymous, Some(Anonymous::Read));
                    assert_eq!(config.root, PathBuf::from("/srv"));
                }
                other => panic!("{other:?}"),
            }
        }
        let bad = [("PACKETBOAT_LISTEN", "nowhere")];
        assert!(read("config example", &bad).is_ok());
        let said = trouble("", &bad);
        assert!(said.starts_with("PACKETBOAT_LISTEN: ") && said.contains("0.0.0.0:2121"), "{said}");
        let said = trouble("--config /nowhere/p.toml", &[]);
        assert!(said.starts_with("--config /nowhere/p.toml: no such file"), "{said}");
    }

    #[test]
    fn a_setting_of_the_file_that_is_wrong_is_told_by_line_and_column() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.toml");
        for (text, place, right) in [
            ("\npassive-ports = '9-3'", "line 2, column 17", "the lower first"),
            ("  anonymus = 'off'", "line 1, column 3", "anonymous"),
            ("anonymous = 'yes'", "line 1, column 13", "off, read, write"),
            ("durable = 'very'", "line 1, column 11", "true or false"),
            ("banner = ['a', 'b']", "line 1, column 16", "one value"),
            ("max-sessions = 1.5", "line 1, column 16", "text or a whole number"),
            ("listen = [21, 'x']", "line 1, column 15", "0.0.0.0:2121"),
            ("[users]", "line 1, column 2", "without sections"),
            ("users = []", "line 1, column 1", "no value"),
            ("config = 'other'", "line 1, column 1", "no such setting"),
            ("verbose = 1", "line 1, column 1", "no such setting"),
            ("listen = 1\nlisten = 2", "line 2, column 1", "duplicate"),
            ("listen = ", "line 1, column 10", "TOML"),
        ] {
            fs::write(&path, text).unwrap();
            let said = trouble(&format!("--config {}", path.display()), &[]);
            assert!(said.contains(&format!("p.toml, {place}: ")), "{text}: {said}");
            assert!(said.contains(right) && !said.contains('\n'), "{text}: {said}");
        }
    }

    /// Lines of the example that show a setting, those that are switched off by a `#` too.
    fn settings() -> impl Iterator<Item = &'static str> {
        let lines = EXAMPLE.lines().map(|line| line.strip_prefix('#').unwrap_or(line));
        lines.filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()))
    }

    #[test]
    fn the_example_shows_every_setting_and_is_good_as_it_stands() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.toml");
        fs::write(&path, EXAMPLE).unwrap();
        let line = format!("--config {}", path.display());
        let mut expected = Config::new(".");
        expected.root = "/srv/ftp".into();
        assert_eq!(config(&line, &[]), expected);
        for setting in settings() {
            fs::write(&path, setting).unwrap();
            read(&line, &[]).unwrap_or_else(|error| panic!("{setting}: {error:?}"));
        }
        for name in Entry::names().filter(|name| cfg!(feature = "tls") || !name.contains("tls")) {
            let shown = settings().any(|line| line.split(" = ").next() == Some(name.as_str()));
            assert!(shown, "{name} is not shown");
        }
    }
}
