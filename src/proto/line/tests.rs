//! Every rule of `line`, a naive decoder that it must agree with (see [`super::fuzz`]), and every
//! place to cut.

use super::*;

fn whole(text: &[u8]) -> Line {
    Line::Whole(text.to_vec())
}

fn capacity(lines: &Lines) -> usize {
    lines.waiting.capacity() + lines.open.capacity()
}

/// Decodes `input` given in the pieces that `cut` measures, popping only when there is no room.
pub(super) fn decode(input: &[u8], mut cut: impl FnMut() -> usize) -> Vec<Line> {
    let (mut lines, mut out, mut rest) = (Lines::default(), Vec::new(), input);
    while !rest.is_empty() {
        if lines.room() == 0 {
            out.push(lines.pop().expect("no room, so a line waits"));
            continue;
        }
        let (piece, more) = rest.split_at(cut().min(lines.room()).min(rest.len()));
        lines.push(piece);
        assert!(capacity(&lines) <= 4 * BACKLOG, "memory is bounded");
        rest = more;
    }
    out.extend(std::iter::from_fn(|| lines.pop()));
    assert!(lines.is_empty());
    assert!(capacity(&lines) <= 2 * IDLE_CAPACITY || !lines.open.is_empty());
    out
}

/// Reference, written naively: all of Telnet first, which stands between lines, then all of the
/// lines.
pub(super) fn reference(input: &[u8]) -> Vec<Line> {
    let (mut text, mut rest) = (Vec::new(), input);
    while !rest.is_empty() {
        let between = text.is_empty() || text.ends_with(b"\r\n");
        let used = match *rest {
            [255, 255, ..] => {
                text.push(255);
                2
            }
            [255, 250, ..] if between => {
                let mut end = 2;
                loop {
                    match rest.get(end..).unwrap_or_default() {
                        [255, 240, ..] => break end + 2,
                        [255, _, ..] => end += 2,
                        [_, ..] => end += 1,
                        [] => break rest.len(),
                    }
                }
            }
            [255, 251..=254, ..] if between => 3.min(rest.len()),
            [255, 240..=255, ..] if between => 2,
            [255] => 1,
            [byte, ..] => {
                text.push(byte);
                1
            }
            [] => break,
        };
        rest = &rest[used..];
    }
    let judge = |line: &[u8]| match line {
        long if long.len() > LONGEST_LINE => Line::TooLong,
        text if !text.iter().any(|byte| b"\r\n\0".contains(byte)) => whole(text),
        dirty if dirty.iter().all(|byte| !byte.is_ascii_control() || b"\r\n".contains(byte)) => {
            Line::Dirty
        }
        _ => Line::Binary,
    };
    let (mut lines, mut rest) = (Vec::new(), &text[..]);
    while let Some(end) = rest.windows(2).position(|pair| pair == b"\r\n") {
        lines.push(judge(&rest[..end]));
        rest = &rest[end + 2..];
    }
    let unfinished = rest.strip_suffix(b"\r").unwrap_or(rest);
    lines.extend(Some(judge(unfinished)).filter(|line| *line == Line::TooLong));
    lines
}

#[test]
fn only_crlf_ends_a_line() {
    for (input, lines) in [
        (&b"NOOP\r\n"[..], vec![whole(b"NOOP")]),
        (b"\r\nA\r\n\r\n", vec![whole(b""), whole(b"A"), whole(b"")]),
        (b"USER x\n", vec![]),
        (b"USER x\r", vec![]),
        (b"USER x\nQUIT\n\r\n", vec![Line::Dirty]),
        (b"USER x\rQUIT\r\nNOOP\r\n", vec![Line::Dirty, whole(b"NOOP")]),
        (b"USER x\r\r\n", vec![Line::Dirty]),
        (b"USER x\0\r\n", vec![Line::Binary]),
        (b"USER x\n\x01\r\n", vec![Line::Binary]),
        (b"USER x\x01\r\n\n\r\n", vec![whole(b"USER x\x01"), Line::Dirty]),
        (b"\n\r\n", vec![Line::Dirty]),
    ] {
        assert_eq!(decode(input, || 1), lines, "{}", input.escape_ascii());
    }
}

