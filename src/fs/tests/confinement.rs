//! Attempts to get out of the root, and to hang whoever opens what is no file: of names that the kernel
//! resolves, and of those that are resolved step by step.

use super::*;
use rustix::fs::{RenameFlags, renameat_with};
use std::sync::atomic::{AtomicBool, Ordering};

/// Every operation that opens or changes something, on one path; none may get anywhere.
fn all_refused(root: &Root, path: &str) {
    let path = v(path);
    let shown = String::from_utf8_lossy(path.as_bytes()).into_owned();
    assert!(root.facts(&path).is_err(), "facts of {shown}");
    assert!(root.download(&path, 0).is_err(), "download of {shown}");
    assert!(root.enter(&path).is_err(), "enter {shown}");
    assert!(root.dir(&path).is_err(), "dir {shown}");
    let resume =
        root.upload(&path, UploadMode::ResumeAt(1), PartialUploads::Keep, NewFile::default());
    assert!(resume.is_err(), "resume of {shown}");
    // Removal is tried of the secret only: should this fail, it must do no harm.
    let below = path.join(b"secret");
    assert!(root.download(&below, 0).is_err(), "download below {shown}");
    assert!(root.remove_file(&below).is_err(), "removal below {shown}");
    assert!(root.make_dir(&below, None).is_err(), "folder below {shown}");
    let upload = root.upload(&below, UploadMode::Replace, PartialUploads::Keep, NewFile::default());
    assert!(upload.is_err(), "upload below {shown}");
}

#[test]
fn no_link_leads_outside() {
    for tree in Tree::of_both_resolvers() {
        let outside = tree.directory.path().join("outside");
        let far_up = "../".repeat(40);
        fs::create_dir(tree.path("deep")).unwrap();
        for (name, target) in [
            ("absolute", PathBuf::from("/etc/passwd")),
            ("absolute-folder", PathBuf::from("/etc")),
            ("to-secret", outside.join("secret")),
            ("to-outside", outside),
            ("relative", PathBuf::from("../outside/secret")),
            ("relative-folder", PathBuf::from("../outside")),
            ("far-up", PathBuf::from(format!("{far_up}etc/passwd"))),
            ("deep/up-and-down", PathBuf::from("../../root/../outside")),
            ("deep/chain", PathBuf::from("../relative-folder")),
            ("proc-root", PathBuf::from("/proc/self/root")),
            ("proc-cwd", PathBuf::from("/proc/self/cwd")),
            ("loop-a", PathBuf::from("loop-b")),
            ("loop-b", PathBuf::from("loop-a")),
            ("dangling", PathBuf::from("nowhere")),
        ] {
            symlink(target, tree.path(name)).unwrap();
            all_refused(&tree.root, name);
        }
        assert_eq!(tree.root.facts(&v("loop-a")), Err(Refusal::Loop));
        assert_eq!(tree.root.facts(&v("relative")), Err(Refusal::NotFound));
    }
}

#[test]
fn links_inside_lead_where_a_chroot_would_lead() {
    for tree in Tree::of_both_resolvers() {
        fs::create_dir_all(tree.path("a/b")).unwrap();
        tree.write("a/file", "inside");
        symlink("/a/file", tree.path("a/b/absolute")).unwrap();
        symlink("../../../../a/file", tree.path("a/b/relative")).unwrap();
        symlink("/", tree.path("a/b/top")).unwrap();
        for path in ["a/b/absolute", "a/b/relative", "a/b/top/a/file", "a/b/top/a/b/top/a/file"] {
            assert_eq!(content(tree.root.download(&v(path), 0).unwrap()), "inside", "{path}");
        }
    }
}

#[test]
fn magic_links_are_not_followed() {
    let root = RootPath::Server("/proc".into()).open().unwrap();
    for root in [root.by(Resolver::Steps), root] {
        assert_eq!(root.facts(&v("self/root/etc/passwd")), Err(Refusal::Loop));
        assert_eq!(root.enter(&v("self/cwd")), Err(Refusal::Loop));
        assert_eq!(root.download(&v("self/exe"), 0).unwrap_err(), Refusal::Loop);
    }
}

#[test]
fn a_listing_takes_single_names_only() {
    for tree in Tree::of_both_resolvers() {
        symlink("x", tree.directory.path().join("link")).unwrap();
        let dir = tree.root.dir(&v("/")).unwrap();
        for name in [&b".."[..], b"../outside", b"/etc/passwd", b"../outside/secret"] {
            assert_eq!(dir.facts_of(name), Err(Refusal::BadName));
        }
        assert_eq!(dir.link_target(b"../link"), None);
    }
}

#[test]
fn a_folder_swapped_for_a_link_yields_nothing_from_outside() {
    for tree in Tree::of_both_resolvers() {
        fs::create_dir(tree.path("folder")).unwrap();
        tree.write("folder/secret", "inside");
        symlink("../outside", tree.path("link")).unwrap();
        let (folder, link) = (tree.path("folder"), tree.path("link"));
        let done = AtomicBool::new(false);
        let mut got = Vec::new();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let _ = renameat_with(CWD, &folder, CWD, &link, RenameFlags::EXCHANGE);
                }
            });
            // No assertion in here: a panic would leave the other thread turning for ever.
            for _ in 0..5_000 {
                got.extend(tree.root.download(&v("folder/secret"), 0).map(content));
                let name = v("folder/stored");
                let upload = tree.root.upload(
                    &name,
                    UploadMode::Append,
                    PartialUploads::Keep,
                    NewFile::default(),
                );
                let _ = upload.and_then(|mut upload| upload.begin().and_then(|()| upload.finish()));
            }
            done.store(true, Ordering::Relaxed);
        });
        assert!(!got.is_empty(), "the folder was never met as a folder: this has tested nothing");
        assert!(got.iter().all(|content| content == "inside"));
        let outside = fs::read_dir(tree.directory.path().join("outside")).unwrap();
        assert_eq!(outside.count(), 1, "something was stored outside");
    }
}

