//! Data connections on which something comes before the transfer's command: under TLS nothing can,
//! since the handshake follows the command. So these are not among `under_tls`; nor is `telnet`.

use crate::common::{ROUNDS, TestServer, Way, bytes_for, random_bytes};
use std::io::Write;
use std::net::Shutdown;

#[test]
fn retr_goes_on_when_the_client_ends_its_side_of_the_data_connection() {
    for round in ROUNDS {
        let server = TestServer::with(|config| config.round_bytes = round);
        let content = random_bytes(9, bytes_for(round));
        server.write("file", &content);
        let mut client = server.client();
        for &way in Way::all(server.v4()) {
            let mut data = client.data(way);
            data.shutdown(Shutdown::Write).unwrap();
            client.begin("RETR file");
            assert!(client.retrieve_rest(&mut data) == content);
        }
    }
}

#[test]
fn bytes_may_come_before_their_stor() {
    let server = TestServer::start();
    let mut client = server.client();
    let mut data = client.passive();
    data.write_all(b"sent before the command").unwrap();
    drop(data);
    client.expect_alive();
    client.begin("STOR file");
    client.expect_reply(226);
    assert_eq!(server.read("file"), b"sent before the command");
}
