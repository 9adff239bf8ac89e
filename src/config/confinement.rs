//! Confinement: what the program is told to give up before a client is heard. Words only; giving it
//! up is the business of `sandbox`.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use super::{Config, Pem, TlsIdentity};
use crate::users::ValueError;

/// Links that are followed, as many as the kernel follows.
const LINKS: usize = 40;

/// Confinement of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confinement {
    /// Name of the user to become, or to stay, if it was said.
    pub user: Option<String>,
    /// Help of the kernel that is asked for.
    pub sandbox: Sandbox,
}

/// Help of the kernel in keeping this process to its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sandbox {
    /// As much as this kernel has.
    Best,
    /// All of it, or the server does not start.
    Required,
    /// None.
    Off,
}

impl FromStr for Sandbox {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Sandbox, ValueError> {
        match text {
            "best" => Ok(Sandbox::Best),
            "required" => Ok(Sandbox::Required),
            "off" => Ok(Sandbox::Off),
            _ => Err(ValueError::new("write one of best, required, off")),
        }
    }
}

/// Folders that the process can still serve: a sandbox that was entered never becomes wider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reach {
    /// Folders that are served with all within, without links and as they are written.
    folders: Arc<[PathBuf]>,
    /// Roots that are within no other, and the numbers of their device and of themselves there.
    outermost: Arc<[(PathBuf, (u64, u64))]>,
}

impl Reach {
    /// Reach of these roots, given as they are written and with links followed.
    pub(crate) fn new(roots: &[(PathBuf, PathBuf)]) -> Reach {
        let folders = roots.iter().flat_map(|(written, root)| [written.clone(), root.clone()]);
        let is_within = |inner: &Path, outer: &Path| inner != outer && inner.starts_with(outer);
        let outermost = roots.iter().filter_map(|(written, root)| {
            let is_inner = roots.iter().any(|(_, outer)| is_within(root, outer));
            let facts = root.metadata().ok().filter(|_| !is_inner)?;
            Some((written.clone(), (facts.dev(), facts.ino())))
        });
        Reach { folders: folders.collect(), outermost: outermost.collect() }
    }

    /// True if this path is one of theirs as it is written: no disk is waited for.
    pub(crate) fn holds(&self, path: &Path) -> bool {
        self.folders.iter().any(|folder| path.starts_with(folder))
    }

    /// True if the folder of these numbers, which this path led to, can be served: the kernel knows
    /// folders, and one that was made anew or mounted under an old path is another one.
    pub(crate) fn admits(&self, path: &Path, identity: (u64, u64)) -> bool {
        match self.outermost.iter().find(|(written, _)| written == path) {
            Some((_, known)) => *known == identity,
            None => self.holds(path),
        }
    }
}

impl Config {
    /// Files that are read at the start and again at a reload.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let tls = self.tls.as_ref();
        let pairs = match tls.map(|tls| &tls.identity) {
            Some(TlsIdentity::Certificates(pairs)) => &pairs[..],
            Some(TlsIdentity::SelfSigned) | None => &[],
        };
        let texts = pairs.iter().flat_map(|pair| [&pair.certificate, &pair.key]);
        let texts = texts.chain(tls.and_then(|tls| tls.client_ca.as_ref()));
        let files = texts.filter_map(|text| match text {
            Pem::File(path) => Some(path),
            Pem::Text(_) => None,
        });
        self.users.iter().chain(files).cloned().collect()
    }
}

/// Folders that hold a file, or a link on the way to it: those who replace one, replace it there.
pub(crate) fn folders_on_the_way(file: &Path) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    let mut file = file.to_owned();
    for _ in 0..LINKS {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        let Ok(folder) = folder.unwrap_or(Path::new(".")).canonicalize() else { break };
        let target = file.read_link().map(|target| folder.join(target));
        folders.push(folder);
        match target {
            Ok(target) => file = target,
            Err(_) => break,
        }
    }
    folders
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_root_made_anew_is_beyond_reach_unless_it_is_within_another() {
        let folder = tempfile::tempdir().unwrap();
        let (root, inner) = (folder.path().join("root"), folder.path().join("root/inner"));
        fs::create_dir_all(&inner).unwrap();
        let pair = |path: &PathBuf| (path.clone(), path.canonicalize().unwrap());
        let reach = Reach::new(&[pair(&root), pair(&inner)]);
        let identity = |path: &PathBuf| {
            let facts = path.metadata().unwrap();
            (facts.dev(), facts.ino())
        };
        assert!(reach.admits(&root, identity(&root)) && reach.admits(&inner, identity(&inner)));
        assert!(!reach.admits(folder.path(), identity(&root)));
        fs::rename(&root, folder.path().join("old")).unwrap();
        fs::create_dir_all(&inner).unwrap();
        assert!(!reach.admits(&root, identity(&root)) && reach.admits(&inner, identity(&inner)));
        assert!(reach.holds(&inner.join("x")) && !reach.holds(folder.path()));
    }

    /// Certificates of certbot are links into a folder where the renewed ones come.
    #[test]
    fn the_folders_of_a_file_are_those_of_all_links_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().canonicalize().unwrap();
        for name in ["live", "archive", "etc"] {
            fs::create_dir(top.join(name)).unwrap();
        }
        fs::write(top.join("archive/chain1.pem"), "").unwrap();
        symlink("../archive/chain1.pem", top.join("live/chain.pem")).unwrap();
        symlink(top.join("live/chain.pem"), top.join("etc/chain.pem")).unwrap();
        let folders = folders_on_the_way(&top.join("etc/chain.pem"));
        assert_eq!(folders, ["etc", "live", "archive"].map(|name| top.join(name)));
        assert_eq!(folders_on_the_way(&top.join("missing")), std::slice::from_ref(&top));
        symlink("loop", top.join("loop")).unwrap();
        assert_eq!(folders_on_the_way(&top.join("loop")).len(), LINKS);
    }
}
