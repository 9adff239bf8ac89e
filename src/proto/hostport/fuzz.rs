//! Addresses of any spelling: what is read is spelled again in each way, and read as the same; half
//! of a spelling is none.

use super::*;
use crate::fuzz::{Chance, part};

#[test]
fn hostile_addresses_are_read_as_they_are_spelled() {
    part!("hostport").some(check);
}

#[test]
#[ignore = "needs some minutes, in release mode"]
fn fuzz_of_addresses() {
    part!("hostport").many(10_000_000, check);
}

fn check(input: &[u8], chance: &mut Chance) {
    if let Some(address) = parse_port(input) {
        let SocketAddr::V4(v4) = address else { panic!("PORT has no {address}") };
        assert_ne!(v4.port(), 0);
        assert_eq!(parse_port(pasv_text(v4).as_bytes()), Some(address));
        assert!(input.split(|&byte| byte == b',').all(|field| field.len() <= 3));
        // Zeros in front are all that two spellings of one address differ by.
        let spelled = pasv_text(v4);
        let digits =
            input.split(|&byte| byte == b',').map(parsed::<u8>).collect::<Option<Vec<_>>>();
        assert_eq!(digits, spelled.split(',').map(|field| field.parse().ok()).collect());
        check_eprt(address, chance);
    }
    match parse_eprt(input) {
        Ok(address) => {
            assert_ne!(address.port(), 0);
            assert_eq!(input.first(), input.last(), "no closing delimiter");
            check_eprt(address, chance);
            if !input[0].is_ascii_hexdigit() && !b".:".contains(&input[0]) {
                let cut = chance.upto(input.len() - 1);
                assert!(parse_eprt(&input[..cut]).is_err(), "half of it is enough: {cut}");
            }
        }
        Err(EprtError::Protocol) => assert!(input[1].is_ascii_digit()),
        Err(EprtError::Syntax) => {}
    }
    let address = match chance.one_in(2) {
        true => IpAddr::from((chance.next() as u32).to_be_bytes()),
        false => IpAddr::from((u128::from(chance.next()) << 64 >> chance.below(128)).to_be_bytes()),
    };
    check_eprt(SocketAddr::new(address, 1 + chance.below(65_535) as u16), chance);
}

/// Each spelling of an address is read as that address.
fn check_eprt(address: SocketAddr, chance: &mut Chance) {
    let (ip, port) = (address.ip(), address.port());
    let protocol = if ip.is_ipv4() { 1 } else { 2 };
    // Characters that no address has in it.
    let delimiter = char::from(chance.pick(b"|!~#$%&/=?@_xyzXYZ;,<>"));
    let spelled = [
        format!("{delimiter}{protocol}{delimiter}{ip}{delimiter}{port}{delimiter}"),
        format!("{delimiter}{ip}{delimiter}{port}{delimiter}"),
    ];
    for text in spelled {
        let read = parse_eprt(text.as_bytes());
        assert_eq!(read.map(|read| (read.ip(), read.port())), Ok((ip, port)), "{text}");
        let mut other = text.into_bytes();
        *other.last_mut().expect("it has a delimiter") ^= 1;
        assert_eq!(parse_eprt(&other), Err(EprtError::Syntax), "not closed");
    }
    assert_eq!(epsv_text(port).trim_matches('|').parse(), Ok(port));
}
