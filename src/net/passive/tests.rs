//! Tests of the pool alone, at the loopback addresses of this machine.

use std::net::Ipv4Addr;

use super::*;

const LOCAL: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// Clients that never come; the second is not of this machine.
const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
const REMOTE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

struct Pool {
    ports: PassivePorts,
    poller: Poller,
    now: Instant,
}

impl Pool {
    fn new(range: Option<RangeInclusive<u16>>) -> Pool {
        let poller = Poller::new().unwrap();
        Pool { ports: PassivePorts::new(range, 100), poller, now: Instant::now() }
    }

    fn lease(&mut self, client: IpAddr) -> io::Result<Lease> {
        let owner = self.poller.key(0, Role::Control);
        self.ports.lease(&mut self.poller, LOCAL, client, owner, self.now)
    }

    fn release(&mut self, lease: Lease) {
        self.ports.release(lease, self.now);
    }

    /// Port of a lease that is given up and has cooled at once.
    fn port(&mut self, client: IpAddr) -> u16 {
        let lease = self.lease(client).unwrap();
        let port = lease.address().port();
        self.release(lease);
        self.ports.expire(self.now + COOLING);
        port
    }

    fn open(&self) -> usize {
        assert_eq!(self.ports.listeners.iter().flatten().count(), self.ports.addresses.len());
        self.ports.addresses.len()
    }

    fn expect_at_rest(&self) {
        let PassivePorts { claims, cooling, listeners, places, .. } = &self.ports;
        assert!(claims.is_empty() && cooling.is_empty());
        assert!(listeners.iter().flatten().all(|listener| listener.claims == 0));
        assert!(places.values().all(|place| place.free(CLIENT) == place.free(REMOTE)));
    }
}

/// One session could take every port and descriptor of the machine with PASV alone.
#[test]
fn a_flood_of_leases_opens_no_flood_of_listeners() {
    let mut pool = Pool::new(None);
    let mut latest = Vec::new();
    for _ in 0..10 * COOLING_EACH {
        let lease = pool.lease(REMOTE).unwrap();
        assert!(!latest.contains(&lease.address()), "a lease hardly had time to cool");
        latest.push(lease.address());
        if latest.len() >= COOLING_EACH {
            latest.remove(0);
        }
        pool.release(lease);
    }
    let most = COOLING_EACH + STOCK;
    assert!(pool.open() <= most, "{} listeners", pool.open());
    let lease = pool.lease(CLIENT).unwrap();
    assert_eq!(pool.ports.leases(), 1);
    assert!(pool.open() <= most, "{} listeners", pool.open());
    pool.release(lease);
    pool.ports.expire(pool.now + COOLING);
    pool.expect_at_rest();
}

/// Whoever was at the same address connected first, since the lowest free port was leased next.
#[test]
fn nobody_can_foresee_which_port_is_leased_next() {
    let mut pool = Pool::new(None);
    let ports: Vec<u16> = (0..600).map(|_| pool.port(CLIENT)).collect();
    assert!(pool.open() >= STOCK && pool.open() < STOCK + STOCK_STEP, "{}", pool.open());
    // Each of 16 ports comes some 37 times; seven is one chance in a thousand million.
    for address in &pool.ports.addresses {
        let times = ports.iter().filter(|port| **port == address.port()).count();
        assert!(times > 7, "{address} was leased {times} times of 600");
    }
    let repeats = ports.windows(2).filter(|pair| pair[0] == pair[1]).count();
    assert!(repeats < 120, "{repeats} of 600 were the one before");
}

#[test]
fn a_range_is_taken_by_chance_as_well_and_to_its_last_port() {
    // Below those that the kernel gives to anybody.
    let range = 30_100..=30_139;
    let mut first = Vec::new();
    for _ in 0..8 {
        let mut pool = Pool::new(Some(range.clone()));
        first.push(pool.port(CLIENT));
        let mut leases = Vec::new();
        while let Ok(lease) = pool.lease(CLIENT) {
            assert!(range.contains(&lease.address().port()));
            leases.push(lease);
        }
        assert!(leases.len() > 30, "{} leases", leases.len());
        leases.into_iter().for_each(|lease| pool.release(lease));
        pool.ports.expire(pool.now + COOLING);
        pool.expect_at_rest();
    }
    assert!(first.iter().any(|port| *port != first[0]), "{first:?}");
}

/// Four sessions took a range of four from all others of their address, and a thousand a thousand
/// listeners.
#[test]
fn one_client_holds_a_bounded_number_of_leases() {
    let mut pool = Pool::new(None);
    let held: Vec<Lease> = (0..HELD_EACH).map(|_| pool.lease(REMOTE).unwrap()).collect();
    assert_eq!(pool.lease(REMOTE).unwrap_err().kind(), ErrorKind::QuotaExceeded);
    let other = pool.lease(CLIENT).unwrap();
    for lease in held.into_iter().chain([other]) {
        pool.release(lease);
    }
    assert_eq!(pool.lease(REMOTE).unwrap().client(), REMOTE);
}

/// Each lease was a walk over all listeners: with 3,000 of them a NOOP took a tenth of a second.
#[test]
fn a_lease_looks_at_few_listeners_however_many_are_open() {
    let mut pool = Pool::new(None);
    let held: Vec<Lease> = (0..300).map(|_| pool.lease(CLIENT).unwrap()).collect();
    let place = pool.ports.places.get_mut(&LOCAL).unwrap();
    let mut looked = 0;
    let count = std::cell::Cell::new(0);
    for _ in 0..100 {
        count.set(0);
        let is_free = |_| {
            count.set(count.get() + 1);
            false
        };
        assert_eq!(place.draw(&mut Chance::new().unwrap(), DRAWS, is_free), None);
        looked = looked.max(count.get());
    }
    assert_eq!((looked, held.len()), (DRAWS, 300));
}

#[test]
fn listeners_that_nobody_uses_are_closed_after_long() {
    let mut pool = Pool::new(None);
    for _ in 0..STOCK {
        pool.port(CLIENT);
    }
    let lease = pool.lease(CLIENT).unwrap();
    let later = pool.now + 2 * SWEEP;
    assert!(pool.open() >= STOCK);
    pool.ports.expire(later);
    assert_eq!(pool.open(), 1, "it is awaited there");
    pool.release(lease);
    pool.ports.expire(later + COOLING);
    pool.ports.expire(later + SWEEP);
    assert!(pool.open() == 0 && pool.ports.places.is_empty() && pool.ports.deadline().is_none());
    assert_eq!(pool.ports.vacant.len(), pool.ports.listeners.len());
    pool.lease(CLIENT).unwrap();
}

#[test]
fn a_listener_that_breaks_takes_its_leases_along_and_no_others() {
    let mut pool = Pool::new(None);
    let [broken, whole] = [(); 2].map(|()| pool.lease(CLIENT).unwrap());
    pool.ports.close_broken(broken.slot);
    assert!(!pool.ports.listens_on(broken.address()) && pool.ports.listens_on(whole.address()));
    // Another listener may stand in its slot.
    while pool.ports.listeners[broken.slot].is_none() {
        let lease = pool.lease(REMOTE).unwrap();
        pool.release(lease);
    }
    pool.release(broken);
    pool.release(whole);
    assert_eq!(pool.ports.leases(), 0);
    pool.ports.expire(pool.now + COOLING);
    pool.expect_at_rest();
}
