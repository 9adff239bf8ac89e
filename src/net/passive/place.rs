//! A place: one local address, the listeners that are open there, and who has a claim to some.

use std::collections::{HashMap, VecDeque};
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use super::chance::Chance;
use crate::net::listener::Listener;
use crate::net::poller::Key;

/// Time after which ports that somebody else had are tried again.
const RETRY: Duration = Duration::from_secs(1);

/// Listener at a place.
#[derive(Debug)]
pub(super) struct PassiveListener {
    pub(super) listener: Listener,
    pub(super) key: Key,
    /// Claims of clients, held or cooling.
    pub(super) claims: usize,
    /// Client that it was leased for last.
    pub(super) latest: Option<IpAddr>,
    pub(super) last_used: Instant,
}

impl PassiveListener {
    /// Local address, as places are known by it.
    pub(super) fn local(&self) -> SocketAddr {
        let mut local = self.listener.address();
        local.set_port(0);
        local
    }
}

/// Local address with its passive listeners.
#[derive(Debug)]
pub(super) struct Place {
    /// Slots of the listeners, in no order.
    open: Vec<usize>,
    /// Ports of the range that are not open.
    closed: Vec<u16>,
    /// Ports of the range that somebody else has, and when they are tried again.
    taken: Vec<u16>,
    retry: Option<Instant>,
    /// Range to which a closed port goes back.
    range: Option<RangeInclusive<u16>>,
    clients: HashMap<IpAddr, Claims>,
}

/// Claims of one client at a place.
#[derive(Debug, Default)]
struct Claims {
    held: usize,
    /// Slots that cool, and until when, the first to end first.
    cooling: VecDeque<(Instant, usize)>,
}

impl Place {
    pub(super) fn new(range: Option<RangeInclusive<u16>>) -> Place {
        Place {
            open: Vec::new(),
            closed: range.clone().into_iter().flatten().collect(),
            range,
            taken: Vec::new(),
            retry: None,
            clients: HashMap::new(),
        }
    }

    /// Has these ports to open, and gives the listeners that are open out no more.
    pub(super) fn use_range(&mut self, range: Option<RangeInclusive<u16>>) {
        let clients = std::mem::take(&mut self.clients);
        *self = Place { clients, ..Place::new(range) };
    }

    /// Number of leases that a client holds.
    pub(super) fn held(&self, client: IpAddr) -> usize {
        self.clients.get(&client).map_or(0, |claims| claims.held)
    }

    /// Number of listeners that are free for a client.
    pub(super) fn free(&self, client: IpAddr) -> usize {
        let claims = self.clients.get(&client);
        let claimed = claims.map_or(0, |claims| claims.held + claims.cooling.len());
        // Claims may be to listeners that are given out no more.
        self.open.len().saturating_sub(claimed)
    }

    /// True if nothing is open, and nobody has a claim.
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty() && self.clients.is_empty()
    }

    /// Takes one of the listeners that are free, each as likely as another; after `most` that are
    /// not it gives up.
    pub(super) fn draw(
        &mut self,
        chance: &mut Chance,
        most: usize,
        is_free: impl Fn(usize) -> bool,
    ) -> Option<usize> {
        let mut left = self.open.len();
        for _ in 0..most.min(left) {
            let drawn = chance.below(left);
            if is_free(self.open[drawn]) {
                return Some(self.open[drawn]);
            }
            left -= 1;
            self.open.swap(drawn, left);
        }
        None
    }

    /// Opens a port of the range, by chance; so many are tried.
    pub(super) fn open_in_range(
        &mut self,
        local: SocketAddr,
        chance: &mut Chance,
        tries: usize,
        now: Instant,
    ) -> io::Result<Listener> {
        if self.retry.is_some_and(|retry| retry <= now) {
            self.retry = None;
            self.closed.append(&mut self.taken);
        }
        for _ in 0..tries {
            if self.closed.is_empty() {
                break;
            }
            let port = self.closed.swap_remove(chance.below(self.closed.len()));
            let mut address = local;
            address.set_port(port);
            match Listener::open(address) {
                Ok(listener) => return Ok(listener),
                Err(error) if is_of_the_port(&error) => {
                    self.taken.push(port);
                    self.retry.get_or_insert(now + RETRY);
                }
                Err(error) => {
                    self.closed.push(port);
                    return Err(error);
                }
            }
        }
        Err(io::Error::other("every passive port is taken"))
    }

    /// Takes in a listener that was opened.
    pub(super) fn add(&mut self, slot: usize) {
        self.open.push(slot);
    }

    /// Forgets a listener.
    pub(super) fn remove(&mut self, slot: usize) {
        self.open.retain(|open| *open != slot);
    }

    /// Gives a port that was closed back to the range.
    pub(super) fn give_back(&mut self, port: u16) {
        if self.range.as_ref().is_some_and(|range| range.contains(&port)) {
            self.closed.push(port);
        }
    }

    // Claims.

    /// Counts a lease of a client.
    pub(super) fn hold(&mut self, client: IpAddr) {
        self.clients.entry(client).or_default().held += 1;
    }

    /// Counts a lease less: it came to its connection.
    pub(super) fn let_go(&mut self, client: IpAddr) {
        self.change(client, |claims| claims.held -= 1);
    }

    /// Has a lease cool that was held.
    pub(super) fn cool(&mut self, client: IpAddr, until: Instant, slot: usize) {
        self.change(client, |claims| {
            claims.held -= 1;
            claims.cooling.push_back((until, slot));
        });
    }

    /// Lease of a client that has cooled longest, if as many cool as may.
    pub(super) fn longest_cooling(&self, client: IpAddr, most: usize) -> Option<(Instant, usize)> {
        let cooling = &self.clients.get(&client)?.cooling;
        cooling.front().copied().filter(|_| cooling.len() >= most)
    }

    /// Ends a claim that has cooled: mostly the first.
    pub(super) fn end_cooling(&mut self, client: IpAddr, slot: usize) {
        self.change(client, |claims| {
            if let Some(index) = claims.cooling.iter().position(|(_, cooling)| *cooling == slot) {
                claims.cooling.remove(index);
            }
        });
    }

    fn change(&mut self, client: IpAddr, change: impl FnOnce(&mut Claims)) {
        if let Some(claims) = self.clients.get_mut(&client) {
            change(claims);
            if claims.held == 0 && claims.cooling.is_empty() {
                self.clients.remove(&client);
            }
        }
    }
}

/// True if another port may be had where this one can't.
fn is_of_the_port(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::AddrInUse | ErrorKind::PermissionDenied)
}
