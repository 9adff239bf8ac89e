//! Permissions: every operation against every right, and the rules of folders.

use super::*;
use crate::fs::NewFile;
use crate::proto::coding::Coding;
use crate::proto::list_options::ListOptions;
use crate::proto::listing::Style;
use crate::session::{ByteRange, Target};

fn v(path: &str) -> VPath {
    VPath::root().join(path.as_bytes())
}

fn listing(path: &str, options: &[u8]) -> FileOp {
    FileOp::OpenListing(Listing {
        path: v(path),
        spelled: path.into(),
        style: Style::Long,
        perms: Perms::default(),
        options: ListOptions::parse(options).0,
        coding: Coding::default(),
    })
}

fn upload(path: &str, mode: UploadMode) -> FileOp {
    FileOp::OpenUpload(v(path), mode, NewFile::default(), Coding::default())
}

fn download(path: &str) -> FileOp {
    FileOp::OpenDownload(v(path), ByteRange::default(), Coding::default())
}

/// A library, with a drop box in it that has a folder of its own rights, and a shut folder.
fn library() -> Permissions {
    Permissions::new(
        Access::READ,
        [
            (v("/in"), Access::UPLOAD),
            (v("/in/box/open"), Access::WRITE),
            (v("/shut"), Access::NONE),
        ],
    )
}

#[test]
fn each_operation_needs_its_right_and_no_more() {
    use Right::*;
    let new = NewFile::default();
    let modified = FileOp::Change(v("/f"), vec![Change::Modified(0)]);
    for (operation, needed) in [
        (listing("/", b""), &[List][..]),
        (download("/f"), &[Get]),
        (FileOp::Checksum(v("/f"), Default::default(), ByteRange::default()), &[Get]),
        (upload("/f", UploadMode::Create), &[Put]),
        (upload("/f", UploadMode::Append), &[Put, Append]),
        (upload("/f", UploadMode::ResumeAt(1)), &[Put, Append, Overwrite]),
        (FileOp::RemoveFile(v("/f")), &[Delete]),
        (FileOp::RemoveDir(v("/f")), &[Rmdir]),
        (FileOp::MakeDir(v("/f"), None), &[Mkdir]),
        (FileOp::Exists(v("/f")), &[Rename]),
        (FileOp::Rename(v("/f"), v("/g"), Target::Free), &[Rename]),
        (modified, &[Mtime]),
        (FileOp::Copy(v("/f"), v("/g"), UploadMode::Create, new), &[Copy, Get, Put]),
        (FileOp::Combine(v("/f"), vec![v("/g")], new), &[Copy, Put, Append, Get, Delete]),
        (FileOp::FreeSpace(v("/f")), &[]),
    ] {
        assert_eq!(Permissions::from(Access::of(needed)).lacks(&operation), None, "{operation:?}");
        for &right in needed {
            let others = Permissions::from(Access::WRITE.without(Access::of(&[right])));
            assert_eq!(others.lacks(&operation), Some(right), "{operation:?}");
        }
    }
    for right in [List, Get] {
        let permissions = Permissions::from(Access::of(&[right]));
        assert_eq!(permissions.lacks(&FileOp::Facts(v("/f"))), None, "{right:?}");
    }
    assert_eq!(Permissions::from(Access::UPLOAD).lacks(&FileOp::Facts(v("/f"))), Some(List));
}

#[test]
fn the_deepest_rule_counts_and_a_folder_itself_is_of_the_one_above() {
    let library = library();
    for (operation, lacks) in [
        (download("/book"), None),
        (upload("/book", UploadMode::Create), Some(Right::Put)),
        (upload("/in/book", UploadMode::Create), None),
        (upload("/in/box/book", UploadMode::Create), None),
        (download("/in/book"), Some(Right::Get)),
        (download("/inside"), None),
        (FileOp::RemoveFile(v("/in/book")), Some(Right::Delete)),
        (FileOp::RemoveFile(v("/in/box/open/book")), None),
        (FileOp::Facts(v("/shut")), None),
        (FileOp::Facts(v("/shut/book")), Some(Right::List)),
        (FileOp::Rename(v("/in/box/open/a"), v("/in/b"), Target::Free), Some(Right::Rename)),
        (FileOp::Rename(v("/in/box/open/a"), v("/in/box/open/b"), Target::Free), None),
    ] {
        assert_eq!(library.lacks(&operation), lacks, "{operation:?}");
    }
}

