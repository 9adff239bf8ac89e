//! Where active data connections come from.

mod common;

use common::{Client, TestServer, Way};
use std::net::{IpAddr, Ipv4Addr, TcpListener};

/// A port of this machine that nobody has.
fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap().local_addr().unwrap().port()
}

#[test]
fn they_come_from_the_address_that_the_client_connected_to() {
    let server = TestServer::with(|config| {
        config.listen = vec!["0.0.0.0:0".parse().unwrap()];
        config.anonymous = Some(packetboat::config::Anonymous::Write);
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
fn with_active_port_all_come_from_that_one() {
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
fn without_it_they_come_from_any_port() {
    let server = TestServer::start();
    let mut client = server.client();
    let ports = [(); 3].map(|()| client.active(Way::Port).peer_addr().unwrap().port());
    assert!(!ports.contains(&server.v4().port()), "{ports:?}");
}
