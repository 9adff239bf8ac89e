//! LIST, NLST and STAT of a path.

use crate::common::client::read_to_end;
use crate::common::{ROUNDS, TestServer, Way};
use std::fs;
use std::os::unix::fs::symlink;

/// The name in a line of LIST: what stands behind the eighth column.
fn name_of(line: &[u8]) -> &[u8] {
    let mut rest = line;
    for _ in 0..8 {
        let end = rest.iter().position(|&byte| byte == b' ').expect("nine columns");
        rest = rest[end..].trim_ascii_start();
    }
    rest
}

fn names(lines: &[Vec<u8>]) -> Vec<&[u8]> {
    lines.iter().map(|line| name_of(line)).collect()
}

#[test]
fn list_looks_like_ls_and_is_sorted() {
    for round in ROUNDS {
        let server = TestServer::with(|config| config.round_bytes = round);
        server.write("b", "12345");
        server.write("a", "");
        fs::create_dir(server.path("c")).unwrap();
        let mut client = server.client();
        let lines = client.list("LIST");
        assert_eq!(names(&lines), [b"a", b"b", b"c"]);
        let columns: Vec<&str> =
            std::str::from_utf8(&lines[1]).unwrap().split_whitespace().collect();
        assert!(columns[0].starts_with("-rw"), "{columns:?}");
        assert_eq!(columns[4], "5", "{columns:?}");
        assert!(lines[2].starts_with(b"drwx"));
    }
}

#[test]
fn list_and_nlst_understand_options_of_ls() {
    let server = TestServer::start();
    fs::create_dir(server.path("folder")).unwrap();
    server.write("folder/file", "");
    server.write(".hidden", "");
    let mut client = server.client();
    for line in ["LIST", "LIST -a", "LIST -la", "LIST -l -a", "LIST .", "LIST /", "LIST -a /"] {
        assert_eq!(names(&client.list(line)), [&b".hidden"[..], b"folder"], "{line}");
    }
    for line in ["LIST folder", "LIST -la folder", "LIST /folder/", "LIST -l folder/file"] {
        assert_eq!(names(&client.list(line)), [b"file"], "{line}");
    }
    for line in ["NLST -a", "NLST -1", "NLST"] {
        assert_eq!(client.list(line), [&b".hidden"[..], b"folder"], "{line}");
    }
}

#[test]
fn what_nlst_names_is_fetched_by_retr_as_it_stands() {
    let server = TestServer::start();
    fs::create_dir_all(server.path("outer/inner")).unwrap();
    for name in ["outer/a", "outer/b c", "outer/inner/d"] {
        server.write(name, name);
    }
    let mut client = server.client();
    for (line, expected) in [
        ("NLST outer/inner", "outer/inner/d"),
        ("NLST /outer/inner/", "/outer/inner/d"),
        ("NLST outer/b c", "outer/b c"),
        ("NLST outer/../outer/inner", "outer/../outer/inner/d"),
    ] {
        let listed = client.list(line);
        assert_eq!(listed, [expected.as_bytes()], "{line}");
        client.retrieve(&listed[0], Way::Epsv);
    }
    client.expect(250, "CWD outer");
    assert_eq!(client.list("NLST"), [&b"a"[..], b"b c", b"inner"]);
    assert_eq!(client.list("NLST ../outer/inner"), [b"../outer/inner/d"]);
}

#[test]
fn patterns_of_list_and_nlst_choose_names() {
    let server = TestServer::start();
    for name in ["a.txt", "b.txt", "c.bin", ".d.txt", "e[1].txt"] {
        server.write(name, "");
    }
    fs::create_dir(server.path("folder")).unwrap();
    server.write("folder/f.txt", "");
    let mut client = server.client();
    for (pattern, expected) in [
        ("*.txt", &["a.txt", "b.txt", "e[1].txt"][..]),
        ("?.*", &["a.txt", "b.txt", "c.bin"]),
        ("[ac].*", &["a.txt", "c.bin"]),
        (".*", &[".d.txt"]),
        ("folder/*.txt", &["folder/f.txt"]),
        ("e[1].txt", &["e[1].txt"]),
        ("*.none", &[]),
    ] {
        assert_eq!(client.list(format!("NLST {pattern}")), expected_bytes(expected), "{pattern}");
        assert_eq!(client.list(format!("LIST {pattern}")).len(), expected.len(), "{pattern}");
    }
}

fn expected_bytes(names: &[&str]) -> Vec<Vec<u8>> {
    names.iter().map(|name| name.as_bytes().to_vec()).collect()
}

#[test]
fn odd_names_come_byte_for_byte_from_list_and_nlst() {
    let longest = "n".repeat(255);
    let odd: [&[u8]; 8] = [
        b" leading and trailing ",
        b"\"quoted\"",
        b"-dash",
        b".dot",
        b"\xff\xfe not UTF-8",
        b"\x01\x7f control",
        b"\\backslash",
        longest.as_bytes(),
    ];
    let server = TestServer::start();
    for name in odd {
        server.write(name, name);
    }
    let mut sorted = odd.to_vec();
    sorted.sort();
    let mut client = server.client();
    let listed = client.list("NLST");
    assert_eq!(listed, sorted);
    let long = client.list("LIST");
    assert!(long.iter().zip(&sorted).all(|(line, name)| line.ends_with(name)));
    for name in &listed {
        assert_eq!(client.retrieve(name, Way::Epsv), *name, "{}", name.escape_ascii());
        assert_eq!(client.expect(213, [b"SIZE ", &name[..]].concat()), name.len().to_string());
    }
}

