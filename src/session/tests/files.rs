//! Commands about files, which move no data.

use super::*;

#[test]
fn renaming_takes_two_steps() {
    let mut talk = Talk::writer();
    assert_eq!(talk.say("RNTO b"), "503");
    assert_eq!(talk.say("RNFR a"), "");
    assert_eq!(talk.done(), "350");
    assert_eq!(talk.say("RNTO b"), "");
    assert!(matches!(talk.asked(), FileOp::Rename(from, to)
        if from.as_bytes() == b"/a" && to.as_bytes() == b"/b"));
    assert_eq!(talk.done(), "250");
    assert_eq!(talk.say("RNTO c"), "503", "a name is renamed once");
    assert_eq!(talk.say("RNFR missing"), "");
    assert_eq!(talk.refuse(Refusal::NotFound), "550");
    assert_eq!(talk.say("RNTO b"), "503");
}

#[test]
fn folders_are_entered_when_the_files_agree() {
    let mut talk = Talk::writer();
    for (line, entered, shown) in [
        ("CWD a/b", true, "\"/a/b\""),
        ("CWD c", false, "\"/a/b\""),
        ("CDUP", true, "\"/a\""),
        ("CWD ../../..", true, "\"/\""),
        ("CWD q\"q", true, "\"/q\"\"q\""),
    ] {
        assert_eq!(talk.say(line), "");
        let code = if entered { talk.done() } else { talk.refuse(Refusal::NotFound) };
        assert_eq!(code, if entered { "250" } else { "550" }, "{line}");
        talk.session.receive(b"PWD\r\n", talk.now);
        assert!(talk.heard_text().starts_with(&format!("257 {shown}")), "{line}");
    }
}

#[test]
fn size_and_mdtm_are_of_files() {
    let mut talk = Talk::reader();
    for (line, kind, code) in [
        ("SIZE f", Kind::File, "213"),
        ("SIZE d", Kind::Directory, "550"),
        ("MDTM f", Kind::File, "213"),
        ("MDTM d", Kind::Directory, "550"),
    ] {
        assert_eq!(talk.say(line), "");
        assert_eq!(talk.answer(facts(kind)), code, "{line}");
    }
    table(&mut talk, &[("TYPE A", "200"), ("SIZE f", "550")]);
}

#[test]
fn refusals_have_codes_of_their_own() {
    for (refusal, code) in [
        (Refusal::NotFound, "550"),
        (Refusal::Denied, "550"),
        (Refusal::BadName, "553"),
        (Refusal::NoSpace, "452"),
        (Refusal::Quota, "552"),
        (Refusal::BeyondEnd, "554"),
        (Refusal::Busy, "450"),
    ] {
        let mut talk = Talk::writer();
        assert_eq!(talk.say("MKD d"), "");
        assert_eq!(talk.refuse(refusal), code, "{refusal}");
    }
}

#[test]
fn stat_of_a_large_folder_is_paced_by_reading() {
    let mut talk = Talk::reader();
    assert_eq!(talk.say("STAT d"), "");
    talk.effects();
    talk.reads = false;
    talk.done();
    let mut lines = 0;
    while talk.effects() == [Effect::File(FileOp::NextLines)] {
        lines += 1;
        talk.answer(Answer::File(Ok(FileDone::Lines(b"a line of a listing\r\n".repeat(32)))));
    }
    assert!(lines < 20, "{lines} times 32 lines are made, and nobody reads");
    talk.reads = true;
    assert_eq!(talk.heard(), "");
    assert_eq!(talk.effects(), [Effect::File(FileOp::NextLines)]);
    assert_eq!(talk.answer(Answer::File(Ok(FileDone::Lines(Vec::new())))), "213");
    assert_eq!(talk.say("NOOP"), "200");
}

#[test]
fn a_stat_that_the_shut_down_cuts_off_is_still_a_whole_reply() {
    let mut talk = Talk::reader();
    talk.say("STAT d");
    talk.done();
    assert_eq!(talk.shut_down(), "213 421");
    assert!(talk.is_over());
}
