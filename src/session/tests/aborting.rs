//! ABOR, STAT and QUIT, which don't wait for the end of a transfer.

use super::*;

#[test]
fn abor_is_answered_in_every_state() {
    let transfer = |line: &str| Talk::writer().connected().transferring(line);
    let connecting = || {
        let mut talk = Talk::writer();
        assert_eq!(talk.say("PORT 127,0,0,1,135,7"), "");
        talk.effects();
        talk
    };
    for (state, mut talk, codes, drops) in [
        ("idle", Talk::writer(), "226", false),
        ("a connection that stands", Talk::writer().connected(), "226", true),
        ("a passive port", Talk::writer().passive(), "226", true),
        ("connecting", connecting(), "425 226", true),
        ("awaiting", Talk::writer().passive().transferring("RETR f"), "426 226", true),
        ("sending", transfer("RETR f"), "426 226", true),
        ("storing", transfer("STOR f"), "426 226", true),
        ("listing", transfer("LIST"), "426 226", true),
    ] {
        assert_eq!(talk.say("ABOR"), codes, "{state}");
        assert_eq!(talk.effects() == [Effect::Abort], drops, "{state}");
        assert_eq!(talk.say("RETR f"), "425", "{state}: nothing is left");
    }
}

#[test]
fn abor_waits_for_our_own_answers() {
    let mut talk = Talk::writer().connected().transferring("STOR f");
    talk.data(DataEvent::Ended);
    assert_eq!(talk.say("ABOR"), "", "the upload is being finished");
    assert_eq!(talk.done(), "226 226");
    let mut talk = Talk::writer();
    talk.say("PASV");
    assert_eq!(talk.say("ABOR"), "");
    assert_eq!(talk.listens_on(Some(2000)), "227 226");
}

#[test]
fn abor_overtakes_what_waits() {
    let mut talk = Talk::writer().connected().transferring("RETR f");
    assert_eq!(talk.say("NOOP"), "");
    assert_eq!(talk.say("PWD"), "");
    assert_eq!(talk.say("ABOR"), "426 226 200 257");
}

#[test]
fn abor_is_understood_behind_telnet_commands() {
    let telnet =
        [&b"\xFF\xF4\xFF\xF2ABOR\r\n"[..], b"\xFF\xF4\xF2ABOR\r\n", b"\xFF\xFB\x01ABOR\r\n"];
    for (bytes, codes) in telnet.into_iter().zip(["426 226", "", "426 226"]) {
        let mut talk = Talk::writer().connected().transferring("RETR f");
        assert_eq!(talk.send(bytes), codes, "{}", bytes.escape_ascii());
    }
}

#[test]
fn an_aborted_start_never_begins() {
    let mut talk = Talk::writer().connected();
    // ABOR is in line before the file is opened: both effects would be due at once.
    assert_eq!(talk.send(b"STOR f\r\nABOR\r\n"), "");
    talk.effects();
    assert_eq!(talk.done(), "125 426 226");
    assert_eq!(talk.effects(), [Effect::Abort], "a start that fails would be answered for");
}

#[test]
fn an_aborted_checksum_is_not_answered_later() {
    let mut talk = Talk::reader();
    assert_eq!(talk.send(b"HASH missing\r\nABOR\r\nPASV\r\n"), "426 226");
    // The shell would have answered it at once, and that for an answer to PASV.
    assert_eq!(talk.effects(), [Effect::Abort, Effect::Listen]);
    assert_eq!(talk.listens_on(Some(2000)), "227");
    talk.say("HASH f");
    talk.effects();
    assert_eq!(talk.say("ABOR"), "426 226", "one that is being computed");
    assert_eq!(talk.effects(), [Effect::Abort]);
}

#[test]
fn aborted_connects_do_not_pile_up() {
    let mut talk = Talk::writer();
    let lines = "PORT 127,0,0,1,135,7\r\nABOR\r\n".repeat(100);
    assert_eq!(talk.send(lines.as_bytes()), ["425 226"; 100].join(" "));
    assert_eq!(talk.effects(), [Effect::Abort]);
}

#[test]
fn stat_tells_of_the_transfer() {
    let mut talk = Talk::writer().connected().transferring("RETR f");
    talk.data(DataEvent::Moved(42));
    assert_eq!(talk.say("NOOP"), "");
    talk.session.receive(b"STAT\r\n", talk.now);
    let text = talk.heard_text();
    assert!(text.contains("sending /f, 42 bytes"), "{text}");
    assert_eq!(talk.say("STAT d"), "", "a listing waits its turn");
    assert_eq!(talk.data(DataEvent::Ended), "226 200");
}

#[test]
fn quit_lets_the_transfer_end() {
    let mut talk = Talk::writer().connected().transferring("RETR f");
    assert_eq!(talk.say("QUIT"), "");
    assert_eq!(talk.leave(), "");
    assert!(!talk.is_over());
    assert_eq!(talk.data(DataEvent::Ended), "226 221");
    assert!(talk.is_over());
    let mut talk = Talk::writer().connected().transferring("STOR f");
    assert_eq!(talk.say("QUIT"), "");
    assert_eq!(talk.leave(), "");
    assert_eq!(talk.data(DataEvent::Ended), "");
    assert_eq!(talk.done(), "226 221");
    assert!(talk.is_over());
}
