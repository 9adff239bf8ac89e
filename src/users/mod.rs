//! Who may log in, with which password and to do what: the meaning of the users file. Pure: it reads
//! text, not files, and knows no clock.
//!
//! The file is TOML, one table a user:
//!
//! ```toml
//! [users.alice]
//! password = "$argon2id$v=19$…"   # `packetboat user add` writes it
//! access = "write"                # or "read", the default
//! root = "/srv/alice"             # default: the server's own
//! require-tls = "data"            # or "login"; default: what the server requires
//! certificate = "alice.example"   # lets in who shows one for this name, by --tls-client-ca
//! ```
//!
//! A user needs a password or a certificate, and may have both.

pub mod edit;
mod password;
mod policy;

pub use password::StoredPassword;
pub use policy::{Access, PartialUploads, RequireTls};

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml_edit::{Document, Item, Key, Table};

/// One user.
#[derive(Clone, Debug)]
pub struct Account {
    /// The name that USER gives; [`check_name`] says what it may be.
    pub name: String,
    /// What PASS is checked against; `None` if only a certificate lets the user in.
    pub password: Option<StoredPassword>,
    /// The name in a certificate that lets the user in without a password.
    pub certificate: Option<String>,
    /// What must be under TLS before the user may log in, and store or fetch.
    pub require_tls: RequireTls,
    /// What the user may do.
    pub access: Access,
    /// The folder that the user sees as `/`, absolute; `None` is the server's own.
    pub root: Option<PathBuf>,
}

impl Account {
    /// A user with a password, and with every other setting at its default.
    pub fn new(name: &str, password: StoredPassword) -> Account {
        Account {
            name: name.to_owned(),
            password: Some(password),
            certificate: None,
            require_tls: RequireTls::Off,
            access: Access::Read,
            root: None,
        }
    }
}

/// All users of one file, in its order.
#[derive(Clone, Debug, Default)]
pub struct Accounts(Vec<Account>);

impl Accounts {
    /// Reads the text of a users file. One flaw anywhere refuses the whole, so that a mistyped line
    /// is noticed at once and not when its user fails to log in.
    pub fn parse(text: &str) -> Result<Accounts, Flaw> {
        let mut accounts = Vec::new();
        for section in sections(text)? {
            accounts.push(account(&section).map_err(|(at, message)| Flaw::new(text, at, message))?);
        }
        Ok(Accounts(accounts))
    }

    /// The user of that name, compared byte for byte.
    pub fn find(&self, name: &[u8]) -> Option<&Account> {
        self.0.iter().find(|account| account.name.as_bytes() == name)
    }

    /// All users, in the order of the file.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Account> {
        self.0.iter()
    }
}

/// What is wrong with a users file, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// The line, counted from 1.
    pub line: usize,
    /// One line of plain words.
    pub message: String,
}

