//! Uploads: what stands under the name before, during and after, and that nothing else stands.

mod in_place;

use super::*;
use crate::fs::upload::Place;
use rustix::fs::{OFlags, fcntl_setfl};
use std::io::Write;
use std::os::fd::OwnedFd;

/// Both ways to hold a file that has no name yet.
#[derive(Clone, Copy, Debug)]
enum Holding {
    Unnamed,
    Named,
}

const BOTH: [Holding; 2] = [Holding::Unnamed, Holding::Named];

impl Tree {
    fn prepare(&self, name: &str, mode: UploadMode) -> Result<Upload, Refusal> {
        self.root.upload(&v(name), mode, PartialUploads::Keep, NewFile::default())
    }

    /// An upload that has begun and received `content`.
    fn receive(&self, name: &str, mode: UploadMode, holding: Holding, content: &str) -> Upload {
        fill(self.prepare(name, mode).unwrap(), holding, content)
    }

    fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.path(name)).unwrap().permissions().mode() & 0o7777
    }
}

fn fill(mut upload: Upload, holding: Holding, content: &str) -> Upload {
    match (&mut upload.place, holding) {
        (Place::Aside { scratch, .. }, Holding::Named) => scratch.create_named(0o666).unwrap(),
        (Place::Aside { .. } | Place::Itself { .. }, _) => upload.begin().unwrap(),
    }
    for piece in content.as_bytes().chunks(3) {
        upload.write(piece).unwrap();
    }
    assert_eq!(upload.written(), content.len() as u64);
    upload
}

#[test]
fn preparing_touches_nothing() {
    let tree = Tree::new();
    tree.write("old", "old content");
    let before = tree.root.facts(&v("old")).unwrap();
    for mode in
        [UploadMode::Replace, UploadMode::Append, UploadMode::ResumeAt(0), UploadMode::ResumeAt(3)]
    {
        drop(tree.prepare("old", mode).unwrap());
        drop(tree.prepare("old", mode).unwrap());
    }
    for mode in
        [UploadMode::Replace, UploadMode::Append, UploadMode::ResumeAt(0), UploadMode::Create]
    {
        drop(tree.prepare("new", mode).unwrap());
        drop(tree.prepare("new", mode).unwrap());
    }
    assert_eq!(tree.read("old"), "old content");
    assert_eq!(tree.root.facts(&v("old")), Ok(before));
    assert_eq!(tree.names(), [b"old"]);
}

#[test]
fn what_can_be_known_is_refused_beforehand() {
    let tree = Tree::new();
    tree.write("old", "old");
    symlink("nowhere", tree.path("dangling")).unwrap();
    for (name, mode, refusal) in [
        ("old", UploadMode::Create, Refusal::Exists),
        ("dangling", UploadMode::Create, Refusal::Exists),
        ("old", UploadMode::ResumeAt(4), Refusal::BeyondEnd),
        ("new", UploadMode::ResumeAt(1), Refusal::BeyondEnd),
        ("no/file", UploadMode::ResumeAt(1), Refusal::NotFound),
        ("no/file", UploadMode::Replace, Refusal::NotFound),
        ("old/file", UploadMode::Append, Refusal::NotDirectory),
    ] {
        assert_eq!(tree.prepare(name, mode).unwrap_err(), refusal, "{name} {mode:?}");
    }
    assert!(tree.prepare("old", UploadMode::ResumeAt(3)).is_ok());
}

#[test]
fn nothing_is_seen_of_an_unnamed_upload_until_it_is_whole() {
    let tree = Tree::new();
    for (count, mode) in
        [UploadMode::Replace, UploadMode::Append, UploadMode::ResumeAt(0), UploadMode::Create]
            .into_iter()
            .enumerate()
    {
        let name = format!("new{count}");
        let mut upload = tree.receive(&name, mode, Holding::Unnamed, "content");
        assert_eq!(tree.names().len(), count, "{mode:?}");
        upload.finish().unwrap();
        assert_eq!(tree.read(&name), "content", "{mode:?}");
        assert_eq!(tree.names().len(), count + 1, "{mode:?}");
    }
}

#[test]
fn replacing_is_atomic_and_readers_keep_what_they_opened() {
    for holding in BOTH {
        let tree = Tree::new();
        tree.write("file", "old");
        let reader = tree.root.download(&v("file"), 0).unwrap();
        let mut upload = tree.receive("file", UploadMode::Replace, holding, "new content");
        assert_eq!(tree.read("file"), "old");
        upload.finish().unwrap();
        assert_eq!(tree.read("file"), "new content");
        assert_eq!(content(reader), "old");
        assert_eq!(tree.names(), [b"file"], "{holding:?}");
    }
}

