//! Changes to the text of a users file. Each is one splice: all that it does not mean to change
//! stays as it was, byte for byte, comments and order included. Pure: text in, text out.

use super::{Account, Accounts, Flaw, RequireTls, Section, StoredPassword, check_name, sections};
use std::fmt;
use std::ops::Range;
use std::path::Path;
use toml_edit::{Item, Key, Value};

/// Reason of a refusal. The text then stays as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EditError {
    /// A user of that name is there already.
    Exists(String),
    /// No user has that name.
    Missing(String),
    /// The account cannot be written down.
    Unwritable(String),
    /// The text was flawed before, and a flawed file is mended first.
    Flawed(Flaw),
}

impl fmt::Display for EditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EditError::Exists(name) => {
                write!(f, "user {name} exists; `packetboat user passwd` changes a password")
            }
            EditError::Missing(name) => {
                write!(f, "no user {name}; `packetboat user list` shows who there is")
            }
            EditError::Unwritable(message) => f.write_str(message),
            EditError::Flawed(flaw) => flaw.fmt(f),
        }
    }
}

impl std::error::Error for EditError {}

impl From<Flaw> for EditError {
    fn from(flaw: Flaw) -> EditError {
        EditError::Flawed(flaw)
    }
}

/// Adds a user at the end.
pub fn add(text: &str, account: &Account) -> Result<String, EditError> {
    if Accounts::parse(text)?.find(account.name.as_bytes()).is_some() {
        return Err(EditError::Exists(account.name.clone()));
    }
    check_name(&account.name).map_err(EditError::Unwritable)?;
    let gap = match text {
        "" => "",
        text if text.ends_with('\n') => "\n",
        _ => "\n\n",
    };
    let section = section(account)?;
    checked(format!("{text}{gap}{section}"))
}

/// Gives a user a new password; one who has only a certificate gets a first one.
pub fn set_password(
    text: &str,
    name: &str,
    password: &StoredPassword,
) -> Result<String, EditError> {
    let section = find(text, name)?;
    let value = quoted(password.as_str());
    checked(match section.table.get("password").and_then(Item::span) {
        Some(place) => splice(text, place, &value),
        None => {
            let below = line_end(text, section.header.end);
            let end = if text[..below].ends_with("\r\n") { "\r\n" } else { "\n" };
            splice(text, below..below, &format!("password = {value}{end}"))
        }
    })
}

/// Removes a user, with the comment directly above and below.
pub fn remove(text: &str, name: &str) -> Result<String, EditError> {
    let section = find(text, name)?;
    checked(splice(text, extent(text, &section), ""))
}

fn find(text: &str, name: &str) -> Result<Section, EditError> {
    Accounts::parse(text)?;
    let found = sections(text)?.into_iter().find(|section| section.name == name);
    found.ok_or_else(|| EditError::Missing(name.to_owned()))
}

/// An edit that left a flaw is ours to notice, before it is written over a good file.
fn checked(text: String) -> Result<String, EditError> {
    Accounts::parse(&text)?;
    Ok(text)
}

fn section(account: &Account) -> Result<String, EditError> {
    let line = |key: &str, value: &str| format!("{key} = {}\n", quoted(value));
    let mut lines = format!("[users.{}]\n", Key::new(&account.name).display_repr());
    if let Some(password) = &account.password {
        lines += &line("password", password.as_str());
    }
    if let Some(name) = &account.certificate {
        lines += &line("certificate", name);
    }
    lines += &line("access", &account.access.to_string());
    if !account.access_in.is_empty() {
        let folders = account.access_in.iter().map(|(folder, access)| {
            format!("{} = {}", quoted(folder), quoted(&access.to_string()))
        });
        lines += &format!("access-in = {{ {} }}\n", folders.collect::<Vec<_>>().join(", "));
    }
    if let Some(root) = &account.root {
        lines += &line("root", utf8(root)?);
    }
    if account.require_tls > RequireTls::Off {
        lines += &line("require-tls", &account.require_tls.to_string());
    }
    Ok(lines)
}

fn utf8(root: &Path) -> Result<&str, EditError> {
    root.to_str().ok_or_else(|| {
        let root = root.display();
        EditError::Unwritable(format!("a users file is UTF-8 text and cannot name the root {root}"))
    })
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn splice(text: &str, range: Range<usize>, new: &str) -> String {
    format!("{}{new}{}", &text[..range.start], &text[range.end..])
}

/// The lines that are a user's: from the comments that stand on the header to the last value with
/// the comments that hang from it, and the blank lines behind.
fn extent(text: &str, section: &Section) -> Range<usize> {
    let values = section.table.iter().filter_map(|(_, item)| item.span());
    let last = values.map(|span| span.end).max().unwrap_or(section.header.end);
    let mut start = line_start(text, section.header.start);
    while let Some(above) = start.checked_sub(1).map(|end| line_start(text, end))
        && is_comment(&text[above..])
    {
        start = above;
    }
    let mut end = line_end(text, last);
    let mut below = end;
    while is_comment(&text[below..]) {
        below = line_end(text, below);
    }
    // Comments that reach the next header without a gap stand on that one.
    if is_blank(text, below) {
        end = below;
    }
    while end < text.len() && is_blank(text, end) {
        end = line_end(text, end);
    }
    if end == text.len() {
        start = start.min(line_end(text, text[..start].trim_end().len()));
    }
    start..end
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

/// End of the line that `at` is in, its line end included.
fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |newline| at + newline + 1)
}

