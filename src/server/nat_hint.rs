//! NAT hint: a diagnosis of the most common trouble of FTP, passive connections that are announced
//! and never arrive.

use std::net::IpAddr;
use std::time::Duration;

/// Time within which a passive connection that is coming comes.
const NEVER_ARRIVED: Duration = Duration::from_secs(3);
/// Leases in a row without a connection that are no accident.
const UNUSED_LEASES: u32 = 3;

/// Leases of late, by the kind of clients that they were for.
#[derive(Debug, Default)]
pub(super) struct NatHint {
    /// Leases in a row that were never used, of clients of this machine, of private networks, and
    /// of the world.
    unused: [u32; 3],
    told: [bool; 3],
}

impl NatHint {
    /// Notes a lease without a connection, which was waited for so long. Clients from where none
    /// arrives are named once, for the log.
    pub(super) fn never_arrived(
        &mut self,
        client: IpAddr,
        waited: Duration,
    ) -> Option<&'static str> {
        if waited < NEVER_ARRIVED {
            return None;
        }
        let kind = kind(client);
        self.unused[kind] += 1;
        if self.unused[kind] < UNUSED_LEASES || self.told[kind] {
            return None;
        }
        self.told[kind] = true;
        Some(["this machine", "private networks", "the internet"][kind])
    }

    /// Notes that a passive connection of this client has come.
    pub(super) fn arrived(&mut self, client: IpAddr) {
        self.unused[kind(client)] = 0;
    }
}

fn kind(client: IpAddr) -> usize {
    let private = match client {
        IpAddr::V4(address) => address.is_private() || address.is_link_local(),
        IpAddr::V6(address) => address.is_unique_local() || address.is_unicast_link_local(),
    };
    if client.is_loopback() {
        0
    } else if private {
        1
    } else {
        2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_is_given_once_for_each_kind_of_clients_and_never_for_an_accident() {
        let mut hint = NatHint::default();
        let mut miss = |address: &str, waited| hint.never_arrived(address.parse().unwrap(), waited);
        for _ in 0..10 {
            assert_eq!(miss("127.0.0.1", NEVER_ARRIVED / 2), None, "the client changed its mind");
        }
        let told: Vec<_> = (0..5).map(|_| miss("203.0.113.7", NEVER_ARRIVED)).collect();
        assert_eq!(told, [None, None, Some("the internet"), None, None]);
        assert_eq!(miss("192.168.0.9", NEVER_ARRIVED), None);
        assert_eq!(miss("fd00::1", NEVER_ARRIVED), None);
        hint.arrived("10.0.0.1".parse().unwrap());
        let mut miss = |address: &str| hint.never_arrived(address.parse().unwrap(), NEVER_ARRIVED);
        assert_eq!([miss("10.0.0.1"), miss("fe80::1")], [None, None]);
        assert_eq!(miss("169.254.1.1"), Some("private networks"));
    }
}