/// A rename brought files to where they could be read, and put some where none may be put.
#[test]
fn what_is_moved_to_other_rights_is_taken_and_put() {
    let permissions = |here: Access, there: Access| {
        Permissions::new(Access::NONE, [(v("/here"), here), (v("/there"), there)])
    };
    let rename = FileOp::Rename(v("/here/f"), v("/there/f"), Target::Free);
    let renames = Access::of(&[Right::Rename]);
    for (here, there, lacks) in [
        (renames, renames, None),
        (renames, Access::WRITE, Some(Right::Get)),
        (Access::READ.or(renames), Access::WRITE, Some(Right::Delete)),
        (Access::WRITE, Access::READ.or(renames), Some(Right::Put)),
        (Access::WRITE, Access::UPLOAD.or(renames), None),
    ] {
        assert_eq!(permissions(here, there).lacks(&rename), lacks, "{here} {there}");
    }
}

#[test]
fn who_has_no_right_in_a_folder_learns_no_names_by_cwd() {
    let library = library();
    for (path, lacks) in
        [("/shut", None), ("/shut/a", Some(Right::List)), ("/in", None), ("/in/a", None)]
    {
        assert_eq!(library.lacks(&FileOp::Enter(v(path))), lacks, "{path}");
    }
}

/// `LIST /a [1]` listed the folder of that name, whose parent may be listed.
#[test]
fn a_folder_that_is_called_like_a_pattern_has_its_own_rights() {
    let permissions = Permissions::new(Access::READ, [(v("/a [1]"), Access::NONE)]);
    assert_eq!(permissions.lacks(&listing("/a [1]", b"")), Some(Right::List));
    assert_eq!(permissions.lacks(&listing("/a [2]", b"")), None);
}

/// By another name the rules of a folder would not hold.
#[test]
fn a_folder_with_rules_in_it_keeps_its_name() {
    let permissions = Permissions::new(Access::WRITE, [(v("/a/b"), Access::READ)]);
    for path in ["/a", "/a/b"] {
        let rename = FileOp::Rename(v(path), v("/c"), Target::Free);
        assert_eq!(permissions.lacks(&rename), Some(Right::Rename), "{path}");
        let replaced = FileOp::Rename(v("/c"), v(path), Target::Free);
        assert_eq!(permissions.lacks(&replaced), Some(Right::Rename), "{path}");
        assert_eq!(permissions.lacks(&FileOp::RemoveDir(v(path))), Some(Right::Rmdir), "{path}");
    }
    assert_eq!(permissions.lacks(&FileOp::Rename(v("/d"), v("/c"), Target::Free)), None);
}

#[test]
fn a_listing_comes_to_no_folder_that_may_not_be_listed() {
    let library = library();
    for (path, options, lists) in [
        ("/", "", true),
        ("/*", "", true),
        ("/*.txt", "", true),
        ("/in", "", false),
        ("/in/*", "", false),
        ("/in/box/open", "", true),
        ("/in/box/open/*/x", "", true),
        ("/", "-R", false),
        ("/*/x", "", false),
        ("/books", "-R", true),
        ("/books/*/x", "", true),
    ] {
        let lacks = library.lacks(&listing(path, options.as_bytes()));
        assert_eq!(lacks.is_none(), lists, "{path} {options}");
    }
}

#[test]
fn who_may_not_replace_stores_under_free_names_only() {
    let library = library();
    assert_eq!(library.mode(&v("/in/book"), UploadMode::Replace), UploadMode::Create);
    assert_eq!(library.mode(&v("/in/book"), UploadMode::ResumeAt(0)), UploadMode::Create);
    let open = v("/in/box/open/book");
    assert_eq!(library.mode(&open, UploadMode::Replace), UploadMode::Replace);
    assert!(library.may_replace(&open) && !library.may_replace(&v("/in/book")));
}

#[test]
fn the_perm_fact_tells_what_holds() {
    let library = library();
    let read = Perm::new(b"r", b"el");
    let perms = library.perms_in(&v("/"));
    assert_eq!(perms.of(b"books"), read);
    assert_eq!(perms.of(b"in"), Perm::new(b"r", b"ce"));
    assert_eq!(perms.of(b"shut"), Perm::new(b"r", b"e"));
    assert_eq!(library.perms_in(&v("/in")).of(b"books"), Perm::new(b"", b"ce"));
    assert_eq!(library.perm_on(&v("/in/box/open/file")), Perm::new(b"adfrw", b"cdeflmp"));
    assert_eq!(library.perm_on(&v("/in")), Perm::new(b"r", b"ce"));
    let all = Permissions::from(Access::WRITE);
    assert_eq!(all.perm_on(&v("/f")), Perm::new(b"adfrw", b"cdeflmp"));
}
