//! Ports that nobody has, and ports where nobody answers.

use super::descriptors;
use socket2::{Domain, Socket, Type};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU16, Ordering};

/// So many ports in a row that nobody has, each given to one test only. The kernel picks others
/// when it is asked for any.
pub fn free_ports(count: u16) -> RangeInclusive<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(20_000);
    descriptors::separate();
    let is_free = |port| TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok();
    loop {
        let low = NEXT.fetch_add(count, Ordering::Relaxed);
        let range = low..=low + count - 1;
        assert!(*range.end() < 30_000, "no free ports");
        if range.clone().all(is_free) {
            return range;
        }
    }
}

/// One of them.
pub fn free_port() -> u16 {
    *free_ports(1).start()
}

/// An address that refuses connections: somebody has it, who does not listen.
pub struct DeadPort {
    _socket: Socket,
    pub address: SocketAddr,
}

impl DeadPort {
    pub fn of(ip: IpAddr) -> DeadPort {
        let any = SocketAddr::new(ip, 0);
        let socket = Socket::new(Domain::for_address(any), Type::STREAM, None).unwrap();
        socket.bind(&any.into()).unwrap();
        let address = socket.local_addr().unwrap().as_socket().unwrap();
        DeadPort { _socket: socket, address }
    }
}

/// A listener that answers nobody, because its queue is full; and what fills it.
pub fn deaf_listener() -> (Socket, Vec<Socket>) {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    listener.listen(0).unwrap();
    let callers = (0..3).map(|_| {
        let caller = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        caller.set_nonblocking(true).unwrap();
        let _ = caller.connect(&listener.local_addr().unwrap());
        caller
    });
    let callers = callers.collect();
    (listener, callers)
}
