//! Passive ports: listeners that stay open, leased to one session each for one client address.
//!
//! A lease is the pair (listener, client address), so ten listeners serve ten waiting transfers of
//! every client, and no transfer costs a socket, bind and listen of its own. A connection belongs to
//! the lease of its source address; one without a lease is closed and disturbs nobody. A lease that
//! ended without its connection is not given out again for a while, since its connection may still
//! come.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use super::listener::Listener;
use super::poller::{Key, Poller, Role};
use mio::net::TcpStream;

/// How long a lease that ended without its connection is kept from others.
const COOLING: Duration = Duration::from_secs(20);
/// Leases of one client that cool at once. Beyond, the oldest is given out again: a client that asks
/// for one port after the other would otherwise have all of the machine's.
const COOLING_EACH: usize = 64;
/// How often listeners of no fixed port that were not used since are closed.
const SWEEP: Duration = Duration::from_secs(300);
/// Connections that one listener accepts before others get their turn.
const ACCEPTS: usize = 64;

/// The right to the next connection of one client on one listener. It must be given back with
/// [`PassivePorts::release`] unless its connection came.
#[derive(Debug)]
pub struct Lease {
    slot: usize,
    client: IpAddr,
    address: SocketAddr,
    since: Instant,
}

impl Lease {
    /// Where the connection is awaited.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whose connection is awaited.
    pub fn client(&self) -> IpAddr {
        self.client
    }

    /// Since when it is awaited.
    pub fn since(&self) -> Instant {
        self.since
    }
}

/// Connection that came to a passive port.
#[derive(Debug)]
pub enum Arrival {
    /// It belongs to the lease of the control connection with this key.
    Awaited(Key, TcpStream),
    /// It had no lease, and is closed.
    Stranger(Stranger),
}

/// Connection without a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stranger {
    /// Where it came from.
    pub from: SocketAddr,
    /// The passive port.
    pub to: SocketAddr,
    /// A client that this port awaits, if it awaits any.
    pub awaited: Option<IpAddr>,
}

#[derive(Debug)]
enum Claim {
    /// The control connection with this key waits.
    Held(Key),
    /// Nobody waits any more, but the connection may still come.
    Cooling,
}

#[derive(Debug)]
struct PassiveListener {
    listener: Listener,
    key: Key,
    claims: usize,
    last_used: Instant,
}

/// The pool of passive listeners.
#[derive(Debug)]
pub struct PassivePorts {
    range: Option<RangeInclusive<u16>>,
    /// By slot; a slot whose listener was closed is used again.
    listeners: Vec<Option<PassiveListener>>,
    claims: HashMap<(usize, IpAddr), Claim>,
    /// Cooling claims in the order in which they end.
    cooling: VecDeque<(Instant, usize, IpAddr)>,
    /// Listeners that an event has marked.
    ready: Vec<usize>,
    /// When unused listeners are closed next.
    sweep: Option<Instant>,
}

impl PassivePorts {
    /// A pool with no listener yet, of these ports or of any.
    pub fn new(range: Option<RangeInclusive<u16>>) -> PassivePorts {
        PassivePorts {
            range,
            listeners: Vec::new(),
            claims: HashMap::new(),
            cooling: VecDeque::new(),
            ready: Vec::new(),
            sweep: None,
        }
    }

    /// Leases a port of this local address for a client to the session that `owner` names; opens
    /// a listener if none is free for that client.
    ///
    /// # Errors
    /// No port can be had.
    pub fn lease(
        &mut self,
        poller: &mut Poller,
        local: IpAddr,
        client: IpAddr,
        owner: Key,
        now: Instant,
    ) -> io::Result<Lease> {
        let is_free = |(slot, open): (usize, &Option<PassiveListener>)| {
            let open = open.as_ref()?;
            let here = open.listener.address().ip() == local;
            (here && !self.claims.contains_key(&(slot, client))).then_some(slot)
        };
        let free = self.listeners.iter().enumerate().find_map(is_free);
        let slot = match free.or_else(|| self.cut_cooling_short(local, client)) {
            Some(slot) => slot,
            None => self.open(poller, local, now)?,
        };
        let Some(Some(open)) = self.listeners.get_mut(slot) else {
            return Err(io::Error::other("the passive listener is gone"));
        };
        open.claims += 1;
        open.last_used = now;
        self.claims.insert((slot, client), Claim::Held(owner));
        Ok(Lease { slot, client, address: open.listener.address(), since: now })
    }

    /// Gives back a lease whose connection did not come.
    pub fn release(&mut self, lease: Lease, now: Instant) {
        let Lease { slot, client, .. } = lease;
        if let Some(claim) = self.claims.get_mut(&(slot, client)) {
            *claim = Claim::Cooling;
            self.cooling.push_back((now + COOLING, slot, client));
        }
    }

    /// Notes that somebody may be waiting at a listener.
    pub fn mark(&mut self, key: Key) {
        if let Some(Some(open)) = self.listeners.get_mut(key.slot())
            && open.key == key
        {
            open.listener.mark();
            if !self.ready.contains(&key.slot()) {
                self.ready.push(key.slot());
            }
        }
    }

