//! Names of every kind, byte for byte, through every command that takes one.

use crate::common::{Client, TestServer, Way};

const LONGEST: [u8; 255] = [b'n'; 255];

/// What a file system takes and a command can say. (A name that holds a CR or LF can't be said.)
const NAMES: [&[u8]; 17] = [
    b"-dash",
    b"-la",
    b"--",
    b" leading and trailing ",
    b"a  b",
    b"it's \"quoted\"",
    b"[ab]* ?{c}",
    b"\\backslash\\",
    b"semi;colon=x; y",
    b"a -> b",
    b"20230304112431 file",
    b"~",
    b"\x01tab\t\x7f",
    "ümläut 🛶".as_bytes(),
    b"\xc3\x28 not \xe4 UTF-8",
    b"\xff\xf4\xff\xff",
    &LONGEST,
];

fn line(verb: &str, name: &[u8]) -> Vec<u8> {
    [verb.as_bytes(), b" ", name].concat()
}

/// The name in a line of LIST, which has a fixed number of columns before it.
fn name_in_list(line: &[u8]) -> &[u8] {
    let mut rest = line;
    for _ in 0..8 {
        let end = rest.iter().position(|byte| *byte == b' ').expect("nine columns");
        rest = &rest[end..];
        // The date is the last column before the name, and one space stands between them.
        let blanks = rest.iter().take_while(|byte| **byte == b' ').count();
        rest = &rest[blanks.min(rest.len())..];
    }
    rest
}

/// What one session sees in the current folder.
fn listed(client: &mut Client) -> [Vec<Vec<u8>>; 3] {
    let long = client.list("LIST");
    let facts = client.list("MLSD").into_iter().map(|line| {
        let space = line.iter().position(|byte| *byte == b' ').unwrap();
        line[space + 1..].to_vec()
    });
    let mut facts: Vec<_> = facts.collect();
    facts.sort();
    [long, client.list("NLST"), facts]
}

#[test]
fn names_of_files_pass_through_stor_retr_size_rnfr_dele_and_all_others() {
    let server = TestServer::start();
    let mut client = server.client();
    for name in NAMES {
        let shown = name.escape_ascii();
        client.put(line("STOR", name), name, Way::Epsv);
        assert_eq!(server.read(name), name, "{shown}");
        client.put(line("APPE", name), "+", Way::Epsv);
        assert_eq!(client.retrieve(name, Way::Epsv), [name, b"+"].concat(), "{shown}");
        client.put(line("STOR", name), name, Way::Epsv);
        assert_eq!(client.expect(213, line("SIZE", name)), name.len().to_string(), "{shown}");
        client.expect(213, line("MFMT 20230304112431", name));
        assert_eq!(client.expect(213, line("MDTM", name)), "20230304112431", "{shown}");
        client.expect(200, line("SITE CHMOD 600", name));
        client.expect(250, line("XMD5", name));
        client.expect(213, line("HASH", name));
        client.send_line(line("MLST", name));
        let reply = client.raw_reply();
        let doubled = String::from_utf8(name.escape_ascii().collect()).unwrap();
        let wanted = format!("; /{}\\r\\n250 End", doubled.replace("\\xff", "\\xff\\xff"));
        assert!(reply.escape_ascii().to_string().contains(&wanted), "{}", reply.escape_ascii());
    }
    let mut sorted = NAMES.map(<[u8]>::to_vec);
    sorted.sort();
    let [long, names, facts] = listed(&mut client);
    assert_eq!(names, sorted);
    assert_eq!(facts, sorted);
    for (line, name) in long.iter().zip(&sorted) {
        assert!(line.ends_with(&[b" ", &name[..]].concat()), "{}", line.escape_ascii());
        if name[0] != b' ' {
            assert_eq!(name_in_list(line), name);
        }
    }
    for name in NAMES {
        client.expect(350, line("RNFR", name));
        client.expect(250, "RNTO other");
        client.expect(550, line("SIZE", name));
        client.expect(350, "RNFR other");
        client.expect(250, line("RNTO", name));
        client.expect(350, line("SITE CPFR", name));
        client.expect(250, "SITE CPTO copy");
        assert_eq!(server.read("copy"), name);
        client.expect(250, "DELE copy");
        client.expect(250, line("DELE", name));
        client.expect(550, line("DELE", name));
    }
    assert!(server.names().is_empty());
}

#[test]
fn names_of_folders_pass_through_mkd_cwd_pwd_and_rmd() {
    let server = TestServer::start();
    let mut client = server.client();
    for name in NAMES {
        client.expect(257, line("MKD", name));
        client.expect(250, line("CWD", name));
        client.store("file", name, Way::Epsv);
        client.send_line("PWD");
        let quoted: Vec<u8> = name
            .iter()
            .flat_map(|byte| {
                std::iter::repeat_n(*byte, if b"\"\xff".contains(byte) { 2 } else { 1 })
            })
            .collect();
        let reply = client.raw_reply();
        assert!(reply.starts_with(&[b"257 \"/", &quoted[..], b"\""].concat()));
        client.expect(250, "CDUP");
        let path = [name, b"/file"].concat();
        assert_eq!(client.retrieve(&path, Way::Epsv), name);
        client.expect(550, line("RMD", name));
        client.expect(550, line("DELE", name));
        client.expect(250, line("DELE", &path));
        client.expect(250, line("RMD", name));
    }
    assert!(server.names().is_empty());
}

#[test]
fn a_name_that_is_too_long_for_stor_mkd_or_rnto_is_553_and_nothing_happens() {
    let server = TestServer::start();
    server.write("file", "");
    let mut client = server.client();
    let name = [b'n'; 256];
    let _data = client.extended_passive();
    client.expect(553, line("STOR", &name));
    client.expect(553, line("MKD", &name));
    client.expect(350, "RNFR file");
    client.expect(553, line("RNTO", &name));
    assert_eq!(server.names(), ["file"]);
}