impl Flaw {
    fn new(text: &str, at: usize, message: impl Into<String>) -> Flaw {
        let before = text.as_bytes().iter().take(at);
        Flaw { line: 1 + before.filter(|&&byte| byte == b'\n').count(), message: message.into() }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

/// Whether a user may be called that; the error says what a name looks like.
pub fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() || name.len() > MOST_NAME_BYTES {
        return Err(format!("a user name has 1 to {MOST_NAME_BYTES} bytes"));
    }
    if name.contains(|character: char| character.is_whitespace() || character.is_control()) {
        return Err("a user name has no blanks and no control characters".to_owned());
    }
    if is_anonymous(name.as_bytes()) {
        return Err(format!("{name} is the anonymous user; choose another name"));
    }
    Ok(())
}

const MOST_NAME_BYTES: usize = 64;

/// Whether a name is the anonymous user's, in any case; no account can have it.
pub fn is_anonymous(name: &[u8]) -> bool {
    ANONYMOUS.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
}

/// Names that log in without an account, whatever their password.
const ANONYMOUS: [&str; 2] = ["anonymous", "ftp"];

/// One `[users.NAME]` of the text: its name, its keys, and where they stand.
struct Section {
    name: String,
    table: Table,
    /// The byte range of the header, brackets included.
    header: Range<usize>,
}

/// Splits the text into its users. Everything else in it is a flaw.
fn sections(text: &str) -> Result<Vec<Section>, Flaw> {
    let document = Document::parse(text).map_err(|error| {
        let at = error.span().map_or(text.len(), |span| span.start);
        Flaw::new(text, at, format!("not TOML: {}", error.message().replace('\n', ", ")))
    })?;
    let mut sections = Vec::new();
    for (name, item) in document.iter() {
        let at = place(document.as_table(), name, item);
        let users = match item {
            Item::Table(users) if name == "users" && !users.is_dotted() => users,
            _ => return Err(Flaw::new(text, at, format!("`{name}` {NOT_A_USER}"))),
        };
        for (name, item) in users.iter() {
            let at = place(users, name, item);
            let (table, header) = match item {
                Item::Table(table) if !table.is_dotted() => (table, table.span()),
                _ => return Err(Flaw::new(text, at, format!("`{name}` {NOT_A_USER}"))),
            };
            let header = header.unwrap_or(at..at);
            sections.push(Section { name: name.to_owned(), table: table.clone(), header });
        }
    }
    Ok(sections)
}

const NOT_A_USER: &str = "does not belong here; every user is a table of its own, [users.NAME]";

/// The user of a section; an error is a byte offset into the text, and what is wrong there.
fn account(section: &Section) -> Result<Account, (usize, String)> {
    let Section { name, table, header } = section;
    check_name(name).map_err(|message| (header.start, message))?;
    let (mut password, mut access, mut root) = (None, Access::Read, None);
    let (mut certificate, mut require_tls) = (None, RequireTls::Off);
    for (key, item) in table.iter() {
        let flaw = |message: String| (place(table, key, item), message);
        let text = || item.as_str().ok_or_else(|| flaw(format!("write {key} = \"…\", a string")));
        match key {
            "password" => password = Some(stored(text()?).map_err(flaw)?),
            "access" => access = text()?.parse().map_err(flaw)?,
            "root" => root = Some(absolute(text()?).map_err(flaw)?),
            "certificate" => certificate = Some(certified(text()?).map_err(flaw)?),
            "require-tls" => require_tls = text()?.parse().map_err(flaw)?,
            _ => {
                return Err(flaw(format!(
                    "unknown key `{key}`; there are password, access, root, require-tls, \
                     certificate"
                )));
            }
        }
    }
    if password.is_none() && certificate.is_none() {
        return Err((header.start, format!("{name} has no password; {BY_HAND}")));
    }
    let name = name.clone();
    Ok(Account { name, password, certificate, require_tls, access, root })
}

fn certified(text: &str) -> Result<String, String> {
    let label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let wrong = || "certificate is a name as in a certificate: \"alice.example\"".to_owned();
    text.split('.').all(label).then(|| text.to_owned()).ok_or_else(wrong)
}

fn stored(text: &str) -> Result<StoredPassword, String> {
    StoredPassword::parse(text)
        .map_err(|why| format!("password is no argon2id hash: {why}; {BY_HAND}"))
}

/// Not `user passwd`: that one, like every edit, asks for a file without a flaw.
const BY_HAND: &str = "delete the user's lines and run `packetboat user add`";

fn absolute(text: &str) -> Result<PathBuf, String> {
    let folder = Path::new(text);
    let relative = || "root is an absolute path: root = \"/…\"".to_owned();
    folder.is_absolute().then(|| folder.to_owned()).ok_or_else(relative)
}

/// Where an entry of `table` begins in the text.
fn place(table: &Table, name: &str, item: &Item) -> usize {
    let key = table.key(name).and_then(Key::span);
    key.or_else(|| item.span()).map_or(0, |span| span.start)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line that any user may have. No test here checks it against a password.
    fn password_line() -> String {
        format!("password = \"{}\"\n", StoredPassword::decoy().as_str())
    }

    #[test]
    fn a_file_of_two_users() {
        let password = password_line();
        let text = format!(
            "# ours\n[users.alice]\n{password}access = \"write\"\nroot = \"/srv/a\"\n\n\
             [users.\"b.o.b\"]\n{password}"
        );
        let accounts = Accounts::parse(&text).unwrap();
        let seen: Vec<_> =
            accounts.iter().map(|a| (a.name.as_str(), a.access, a.root.as_deref())).collect();
        let root = Path::new("/srv/a");
        assert_eq!(seen, [("alice", Access::Write, Some(root)), ("b.o.b", Access::Read, None)]);
        assert!(accounts.find(b"alice").is_some());
        assert!(accounts.find(b"Alice").is_none());
        assert!(accounts.find(b"alice\xff").is_none());
        for empty in ["", "# nobody yet\n", "[users]\n"] {
            assert_eq!(Accounts::parse(empty).unwrap().iter().len(), 0, "{empty}");
        }
    }

    #[test]
    fn a_flaw_names_its_line_and_what_would_be_right() {
        let password = password_line();
        for (text, line, words) in [
            ("users = 1\n".to_owned(), 1, "[users.NAME]"),
            ("\nroot = \"/x\"\n".to_owned(), 2, "[users.NAME]"),
            ("[user.alice]\n".to_owned(), 1, "[users.NAME]"),
            ("[users]\nalice = 3\n".to_owned(), 2, "[users.NAME]"),
            ("[[users.alice]]\n".to_owned(), 1, "[users.NAME]"),
            ("users.alice.root = \"/x\"\n".to_owned(), 1, "[users.NAME]"),
            ("\n\n[users.alice\n".to_owned(), 3, "not TOML"),
            ("[users.alice]\n".to_owned(), 1, "alice has no password"),
            ("[users.alice]\npassword = 7\n".to_owned(), 2, "password = \"…\""),
            ("[users.alice]\npassword = \"open\"\n".to_owned(), 2, "no argon2id hash"),
            (format!("[users.alice]\n{password}acess = \"read\"\n"), 3, "unknown key `acess`"),
            (format!("[users.alice]\n{password}[users.alice.x]\n"), 3, "unknown key `x`"),
            (format!("[users.alice]\n{password}access = \"all\"\n"), 3, "\"read\" or \"write\""),
            (format!("[users.alice]\n{password}root = \"srv\"\n"), 3, "absolute"),
            (format!("[users.alice]\n{password}[users.alice]\n"), 3, "not TOML: duplicate"),
            (format!("\n[users.FTP]\n{password}"), 2, "choose another"),
            (format!("[users.\"a b\"]\n{password}"), 1, "no blanks"),
        ] {
            let flaw = Accounts::parse(&text).expect_err(&text);
            assert_eq!(flaw.line, line, "{text}{flaw}");
            assert!(flaw.message.contains(words), "{text}{flaw}");
            assert!(!flaw.message.contains('\n'), "{text}{flaw}");
        }
    }

    #[test]
    fn names_that_a_user_may_have() {
        for good in ["a", "alice", "émile", "b.o-b_2", "ftpuser", &"x".repeat(64)] {
            assert_eq!(check_name(good), Ok(()));
        }
        let bad = ["", "a b", "a\tb", "a\u{a0}b", "a\0", "\u{7f}", "Anonymous", "fTP"];
        for bad in bad.into_iter().chain([&*"x".repeat(65)]) {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
    }
}
