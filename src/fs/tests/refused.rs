//! Refused: what is known before a byte comes, and what nobody may open at all.

use super::*;
use crate::proto::command::ModeChange;
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use std::mem::MaybeUninit;
use std::os::unix::fs::symlink;

impl Tree {
    fn refusal(&self, name: &str, mode: UploadMode) -> Option<Refusal> {
        self.root.upload(&v(name), mode, PartialUploads::Keep, NewFile::default()).err()
    }
}

const ALL: [UploadMode; 3] = [UploadMode::Replace, UploadMode::Append, UploadMode::ResumeAt(1)];

/// A file that its owner had shut was replaced, since the folder was open.
#[test]
fn a_read_only_file_is_not_written_to() {
    let tree = Tree::new();
    tree.write("golden", "old");
    fs::set_permissions(tree.path("golden"), fs::Permissions::from_mode(0o444)).unwrap();
    for mode in ALL {
        assert_eq!(tree.refusal("golden", mode), Some(Refusal::Denied), "{mode:?}");
    }
    tree.root.set_mode(&v("golden"), &ModeChange::Octal(0o644)).unwrap();
    for mode in ALL {
        assert_eq!(tree.refusal("golden", mode), None, "{mode:?}");
    }
}

/// All had been sent before the client was told.
#[test]
#[ignore = "needs root: chattr"]
fn what_chattr_forbids_is_refused_beforehand() {
    let tree = Tree::new();
    for (attribute, allowed) in [("i", &[][..]), ("a", &[UploadMode::Append])] {
        tree.write("file", "old");
        let chattr = |how: &str| {
            let (flag, file) = (format!("{how}{attribute}"), tree.path("file"));
            let status = std::process::Command::new("chattr").arg(flag).arg(file).status();
            assert!(status.unwrap().success());
        };
        chattr("+");
        let refusals = ALL.map(|mode| tree.refusal("file", mode));
        chattr("-");
        for (mode, refusal) in ALL.into_iter().zip(refusals) {
            let expected = (!allowed.contains(&mode)).then_some(Refusal::Denied);
            assert_eq!(refusal, expected, "+{attribute} {mode:?}");
        }
    }
}

/// Who waited at the other end of a FIFO was woken, and lost its data.
#[test]
fn a_fifo_is_never_opened() {
    let tree = Tree::new();
    tree.fifo("fifo");
    symlink("fifo", tree.path("link")).unwrap();
    let watch = inotify::init(CreateFlags::NONBLOCK).unwrap();
    inotify::add_watch(&watch, tree.path("fifo"), WatchFlags::OPEN).unwrap();
    for name in ["fifo", "link"] {
        assert_eq!(tree.root.download(&v(name), 0).unwrap_err(), Refusal::NotRegular);
        assert_eq!(tree.refusal(name, UploadMode::Append), Some(Refusal::NotRegular));
        assert_eq!(tree.refusal(name, UploadMode::Replace), Some(Refusal::NotRegular));
    }
    let mut room = [MaybeUninit::uninit(); 4096];
    assert!(inotify::Reader::new(&watch, &mut room).next().is_err(), "it was opened");
}

/// Nobody could get in any more, not even to undo it.
#[test]
fn the_root_itself_is_not_changed() {
    let tree = Tree::new();
    symlink("/", tree.path("link")).unwrap();
    for name in ["/", "link"] {
        let shut = ModeChange::Octal(0);
        assert_eq!(tree.root.set_mode(&v(name), &shut), Err(Refusal::Denied), "{name}");
        assert_eq!(tree.root.set_modified(&v(name), 0), Err(Refusal::Denied), "{name}");
    }
    assert_eq!(tree.root.enter(&v("/")), Ok(()));
}

/// A user who owned the folder above led the server to /etc.
#[test]
#[ignore = "needs root: gives a link away"]
fn a_root_behind_a_link_of_its_user_is_refused() {
    let tree = Tree::new();
    tree.write("inside", "");
    for target in [tree.path(""), Path::new("root").to_owned()] {
        let link = tree.directory.path().join("link");
        symlink(&target, &link).unwrap();
        for path in [link.clone(), link.join("."), link.join("../link")] {
            let root = RootPath::User(path.clone()).open().unwrap();
            assert!(root.facts(&v("inside")).is_ok(), "root's own link is followed");
        }
        std::os::unix::fs::lchown(&link, Some(1234), None).unwrap();
        let error = RootPath::User(link.clone()).open().unwrap_err().to_string();
        assert!(error.contains("/link is a symbolic link of user 1234"), "{error}");
        assert!(RootPath::User(tree.path("")).open().is_ok());
        fs::remove_file(link).unwrap();
    }
}

/// One byte held a gigabyte for as long as the client liked.
#[test]
fn room_is_reserved_as_the_bytes_come() {
    let tree = Tree::new();
    let begin = |reserve| {
        let (mode, new) = (UploadMode::Replace, NewFile { reserve, ..NewFile::default() });
        let mut upload = tree.root.upload(&v("file"), mode, PartialUploads::Keep, new).unwrap();
        upload.begin().map(|()| upload)
    };
    assert_eq!(begin(u64::MAX).unwrap_err(), Refusal::NoSpace);
    let before = tree.root.free_space(&v("/")).unwrap();
    if let Ok(mut upload) = begin(before / 2) {
        upload.write(b"x").unwrap();
        let upload::Place::Aside { scratch, .. } = &upload.place else { panic!("it is new") };
        let held = rustix::fs::fstat(scratch.file().unwrap()).unwrap().st_blocks * 512;
        assert!(held <= 65 << 20, "{held} bytes of {before}");
        upload.finish().unwrap();
        assert_eq!(fs::metadata(tree.path("file")).unwrap().len(), 1);
    }
}
