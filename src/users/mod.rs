//! Users: who may log in, with which password and to do what, and the meaning of the users file.
//! Pure: it reads text, not files, and knows no clock.
//!
//! The file is TOML, one table a user:
//!
//! ```toml
//! [users.alice]
//! password = "$argon2id$v=19$…"   # `packetboat user add` writes it
//! access = "write"                # or "read", the default, "upload", "none", or rights one by one
//! access-in = { "/incoming" = "upload" }   # in folders of the user's, and all that is in them
//! root = "/srv/alice"             # default: the server's own
//! require-tls = "data"            # or "login"; default: what the server requires
//! certificate = "alice.example"   # lets in who shows one for this name, by --tls-client-ca
//! ```
//!
//! A user needs a password or a certificate, and may have both.

pub mod edit;
mod password;
mod policy;
mod rights;

pub(crate) use password::HashMemory;
pub use password::StoredPassword;
pub use policy::{PartialUploads, Replacing, RequireTls};
pub use rights::{Access, Right};

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use toml_edit::{Document, Item, Key, Table, Value};

/// A user who may log in. [`Account::new`] gives the defaults; assign to the fields that should
/// differ.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The name that USER gives: 1 to 64 bytes without blanks, and neither `anonymous` nor `ftp`.
    pub name: String,
    /// The password that PASS must give; `None` if only a certificate lets the user in.
    pub password: Option<StoredPassword>,
    /// The name in a certificate that lets the user in without a password.
    pub certificate: Option<String>,
    /// Connections that must be under TLS before the user may log in, and store or fetch.
    pub require_tls: RequireTls,
    /// Rights of the user.
    pub access: Access,
    /// Rights in folders, by the paths that the user sees, and in all that is in them. Of two the
    /// deeper one counts. The folder itself is part of the folder above.
    pub access_in: Vec<(String, Access)>,
    /// The folder that the user sees as `/`, absolute; `None` is the server's own.
    pub root: Option<PathBuf>,
}

impl Account {
    /// A user with a password who may read; every other setting is at its default.
    pub fn new(name: impl Into<String>, password: StoredPassword) -> Account {
        Account {
            name: name.into(),
            password: Some(password),
            certificate: None,
            require_tls: RequireTls::Off,
            access: Access::READ,
            access_in: Vec::new(),
            root: None,
        }
    }
}

/// Accounts that were checked one by one, no two of the same name, in their order.
#[derive(Clone, Debug, Default)]
pub struct Accounts(Vec<Account>);

impl Accounts {
    /// Takes accounts that were made in code.
    ///
    /// # Errors
    /// The name of the one that is wrong, and what would be right.
    pub fn check(given: &[Account]) -> Result<Accounts, (String, String)> {
        let mut accounts = Accounts::default();
        for account in given {
            let flaw = match accounts.find(account.name.as_bytes()) {
                Some(_) => Err("it is there twice; give each user one account".to_owned()),
                None => check(account),
            };
            flaw.map_err(|trouble| (account.name.clone(), trouble))?;
            accounts.0.push(account.clone());
        }
        Ok(accounts)
    }

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

/// A flaw of a users file: what is wrong, and what would be right.
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

/// Checks the name of a user; the error says what a name looks like.
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

/// The name is the anonymous user's, in any case; no account can have it.
pub fn is_anonymous(name: &[u8]) -> bool {
    ANONYMOUS.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
}

/// Names that log in without an account, whatever their password.
const ANONYMOUS: [&str; 2] = ["anonymous", "ftp"];

/// Checks that somebody can log in by an account; the error says what would be right.
fn check(account: &Account) -> Result<(), String> {
    check_name(&account.name)?;
    if let Some(name) = &account.certificate {
        check_certificate(name)?;
    }
    if let Some((folder, _)) = account.access_in.iter().find(|(folder, _)| !folder.starts_with('/'))
    {
        return Err(format!("its folder {folder} is a relative path; begin it with a /"));
    }
    if account.root.as_deref().is_some_and(Path::is_relative) {
        return Err("its root is a relative path; give an absolute one".to_owned());
    }
    match (&account.password, &account.certificate) {
        (None, None) => Err("it has neither a password nor a certificate".to_owned()),
        (Some(_), _) | (None, Some(_)) => Ok(()),
    }
}

/// A text that isn't the value it is read as. Its message says what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueError(Cow<'static, str>);

impl ValueError {
    pub(crate) fn new(message: impl Into<Cow<'static, str>>) -> ValueError {
        ValueError(message.into())
    }
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ValueError {}

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
    let (mut password, mut access, mut root) = (None, Access::READ, None);
    let (mut certificate, mut require_tls, mut access_in) = (None, RequireTls::Off, Vec::new());
    for (key, item) in table.iter() {
        let flaw = |message: String| (place(table, key, item), message);
        let text = || item.as_str().ok_or_else(|| flaw(format!("write {key} = \"…\", a string")));
        match key {
            "password" => password = Some(stored(text()?).map_err(flaw)?),
            "access" => access = rights(item).map_err(flaw)?,
            "access-in" => access_in = folders(item).map_err(flaw)?,
            "root" => root = Some(absolute(text()?).map_err(flaw)?),
            "certificate" => certificate = Some(certified(text()?).map_err(flaw)?),
            "require-tls" => require_tls = value(text()?).map_err(flaw)?,
            _ => {
                return Err(flaw(format!(
                    "unknown key `{key}`; there are password, access, access-in, root, require-tls, \
                     certificate"
                )));
            }
        }
    }
    if password.is_none() && certificate.is_none() {
        return Err((header.start, format!("{name} has no password; {BY_HAND}")));
    }
    let name = name.clone();
    Ok(Account { name, password, certificate, require_tls, access, access_in, root })
}

/// Rights, as one text or as a list of them.
fn rights(item: &Item) -> Result<Access, String> {
    match item {
        Item::Value(Value::Array(list)) => {
            let one = |each: &Value| each.as_str().map(value::<Access>);
            let all = list.iter().map(|each| one(each).unwrap_or_else(|| value::<Access>("")));
            all.reduce(|some, more| Ok(some?.or(more?))).unwrap_or(Ok(Access::NONE))
        }
        item => value(item.as_str().unwrap_or_default()),
    }
}

/// Rights in folders, as a table of its own.
fn folders(item: &Item) -> Result<Vec<(String, Access)>, String> {
    let table = item.as_table_like().ok_or("write access-in = { \"/folder\" = \"read\" }")?;
    let folder = |(name, item): (&str, &Item)| match name.starts_with('/') {
        true => Ok((name.to_owned(), rights(item)?)),
        false => Err(format!("{name} is a relative path; begin it with a /")),
    };
    table.iter().map(folder).collect()
}

fn value<T: FromStr<Err = ValueError>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: ValueError| error.to_string())
}