#[test]
fn replacing_keeps_the_mode_but_no_set_id_bits() {
    for holding in BOTH {
        let tree = Tree::new();
        tree.write("file", "old");
        fs::set_permissions(tree.path("file"), fs::Permissions::from_mode(0o4750)).unwrap();
        tree.receive("file", UploadMode::Replace, holding, "new").finish().unwrap();
        assert_eq!(tree.mode("file"), 0o750, "{holding:?}");

        tree.write("made by somebody else", "");
        tree.receive("new", UploadMode::Replace, holding, "new").finish().unwrap();
        assert_eq!(tree.mode("new"), tree.mode("made by somebody else"), "{holding:?}");
    }
}

#[test]
fn replacing_a_link_leaves_what_it_led_to() {
    for holding in BOTH {
        let tree = Tree::new();
        tree.write("target", "target");
        for (name, target) in [("link", "target"), ("dangling", "nowhere"), ("loop", "loop")] {
            symlink(target, tree.path(name)).unwrap();
            tree.receive(name, UploadMode::Replace, holding, "new").finish().unwrap();
            assert_eq!(tree.read(name), "new");
            assert_eq!(tree.root.link_facts(&v(name)).unwrap().kind, Kind::File);
        }
        assert_eq!(tree.read("target"), "target");
        assert_eq!(tree.names(), [&b"dangling"[..], b"link", b"loop", b"target"]);
    }
}

#[test]
fn the_last_of_two_uploads_wins_whole() {
    for holding in BOTH {
        let tree = Tree::new();
        let mut first = tree.receive("file", UploadMode::Replace, holding, "first, and longer");
        let mut second = tree.receive("file", UploadMode::Replace, holding, "second");
        second.finish().unwrap();
        assert_eq!(tree.read("file"), "second");
        first.finish().unwrap();
        assert_eq!(tree.read("file"), "first, and longer");
        assert_eq!(tree.names(), [b"file"]);
    }
}

#[test]
fn cut_off_leaves_an_old_file_whole() {
    for holding in BOTH {
        let tree = Tree::new();
        tree.write("file", "old");
        drop(tree.receive("file", UploadMode::Replace, holding, "new"));
        assert_eq!(tree.read("file"), "old");
        // A name given up meanwhile does not bring it back either.
        let upload = tree.receive("file", UploadMode::Replace, holding, "new");
        fs::remove_file(tree.path("file")).unwrap();
        drop(upload);
        assert!(tree.names().is_empty(), "{holding:?}");
    }
}

#[test]
fn cut_off_keeps_what_arrived_of_a_new_file() {
    for holding in BOTH {
        let tree = Tree::new();
        drop(tree.receive("a", UploadMode::Replace, holding, "part"));
        drop(tree.receive("b", UploadMode::Create, holding, "part"));
        drop(tree.receive("c", UploadMode::Append, holding, "part"));
        drop(tree.receive("nothing", UploadMode::Replace, holding, ""));
        let late = tree.receive("d", UploadMode::Replace, holding, "part");
        tree.write("d", "whole, meanwhile");
        drop(late);
        assert_eq!(tree.read("a"), "part");
        assert_eq!(tree.read("d"), "whole, meanwhile");
        assert_eq!(tree.names(), [b"a", b"b", b"c", b"d"], "{holding:?}");
    }
}

#[test]
fn cut_off_discards_where_that_is_wanted() {
    for holding in BOTH {
        let tree = Tree::new();
        let upload = tree
            .root
            .upload(&v("file"), UploadMode::Replace, PartialUploads::Discard, NewFile::default())
            .unwrap();
        drop(fill(upload, holding, "part"));
        assert!(tree.names().is_empty(), "{holding:?}");
    }
}

#[test]
fn a_name_that_became_a_folder_is_left_alone() {
    for holding in BOTH {
        let tree = Tree::new();
        let mut upload = tree.receive("name", UploadMode::Replace, holding, "content");
        fs::create_dir(tree.path("name")).unwrap();
        assert_eq!(upload.finish(), Err(Refusal::IsDirectory));
        drop(upload);
        assert_eq!(tree.names(), [b"name"], "{holding:?}");
    }
}

