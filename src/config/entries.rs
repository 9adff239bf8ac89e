//! Entries: settings that stand in a file or in the environment. Each is the flag of its name in other
//! clothes, so that one set of words, values and messages serves all three.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Args};

use super::flags::ServeFlags;

/// Setting that is given elsewhere than on the command line.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    option: Arg,
    values: Vec<OsString>,
}

/// Place where an entry stands.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// Line and column of a file, both from 1.
    File(PathBuf, usize, usize),
    /// Variable of the environment.
    Variable(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File(path, line, column) => {
                write!(f, "{}, line {line}, column {column}", path.display())
            }
            Place::Variable(name) => f.write_str(name),
        }
    }
}

impl Entry {
    /// Option of this name, without a value yet.
    ///
    /// # Errors
    /// There is none: the name that was meant, perhaps.
    pub(super) fn find(name: &str) -> Result<Entry, String> {
        match options().into_iter().find(|option| name_of(option) == Some(name)) {
            Some(option) => Ok(Entry { option, values: Vec::new() }),
            None => Err(format!("no such setting as {name}{}", meant(name))),
        }
    }

    /// Adds a value.
    ///
    /// # Errors
    /// The value is not one of those that the option takes, or the option takes only one.
    pub(super) fn add(&mut self, value: impl Into<OsString>) -> Result<(), String> {
        let repeats = matches!(self.option.get_action(), ArgAction::Append);
        if !repeats && !self.values.is_empty() {
            return Err("give it one value".to_owned());
        }
        let alone = Entry { option: self.option.clone(), values: vec![value.into()] };
        if alone.is_switch() && alone.switched().is_none() {
            return Err("write true or false".to_owned());
        }
        let words = [OsString::from("packetboat")].into_iter().chain(alone.words());
        match command().try_get_matches_from(words) {
            Ok(_) => {
                self.values.extend(alone.values);
                Ok(())
            }
            Err(error) => Err(why(&error)),
        }
    }

    /// True if the option is on or off, without a value of its own.
    fn is_switch(&self) -> bool {
        matches!(self.option.get_action(), ArgAction::SetTrue)
    }

    fn switched(&self) -> Option<bool> {
        self.values.first()?.to_str()?.parse().ok()
    }

    /// Name of the option for clap.
    pub(super) fn id(&self) -> &str {
        self.option.get_id().as_str()
    }

    pub(super) fn names_the_same(&self, other: &Entry) -> bool {
        self.id() == other.id()
    }

    /// Words of the command line that say the same.
    pub(super) fn words(&self) -> Vec<OsString> {
        let flag = self.option.get_long().map(|long| format!("--{long}"));
        match flag {
            Some(flag) if self.is_switch() => {
                self.switched().unwrap_or(false).then(|| flag.into()).into_iter().collect()
            }
            Some(flag) => {
                let word = |value: &OsString| {
                    let mut word = OsString::from(format!("{flag}="));
                    word.push(value);
                    word
                };
                self.values.iter().map(word).collect()
            }
            None => self.values.clone(),
        }
    }

    /// Names of all settings.
    #[cfg(test)]
    pub(super) fn names() -> impl Iterator<Item = String> {
        options()
            .into_iter()
            .filter(|option| !option.is_hide_set())
            .filter_map(|option| name_of(&option).map(str::to_owned))
    }
}

/// Entries of the environment: for each setting a variable, such as PACKETBOAT_IDLE_TIMEOUT. Several
/// values stand between commas. Other variables that begin so are left alone: managers of containers
/// have theirs.
///
/// # Errors
/// The variable, and what is wrong with it.
pub(super) fn environment(
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<Vec<Entry>, String> {
    let mut entries = Vec::new();
    for option in options() {
        let Some(name) = name_of(&option).map(variable_of) else { continue };
        let Some(value) = variable(&name) else { continue };
        let mut entry = Entry { option, values: Vec::new() };
        let added = match (entry.option.get_action(), value.to_str()) {
            (ArgAction::Append, Some(values)) => {
                values.split(',').try_for_each(|value| entry.add(value.trim()))
            }
            _ => entry.add(value),
        };
        added.map_err(|trouble| format!("{}: {trouble}", Place::Variable(name)))?;
        entries.push(entry);
    }
    Ok(entries)
}

/// Variable of the environment for the setting of this name.
pub(super) fn variable_of(name: &str) -> String {
    format!("PACKETBOAT_{}", name.to_ascii_uppercase().replace('-', "_"))
}

fn command() -> clap::Command {
    ServeFlags::augment_args(clap::Command::new("packetboat"))
}

/// Options that are settings: all but those about the file itself and the log.
fn options() -> Vec<Arg> {
    let command = command();
    let options = command.get_arguments().filter(|option| option.get_id() != "config");
    options.filter(|option| name_of(option).is_some()).cloned().collect()
}

/// Name of the setting: that of the flag, or `root`.
fn name_of(option: &Arg) -> Option<&str> {
    match option.is_positional() {
        true => Some(option.get_id().as_str()),
        false => option.get_long(),
    }
}

/// Setting that was perhaps meant, as clap guesses it.
fn meant(name: &str) -> String {
    let guessed = command().try_get_matches_from(["packetboat", &format!("--{name}")]);
    let guess = guessed.err().and_then(|error| match error.get(ContextKind::SuggestedArg) {
        Some(ContextValue::String(flag)) => Some(flag.trim_start_matches('-').to_owned()),
        _ => None,
    });
    match guess.filter(|guess| options().iter().any(|option| name_of(option) == Some(guess))) {
        Some(guess) => format!("; perhaps {guess}"),
        None => "; `packetboat config example` shows them all".to_owned(),
    }
}

/// Trouble with a value, in one line without the flag.
fn why(error: &clap::Error) -> String {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(words)) => words.join(", "),
        _ => String::new(),
    };
    let value = text(ContextKind::InvalidValue);
    match error.kind() {
        ErrorKind::InvalidValue => {
            format!("{value:?} is none of {}", text(ContextKind::ValidValue))
        }
        _ => match std::error::Error::source(error) {
            Some(source) => format!("{value:?}: {source}"),
            None => error.to_string().lines().next().unwrap_or_default().to_owned(),
        },
    }
}
