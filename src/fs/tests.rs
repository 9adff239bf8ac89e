//! Tests of `fs` on a real directory: a root, with a folder beside it that nobody may reach.

mod confinement;
mod freeing;
mod leftovers;
mod power_cut;
mod refused;
mod replacing;
mod uploads;

use super::*;
use crate::proto::facts::Kind;
use crate::proto::path::VPath;
use crate::users::PartialUploads;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// `root/` served, `outside/secret` not.
struct Tree {
    directory: tempfile::TempDir,
    root: Root,
}

impl Tree {
    fn new() -> Tree {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("root")).unwrap();
        fs::create_dir(directory.path().join("outside")).unwrap();
        fs::write(directory.path().join("outside/secret"), "outside").unwrap();
        let root = RootPath::Server(directory.path().join("root")).open().unwrap();
        Tree { directory, root }
    }

    /// A tree whose names the kernel resolves, and one whose names are resolved step by step.
    fn of_both_resolvers() -> [Tree; 2] {
        let (by_kernel, by_steps) = (Tree::new(), Tree::new());
        let root = by_steps.root.by(Resolver::Steps);
        [by_kernel, Tree { root, ..by_steps }]
    }

    fn path(&self, name: impl AsRef<[u8]>) -> PathBuf {
        self.directory.path().join("root").join(OsStr::from_bytes(name.as_ref()))
    }

    fn write(&self, name: &str, content: &str) {
        fs::write(self.path(name), content).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn fifo(&self, name: &str) {
        mknodat(CWD, self.path(name), FileType::Fifo, Mode::from_raw_mode(0o666), 0).unwrap();
    }

    /// The names in the root's own directory, sorted, as the kernel sees them.
    fn names(&self) -> Vec<Vec<u8>> {
        let entries = fs::read_dir(self.path("")).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_vec()).collect();
        names.sort();
        names
    }
}

fn v(path: impl AsRef<[u8]>) -> VPath {
    VPath::root().join(path.as_ref())
}

/// Bytes that a download yields, three at a time.
fn content(mut download: Download) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 3];
    loop {
        match download.read(&mut buffer).unwrap() {
            0 => return String::from_utf8(bytes).unwrap(),
            count => bytes.extend_from_slice(&buffer[..count]),
        }
    }
}

#[test]
fn a_root_must_be_a_directory() {
    let tree = Tree::new();
    tree.write("file", "");
    assert!(RootPath::Server(tree.path("file")).open().is_err());
    assert!(RootPath::Server(tree.path("missing")).open().is_err());
}

#[test]
fn facts_of_every_kind() {
    let tree = Tree::new();
    tree.write("file", "12345");
    fs::set_permissions(tree.path("file"), fs::Permissions::from_mode(0o4751)).unwrap();
    tree.fifo("fifo");
    let _socket = UnixListener::bind(tree.path("socket")).unwrap();
    symlink("file", tree.path("link")).unwrap();

    let file = tree.root.facts(&v("file")).unwrap();
    assert_eq!((file.kind, file.size, file.mode, file.links), (Kind::File, 5, 0o4751, 1));
    let modified = fs::metadata(tree.path("file")).unwrap().modified().unwrap();
    let modified = modified.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    assert_eq!(u64::try_from(file.modified), Ok(modified));

    assert_eq!(tree.root.facts(&v("link")), Ok(file));
    assert_eq!(tree.root.link_facts(&v("link")).unwrap().kind, Kind::Link);
    assert_eq!(tree.root.facts(&v("fifo")).unwrap().kind, Kind::Special);
    assert_eq!(tree.root.facts(&v("socket")).unwrap().kind, Kind::Special);
    for facts in [tree.root.facts(&v("/")), tree.root.link_facts(&v("/"))] {
        assert_eq!(facts.unwrap().kind, Kind::Directory);
    }
    assert_eq!(tree.root.facts(&v("file/below")), Err(Refusal::NotDirectory));
    assert_eq!(tree.root.link_facts(&v("no/file")), Err(Refusal::NotFound));
}