#[test]
fn create_never_replaces() {
    for holding in BOTH {
        let tree = Tree::new();
        let mut upload = tree.receive("name", UploadMode::Create, holding, "late");
        tree.write("name", "first");
        assert_eq!(upload.finish(), Err(Refusal::Exists));
        drop(upload);
        assert_eq!(tree.read("name"), "first");
        assert_eq!(tree.names(), [b"name"], "{holding:?}");
        tree.receive("other", UploadMode::Create, holding, "new").finish().unwrap();
        assert_eq!(tree.read("other"), "new");
    }
}

#[test]
fn a_folder_removed_meanwhile_is_a_refusal() {
    let tree = Tree::new();
    fs::create_dir(tree.path("folder")).unwrap();
    let mut prepared = tree.prepare("folder/a", UploadMode::Replace).unwrap();
    let mut begun = tree.receive("folder/b", UploadMode::Replace, Holding::Unnamed, "content");
    fs::remove_dir(tree.path("folder")).unwrap();
    // ext4 answers EPERM at once, tmpfs ENOENT at the end.
    assert!(prepared.begin().and_then(|()| prepared.finish()).is_err());
    assert_eq!(begun.finish(), Err(Refusal::NotFound));
}

/// A nonblocking socket, and the other end of it.
fn sockets() -> (UnixStream, UnixStream) {
    let (socket, other) = UnixStream::pair().unwrap();
    socket.set_nonblocking(true).unwrap();
    (socket, other)
}

#[test]
fn splice_brings_the_same_bytes_where_files_know_it_and_where_not() {
    let tree = Tree::new();
    let mut pipe = Pipe::new().unwrap();
    let sent: String = (0..20_000).map(|number| format!("{number} ")).collect();
    for known in [true, false] {
        let (socket, mut client) = sockets();
        let mut upload = tree.receive("file", UploadMode::Replace, Holding::Unnamed, "begun, ");
        if let (Place::Aside { scratch, .. }, false) = (&upload.place, known) {
            fcntl_setfl(scratch.file().unwrap(), OFlags::APPEND).unwrap();
        }
        let mut splice = |most| upload.splice_from(socket.as_fd(), &mut pipe, &mut [0; 100], most);
        assert_eq!(splice(10), Err(SpliceError::WouldBlock));
        client.write_all(sent.as_bytes()).unwrap();
        assert_eq!(splice(1), Ok(1));
        let mut left = sent.len() - 1;
        while known && left > 0 {
            left -= splice(left).unwrap();
        }
        drop(client);
        match known {
            true => assert_eq!(splice(1), Ok(0)),
            false => assert_eq!(splice(1), Err(SpliceError::Unsupported)),
        }
        upload.write(&sent.as_bytes()[sent.len() - left..]).unwrap();
        upload.finish().unwrap();
        assert!(tree.read("file") == format!("begun, {sent}"), "known: {known}");
    }
}

#[test]
fn what_a_full_disk_refuses_is_no_part_of_the_next_upload() {
    let tree = Tree::new();
    let mut pipe = Pipe::new().unwrap();
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let mut upload = tree.receive("lost", UploadMode::Replace, Holding::Unnamed, "");
    upload.place = Place::Itself { file: OwnedFd::from(full), cut_to: None };
    let (socket, mut client) = sockets();
    client.write_all(&[b'x'; 1000]).unwrap();
    let refused = upload.splice_from(socket.as_fd(), &mut pipe, &mut [0; 10], 1000);
    assert_eq!(refused, Err(SpliceError::Disk(Refusal::NoSpace)));

    let mut next = tree.receive("next", UploadMode::Replace, Holding::Unnamed, "");
    client.write_all(b"next").unwrap();
    assert_eq!(next.splice_from(socket.as_fd(), &mut pipe, &mut [0; 10], 1000), Ok(4));
    next.finish().unwrap();
    assert_eq!(tree.read("next"), "next");
}

/// It was taken for a link that leads nowhere, and replaced.
#[test]
fn a_link_to_a_folder_on_another_file_system_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let link = directory.path().join("link");
    symlink("/proc", &link).unwrap();
    let root = RootPath::Server("/".into()).open().unwrap();
    let upload = |root: &Root| {
        let path = v(link.as_os_str().as_bytes());
        root.upload(&path, UploadMode::Replace, PartialUploads::Keep, NewFile::default())
            .unwrap_err()
    };
    assert_eq!(upload(&root), Refusal::NeedsWorker);
    assert_eq!(upload(&root.blocking()), Refusal::IsDirectory);
    assert!(link.is_symlink());
}

