//! Passive ports: listeners that stay open, leased to one session each for one client address.
//!
//! A lease is the pair (listener, client address), so ten listeners serve ten waiting transfers of
//! every client, and no transfer costs a socket, bind and listen of its own. A connection belongs to
//! the lease of its source address; one without a lease is closed and disturbs nobody. A lease that
//! ended without its connection is not given out again for a while, since its connection may still
//! come.
//!
//! The port leased next cannot be foreseen: one that knew would be there before the client, and
//! have its file. So a lease takes any of the free ports by [`Chance`], and some more than are needed
//! are open.

mod chance;
mod lease;
mod place;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use super::listener::{AcceptError, AcceptErrorKind, Listener};
use super::poller::{Key, Poller, Role};
use chance::Chance;
pub use lease::{Arrival, Lease, Stranger};
use place::{PassiveListener, Place};

/// Time that a lease ended without its connection is kept from others.
const COOLING: Duration = Duration::from_secs(20);
/// Leases of one client that cool at once. Beyond, the oldest is given out again: a client that asks
/// for one port after the other would otherwise have all of the machine's.
const COOLING_EACH: usize = 64;
/// Leases that one client address may hold at once, each a listener of its own. This machine itself
/// may hold any number, as it may have any number of sessions.
const HELD_EACH: usize = 64;
/// Listeners that are to be free for a client, so that chance has a choice.
const STOCK: usize = 16;
/// Listeners that one lease opens for the stock, beside the one that it may need itself.
const STOCK_STEP: usize = 4;
/// Listeners that are tried for one lease where there is no range: a fresh one is as good.
const DRAWS: usize = 64;
/// Interval at which unused listeners of no fixed port are closed.
const SWEEP: Duration = Duration::from_secs(300);
/// Connections that one listener accepts before others get their turn.
const ACCEPTS: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Claim {
    /// The control connection with this key waits.
    Held(Key),
    /// Waiting has ended, but until then the connection may still come.
    Cooling(Instant),
}

/// The pool of passive listeners.
#[derive(Debug)]
pub struct PassivePorts {
    range: Option<RangeInclusive<u16>>,
    /// Listeners beyond which no stock is kept.
    most_stocked: usize,
    /// Listeners by slot; a closed one's slot is used again.
    listeners: Vec<Option<PassiveListener>>,
    vacant: Vec<usize>,
    /// Addresses of the listeners, with their ports.
    addresses: HashSet<SocketAddr>,
    /// Local addresses, with port 0, and what is open at each.
    places: HashMap<SocketAddr, Place>,
    claims: HashMap<(usize, IpAddr), Claim>,
    /// Cooling claims in the order in which they end.
    cooling: BTreeSet<(Instant, usize, IpAddr)>,
    /// Listeners that are ready, each once.
    ready: Vec<usize>,
    /// Next time unused listeners are closed.
    sweep: Option<Instant>,
}

impl PassivePorts {
    /// A pool with no listener yet, of these ports or of any. Beyond `most_stocked` it opens what is
    /// needed, and no more: with so many there is a choice, or there are so many local addresses that
    /// a stock for each would take all descriptors.
    pub fn new(range: Option<RangeInclusive<u16>>, most_stocked: usize) -> PassivePorts {
        PassivePorts {
            range,
            most_stocked,
            listeners: Vec::new(),
            vacant: Vec::new(),
            addresses: HashSet::new(),
            places: HashMap::new(),
            claims: HashMap::new(),
            cooling: BTreeSet::new(),
            ready: Vec::new(),
            sweep: None,
        }
    }

    /// Leases a port of this local address, whose own port is of no account, for a client to the
    /// session that `owner` names.
    ///
    /// # Errors
    /// No port can be had; of the kind `QuotaExceeded` if the client waits at too many already.
    pub fn lease(
        &mut self,
        poller: &mut Poller,
        mut local: SocketAddr,
        client: IpAddr,
        owner: Key,
        now: Instant,
    ) -> io::Result<Lease> {
        local.set_port(0);
        let mut chance = Chance::new()?;
        let range = &self.range;
        let place = self.places.entry(local).or_insert_with(|| Place::new(range.clone()));
        if place.held(client) >= HELD_EACH && !client.is_loopback() {
            let words = format!("{HELD_EACH} data connections are awaited already");
            return Err(io::Error::new(ErrorKind::QuotaExceeded, words));
        }
        if let Some((until, slot)) = place.longest_cooling(client, COOLING_EACH) {
            self.end_cooling(until, slot, client);
        }
        self.stock_up(poller, local, client, &mut chance, now);
        let slot = match self.draw(local, client, &mut chance) {
            Some(slot) => slot,
            None => self.open(poller, local, &mut chance, usize::MAX, now)?,
        };
        let (Some(Some(open)), Some(place)) =
            (self.listeners.get_mut(slot), self.places.get_mut(&local))
        else {
            return Err(io::Error::other("the passive listener is gone"));
        };
        open.claims += 1;
        open.latest = Some(client);
        open.last_used = now;
        place.hold(client);
        self.claims.insert((slot, client), Claim::Held(owner));
        Ok(Lease { slot, owner, client, address: open.listener.address(), since: now })
    }