#[test]
fn list_nlst_and_stat_show_a_name_with_a_line_end_on_one_line() {
    let server = TestServer::start();
    server.write("one\r\ntwo", "");
    let mut client = server.client();
    assert_eq!(client.list("NLST"), [b"one??two"]);
    assert_eq!(names(&client.list("LIST")), [b"one??two"]);
    assert!(client.expect(213, "STAT .").contains(" one??two\r\n"));
}

#[test]
fn list_shows_links_with_what_they_lead_to() {
    let server = TestServer::start();
    fs::create_dir(server.path("folder")).unwrap();
    server.write("folder/file", "");
    symlink("folder", server.path("link")).unwrap();
    symlink("nowhere", server.path("broken")).unwrap();
    let mut client = server.client();
    let lines = client.list("LIST");
    assert_eq!(names(&lines), [&b"broken -> nowhere"[..], b"folder", b"link -> folder"]);
    assert!(lines[0].starts_with(b"l") && lines[2].starts_with(b"l"));
    assert_eq!(names(&client.list("LIST link")), [b"file"]);
    assert_eq!(names(&client.list("LIST broken")), [b"broken -> nowhere"]);
}

#[test]
fn list_and_nlst_of_an_empty_folder_are_empty() {
    let server = TestServer::start();
    let mut client = server.client();
    for &way in Way::all(server.v4()) {
        assert_eq!(client.fetch("LIST", way), b"");
        assert_eq!(client.fetch("NLST", way), b"");
    }
}

#[test]
fn list_nlst_and_stat_of_what_is_not_there_are_refused() {
    let server = TestServer::start();
    let mut client = server.client();
    for line in ["LIST missing", "NLST missing", "LIST missing/*"] {
        let _data = client.extended_passive();
        client.expect(550, line);
    }
    client.expect(550, "STAT missing");
}

#[test]
fn nlst_is_made_of_whole_lines_even_in_type_a() {
    let server = TestServer::start();
    server.write("file", "");
    let mut client = server.client();
    client.expect(200, "TYPE A");
    assert_eq!(client.list("NLST"), [b"file"]);
}

#[test]
fn stat_of_a_path_lists_on_the_control_connection() {
    for round in ROUNDS {
        let server = TestServer::with(|config| config.round_bytes = round);
        for number in 0..100 {
            server.write(format!("file-{number:02}"), "");
        }
        let mut client = server.client();
        client.send("STAT .\r\nNOOP\r\n");
        let text = client.expect_reply(213);
        let lines: Vec<&str> = text.split("\r\n").collect();
        assert_eq!(lines.len(), 102);
        assert!(lines[1].starts_with(' ') && lines[1].ends_with(" file-00"));
        assert!(lines[100].ends_with(" file-99"));
        client.expect_reply(200);
        assert!(client.expect(213, "STAT file-07").contains(" file-07\r\n"));
    }
}

#[test]
fn stat_of_a_path_needs_a_login() {
    let server = TestServer::start();
    server.write("file", "");
    let mut client = server.connect();
    client.expect(530, "STAT .");
    client.expect(211, "STAT");
}

/// Nobody reads the listing, so it is in the middle of its way when the other session speaks.
#[test]
fn list_nlst_and_stat_of_a_large_folder_delay_nobody_and_are_whole() {
    const FILES: usize = 20_000;
    let server = TestServer::start();
    server.fill(FILES, |number| {
        format!("a name of some length, so that it is much to send {number:05}")
    });
    let (mut client, mut other) = (server.client(), server.client());
    for line in ["LIST", "NLST"] {
        let mut data = client.extended_passive();
        client.begin(line);
        for _ in 0..100 {
            other.expect_alive();
        }
        let listing = client.retrieve_rest(&mut data);
        let mut numbers: Vec<usize> = listing
            .split(|&byte| byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| std::str::from_utf8(&line[line.len() - 6..]).unwrap().trim_end().parse())
            .map(Result::unwrap)
            .collect();
        numbers.sort_unstable();
        assert!(numbers.into_iter().eq(0..FILES));
    }
    client.send_line("STAT .");
    for _ in 0..100 {
        other.expect_alive();
    }
    assert_eq!(client.expect_reply(213).split("\r\n").count(), FILES + 2);
    let mut data = client.extended_passive();
    client.begin("NLST *[0-4]");
    assert_eq!(read_to_end(&mut data).iter().filter(|&&byte| byte == b'\n').count(), FILES / 2);
    client.expect_reply(226);
}

/// All of it was made in one turn: eight seconds for 200,000 names and a laborious pattern.
#[test]
fn a_stat_that_finds_nothing_delays_nobody() {
    let server = TestServer::with(|config| config.round_bytes = 512);
    server.fill(300, |number| format!("{}{number}", "a".repeat(200)));
    let (mut client, mut other) = (server.client(), server.client());
    client.send_line(["STAT *", &"[b-da]".repeat(100), "Z"].concat());
    assert!(!client.heard().is_empty(), "the reply has begun");
    other.expect_alive();
    assert_eq!(client.heard().escape_ascii().to_string(), "213-Status follows:\\r\\n");
    assert_eq!(client.expect_reply(213).split("\r\n").count(), 2);
}

/// Lines of 8 KB each, and as many as would have gone into one reply.
#[test]
fn a_stat_of_long_links_is_said_piece_by_piece() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let server = TestServer::start();
    for number in 0..40 {
        symlink(OsStr::from_bytes(&[0xFF; 4000]), server.path(format!("{number}"))).unwrap();
    }
    assert_eq!(server.client().expect(213, "STAT .").split("\r\n").count(), 42);
}
