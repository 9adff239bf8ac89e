//! RETR, STOR and the others, from the command to the 226.

use super::*;
use crate::fs::UploadMode;

#[test]
fn no_transfer_without_a_data_connection() {
    let mut talk = Talk::writer();
    for line in ["RETR f", "STOR f", "APPE f", "STOU", "LIST", "NLST"] {
        assert_eq!(talk.say(line), "425", "{line}");
    }
    assert_eq!(talk.effects(), [], "something is opened");
    let mut talk = Talk::writer().connected().transferring("RETR f");
    assert_eq!(talk.data(DataEvent::Ended), "226");
    assert_eq!(talk.say("RETR f"), "425", "a data connection serves once");
}

#[test]
fn a_passive_transfer_starts_when_the_client_has_come() {
    let mut talk = Talk::writer().passive();
    assert_eq!(talk.say("RETR f"), "");
    assert_eq!(talk.done(), "150");
    assert!(!talk.effects().contains(&Effect::Start));
    assert_eq!(talk.data(DataEvent::Connected), "");
    assert_eq!(talk.effects(), [Effect::Start]);
    let mut talk = Talk::writer().passive();
    assert_eq!(talk.data(DataEvent::Connected), "");
    assert_eq!(talk.say("RETR f"), "");
    assert_eq!(talk.done(), "150", "some clients know no other there");
    assert!(talk.effects().contains(&Effect::Start));
}

/// Python's urllib and Perl's LWP read the length there, and miss nothing cut short.
#[test]
fn the_150_of_a_retr_tells_the_length() {
    let first = |mut talk: Talk, line: &str, done: FileDone| {
        talk.say(line);
        talk.session.answer(Answer::File(Ok(done)), talk.now);
        talk.heard_text()
    };
    let opened = || FileDone::Opened(2331);
    let told = "150 Opening data connection (2331 bytes).\n";
    let untold = "150 Opening data connection.\n";
    assert_eq!(first(Talk::reader().passive(), "RETR f", opened()), told);
    let mut ascii = Talk::reader().passive();
    assert_eq!(ascii.say("TYPE A"), "200");
    assert_eq!(first(ascii, "RETR f", opened()), untold);
    assert_eq!(first(Talk::writer().passive(), "STOR f", FileDone::Done), untold);
    assert_eq!(
        first(Talk::reader().connected(), "RETR f", opened()),
        "125 Data connection already open. Transfer starting.\n"
    );
}

#[test]
fn an_upload_is_complete_when_it_stands_under_its_name() {
    for (result, code) in [
        (Ok(FileDone::Done), "226"),
        (Err(Refusal::NoSpace), "452"),
        (Err(Refusal::Quota), "552"),
        (Err(Refusal::Exists), "451"),
    ] {
        let mut talk = Talk::writer().connected().transferring("STOR f");
        assert_eq!(talk.data(DataEvent::Ended), "");
        assert_eq!(talk.asked(), FileOp::FinishUpload);
        assert_eq!(talk.answer(Answer::File(result)), code);
    }
}

#[test]
fn a_transfer_breaks_by_its_own_codes() {
    for (event, code) in [
        (broken(), "426"),
        (DataEvent::Refused(Refusal::Failed(5)), "451"),
        (DataEvent::Refused(Refusal::NoSpace), "452"),
        (DataEvent::Refused(Refusal::Quota), "552"),
    ] {
        for line in ["RETR f", "STOR f"] {
            let mut talk = Talk::writer().connected().transferring(line);
            assert_eq!(talk.say("NOOP"), "", "others wait their turn");
            assert_eq!(talk.data(event.clone()), format!("{code} 200"), "{line}");
        }
    }
}

#[test]
fn a_refusal_leaves_the_data_connection_for_the_next_transfer() {
    for (set_up, first) in [(Talk::connected as fn(Talk) -> Talk, "125"), (Talk::passive, "150")] {
        for line in ["RETR d", "STOR d", "LIST d"] {
            let mut talk = set_up(Talk::writer());
            assert_eq!(talk.say(line), "");
            talk.effects();
            assert_eq!(talk.refuse(Refusal::IsDirectory), "550");
            assert_eq!(talk.effects(), [], "{line}");
            assert_eq!(talk.say("LIST"), "");
            assert_eq!(talk.done(), first, "{line}");
        }
    }
    let mut talk = Talk::writer().passive();
    talk.say("RETR d");
    assert_eq!(talk.data(DataEvent::Connected), "");
    assert_eq!(talk.refuse(Refusal::IsDirectory), "550");
    talk.effects();
    assert_eq!(talk.say("RETR f"), "");
    assert_eq!(talk.done(), "150", "it came while the first was refused");
    assert!(talk.effects().contains(&Effect::Start));
}

