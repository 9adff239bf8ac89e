//! Options of LIST, NLST and STAT, which mean what they mean to `ls`, and patterns in every component.

use crate::common::logged::{logged, with_log};
use crate::common::{Client, ROUNDS, TestServer, under_tls};
use std::fs::{self, File, Permissions};
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::{Duration, SystemTime};

/// Server of files with sizes and times, in seconds and nanoseconds.
fn server(round: usize) -> TestServer {
    let server = TestServer::with(|config| config.round_bytes = round);
    for (name, size, seconds, nanoseconds) in [
        ("a", 3, 1000, 1),
        ("b", 1, 3000, 0),
        ("c", 10, 1000, 2),
        (".d", 3, 2000, 0),
        ("e", 0, 2000, 0),
    ] {
        server.write(name, vec![b'x'; size]);
        let modified = SystemTime::UNIX_EPOCH + Duration::new(seconds, nanoseconds);
        File::open(server.path(name)).unwrap().set_modified(modified).unwrap();
    }
    server
}

/// Lines as they stand in the listing.
fn text(lines: Vec<Vec<u8>>) -> Vec<String> {
    lines.into_iter().map(|line| String::from_utf8(line).unwrap()).collect()
}

/// Last word of each line; an empty line has none.
fn last_words(lines: Vec<Vec<u8>>) -> String {
    let lines = text(lines);
    let words: Vec<&str> = lines.iter().map(|line| line.rsplit(' ').next().unwrap()).collect();
    words.join(" ")
}

/// Tree with files, folders and a link.
fn tree(change: impl FnOnce(&mut packetboat::Config)) -> TestServer {
    let server = TestServer::with(change);
    fs::create_dir_all(server.path("one/src")).unwrap();
    fs::create_dir_all(server.path("two/src/deep")).unwrap();
    for name in ["one/src/x.rs", "one/src/y.c", "two/src/deep/z", "two/src/w.rs", "two/t", "f"] {
        server.write(name, "");
    }
    symlink("two", server.path("way")).unwrap();
    server
}

/// Listing that is cut off by the server, which says so; under TLS by the missing close_notify too.
fn cut_off(client: &mut Client, line: &str) -> Vec<u8> {
    let mut data = client.extended_passive();
    client.begin(line);
    let mut listing = Vec::new();
    assert_eq!(data.read_to_end(&mut listing).is_err(), under_tls());
    client.expect_reply(451);
    listing
}

/// Expectations are what `LC_ALL=C ls -A` prints with these options.
#[test]
fn names_come_in_the_order_of_ls() {
    for round in ROUNDS {
        let server = server(round);
        let mut client = server.client();
        for (options, order) in [
            ("-t", "b .d e c a"),
            ("-tr", "a c e .d b"),
            ("-lt", "b .d e c a"),
            ("-S", "c .d a b e"),
            ("-rS", "e b a .d c"),
            ("-r", "e c b a .d"),
            ("-t -S", "c .d a b e"),
            ("-S -la -t", "b .d e c a"),
            ("-Qz9", ".d a b c e"),
        ] {
            for verb in ["LIST", "NLST"] {
                let line = format!("{verb} {options}");
                assert_eq!(last_words(client.list(&line)), order, "{line}");
            }
            let status = client.expect(213, format!("STAT {options} ."));
            let lines = status.split("\r\n").skip(1).take(5);
            let names: Vec<&str> = lines.map(|line| line.rsplit(' ').next().unwrap()).collect();
            assert_eq!(names.join(" "), order, "STAT {options}");
        }
        assert_eq!(last_words(client.list("NLST -t [abe]")), "b e a");
        assert_eq!(last_words(client.list("LIST -S [abe]")), "a b e");
    }
}

#[test]
fn an_order_that_is_given_up_is_said_in_the_log() {
    const FILES: usize = 20_000;
    let server = with_log(|_| {});
    server.fill(FILES, |number| format!("{number:05}"));
    fs::create_dir(server.path("few")).unwrap();
    let mut client = server.client();
    let said = || logged(&server, &["INFO", "too many names to be sorted"]);
    for (line, lines) in [("NLST", 0), ("NLST -t few", 0), ("NLST -t", 1)] {
        client.list(line);
        assert_eq!(said(), lines, "{line}");
    }
    assert_eq!(client.expect(213, "STAT -S").split("\r\n").count(), FILES + 3);
    assert_eq!(said(), 2, "STAT");
}

#[test]
fn nlst_is_long_with_l_and_list_is_long_in_any_case() {
    let server = server(1 << 20);
    let mut client = server.client();
    for line in ["NLST -l", "NLST -1l", "LIST", "LIST -1", "LIST -l1"] {
        assert!(text(client.list(line)).iter().all(|line| line.starts_with("-rw")), "{line}");
    }
    assert_eq!(text(client.list("NLST -1")), [".d", "a", "b", "c", "e"]);
}

#[test]
fn d_lists_the_folder_itself() {
    let server = tree(|_| {});
    let mut client = server.client();
    for (line, expected) in [
        ("NLST -d", "."),
        ("NLST -d one", "one"),
        ("NLST -d two/src/", "two/src"),
        ("NLST -d ..", "../."),
        ("NLST -dR *", "f one two way"),
        ("NLST -d */src", "one/src two/src way/src"),
        ("LIST -d", "."),
        ("LIST -d one", "one"),
        ("LIST -ld two/t", "t"),
        ("LIST -d way", "two"),
    ] {
        assert_eq!(last_words(client.list(line)), expected, "{line}");
    }
    let line = text(client.list("LIST -d two/src")).remove(0);
    assert!(line.starts_with("drwx") && line.ends_with(" src"), "{line}");
    for name in ["missing", "one/missing"] {
        let _data = client.extended_passive();
        client.expect(550, format!("LIST -d {name}"));
    }
}

