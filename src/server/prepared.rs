//! Prepared: a configuration with all that it names opened and read, so that it can be put in force
//! without a doubt: at the start, at a reload, and for a check that puts nothing in force.

use super::certificates::{self, Loaded, Occasion};
use crate::config::{Config, Error, Users};
use crate::fs::{Root, RootPath};

/// Configuration that can be put in force.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) config: Config,
    pub(super) root: Root,
    pub(super) users: Users,
    pub(super) tls: Option<Loaded>,
}

impl Prepared {
    /// Opens the folder, the users file and the certificates. That may wait for their disks.
    ///
    /// # Errors
    /// A setting is wrong, or one of these cannot be had.
    pub(super) fn open(mut config: Config, occasion: Occasion) -> Result<Prepared, Error> {
        config.check()?;
        let root = RootPath::Server(config.root.clone()).open();
        let root = root.map_err(|source| Error::root(&config.root, source))?;
        // Each login follows the path, from wherever the process has gone by then.
        let absolute = std::path::absolute(&config.root);
        config.root = absolute.map_err(|source| Error::root(&config.root, source))?;
        let users = Users::open(&config)?;
        let tls = config.tls.as_ref();
        let tls = tls
            .map(|tls| {
                let listen = config.listen.iter().chain(&config.listen_tls);
                certificates::load(tls, occasion, listen)
            })
            .transpose()?;
        Ok(Prepared { config, root, users, tls })
    }

    /// Faults that are no reason not to serve: one line each.
    fn warnings(&self) -> Vec<String> {
        let accounts = self
            .config
            .accounts
            .iter()
            .chain(self.users.in_file().into_iter().flat_map(crate::users::Accounts::iter));
        let missing = accounts.filter_map(|account| {
            let root = account.root.as_ref()?;
            let error = RootPath::User(root.clone()).open().err()?;
            let name = account.name.escape_debug();
            Some(format!("the root {} of {name} cannot be opened: {error}", root.display()))
        });
        let outdated = self.tls.iter().flat_map(|tls| tls.warnings.iter().cloned());
        exposed(&self.config).chain(missing).chain(outdated).collect()
    }
}

/// Files of a configuration that everybody on this machine may change: a line for each.
pub(super) fn exposed(config: &Config) -> impl Iterator<Item = String> {
    config.exposed().into_iter().map(|path| {
        format!("{}: everybody on this machine may change it; chmod o-w", path.display())
    })
}

/// Faults of a configuration that would show themselves only while it is served: one line each.
///
/// # Errors
/// A setting is wrong, or a file or folder that it names cannot be had.
pub fn warnings(config: &Config) -> Result<Vec<String>, Error> {
    Ok(Prepared::open(config.clone(), Occasion::Check)?.warnings())
}