    /// Gives back a lease whose connection did not come.
    pub fn release(&mut self, lease: Lease, now: Instant) {
        let Lease { slot, client, owner, .. } = lease;
        // The listener may have broken meanwhile, and another stand in its slot.
        if let Some(claim) = self.claims.get_mut(&(slot, client))
            && *claim == Claim::Held(owner)
        {
            let until = now + COOLING;
            *claim = Claim::Cooling(until);
            self.cooling.insert((until, slot, client));
            if let Some(place) = place_of(&self.listeners, &mut self.places, slot) {
                place.cool(client, until, slot);
            }
        }
    }

    /// Leases these ports from now on, or any. What is awaited at others may still come.
    pub fn use_range(&mut self, range: Option<RangeInclusive<u16>>, now: Instant) {
        if range == self.range {
            return;
        }
        self.range = range;
        for slot in 0..self.listeners.len() {
            let unused = |open: &mut PassiveListener| open.claims == 0;
            if let Some(open) = self.listeners[slot].take_if(unused) {
                self.forget(slot, &open);
            }
        }
        self.places.retain(|_, place| !place.is_empty());
        let range = &self.range;
        self.places.values_mut().for_each(|place| place.use_range(range.clone()));
        self.sweep = (!self.addresses.is_empty()).then_some(now + SWEEP);
    }

    /// True if this is the address of one of the listeners.
    pub fn listens_on(&self, address: SocketAddr) -> bool {
        self.addresses.contains(&address)
    }

    /// Notes that somebody may be waiting at a listener.
    pub fn mark(&mut self, key: Key) {
        if let Some(Some(open)) = self.listeners.get_mut(key.slot())
            && open.key == key
            && !open.listener.is_ready()
        {
            open.listener.mark();
            self.ready.push(key.slot());
        }
    }

    /// True if connections may wait that no event will tell of again.
    pub fn is_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Accepts what waits, a bounded number, and gives each connection to the owner of its lease.
    ///
    /// # Errors
    /// Last error, if some listeners had any: what waits there, waits on, and should do so
    /// for a moment. A listener that is broken is closed.
    pub fn accept(
        &mut self,
        now: Instant,
        mut deliver: impl FnMut(Arrival),
    ) -> Result<(), AcceptError> {
        let mut result = Ok(());
        for slot in std::mem::take(&mut self.ready) {
            if let Err(error) = self.accept_at(slot, now, &mut deliver) {
                if error.kind() == AcceptErrorKind::Broken {
                    self.close_broken(slot);
                }
                result = Err(error);
            }
            if let Some(Some(open)) = self.listeners.get(slot)
                && open.listener.is_ready()
            {
                self.ready.push(slot);
            }
        }
        result
    }

    fn accept_at(
        &mut self,
        slot: usize,
        now: Instant,
        deliver: &mut impl FnMut(Arrival),
    ) -> Result<(), AcceptError> {
        let Some(Some(open)) = self.listeners.get_mut(slot) else { return Ok(()) };
        for _ in 0..ACCEPTS {
            let Some((stream, from)) = open.listener.accept()? else { break };
            let client = from.ip();
            let Some(Claim::Held(owner)) = self.claims.get(&(slot, client)).copied() else {
                let awaited = open.latest.filter(|latest| {
                    matches!(self.claims.get(&(slot, *latest)), Some(Claim::Held(_)))
                });
                let to = open.listener.address();
                deliver(Arrival::Stranger(Stranger { from, to, awaited }));
                continue;
            };
            deliver(Arrival::Awaited(owner, stream));
            self.claims.remove(&(slot, client));
            open.claims -= 1;
            open.last_used = now;
            if let Some(place) = self.places.get_mut(&open.local()) {
                place.let_go(client);
            }
        }
        Ok(())
    }

    /// Ends cooled leases, and closes listeners that nobody has used for long.
    pub fn expire(&mut self, now: Instant) {
        while let Some(&(until, slot, client)) = self.cooling.first()
            && until <= now
        {
            self.end_cooling(until, slot, client);
        }
        if self.sweep.is_some_and(|sweep| sweep <= now) {
            self.close_unused(now);
        }
    }

    /// Time when [`expire`](PassivePorts::expire) has work to do.
    pub fn deadline(&self) -> Option<Instant> {
        let cooled = self.cooling.first().map(|(until, ..)| *until);
        cooled.into_iter().chain(self.sweep).min()
    }

