//! TLS on data connections: what must be private, and what comes of a handshake.

use super::security::{private, secure, stranger};
use super::*;
use crate::session::Notice;

#[test]
fn auth_ssl_means_private_data_as_well() {
    for (line, private) in [("AUTH SSL", true), ("AUTH TLS", false)] {
        let mut talk = stranger(RequireTls::Off);
        talk.say(line);
        talk.secured();
        let mut talk = talk.logged_in(Access::READ).passive();
        talk.data(DataEvent::Connected);
        assert_eq!(talk.effects() == [Effect::SecureData], private, "{line}");
        talk.say("RETR f");
        assert_eq!(talk.done(), "150");
        assert_eq!(talk.effects().contains(&Effect::Start), !private, "{line}");
    }
}

#[test]
fn no_transfer_in_clear_where_data_must_be_private() {
    let mut talk = secure(RequireTls::Data).logged_in(Access::WRITE).passive();
    for line in ["RETR f", "STOR f", "APPE f", "STOU", "LIST", "NLST", "MLSD"] {
        assert_eq!(talk.say(line), "521", "{line}");
    }
    assert_eq!(talk.effects(), [], "something is opened");
    table(&mut talk, &[("PBSZ 0", "200"), ("PROT C", "534"), ("PROT P", "200")]);
    let mut talk = talk.transferring("RETR f");
    assert_eq!(talk.data(DataEvent::Connected), "");
    assert_eq!(talk.effects(), [Effect::SecureData]);
}

#[test]
fn a_private_transfer_starts_when_its_connection_is_secure() {
    let mut active = private();
    active.say("PORT 127,0,0,1,135,7");
    assert_eq!(active.data(DataEvent::Connected), "200");
    assert_eq!(active.effects().pop(), Some(Effect::SecureData));
    let active = active.transferring("STOR f");
    let mut passive = private().passive().transferring("STOR f");
    assert_eq!(passive.data(DataEvent::Connected), "");
    assert_eq!(passive.effects(), [Effect::SecureData]);
    for mut talk in [active, passive] {
        assert_eq!(talk.effects(), []);
        assert_eq!(talk.data(DataEvent::Secured), "");
        assert_eq!(talk.effects(), [Effect::Start]);
        assert_eq!(talk.data(DataEvent::Ended), "");
        assert_eq!(talk.done(), "226");
    }
}

#[test]
fn prot_holds_for_the_transfer_whenever_its_connection_was_set_up() {
    for (first, then, expected) in
        [("PROT C", "PROT P", Effect::SecureData), ("PROT P", "PROT C", Effect::Start)]
    {
        let mut talk = private();
        assert_eq!(talk.say(first), "200");
        let mut talk = talk.passive();
        table(&mut talk, &[(then, "200"), ("RETR f", "")]);
        assert_eq!(talk.done(), "150");
        talk.data(DataEvent::Connected);
        assert_eq!(talk.effects().pop().as_ref(), Some(&expected), "{first}, {then}");
    }
    let mut talk = private();
    assert_eq!(talk.say("PROT C"), "200");
    let mut talk = talk.connected();
    assert_eq!(talk.say("PROT P"), "200");
    let mut talk = talk.transferring("RETR f");
    assert_eq!(talk.data(DataEvent::Secured), "");
    assert_eq!(talk.effects(), [Effect::Start]);

    // What has begun under TLS can't go on in clear.
    let mut talk = private().connected();
    assert_eq!(talk.say("PROT C"), "200");
    assert_eq!(talk.effects(), [Effect::Abort]);
    assert_eq!(talk.say("RETR f"), "425");
}

/// aioftp, and Go's clients of old, said nothing before their handshake was done: both sides waited.
#[test]
fn a_handshake_need_not_wait_for_the_command() {
    let mut talk = private().passive();
    assert_eq!(talk.data(DataEvent::Connected), "");
    assert_eq!(talk.effects(), [Effect::SecureData]);
    assert_eq!(talk.data(DataEvent::Secured), "");
    assert_eq!(talk.say("RETR f"), "");
    talk.effects();
    assert_eq!(talk.done(), "150");
    assert_eq!(talk.effects(), [Effect::Start]);
    assert_eq!(talk.data(DataEvent::Ended), "226");
}