    /// Whether connections may wait that no event will tell of again.
    pub fn is_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Accepts what waits, a bounded number, and gives each connection to the owner of its lease.
    ///
    /// # Errors
    /// Too few descriptors: what waits, waits on.
    pub fn accept(&mut self, now: Instant, mut deliver: impl FnMut(Arrival)) -> io::Result<()> {
        let slots = std::mem::take(&mut self.ready);
        for (index, &slot) in slots.iter().enumerate() {
            let Some(Some(open)) = self.listeners.get_mut(slot) else { continue };
            for _ in 0..ACCEPTS {
                let accepted = match open.listener.accept() {
                    Ok(accepted) => accepted,
                    Err(error) => {
                        self.ready.extend_from_slice(&slots[index..]);
                        return Err(error);
                    }
                };
                let Some((stream, from)) = accepted else { break };
                let claim = (slot, from.ip());
                let Some(Claim::Held(owner)) = self.claims.get(&claim) else {
                    let to = open.listener.address();
                    let awaited = self.claims.iter().find_map(|((at, client), claim)| {
                        (*at == slot && matches!(claim, Claim::Held(_))).then_some(*client)
                    });
                    deliver(Arrival::Stranger(Stranger { from, to, awaited }));
                    continue;
                };
                deliver(Arrival::Awaited(*owner, stream));
                self.claims.remove(&claim);
                open.claims -= 1;
                open.last_used = now;
            }
            if open.listener.is_ready() {
                self.ready.push(slot);
            }
        }
        Ok(())
    }

    /// Ends what has cooled, and closes listeners that nobody has used for long.
    pub fn expire(&mut self, now: Instant) {
        while let Some(&(until, slot, client)) = self.cooling.front()
            && until <= now
        {
            self.cooling.pop_front();
            self.end_cooling(slot, client);
        }
        if self.sweep.is_some_and(|sweep| sweep <= now) {
            for listener in &mut self.listeners {
                listener.take_if(|open| open.claims == 0 && open.last_used + SWEEP <= now);
            }
            let any = self.listeners.iter().any(Option::is_some);
            self.sweep = any.then(|| now + SWEEP);
        }
    }

    /// When [`expire`](PassivePorts::expire) has something to do.
    pub fn deadline(&self) -> Option<Instant> {
        let cooled = self.cooling.front().map(|(until, ..)| *until);
        cooled.into_iter().chain(self.sweep).min()
    }

    /// How many leases are held.
    pub fn leases(&self) -> usize {
        self.claims.len() - self.cooling.len()
    }

    /// Takes a client's lease that has cooled longest, if as many cool as may.
    fn cut_cooling_short(&mut self, local: IpAddr, client: IpAddr) -> Option<usize> {
        let mut of_client = self.cooling.iter().enumerate().filter(|(_, (_, slot, cooling))| {
            let listener = self.listeners.get(*slot).and_then(Option::as_ref);
            *cooling == client && listener.is_some_and(|open| open.listener.address().ip() == local)
        });
        let (index, _) = of_client.next()?;
        if 1 + of_client.count() < COOLING_EACH {
            return None;
        }
        let (_, slot, client) = self.cooling.remove(index)?;
        self.end_cooling(slot, client);
        Some(slot)
    }

    fn end_cooling(&mut self, slot: usize, client: IpAddr) {
        self.claims.remove(&(slot, client));
        if let Some(Some(listener)) = self.listeners.get_mut(slot) {
            listener.claims -= 1;
        }
    }

    /// Opens one more listener: a port of the range that is not open yet, or any.
    fn open(&mut self, poller: &mut Poller, local: IpAddr, now: Instant) -> io::Result<usize> {
        let mut listener = match self.range.clone() {
            None => Listener::open(SocketAddr::new(local, 0))?,
            Some(range) => self.open_in(range, local)?,
        };
        let slot = match self.listeners.iter().position(Option::is_none) {
            Some(slot) => slot,
            None => {
                self.listeners.push(None);
                self.listeners.len() - 1
            }
        };
        let key = poller.key(slot, Role::Passive);
        listener.register(poller, key)?;
        self.ready.push(slot);
        if self.range.is_none() {
            self.sweep.get_or_insert(now + SWEEP);
        }
        self.listeners[slot] = Some(PassiveListener { listener, key, claims: 0, last_used: now });
        Ok(slot)
    }

    fn open_in(&self, range: RangeInclusive<u16>, local: IpAddr) -> io::Result<Listener> {
        let addresses = self.listeners.iter().flatten().map(|open| open.listener.address());
        let open: HashSet<SocketAddr> = addresses.collect();
        let mut refused = None;
        for address in range.map(|port| SocketAddr::new(local, port)) {
            if open.contains(&address) {
                continue;
            }
            match Listener::open(address) {
                Ok(listener) => return Ok(listener),
                Err(error) => refused = Some(error),
            }
        }
        Err(refused.unwrap_or_else(|| io::Error::other("every passive port is taken")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    /// One session could take every port and descriptor of the machine with PASV alone.
    #[test]
    fn a_flood_of_leases_opens_no_flood_of_listeners() {
        let (mut poller, now) = (Poller::new().unwrap(), Instant::now());
        let owner = poller.key(0, Role::Control);
        let (local, other) = (Ipv4Addr::LOCALHOST.into(), Ipv4Addr::new(127, 0, 0, 2).into());
        let mut pool = PassivePorts::new(None);
        let mut latest = Vec::new();
        for _ in 0..10 * COOLING_EACH {
            let lease = pool.lease(&mut poller, local, local, owner, now).unwrap();
            assert!(!latest.contains(&lease.address()), "a lease hardly had time to cool");
            latest.push(lease.address());
            if latest.len() >= COOLING_EACH {
                latest.remove(0);
            }
            pool.release(lease, now);
        }
        assert_eq!(pool.listeners.len(), COOLING_EACH);
        let lease = pool.lease(&mut poller, local, other, owner, now).unwrap();
        assert_eq!((pool.listeners.len(), pool.leases()), (COOLING_EACH, 1));
        pool.release(lease, now);
        pool.expire(now + COOLING);
        assert!(pool.claims.is_empty() && pool.cooling.is_empty());
        assert!(pool.listeners.iter().flatten().all(|listener| listener.claims == 0));
    }
}
