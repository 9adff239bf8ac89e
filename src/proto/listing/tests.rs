//! Lines of listings, as they are spelled.

use super::*;

const NOW: i64 = 1_677_929_071; // Mar 4, 2023, 11:24:31

const FILE: Facts = Facts {
    kind: Kind::File,
    mode: 0o644,
    links: 1,
    owner: 1000,
    group: 1000,
    size: 2331,
    modified: NOW,
    modified_ns: 0,
    created: None,
    device: 0xfd01,
    inode: 0x1a2b,
};

fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    out.escape_ascii().to_string()
}

#[test]
fn long_lines_look_like_ls() {
    let directory = Facts { kind: Kind::Directory, mode: 0o1777, links: 12, ..FILE };
    let link = Facts { kind: Kind::Link, mode: 0o777, size: 3, modified: 0, ..FILE };
    let large = Facts { size: u64::MAX, owner: u32::MAX, links: 12345, ..FILE };
    for (name, facts, target, line) in [
        ("name", FILE, None, r"-rw-r--r--   1 1000     1000         2331 Mar 04 11:24 name\r\n"),
        (
            " a b",
            directory,
            None,
            r"drwxrwxrwt  12 1000     1000         2331 Mar 04 11:24  a b\r\n",
        ),
        (
            "l",
            link,
            Some("../x"),
            r"lrwxrwxrwx   1 1000     1000            3 Jan 01  1970 l -> ../x\r\n",
        ),
        (
            "l\n",
            link,
            Some("\r\n"),
            r"lrwxrwxrwx   1 1000     1000            3 Jan 01  1970 l? -> ??\r\n",
        ),
        (
            "x",
            large,
            None,
            r"-rw-r--r-- 12345 4294967295 1000     18446744073709551615 Mar 04 11:24 x\r\n",
        ),
    ] {
        let target = target.map(str::as_bytes);
        assert_eq!(text(|out| long(out, name.as_bytes(), &facts, target, NOW)), line);
    }
}

#[test]
fn permission_letters() {
    for (kind, mode, letters) in [
        (Kind::File, 0, b"----------"),
        (Kind::File, 0o421, b"-r---w---x"),
        (Kind::File, 0o7777, b"-rwsrwsrwt"),
        (Kind::File, 0o7000, b"---S--S--T"),
        (Kind::File, 0o4755, b"-rwsr-xr-x"),
        (Kind::Special, 0o600, b"srw-------"),
    ] {
        assert_eq!(&permissions(&Facts { kind, mode, ..FILE }), letters);
    }
}

#[test]
fn names_stay_on_their_line() {
    assert_eq!(text(|out| name(out, b"", b"a b\xff")), r"a b\xff\r\n");
    assert_eq!(text(|out| name(out, b"su\rb/", b"a\r\nb")), r"su?b/a??b\r\n");
    assert_eq!(text(|out| heading(out, b"./a\nb", true)), r"./a?b:\r\n");
    assert_eq!(text(|out| heading(out, b"/", false)), r"\r\n/:\r\n");
}

#[test]
fn machine_lines() {
    let all = FactSet::of(|_| true);
    let dated = Facts { created: Some(0), mode: 0o4755, ..FILE };
    let directory = Facts { kind: Kind::Directory, ..FILE };
    let (write, read) = (Perm::new(b"adfrw", b"cdeflmp"), Perm::new(b"r", b"el"));
    for (facts, perm, wanted, line) in [
        (
            dated,
            write,
            all,
            "type=file;size=2331;modify=20230304112431;create=19700101000000;perm=adfrw;\
             unique=fd01g1a2b;UNIX.mode=4755;UNIX.owner=1000;UNIX.group=1000; a?;b\\r\\n",
        ),
        (FILE, read, FactSet::parse(b"perm;create;size;"), "size=2331;perm=r; a?;b\\r\\n"),
        (directory, write, FactSet::parse(b"type;size;perm"), "type=dir;perm=cdeflmp; a?;b\\r\\n"),
        (directory, read, FactSet::parse(b""), " a?;b\\r\\n"),
    ] {
        assert_eq!(text(|out| machine(out, b"a\n;b", &facts, perm, wanted)), line);
    }
    let link = Facts { kind: Kind::Link, ..FILE };
    let wanted = FactSet::parse(b"type;perm;");
    let line = text(|out| machine(out, b"l", &link, read, wanted));
    assert_eq!(line, r"type=OS.unix=symlink;perm=; l\r\n");
}

#[test]
fn facts_are_chosen() {
    assert_eq!(
        FactSet::default().feature(),
        "type*;size*;modify*;create;perm*;unique;UNIX.mode*;UNIX.owner*;UNIX.group*;"
    );
    assert_eq!(FactSet::parse(b"Size; unix.MODE ;x;;typ;TYPE").to_string(), "type;size;UNIX.mode;");
    assert_eq!(FactSet::parse(b"").to_string(), "");
}
