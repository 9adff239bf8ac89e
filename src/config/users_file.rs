//! The users file on disk: read at the start, read again when it has changed, and changed by
//! `packetboat user`. The meaning of its text is decided in `users`; who may log in, elsewhere.

use super::{Error, ErrorKind};
use crate::users::edit::EditError;
use crate::users::{Accounts, Flaw};
use rustix::fs::{FlockOperation, flock};
use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

/// A users file and the accounts that it held when it was last good.
#[derive(Debug)]
pub struct UsersFile {
    path: PathBuf,
    accounts: Accounts,
    /// Stamp of the file when it was last read, good or bad; `None` is missing.
    stamp: Option<Stamp>,
    /// Trouble that the file was last in, which is said once.
    trouble: Option<String>,
}

/// News of a look at the users file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UsersNews {
    /// Changed, and read.
    Read {
        /// The file.
        path: String,
        /// Number of its users.
        users: usize,
    },
    /// Bad file, for this reason; nothing has changed.
    Bad(String),
}

impl UsersFile {
    /// Reads the file, and refuses one with any flaw.
    pub fn open(path: impl Into<PathBuf>) -> Result<UsersFile, Error> {
        let path = path.into();
        // The stamp is taken first: what is written after it is noticed by the next look.
        let stamp = Stamp::of(&path);
        let accounts = load(&path)?;
        Ok(UsersFile { path, accounts, stamp, trouble: None })
    }

    /// The users that may log in.
    pub fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// Look at the file that is to be taken, which may wait for its disk: see [`Look::take`].
    pub fn look(&self) -> Look {
        Look { path: self.path.clone(), stamp: self.stamp }
    }

    /// Takes in what a look found, so that a user added while the server runs can log in at once. A
    /// file that went bad or missing changes nothing, and is told once: users are not locked out
    /// because somebody mistypes.
    pub fn adopt(&mut self, seen: Seen) -> Option<UsersNews> {
        let Seen { stamp, loaded } = seen;
        match loaded {
            Ok(accounts) => {
                (self.accounts, self.stamp, self.trouble) = (accounts, stamp, None);
                let (path, users) = (self.path.display().to_string(), self.accounts.iter().len());
                Some(UsersNews::Read { path, users })
            }
            Err(error) => {
                // Descriptors may have run out, or a permission be missing: it is tried again.
                if stamp.is_none() || error.line().is_some() {
                    self.stamp = stamp;
                }
                let trouble = Some(error.to_string());
                let known = trouble == self.trouble;
                self.trouble = trouble;
                self.trouble.clone().filter(|_| !known).map(UsersNews::Bad)
            }
        }
    }
}

/// Look at a users file, apart from what was read of it before: any thread may take it.
#[derive(Debug)]
pub struct Look {
    path: PathBuf,
    stamp: Option<Stamp>,
}

impl Look {
    /// Reads the file if it has changed. Costs one stat where it has not.
    pub fn take(self) -> Option<Seen> {
        let stamp = Stamp::of(&self.path);
        (stamp != self.stamp).then(|| Seen { stamp, loaded: load(&self.path) })
    }
}

/// Users file as a look found it, other than before.
#[derive(Debug)]
pub struct Seen {
    stamp: Option<Stamp>,
    loaded: Result<Accounts, Error>,
}

/// Stamp of a file: it tells one version from the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

impl Stamp {
    fn of(path: &Path) -> Option<Stamp> {
        fs::metadata(path).ok().map(|facts| Stamp {
            device: facts.dev(),
            inode: facts.ino(),
            size: facts.size(),
            modified: (facts.mtime(), facts.mtime_nsec()),
        })
    }
}

