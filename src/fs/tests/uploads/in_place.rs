//! Uploads that write in place: appended to a file, or resumed.

use super::*;

#[test]
fn append_and_resume_write_in_place_and_through_links() {
    let tree = Tree::new();
    tree.write("file", "0123456789");
    fs::hard_link(tree.path("file"), tree.path("same")).unwrap();
    symlink("/file", tree.path("link")).unwrap();
    tree.receive("link", UploadMode::Append, Holding::Unnamed, "abc").finish().unwrap();
    assert_eq!(tree.read("same"), "0123456789abc");

    let resumed = tree.receive("link", UploadMode::ResumeAt(4), Holding::Unnamed, "xy");
    assert_eq!(tree.read("same"), "0123xy", "what stands is what arrived, already");
    drop(resumed);
    assert_eq!(tree.read("same"), "0123xy");
    drop(tree.receive("file", UploadMode::ResumeAt(6), Holding::Unnamed, "z"));
    assert_eq!(tree.read("same"), "0123xyz");
    assert_eq!(tree.names(), [&b"file"[..], b"link", b"same"]);
}

/// Its other names kept the old content.
#[test]
fn overwriting_is_seen_under_all_names_of_a_file() {
    let tree = Tree::new();
    tree.write("file", "the old content");
    fs::hard_link(tree.path("file"), tree.path("same")).unwrap();
    symlink("file", tree.path("link")).unwrap();

    let upload = tree.prepare("file", UploadMode::Overwrite).unwrap();
    assert_eq!(tree.read("same"), "the old content", "nothing is lost before the data connection");
    drop(upload);
    tree.receive("file", UploadMode::Overwrite, Holding::Unnamed, "new").finish().unwrap();
    assert_eq!((tree.read("file"), tree.read("same")), ("new".into(), "new".into()));

    tree.receive("link", UploadMode::Overwrite, Holding::Unnamed, "own").finish().unwrap();
    tree.receive("other", UploadMode::Overwrite, Holding::Unnamed, "whole").finish().unwrap();
    assert_eq!((tree.read("file"), tree.read("link")), ("new".into(), "own".into()));
    assert_eq!(tree.read("other"), "whole");
    fs::set_permissions(tree.path("file"), fs::Permissions::from_mode(0o444)).unwrap();
    assert_eq!(tree.prepare("file", UploadMode::Overwrite).unwrap_err(), Refusal::Denied);
}

#[test]
fn a_file_that_shrank_before_it_is_resumed_is_not_filled_up() {
    let tree = Tree::new();
    tree.write("file", "0123456789");
    let mut upload = tree.prepare("file", UploadMode::ResumeAt(8)).unwrap();
    tree.write("file", "01");
    assert_eq!(upload.begin(), Err(Refusal::BeyondEnd));
    assert_eq!(tree.read("file"), "01");
}
