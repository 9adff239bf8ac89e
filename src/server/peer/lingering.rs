//! Lingering: a data connection that was given up while its client may still send. A close with
//! unread input would make the kernel send a reset, which overtakes the reply: some clients then
//! know nothing but that the connection was reset. So the reply goes first, then a FIN, and what
//! comes is thrown away for a moment.

use std::time::{Duration, Instant};

use crate::net::{Event, Flow, Link, Poller, Role};

/// Time that a client has to end its side.
const LINGERING: Duration = Duration::from_secs(1);

/// Data connection that lingers, one a session: the next one takes its place.
#[derive(Debug, Default)]
pub(super) struct Lingering(Option<Box<Leaving>>);

#[derive(Debug)]
struct Leaving {
    link: Link,
    until: Instant,
    /// Our FIN is sent.
    is_half_closed: bool,
}

impl Lingering {
    /// Takes a connection that was given up.
    pub(super) fn take(&mut self, link: Link, now: Instant) {
        let leaving = Leaving { link, until: now + LINGERING, is_half_closed: false };
        self.0 = Some(Box::new(leaving));
    }

    /// Notes what an event says; false if it is for another connection.
    pub(super) fn mark(&mut self, event: Event) -> bool {
        match &mut self.0 {
            Some(leaving) if leaving.link.owns(event.key) => {
                leaving.link.mark(event);
                true
            }
            Some(_) | None => false,
        }
    }

    /// Moment at which the connection is closed, whatever its client does.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.0.as_ref().map(|leaving| leaving.until)
    }

    /// Goes on, once all replies are sent: how many bytes were thrown away.
    pub(super) fn go_on(
        &mut self,
        is_all_sent: bool,
        buffer: &mut [u8],
        poller: &mut Poller,
        slot: usize,
        now: Instant,
    ) -> usize {
        let Some(leaving) = &mut self.0 else { return 0 };
        if leaving.until <= now || leaving.link.is_gone() {
            self.0 = None;
            return 0;
        }
        if is_all_sent && !leaving.is_half_closed {
            leaving.link.finish_writing();
            leaving.is_half_closed = true;
        }
        if !leaving.is_half_closed || buffer.is_empty() {
            return 0;
        }
        match leaving.link.discard(buffer) {
            Flow::Moved(count) => return count,
            Flow::Blocked if leaving.link.register(poller, slot, Role::Data).is_ok() => {}
            Flow::Blocked | Flow::Ended | Flow::Broken(_) => self.0 = None,
        }
        0
    }
}
