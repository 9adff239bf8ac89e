//! Capabilities: the parts of root's power, of which a server needs few or none.

use std::io;

use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, capability_is_in_bounding_set,
    clear_ambient_capability_set, remove_capability_from_bounding_set, set_capabilities,
    set_keep_capabilities, set_no_new_privs,
};

use crate::config::Config;

/// First port that everybody may listen on, unless the machine says otherwise.
const FIRST_FREE_PORT: u16 = 1024;

/// Capabilities for the files of all users: to read and change them, and to hand owner, group, mode and
/// times of a file on to the one that replaces it. Root has them, and whom the operator gave them to.
const FOR_FILES: CapabilitySet = CapabilitySet::CHOWN
    .union(CapabilitySet::DAC_OVERRIDE)
    .union(CapabilitySet::DAC_READ_SEARCH)
    .union(CapabilitySet::FOWNER)
    .union(CapabilitySet::FSETID);

/// Capabilities that a server with this configuration may keep, if it has them.
pub(super) fn needed(config: &Config) -> CapabilitySet {
    for_ports(config) | FOR_FILES
}

/// The capability for low ports, if one is named: passive and active ports are bound later, and a
/// reload may go from one listener to another.
fn for_ports(config: &Config) -> CapabilitySet {
    let listeners = config.listen.iter().chain(&config.listen_tls).map(|address| address.port());
    let passive = config.passive_ports.as_ref().map(|ports| *ports.start());
    let mut ports = listeners.chain(passive).chain(config.active_port);
    match ports.any(|port| (1..FIRST_FREE_PORT).contains(&port)) {
        true => CapabilitySet::NET_BIND_SERVICE,
        false => CapabilitySet::empty(),
    }
}

/// Keeps these capabilities at most, for good: no program that is started can give others.
pub(super) fn keep(wanted: CapabilitySet) -> Result<String, String> {
    match keep_at_most(wanted) {
        Ok(kept) if kept.is_empty() => Ok("no capabilities".to_owned()),
        Ok(kept) => {
            let names = kept.iter_names().map(|(name, _)| format!("CAP_{name}"));
            Ok(format!("no capabilities but {}", names.collect::<Vec<_>>().join(", ")))
        }
        Err(error) => Err(format!("capabilities cannot be given up: {error}")),
    }
}

fn keep_at_most(wanted: CapabilitySet) -> io::Result<CapabilitySet> {
    bound(wanted)?;
    clear_ambient_capability_set()?;
    let kept = hold(wanted)?;
    set_no_new_privs(true)?;
    Ok(kept)
}

/// Takes all but these from what a program that is started can get, as far as this process may.
fn bound(wanted: CapabilitySet) -> io::Result<()> {
    if !capabilities(None)?.effective.contains(CapabilitySet::SETPCAP) {
        return Ok(());
    }
    for capability in CapabilitySet::all().difference(wanted) {
        // An older kernel does not know all of them.
        if capability_is_in_bounding_set(capability).unwrap_or(false) {
            remove_capability_from_bounding_set(capability)?;
        }
    }
    Ok(())
}

/// Holds those of these that it has, and no others.
fn hold(wanted: CapabilitySet) -> io::Result<CapabilitySet> {
    let kept = capabilities(None)?.permitted & wanted;
    let inheritable = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: kept, permitted: kept, inheritable })?;
    Ok(kept)
}

/// Capabilities that outlive the change from root to another user.
#[derive(Debug)]
pub(super) struct Kept(CapabilitySet);

/// Capabilities that are kept while root becomes another user.
pub(super) fn over_a_change_of_user(config: &Config) -> Kept {
    Kept(for_ports(config))
}

impl Kept {
    /// Has the kernel keep them, instead of taking all.
    pub(super) fn begin(&self) -> io::Result<()> {
        bound(self.0)?;
        Ok(set_keep_capabilities(!self.0.is_empty())?)
    }

    /// Makes them count for the new user, and drops all others.
    pub(super) fn finish(&self) -> io::Result<()> {
        hold(self.0)?;
        Ok(set_keep_capabilities(false)?)
    }
}
