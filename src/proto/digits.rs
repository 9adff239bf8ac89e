//! Numbers in decimal digits, read from commands and written into lines that are made by the ten
//! thousand: the formatting of the standard library can do everything, and costs more than all the
//! rest of such a line.

/// Appends a number, with blanks before it up to `width` characters.
pub fn right_aligned(out: &mut Vec<u8>, number: u64, width: usize) {
    let mut buffer = [b' '; MOST_DIGITS];
    let count = spell(number, &mut buffer);
    out.extend_from_slice(&buffer[MOST_DIGITS - count.max(width.min(MOST_DIGITS))..]);
}

/// Appends a number, with blanks behind it up to `width` characters.
pub fn left_aligned(out: &mut Vec<u8>, number: u64, width: usize) {
    let mut buffer = [b' '; MOST_DIGITS];
    let count = spell(number, &mut buffer);
    out.extend_from_slice(&buffer[MOST_DIGITS - count..]);
    out.resize(out.len() + width.saturating_sub(count), b' ');
}

/// Reads an unsigned number: digits and nothing else.
pub fn number(word: &[u8]) -> Option<u64> {
    let digits = !word.is_empty() && word.iter().all(u8::is_ascii_digit);
    digits.then(|| std::str::from_utf8(word).ok()?.parse().ok())?
}

/// The two digits of a number below 100.
pub fn pair(number: u8) -> [u8; 2] {
    [b'0' + number / 10 % 10, b'0' + number % 10]
}

/// Digits of `u64::MAX`.
const MOST_DIGITS: usize = 20;

/// Writes the digits of a number at the buffer's end; how many there are.
fn spell(mut number: u64, buffer: &mut [u8; MOST_DIGITS]) -> usize {
    let mut count = 0;
    loop {
        count += 1;
        buffer[MOST_DIGITS - count] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return count;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_spelled_as_the_standard_library_does() {
        for number in [0, 1, 9, 10, 99, 100, 12345, u64::MAX / 2, u64::MAX] {
            for width in [0, 1, 3, 8, 20] {
                let (mut right, mut left) = (Vec::new(), Vec::new());
                right_aligned(&mut right, number, width);
                left_aligned(&mut left, number, width);
                assert_eq!(right, format!("{number:>width$}").as_bytes());
                assert_eq!(left, format!("{number:<width$}").as_bytes());
            }
        }
        assert_eq!((pair(0), pair(7), pair(42)), (*b"00", *b"07", *b"42"));
    }
}
