//! Passive data connections: SPEC.md, "Passive ports".

use crate::common::client::{connect_from, eprt, port};
use crate::common::logged::{logged, with_log};
use crate::common::ports::free_ports;
use crate::common::{Client, PATIENCE, TestServer, Way};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

/// A stranger's connection must be closed, by a FIN or a reset.
fn expect_closed(mut stranger: TcpStream) {
    stranger.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut bytes = Vec::new();
    let result = stranger.read_to_end(&mut bytes);
    let timed_out = result.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock);
    assert!(bytes.is_empty() && !timed_out);
}

#[test]
fn a_second_connection_after_pasv_is_closed_and_the_first_still_served() {
    let server = TestServer::start();
    server.write("file", "content");
    let mut client = server.client();
    let address = client.pasv();
    let mut first = client.dial(address);
    expect_closed(TcpStream::connect(address).unwrap());
    client.begin("RETR file");
    assert_eq!(client.retrieve_rest(&mut first), b"content");
}

#[test]
fn a_connection_from_a_foreign_address_after_pasv_is_closed_and_the_right_one_still_served() {
    let server = TestServer::start();
    server.write("file", "content");
    let mut client = server.client();
    for _ in 0..3 {
        let address = client.pasv();
        expect_closed(connect_from([127, 0, 0, 2].into(), address));
        client.send_line("RETR file");
        client.expect_reply(150);
        expect_closed(connect_from([127, 0, 0, 2].into(), address));
        let mut data = client.dial(address);
        assert_eq!(client.retrieve_rest(&mut data), b"content");
    }
}

#[test]
fn ten_ports_serve_ten_pasv_of_every_address() {
    let ports = free_ports(10);
    let server = TestServer::with(|config| config.passive_ports = Some(ports.clone()));
    let mut waiting = Vec::new();
    for address in ["127.0.0.1", "127.0.0.2", "127.0.0.3"] {
        for number in 0..10 {
            let name = format!("{address}-{number}");
            server.write(&name, &name);
            let mut client = server.client_from(address);
            let passive = client.pasv();
            assert!(ports.contains(&passive.port()));
            client.expect(150, format!("RETR {name}"));
            waiting.push((client, passive, name));
        }
        let mut eleventh = server.client_from(address);
        eleventh.expect(425, "PASV");
        eleventh.expect(425, "EPSV");
        eleventh.expect_alive();
    }
    server.wait_for_leases(30);
    for (mut client, passive, name) in waiting {
        let mut data = client.dial(passive);
        assert_eq!(client.retrieve_rest(&mut data), name.as_bytes());
    }
}

#[test]
fn one_port_serves_any_number_of_epsv_one_after_another() {
    let ports = free_ports(1);
    let server = TestServer::with(|config| config.passive_ports = Some(ports.clone()));
    let mut client = server.client();
    for number in 0..20 {
        let address = client.epsv();
        assert_eq!(address.port(), *ports.start());
        let mut data = client.dial(address);
        client.begin("STOR file");
        write!(data, "{number}").unwrap();
        drop(data);
        client.expect_reply(226);
        assert_eq!(server.read("file"), number.to_string().as_bytes());
    }
}

#[test]
fn without_a_range_pasv_uses_a_port_again_as_well() {
    let server = TestServer::start();
    let mut client = server.client();
    let mut ports = Vec::from([(); 100].map(|()| {
        let address = client.pasv();
        let mut data = client.dial(address);
        client.begin("NLST");
        client.retrieve_rest(&mut data);
        address.port()
    }));
    ports.sort_unstable();
    ports.dedup();
    assert!((2..20).contains(&ports.len()), "{ports:?}: too few to be by chance, or too many");
}

#[test]
fn pasv_without_a_transfer_gives_its_port_back() {
    let server = TestServer::with(|config| {
        config.passive_ports = Some(free_ports(2));
        config.data_timeout = Duration::from_secs(1);
    });
    let (mut first, mut second) = (server.client(), server.client());
    first.pasv();
    second.pasv();
    server.wait_for_leases(0);
    for client in [&mut first, &mut second] {
        client.expect(425, "LIST");
        client.expect_alive();
    }
}

#[test]
fn a_port_of_pasv_that_nobody_came_to_is_not_given_out_again_for_a_while() {
    type Ending = fn(&mut Client);
    let endings: [(&str, Ending); 4] = [
        ("ABOR", |client| drop(client.expect(226, "ABOR"))),
        ("PORT", |client| drop(client.active(Way::Port))),
        ("REIN", |client| {
            client.reinitialise();
            client.login();
        }),
        ("timeout", |client| {
            client.expect(150, "LIST");
            client.expect_reply(425);
        }),
    ];
    for (ending, end) in endings {
        let server = TestServer::with(|config| {
            config.passive_ports = Some(free_ports(2));
            config.data_timeout = Duration::from_secs(1);
        });
        let mut client = server.client();
        let first = client.pasv();
        end(&mut client);
        assert_ne!(client.pasv(), first, "{ending}");
        expect_closed(TcpStream::connect(first).unwrap());
    }
}

