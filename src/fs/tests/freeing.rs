//! Freeing of large files, which the loop leaves to others.

use super::*;
use crate::fs::freeing::MUCH;

/// Tree in memory, with a file that much is freed with, and a small one.
fn tree() -> (tempfile::TempDir, Root) {
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    for (name, size) in [("large", MUCH), ("small", 1)] {
        fs::File::create(folder.path().join(name)).unwrap().set_len(size).unwrap();
    }
    let root = RootPath::Server(folder.path().to_owned()).open().unwrap();
    (folder, root)
}

/// DELE of 1 GiB in memory stopped everybody for 150 ms.
#[test]
fn a_name_that_much_is_freed_with_is_taken_by_a_worker() {
    let (folder, root) = tree();
    for operation in [
        (|root: &Root| root.remove_file(&v("large"))) as fn(&Root) -> Result<(), Refusal>,
        |root| root.rename(&v("small"), &v("large")),
    ] {
        assert_eq!(operation(&root), Err(Refusal::NeedsWorker));
        assert_eq!(fs::metadata(folder.path().join("large")).unwrap().len(), MUCH);
    }
    // With another name nothing is freed.
    fs::hard_link(folder.path().join("large"), folder.path().join("same")).unwrap();
    assert_eq!(root.remove_file(&v("same")), Ok(()));
    assert_eq!(root.rename(&v("large"), &v("other")), Ok(()));
    assert_eq!(root.remove_file(&v("small")), Ok(()));
    assert_eq!(root.blocking().remove_file(&v("other")), Ok(()));
}

#[test]
fn an_upload_that_frees_much_may_block() {
    let (_folder, root) = tree();
    let upload = |name: &str| {
        let mode = UploadMode::Replace;
        root.upload(&v(name), mode, PartialUploads::Discard, NewFile::default()).unwrap()
    };
    assert!(!upload("small").finish_may_block() && !upload("new").finish_may_block());
    assert!(upload("large").finish_may_block());
    let mut cut_off = upload("new");
    cut_off.begin().unwrap();
    assert!(!cut_off.drop_may_block());
    let megabyte = vec![0; 1 << 20];
    (0..MUCH >> 20).for_each(|_| cut_off.write(&megabyte).unwrap());
    assert!(cut_off.drop_may_block());
}

#[test]
fn a_large_file_is_emptied_by_a_worker() {
    let (_folder, root) = tree();
    let upload = |name: &str, mode| {
        root.upload(&v(name), mode, PartialUploads::Discard, NewFile::default()).unwrap()
    };
    assert!(upload("large", UploadMode::Overwrite).begin_may_block());
    assert!(!upload("large", UploadMode::ResumeAt(MUCH)).begin_may_block());
    assert!(!upload("small", UploadMode::Overwrite).begin_may_block());
}
