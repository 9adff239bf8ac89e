//! Rows that are sorted, found and read.

use super::*;
use crate::proto::command::{self, Misuse};

#[test]
fn table_is_sorted_and_every_row_is_found() {
    assert!(TABLE.is_sorted_by(|a, b| a.name < b.name));
    for rule in TABLE {
        let lower = rule.name.to_ascii_lowercase();
        assert_eq!(find(lower.as_bytes()).map(|found| found.name), Some(rule.name));
        assert!(!is_registered(rule.name.as_bytes()), "{} stands twice", rule.name);
    }
}

#[test]
fn rows_of_site_are_sorted_found_and_read() {
    assert!(SITE.is_sorted_by(|a, b| a.name < b.name));
    for rule in SITE {
        let found = find_site(rule.name.to_ascii_lowercase().as_bytes());
        assert_eq!(found.map(|found| found.name), Some(rule.name));
        let line = format!("SITE {} 644 20200101000000 x", rule.name);
        let command = command::parse(line.as_bytes()).unwrap().command;
        assert!(!matches!(command, Err(Misuse::Unsupported(_))), "{line}");
    }
}

#[test]
fn rights_of_site_are_those_of_the_row() {
    for (line, write) in [
        ("SITE chmod 644 x", true),
        ("SITE UTIME 20200101000000 x", true),
        ("SITE CPTO x", true),
        ("SITE CPFR x", false),
        ("SITE UMASK 022", false),
        ("SITE HELP", false),
        // Malformed, as is told first.
        ("SITE CHMOD x", false),
    ] {
        assert_eq!(command::parse(line.as_bytes()).unwrap().rule.write, write, "{line}");
    }
}

#[test]
fn unknown_and_registered_verbs_have_no_row() {
    for name in ["", "X", "XYZZY", "FOO", "RETRX", "RET"] {
        assert!(find(name.as_bytes()).is_none());
        assert!(!is_registered(name.as_bytes()));
    }
    assert!(find(b"SMNT").is_none() && is_registered(b"smnt"));
    assert!(find(b"CHMOD").is_none() && find_site(b"RETR").is_none());
}