#[test]
fn a_tree_is_listed_as_by_ls() {
    for round in ROUNDS {
        let server = tree(|config| config.round_bytes = round);
        let mut client = server.client();
        let words = ".: f one two two  ./one: src  ./one/src: x.rs y.c  ./two: src t  \
                     ./two/src: deep w.rs  ./two/src/deep: z";
        assert_eq!(last_words(client.list("LIST -R")), words);
        assert_eq!(last_words(client.list("LIST -lRa .")), words);
        assert_eq!(
            last_words(client.list("LIST -R two/src/")),
            "two/src: deep w.rs  two/src/deep: z"
        );
        assert_eq!(
            last_words(client.list("LIST -R /two")),
            "/two: src t  /two/src: deep w.rs  /two/src/deep: z"
        );
        assert_eq!(
            text(client.list("NLST -rR")),
            [
                "way",
                "two",
                "one",
                "f",
                "two/t",
                "two/src",
                "two/src/w.rs",
                "two/src/deep",
                "two/src/deep/z",
                "one/src",
                "one/src/y.c",
                "one/src/x.rs",
            ]
        );
        assert_eq!(last_words(client.list("LIST -R two/t")), "t");
        let status = client.expect(213, "STAT -R one");
        let lines: Vec<&str> = status.split("\r\n").map(str::trim).collect();
        assert_eq!((lines[1], lines[3], lines[4]), ("one:", "", "one/src:"));
    }
}

#[test]
fn a_tree_is_one_folder_where_trees_are_off() {
    let server = tree(|config| config.recursive_lists = false);
    let mut client = server.client();
    assert_eq!(last_words(client.list("LIST -lR")), "f one two two");
    assert_eq!(last_words(client.list("NLST -tR one")), "one/src");
    assert_eq!(client.expect(213, "STAT -R one").split("\r\n").count(), 3);
}

/// A client that mirrors would take what is missing for removed.
#[test]
fn a_tree_that_is_too_deep_is_listed_as_far_as_it_may_be_and_said_to_be_cut_off() {
    let server = TestServer::start();
    let deep = ["d"; 40].join("/");
    fs::create_dir_all(server.path(&deep)).unwrap();
    let mut client = server.client();
    let listing = String::from_utf8(cut_off(&mut client, "LIST -R")).unwrap();
    assert_eq!(listing.matches(":\r\n").count(), 33);
    assert!(client.expect(213, "STAT -R").contains("The listing is cut off here"));
    client.list(format!("LIST -R {}", ["d"; 20].join("/")));
}

#[test]
fn a_tree_is_no_way_out_of_the_root_and_hides_what_is_hidden() {
    let server = tree(|_| {});
    symlink("/", server.path("one/slash")).unwrap();
    symlink("..", server.path("one/up")).unwrap();
    fs::create_dir(server.path(".packetboat-0123456789abcdef~")).unwrap();
    fs::create_dir(server.path("one/.packetboat-0123456789abcdef~")).unwrap();
    let mut client = server.client();
    let listing = text(client.list("NLST -R"));
    assert!(!listing.iter().any(|name| name.contains("packetboat") || name.contains("slash/")));
    assert_eq!(
        text(client.list("NLST one/sl*/*")),
        ["one/slash/f", "one/slash/one", "one/slash/two", "one/slash/way"]
    );
    assert_eq!(text(client.list("NLST */.packetboat-0123456789abcdef~")).len(), 0);
    assert_eq!(text(client.list("NLST */.p*")).len(), 0);
}

#[test]
fn patterns_choose_in_every_component() {
    for round in ROUNDS {
        let server = tree(|config| config.round_bytes = round);
        let mut client = server.client();
        for (pattern, expected) in [
            ("*/src/*.rs", "one/src/x.rs two/src/w.rs way/src/w.rs"),
            ("/*/t", "/two/t /way/t"),
            ("[ot]*/src", "one/src two/src"),
            ("t?o/*/*/z", "two/src/deep/z"),
            ("./*/src/deep/?", "./two/src/deep/z ./way/src/deep/z"),
            ("one/*/[xy].*", "one/src/x.rs one/src/y.c"),
            ("*/none/*", ""),
            ("*/src/none", ""),
        ] {
            assert_eq!(text(client.list(format!("NLST {pattern}"))).join(" "), expected);
            assert_eq!(last_words(client.list(format!("LIST {pattern}"))), expected);
            let lines = client.expect(213, format!("STAT {pattern}"));
            let listed = expected.split_whitespace().count();
            assert_eq!(lines.split("\r\n").count(), listed + 2, "STAT {pattern}");
        }
        // What is there by its literal name is no pattern.
        fs::create_dir_all(server.path("o[n]e/src")).unwrap();
        server.write("o[n]e/src/literal.rs", "");
        assert_eq!(text(client.list("NLST o[n]e/src/*.rs")), ["o[n]e/src/literal.rs"]);
        for pattern in ["missing/*/x", "f/*"] {
            let _data = client.extended_passive();
            client.expect(550, format!("NLST {pattern}"));
        }
    }
}

#[test]
#[ignore = "needs an ordinary user: to root nothing is denied"]
fn a_folder_shut_to_an_ordinary_user_ends_a_tree_with_451_and_a_pattern_passes_by() {
    let server = tree(|_| {});
    fs::set_permissions(server.path("one"), Permissions::from_mode(0o000)).unwrap();
    let mut client = server.client();
    assert!(cut_off(&mut client, "NLST -R").ends_with(b"two/src/deep/z\r\n"));
    assert_eq!(text(client.list("NLST */t")), ["two/t", "way/t"]);
    fs::set_permissions(server.path("one"), Permissions::from_mode(0o700)).unwrap();
}
