//! Session reuse (TLS): whether a data connection is the client's own. Whoever resumes a TLS session
//! of the control connection's client is; whoever does not may be anybody at the same address.
//!
//! Not every client resumes, so under [`SessionReuse::Prefer`] it must only once it has shown that it
//! can, by a session of the control connection, and as long as it has no siblings
//! ([`Siblings`](crate::server::siblings)). Sessions of data connections show nothing: Java and Perl
//! keep theirs by host and port, and resume one where a passive port happens to come again. A client
//! that uses each ticket of TLS 1.3 once gets no new ones with its uploads (it would not read them),
//! and may be without any behind one.

use std::time::{Duration, Instant};

use crate::config::SessionReuse;
use crate::net::{Link, Resumed};
use crate::server::siblings::Place;

/// Knowledge of a client's TLS.
#[derive(Debug)]
pub(super) struct ClientTls {
    /// Mark of the client.
    client: u64,
    /// Certificate that the client has shown on its control connection, in DER.
    certificate: Option<Box<[u8]>>,
    /// A data connection has resumed a TLS session that began on a control connection.
    resumes: bool,
    /// Moment at which the client last got tickets.
    renewed: Instant,
    /// Handshakes in a row since then.
    without_tickets: u8,
    /// Most handshakes in a row without tickets, behind which it has resumed all the same.
    most_without: u8,
    /// User and address, as siblings are counted by them.
    pub(super) place: Option<Place>,
}

/// Data connection whose handshake is done, as the rules see it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shown<'a> {
    pub(super) resumed: Option<Resumed>,
    pub(super) certificate: Option<&'a [u8]>,
    /// True if the client can resume its TLS session again.
    pub(super) is_renewed: bool,
    /// True if its tickets may be those of siblings, or with them.
    pub(super) has_siblings: bool,
}

/// Verdict on a data connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ownership {
    /// Connection that may be the client's.
    Plausible,
    /// Connection that has not resumed the TLS session, as it must.
    NotResumed,
    /// Connection without the client certificate of the control connection.
    OtherCertificate,
}

/// Tickets that a client gets at once. Who resumes more often than that uses each many times.
const TICKETS: u8 = Link::TICKETS as u8;

/// Time that every client keeps its tickets for, and every server.
const TICKETS_LAST: Duration = Duration::from_secs(60 * 60);

impl ClientTls {
    /// Takes note of the control connection, which has come under TLS.
    pub(super) fn of(control: &Link, now: Instant) -> ClientTls {
        ClientTls::new(control.client_mark(), control.certificate(), now)
    }

    fn new(client: u64, certificate: Option<&[u8]>, renewed: Instant) -> ClientTls {
        ClientTls {
            client,
            certificate: certificate.map(Box::from),
            resumes: false,
            renewed,
            without_tickets: 0,
            most_without: 0,
            place: None,
        }
    }

    /// Mark that tickets of its data connections are to have.
    pub(super) fn client(&self) -> u64 {
        self.client
    }

    /// Judges a data connection.
    pub(super) fn judge(
        &mut self,
        shown: Shown<'_>,
        reuse: SessionReuse,
        now: Instant,
    ) -> Ownership {
        if self.certificate.is_some() && self.certificate.as_deref() != shown.certificate {
            return Ownership::OtherCertificate;
        }
        let own = shown.resumed.filter(|resumed| resumed.client == self.client);
        let must = match reuse {
            SessionReuse::Off => false,
            SessionReuse::Prefer => !shown.has_siblings && self.must_resume(shown.resumed, now),
            SessionReuse::Require => true,
        };
        if must && own.is_none() {
            return Ownership::NotResumed;
        }
        if let Some(resumed) = own {
            self.resumes |= resumed.is_of_control;
            self.most_without = self.most_without.max(self.without_tickets);
        }
        if shown.is_renewed {
            self.renewed = now;
            self.without_tickets = 0;
        } else {
            self.without_tickets = self.without_tickets.saturating_add(1);
        }
        Ownership::Plausible
    }

