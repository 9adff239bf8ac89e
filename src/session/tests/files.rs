//! Commands about files, which move no data.

use super::*;
use crate::proto::command::Change;
use crate::session::Target;

#[test]
fn renaming_takes_two_steps() {
    let mut talk = Talk::writer();
    assert_eq!(talk.say("RNTO b"), "503");
    assert_eq!(talk.say("RNFR a"), "");
    assert_eq!(talk.done(), "350");
    assert_eq!(talk.say("RNTO b"), "");
    assert!(matches!(talk.asked(), FileOp::Rename(from, to, Target::Any)
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

/// Bits that are not allowed were 501, as if nobody knew them.
#[test]
fn set_id_bits_are_refused_whole_unless_they_are_allowed() {
    for (line, allowed) in [
        ("SITE CHMOD 4755 f", "200"),
        ("SITE CHMOD u+x,g+s f", "200"),
        ("SITE CHMOD +t d", "200"),
        ("MFF modify=20230304112431;UNIX.mode=2755; f", "213"),
    ] {
        let mut talk = Talk::writer();
        assert_eq!(talk.say(line), "550", "{line}");
        talk = Talk::with(CLIENT, |settings| settings.set_id = true).logged_in(Access::WRITE);
        assert_eq!(talk.say(line), "", "{line}");
        assert_eq!(talk.done(), allowed, "{line}");
    }
    let mut talk = Talk::writer();
    assert_eq!(talk.say("SITE CHMOD u-s,go-w f"), "");
    assert_eq!(talk.done(), "200");
}

#[test]
fn a_mode_for_nobody_in_particular_is_under_the_umask() {
    let mut talk = Talk::writer();
    for (umask, mode) in [("", 0o644), ("077", 0o600)] {
        if !umask.is_empty() {
            assert_eq!(talk.say(&format!("SITE UMASK {umask}")), "200");
        }
        assert_eq!(talk.say("SITE CHMOD =rw f"), "");
        let FileOp::Change(_, changes) = talk.asked() else { panic!("a change is asked for") };
        let [Change::Mode(change)] = &changes[..] else { panic!("one change") };
        assert_eq!(change.applied_to(0, Kind::File), mode);
        assert_eq!(talk.done(), "200");
    }
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