#[test]
fn directories_are_made_entered_and_removed() {
    let tree = Tree::new();
    tree.write("file", "");
    symlink("nowhere", tree.path("dangling")).unwrap();
    assert_eq!(tree.root.make_dir(&v("a"), None), Ok(()));
    assert_eq!(tree.root.make_dir(&v("a/b"), None), Ok(()));
    assert_eq!(tree.root.enter(&v("a/b")), Ok(()));
    assert_eq!(tree.root.enter(&v("file")), Err(Refusal::NotDirectory));
    assert_eq!(tree.root.enter(&v("x")), Err(Refusal::NotFound));
    for taken in ["a", "file", "dangling", "/"] {
        assert_eq!(tree.root.make_dir(&v(taken), None), Err(Refusal::Exists), "{taken}");
    }
    assert_eq!(tree.root.make_dir(&v("x/y"), None), Err(Refusal::NotFound));

    symlink("a/b", tree.path("link")).unwrap();
    assert_eq!(tree.root.enter(&v("link")), Ok(()));
    assert_eq!(tree.root.remove_dir(&v("link")), Err(Refusal::NotDirectory));
    assert_eq!(tree.root.remove_dir(&v("a")), Err(Refusal::NotEmpty));
    assert_eq!(tree.root.remove_dir(&v("file")), Err(Refusal::NotDirectory));
    assert_eq!(tree.root.remove_dir(&v("/")), Err(Refusal::Denied));
    assert_eq!(tree.root.remove_dir(&v("a/b")), Ok(()));
    assert_eq!(tree.root.remove_dir(&v("a")), Ok(()));
}

#[test]
fn files_are_removed_and_links_for_themselves() {
    let tree = Tree::new();
    tree.write("file", "kept");
    fs::create_dir(tree.path("folder")).unwrap();
    symlink("file", tree.path("link")).unwrap();
    assert_eq!(tree.root.remove_file(&v("link")), Ok(()));
    assert_eq!(tree.read("file"), "kept");
    assert_eq!(tree.root.remove_file(&v("folder")), Err(Refusal::IsDirectory));
    assert_eq!(tree.root.remove_file(&v("/")), Err(Refusal::IsDirectory));
    assert_eq!(tree.root.remove_file(&v("file")), Ok(()));
    assert_eq!(tree.root.remove_file(&v("file")), Err(Refusal::NotFound));
}

#[test]
fn rename_replaces_files_and_loses_no_directory() {
    let tree = Tree::new();
    tree.write("new", "new");
    tree.write("old", "old");
    for folder in ["empty", "full", "mover"] {
        fs::create_dir(tree.path(folder)).unwrap();
    }
    tree.write("full/file", "");
    assert_eq!(tree.root.rename(&v("new"), &v("old")), Ok(()));
    assert_eq!(tree.read("old"), "new");

    for (from, to, refusal) in [
        ("mover", "empty", Refusal::Exists),
        ("mover", "full", Refusal::Exists),
        ("mover", "old", Refusal::Exists),
        ("old", "empty", Refusal::IsDirectory),
        ("old", "missing/name", Refusal::NotFound),
        ("missing", "name", Refusal::NotFound),
        ("full", "full/below", Refusal::BadName),
        ("/", "name", Refusal::Denied),
        ("old", "/", Refusal::Denied),
    ] {
        assert_eq!(tree.root.rename(&v(from), &v(to)), Err(refusal), "{from} → {to}");
    }
    assert_eq!(tree.names(), [&b"empty"[..], b"full", b"mover", b"old"]);
    assert_eq!(tree.root.rename(&v("full"), &v("mover/full")), Ok(()));
    assert!(tree.path("mover/full/file").exists());
}

#[test]
fn free_space_climbs_to_what_exists() {
    let tree = Tree::new();
    tree.write("file", "");
    for path in ["/", "file", "no/such/folder"] {
        assert!(tree.root.free_space(&v(path)).unwrap() > 0, "{path}");
    }
}

#[test]
fn names_of_every_kind_come_back_byte_for_byte() {
    let tree = Tree::new();
    let longest = [b'x'; 255];
    let mut names: Vec<&[u8]> = vec![
        b" blank ",
        b"-dash",
        b"new\nline",
        b"\"[*]\\",
        b"\xff\xfe",
        "🛶".as_bytes(),
        &longest,
    ];
    for name in &names {
        let mut upload = tree
            .root
            .upload(&v(name), UploadMode::Replace, PartialUploads::Keep, NewFile::default())
            .unwrap();
        upload.begin().unwrap();
        upload.write(name).unwrap();
        upload.finish().unwrap();
    }
    names.sort();
    assert_eq!(tree.names(), names);

    let mut dir = tree.root.dir(&v("/")).unwrap();
    let mut listed = Vec::new();
    while dir.next_names(|name, _| listed.push(name.to_vec())).unwrap() {}
    listed.sort();
    assert_eq!(listed, names);

    for name in &names {
        assert_eq!(dir.facts_of(name).unwrap().size, name.len() as u64);
        assert_eq!(tree.root.download(&v(name), 0).unwrap().size(), name.len() as u64);
        assert_eq!(tree.root.rename(&v(name), &v("other")), Ok(()));
        assert_eq!(tree.root.remove_file(&v("other")), Ok(()));
    }
    assert!(tree.names().is_empty());
}

