//! `packetboat user add|passwd|remove|list`: the users file, changed and shown from the command
//! line. The command speaks with a person or a script, never with a server, which notices the new
//! file itself.

use super::users_file::refused;
use super::{UsersFile, edit_users_file, explain};
use crate::users::edit::{self, EditError};
use crate::users::{Access, Account, Accounts, StoredPassword, check_name};
use clap::{Args, Subcommand};
use std::fs;
use std::io::{self, BufRead, IsTerminal};
use std::path::{Path, PathBuf};

/// Commands on the users of a file.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Add a user; the password is asked for, or read as one line of standard input
    Add {
        /// The user and the file.
        #[command(flatten)]
        user: UserName,
        /// What the user may do: read, write, upload, or rights one by one
        #[arg(long, value_name = "RIGHTS", default_value = "read")]
        access: Access,
        /// The folder that the user sees as / [default: the server's]
        #[arg(long, value_name = "DIR")]
        root: Option<PathBuf>,
    },
    /// Change a user's password, asked for or read as one line of standard input
    Passwd(UserName),
    /// Remove a user
    Remove(UserName),
    /// Show the users: name, access and root
    List {
        /// The users file
        #[arg(long, value_name = "FILE")]
        users: PathBuf,
    },
}

/// The user that a command is about, and the file.
#[derive(Debug, Args)]
pub struct UserName {
    /// The name that the user logs in with
    #[arg(value_parser = user_name)]
    name: String,
    /// The users file
    #[arg(long, value_name = "FILE")]
    users: PathBuf,
}

fn user_name(text: &str) -> Result<String, String> {
    check_name(text).map(|()| text.to_owned())
}

impl UserCommand {
    /// Runs the command: lines to print; the error is the one line to print instead.
    pub fn run(&self) -> Result<String, String> {
        match self {
            UserCommand::Add { user, access, root } => add(user, *access, root.as_deref()),
            UserCommand::Passwd(user) => passwd(user),
            UserCommand::Remove(user) => remove(user),
            UserCommand::List { users } => list(users),
        }
    }
}

fn add(user: &UserName, access: Access, root: Option<&Path>) -> Result<String, String> {
    let UserName { name, users } = user;
    let root = root.map(existing_folder).transpose()?;
    // A name that is taken is told before a password is typed twice.
    if users.exists() && is_known(user)? {
        return Err(explain(&refused(users, EditError::Exists(name.clone()))));
    }
    let password = new_password(name)?;
    let account = Account { access, root, ..Account::new(name, password) };
    change(users, |text| edit::add(text, &account))?;
    Ok(format!("Added {name} ({access}) to {}.\n", users.display()))
}

fn passwd(user: &UserName) -> Result<String, String> {
    let UserName { name, users } = user;
    if !is_known(user)? {
        return Err(explain(&refused(users, EditError::Missing(name.clone()))));
    }
    let password = new_password(name)?;
    change(users, |text| edit::set_password(text, name, &password))?;
    Ok(format!("Changed the password of {name} in {}.\n", users.display()))
}

fn remove(UserName { name, users }: &UserName) -> Result<String, String> {
    // An edit would take a missing file for an empty one.
    open(users)?;
    change(users, |text| edit::remove(text, name))?;
    Ok(format!("Removed {name} from {}.\n", users.display()))
}

fn list(users: &Path) -> Result<String, String> {
    match open(users)?.accounts() {
        accounts if accounts.iter().len() == 0 => Ok(format!("No users in {}.\n", users.display())),
        accounts => Ok(table(accounts)),
    }
}

fn table(accounts: &Accounts) -> String {
    let width = accounts.iter().map(|account| account.name.chars().count()).max().unwrap_or(0);
    let row = |Account { name, access, root, .. }: &Account| {
        let root = root.as_deref().unwrap_or(Path::new("(the server's)")).display();
        format!("{name:width$}  {access:5}  {root}\n")
    };
    accounts.iter().map(row).collect()
}

fn is_known(UserName { name, users }: &UserName) -> Result<bool, String> {
    Ok(open(users)?.accounts().find(name.as_bytes()).is_some())
}

