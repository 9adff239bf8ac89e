//! TYPE A: line ends, translated as a data connection's bytes pass by. It keeps one bit of state
//! and no bytes, so no cut between chunks changes what comes out.
//!
//! RFC 959 has text travel with CR LF at the end of each line, whatever the two hosts store. Here
//! lines end in LF, so an LF gets a CR on its way out and loses it on its way in. A file that has
//! CR LF inside is sent as it is, like vsftpd and ProFTPD do, rather than with a CR too many; it
//! comes back with LF. Everything else, a lone CR included, passes unchanged.

/// File to network: LF becomes CR LF, unless a CR stands before it already.
#[derive(Clone, Debug, Default)]
pub struct ToNetwork {
    after_cr: bool,
}

impl ToNetwork {
    /// Appends to `out` what `input` is on the network: at most twice as many bytes.
    pub fn encode(&mut self, input: &[u8], out: &mut Vec<u8>) {
        for piece in input.split_inclusive(|&byte| byte == b'\n') {
            let text = piece.strip_suffix(b"\n");
            let kept = text.unwrap_or(piece);
            out.extend_from_slice(kept);
            if let Some(last) = kept.last() {
                self.after_cr = *last == b'\r';
            }
            if text.is_some() {
                out.extend_from_slice(if self.after_cr { b"\n" } else { b"\r\n" });
                self.after_cr = false;
            }
        }
    }
}

/// Network to file: CR LF becomes LF.
#[derive(Clone, Debug, Default)]
pub struct FromNetwork {
    /// A CR was the last byte, and is held back until the next one shows what it is.
    held_cr: bool,
}

impl FromNetwork {
    /// Appends to `out` what `input` is in a file: at most one byte more.
    pub fn decode(&mut self, input: &[u8], out: &mut Vec<u8>) {
        for piece in input.split_inclusive(|&byte| byte == b'\r') {
            if self.held_cr && !piece.starts_with(b"\n") {
                out.push(b'\r');
            }
            let text = piece.strip_suffix(b"\r");
            self.held_cr = text.is_some();
            out.extend_from_slice(text.unwrap_or(piece));
        }
    }

    /// Appends the CR that is held back, if any: nothing more will come.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if std::mem::take(&mut self.held_cr) {
            out.push(b'\r');
        }
    }
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(chunks: Vec<&[u8]>) -> Vec<u8> {
        let (mut encoder, mut out) = (ToNetwork::default(), Vec::new());
        chunks.into_iter().for_each(|chunk| encoder.encode(chunk, &mut out));
        out
    }

    fn decoded(chunks: Vec<&[u8]>) -> Vec<u8> {
        let (mut decoder, mut out) = (FromNetwork::default(), Vec::new());
        chunks.into_iter().for_each(|chunk| decoder.decode(chunk, &mut out));
        decoder.finish(&mut out);
        out
    }

    /// Input whole, a byte at a time, and in three chunks at every pair of borders.
    fn check_every_border(input: &[u8], expected: &[u8], translate: fn(Vec<&[u8]>) -> Vec<u8>) {
        assert_eq!(translate(vec![input]), expected, "{}", input.escape_ascii());
        assert_eq!(translate(input.chunks(1).collect()), expected, "{}", input.escape_ascii());
        for first in 0..=input.len() {
            for second in first..=input.len() {
                let chunks = vec![&input[..first], &input[first..second], &input[second..]];
                assert_eq!(translate(chunks), expected, "{} at {first}", input.escape_ascii());
            }
        }
    }

    #[test]
    fn lines_get_a_cr() {
        for (file, network) in [
            ("", ""),
            ("a", "a"),
            ("\n", "\r\n"),
            ("\n\n", "\r\n\r\n"),
            ("a\nb\n", "a\r\nb\r\n"),
            ("a\r\nb\n", "a\r\nb\r\n"),
            ("\r\r\n\n", "\r\r\n\r\n"),
            ("a\rb\r", "a\rb\r"),
            ("\ra\n\0\n", "\ra\r\n\0\r\n"),
        ] {
            check_every_border(file.as_bytes(), network.as_bytes(), encoded);
        }
    }

    #[test]
    fn lines_lose_a_cr() {
        for (network, file) in [
            ("", ""),
            ("a", "a"),
            ("\r\n", "\n"),
            ("\r\n\r\n", "\n\n"),
            ("a\r\nb\r\n", "a\nb\n"),
            ("a\nb\r\n", "a\nb\n"),
            ("\r\r\n", "\r\n"),
            ("\r\r\r", "\r\r\r"),
            ("a\rb\r", "a\rb\r"),
            ("\r\0\n\r\n", "\r\0\n\n"),
        ] {
            check_every_border(network.as_bytes(), file.as_bytes(), decoded);
        }
    }

    #[test]
    fn a_held_cr_is_flushed_once() {
        let (mut decoder, mut out) = (FromNetwork::default(), Vec::new());
        decoder.decode(b"a\r", &mut out);
        assert_eq!(out, b"a");
        decoder.finish(&mut out);
        decoder.finish(&mut out);
        assert_eq!(out, b"a\r");
    }
}