#[test]
fn a_connection_that_breaks_while_the_file_is_opened_is_told_of() {
    for (result, code) in [(Ok(FileDone::Done), "426"), (Err(Refusal::NotFound), "550")] {
        let mut talk = Talk::writer().connected();
        assert_eq!(talk.say("RETR f"), "");
        assert_eq!(talk.data(broken()), "");
        assert_eq!(talk.answer(Answer::File(result)), code);
        assert!(!talk.effects().contains(&Effect::Start));
    }
}

#[test]
fn rest_holds_up_to_the_next_transfer_only() {
    let offset = |talk: &mut Talk| match talk.asked() {
        FileOp::OpenDownload(_, range, _) => range.from,
        FileOp::OpenUpload(_, UploadMode::ResumeAt(offset), ..) => offset,
        _ => 0,
    };
    for (between, transfer, expected) in [
        ("TYPE I", "RETR f", 5),
        ("MODE S", "STOR f", 5),
        ("STRU F", "APPE f", 0),
        ("NOOP", "RETR f", 0),
        ("PWD", "STOR f", 0),
    ] {
        let mut talk = Talk::writer().connected();
        assert_eq!(talk.say("REST 5"), "350");
        talk.say(between);
        assert_eq!(talk.say(transfer), "");
        assert_eq!(offset(&mut talk), expected, "REST 5, {between}, {transfer}");
    }
    let mut talk = Talk::writer();
    assert_eq!(talk.say("REST 5"), "350");
    let mut talk = talk.passive();
    assert_eq!(talk.say("RETR f"), "");
    assert_eq!(offset(&mut talk), 5, "setting up the data connection keeps it");
    let mut talk = Talk::writer();
    table(&mut talk, &[("TYPE A", "200"), ("REST 5", "504"), ("REST 0", "350")]);
}

#[test]
fn stou_tells_the_name_before_and_after() {
    let mut talk = Talk::writer().connected();
    assert_eq!(talk.say("STOU"), "");
    let FileOp::OpenUpload(path, UploadMode::Create, ..) = talk.asked() else {
        panic!("no new name")
    };
    let name = path.name().expect("a name").escape_ascii().to_string();
    talk.session.answer(Answer::File(Ok(FileDone::Done)), talk.now);
    assert_eq!(talk.heard_text(), format!("150 FILE: {name}\n"));
    assert_eq!(talk.data(DataEvent::Ended), "");
    talk.session.answer(Answer::File(Ok(FileDone::Done)), talk.now);
    assert!(talk.heard_text().contains(&name));
}

#[test]
fn allo_is_refused_where_there_is_no_room() {
    let mut talk = Talk::writer();
    for (line, code) in [("ALLO 10", "200"), ("ALLO 11", "452"), ("ALLO 10 R 5", "200")] {
        assert_eq!(talk.say(line), "");
        assert_eq!(talk.answer(Answer::File(Ok(FileDone::Free(10)))), code, "{line}");
    }
    assert_eq!(talk.say("ALLO many"), "501");
}

#[test]
fn allo_is_a_promise_where_that_is_wanted() {
    for (strict, kind, bytes, expected) in [
        (true, "TYPE I", 10, ""),
        (true, "TYPE I", 9, "426"),
        (true, "TYPE I", 11, "426"),
        (true, "TYPE A", 9, ""),
        (false, "TYPE I", 9, ""),
    ] {
        let mut talk = Talk::with(CLIENT, |settings| settings.strict_allo = strict)
            .logged_in(Access::WRITE)
            .connected();
        assert_eq!(talk.say(kind), "200");
        assert_eq!(talk.say("ALLO 10"), "");
        assert_eq!(talk.answer(Answer::File(Ok(FileDone::Free(100)))), "200");
        let mut talk = talk.transferring("STOR f");
        assert_eq!(talk.data(DataEvent::Moved(bytes)), "");
        assert_eq!(talk.data(DataEvent::Ended), expected, "{strict} {kind} {bytes}");
        let deed = talk.effects().pop();
        let cut_off = deed == Some(Effect::Abort);
        assert_eq!(cut_off, expected == "426", "{deed:?}");
    }
}

#[test]
fn a_promise_of_allo_is_for_the_next_upload_only() {
    let mut talk =
        Talk::with(CLIENT, |settings| settings.strict_allo = true).logged_in(Access::WRITE);
    talk.say("ALLO 10");
    talk.answer(Answer::File(Ok(FileDone::Free(100))));
    let mut talk = talk.connected().transferring("STOR f");
    assert_eq!(talk.data(broken()), "426");
    let mut talk = talk.connected().transferring("STOR other");
    assert_eq!(talk.data(DataEvent::Ended), "", "the promise was for the one that broke");
}
