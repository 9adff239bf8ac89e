//! Replacing: what a file had besides its content, and who learns that it is another.

use super::*;
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::fs::{XattrFlags, chown, getxattr, setxattr};
use std::mem::MaybeUninit;
use std::os::unix::fs::MetadataExt;

const ACL: &str = "system.posix_acl_access";
const DEFAULT_ACL: &str = "system.posix_acl_default";

/// Access control list: `rw-` for the owner and the user 4711, `r--` for the group.
fn acl() -> Vec<u8> {
    let nobody = u32::MAX;
    let entries: [(u16, u16, u32); 5] =
        [(1, 6, nobody), (2, 6, 4711), (4, 4, nobody), (0x10, 6, nobody), (0x20, 0, nobody)];
    let mut bytes = 2_u32.to_le_bytes().to_vec();
    for (tag, permissions, id) in entries {
        bytes.extend_from_slice(&tag.to_le_bytes());
        bytes.extend_from_slice(&permissions.to_le_bytes());
        bytes.extend_from_slice(&id.to_le_bytes());
    }
    bytes
}

impl Tree {
    fn set(&self, name: &str, attribute: &str, value: &[u8]) -> bool {
        setxattr(self.path(name), attribute, value, XattrFlags::empty()).is_ok()
    }

    fn attribute(&self, name: &str, attribute: &str) -> Option<Vec<u8>> {
        let mut value = vec![0; 1000];
        let length = getxattr(self.path(name), attribute, value.as_mut_slice()).ok()?;
        value.truncate(length);
        Some(value)
    }

    fn mode_of(&self, name: &str) -> u32 {
        fs::metadata(self.path(name)).unwrap().permissions().mode() & 0o7777
    }

    fn store_as(&self, name: &str, new: NewFile) {
        let mode = UploadMode::Replace;
        let mut upload = self.root.upload(&v(name), mode, PartialUploads::Keep, new).unwrap();
        upload.begin().unwrap();
        upload.write(b"new").unwrap();
        upload.finish().unwrap();
        assert_eq!(self.read(name), "new");
    }

    fn store(&self, name: &str) {
        self.store_as(name, NewFile::default());
    }
}

/// What another machine's disk did not find for a moment was replaced by what was to be added to it.
#[test]
fn an_append_that_found_no_file_replaces_none() {
    let tree = Tree::new();
    let (keep, new) = (PartialUploads::Keep, NewFile::default());
    let mut upload = tree.root.upload(&v("log"), UploadMode::Append, keep, new).unwrap();
    upload.begin().unwrap();
    upload.write(b"added").unwrap();
    tree.write("log", "old content");
    assert_eq!(upload.finish(), Err(Refusal::Exists));
    drop(upload);
    assert_eq!(tree.read("log"), "old content");
}

/// They were lost with the old content.
#[test]
fn a_replaced_file_keeps_its_attributes_and_its_access_control_list() {
    let tree = Tree::new();
    tree.write("file", "old");
    let (has_attributes, has_acls) =
        (tree.set("file", "user.origin", b"camera 3"), tree.set("file", ACL, &acl()));
    let mode = tree.mode_of("file");
    tree.store("file");
    assert_eq!(tree.mode_of("file"), mode);
    if has_attributes {
        assert_eq!(tree.attribute("file", "user.origin").as_deref(), Some(&b"camera 3"[..]));
    }
    if has_acls {
        assert_eq!(tree.attribute("file", ACL), Some(acl()));
    }
}

/// A file that was shut to a user became readable to that user.
#[test]
fn a_replaced_file_gets_no_access_control_list_that_it_had_not() {
    let tree = Tree::new();
    tree.write("file", "old");
    fs::set_permissions(tree.path("file"), fs::Permissions::from_mode(0o640)).unwrap();
    if tree.set("", DEFAULT_ACL, &acl()) {
        tree.store("file");
        assert_eq!((tree.attribute("file", ACL), tree.mode_of("file")), (None, 0o640));
        tree.store("new");
        let inherited = tree.attribute("new", ACL).expect("that of the folder");
        assert!(inherited.windows(4).any(|id| id == 4711_u32.to_le_bytes()));
    }
}

#[test]
#[ignore = "needs root: gives a file away"]
fn a_replaced_file_keeps_its_owner() {
    let tree = Tree::new();
    tree.write("file", "old");
    let (owner, group) = (rustix::fs::Uid::from_raw(1234), rustix::fs::Gid::from_raw(2345));
    chown(tree.path("file"), Some(owner), Some(group)).unwrap();
    fs::set_permissions(tree.path("file"), fs::Permissions::from_mode(0o640)).unwrap();
    tree.store("file");
    let metadata = fs::metadata(tree.path("file")).unwrap();
    assert_eq!((metadata.uid(), metadata.gid(), tree.mode_of("file")), (1234, 2345, 0o640));
}

/// SITE UMASK 000 made files and folders that the process's own umask would never have made.
#[test]
fn a_umask_only_ever_takes() {
    let tree = Tree::new();
    tree.write("plain", "");
    fs::create_dir(tree.path("plain folder")).unwrap();
    let new = |umask| NewFile { umask: Some(umask), ..NewFile::default() };
    tree.store_as("wide", new(0));
    tree.store_as("narrow", new(0o077));
    assert_eq!(tree.mode_of("wide"), tree.mode_of("plain"));
    assert_eq!(tree.mode_of("narrow"), tree.mode_of("plain") & !0o077);
    tree.root.make_dir(&v("wide folder"), Some(0)).unwrap();
    assert_eq!(tree.mode_of("wide folder"), tree.mode_of("plain folder"));
}

/// A copy of a private file was readable to everybody.
#[test]
fn a_copy_has_the_permissions_of_its_source() {
    let tree = Tree::new();
    tree.write("private", "content");
    fs::set_permissions(tree.path("private"), fs::Permissions::from_mode(0o700)).unwrap();
    let from = tree.root.download(&v("private"), 0).unwrap();
    let (mode, new) = (UploadMode::Replace, NewFile::default());
    let to = tree.root.upload(&v("copy"), mode, PartialUploads::Discard, new).unwrap();
    let mut job = FileJob::copy(from, to).unwrap();
    while let JobState::More(next) = job.step(&mut [0; 100], 100).unwrap() {
        job = next;
    }
    assert_eq!((tree.read("copy").as_str(), tree.mode_of("copy")), ("content", 0o700));
}

/// The event bore a number for a name, and incron or lsyncd never sent the file on.
#[test]
fn a_watcher_learns_the_name_of_a_file() {
    let tree = Tree::new();
    let watch = inotify::init(CreateFlags::NONBLOCK).unwrap();
    let wanted = WatchFlags::CLOSE_WRITE | WatchFlags::MOVED_TO;
    inotify::add_watch(&watch, tree.path(""), wanted).unwrap();
    for what in ["new", "replaced"] {
        tree.store("file");
        let mut room = [MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(&watch, &mut room);
        let mut named = 0;
        while let Ok(event) = reader.next() {
            let complete = ReadFlags::CLOSE_WRITE | ReadFlags::MOVED_TO;
            let is_file = event.file_name().is_some_and(|name| name.to_bytes() == b"file");
            named += usize::from(is_file && event.events().intersects(complete));
        }
        assert_eq!(named, 1, "{what}");
    }
}
