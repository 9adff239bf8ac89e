//! Bytes of a client as a log or a status line may show them: readable where they are text, and
//! never able to look like something else.

use std::fmt::{self, Write};

/// Shows bytes as text; control characters and what is no UTF-8 are escaped.
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'a>(pub &'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for character in chunk.valid().chars() {
                match character {
                    // Format characters turn the direction of writing, or are not seen at all.
                    '\u{ad}'
                    | '\u{61c}'
                    | '\u{180e}'
                    | '\u{200b}'..='\u{200f}'
                    | '\u{2028}'..='\u{202e}'
                    | '\u{2060}'..='\u{206f}'
                    | '\u{feff}'
                    | '\u{e0000}'..='\u{e007f}' => write!(f, "{}", character.escape_unicode())?,
                    '\\' => f.write_str("\\\\")?,
                    control if control.is_control() => write!(f, "{}", control.escape_default())?,
                    other => f.write_char(other)?,
                }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_readable_and_nothing_else_gets_through() {
        for (bytes, shown) in [
            (&b"a b'\"c"[..], "a b'\"c"),
            ("Übergröße 😀".as_bytes(), "Übergröße 😀"),
            (b"a\r\nb\x1b[31m\0", "a\\r\\nb\\u{1b}[31m\\u{0}"),
            (b"a\xffb\xc3", "a\\xffb\\xc3"),
            ("\u{202e}x\\".as_bytes(), "\\u{202e}x\\\\"),
        ] {
            assert_eq!(Escaped(bytes).to_string(), shown);
        }
    }
}