fn is_comment(rest: &str) -> bool {
    rest.trim_start_matches([' ', '\t']).starts_with('#')
}

fn is_blank(text: &str, at: usize) -> bool {
    text[at..line_end(text, at)].trim().is_empty()
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests {
    use super::super::Access;
    use super::*;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    const FILE: &str = "\
# Who may come in.

# The boss.
[users.alice]  # since May
password = \"PHC\" # changed in June
access = \"write\"
# root = \"/srv/alice\"

# Guests.
[users.bob]
password = 'PHC'
# The cat.
[users.cat]
password = \"\"\"PHC\"\"\"
";

    fn file() -> String {
        FILE.replace("PHC", StoredPassword::decoy().as_str())
    }

    fn account(name: &str, root: Option<&str>) -> Account {
        let account = Account::new(name, StoredPassword::decoy());
        Account { access: Access::WRITE, root: root.map(Into::into), ..account }
    }

    #[test]
    fn add_appends_and_touches_nothing_else() {
        for before in [String::new(), file(), file().trim_end().to_owned(), "# nobody".to_owned()] {
            let after = add(&before, &account("dora", Some("/srv/\"d\"\\"))).unwrap();
            assert!(after.starts_with(&before), "{after}");
            let accounts = Accounts::parse(&after).unwrap();
            let dora = accounts.find(b"dora").unwrap();
            assert_eq!(dora.access, Access::WRITE);
            assert_eq!(dora.root.as_deref(), Some(Path::new("/srv/\"d\"\\")));
            assert_eq!(remove(&after, "dora").unwrap().trim_end(), before.trim_end());
        }
        let odd = add("", &account("a.\"b\"]", None)).unwrap();
        assert!(Accounts::parse(&odd).unwrap().find(b"a.\"b\"]").is_some());
    }

    #[test]
    fn add_refuses() {
        let alice = account("alice", None);
        assert_eq!(add(&file(), &alice), Err(EditError::Exists("alice".to_owned())));
        assert!(matches!(add("", &account("a b", None)), Err(EditError::Unwritable(_))));
        let root = Some(Path::new(OsStr::from_bytes(b"/\xff")).to_owned());
        let unwritable = add("", &Account { root, ..alice.clone() });
        assert!(matches!(unwritable, Err(EditError::Unwritable(_))));
        assert!(matches!(add("[users", &alice), Err(EditError::Flawed(Flaw { line: 1, .. }))));
    }

    #[test]
    fn a_new_password_replaces_only_the_old_one() {
        let before = file();
        let other = StoredPassword::decoy().as_str().replace("m=19456", "m=16");
        let new = StoredPassword::parse(&other).unwrap();
        for (name, quoted) in [("alice", "\"PHC\""), ("bob", "'PHC'"), ("cat", "\"\"\"PHC\"\"\"")] {
            let (old, changed) =
                (format!("password = {quoted}"), format!("password = \"{other}\""));
            let expected =
                FILE.replace(&old, &changed).replace("PHC", StoredPassword::decoy().as_str());
            let after = set_password(&before, name, &new).unwrap();
            assert_eq!(after, expected, "{name}");
        }
        let missing = set_password(&before, "dora", &new);
        assert_eq!(missing, Err(EditError::Missing("dora".to_owned())));
    }

    /// `user passwd` said "no user" of one who is there, without a password.
    #[test]
    fn a_user_with_only_a_certificate_gets_a_password() {
        let password = StoredPassword::decoy();
        let line = format!("password = \"{}\"\n", password.as_str());
        let (head, rest) = ("# x\n[users.dora] # y\n", "# z\ncertificate = \"dora.example\"\n");
        for end in ["\n", "\r\n"] {
            let ended = |text: &str| text.replace('\n', end);
            let after = set_password(&ended(&format!("{head}{rest}")), "dora", &password).unwrap();
            assert_eq!(after, ended(&format!("{head}{line}{rest}")));
            assert!(Accounts::parse(&after).unwrap().find(b"dora").unwrap().password.is_some());
        }
    }

    #[test]
    fn remove_takes_a_user_and_its_comments_only() {
        let without = |name| {
            let after = remove(&file(), name).unwrap();
            after.replace(StoredPassword::decoy().as_str(), "PHC")
        };
        let (head, rest) = FILE.split_at(FILE.find("# The boss").unwrap());
        let guests = rest.find("# Guests").unwrap();
        let cat = rest.find("# The cat").unwrap();
        assert_eq!(without("alice"), format!("{head}{}", &rest[guests..]));
        assert_eq!(without("bob"), format!("{head}{}{}", &rest[..guests], &rest[cat..]));
        assert_eq!(without("cat"), format!("{head}{}", &rest[..cat]));
        assert_eq!(remove(&file(), "Alice"), Err(EditError::Missing("Alice".to_owned())));
    }

    #[test]
    fn line_ends_and_a_byte_order_mark_stay() {
        let before = format!("\u{feff}{}", file().replace('\n', "\r\n"));
        let after = remove(&before, "bob").unwrap();
        let (bob, cat) = (before.find("# Guests").unwrap(), before.find("# The cat").unwrap());
        assert_eq!(after, format!("{}{}", &before[..bob], &before[cat..]));
        assert_eq!(set_password(&after, "alice", &StoredPassword::decoy()), Ok(after));
    }
}
