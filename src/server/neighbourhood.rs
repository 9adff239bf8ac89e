//! Neighbourhood: addresses that count as one client's for limits, penalties and queues.

use std::net::{IpAddr, Ipv6Addr};

/// Address of an IPv4 client, network of 64 bits of an IPv6 one: whoever has one address of such a
/// network has all of them (RFC 4291, 2.5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Neighbourhood(Network);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Network {
    V4(u32),
    V6(u64),
}

impl Neighbourhood {
    /// Neighbourhood of an address.
    pub(super) fn of(client: IpAddr) -> Neighbourhood {
        Neighbourhood(match client.to_canonical() {
            IpAddr::V4(address) => Network::V4(address.to_bits()),
            IpAddr::V6(address) => Network::V6(upper_half(address)),
        })
    }
}

fn upper_half(address: Ipv6Addr) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = address.octets();
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One IPv6 client had as many sessions, and as many guesses, as its network has addresses.
    #[test]
    fn a_network_of_64_bits_counts_as_one() {
        let of = |address: &str| Neighbourhood::of(address.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_eq!(of("192.0.2.1"), of("::ffff:192.0.2.1"));
        for (one, other) in [
            ("2001:db8:1:2::1", "2001:db8:1:3::1"),
            ("192.0.2.1", "192.0.2.2"),
            ("0.0.0.1", "0:0:0:1::"),
        ] {
            assert_ne!(of(one), of(other));
        }
    }
}
