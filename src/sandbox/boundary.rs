//! Boundary: the folders and ports that a sandbox leaves to the process. They are known at the start and
//! never become more, so a reload that wants others is refused in so many words.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use super::files;
use crate::config::{Config, Confinement, Error, Reach, Sandbox, Users, folders_on_the_way};

/// Folders and ports that are left to the process.
#[derive(Clone, Debug, Default)]
pub struct Boundary {
    /// Folders that are served, links followed.
    served: Vec<PathBuf>,
    /// Folders whose files are read at a reload.
    read: Vec<PathBuf>,
    /// Ports that may be listened on and connected from; `None` for all.
    ports: Option<BTreeSet<u16>>,
    /// The folders again, for the server to know them; `None` if the kernel does not keep the boundary.
    reach: Option<Reach>,
}

impl Boundary {
    /// Boundary of a server with this configuration, which was read from `file`.
    ///
    /// # Errors
    /// The users file cannot be read.
    pub fn of(
        config: &Config,
        confinement: &Confinement,
        file: Option<PathBuf>,
    ) -> Result<Boundary, Error> {
        let is_kept = confinement.sandbox != Sandbox::Off && files::is_available();
        let users = Users::open(config)?;
        let roots = users.all().filter_map(|account| account.root.as_ref()).chain([&config.root]);
        let found = roots.filter_map(|root| {
            let written = std::path::absolute(root).ok()?;
            // Its links may be hidden from this process, and followed by the kernel all the same.
            let real = root.canonicalize().unwrap_or_else(|_| written.clone());
            Some((written, real))
        });
        let found = found.map(|(written, root)| match confinement.sandbox {
            Sandbox::Best | Sandbox::Off => (with_neighbours(written), with_neighbours(root)),
            Sandbox::Required => (written, root),
        });
        let found: Vec<(PathBuf, PathBuf)> = found.collect();
        let reach = is_kept.then(|| Reach::new(&found));
        let served = outermost(found.into_iter().map(|(_, root)| root).collect());
        // A file may name other ports at a reload, the command line cannot.
        let fixed = is_kept && file.is_none() && files::keeps_ports();
        let range = config.passive_ports.clone().filter(|_| fixed);
        let ports = range.map(|passive| {
            // Port 0 stands for those that the kernel chooses.
            listeners(config).chain(passive).chain(config.active_port).chain([0]).collect()
        });
        let files = file.into_iter().chain(config.files());
        let read = outermost(files.flat_map(|file| folders_on_the_way(&file)).collect());
        Ok(Boundary { served, read, ports, reach })
    }

    /// Configuration whose users are watched for roots beyond the boundary.
    pub fn around(&self, mut config: Config) -> Config {
        config.reach.clone_from(&self.reach);
        config
    }

    /// The same for one that comes with a reload.
    ///
    /// # Errors
    /// One line for the log: it needs something beyond the boundary.
    pub fn around_new(&self, config: Config) -> Result<Config, String> {
        if self.reach.is_none() {
            return Ok(config);
        }
        let beyond = |what: String| {
            Err(format!(
                "{what} is beyond the sandbox, which stays as it was at the start: restart"
            ))
        };
        if !self.serves(&config.root) {
            return beyond(format!("the root {}", config.root.display()));
        }
        let is_read =
            |file: &Path| folders_on_the_way(file).iter().all(|folder| self.reads(folder));
        if let Some(file) = config.files().into_iter().find(|file| !is_read(file)) {
            return beyond(format!("the file {}", file.display()));
        }
        Ok(self.around(config))
    }

    /// Folders that are served.
    pub fn served(&self) -> &[PathBuf] {
        &self.served
    }

    /// Folders whose files are read.
    pub fn read(&self) -> &[PathBuf] {
        &self.read
    }

    /// Ports that may be listened on and connected from, unless all may.
    pub fn ports(&self) -> Option<&BTreeSet<u16>> {
        self.ports.as_ref()
    }

    fn serves(&self, root: &Path) -> bool {
        let root = root.canonicalize();
        root.is_ok_and(|root| self.served.iter().any(|served| root.starts_with(served)))
    }

    fn reads(&self, folder: &Path) -> bool {
        self.read.iter().chain(&self.served).any(|read| folder.starts_with(read))
    }
}

/// Folder that a root is in, unless that is `/`: so a disk that is mounted on the root later is within
/// reach, a root that is made anew, and those of users who are yet to come, since roots lie together.
fn with_neighbours(root: PathBuf) -> PathBuf {
    match root.parent().filter(|folder| folder.parent().is_some()) {
        Some(folder) => folder.to_owned(),
        None => root,
    }
}

/// Folders without those that are within others.
fn outermost(mut folders: Vec<PathBuf>) -> Vec<PathBuf> {
    folders.sort();
    folders.dedup_by(|inner, outer| inner.starts_with(outer));
    folders
}

/// Ports of the listeners.
fn listeners(config: &Config) -> impl Iterator<Item = u16> {
    config.listen.iter().chain(&config.listen_tls).map(|address| address.port())
}

impl fmt::Display for Boundary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |folders: &[PathBuf]| {
            let folders = folders.iter().map(|folder| folder.display().to_string());
            folders.collect::<Vec<_>>().join(", ")
        };
        f.write_str(&list(&self.served))?;
        if !self.read.is_empty() {
            write!(f, ", to read {}", list(&self.read))?;
        }
        match &self.ports {
            Some(_) => f.write_str(", and the ports that it names"),
            None => Ok(()),
        }
    }
}
