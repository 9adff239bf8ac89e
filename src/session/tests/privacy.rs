//! TLS on data connections: what must be private, and what comes of a handshake.

use super::security::{private, secure, stranger};
use super::*;

#[test]
fn auth_ssl_means_private_data_as_well() {
    for (line, expected) in [("AUTH SSL", Effect::SecureData), ("AUTH TLS", Effect::Start)] {
        let mut talk = stranger(RequireTls::Off);
        talk.say(line);
        talk.secured();
        let mut talk = talk.logged_in(Access::Read).connected();
        talk.say("RETR f");
        assert_eq!(talk.done(), "125");
        assert_eq!(talk.effects().pop(), Some(expected), "{line}");
    }
}

#[test]
fn no_transfer_in_clear_where_data_must_be_private() {
    let mut talk = secure(RequireTls::Data).logged_in(Access::Write).passive();
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
    let mut active = private().connected();
    assert_eq!(active.say("STOR f"), "");
    assert_eq!(active.done(), "125");
    assert_eq!(active.effects().pop(), Some(Effect::SecureData));
    let mut passive = private().passive().transferring("STOR f");
    assert_eq!(passive.data(DataEvent::Connected), "");
    assert_eq!(passive.effects(), [Effect::SecureData]);
    for mut talk in [active, passive] {
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
        for set_up in [Talk::connected, Talk::passive] {
            let mut talk = private();
            assert_eq!(talk.say(first), "200");
            let mut talk = set_up(talk);
            table(&mut talk, &[(then, "200"), ("RETR f", "")]);
            if talk.done() == "150" {
                talk.data(DataEvent::Connected);
            }
            assert_eq!(talk.effects().pop().as_ref(), Some(&expected), "{first}, {then}");
        }
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
    assert_eq!(talk.leave(), "425");
    assert_eq!(talk.effects(), [Effect::Abort, Effect::HangUp]);
}

#[test]
fn a_checksum_goes_on_while_a_private_connection_comes() {
    let mut talk = private().passive();
    assert_eq!(talk.say("HASH f"), "");
    talk.effects();
    assert_eq!(talk.data(DataEvent::Connected), "");
    assert_eq!(talk.effects(), [], "a handshake, and nothing to be moved");
    // The shell gives up the checksum together with the connection.
    assert_eq!(talk.data(broken()), "426");
    assert_eq!(talk.say("NOOP"), "200");
}