#[test]
fn a_second_pasv_replaces_the_first() {
    let server = TestServer::start();
    server.write("file", "content");
    let mut client = server.client();
    let (first, second) = (client.pasv(), client.pasv());
    assert_ne!(first, second);
    server.wait_for_leases(1);
    expect_closed(TcpStream::connect(first).unwrap());
    let mut data = client.dial(second);
    client.begin("RETR file");
    assert_eq!(client.retrieve_rest(&mut data), b"content");
}

#[test]
fn a_connection_that_nobody_uses_is_closed_by_the_next_pasv() {
    let server = TestServer::start();
    let mut client = server.client();
    let address = client.pasv();
    server.wait_for_leases(1);
    let unused = TcpStream::connect(address).unwrap();
    server.wait_for_leases(0);
    client.pasv();
    expect_closed(unused);
}

#[test]
fn nobody_who_connects_in_time_after_pasv_is_425_and_the_session_goes_on() {
    let server = TestServer::with(|config| config.data_timeout = Duration::from_secs(1));
    server.write("file", "content");
    let mut client = server.client();
    for _ in 0..2 {
        client.pasv();
        client.expect(150, "RETR file");
        client.expect_reply(425);
        client.expect(425, "RETR file");
    }
    assert_eq!(client.retrieve("file", Way::Pasv), b"content");
}

#[test]
fn passive_address_is_what_pasv_announces() {
    let announced = Ipv4Addr::new(203, 0, 113, 7);
    let server = TestServer::with(|config| config.passive_address = Some(announced));
    let mut client = server.client();
    let address = client.pasv();
    assert_eq!(address.ip(), announced);
    // The port is as good as ever: behind the NAT this is where the connection would arrive.
    let mut data = client.dial(([127, 0, 0, 1], address.port()).into());
    client.begin("NLST");
    assert!(client.retrieve_rest(&mut data).is_empty());
}

#[test]
fn without_passive_address_pasv_announces_where_the_client_connected_to() {
    let server = TestServer::with(|config| config.listen = vec!["0.0.0.0:0".parse().unwrap()]);
    for address in [[127, 0, 0, 1], [127, 0, 0, 9]] {
        let mut client = Client::connect(SocketAddr::from((address, server.v4().port())));
        client.login();
        assert_eq!(client.pasv().ip(), Ipv4Addr::from(address));
    }
}

#[test]
fn epsv_takes_the_protocol_of_the_connection_and_no_other() {
    let server = TestServer::start();
    for (address, own, other, list) in [(server.v4(), 1, 2, "(1)"), (server.v6(), 2, 1, "(2)")] {
        let mut client = Client::connect(address);
        client.login();
        client.expect(229, "EPSV");
        client.expect(229, format!("EPSV {own}"));
        assert!(client.expect(522, format!("EPSV {other}")).contains(list));
        assert!(client.expect(522, "EPSV 3").contains(list));
        client.expect(501, "EPSV x");
        client.expect_alive();
    }
}

#[test]
fn after_epsv_all_only_epsv_is_taken() {
    let server = TestServer::start();
    server.write("file", "content");
    for address in server.both() {
        let mut client = Client::connect(address);
        client.login();
        client.expect(200, "EPSV ALL");
        let listener = TcpListener::bind((address.ip(), 0)).unwrap();
        let here = listener.local_addr().unwrap();
        client.expect(501, "PASV");
        client.expect(501, eprt(here));
        client.expect(501, "EPRT |1|127.0.0.1|5000|");
        client.expect(501, if here.is_ipv4() { port(here) } else { "PORT 127,0,0,1,20,1".into() });
        assert_eq!(client.retrieve("file", Way::Epsv), b"content");
        client.reinitialise();
        client.login();
        assert_eq!(client.retrieve("file", Way::Eprt), b"content");
    }
}

#[test]
fn pasv_cannot_tell_an_ipv6_address() {
    let server = TestServer::start();
    let mut client = Client::connect(server.v6());
    client.login();
    client.expect(425, "PASV");
    assert!(client.list("NLST").is_empty());
}

#[test]
fn pasv_gives_two_clients_of_one_address_ports_of_their_own() {
    let server = TestServer::start();
    server.write("one", "1");
    server.write("two", "2");
    let (mut one, mut two) = (server.client(), server.client());
    let (first, second) = (one.pasv(), two.pasv());
    one.expect(150, "RETR one");
    two.expect(150, "RETR two");
    let (mut one_data, mut two_data) = (one.dial(first), two.dial(second));
    assert_eq!(two.retrieve_rest(&mut two_data), b"2");
    assert_eq!(one.retrieve_rest(&mut one_data), b"1");
}

// What the operator reads.

#[test]
fn when_pasv_can_have_no_port_the_log_says_what_to_do() {
    let server = with_log(|config| config.passive_ports = Some(free_ports(1)));
    let (mut first, mut second) = (server.client(), server.client());
    first.pasv();
    second.expect(425, "PASV");
    assert_eq!(logged(&server, &["WARN", "--passive-ports"]), 1);
}

#[test]
fn when_nobody_ever_connects_after_pasv_the_log_says_so_once() {
    let server = with_log(|config| config.data_timeout = Duration::from_secs(3));
    let mut clients: Vec<_> = (0..5).map(|_| server.client()).collect();
    for client in &mut clients {
        client.pasv();
        client.expect(150, "LIST");
    }
    for client in &mut clients {
        client.expect_reply(425);
    }
    assert_eq!(logged(&server, &["WARN", "NAT", "--passive-address"]), 1);
}