    fn must_resume(&self, resumed: Option<Resumed>, now: Instant) -> bool {
        let used = self.without_tickets > self.most_without && self.most_without <= TICKETS;
        let may_have_none = used || self.renewed + TICKETS_LAST < now;
        // A client that resumes another's session has no want of tickets.
        self.resumes && (resumed.is_some() || !may_have_none)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: u64 = 7;
    const THIEF: u64 = 8;

    fn client(certificate: Option<&[u8]>) -> ClientTls {
        ClientTls::new(OWN, certificate, Instant::now())
    }

    fn download(client: Option<u64>) -> Shown<'static> {
        let resumed = client.map(|client| Resumed { client, is_of_control: true });
        Shown { resumed, is_renewed: true, ..Shown::default() }
    }

    fn upload(resumed: Option<u64>) -> Shown<'static> {
        Shown { is_renewed: false, ..download(resumed) }
    }

    fn judged(client: &mut ClientTls, shown: Shown<'_>) -> bool {
        client.judge(shown, SessionReuse::Prefer, client.renewed) == Ownership::Plausible
    }

    /// A thief at the same address had the file with a TLS session of its own, or with none.
    #[test]
    fn a_client_that_has_resumed_must_from_then_on() {
        let mut client = client(None);
        assert!(judged(&mut client, download(None)), "it may be unable to");
        assert!(judged(&mut client, download(Some(OWN))));
        for thief in [None, Some(THIEF)] {
            assert!(!judged(&mut client, download(thief)) && !judged(&mut client, upload(thief)));
        }
        assert!(judged(&mut client, download(Some(OWN))));
    }

    #[test]
    fn a_client_that_resumes_data_connections_only_need_not() {
        let mut client = client(None);
        for _ in 0..3 {
            let resumed = Some(Resumed { client: OWN, is_of_control: false });
            assert!(judged(&mut client, Shown { resumed, ..download(None) }));
            assert!(judged(&mut client, download(None)));
        }
    }

    /// curl keeps one ticket, and an upload brings no other.
    #[test]
    fn a_client_of_single_tickets_may_be_without_one_behind_an_upload() {
        let mut client = client(None);
        for _ in 0..3 {
            assert!(judged(&mut client, upload(Some(OWN))));
            assert!(!judged(&mut client, upload(Some(THIEF))), "it has a ticket, but not ours");
            assert!(judged(&mut client, upload(None)) && judged(&mut client, download(None)));
            assert!(!judged(&mut client, download(None)), "it has got one again");
        }
    }

    #[test]
    fn a_client_that_uses_tickets_again_and_again_must_behind_uploads_too() {
        let mut client = client(None);
        for uploads in 0..=TICKETS + 1 {
            assert!(judged(&mut client, upload(Some(OWN))), "{uploads}");
        }
        for _ in 0..300 {
            assert!(!judged(&mut client, upload(None)));
            assert!(judged(&mut client, upload(Some(OWN))));
        }
    }

    #[test]
    fn tickets_do_not_last_for_ever() {
        let mut client = client(None);
        assert!(judged(&mut client, download(Some(OWN))));
        for (later, verdict) in [(0, Ownership::NotResumed), (1, Ownership::Plausible)] {
            let now = client.renewed + TICKETS_LAST + Duration::from_secs(later);
            assert_eq!(client.judge(download(None), SessionReuse::Prefer, now), verdict);
        }
    }

    /// curl -Z has one ticket for all of its connections: whichever comes second finds none.
    #[test]
    fn a_client_with_siblings_need_not_resume() {
        let mut client = client(None);
        assert!(judged(&mut client, download(Some(OWN))));
        for resumed in [None, Some(THIEF)] {
            let shown = Shown { has_siblings: true, ..download(resumed) };
            assert!(judged(&mut client, shown) && !judged(&mut client, download(resumed)));
            let required = client.judge(shown, SessionReuse::Require, client.renewed);
            assert_eq!(required, Ownership::NotResumed);
        }
    }

    #[test]
    fn a_data_connection_shows_the_certificate_of_the_control_connection() {
        let mut client = client(Some(b"alice"));
        for reuse in [SessionReuse::Off, SessionReuse::Prefer, SessionReuse::Require] {
            for certificate in [None, Some(&b"bob"[..])] {
                let shown = Shown { certificate, ..download(Some(OWN)) };
                assert_eq!(client.judge(shown, reuse, client.renewed), Ownership::OtherCertificate);
            }
            let shown = Shown { certificate: Some(b"alice"), ..download(Some(OWN)) };
            assert_eq!(client.judge(shown, reuse, client.renewed), Ownership::Plausible);
        }
    }
}
