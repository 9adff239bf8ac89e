//! The configuration file: TOML, one setting a line, in the words of the flags.

use std::path::Path;

use toml_edit::{Document, Item, Value};

use super::entries::{Entry, Place};
use super::{Error, ErrorKind, explain};

/// Largest file that is read.
const MOST_BYTES: u64 = 1 << 20;

/// Reads the settings of a file.
///
/// # Errors
/// One line: the file, where it cannot be read, or the line and column of what is wrong.
pub(super) fn read_config_file(path: &Path) -> Result<Vec<Entry>, String> {
    let file = |error| explain(&Error::file(ErrorKind::ConfigFile, path, error));
    let facts = std::fs::metadata(path).map_err(file)?;
    // Opening a FIFO or reading a device would never end.
    if !facts.is_file() || facts.len() > MOST_BYTES {
        return Err(format!("--config {}: not a file of settings", path.display()));
    }
    let text = std::fs::read_to_string(path).map_err(file)?;
    let at = |offset: usize| {
        let before = text.get(..offset).unwrap_or(&text);
        let line = before.rsplit('\n').next().unwrap_or_default();
        let (lines, column) = (before.matches('\n').count(), line.chars().count());
        Place::File(path.to_owned(), lines + 1, column + 1)
    };
    let document = Document::parse(text.as_str()).map_err(|error| {
        let place = at(error.span().map_or(0, |span| span.start));
        format!("{place}: not TOML: {}", error.message().replace('\n', ", "))
    })?;
    let table = document.as_table();
    let mut entries = Vec::new();
    for (name, item) in table {
        let key = table.key(name).and_then(toml_edit::Key::span).unwrap_or_default();
        let mut entry =
            Entry::find(name).map_err(|trouble| format!("{}: {trouble}", at(key.start)))?;
        if values(item).is_empty() {
            let place = at(key.start);
            return Err(format!(
                "{place}: {name}: it has no value; write {name} = …, without sections"
            ));
        }
        for value in values(item) {
            let place = || at(value.span().unwrap_or_default().start);
            let added = spelled(value).and_then(|value| entry.add(value));
            added.map_err(|trouble| format!("{}: {name}: {trouble}", place()))?;
        }
        entries.push(entry);
    }
    Ok(entries)
}

/// Values of a setting.
fn values(item: &Item) -> Vec<&Value> {
    match item {
        Item::Value(Value::Array(array)) => array.iter().collect(),
        Item::Value(value) => vec![value],
        Item::None | Item::Table(_) | Item::ArrayOfTables(_) => Vec::new(),
    }
}

/// Value as the command line would have it.
fn spelled(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.value().clone()),
        Value::Integer(number) => Ok(number.value().to_string()),
        Value::Boolean(switch) => Ok(switch.value().to_string()),
        Value::Float(_) | Value::Datetime(_) | Value::Array(_) | Value::InlineTable(_) => {
            Err("write text or a whole number, or several of them as a list".to_owned())
        }
    }
}
