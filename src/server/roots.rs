//! Roots: the folders that users see as `/`. Each login follows its path anew, so that a folder that
//! was mounted, moved or made anew is what new sessions see; a folder is open as long as a session
//! is in it, so that a disk can be taken out.

use std::collections::HashMap;
use std::io;
use std::rc::{Rc, Weak};

use super::disk::{Device, Disk};
use crate::config::Reach;
use crate::fs::{Medium, Root, RootPath};

/// Devices that are remembered, unless more are in use.
const MOST_DEVICES: usize = 256;

/// Trouble with a root that is not one of the start.
const BEYOND: &str = "this folder was not there at the start, and is beyond the sandbox: restart to \
                      serve it";

/// Roots of the sessions that there are, and the devices that there have been.
#[derive(Debug, Default)]
pub(super) struct Roots {
    disks: HashMap<RootPath, Weak<Disk>>,
    /// Devices by number: how fast they answer is remembered from session to session.
    devices: HashMap<u64, Rc<Device>>,
    /// Folders that a sandbox leaves, where there is one.
    reach: Option<Reach>,
}

impl Roots {
    pub(super) fn new(reach: Option<Reach>) -> Roots {
        Roots { reach, ..Roots::default() }
    }

    /// Root that a path leads to now, if that can be found out without waiting: `None` is for a
    /// worker to open.
    pub(super) fn find(&mut self, path: &RootPath) -> Option<Rc<Disk>> {
        let found = path.recall()?;
        if let Some(disk) = self.open_at(path)
            && found.is(&disk.root)
        {
            return Some(disk);
        }
        let medium = self.devices.get(&found.device())?.medium;
        match medium {
            Medium::Remote => None,
            Medium::Memory | Medium::Disk => self.adopt(path, found.into_root(medium)).ok(),
        }
    }

    /// Takes in a root that was opened.
    ///
    /// # Errors
    /// The sandbox keeps it shut: nothing in it could be opened.
    pub(super) fn adopt(&mut self, path: &RootPath, root: Root) -> io::Result<Rc<Disk>> {
        if self.reach.as_ref().is_some_and(|reach| !reach.admits(path.path(), root.identity())) {
            return Err(io::Error::other(BEYOND));
        }
        if let Some(disk) = self.open_at(path)
            && disk.root.identity() == root.identity()
        {
            return Ok(disk);
        }
        let disk = Rc::new(Disk::new(self.device_of(&root), root));
        self.disks.retain(|_, disk| disk.strong_count() > 0);
        self.disks.insert(path.clone(), Rc::downgrade(&disk));
        Ok(disk)
    }

    fn open_at(&self, path: &RootPath) -> Option<Rc<Disk>> {
        self.disks.get(path)?.upgrade()
    }

    fn device_of(&mut self, root: &Root) -> Rc<Device> {
        if self.devices.len() >= MOST_DEVICES {
            self.devices.retain(|_, device| Rc::strong_count(device) > 1);
        }
        // Numbers are given anew, to disks of another kind too.
        match self.devices.get(&root.device()) {
            Some(device) if device.medium == root.medium() => Rc::clone(device),
            _ => {
                let device = Rc::new(Device::new(root.medium()));
                self.devices.insert(root.device(), Rc::clone(&device));
                device
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_is_shared_while_it_is_the_same_folder_and_closed_after_its_last_session() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("root");
        let path = RootPath::User(place.clone());
        std::fs::create_dir(&place).unwrap();
        let mut roots = Roots::default();
        assert!(roots.find(&path).is_none(), "nothing is known of the device");
        let first = roots.adopt(&path, path.open().unwrap()).unwrap();
        let second = roots.find(&path).unwrap();
        assert!(Rc::ptr_eq(&first, &second));
        std::fs::rename(&place, folder.path().join("old")).unwrap();
        assert!(roots.find(&path).is_none(), "there is none");
        std::fs::create_dir(&place).unwrap();
        path.recall();
        let made_anew = roots.adopt(&path, path.open().unwrap()).unwrap();
        assert_ne!(made_anew.root.identity(), first.root.identity());
        assert!(Rc::ptr_eq(&roots.find(&path).unwrap(), &made_anew));
        let weak = Rc::downgrade(&made_anew);
        drop(made_anew);
        assert!(weak.upgrade().is_none(), "it is held by nobody");
        assert!(roots.find(&path).is_some(), "the device is known");
    }
}
