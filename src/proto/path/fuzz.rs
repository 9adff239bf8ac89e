//! Paths of any bytes, from anywhere: clean, inside, and the same again when they are followed anew.

use super::*;
use crate::fuzz::{Chance, part};

#[test]
fn hostile_names_never_lead_out_of_the_tree() {
    part!("names").some(check);
}

#[test]
#[ignore = "needs some minutes, in release mode"]
fn fuzz_of_paths() {
    part!("names").many(10_000_000, check);
}

fn check(input: &[u8], chance: &mut Chance) {
    let cut = chance.upto(input.len());
    let base = VPath::root().join(&input[..cut]);
    check_clean(&base);
    let path = base.join(&input[cut..]);
    check_clean(&path);
    assert!(path.as_bytes().len() <= base.as_bytes().len() + 1 + input.len() - cut);
    let expected = by_components(&base, &input[cut..]);
    assert_eq!(path.as_bytes(), expected, "{}", base.as_bytes().escape_ascii());
    assert_eq!(base.join(path.as_bytes()), path, "there and back");
    assert_eq!(VPath::root().join(path.relative()), path);

    // Each step up is one component less, and at the root it ends.
    let mut up = path.clone();
    for depth in (0..path.depth()).rev() {
        let parent = up.parent();
        assert_eq!((parent.depth(), &parent), (depth, &path.first(depth)));
        assert_eq!(parent.join(up.name().expect("only the root has none")), up);
        up = parent;
    }
    assert_eq!(up.parent(), VPath::root());
}

fn check_clean(path: &VPath) {
    let bytes = path.as_bytes();
    assert!(!bytes.contains(&0), "a NUL ends a name for the kernel");
    let inner = bytes.strip_prefix(b"/").expect("a path is absolute");
    let names = inner.split(|&byte| byte == b'/');
    assert!(bytes == b"/" || names.clone().all(|name| ![&b""[..], b".", b".."].contains(&name)));
    assert!(!path.relative().starts_with(b"/"));
}

/// Reference: components on a pile.
fn by_components(base: &VPath, argument: &[u8]) -> Vec<u8> {
    let from = if argument.starts_with(b"/") { b"/" } else { base.as_bytes() };
    let mut pile: Vec<Vec<u8>> = Vec::new();
    for name in [from, argument].join(&b'/').split(|&byte| byte == b'/') {
        match name {
            b"" | b"." => {}
            b".." => drop(pile.pop()),
            name => {
                pile.push(name.iter().map(|&byte| if byte == 0 { b'?' } else { byte }).collect())
            }
        }
    }
    [b"/", &*pile.join(&b'/')].concat()
}
