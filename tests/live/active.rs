//! Where active data connections come from.

use crate::common::client::{eprt, port};
use crate::common::ports::{DeadPort, deaf_listener, free_port};
use crate::common::{Client, TestServer, Way, descriptors};
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::time::Duration;

#[test]
fn port_and_eprt_connect_from_the_address_that_the_client_connected_to() {
    let server = TestServer::with(|config| {
        config.listen = vec!["0.0.0.0:0".parse().unwrap()];
        config.anonymous = Some(packetboat::Anonymous::Write);
    });
    for last in [1, 2, 77] {
        let address = IpAddr::from([127, 0, 0, last]);
        let mut client = Client::connect((address, server.v4().port()).into());
        client.login();
        for way in [Way::Port, Way::Eprt] {
            assert_eq!(client.active(way).peer_addr().unwrap().ip(), address);
        }
    }
}

#[test]
fn with_active_port_every_eprt_connects_from_that_one() {
    let port = free_port();
    let server = TestServer::with(|config| config.active_port = Some(port));
    let mut clients: Vec<Client> = server.both().into_iter().cycle().take(6).map(connect).collect();
    // All at once, and then again and again.
    let connections: Vec<_> = clients.iter_mut().map(|client| client.active(Way::Eprt)).collect();
    for connection in &connections {
        assert_eq!(connection.peer_addr().unwrap().port(), port);
    }
    drop(connections);
    for _ in 0..20 {
        for client in &mut clients {
            client.store("file", "content", Way::Eprt);
            assert_eq!(client.retrieve("file", Way::Eprt), b"content");
        }
    }
}

#[test]
fn an_active_port_that_cannot_be_had_is_said_at_the_start() {
    let _alone = descriptors::alone();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut config = packetboat::Config::new("/");
    config.listen = vec!["127.0.0.1:0".parse().unwrap()];
    config.active_port = Some(port);
    let error = packetboat::Server::bind(config).unwrap_err();
    assert_eq!(error.kind(), packetboat::ErrorKind::ActivePort);
    assert!(error.to_string().contains(&format!("{port}: somebody listens there")), "{error}");
}

fn connect(address: std::net::SocketAddr) -> Client {
    let mut client = Client::connect(address);
    client.login();
    client
}

#[test]
fn without_active_port_each_port_command_connects_from_another() {
    let server = TestServer::start();
    let mut client = server.client();
    let ports = [(); 3].map(|()| client.active(Way::Port).peer_addr().unwrap().port());
    assert!(!ports.contains(&server.v4().port()), "{ports:?}");
}

// Addresses that nobody answers at, and those that are refused.

#[test]
fn port_and_eprt_to_where_nobody_listens_are_425() {
    let server = TestServer::start();
    for address in server.both() {
        let mut client = Client::connect(address);
        client.login();
        client.expect(425, eprt(DeadPort::of(address.ip()).address));
        client.expect(425, "LIST");
        client.expect_alive();
    }
    server.client().expect(425, port(DeadPort::of(server.v4().ip()).address));
}

/// A client of this machine had a file sent to another session: to its control connection as
/// commands, or to its passive port as what it stores.
#[test]
fn port_and_eprt_to_a_listener_of_the_server_itself_are_504() {
    let server = TestServer::with(|config| {
        config.listen = vec!["0.0.0.0:0".parse().unwrap(), "[::1]:0".parse().unwrap()];
        config.anonymous = Some(packetboat::Anonymous::Write);
    });
    for address in [([127, 0, 0, 1], server.v4().port()).into(), server.v6()] {
        let [mut client, mut victim] = [(); 2].map(|()| connect(address));
        client.expect(504, eprt(address));
        let awaited = victim.epsv();
        client.expect(504, eprt(awaited));
        if awaited.is_ipv4() {
            client.expect(504, port(address));
            client.expect(504, port(awaited));
        }
        client.expect(425, "LIST");
        let mut data = victim.dial(awaited);
        victim.begin("STOR file");
        data.write_all(b"the victim's own").unwrap();
        drop(data);
        victim.expect_reply(226);
        assert_eq!(client.retrieve("file", Way::Eprt), b"the victim's own");
    }
}

#[test]
fn port_to_where_nobody_answers_is_425_in_the_end() {
    let server = TestServer::with(|config| config.data_timeout = Duration::from_secs(1));
    let (listener, _callers) = deaf_listener();
    let here = listener.local_addr().unwrap().as_socket().unwrap();
    let mut client = server.client();
    client.expect(425, port(here));
    client.expect(425, "LIST");
    client.expect_alive();
}

#[test]
fn a_client_that_leaves_while_port_connects_leaves_nothing() {
    let server = TestServer::start();
    let (listener, _callers) = deaf_listener();
    let here = listener.local_addr().unwrap().as_socket().unwrap();
    for leave in [drop, Client::reset] {
        let mut client = server.client();
        client.send_line(port(here));
        leave(client);
    }
}

#[test]
fn port_and_eprt_lead_to_the_client_only_and_to_no_privileged_port() {
    let server = TestServer::start();
    let mut client = server.client();
    for line in ["PORT 127,0,0,2,200,1", "PORT 127,0,0,1,3,255", "EPRT |1|192.0.2.1|2000|"] {
        client.expect(504, line);
    }
    for (line, usable) in [("EPRT |2|::1|2000|", "(1)"), ("EPRT |3|x|2000|", "(1)")] {
        assert!(client.expect(522, line).contains(usable));
    }
    let mut client = Client::connect(server.v6());
    client.login();
    assert!(client.expect(522, "EPRT |1|127.0.0.1|2000|").contains("(2)"));
    client.expect(504, "EPRT |2|::2|2000|");
}

#[test]
fn an_unspecified_ipv6_address_in_eprt_is_the_clients_own() {
    let server = TestServer::start();
    let mut client = Client::connect(server.v6());
    client.login();
    let listener = TcpListener::bind("[::]:0").unwrap();
    client.expect(200, format!("EPRT |2|::|{}|", listener.local_addr().unwrap().port()));
    assert_eq!(listener.accept().unwrap().1.ip(), server.v6().ip());
    client.expect(504, "EPRT |2|::|1023|");
}