#[test]
fn a_renamed_root_stays_the_same_root() {
    for tree in Tree::of_both_resolvers() {
        tree.write("file", "inside");
        let (old, new) = (tree.path(""), tree.directory.path().join("moved"));
        fs::rename(old, new).unwrap();
        fs::rename(tree.directory.path().join("outside"), tree.directory.path().join("root"))
            .unwrap();
        assert_eq!(content(tree.root.download(&v("file"), 0).unwrap()), "inside");
        assert_eq!(tree.root.facts(&v("secret")), Err(Refusal::NotFound));
    }
}

#[test]
fn what_is_no_file_is_neither_sent_nor_stored_to() {
    for tree in Tree::of_both_resolvers() {
        tree.fifo("fifo");
        let _socket = UnixListener::bind(tree.path("socket")).unwrap();
        fs::create_dir(tree.path("folder")).unwrap();
        symlink("folder", tree.path("link")).unwrap();
        let ways = [UploadMode::Replace, UploadMode::ResumeAt(1), UploadMode::Append];
        for (name, refusal) in [
            ("fifo", Refusal::NotRegular),
            ("socket", Refusal::NotRegular),
            ("folder", Refusal::IsDirectory),
            ("link", Refusal::IsDirectory),
            ("/", Refusal::IsDirectory),
        ] {
            assert_eq!(tree.root.download(&v(name), 0).unwrap_err(), refusal, "{name}");
            for mode in ways {
                let upload =
                    tree.root.upload(&v(name), mode, PartialUploads::Keep, NewFile::default());
                assert_eq!(upload.unwrap_err(), refusal, "{name} {mode:?}");
            }
        }
        let device = RootPath::Server("/dev".into()).open().unwrap();
        assert_eq!(device.download(&v("null"), 0).unwrap_err(), Refusal::NotRegular);
        let upload = device.upload(
            &v("null"),
            UploadMode::Replace,
            PartialUploads::Keep,
            NewFile::default(),
        );
        assert_eq!(upload.unwrap_err(), Refusal::NotRegular);
    }
}

#[test]
fn without_openat2_links_count_and_files_are_no_folders_as_for_the_kernel() {
    for tree in Tree::of_both_resolvers() {
        fs::create_dir_all(tree.path("a/b")).unwrap();
        tree.write("a/file", "inside");
        symlink("a/file/", tree.path("file-as-folder")).unwrap();
        symlink("a/b/", tree.path("folder")).unwrap();
        symlink("../a/./b/..//file", tree.path("winding")).unwrap();
        for n in 0..41 {
            symlink(format!("chain{}", n + 1), tree.path(format!("chain{n}"))).unwrap();
        }
        tree.write("chain41", "end");
        assert_eq!(tree.root.facts(&v("chain1")).unwrap().size, 3, "40 links");
        assert_eq!(tree.root.facts(&v("chain0")), Err(Refusal::Loop), "41 links");
        assert_eq!(tree.root.facts(&v("file-as-folder")), Err(Refusal::NotDirectory));
        assert_eq!(tree.root.enter(&v("a/file")), Err(Refusal::NotDirectory));
        assert_eq!(tree.root.enter(&v("folder")), Ok(()));
        assert_eq!(content(tree.root.download(&v("winding"), 0).unwrap()), "inside");
        assert_eq!(tree.root.facts(&v("a/file/x")), Err(Refusal::NotDirectory));
        assert_eq!(tree.root.facts(&v([b'x'; 256])), Err(Refusal::BadName));
    }
}

/// Back from a folder that is moved out of the root meanwhile, there is no way but to the root's own.
#[test]
fn no_dot_dot_of_a_link_leads_out_of_a_folder_that_is_moved_away() {
    for tree in Tree::of_both_resolvers() {
        fs::create_dir_all(tree.path("deep/er")).unwrap();
        symlink("deep/er/../../secret", tree.path("link")).unwrap();
        let (inside, outside) = (tree.path("deep/er"), tree.directory.path().join("outside/er"));
        let done = AtomicBool::new(false);
        let mut got = Vec::new();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let _ = fs::rename(&inside, &outside);
                    let _ = fs::rename(&outside, &inside);
                }
            });
            for _ in 0..10_000 {
                got.extend(tree.root.download(&v("link"), 0).map(content));
            }
            done.store(true, Ordering::Relaxed);
        });
        assert_eq!(got, [""; 0], "the secret outside was reached");
    }
}

/// A mount beneath the root can hang, and the loop must not wait for it.
#[test]
fn without_openat2_another_device_is_for_a_worker_too() {
    let root = RootPath::Server("/".into()).open().unwrap();
    for root in [root.by(Resolver::Steps), root] {
        assert_eq!(root.facts(&v("proc/version")), Err(Refusal::NeedsWorker));
        assert_eq!(root.enter(&v("proc")), Err(Refusal::NeedsWorker));
        assert!(root.blocking().facts(&v("proc/version")).is_ok());
    }
}
