//! Foreign protocols: what is said by a client that takes the server for one of another kind. A web
//! page can have its reader's browser send such lines anywhere, with FTP commands among them; so
//! they are told from a slip of the hand, and nothing behind them is obeyed.

use super::command;

/// Protocol that a line is of, if it is not FTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// A request of HTTP, or a line of a header as HTTP and mail have them.
    Http,
    /// Bytes that are no text: TLS, TURN.
    Binary,
}

/// Methods of HTTP, none of which is a verb of FTP.
#[rustfmt::skip]
const METHODS: [&[u8]; 10] = [
    b"GET", b"POST", b"PUT", b"HEAD", b"OPTIONS", b"DELETE", b"PATCH", b"CONNECT", b"TRACE", b"PRI",
];

/// Protocol of a line, without its CRLF, that is not FTP's.
pub fn recognise(line: &[u8]) -> Option<Foreign> {
    if line.iter().any(u8::is_ascii_control) {
        return Some(Foreign::Binary);
    }
    let (verb, _) = command::split(line);
    let is_method = METHODS.iter().any(|method| method.eq_ignore_ascii_case(verb));
    (is_method || is_header(line)).then_some(Foreign::Http)
}

/// `Name: value`. No command of FTP has a colon before its first blank.
fn is_header(line: &[u8]) -> bool {
    let name = line.iter().position(|&byte| byte == b':').map(|colon| &line[..colon]);
    name.is_some_and(|name| {
        !name.is_empty() && name.iter().all(|&byte| byte.is_ascii_alphanumeric() || byte == b'-')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_other_protocols_are_told_from_commands() {
        for line in ["GET / HTTP/1.1", "post /", "PRI * HTTP/2.0", "Host: x", "User-Agent:y"] {
            assert_eq!(recognise(line.as_bytes()), Some(Foreign::Http), "{line}");
        }
        for line in [&b"\x16\x03\x01\x02"[..], b"\x00\x03\x00\x08", b"USER a\tb", b"\x7f"] {
            assert_eq!(recognise(line), Some(Foreign::Binary), "{}", line.escape_ascii());
        }
        for line in ["USER a: b", "PASS :", "", ":", "XYZZY", "GETS", "STOR GET", "EPRT |2|::1|1|"]
        {
            assert_eq!(recognise(line.as_bytes()), None, "{line}");
        }
        assert_eq!(recognise(b"USER \xff\xe9"), None);
    }
}