fn certified(text: &str) -> Result<String, String> {
    check_certificate(text).map(|()| text.to_owned())
}

fn check_certificate(name: &str) -> Result<(), String> {
    let label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let wrong = || "certificate is a name as in a certificate: \"alice.example\"".to_owned();
    name.split('.').all(label).then_some(()).ok_or_else(wrong)
}

fn stored(text: &str) -> Result<StoredPassword, String> {
    StoredPassword::parse(text)
        .map_err(|why| format!("password is no argon2id hash: {why}; {BY_HAND}"))
}

/// Advice without `user passwd`: every edit asks for a file without a flaw.
const BY_HAND: &str = "delete the user's lines and run `packetboat user add`";

fn absolute(text: &str) -> Result<PathBuf, String> {
    let folder = Path::new(text);
    let relative = || "root is an absolute path: root = \"/…\"".to_owned();
    folder.is_absolute().then(|| folder.to_owned()).ok_or_else(relative)
}

/// Begin of an entry of `table` in the text.
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
        assert_eq!(seen, [("alice", Access::WRITE, Some(root)), ("b.o.b", Access::READ, None)]);
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
            (format!("[users.alice]\n{password}access = \"all\"\n"), 3, "\"read\", \"write\""),
            (format!("[users.alice]\n{password}access = [\"get\", 1]\n"), 3, "\"read\""),
            (format!("[users.alice]\n{password}access-in = 7\n"), 3, "/folder"),
            (format!("[users.alice]\n{password}access-in = {{ in = \"read\" }}\n"), 3, "begin it"),
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
    fn an_account_by_which_nobody_could_log_in_is_refused() {
        let good = Account::new("alice", StoredPassword::decoy());
        let of = |change: &dyn Fn(&mut Account)| {
            let mut account = good.clone();
            change(&mut account);
            account
        };
        let certified = of(&|account| {
            account.password = None;
            account.certificate = Some("alice.example".to_owned());
            account.root = Some("/srv".into());
        });
        for account in [good.clone(), certified] {
            let given = [account];
            assert_eq!(Accounts::check(&given).unwrap().0, given);
        }
        for (bad, words) in [
            (of(&|account| account.name = "a b".to_owned()), "no blanks"),
            (of(&|account| account.password = None), "neither a password"),
            (of(&|account| account.certificate = Some("a b".to_owned())), "certificate is a name"),
            (of(&|account| account.root = Some("srv".into())), "absolute"),
            (of(&|account| account.access = Access::WRITE), "twice"),
        ] {
            let bob = Account::new("bob", StoredPassword::decoy());
            let given = if words == "twice" { [good.clone(), bad] } else { [bob, bad] };
            let (name, trouble) = Accounts::check(&given).unwrap_err();
            assert_eq!(name, given[1].name);
            assert!(trouble.contains(words), "{trouble}");
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
