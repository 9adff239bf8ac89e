//! Leftovers: what a kill leaves, and what a source that changes under the work leaves undone.

use super::*;
use crate::proto::checksum::Algorithm;

const LITTER: &str = ".packetboat-0123456789abcdef~";

impl Tree {
    fn listed(&self) -> Vec<Vec<u8>> {
        let (mut dir, mut names) = (self.root.dir(&v("/")).unwrap(), Vec::new());
        while dir.next_names(|name, _| names.push(name.to_vec())).unwrap() {}
        names
    }

    fn new_upload(&self, name: &str) -> Upload {
        let (mode, new) = (UploadMode::Replace, NewFile::default());
        self.root.upload(&v(name), mode, PartialUploads::Discard, new).unwrap()
    }
}

/// They were listed for ever, and fetched by clients that mirror.
#[test]
fn names_that_a_kill_left_are_neither_served_nor_kept() {
    let tree = Tree::new();
    tree.write(LITTER, "half");
    let path = v(LITTER);
    assert_eq!(tree.root.download(&path, 0).unwrap_err(), Refusal::NotFound);
    assert_eq!(tree.root.facts(&path), Err(Refusal::NotFound));
    for refused in [
        tree.root.remove_file(&path),
        tree.root.rename(&path, &v("mine")),
        tree.root.make_dir(&path, None),
        tree.root.link_facts(&path).map(drop),
    ] {
        assert_eq!(refused, Err(Refusal::BadName));
    }
    tree.write("file", "");
    assert_eq!(tree.listed(), [b"file"]);
    assert_eq!(tree.names(), [b"file"]);
}

#[test]
fn a_temporary_name_that_is_at_work_is_not_listed_and_not_swept_away() {
    let tree = Tree::new();
    let mut upload = tree.new_upload("file");
    let upload::Place::Aside { scratch, .. } = &mut upload.place else { panic!("it is new") };
    scratch.create_named(0o600).unwrap();
    upload.write(b"content").unwrap();
    assert!(tree.listed().is_empty());
    assert_eq!(tree.names().len(), 1);
    upload.finish().unwrap();
    assert_eq!(tree.read("file"), "content");
    assert_eq!(tree.names(), [b"file"]);
}

#[test]
fn a_folder_of_nothing_but_litter_is_empty() {
    let tree = Tree::new();
    fs::create_dir(tree.path("folder")).unwrap();
    tree.write(&format!("folder/{LITTER}"), "half");
    tree.write("folder/file", "");
    assert_eq!(tree.root.remove_dir(&v("folder")), Err(Refusal::NotEmpty));
    tree.root.remove_file(&v("folder/file")).unwrap();
    assert_eq!(tree.root.remove_dir(&v("folder")), Ok(()));
}

/// A copy, a checksum, and the whole of two parts were said to be right.
#[test]
fn a_source_that_is_cut_is_said() {
    let tree = Tree::new();
    let step = |mut job: Box<FileJob>, cut: &str| {
        let mut cut = Some(cut);
        loop {
            match job.step(&mut [0; 10], 10) {
                Ok(JobState::More(next)) => job = next,
                Ok(JobState::Done(_)) => return None,
                Err(refusal) => return Some(refusal),
            }
            if let Some(cut) = cut.take() {
                tree.write(cut, "");
            }
        }
    };
    let fill = || {
        for name in ["a", "b"] {
            tree.write(name, "more than ten bytes, which is more than a step");
        }
    };
    let open = || tree.root.download(&v("a"), 0).unwrap();
    fill();
    let checksum = FileJob::checksum(open(), Algorithm::Md5);
    assert_eq!(step(checksum, "a"), Some(Refusal::Shortened));
    fill();
    let copy = FileJob::copy(open(), tree.new_upload("copy")).unwrap();
    assert_eq!(step(copy, "a"), Some(Refusal::Shortened));
    fill();
    let combine =
        |new| FileJob::combine(tree.root.clone(), &v("c"), vec![v("a"), v("b")], new, false);
    assert_eq!(step(combine(NewFile::default()).unwrap(), "a"), Some(Refusal::Shortened));
    assert_eq!(tree.names(), [b"a", b"b"]);
}

#[test]
fn parts_are_found_in_any_folder_and_behind_links() {
    let tree = Tree::new();
    fs::create_dir(tree.path("folder")).unwrap();
    for name in ["a", "folder/b", "folder/c"] {
        tree.write(name, name);
    }
    symlink("/folder/c", tree.path("folder/link")).unwrap();
    let parts = ["folder/b", "a", "folder/link", "folder/c"].map(v).to_vec();
    let job = |target, parts| {
        FileJob::combine(tree.root.clone(), &v(target), parts, NewFile::default(), true)
    };
    let mut next = job("whole", parts.clone()).unwrap();
    while let JobState::More(job) = next.step(&mut [0; 10], 10).unwrap() {
        next = job;
    }
    assert_eq!(tree.read("whole"), "folder/bafolder/cfolder/c");
    assert_eq!(job("folder/c", parts).unwrap_err(), Refusal::BadName, "a link to the target");
}