/// Changes the users file by `edit`, from its old text to its new one; a missing file is an empty
/// text. Readers see the old file or the new one, whole, and two edits at once follow each other.
/// The file keeps its owner, and its mode becomes 0600.
pub fn edit_users_file(
    path: &Path,
    edit: impl FnOnce(&str) -> Result<String, EditError>,
) -> Result<(), Error> {
    let failed = |error: io::Error| trouble(path, error);
    let target = target(path).map_err(failed)?;
    let folder = target.parent().unwrap_or(Path::new("/"));
    // The lock is on the folder, since the file itself is replaced. It ends with `lock`.
    let lock = File::open(folder).map_err(failed)?;
    flock(&lock, FlockOperation::LockExclusive).map_err(|error| failed(error.into()))?;
    let (old, text) = match fs::metadata(&target) {
        Ok(facts) => (Some(facts), read(&target)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => (None, String::new()),
        Err(error) => return Err(failed(error)),
    };
    let text = edit(&text).map_err(|error| refused(path, error))?;
    replace(&target, old.as_ref(), &text).map_err(failed)?;
    lock.sync_all().map_err(failed)
}

/// The file that `path` names once symbolic links are followed, so that an edit leaves links alone.
fn target(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        found => return found,
    }
    if path.is_symlink() {
        return Err(io::Error::other("a symbolic link to a missing file; make that file first"));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = fs::canonicalize(folder.unwrap_or(Path::new(".")))
        .map_err(|error| io::Error::other(format!("its folder cannot be opened: {error}")))?;
    let name = path.file_name().ok_or_else(|| io::Error::other("not the name of a file"))?;
    Ok(folder.join(name))
}

/// Puts `text` under the name `target`, all at once.
fn replace(target: &Path, old: Option<&Metadata>, text: &str) -> io::Result<()> {
    let mut name = OsString::from(".");
    name.push(target.file_name().unwrap_or_default());
    name.push(".new");
    let new = target.with_file_name(name);
    // Under the lock nobody else is writing it: one that is there was left by a crash.
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let written = write(&new, old, text).and_then(|()| fs::rename(&new, target));
    if written.is_err() {
        // A failure here is left to the next edit, which tries again.
        let _ = fs::remove_file(&new);
    }
    written
}

fn write(path: &Path, old: Option<&Metadata>, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    // An administrator's edit must not take the file from the user that the server runs as.
    if let (Some(old), new) = (old, file.metadata()?)
        && (old.uid(), old.gid()) != (new.uid(), new.gid())
    {
        fchown(&file, Some(old.uid()), Some(old.gid()))?;
    }
    file.sync_all()
}

fn load(path: &Path) -> Result<Accounts, Error> {
    Accounts::parse(&read(path)?).map_err(|flaw| flawed(path, flaw))
}

fn read(path: &Path) -> Result<String, Error> {
    let failed = |error: io::Error| trouble(path, error);
    let facts = fs::metadata(path).map_err(failed)?;
    // Opening a FIFO or reading a device would never end.
    if !facts.is_file() || facts.len() > MOST_BYTES {
        let message = format!("not a users file; name a file of at most {MOST_BYTES} bytes");
        return Err(Error::content(ErrorKind::UsersFile, path, None, message));
    }
    let bytes = fs::read(path).map_err(failed)?;
    String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + good.iter().filter(|&&byte| byte == b'\n').count();
        flawed(path, Flaw { line, message: "not TOML: not UTF-8 text".to_owned() })
    })
}

const MOST_BYTES: u64 = 16 << 20;

fn trouble(path: &Path, error: io::Error) -> Error {
    Error::file(ErrorKind::UsersFile, path, error)
}

/// An edit's refusal, with the file that it is about.
pub(super) fn refused(path: &Path, error: EditError) -> Error {
    match error {
        EditError::Flawed(flaw) => flawed(path, flaw),
        error @ (EditError::Exists(_) | EditError::Missing(_) | EditError::Unwritable(_)) => {
            Error::content(ErrorKind::UsersFile, path, None, error.to_string())
        }
    }
}

