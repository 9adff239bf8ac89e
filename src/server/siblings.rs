//! Siblings: sessions under TLS that one user has at the same time from one address. A client with
//! several control connections keeps the tickets of all of them in one place, and may find there the
//! ticket of a sibling, or none.

use std::collections::HashMap;
use std::net::IpAddr;
use std::rc::Rc;

/// User at an address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub(super) client: IpAddr,
    pub(super) user: Rc<[u8]>,
}

/// Sessions of a user at an address.
#[derive(Debug, Default)]
struct Family {
    sessions: usize,
    /// Some of them were there at the same time: what is left of a sibling, its tickets, stays.
    had_siblings: bool,
}

/// All users at their addresses.
#[derive(Debug, Default)]
pub(super) struct Siblings(HashMap<Place, Family>);

impl Siblings {
    /// Counts a session, which had this place before, at the place that it has now.
    pub(super) fn join(&mut self, place: Place, before: &mut Option<Place>) {
        if before.as_ref() == Some(&place) {
            return;
        }
        self.leave(before.take());
        let family = self.0.entry(place.clone()).or_default();
        family.sessions += 1;
        family.had_siblings |= family.sessions > 1;
        *before = Some(place);
    }

    /// Counts a session no more.
    pub(super) fn leave(&mut self, place: Option<Place>) {
        let Some(place) = place else { return };
        if let Some(family) = self.0.get_mut(&place) {
            family.sessions -= 1;
            if family.sessions == 0 {
                self.0.remove(&place);
            }
        }
    }

    /// True if a session at this place has siblings, or had some.
    pub(super) fn are_at(&self, place: Option<&Place>) -> bool {
        place.and_then(|place| self.0.get(place)).is_some_and(|family| family.had_siblings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn a_session_has_siblings_until_all_of_the_family_are_gone() {
        let place = |user: &[u8]| Place { client: Ipv4Addr::LOCALHOST.into(), user: user.into() };
        let (alice, bob) = (place(b"alice"), place(b"bob"));
        let (mut siblings, mut first, mut second) = (Siblings::default(), None, None);
        siblings.join(alice.clone(), &mut first);
        siblings.join(alice.clone(), &mut first);
        siblings.join(bob.clone(), &mut second);
        assert!(!siblings.are_at(first.as_ref()) && !siblings.are_at(None));
        siblings.join(alice.clone(), &mut second);
        siblings.leave(second.take());
        assert!(siblings.are_at(first.as_ref()) && !siblings.are_at(Some(&bob)));
        siblings.join(bob, &mut first);
        siblings.join(alice, &mut first);
        assert!(!siblings.are_at(first.as_ref()));
        siblings.leave(first);
        assert!(siblings.0.is_empty());
    }
}
