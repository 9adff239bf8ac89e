//! Files and ports that the process may still reach, by Landlock. Whatever else it tries to open, list or
//! bind, the kernel refuses, however it came by the name.

use std::io::ErrorKind::NotFound;
use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, NetPort, PathBeneath,
    PathFd, Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError, Scope,
};

use super::Boundary;

/// Version of Landlock that the rules are written for.
const RULES: ABI = ABI::V6;

/// Rights to what is served: all that a client may ask for. Kinds of files that are never made are among
/// them, for they may be renamed.
fn serving() -> BitFlags<AccessFs> {
    AccessFs::from_all(RULES) & !(AccessFs::Execute | AccessFs::IoctlDev)
}

/// True if this kernel can tell the files that are served from others. Before Linux 5.19 it would
/// refuse to rename a file from one folder to another.
pub(super) fn is_available() -> bool {
    ruleset().and_then(Ruleset::create).is_ok()
}

/// True if this kernel can tell ports as well (Linux 6.7).
pub(super) fn keeps_ports() -> bool {
    let rules = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
    rules.handle_access(AccessNet::BindTcp).and_then(Ruleset::create).is_ok()
}

fn ruleset() -> Result<Ruleset, RulesetError> {
    let rules = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::Refer)?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(RULES))?;
    rules.scope(Scope::from_all(RULES))
}

/// Allows what is within the boundary, and nothing else.
pub(super) fn allow_only(boundary: &Boundary) -> Result<String, String> {
    let lacking = |error: RulesetError| {
        format!("Landlock, which keeps it to its files, is not to be had (Linux 5.19): {error}")
    };
    let mut rules = ruleset().map_err(lacking)?;
    if boundary.ports().is_some() {
        rules = rules.handle_access(AccessNet::BindTcp).map_err(lacking)?;
    }
    let rules = rules.create().map_err(lacking)?;
    let rules = add_files(rules, boundary)?;
    let rules = add_ports(rules, boundary);
    let status = rules.and_then(RulesetCreated::restrict_self).map_err(lacking)?;
    Ok(format!("Landlock (ABI {}) leaves it {boundary}", ABI::from(status.landlock)))
}

fn add_files(mut rules: RulesetCreated, boundary: &Boundary) -> Result<RulesetCreated, String> {
    let refused = |path: &Path, error: &dyn std::fmt::Display| {
        format!("Landlock, which keeps it to its files, refuses {}: {error}", path.display())
    };
    let served = boundary.served().iter().map(|path| (path, serving()));
    let read = boundary.read().iter().map(|path| (path, AccessFs::ReadFile.into()));
    for (path, rights) in served.chain(read) {
        match PathFd::new(path) {
            Ok(folder) => {
                let rule = PathBeneath::new(folder, rights);
                rules = rules.add_rule(rule).map_err(|error| refused(path, &error))?;
            }
            // One that is not there cannot be reached either, and who named it has been told.
            Err(_) if path.symlink_metadata().is_err_and(|error| error.kind() == NotFound) => {}
            // Without a rule for it a sandbox would shut everybody out.
            Err(error) => return Err(refused(path, &error)),
        }
    }
    Ok(rules)
}

fn add_ports(
    mut rules: RulesetCreated,
    boundary: &Boundary,
) -> Result<RulesetCreated, RulesetError> {
    for port in boundary.ports().into_iter().flatten() {
        rules = rules.add_rule(NetPort::new(*port, AccessNet::BindTcp))?;
    }
    Ok(rules)
}
