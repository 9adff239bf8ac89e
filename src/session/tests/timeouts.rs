//! Deadlines, and the client that doesn't read.

use super::*;

#[test]
fn the_silent_are_sent_home() {
    for (mut talk, seconds) in [(Talk::stranger(), LOGIN_TIMEOUT), (Talk::reader(), IDLE_TIMEOUT)] {
        assert_eq!(talk.timeout(), Some(seconds));
        assert_eq!(talk.wait(seconds - 1), "");
        assert_eq!(talk.send(b"NO"), "", "half a command is silence too");
        assert_eq!(talk.wait(1), "421");
        assert!(talk.is_over());
    }
    let mut talk = Talk::reader();
    talk.wait(IDLE_TIMEOUT - 1);
    assert_eq!(talk.say("NOOP"), "200");
    assert_eq!(talk.timeout(), Some(IDLE_TIMEOUT));
}

/// A NOOP a minute kept a place for ever.
#[test]
fn talking_is_no_login() {
    let mut talk = Talk::stranger();
    for _ in 0..LOGIN_TIMEOUT / 10 - 1 {
        assert_eq!(talk.wait(10), "");
        table(&mut talk, &[("NOOP", "200"), ("USER alice", "331"), ("REIN", "220")]);
    }
    assert_eq!(talk.wait(9), "");
    assert_eq!(talk.timeout(), Some(1));
    assert_eq!(talk.wait(1), "421");
    assert!(talk.is_over());

    for (line, code) in [("REIN", "220"), ("USER bob", "331")] {
        let mut talk = Talk::reader();
        talk.wait(LOGIN_TIMEOUT + 1);
        assert_eq!(talk.say(line), code);
        assert_eq!(talk.timeout(), Some(LOGIN_TIMEOUT), "{line} of one who was logged in");
    }
}

#[test]
fn a_password_that_is_checked_for_long_is_answered_all_the_same() {
    let mut talk = Talk::stranger();
    table(&mut talk, &[("USER alice", "331"), ("PASS x", "")]);
    assert_eq!(talk.timeout(), None);
    assert_eq!(talk.wait(2 * LOGIN_TIMEOUT), "");
    assert_eq!(
        talk.answer(Answer::Login(Verdict::Granted(Access::READ.into(), RequireTls::Off))),
        "230"
    );
    assert_eq!(talk.timeout(), Some(IDLE_TIMEOUT));
}

#[test]
fn a_connect_that_takes_too_long_is_given_up() {
    let mut talk = Talk::writer();
    talk.say("PORT 127,0,0,1,135,7");
    assert_eq!(talk.timeout(), Some(DATA_TIMEOUT));
    assert_eq!(talk.wait(DATA_TIMEOUT - 1), "");
    talk.effects();
    assert_eq!(talk.wait(1), "425");
    assert_eq!(talk.effects(), [Effect::Abort]);
}

#[test]
fn a_client_that_never_connects_is_told_so() {
    let mut talk = Talk::writer().passive();
    talk.wait(DATA_TIMEOUT - 1);
    let mut talk = talk.transferring("STOR f");
    assert_eq!(talk.timeout(), Some(DATA_TIMEOUT));
    assert_eq!(talk.wait(DATA_TIMEOUT), "425");
    assert_eq!(talk.effects(), [Effect::Abort]);
    assert_eq!(talk.say("NOOP"), "200");
}

/// Four sessions that said PASV and nothing else took four ports from everybody of their address.
#[test]
fn a_passive_port_that_nobody_comes_to_is_given_back() {
    let mut talk = Talk::writer().passive();
    talk.effects();
    assert_eq!(talk.timeout(), Some(DATA_TIMEOUT));
    assert_eq!(talk.wait(DATA_TIMEOUT - 1), "");
    assert_eq!((talk.say("NOOP").as_str(), talk.effects()), ("200", vec![]));
    assert_eq!((talk.wait(1).as_str(), talk.effects()), ("", vec![Effect::Abort]));
    assert_eq!(talk.say("STOR f"), "425");
    assert_eq!(talk.timeout(), Some(IDLE_TIMEOUT));
}

#[test]
fn a_stall_is_measured_by_progress() {
    let mut talk = Talk::writer().connected().transferring("RETR f");
    for _ in 0..100 {
        assert_eq!(talk.wait(STALL_TIMEOUT - 1), "");
        assert_eq!(talk.data(DataEvent::Moved(1)), "");
    }
    assert_eq!(talk.wait(STALL_TIMEOUT - 1), "");
    assert_eq!(talk.say("STAT"), "211", "talking is no progress");
    assert_eq!(talk.wait(1), "426");
    assert_eq!(talk.effects(), [Effect::Abort]);
}