fn flawed(path: &Path, flaw: Flaw) -> Error {
    Error::content(ErrorKind::UsersFile, path, Some(flaw.line), flaw.message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::users::{Account, StoredPassword, edit};
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn account(name: &str) -> Account {
        Account::new(name, StoredPassword::decoy())
    }

    fn add(path: &Path, name: &str) -> Result<(), Error> {
        edit_users_file(path, |text| edit::add(text, &account(name)))
    }

    fn names(file: &UsersFile) -> Vec<&str> {
        file.accounts().iter().map(|account| account.name.as_str()).collect()
    }

    fn refresh(file: &mut UsersFile) -> Option<UsersNews> {
        file.adopt(file.look().take()?)
    }

    #[test]
    fn refresh_follows_the_file_and_keeps_the_last_good_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users.toml");
        assert!(UsersFile::open(&path).unwrap_err().to_string().contains("no such file"));
        add(&path, "alice").unwrap();
        let mut file = UsersFile::open(&path).unwrap();
        assert_eq!(names(&file), ["alice"]);
        assert_eq!(refresh(&mut file), None, "nothing has changed");
        add(&path, "bob").unwrap();
        let read = |users| UsersNews::Read { path: path.display().to_string(), users };
        assert_eq!(refresh(&mut file), Some(read(2)));
        assert_eq!(names(&file), ["alice", "bob"]);
        fs::write(&path, "[users.cat").unwrap();
        assert!(matches!(refresh(&mut file), Some(UsersNews::Bad(_))));
        assert_eq!(names(&file), ["alice", "bob"], "a bad file locks nobody out");
        assert_eq!(refresh(&mut file), None, "what is bad is told once");
        fs::remove_file(&path).unwrap();
        assert!(matches!(refresh(&mut file), Some(UsersNews::Bad(_))));
        assert_eq!(names(&file), ["alice", "bob"], "nor does a missing one");
        add(&path, "cat").unwrap();
        assert_eq!(refresh(&mut file), Some(read(1)));
        assert_eq!(names(&file), ["cat"]);
    }

    /// A descriptor was missing when it had changed, and the change was never seen. Here a folder
    /// takes the file's place for a moment, since root may read everything.
    #[test]
    fn a_file_that_could_not_be_read_is_read_later() {
        let folder = tempfile::tempdir().unwrap();
        let (path, aside) = (folder.path().join("users.toml"), folder.path().join("aside"));
        add(&path, "alice").unwrap();
        let mut file = UsersFile::open(&path).unwrap();
        add(&path, "bob").unwrap();
        fs::rename(&path, &aside).unwrap();
        fs::create_dir(&path).unwrap();
        refresh(&mut file);
        let stamp = Stamp::of(&path);
        assert_ne!(file.stamp, stamp, "what was not read is not known");
        fs::remove_dir(&path).unwrap();
        fs::rename(&aside, &path).unwrap();
        refresh(&mut file);
        assert_eq!(names(&file), ["alice", "bob"]);
    }

    #[test]
    fn an_edit_is_private_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users.toml");
        fs::write(&path, "# ours\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        fs::write(folder.path().join(".users.toml.new"), "left by a crash").unwrap();
        add(&path, "alice").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        let before = fs::read_to_string(&path).unwrap();
        assert!(before.starts_with("# ours\n\n[users.alice]\n"), "{before}");
        assert!(add(&path, "alice").unwrap_err().to_string().contains("alice exists"));
        assert_eq!(fs::read_to_string(&path).unwrap(), before);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn edits_at_once_follow_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users.toml");
        std::thread::scope(|scope| {
            for number in 0..8 {
                let path = &path;
                scope.spawn(move || add(path, &format!("user{number}")).unwrap());
            }
        });
        assert_eq!(UsersFile::open(&path).unwrap().accounts().iter().len(), 8);
    }

    #[test]
    fn a_symbolic_link_stays_and_its_target_changes() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("real.toml"), folder.path().join("link.toml"));
        symlink("real.toml", &link).unwrap();
        assert!(add(&link, "alice").unwrap_err().to_string().contains("symbolic link"));
        fs::write(&path, "").unwrap();
        add(&link, "alice").unwrap();
        assert!(link.is_symlink());
        assert_eq!(names(&UsersFile::open(&path).unwrap()), ["alice"]);
    }

    #[test]
    fn what_is_no_users_file_is_refused_with_a_reason() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users.toml");
        fs::write(&path, b"# caf\xe9\n").unwrap();
        let no_text = UsersFile::open(&path).unwrap_err().to_string();
        assert!(no_text.contains("users.toml, line 1: not TOML"), "{no_text}");
        for open in [folder.path(), Path::new("/dev/zero")] {
            let refused = UsersFile::open(open).unwrap_err().to_string();
            assert!(refused.contains("not a users file"), "{refused}");
        }
        let nowhere = add(&folder.path().join("no/users.toml"), "alice").unwrap_err().to_string();
        assert!(nowhere.contains("its folder"), "{nowhere}");
    }
}