#[test]
fn telnet_is_passed_over_before_a_command() {
    for (input, line) in [
        (&b"\xff\xf4\xff\xf2ABOR\r\n"[..], &b"ABOR"[..]),
        (b"\xff\xfb\x01\xff\xfe\rABC\r\n", b"ABC"),
        (b"\xff\xfa\x18\r\n\xff\xff\xf0 \xff\xf0AB\r\n", b"AB"),
        (b"\xff\xffA\xff\xff\r\n", b"\xffA\xff"),
        (b"A\xffB\xff\r\n", b"A\xffB\xff"),
        (b"\xff\xef\xff\x80\r\n", b"\xff\xef\xff\x80"),
        // Names of cp1251 lost letters, and were others.
        (b"MKD \xff\xf0\xeb\xfb\xea\r\n", b"MKD \xff\xf0\xeb\xfb\xea"),
        (b"MKD \xe4\xff\xfc\xff\xfa\r\n", b"MKD \xe4\xff\xfc\xff\xfa"),
    ] {
        assert_eq!(decode(input, || 1), [whole(line)], "{}", input.escape_ascii());
    }
}

#[test]
fn no_cut_changes_the_lines() {
    let input =
        b"USER \xff\xff\r\n\xff\xfd\x06A\rB\r\nC\n\r\nD\0\r\n\xff\xfa1\xff\xf0\xff\xf1E\xff\xf1\r\n";
    let lines = reference(input);
    assert_eq!(lines.len(), 5);
    for first in 0..=input.len() {
        for second in first..=input.len() {
            let mut cuts = [first, second - first, input.len()].into_iter();
            let decoded = decode(input, || cuts.next().unwrap_or(1));
            assert_eq!(decoded, lines, "cut at {first} and {second}");
        }
    }
}

#[test]
fn a_line_may_be_long_but_not_too_long() {
    for (length, line) in
        [(LONGEST_LINE, whole(&[b'x'; LONGEST_LINE])), (LONGEST_LINE + 1, Line::TooLong)]
    {
        let input = [&vec![b'x'; length][..], b"\r\nNOOP\r\n"].concat();
        assert_eq!(decode(&input, || 1000), [line, whole(b"NOOP")]);
    }
}

#[test]
fn an_endless_line_is_reported_once_and_costs_nothing() {
    let mut lines = Lines::default();
    for piece in vec![b'\n'; 1 << 20].chunks(4096) {
        lines.push(piece);
    }
    assert_eq!(lines.pop(), Some(Line::TooLong));
    assert_eq!((lines.pop(), lines.room()), (None, BACKLOG));
    assert!(capacity(&lines) <= 2 * IDLE_CAPACITY);
    lines.push(b"\r\nNOOP\r\n");
    assert_eq!((lines.pop(), lines.pop()), (Some(whole(b"NOOP")), None));
}

#[test]
fn a_full_backlog_takes_no_more_than_it_was_sent() {
    let mut lines = Lines::default();
    while lines.room() >= 2 {
        lines.push(b"\r\n");
    }
    assert_eq!((lines.room(), lines.waiting.len()), (0, BACKLOG));
    assert_eq!(lines.pop(), Some(whole(b"")));
    assert_eq!(lines.room(), 2);
    lines.clear();
    assert_eq!((lines.room(), capacity(&lines)), (BACKLOG, 0));
}

#[test]
fn some_commands_overtake() {
    let mut lines = Lines::default();
    lines.push(b"NOOP\r\nABOR\0\r\nPWD\r\nABOR\r\nABOR 2\r\nABO");
    lines.pop();
    let abor = |line: &[u8]| line.starts_with(b"ABOR");
    assert_eq!(lines.take_first(abor), Some(b"ABOR".to_vec()));
    assert_eq!(lines.take_first(abor), Some(b"ABOR 2".to_vec()));
    assert_eq!(lines.take_first(abor), None);
    assert_eq!(lines.take_first(|line| line != b"PWD"), None, "a dirty line says nothing");
    assert_eq!((lines.pop(), lines.pop()), (Some(Line::Binary), Some(whole(b"PWD"))));
    lines.push(b"R\r\n");
    assert_eq!(lines.take_first(abor), Some(b"ABOR".to_vec()));
    assert!(lines.is_empty());
}