#[test]
fn the_idle_time_begins_when_the_transfer_ends() {
    let mut talk = Talk::writer().connected().transferring("RETR f");
    for _ in 0..20 {
        talk.wait(STALL_TIMEOUT - 1);
        talk.data(DataEvent::Moved(1));
    }
    assert_eq!(talk.data(DataEvent::Ended), "226");
    assert_eq!(talk.timeout(), Some(IDLE_TIMEOUT));
}

/// aria2 does not see a 226 that it reads together with the 125.
#[test]
fn behind_rest_a_226_is_no_sooner_than_a_moment_after_the_125() {
    let download = |rest: &str| {
        let mut talk = Talk::writer().connected();
        assert_eq!(talk.say(rest), "350");
        talk.transferring("RETR f")
    };
    for rest in ["REST 0", "REST 5", "RANG 0 4"] {
        let mut talk = download(rest);
        assert_eq!(talk.data(DataEvent::Ended), "", "{rest}");
        assert_eq!(talk.say("NOOP"), "", "it waits its turn");
        assert_eq!(talk.wait(1), "226 200", "{rest}");
        assert_eq!(talk.timeout(), Some(IDLE_TIMEOUT));

        let mut talk = download(rest);
        talk.wait(1);
        assert_eq!(talk.data(DataEvent::Ended), "226", "the client had its time: {rest}");

        let mut talk = download(rest);
        talk.effects();
        talk.data(DataEvent::Ended);
        assert_eq!(talk.say("ABOR"), "226 226", "{rest}");
        assert_eq!(talk.effects(), [], "nothing is left to be dropped");
    }
}

#[test]
fn whoever_does_not_read_is_not_read_from() {
    let mut talk = Talk::reader();
    talk.reads = false;
    let mut sent = 0;
    while talk.session.room() > 0 {
        let bytes = b"HELP\r\n".repeat(100);
        let count = bytes.len().min(talk.session.room());
        talk.send(&bytes[..count]);
        sent += count;
    }
    assert!(sent < 32 * 1024, "{sent} bytes of commands");
    assert!(talk.session.output().len() < 16 * 1024, "replies pile up");
    assert_eq!(talk.timeout(), Some(DATA_TIMEOUT));
    talk.wait(DATA_TIMEOUT - 1);
    assert!(!talk.is_over());
    talk.wait(1);
    assert!(talk.is_over());
}

#[test]
fn whoever_reads_on_is_served_on() {
    let mut talk = Talk::reader();
    talk.reads = false;
    let bytes = b"HELP\r\n".repeat(1000);
    talk.send(&bytes);
    for _ in 0..50 {
        talk.wait(DATA_TIMEOUT - 1);
        talk.session.sent(1000, talk.now);
    }
    assert!(!talk.is_over());
    talk.reads = true;
    talk.heard();
    assert_eq!(talk.say("NOOP"), "200");
}

/// Sessions lasted as long as the disk hung.
#[test]
fn a_question_outlives_the_client_by_the_data_timeout_only() {
    let mut talk = Talk::writer();
    assert_eq!(talk.say("SIZE f"), "");
    assert_eq!(talk.timeout(), None, "who waits may wait as long as the disk");
    talk.wait(DATA_TIMEOUT);
    talk.leave();
    assert_eq!(talk.timeout(), Some(DATA_TIMEOUT));
    assert_eq!(talk.wait(DATA_TIMEOUT - 1), "");
    assert!(!talk.is_over());
    assert_eq!(talk.wait(1), "");
    assert!(talk.is_over());

    // Commands that were said before the end is still obeyed, each in its time.
    let mut talk = Talk::writer();
    talk.send(b"SIZE f\r\nMKD d\r\n");
    talk.leave();
    talk.wait(DATA_TIMEOUT - 1);
    assert_eq!(talk.answer(Answer::File(Err(Refusal::NotFound))), "550");
    assert_eq!(talk.wait(DATA_TIMEOUT - 1), "");
    assert_eq!(talk.answer(Answer::File(Ok(FileDone::Done))), "257");
    assert!(talk.is_over());

    let mut talk = Talk::stranger();
    talk.send(b"USER alice\r\nPASS hunter2\r\n");
    talk.leave();
    assert_eq!(talk.timeout(), Some(DATA_TIMEOUT), "a password is a question as well");
}
