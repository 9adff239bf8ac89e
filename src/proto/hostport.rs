//! Addresses of data connections, as PORT, EPRT, PASV and EPSV spell them. They are read and
//! written here, and none is judged: which ones are allowed is the session's to say.
//!
//! RFC 959: PORT names an IPv4 address and a port by six decimal bytes, `h1,h2,h3,h4,p1,p2`, high
//! byte first, and the reply to PASV has the same six. RFC 2428 makes room for IPv6: EPRT takes
//! `|1|127.0.0.1|34567|` or `|2|::1|34567|`, where `|` may be any printable character, and the
//! reply to EPSV is `|||34567|`, the address being that of the control connection. Beside these
//! we take EPRT without the protocol number, `|127.0.0.1|34567|`: the address shows its family.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4};
use std::str::FromStr;

/// Error of an EPRT argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EprtError {
    /// The spelling is not that of an EPRT argument.
    Syntax,
    /// The network protocol is one that we don't speak.
    Protocol,
}

/// Reads the argument of PORT. Six numbers of at most three digits; no spaces, no signs. Port 0
/// is no port.
pub fn parse_port(argument: &[u8]) -> Option<SocketAddr> {
    let mut bytes = [0; 6];
    let mut fields = argument.split(|&byte| byte == b',');
    for byte in &mut bytes {
        *byte = number(fields.next()?, 3)?;
    }
    if fields.next().is_some() {
        return None;
    }
    let [h1, h2, h3, h4, p1, p2] = bytes;
    let port = u16::from_be_bytes([p1, p2]);
    (port != 0).then(|| SocketAddr::from(([h1, h2, h3, h4], port)))
}

/// Reads the argument of EPRT, with or without the protocol number.
pub fn parse_eprt(argument: &[u8]) -> Result<SocketAddr, EprtError> {
    let (address, port) = split_eprt(argument)?;
    match number(port, 5) {
        None | Some(0) => Err(EprtError::Syntax),
        Some(port) => Ok(SocketAddr::new(address, port)),
    }
}

/// The address in an EPRT argument, and the port as it is written there.
fn split_eprt(argument: &[u8]) -> Result<(IpAddr, &[u8]), EprtError> {
    let syntax = EprtError::Syntax;
    let (delimiter, rest) = argument.split_first().ok_or(syntax)?;
    if !delimiter.is_ascii_graphic() {
        return Err(syntax);
    }
    let (last, fields) = rest.split_last().ok_or(syntax)?;
    if last != delimiter {
        return Err(syntax);
    }
    let fields: Vec<&[u8]> = fields.splitn(4, |byte| byte == delimiter).collect();
    // Parsing an address of the standard library admits neither zones (`fe80::1%eth0`) nor
    // leading zeros, which some read as octal.
    let (address, port) = match fields[..] {
        [address, port] => (parsed(address), port),
        [b"1", address, port] => (parsed::<Ipv4Addr>(address).map(IpAddr::V4), port),
        [b"2", address, port] => (parsed::<Ipv6Addr>(address).map(IpAddr::V6), port),
        [other, _, _] if !other.is_empty() && other.iter().all(u8::is_ascii_digit) => {
            return Err(EprtError::Protocol);
        }
        _ => return Err(syntax),
    };
    Ok((address.ok_or(syntax)?, port))
}

/// The six numbers of the reply to PASV: `127,0,0,1,135,7`.
pub fn pasv_text(address: SocketAddrV4) -> String {
    let [h1, h2, h3, h4] = address.ip().octets();
    let [p1, p2] = address.port().to_be_bytes();
    format!("{h1},{h2},{h3},{h4},{p1},{p2}")
}

/// Text in the brackets of the reply to EPSV: `|||34567|`.
pub fn epsv_text(port: u16) -> String {
    format!("|||{port}|")
}