    /// Number of leases held.
    pub fn leases(&self) -> usize {
        self.claims.len() - self.cooling.len()
    }

    fn end_cooling(&mut self, until: Instant, slot: usize, client: IpAddr) {
        self.cooling.remove(&(until, slot, client));
        self.claims.remove(&(slot, client));
        if let Some(place) = place_of(&self.listeners, &mut self.places, slot) {
            place.end_cooling(client, slot);
        }
        if let Some(Some(listener)) = self.listeners.get_mut(slot) {
            listener.claims -= 1;
        }
    }

    // Listeners.

    /// Takes a listener by chance of those that are free for this client.
    fn draw(&mut self, local: SocketAddr, client: IpAddr, chance: &mut Chance) -> Option<usize> {
        let most = if self.range.is_some() { usize::MAX } else { DRAWS };
        let claims = &self.claims;
        let is_free = |slot| !claims.contains_key(&(slot, client));
        self.places.get_mut(&local)?.draw(chance, most, is_free)
    }

    /// Opens some listeners while few are free for this client. Without them chance has less of a
    /// choice, and no more is lost.
    fn stock_up(
        &mut self,
        poller: &mut Poller,
        local: SocketAddr,
        client: IpAddr,
        chance: &mut Chance,
        now: Instant,
    ) {
        for _ in 0..STOCK_STEP {
            let free = self.places.get(&local).map_or(0, |place| place.free(client));
            let is_stocked = free >= STOCK || self.addresses.len() >= self.most_stocked;
            if is_stocked || self.open(poller, local, chance, STOCK_STEP, now).is_err() {
                return;
            }
        }
    }

    /// Opens one more listener: a port of the range by chance, of which so many are tried, or any.
    fn open(
        &mut self,
        poller: &mut Poller,
        local: SocketAddr,
        chance: &mut Chance,
        tries: usize,
        now: Instant,
    ) -> io::Result<usize> {
        let gone = || io::Error::other("the local address is gone");
        let place = self.places.get_mut(&local).ok_or_else(gone)?;
        let mut listener = match self.range {
            None => Listener::open(local)?,
            Some(_) => place.open_in_range(local, chance, tries, now)?,
        };
        let slot = self.vacant.pop().unwrap_or(self.listeners.len());
        let key = poller.key(slot, Role::Passive);
        if let Err(error) = listener.register(poller, key) {
            place.give_back(listener.address().port());
            if slot < self.listeners.len() {
                self.vacant.push(slot);
            }
            return Err(error);
        }
        if slot == self.listeners.len() {
            self.listeners.push(None);
        }
        place.add(slot);
        self.addresses.insert(listener.address());
        self.ready.push(slot);
        if self.range.is_none() {
            self.sweep.get_or_insert(now + SWEEP);
        }
        let open = PassiveListener { listener, key, claims: 0, latest: None, last_used: now };
        self.listeners[slot] = Some(open);
        Ok(slot)
    }

    fn close_unused(&mut self, now: Instant) {
        for slot in 0..self.listeners.len() {
            let unused =
                |open: &mut PassiveListener| open.claims == 0 && open.last_used + SWEEP <= now;
            if let Some(open) = self.listeners[slot].take_if(unused) {
                self.forget(slot, &open);
            }
        }
        self.places.retain(|_, place| !place.is_empty());
        self.sweep = (!self.addresses.is_empty()).then(|| now + SWEEP);
    }

    /// Closes a listener that accepts nothing any more. Leases there come to nothing.
    fn close_broken(&mut self, slot: usize) {
        let clients: Vec<(IpAddr, Claim)> = self
            .claims
            .iter()
            .filter(|((at, _), _)| *at == slot)
            .map(|((_, c), k)| (*c, *k))
            .collect();
        for (client, claim) in clients {
            match claim {
                Claim::Cooling(until) => self.end_cooling(until, slot, client),
                Claim::Held(_) => {
                    self.claims.remove(&(slot, client));
                    if let Some(place) = place_of(&self.listeners, &mut self.places, slot) {
                        place.let_go(client);
                    }
                }
            }
        }
        if let Some(open) = self.listeners[slot].take() {
            self.forget(slot, &open);
        }
    }

    fn forget(&mut self, slot: usize, open: &PassiveListener) {
        let address = open.listener.address();
        self.addresses.remove(&address);
        if let Some(place) = self.places.get_mut(&open.local()) {
            place.remove(slot);
            place.give_back(address.port());
        }
        self.ready.retain(|ready| *ready != slot);
        self.vacant.push(slot);
    }
}

fn place_of<'a>(
    listeners: &[Option<PassiveListener>],
    places: &'a mut HashMap<SocketAddr, Place>,
    slot: usize,
) -> Option<&'a mut Place> {
    let open = listeners.get(slot)?.as_ref()?;
    places.get_mut(&open.local())
}
