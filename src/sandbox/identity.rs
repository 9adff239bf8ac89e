//! Identity: the user that the program becomes once it has taken what root alone can get, and the
//! refusal to serve others as root unless that was said.

use std::ffi::CString;

use nix::unistd::{User, geteuid, initgroups, setgid, setuid};

use super::capabilities;
use crate::config::{Config, Confinement};

/// User that the program serves as.
#[derive(Debug)]
pub enum Identity {
    /// The one that started it.
    Same,
    /// Root, without a word about it: a quick share, by flags alone.
    UntoldRoot,
    /// Another one, which root becomes.
    Other(Box<User>),
}

impl Identity {
    /// Chooses the user by what was said. `is_daemon` if settings come from a file: then somebody has
    /// thought about them.
    ///
    /// # Errors
    /// No such user, nobody to become another one, or root for a daemon without a word that this is
    /// meant.
    pub fn choose(confinement: &Confinement, is_daemon: bool) -> Result<Identity, String> {
        let is_root = geteuid().is_root();
        let Some(name) = &confinement.user else {
            return match (is_root, is_daemon) {
                (false, _) => Ok(Identity::Same),
                (true, false) => Ok(Identity::UntoldRoot),
                (true, true) => Err("it would serve as root: name a user to become, as user = \
                                     \"nobody\" (--user nobody), or say user = \"root\""
                    .to_owned()),
            };
        };
        let found = User::from_name(name);
        let user = match found.map_err(|error| format!("--user {name}: {error}"))? {
            Some(user) => user,
            None => return Err(format!("--user {name}: no such user; `getent passwd` has them")),
        };
        match (user.uid == geteuid(), is_root) {
            (true, _) => Ok(Identity::Same),
            (false, true) => Ok(Identity::Other(Box::new(user))),
            (false, false) => {
                Err(format!("--user {name}: only root can become another user; start it as root"))
            }
        }
    }

    /// Takes the identity, for all threads, with the groups that the user has; no way leads back. Of
    /// root's capabilities those stay that the configuration needs.
    ///
    /// # Errors
    /// The kernel refuses, or a name of the user is none.
    pub fn assume(&self, config: &Config) -> Result<(), String> {
        let Identity::Other(user) = self else { return Ok(()) };
        let refused = |error| format!("--user {}: the kernel refuses: {error}", user.name);
        let name = CString::new(user.name.as_str()).map_err(|_| format!("--user {}", user.name))?;
        let kept = capabilities::over_a_change_of_user(config);
        kept.begin().map_err(|error| refused(error.to_string()))?;
        initgroups(&name, user.gid)
            .and_then(|()| setgid(user.gid))
            .and_then(|()| setuid(user.uid))
            .map_err(|error| refused(error.to_string()))?;
        kept.finish().map_err(|error| refused(error.to_string()))
    }
}
