//! Verbs that came after RFC 959 and are small: RANG, HOST, LANG, CLNT, OPTS, FEAT.

use crate::common::{Client, ROUNDS, TestServer, Way};

#[test]
fn rang_chooses_the_bytes_of_the_next_retr_only() {
    for round in ROUNDS {
        let server = TestServer::with(|config| config.round_bytes = round);
        server.write("file", "0123456789");
        let mut client = server.client();
        client.expect(350, "RANG 2 5");
        assert_eq!(client.retrieve("file", Way::Epsv), b"2345");
        assert_eq!(client.retrieve("file", Way::Epsv), b"0123456789");
        client.expect(350, "RANG 8 100");
        assert_eq!(client.retrieve("file", Way::Epsv), b"89");
        client.expect(350, "RANG 2 5");
        client.expect(350, "RANG 1 0");
        assert_eq!(client.retrieve("file", Way::Epsv), b"0123456789");
        client.expect(501, "RANG 5 2");
    }
}

/// Storing at the first byte would cut off what stands behind the last.
#[test]
fn rang_is_not_for_stor() {
    let server = TestServer::start();
    server.write("file", "0123456789");
    let mut client = server.client();
    client.expect(350, "RANG 2 5");
    let _data = client.extended_passive();
    client.expect(504, "STOR file");
    assert_eq!(server.read("file"), b"0123456789");
    client.put("STOR file", "new", Way::Epsv);
    assert_eq!(server.read("file"), b"new");
}

#[test]
fn host_is_accepted_for_the_one_host_there_is_and_only_before_user() {
    let server = TestServer::start();
    let mut client = server.connect();
    client.expect(220, "HOST localhost");
    client.expect(220, "HOST 127.0.0.1");
    client.expect(504, "HOST elsewhere.example");
    client.login();
    client.expect(503, "HOST localhost");
    let mut client = Client::connect(server.v6());
    client.expect(220, "HOST [::1]");
}

#[test]
fn lang_clnt_and_opts_utf8_are_answered() {
    let server = TestServer::start();
    let mut client = server.client();
    client.expect(200, "LANG");
    client.expect(200, "LANG en");
    client.expect(504, "LANG fr");
    client.expect(200, "CLNT a test");
    client.expect(200, "OPTS UTF8 ON");
    client.expect(504, "OPTS UTF8 OFF");
    client.expect(501, "OPTS NONSENSE");
    client.expect(214, "SITE HELP");
    client.expect(504, "SITE EXEC ls");
}

#[test]
fn feat_lists_nothing_that_is_refused_as_unknown() {
    let server = TestServer::start();
    let mut client = server.client();
    let features = client.expect(211, "FEAT");
    let names: Vec<&str> = features.lines().filter_map(|line| line.strip_prefix(' ')).collect();
    assert!(names.len() > 20);
    for name in names {
        let verb = name.split(' ').next().unwrap();
        // CCC is known so well that it would be obeyed.
        if !["TVFS", "UTF8", "CCC"].contains(&verb) {
            let code = client.command(verb).0;
            assert!(code != 500 && code != 502, "{verb}: {code}");
        }
    }
}
