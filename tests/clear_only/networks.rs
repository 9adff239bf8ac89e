//! Networks as machines have them that are not the tests': each test makes one of its own.

use crate::common::client::eprt;
use crate::common::{Client, PATIENCE, Stream, TestServer, Way};
use nix::sched::{CloneFlags, unshare};
use std::net::{Ipv6Addr, SocketAddrV6, TcpListener, TcpStream};
use std::process::Command;

/// The only interface of a network that is made for a test has this index.
const LOOPBACK: u32 = 1;
const ADDRESS: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);

fn of_the_link(port: u16) -> SocketAddrV6 {
    SocketAddrV6::new(ADDRESS, port, 0, LOOPBACK)
}

/// Makes a network for this thread and those that it starts, and does this in it.
fn alone_with(commands: &[&str]) {
    unshare(CloneFlags::CLONE_NEWNET).unwrap();
    commands.iter().for_each(|words| ip(words));
}

fn ip(words: &str) {
    assert!(Command::new("ip").args(words.split(' ')).status().unwrap().success(), "ip {words}");
}

/// Neither PASV nor PORT worked over addresses of the link, all that a network without a router
/// has, since the scope of the control connection was lost.
#[test]
#[ignore = "needs root: makes a network of its own"]
fn epsv_and_eprt_keep_the_scope_of_an_address_of_the_link() {
    alone_with(&["link set lo up", "-6 addr add fe80::1/64 dev lo nodad"]);
    let server = TestServer::with(|config| {
        config.listen = vec!["[::]:0".parse().unwrap()];
        config.anonymous = Some(packetboat::Anonymous::Write);
    });
    server.write("file", "content");
    let control = of_the_link(server.v4().port());
    let mut client = Client::connect(control.into());
    client.login();
    for _ in 0..2 {
        let port = client.epsv().port();
        let mut data = Stream::clear(TcpStream::connect(of_the_link(port)).unwrap());
        client.begin("RETR file");
        assert_eq!(client.retrieve_rest(&mut data), b"content");
        let listener = TcpListener::bind(of_the_link(0)).unwrap();
        client.expect(200, eprt(listener.local_addr().unwrap()));
        let (data, from) = listener.accept().unwrap();
        data.set_read_timeout(Some(PATIENCE)).unwrap();
        assert_eq!(from.ip(), ADDRESS);
        client.begin("RETR file");
        assert_eq!(client.retrieve_rest(&mut Stream::clear(data)), b"content");
    }
    client.expect(504, eprt(control.into()));
    let awaited = client.epsv().port();
    client.expect(504, eprt(of_the_link(awaited).into()));
}

/// A server that was started before its machine had its address ended with an error.
#[test]
#[ignore = "needs root: makes a network of its own"]
fn an_address_that_comes_later_is_served_from_then_on() {
    alone_with(&["link set lo up"]);
    let server = TestServer::with(|config| {
        config.listen = vec!["192.0.2.1:0".parse().unwrap(), "[2001:db8::1]:0".parse().unwrap()];
        config.anonymous = Some(packetboat::Anonymous::Write);
    });
    server.write("file", "content");
    ip("addr add 192.0.2.1/32 dev lo");
    ip("addr add 2001:db8::1/128 dev lo nodad");
    for address in server.both() {
        let mut client = Client::connect(address);
        client.login();
        assert_eq!(client.retrieve("file", Way::Epsv), b"content");
        assert_eq!(client.retrieve("file", Way::Eprt), b"content");
    }
}
