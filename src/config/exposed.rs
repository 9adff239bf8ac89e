//! Exposed files: those that decide who may come in, and that anybody on this machine may change.

use super::{Config, Pem, TlsIdentity};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Bit of a mode that lets everybody write.
const OTHERS_WRITE: u32 = 0o002;

impl Config {
    /// Users file and private keys that everybody on this machine may write to.
    pub(crate) fn exposed(&self) -> Vec<PathBuf> {
        let pairs = match self.tls.as_ref().map(|tls| &tls.identity) {
            Some(TlsIdentity::Certificates(pairs)) => &pairs[..],
            Some(TlsIdentity::SelfSigned) | None => &[],
        };
        let keys = pairs.iter().filter_map(|pair| match &pair.key {
            Pem::File(path) => Some(path),
            Pem::Text(_) => None,
        });
        let files = self.users.iter().chain(keys);
        files.filter(|path| others_may_write(path)).cloned().collect()
    }
}

fn others_may_write(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|facts| facts.mode() & OTHERS_WRITE != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{TlsConfig, TlsPair};
    use std::os::unix::fs::PermissionsExt;

    /// A users file and a key of mode 0666 were taken without a word.
    #[test]
    fn files_that_everybody_may_write_to_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, mode| {
            let path = folder.path().join(name);
            fs::write(&path, "").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            path
        };
        let mut config = Config::new(folder.path());
        assert!(config.exposed().is_empty());
        let (chain, key, safe) = (file("chain", 0o666), file("key", 0o602), file("safe", 0o660));
        let users = file("users", 0o666);
        let pairs = vec![TlsPair::files(&chain, &key), TlsPair::files(&chain, &safe)];
        config.tls = Some(TlsConfig::new(TlsIdentity::Certificates(pairs)));
        config.users = Some(users.clone());
        assert_eq!(config.exposed(), [users, key]);
        config.users = Some(folder.path().join("missing"));
        config.tls = Some(TlsConfig::new(TlsIdentity::SelfSigned));
        assert!(config.exposed().is_empty());
    }
}
