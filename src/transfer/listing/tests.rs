//! Listings, made a piece at a time.

use super::*;
use crate::fs::RootPath;
use crate::proto::path::VPath;

fn open(
    root: &Root,
    spelled: &str,
    style: Style,
    options: ListOptions,
) -> Result<ListingLines, Refusal> {
    let path = VPath::root().join(spelled.as_bytes());
    ListingLines::open(root, (&path, spelled.as_bytes()), style, options, 0)
}

/// The client waited until ten thousand names were read and sorted.
#[test]
fn the_first_lines_of_a_large_folder_come_before_its_last_names_are_read() {
    const NAMES: usize = 3 * SORTED_NAMES;
    let folder = tempfile::tempdir().unwrap();
    for number in 0..NAMES {
        std::fs::write(folder.path().join(format!("{number:06}")), "").unwrap();
    }
    let root = RootPath::Server(folder.path().into()).open().unwrap();
    let mut lines = open(&root, "", Style::Names, ListOptions::default()).unwrap();
    let mut out = Vec::new();
    while out.is_empty() {
        lines.fill(&mut out, 1).unwrap().unwrap();
    }
    assert!(lines.names.len() < NAMES / 2, "{} names were read first", lines.names.len());
    out.clear();
    while lines.fill(&mut out, usize::MAX).unwrap().is_some() {
        assert!(out.len() < 2 * PIECE_BYTES);
        out.clear();
    }
}

/// It was an empty listing, and a client that mirrors removed its copies.
#[test]
fn a_folder_that_is_removed_meanwhile_is_cut_off_and_not_empty() {
    for style in [Style::Long, Style::Names] {
        let folder = tempfile::tempdir().unwrap();
        let (inner, file) = (folder.path().join("inner"), folder.path().join("inner/file"));
        std::fs::create_dir(&inner).unwrap();
        std::fs::write(&file, "").unwrap();
        let root = RootPath::Server(folder.path().into()).open().unwrap();
        let mut lines = open(&root, "inner", style, ListOptions::default()).unwrap();
        let mut out = Vec::new();
        while lines.progress == Progress::Gathering {
            lines.fill(&mut out, 1).unwrap().unwrap();
        }
        std::fs::remove_file(file).unwrap();
        std::fs::remove_dir(inner).unwrap();
        let end = loop {
            out.clear();
            match lines.fill(&mut out, usize::MAX) {
                Ok(Some(_)) => {}
                end => break end,
            }
        };
        assert_eq!(end, Err(Refusal::NotFound), "{style:?}");
    }
}

/// One LIST held up the server for seconds: names that don't match were taken for no work.
#[test]
fn a_laborious_pattern_is_matched_a_few_names_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..30 {
        std::fs::write(folder.path().join(format!("{}{number}", "a".repeat(200))), "").unwrap();
    }
    let root = RootPath::Server(folder.path().into()).open().unwrap();
    let pattern = ["*", &"[b-da]".repeat(30), "Z"].concat();
    let mut lines = open(&root, &pattern, Style::Names, ListOptions::default()).unwrap();
    let mut out = Vec::new();
    let (mut calls, mut total) = (0, 0);
    let most = READ_COST + 30 * NAME_READ_COST;
    while let Some(cost) = lines.fill(&mut out, 1).unwrap() {
        // The first calls read the names.
        assert!(cost <= most, "one name of 200 bytes and a pattern of 32 cost {cost}");
        calls += 1;
        total += cost;
    }
    assert!(out.is_empty());
    assert!(total >= 30 * 200 * 32, "thirty names cost {total}");
    assert!(calls >= 30, "thirty names in {calls} calls");
}

/// Names of a folder that is listed in an order of the client's choice, which are as many as can be
/// sorted, or more.
#[test]
fn an_order_is_given_up_for_too_many_names() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("000000"), "").unwrap();
    let newest = ListOptions::parse(b"-tr").0;
    for (count, is_unsorted) in [(ORDERED_NAMES / 2, false), (ORDERED_NAMES * 2, true)] {
        for number in 0..count {
            let _ = std::fs::hard_link(
                folder.path().join("000000"),
                folder.path().join(format!("{number:06}")),
            );
        }
        let root = RootPath::Server(folder.path().into()).open().unwrap();
        let mut lines = open(&root, "", Style::Names, newest).unwrap();
        let (mut all, mut out) = (Vec::new(), Vec::new());
        while lines.fill(&mut out, usize::MAX).unwrap().is_some() {
            all.append(&mut out);
        }
        let mut names: Vec<&[u8]> = all.split(|&byte| byte == b'\n').collect();
        assert_eq!((names.len() - 1, lines.is_unsorted()), (count, is_unsorted));
        // All have one time, so their names decide.
        names.pop();
        assert_eq!(names.is_sorted_by(|a, b| a > b), !is_unsorted);
    }
}

/// A tree held the loop for as long as it took to look at a folder's files for their order.
#[test]
fn files_are_looked_at_a_few_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..100 {
        std::fs::write(folder.path().join(format!("{number}")), "").unwrap();
    }
    let root = RootPath::Server(folder.path().into()).open().unwrap();
    let mut lines = open(&root, "", Style::Names, ListOptions::parse(b"-S").0).unwrap();
    let (mut out, mut calls) = (Vec::new(), 0);
    while lines.fill(&mut out, 1).unwrap().is_some() {
        calls += 1;
        out.clear();
    }
    assert!(calls >= 200, "a hundred files were looked at and spelled in {calls} calls");
}