#[test]
fn a_handshake_that_failed_before_the_command_is_told_of_then() {
    for event in [broken(), DataEvent::NotResumed] {
        for opening in [false, true] {
            let mut talk = private().connected();
            if opening {
                assert_eq!(talk.say("RETR f"), "");
            }
            assert_eq!(talk.data(event.clone()), "", "{event:?}");
            let heard = if opening { talk.done() } else { talk.say("RETR f") };
            assert_eq!(heard, "425", "{event:?}");
            assert_eq!(talk.say("RETR f"), "425", "it is told once, and is gone");
            assert!(!talk.effects().contains(&Effect::Start));
        }
    }
}

/// basic-ftp ends an empty upload before its own handshake is done.
#[test]
fn an_upload_may_end_in_place_of_its_handshake() {
    let stages: [fn(Talk) -> Talk; 2] = [
        |mut talk| {
            assert_eq!(talk.data(DataEvent::EndedEarly), "");
            talk.transferring("STOR f")
        },
        |talk| {
            let mut talk = talk.transferring("STOR f");
            assert_eq!(talk.data(DataEvent::EndedEarly), "");
            talk
        },
    ];
    for stage in stages {
        let mut talk = stage(private().connected());
        assert_eq!(talk.data(DataEvent::Ended), "");
        assert_eq!(talk.asked(), FileOp::FinishUpload);
        assert_eq!(talk.done(), "226");
    }
    for line in ["RETR f", "LIST"] {
        let mut talk = private().connected().transferring(line);
        assert_eq!(talk.data(DataEvent::EndedEarly), "425", "{line}");
        assert!(!talk.effects().contains(&Effect::Start));
    }
}

/// The operator never found the option.
#[test]
fn an_upload_without_close_notify_is_explained_once() {
    let mut talk = private();
    talk.events();
    for told in [1, 0] {
        talk = talk.connected().transferring("STOR f");
        talk.data(DataEvent::Secured);
        talk.session.data(DataEvent::Broken(DataLoss::NoCloseNotify), talk.now);
        let text = talk.heard_text();
        assert!(text.starts_with("426 ") && text.contains("close_notify"), "{text}");
        let notice = Event::Notice(Notice::NoCloseNotify);
        let notices = talk.events().into_iter().filter(|event| *event == notice);
        assert_eq!(notices.count(), told);
    }
}

#[test]
fn a_data_handshake_that_fails_costs_the_transfer_only() {
    for event in [broken(), DataEvent::NotResumed] {
        for line in ["RETR f", "STOR f", "LIST"] {
            let mut talk = private().connected().transferring(line);
            assert_eq!(talk.say("NOOP"), "");
            assert_eq!(talk.data(event.clone()), "425 200", "{line} {event:?}");
            assert!(!talk.effects().contains(&Effect::Start));
            let mut talk = talk.connected().transferring(line);
            assert_eq!(talk.data(DataEvent::Secured), "");
            assert_eq!(talk.effects(), [Effect::Start]);
        }
    }
}

#[test]
fn a_data_handshake_is_broken_off() {
    let securing = || private().connected().transferring("STOR f");
    let mut talk = securing();
    assert_eq!(talk.say("ABOR"), "426 226");
    assert_eq!(talk.effects(), [Effect::Abort]);
    let mut talk = securing();
    assert_eq!(talk.say("QUIT"), "", "which waits for the transfer");
    assert_eq!(talk.data(broken()), "425 221");
    let mut talk = securing();
    assert_eq!(talk.leave(), "", "it may have sent all of it");
    assert_eq!(talk.data(broken()), "425");
    assert_eq!(talk.effects(), [Effect::Abort, Effect::HangUp]);
    let mut talk = private().connected().transferring("RETR f");
    assert_eq!(talk.leave(), "425");
    assert_eq!(talk.effects(), [Effect::Abort, Effect::HangUp]);
}

#[test]
fn a_checksum_goes_on_while_a_private_connection_comes() {
    let mut talk = private().passive();
    assert_eq!(talk.say("HASH f"), "");
    talk.effects();
    assert_eq!(talk.data(DataEvent::Connected), "");
    assert_eq!(talk.effects(), [Effect::SecureData]);
    assert_eq!(talk.data(broken()), "");
    assert_eq!(talk.effects(), [], "the checksum has no part in it");
    let digits = "00".to_owned();
    assert_eq!(talk.answer(Answer::File(Ok(FileDone::Checksum { digits, end: 4 }))), "213");
}
