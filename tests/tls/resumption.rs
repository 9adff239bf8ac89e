//! Whose data connection it is: TLS sessions that are resumed.

use super::fixtures::{VERSIONS, forgetful, resumed, resuming, secure_client, server_with};
use crate::common::{Stream, Way};
use packetboat::SessionReuse;
use rustls::SupportedProtocolVersion;
use std::io::{Read, Write};
use std::net::TcpStream;

#[test]
fn data_connections_resume_the_session_of_their_control_connection() {
    for reuse in [SessionReuse::Off, SessionReuse::Prefer, SessionReuse::Require] {
        let server = server_with(|tls| tls.session_reuse = reuse);
        server.write("file", "content");
        for version in VERSIONS {
            let mut client = secure_client(&server, &resuming(version));
            for &way in Way::all(server.v4()) {
                let mut data = client.data(way);
                client.begin("RETR file");
                assert_eq!(client.retrieve_rest(&mut data), b"content");
                assert_eq!(resumed(&mut data), reuse != SessionReuse::Off, "{version:?}");
                let mut data = client.data(way);
                client.begin("STOR new");
                data.write_all(b"content").unwrap();
                assert_eq!(resumed(&mut data), reuse != SessionReuse::Off, "{version:?}");
                drop(data);
                client.expect_reply(226);
                assert!(!client.list("LIST").is_empty());
            }
        }
    }
}

#[test]
fn whoever_need_not_resume_may_begin_anew() {
    for reuse in [SessionReuse::Off, SessionReuse::Prefer] {
        let server = server_with(|tls| tls.session_reuse = reuse);
        for version in VERSIONS {
            let mut client = secure_client(&server, &forgetful(version));
            client.store("file", "content", Way::Epsv);
            assert_eq!(client.retrieve("file", Way::Eprt), b"content");
        }
    }
}

fn every(reuse: &[SessionReuse]) -> Vec<(&'static SupportedProtocolVersion, SessionReuse)> {
    VERSIONS
        .into_iter()
        .flat_map(|version| reuse.iter().map(move |reuse| (version, *reuse)))
        .collect()
}

/// A stolen port: the address is right, the TLS session another's, or nobody's.
#[test]
fn a_stranger_on_the_data_connection_is_refused_and_the_session_goes_on() {
    for (version, reuse) in every(&[SessionReuse::Prefer, SessionReuse::Require]) {
        let server = server_with(|tls| tls.session_reuse = reuse);
        server.write("old", "as it was");
        let mut victim = secure_client(&server, &resuming(version));
        // Where it need not resume, it must when it has shown that it can.
        assert_eq!(victim.retrieve("old", Way::Epsv), b"as it was");
        for line in ["STOR old", "STOR new", "APPE old", "RETR old", "LIST"] {
            let others = resuming(version);
            let mut other = secure_client(&server, &others);
            for thief in [&others, &forgetful(version)] {
                let port = victim.epsv();
                let mut data = Stream::clear(TcpStream::connect(port).unwrap());
                data.secure(thief);
                victim.begin(line);
                let _ = data.write_all(b"not the client's");
                victim.expect_reply(425);
                let mut seen = Vec::new();
                let _ = data.read_to_end(&mut seen);
                assert_eq!(seen.escape_ascii().to_string(), "", "{line}");
                assert_eq!(server.names(), ["old"]);
                assert_eq!(server.read("old"), b"as it was");
            }
            other.expect_alive();
        }
        victim.store("old", "by the client itself", Way::Epsv);
        assert_eq!(victim.retrieve("old", Way::Eprt), b"by the client itself");
    }
}

/// Java and Perl keep TLS sessions by host and port, and so resume one where a passive port comes
/// again. That they did it once was held against them: 425.
#[test]
fn whoever_resumes_data_connections_only_need_not() {
    let server = server_with(|tls| tls.session_reuse = SessionReuse::Prefer);
    server.write("file", "content");
    for version in VERSIONS {
        let mut client = secure_client(&server, &forgetful(version));
        let one_port = resuming(version);
        for (config, is_resumed) in
            [(&one_port, false), (&one_port, true), (&forgetful(version), false)]
        {
            let mut data = Stream::clear(TcpStream::connect(client.epsv()).unwrap());
            data.secure(config);
            client.begin("RETR file");
            assert_eq!(client.retrieve_rest(&mut data), b"content");
            assert_eq!(resumed(&mut data), is_resumed, "{version:?}");
        }
    }
}

/// Clients with several control connections keep all of their tickets in one place (rclone, lftp).
#[test]
fn sessions_of_one_client_may_resume_each_other() {
    for (version, reuse) in every(&[SessionReuse::Prefer, SessionReuse::Require]) {
        let server = server_with(|tls| tls.session_reuse = reuse);
        let config = resuming(version);
        let mut clients = Vec::from([secure_client(&server, &config)]);
        for round in 0..4 {
            for client in &mut clients {
                client.store("file", "content", Way::Epsv);
                assert_eq!(client.retrieve("file", Way::Eprt), b"content");
            }
            if round < 2 {
                clients.push(secure_client(&server, &config));
            }
        }
    }
}

/// Whoever cannot resume is served as well, even where it could at first.
#[test]
fn under_prefer_uploads_beyond_the_last_ticket_are_served() {
    let server = server_with(|tls| tls.session_reuse = SessionReuse::Prefer);
    for version in VERSIONS {
        let mut client = secure_client(&server, &resuming(version));
        for _ in 0..12 {
            client.store("file", "content", Way::Epsv);
        }
        for _ in 0..3 {
            assert_eq!(client.retrieve("file", Way::Epsv), b"content");
        }
    }
}

#[test]
fn a_later_session_of_the_same_client_has_its_own_tickets() {
    let server = server_with(|tls| tls.session_reuse = SessionReuse::Require);
    for version in VERSIONS {
        let config = resuming(version);
        for _ in 0..3 {
            let mut client = secure_client(&server, &config);
            client.store("file", "content", Way::Epsv);
            assert_eq!(client.retrieve("file", Way::Epsv), b"content");
            client.expect(221, "QUIT");
        }
    }
}

/// Some clients use each ticket of TLS 1.3 once only, and an upload brings no new ones.
#[test]
fn three_stor_and_a_retr_can_resume_again_and_again() {
    let server = server_with(|tls| tls.session_reuse = SessionReuse::Require);
    for version in VERSIONS {
        let mut client = secure_client(&server, &resuming(version));
        for _ in 0..3 {
            for _ in 0..3 {
                client.store("file", "content", Way::Epsv);
            }
            assert_eq!(client.retrieve("file", Way::Epsv), b"content");
        }
    }
}
