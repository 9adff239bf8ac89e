//! Walks through folders that nobody opens.

use super::*;

fn patterns(spelled: &str, scope: Scope) -> Vec<Walk> {
    let path = VPath::root().join(b"cwd").join(spelled.as_bytes());
    Walk::patterns(&path, spelled.as_bytes(), scope)
}

fn tree() -> Walk {
    Walk::folder(VPath::root(), Vec::new(), Scope::Tree)
}

#[test]
fn patterns_begin_at_the_last_component_or_at_the_first_that_is_one() {
    for (spelled, begins) in [
        ("a/b", &[][..]),
        ("a*", &[("/cwd", "")]),
        ("d/*.x", &[("/cwd/d", "d/")]),
        ("/p/*/", &[("/p", "/p/")]),
        ("../q/*/y*", &[("/q/*", "../q/*/"), ("/q", "../q/")]),
        ("*/f", &[("/cwd", "")]),
        ("a//*/./f", &[("/cwd/a", "a//")]),
        ("x*/../*", &[("/cwd", "x*/../")]),
        ("x*/..", &[]),
    ] {
        let walks = patterns(spelled, Scope::Folder);
        let found: Vec<(VPath, Vec<u8>)> =
            walks.iter().map(|walk| (walk.place(), walk.prefix())).collect();
        let expected: Vec<(VPath, Vec<u8>)> = begins
            .iter()
            .map(|(base, prefix)| (VPath::root().join(base.as_bytes()), prefix.as_bytes().to_vec()))
            .collect();
        assert_eq!(found, expected, "{spelled}");
    }
}

#[test]
fn a_pattern_leads_through_folders_and_links_that_match() {
    let mut walk = patterns("*/src/*.rs", Scope::Folder).pop().unwrap();
    assert!(matches!(walk.choice(), Choice::Through(_)));
    for (name, kind) in [
        (&b"a"[..], Some(Kind::Directory)),
        (b"file", Some(Kind::File)),
        (b"link", Some(Kind::Link)),
        (b"unknown", None),
    ] {
        walk.note(name, kind);
    }
    for folder in [&b"a"[..], b"link", b"unknown"] {
        assert_eq!(walk.go_on(), Ok(true));
        assert_eq!(walk.prefix(), [folder, b"/src/"].concat());
        assert!(matches!(walk.choice(), Choice::Matching(_)));
        walk.note(b"x.rs", Some(Kind::Directory));
        walk.is_shut(Refusal::Denied);
    }
    assert_eq!((walk.go_on(), walk.refusal()), (Ok(false), None));
    let mut walk = patterns("*/Makefile", Scope::Folder).pop().unwrap();
    walk.note(b"a", Some(Kind::Directory));
    assert_eq!(walk.go_on(), Ok(true));
    assert_eq!(walk.choice(), Choice::Single(b"Makefile"));
}

#[test]
fn a_tree_is_walked_down_first_and_no_link_is_followed() {
    let mut walk = tree();
    let folder = Some(Kind::Directory);
    walk.note(b"a", folder);
    walk.note(b"link", Some(Kind::Link));
    walk.note(b"b", folder);
    assert_eq!(walk.heading(), Some(b".".to_vec()));
    for (place, inner) in [("/a", "x"), ("/a/x", ""), ("/b", "y"), ("/b/y", "")] {
        assert_eq!(walk.go_on(), Ok(true));
        assert_eq!(walk.place().as_bytes(), place.as_bytes());
        assert_eq!(walk.heading(), Some(format!(".{place}").into_bytes()));
        if !inner.is_empty() {
            walk.note(inner.as_bytes(), folder);
        }
    }
    assert_eq!(walk.go_on(), Ok(false));
    for (spelled, heading) in [("/", "/"), ("d/", "d"), ("/d/", "/d")] {
        let walk = Walk::folder(VPath::root(), spelled.into(), Scope::Tree);
        assert_eq!(walk.heading(), Some(heading.into()));
    }
}

#[test]
fn a_tree_ends_at_its_bounds_and_says_so() {
    let folder = Some(Kind::Directory);
    let mut walk = tree();
    let mut depth = 0;
    loop {
        walk.note(b"d", folder);
        match walk.go_on() {
            Ok(true) => depth += 1,
            end => break assert_eq!(end, Ok(false)),
        }
    }
    assert_eq!((depth, walk.refusal()), (DEEPEST, Some(Refusal::TooMany)));

    let mut walk = tree();
    walk.count(MOST_NAMES + 1);
    assert_eq!(walk.go_on(), Ok(false), "one folder is never cut off");
    walk.note(b"d", folder);
    assert_eq!(walk.go_on(), Err(Refusal::TooMany));
    assert_eq!(walk.go_on(), Err(Refusal::TooMany), "it is said again");

    let mut walk = tree();
    let name = [b'n'; 200];
    (0..MOST_PENDING_BYTES / 200).for_each(|_| walk.note(&name, folder));
    assert_eq!(walk.refusal(), Some(Refusal::TooMany));
}

#[test]
fn a_folder_of_a_tree_that_is_shut_is_said_and_one_that_is_gone_is_not() {
    for (refusal, said) in [(Refusal::NotFound, None), (Refusal::Denied, Some(Refusal::Denied))] {
        let mut walk = tree();
        walk.note(b"d", Some(Kind::Directory));
        assert_eq!(walk.go_on(), Ok(true));
        walk.is_shut(refusal);
        assert_eq!((walk.go_on(), walk.refusal()), (Ok(false), said));
    }
}