/// A number of at most `longest` digits, and digits only: `parse` alone would take `+1`.
fn number<T: FromStr>(digits: &[u8], longest: usize) -> Option<T> {
    if digits.len() > longest || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    parsed(digits)
}

fn parsed<T: FromStr>(text: &[u8]) -> Option<T> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_is_six_bytes() {
        for (argument, address) in [
            ("127,0,0,1,135,7", "127.0.0.1:34567"),
            ("255,255,255,255,255,255", "255.255.255.255:65535"),
            ("010,000,000,001,000,001", "10.0.0.1:1"),
        ] {
            assert_eq!(parse_port(argument.as_bytes()), address.parse().ok(), "{argument}");
        }
        for argument in [
            "",
            ",,,,,",
            "1,2,3,4,5",
            "1,2,3,4,5,6,7",
            "1,2,3,4,5,6,",
            "1,2,3,4,0,0",
            "256,0,0,1,4,1",
            "1,2,3,4,5,0006",
            "1,2,3,4,+5,6",
            "1,2,3,4,-5,6",
            "1, 2,3,4,5,6",
            " 1,2,3,4,5,6",
            "(1,2,3,4,5,6)",
            "1.2.3.4,5,6",
            "1,2,3,4,5,\u{0663}",
        ] {
            assert_eq!(parse_port(argument.as_bytes()), None, "{argument}");
        }
        assert_eq!(parse_port(b"1,2,3,4,5,\xff"), None);
    }

    #[test]
    fn eprt_has_two_or_three_fields() {
        for (argument, address) in [
            ("|1|127.0.0.1|34567|", "127.0.0.1:34567"),
            ("|2|::1|34567|", "[::1]:34567"),
            ("|127.0.0.1|34567|", "127.0.0.1:34567"),
            ("|2001:db8::7|65535|", "[2001:db8::7]:65535"),
            ("!1!127.0.0.1!1!", "127.0.0.1:1"),
            ("~2~::ffff:10.0.0.1~21~", "[::ffff:10.0.0.1]:21"),
            ("a1a127.0.0.1a21a", "127.0.0.1:21"),
        ] {
            let address = address.parse().expect("an address");
            assert_eq!(parse_eprt(argument.as_bytes()), Ok(address), "{argument}");
        }
    }

    #[test]
    fn eprt_refuses() {
        for argument in [
            "",
            "|",
            "||",
            "|||",
            "||||",
            "|1|127.0.0.1|52306",
            "|127.0.0.1|52306",
            "|1|127.0.0.1|52306||",
            "|1|127.0.0.1|52306|x|",
            "|1|127.0.0.1|52306!",
            " 1 127.0.0.1 52306 ",
            "|1|::1|34567|",
            "|2|127.0.0.1|34567|",
            "|2|fe80::1%eth0|34567|",
            "|2|fe80::1%1|34567|",
            "|2|[::1]|34567|",
            "|1|127.0.0|34567|",
            "|1|127.0.0.01|34567|",
            "|1|localhost|34567|",
            "|1|127.0.0.1|0|",
            "|1|127.0.0.1|65536|",
            "|1|127.0.0.1|+21|",
            "|1|127.0.0.1||",
            "||127.0.0.1|21|",
            "|x|127.0.0.1|21|",
            "|-1|127.0.0.1|21|",
        ] {
            assert_eq!(parse_eprt(argument.as_bytes()), Err(EprtError::Syntax), "{argument}");
        }
        for argument in ["|3|127.0.0.1|21|", "|0|x|y|", "|99999999999|::1|21|"] {
            assert_eq!(parse_eprt(argument.as_bytes()), Err(EprtError::Protocol), "{argument}");
        }
    }

    #[test]
    fn passive_texts() {
        let address = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 34567);
        assert_eq!(pasv_text(address), "127,0,0,1,135,7");
        assert_eq!(parse_port(pasv_text(address).as_bytes()), Some(address.into()));
        assert_eq!(epsv_text(34567), "|||34567|");
    }
}
