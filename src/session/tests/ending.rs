//! Ends of a session: the client's FIN, the server's shut-down.

use super::*;
use crate::session::Notice;

#[test]
fn what_was_said_before_a_fin_is_obeyed() {
    let mut talk = Talk::writer();
    talk.say("DELE f");
    assert_eq!(talk.say("NOOP"), "");
    assert_eq!(talk.leave(), "");
    assert_eq!(talk.done(), "250 200");
    assert!(talk.is_over());
}

#[test]
fn a_fin_without_quit_breaks_what_needs_the_client() {
    for (line, talk) in [
        ("RETR f", Talk::writer().connected()),
        ("RETR f", Talk::writer().passive()),
        ("LIST", Talk::writer().connected()),
        ("LIST", Talk::writer().passive()),
        ("STOR f", Talk::writer().passive()),
    ] {
        let mut talk = talk.transferring(line);
        assert_eq!(talk.leave(), "426", "{line}");
        assert_eq!(talk.effects(), [Effect::Abort, Effect::HangUp], "{line}");
    }
    let mut talk = Talk::writer();
    talk.say("PORT 127,0,0,1,135,7");
    assert_eq!(talk.leave(), "425");
    assert!(talk.is_over());
}

#[test]
fn an_upload_that_ended_before_the_fin_is_finished() {
    let mut talk = Talk::writer().connected().transferring("STOR f");
    talk.data(DataEvent::Ended);
    assert_eq!(talk.leave(), "");
    assert_eq!(talk.done(), "226");
    assert!(talk.is_over());
}

/// What ffmpeg and cameras had sent was thrown away when their FIN came first.
#[test]
fn an_upload_is_read_to_its_end_behind_a_fin() {
    let hung_up = |replace: bool| {
        let talk = Talk::with(CLIENT, |settings| settings.replace_on_hangup = replace);
        let mut talk = talk.logged_in(Access::WRITE).connected().transferring("STOR f");
        assert_eq!(talk.leave(), "");
        assert_eq!(talk.timeout(), Some(DATA_TIMEOUT), "nobody stalls who has left");
        assert_eq!(talk.data(DataEvent::Moved(5)), "");
        assert_eq!(talk.data(DataEvent::Ended), "");
        talk
    };
    let notices = |talk: &mut Talk| {
        let mut events = talk.events();
        events.retain(|event| matches!(event, Event::Notice(_)));
        events
    };
    let mut talk = hung_up(false);
    assert_eq!(talk.asked(), FileOp::FinishNewUpload);
    assert_eq!(talk.done(), "226");
    assert!(talk.is_over());
    assert_eq!(notices(&mut talk), [Event::Notice(Notice::UploadKept)]);

    let mut talk = hung_up(false);
    talk.effects();
    assert_eq!(talk.refuse(Refusal::Exists), "426");
    assert_eq!(talk.effects(), [Effect::Abort, Effect::HangUp]);
    assert_eq!(notices(&mut talk), [Event::Notice(Notice::OldFileStays)]);

    let mut talk = hung_up(true);
    assert_eq!(talk.asked(), FileOp::FinishUpload);
    assert_eq!(talk.done(), "226");

    let mut talk = Talk::writer().connected().transferring("STOR f");
    talk.leave();
    assert_eq!(talk.data(broken()), "426", "a reset is no end");
    assert!(talk.is_over());
    let mut talk = Talk::writer().connected().transferring("STOR f");
    talk.leave();
    assert_eq!(talk.wait(DATA_TIMEOUT), "426");
    assert!(talk.is_over());
}

#[test]
fn half_a_line_before_a_fin_is_not_a_command() {
    let mut talk = Talk::writer();
    assert_eq!(talk.send(b"DELE f"), "");
    assert_eq!(talk.leave(), "");
    assert_eq!(talk.effects(), [Effect::HangUp]);
}

#[test]
fn a_shut_down_ends_the_idle_and_lets_transfers_finish() {
    let mut talk = Talk::writer().passive();
    assert_eq!(talk.shut_down(), "421");
    assert_eq!(talk.effects(), [Effect::Abort, Effect::HangUp]);
    let mut talk = Talk::writer().connected().transferring("STOR f");
    assert_eq!(talk.shut_down(), "");
    assert_eq!(talk.say("NOOP"), "", "nothing new is begun");
    assert_eq!(talk.say("STAT"), "211");
    assert_eq!(talk.data(DataEvent::Ended), "");
    assert_eq!(talk.done(), "226 421");
    assert!(talk.is_over());
}

#[test]
fn a_client_that_crashes_during_the_shut_down_is_noticed() {
    let mut talk = Talk::writer().connected().transferring("RETR f");
    talk.shut_down();
    assert!(talk.session.room() > 0, "its FIN would never be read");
    assert_eq!(talk.leave(), "426 421");
    assert_eq!(talk.effects(), [Effect::Abort, Effect::HangUp]);
}

#[test]
fn after_hang_up_nothing_is_heard_or_said() {
    let mut talk = Talk::stranger();
    talk.say("USER a");
    talk.say("PASS x");
    assert_eq!(talk.shut_down(), "421");
    talk.effects();
    assert_eq!(
        talk.answer(Answer::Login(Verdict::Granted(Access::WRITE.into(), RequireTls::Off))),
        ""
    );
    assert_eq!(talk.wait(10 * IDLE_TIMEOUT), "");
    assert_eq!(talk.leave(), "");
    assert_eq!((talk.session.room(), talk.timeout()), (0, None));
    assert_eq!(talk.effects(), []);
}