#[test]
fn a_name_of_256_bytes_is_refused() {
    let tree = Tree::new();
    tree.write("file", "");
    let long = v([b'x'; 256]);
    assert_eq!(tree.root.make_dir(&long, None), Err(Refusal::BadName));
    assert_eq!(tree.root.rename(&v("file"), &long), Err(Refusal::BadName));
    assert_eq!(tree.root.facts(&long), Err(Refusal::BadName));
    let upload =
        tree.root.upload(&long, UploadMode::Replace, PartialUploads::Keep, NewFile::default());
    assert_eq!(upload.unwrap_err(), Refusal::BadName);
}

#[test]
fn a_listing_knows_links_and_survives_what_vanishes() {
    let tree = Tree::new();
    tree.write("file", "12");
    symlink("nowhere", tree.path("link")).unwrap();
    let dir = tree.root.dir(&v("/")).unwrap();
    assert_eq!(dir.facts_of(b"link").unwrap().kind, Kind::Link);
    assert_eq!(dir.link_target(b"link"), Some(b"nowhere".to_vec()));
    assert_eq!(dir.link_target(b"file"), None);
    assert_eq!(dir.facts_of(b".").unwrap().kind, Kind::Directory);
    fs::remove_file(tree.path("file")).unwrap();
    assert_eq!(dir.facts_of(b"file"), Err(Refusal::NotFound));

    tree.write("file", "");
    assert_eq!(tree.root.dir(&v("file")).unwrap_err(), Refusal::NotDirectory);
}

#[test]
fn a_download_starts_anywhere_and_ends_where_the_file_ended() {
    let tree = Tree::new();
    tree.write("file", "0123456789");
    assert_eq!(content(tree.root.download(&v("file"), 0).unwrap()), "0123456789");
    assert_eq!(content(tree.root.download(&v("file"), 7).unwrap()), "789");
    assert_eq!(content(tree.root.download(&v("file"), 10).unwrap()), "");
    assert_eq!(tree.root.download(&v("file"), 11).unwrap_err(), Refusal::BeyondEnd);

    let grows = tree.root.download(&v("file"), 8).unwrap();
    let mut shrinks = tree.root.download(&v("file"), 8).unwrap();
    tree.write("file", "0123456789 and more");
    assert_eq!(content(grows), "89");
    tree.write("file", "0");
    assert_eq!(shrinks.read(&mut [0; 10]), Ok(0));
    assert_eq!(shrinks.left(), 2);
}

#[test]
fn sendfile_keeps_its_place_and_tells_its_troubles_apart() {
    let tree = Tree::new();
    let megabyte = "0123456789abcdef".repeat(1 << 16);
    tree.write("file", &megabyte);
    let mut download = tree.root.download(&v("file"), 16).unwrap();
    let (socket, mut peer) = UnixStream::pair().unwrap();
    socket.set_nonblocking(true).unwrap();
    assert_eq!(download.send_to(socket.as_fd(), 10), Ok(10));
    let mut bytes = [0; 10];
    peer.read_exact(&mut bytes).unwrap();
    assert_eq!(&bytes, b"0123456789");
    assert_eq!(download.left(), megabyte.len() as u64 - 26);

    let trouble = loop {
        match download.send_to(socket.as_fd(), usize::MAX) {
            Ok(count) => assert!(count > 0),
            Err(trouble) => break trouble,
        }
    };
    assert_eq!(trouble, SendError::WouldBlock);
    drop(peer);
    assert_eq!(download.send_to(socket.as_fd(), 1), Err(SendError::Socket(32)));

    tree.write("file", "");
    let (socket, _peer) = UnixStream::pair().unwrap();
    assert_eq!(download.send_to(socket.as_fd(), 1), Ok(0));
    assert!(download.left() > 0);
}

/// Where the kernel can forget what it has read, which it can't in memory.
#[test]
fn what_is_not_in_memory_is_not_at_hand_until_it_was_read() {
    let tree = Tree::new();
    let content = "0123456789abcdef".repeat(1 << 16);
    tree.write("file", &content);
    let file = fs::File::open(tree.path("file")).unwrap();
    file.sync_all().unwrap();
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
    let mut download = tree.root.download(&v("file"), 0).unwrap();
    let mut buffer = vec![0; 100_000];
    if download.at_hand(content.len()).is_none() {
        download.warm(&mut buffer).unwrap();
        assert_eq!(download.at_hand(content.len()), Some(buffer.len()));
        assert_eq!(download.at_hand(1000), Some(1000));
        assert_eq!(download.position(), 0);
    }
    let mut received = Vec::new();
    while download.left() > 0 {
        match download.at_hand(buffer.len()) {
            Some(most) => {
                let count = download.read(&mut buffer[..most]).unwrap();
                received.extend_from_slice(&buffer[..count]);
            }
            None => download.warm(&mut buffer).unwrap(),
        }
    }
    assert!(received == content.as_bytes());
    assert_eq!(download.at_hand(1), Some(0));
}