/// Runs `work` on a tmpfs mounted with `options` at `small`, where only a blocking root goes.
fn on_tmpfs<T>(options: &str, work: impl FnOnce(&Tree) -> T) -> T {
    let mut tree = Tree::new();
    let hurried = tree.root.clone();
    tree.root = hurried.blocking();
    let small = tree.path("small");
    fs::create_dir(&small).unwrap();
    let run = |command: &str, arguments: &[&str]| {
        let status = std::process::Command::new(command).args(arguments).arg(&small).status();
        assert!(status.unwrap().success(), "{command}");
    };
    run("mount", &["-t", "tmpfs", "-o", options, "none"]);
    assert_eq!(hurried.facts(&v("small/file")), Err(Refusal::NeedsWorker));
    assert_eq!(hurried.link_facts(&v("small")).map(|facts| facts.kind), Ok(Kind::Directory));
    let result = work(&tree);
    run("umount", &[]);
    result
}

#[test]
#[ignore = "needs root: mounts a tmpfs of 64 KiB"]
fn a_full_disk_leaves_the_old_file_and_is_said() {
    let (refusal, old, left) = on_tmpfs("size=64k", |tree| {
        tree.write("small/old", "old");
        let mut upload = tree.receive("small/old", UploadMode::Replace, Holding::Unnamed, "new");
        let refusal = (0..100).find_map(|_| upload.write(&[0; 4096]).err());
        drop(upload);
        (refusal, tree.read("small/old"), fs::read_dir(tree.path("small")).unwrap().count())
    });
    assert_eq!((refusal, old.as_str(), left), (Some(Refusal::NoSpace), "old", 1));
}

#[test]
#[ignore = "needs root: mounts a read-only tmpfs"]
fn a_read_only_file_system_is_said_beforehand() {
    let (upload, folder) = on_tmpfs("ro", |tree| {
        let upload = tree.prepare("small/file", UploadMode::Replace).map(drop);
        (upload, tree.root.make_dir(&v("small/folder"), None))
    });
    assert_eq!((upload, folder), (Err(Refusal::ReadOnly), Err(Refusal::ReadOnly)));
}

#[test]
#[ignore = "needs an ordinary user: to root nothing is denied"]
fn what_permissions_forbid_an_ordinary_user_is_refused_beforehand() {
    let tree = Tree::new();
    tree.write("file", "content");
    fs::create_dir(tree.path("folder")).unwrap();
    fs::set_permissions(tree.path("file"), fs::Permissions::from_mode(0o000)).unwrap();
    fs::set_permissions(tree.path("folder"), fs::Permissions::from_mode(0o000)).unwrap();
    assert_eq!(tree.root.enter(&v("folder")), Err(Refusal::Denied));
    assert_eq!(tree.root.dir(&v("folder")).unwrap_err(), Refusal::Denied);
    assert_eq!(tree.root.download(&v("file"), 0).unwrap_err(), Refusal::Denied);
    assert_eq!(tree.prepare("file", UploadMode::Append).unwrap_err(), Refusal::Denied);
    assert_eq!(tree.prepare("file", UploadMode::ResumeAt(1)).unwrap_err(), Refusal::Denied);
    assert_eq!(tree.prepare("folder/file", UploadMode::Replace).unwrap_err(), Refusal::Denied);
    fs::set_permissions(tree.path("folder"), fs::Permissions::from_mode(0o555)).unwrap();
    assert_eq!(tree.prepare("folder/file", UploadMode::Replace).unwrap_err(), Refusal::Denied);
    // A file that forbids its owner to write is not replaced either, though its folder would do.
    assert_eq!(tree.prepare("file", UploadMode::Replace).unwrap_err(), Refusal::Denied);
    fs::set_permissions(tree.path("file"), fs::Permissions::from_mode(0o200)).unwrap();
    assert!(tree.prepare("file", UploadMode::Replace).is_ok());
    fs::set_permissions(tree.path("folder"), fs::Permissions::from_mode(0o755)).unwrap();
}

/// After one slow lookup every upload went to the workers, byte for byte, on a disk in memory too.
#[test]
fn an_upload_blocks_as_its_file_system_does_and_not_as_it_was_opened() {
    let tree = Tree::new();
    let root = tree.root.blocking();
    assert!(root.may_block() && !root.is_remote());
    tree.write("old", "old");
    for (name, mode) in [("new", UploadMode::Replace), ("old", UploadMode::Append)] {
        let upload = root.upload(&v(name), mode, PartialUploads::Keep, NewFile::default());
        assert!(!upload.unwrap().may_block(), "{mode:?}");
    }
}
