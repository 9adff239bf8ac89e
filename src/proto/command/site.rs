//! SITE: commands of our own, as other servers have them too.

use super::change::{umask, utime};
use super::{Command, Misuse, ModeChange, split};
use crate::proto::verb::Rule;

pub(super) fn site(rule: &'static Rule, raw: &[u8]) -> Result<Command, Misuse> {
    let (name, argument) = split(raw);
    let argument = argument.unwrap_or_default();
    let malformed = Misuse::Malformed(rule);
    let path = || if argument.is_empty() { Err(malformed) } else { Ok(argument.to_vec()) };
    Ok(match name.to_ascii_uppercase().as_slice() {
        b"CHMOD" => {
            let (mode, path) = split(argument);
            let path = path.filter(|path| !path.is_empty()).ok_or(malformed)?;
            Command::SiteChmod(ModeChange::parse(mode).ok_or(malformed)?, path.to_vec())
        }
        b"CPFR" => Command::SiteCpfr(path()?),
        b"CPTO" => Command::SiteCpto(path()?),
        b"HELP" => Command::SiteHelp,
        b"UMASK" if argument.is_empty() => Command::SiteUmask(None),
        b"UMASK" => Command::SiteUmask(Some(umask(argument.trim_ascii()).ok_or(malformed)?)),
        b"UTIME" => {
            let (change, path) = utime(argument).ok_or(malformed)?;
            Command::SiteUtime(change, path)
        }
        _ => return Err(Misuse::Unsupported(rule)),
    })
}
