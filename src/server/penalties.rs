//! Penalties: what wrong passwords cost the neighbourhood that they came from.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::neighbourhood::Neighbourhood;

/// Delay after a neighbourhood's first wrong password; each further one doubles it.
const FIRST_DELAY: Duration = Duration::from_millis(250);
/// Longest of delays.
const LONGEST_DELAY: Duration = Duration::from_secs(8);
/// Time after which a neighbourhood that made no further mistake is forgiven.
const FORGIVEN: Duration = Duration::from_secs(600);
/// Neighbourhoods that are remembered; beyond, the one whose mistake is the oldest is forgotten.
const REMEMBERED: usize = 10_000;

/// Wrong passwords of neighbourhoods. The delay is before a check, and the same for a right password
/// and a wrong one: who hears nothing for a while learns nothing from it.
#[derive(Debug, Default)]
pub(super) struct Penalties(HashMap<Neighbourhood, Mistakes>);

#[derive(Debug)]
struct Mistakes {
    count: u32,
    latest: Instant,
    /// End of the latest check, whatever came of it.
    checked: Instant,
}

impl Mistakes {
    fn delay(&self) -> Duration {
        FIRST_DELAY.saturating_mul(1 << self.count.saturating_sub(1).min(16)).min(LONGEST_DELAY)
    }
}

impl Penalties {
    /// Time from one check of this neighbourhood to the next; none without wrong passwords.
    pub(super) fn delay(&self, neighbourhood: Neighbourhood, now: Instant) -> Duration {
        self.mistakes(neighbourhood, now).map_or(Duration::ZERO, Mistakes::delay)
    }

    /// Moment at which the next password of this neighbourhood may be checked, if not at once.
    pub(super) fn until(&self, neighbourhood: Neighbourhood, now: Instant) -> Option<Instant> {
        let mistakes = self.mistakes(neighbourhood, now)?;
        Some(mistakes.checked + mistakes.delay()).filter(|until| now < *until)
    }

    fn mistakes(&self, neighbourhood: Neighbourhood, now: Instant) -> Option<&Mistakes> {
        self.0.get(&neighbourhood).filter(|mistakes| now < mistakes.latest + FORGIVEN)
    }

    /// Takes note of a check: whether the password was right.
    pub(super) fn note(&mut self, neighbourhood: Neighbourhood, right: bool, now: Instant) {
        let counts = self.mistakes(neighbourhood, now).is_some();
        match (self.0.get_mut(&neighbourhood), right) {
            (Some(mistakes), true) => mistakes.checked = now,
            (Some(mistakes), false) => {
                let count = if counts { mistakes.count.saturating_add(1) } else { 1 };
                *mistakes = Mistakes { count, latest: now, checked: now };
            }
            (None, true) => {}
            (None, false) => {
                self.make_room();
                self.0.insert(neighbourhood, Mistakes { count: 1, latest: now, checked: now });
            }
        }
    }

    fn make_room(&mut self) {
        if self.0.len() < REMEMBERED {
            return;
        }
        let oldest = self.0.iter().min_by_key(|(_, mistakes)| mistakes.latest);
        if let Some(oldest) = oldest.map(|(neighbourhood, _)| *neighbourhood) {
            self.0.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn neighbourhood(number: usize) -> Neighbourhood {
        Neighbourhood::of(Ipv4Addr::from_bits(u32::try_from(number).unwrap()).into())
    }

    /// The delay was put on the answer: whoever did not wait for that guessed fifteen times a second.
    #[test]
    fn the_next_check_waits_longer_after_each_mistake_and_whatever_came_of_the_last() {
        let (mut penalties, who) = (Penalties::default(), neighbourhood(1));
        let mut now = Instant::now();
        penalties.note(who, true, now);
        assert_eq!(penalties.until(who, now), None);
        for millis in [250, 500, 1000, 2000, 4000, 8000, 8000] {
            penalties.note(who, false, now);
            let until = now + Duration::from_millis(millis);
            assert_eq!(penalties.until(who, now), Some(until));
            assert_eq!(penalties.until(neighbourhood(2), now), None);
            now = until;
            assert_eq!(penalties.until(who, now), None);
        }
        penalties.note(who, true, now);
        assert_eq!(
            penalties.until(who, now),
            Some(now + LONGEST_DELAY),
            "a right one frees nobody"
        );
    }

    #[test]
    fn mistakes_are_forgiven_after_a_while_without_any() {
        let (mut penalties, who, now) = (Penalties::default(), neighbourhood(1), Instant::now());
        for _ in 0..9 {
            penalties.note(who, false, now);
        }
        let later = now + FORGIVEN;
        assert_eq!(
            [now, later].map(|at| penalties.delay(who, at)),
            [LONGEST_DELAY, Duration::ZERO]
        );
        assert_eq!(penalties.until(who, later), None);
        penalties.note(who, false, later);
        assert_eq!(penalties.until(who, later), Some(later + FIRST_DELAY));
    }

    /// Newcomers to a full table went unpunished.
    #[test]
    fn a_full_table_forgets_the_oldest_mistake() {
        let (mut penalties, now) = (Penalties::default(), Instant::now());
        for number in 0..=REMEMBERED {
            penalties.note(
                neighbourhood(number),
                false,
                now + Duration::from_millis(number as u64),
            );
        }
        let failed = |number| penalties.mistakes(neighbourhood(number), now).is_some();
        assert_eq!([0, 1, REMEMBERED].map(failed), [false, true, true]);
        assert_eq!(penalties.0.len(), REMEMBERED);
    }
}
