//! Users of a server: those that were given in code, and those of the users file.

use super::{Config, Error, Look, Reach, Seen, UsersFile, UsersNews};
use crate::users::{Account, Accounts, StoredPassword};

/// Accounts that may log in by name.
#[derive(Debug)]
pub struct Users {
    given: Accounts,
    file: Option<UsersFile>,
    decoy: StoredPassword,
    reach: Option<Reach>,
}

impl Users {
    /// Checks the accounts of a configuration and reads its users file.
    ///
    /// # Errors
    /// An account by which nobody could log in, or a file that cannot be read or is flawed.
    pub fn open(config: &Config) -> Result<Users, Error> {
        let given = Accounts::check(&config.accounts)
            .map_err(|(name, trouble)| Error::account(&name, trouble))?;
        let file = config.users.as_ref().map(UsersFile::open).transpose()?;
        let (decoy, reach) = (StoredPassword::decoy(), config.reach.clone());
        let mut users = Users { given, file, decoy, reach };
        users.choose_decoy();
        Ok(users)
    }

    /// The user of this name, compared byte for byte; of two, the one that was given in code.
    pub fn find(&self, name: &[u8]) -> Option<&Account> {
        self.given.find(name).or_else(|| self.in_file()?.find(name))
    }

    /// Look at the users file, if there is one.
    pub fn look(&self) -> Option<Look> {
        self.file.as_ref().map(UsersFile::look)
    }

    /// Takes in what a look at the users file found; news of it are for the log.
    pub fn adopt(&mut self, seen: Seen) -> Option<UsersNews> {
        let news = self.file.as_mut()?.adopt(seen);
        self.choose_decoy();
        news
    }

    /// Password of nobody, which costs as much as the costliest of all users: an unknown name is
    /// checked against it.
    pub fn decoy(&self) -> &StoredPassword {
        &self.decoy
    }

    fn choose_decoy(&mut self) {
        let passwords = self.all().filter_map(|account| account.password.as_ref());
        self.decoy = StoredPassword::decoy_among(passwords);
    }

    /// Accounts of both sources.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Account> {
        [Some(&self.given), self.in_file()].into_iter().flatten().flat_map(Accounts::iter)
    }

    /// Users whose roots the sandbox keeps shut: one line each.
    pub(crate) fn beyond_reach(&self) -> Vec<String> {
        let Some(reach) = &self.reach else { return Vec::new() };
        let beyond = self.all().filter_map(|account| {
            let root = account.root.as_ref().filter(|root| !reach.holds(root))?;
            let (root, name) = (root.display(), account.name.escape_debug());
            Some(format!(
                "the root {root} of {name} was not there at the start, and is beyond the sandbox: \
                 restart to serve it"
            ))
        });
        beyond.collect()
    }

    /// Users of the file, if there is one.
    pub fn in_file(&self) -> Option<&Accounts> {
        self.file.as_ref().map(UsersFile::accounts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ErrorKind, edit_users_file};
    use crate::users::{Access, StoredPassword, edit};

    #[test]
    fn of_two_of_the_same_name_the_one_given_in_code_counts() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::new(folder.path());
        let path = folder.path().join("users.toml");
        for name in ["alice", "bob"] {
            let account = Account::new(name, StoredPassword::decoy());
            edit_users_file(&path, |text| edit::add(text, &account)).unwrap();
        }
        let mut alice = Account::new("alice", StoredPassword::decoy());
        alice.access = Access::WRITE;
        config.accounts = vec![alice.clone()];
        config.users = Some(path);
        let users = Users::open(&config).unwrap();
        assert_eq!(users.find(b"alice"), Some(&alice));
        assert_eq!(users.find(b"bob").map(|bob| bob.access), Some(Access::READ));
        assert_eq!(users.find(b"cat"), None);
        config.accounts.push(alice);
        assert_eq!(Users::open(&config).unwrap_err().kind(), ErrorKind::Account);
    }
}
