//! `VPath`: a name in the tree that a client sees, absolute and normalised by construction.
//!
//! Every argument becomes a `VPath` before anything else looks at it, so no later room ever meets
//! `..`, `//`, a relative name or a NUL. It confines nothing by itself: what a name resolves to is
//! decided by the kernel, beneath the root's descriptor (see `fs`).

/// An absolute path of the virtual tree: `/`, or `/a/b` without a trailing slash. Names are bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VPath(Box<[u8]>);

impl Default for VPath {
    /// The root of the tree.
    fn default() -> VPath {
        VPath::root()
    }
}

impl VPath {
    /// The root of the tree, `/`.
    pub fn root() -> VPath {
        VPath(Box::from(*b"/"))
    }

    /// Follows `argument` from here as a shell would: absolute if it begins with `/`, `.` and
    /// empty components dropped, `..` resolved by name, and `..` above `/` staying at `/`.
    pub fn join(&self, argument: &[u8]) -> VPath {
        let mut path = if argument.first() == Some(&b'/') { Vec::new() } else { self.0.to_vec() };
        if path == b"/" {
            path.clear();
        }
        for component in argument.split(|&byte| byte == b'/') {
            match component {
                b"" | b"." => {}
                b".." => path.truncate(path.iter().rposition(|&byte| byte == b'/').unwrap_or(0)),
                name => {
                    path.push(b'/');
                    // A command line cannot hold a NUL (see `line`); a name with one exists nowhere.
                    path.extend(name.iter().map(|&byte| if byte == 0 { b'?' } else { byte }));
                }
            }
        }
        if path.is_empty() {
            path.push(b'/');
        }
        VPath(path.into_boxed_slice())
    }

    /// The directory that holds this name; `/` for the root itself.
    pub fn parent(&self) -> VPath {
        self.join(b"..")
    }

    /// True if this is the folder itself, or is in it, however deep.
    pub fn is_within(&self, folder: &VPath) -> bool {
        let rest = self.0.strip_prefix(&*folder.0);
        rest.is_some_and(|rest| rest.is_empty() || rest[0] == b'/' || folder.name().is_none())
    }

    /// Number of components; 0 for the root.
    pub fn depth(&self) -> usize {
        self.relative().split(|&byte| byte == b'/').count() - usize::from(self.name().is_none())
    }

    /// The first `depth` components, or the whole path where there are no more.
    pub fn first(&self, depth: usize) -> VPath {
        let slashes = self.0.iter().enumerate().filter(|&(_, &byte)| byte == b'/');
        let end = slashes.map(|(at, _)| at).nth(depth).unwrap_or(self.0.len());
        VPath(Box::from(&self.0[..end.max(1)]))
    }

    /// The last component, or `None` for the root, which has no name.
    pub fn name(&self) -> Option<&[u8]> {
        let name = self.0.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
        (!name.is_empty()).then_some(name)
    }

    /// The whole path as the client sees it.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The path from the root's descriptor on: `.` for the root, else without the leading slash.
    pub fn relative(&self) -> &[u8] {
        match &self.0[1..] {
            b"" => b".",
            relative => relative,
        }
    }
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_holds_what_is_below_it_and_itself() {
        let path = |text: &str| VPath::root().join(text.as_bytes());
        for (inner, outer, is) in [
            ("/", "/", true),
            ("/a", "/", true),
            ("/a/b", "/a", true),
            ("/a", "/a", true),
            ("/ab", "/a", false),
            ("/", "/a", false),
            ("/a", "/a/b", false),
        ] {
            assert_eq!(path(inner).is_within(&path(outer)), is, "{inner} in {outer}");
        }
    }

    #[test]
    fn a_path_is_cut_at_any_depth() {
        for (path, depths) in
            [("/", &["/"][..]), ("/a", &["/", "/a"]), ("/a/b", &["/", "/a", "/a/b"])]
        {
            let path = VPath::root().join(path.as_bytes());
            assert_eq!(path.depth() + 1, depths.len());
            for (depth, expected) in depths.iter().enumerate() {
                assert_eq!(path.first(depth).as_bytes(), expected.as_bytes());
            }
            assert_eq!(path.first(path.depth() + 1), path);
        }
    }

    #[test]
    fn join_normalises() {
        for (from, argument, to) in [
            ("/", "", "/"),
            ("/", "a", "/a"),
            ("/a", "b/c", "/a/b/c"),
            ("/a/b", "..", "/a"),
            ("/a", "..", "/"),
            ("/", "../../..", "/"),
            ("/a", "/x//y/./z/", "/x/y/z"),
            ("/a", "/..", "/"),
            ("/a/b", "../../../etc/passwd", "/etc/passwd"),
            ("/", "...", "/..."),
            ("/", "\\", "/\\"),
            ("/", " a ", "/ a "),
        ] {
            let joined = VPath::root().join(from.as_bytes()).join(argument.as_bytes());
            assert_eq!(joined.as_bytes(), to.as_bytes(), "{from} + {argument}");
        }
    }

    #[test]
    fn parent_name_and_relative() {
        let path = VPath::root().join(b"a/b");
        assert_eq!(path.parent().as_bytes(), b"/a");
        assert_eq!(path.name(), Some(&b"b"[..]));
        assert_eq!(path.relative(), b"a/b");
        assert_eq!(VPath::root().name(), None);
        assert_eq!(VPath::root().parent(), VPath::root());
        assert_eq!(VPath::root().relative(), b".");
    }
}