fn open(users: &Path) -> Result<UsersFile, String> {
    UsersFile::open(users).map_err(|error| explain(&error))
}

fn change(
    users: &Path,
    edit: impl FnOnce(&str) -> Result<String, EditError>,
) -> Result<(), String> {
    edit_users_file(users, edit).map_err(|error| explain(&error))
}

/// The folder as the server will need it: absolute, wherever that one is started.
fn existing_folder(root: &Path) -> Result<PathBuf, String> {
    let shown = root.display();
    match fs::canonicalize(root) {
        Ok(folder) if folder.is_dir() => Ok(folder),
        Ok(_) => Err(format!("--root {shown}: not a folder; name the folder that it is in")),
        Err(error) => Err(format!("--root {shown}: {error}; name a folder that exists")),
    }
}

fn new_password(name: &str) -> Result<StoredPassword, String> {
    StoredPassword::hash(ask(name)?).map_err(|error| error.to_string())
}

/// Asks a person twice, a script once.
fn ask(name: &str) -> Result<Vec<u8>, String> {
    let unreadable = |error: io::Error| format!("the password could not be read: {error}");
    if !io::stdin().is_terminal() {
        return line_of(io::stdin().lock()).map_err(unreadable).and_then(usable);
    }
    let first = rpassword::prompt_password(format!("Password for {name}: ")).map_err(unreadable)?;
    let password = usable(first.into_bytes())?;
    let again = rpassword::prompt_password("The same again: ").map_err(unreadable)?;
    match again.as_bytes() == password {
        true => Ok(password),
        false => Err("the two passwords differ; nothing was changed".to_owned()),
    }
}

/// The first line, without its end.
fn line_of(input: impl BufRead) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    // A line end may follow a password of the greatest length.
    input.take(MOST_PASSWORD_BYTES + 2).read_until(b'\n', &mut line)?;
    if line.last() == Some(&b'\n') {
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
    }
    Ok(line)
}

/// Refuses what no client could send after PASS.
fn usable(password: Vec<u8>) -> Result<Vec<u8>, String> {
    if password.is_empty() {
        return Err("an empty password lets everybody in; give one that is not".to_owned());
    }
    if password.len() as u64 > MOST_PASSWORD_BYTES {
        return Err(format!("a password has at most {MOST_PASSWORD_BYTES} bytes"));
    }
    match password.iter().any(u8::is_ascii_control) {
        true => Err("a password has no control characters: FTP cannot carry them".to_owned()),
        false => Ok(password),
    }
}

const MOST_PASSWORD_BYTES: u64 = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_of_input_is_the_password() {
        for (input, line) in
            [("a b\n", "a b"), ("a\r\nrest", "a"), ("no end", "no end"), ("\n", ""), ("", "")]
        {
            assert_eq!(line_of(input.as_bytes()).unwrap(), line.as_bytes(), "{input:?}");
        }
    }

    #[test]
    fn a_password_is_what_a_client_can_send() {
        for good in [&b" a b "[..], b"\xc3\xa9", b"\xff", &[b'x'; 512]] {
            assert_eq!(usable(good.to_vec()).unwrap(), good);
        }
        for bad in [&b""[..], b"a\rb", b"a\0", &[b'x'; 513]] {
            usable(bad.to_vec()).expect_err("it cannot be sent");
        }
        let long = line_of(&[b'x'; 2000][..]).unwrap();
        usable(long).expect_err("a long line is refused, not cut");
    }

    #[test]
    fn a_list_is_aligned() {
        let account = |name: &str, access, root: Option<&str>| {
            let root = root.map(PathBuf::from);
            Account { access, root, ..Account::new(name, StoredPassword::decoy()) }
        };
        let mut text = String::new();
        for account in
            [account("émile", Access::READ, None), account("bo", Access::WRITE, Some("/srv/b"))]
        {
            text = edit::add(&text, &account).unwrap();
        }
        assert_eq!(
            table(&Accounts::parse(&text).unwrap()),
            "émile  read   (the server's)\nbo     write  /srv/b\n"
        );
    }
}
