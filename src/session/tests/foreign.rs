//! Other protocols, before login and after it.

use super::*;
use crate::proto::foreign::Foreign;
use crate::session::Notice;

fn notices(talk: &mut Talk) -> Vec<Event> {
    talk.events().into_iter().filter(|event| matches!(event, Event::Notice(_))).collect()
}

/// A page had its reader's browser send this, and the file was deleted.
#[test]
fn a_web_page_logged_in_and_deleted() {
    let body = "\r\nUSER anonymous\r\nPASS x\r\nDELE precious.txt\r\n";
    for request in ["POST / HTTP/1.1\r\n", "Host: 127.0.0.1:52305\r\n", "XYZZY\r\nAccept: */*\r\n"]
    {
        let mut talk = Talk::stranger();
        let heard = talk.send([request, body].concat().as_bytes());
        assert!(heard.ends_with("421"), "{heard}");
        assert_eq!(talk.effects(), [Effect::HangUp], "{request}");
        assert_eq!(notices(&mut talk), [Event::Notice(Notice::Foreign(Foreign::Http))]);
    }
}

#[test]
fn bytes_that_are_no_text_are_not_waited_to_the_end_of() {
    for bytes in [&b"\x16\x03\x01\x02\x00\x01"[..], b"\0\x03\0\x08", b"USER \x01", b"\0\r\n"] {
        let mut talk = Talk::stranger();
        assert_eq!(talk.send(bytes), "421", "{}", bytes.escape_ascii());
        assert!(talk.is_over());
        assert_eq!(notices(&mut talk), [Event::Notice(Notice::Foreign(Foreign::Binary))]);
    }
    let mut talk = Talk::stranger();
    let long = [&[b'x'; 9000][..], b"\x01"].concat();
    assert_eq!(talk.send(&long), "500 421", "in a line that is too long as well");
}

#[test]
fn a_name_may_hold_what_it_likes_behind_a_login_that_is_still_checked() {
    let mut talk = Talk::stranger();
    assert_eq!(talk.send(b"USER alice\r\nPASS x\r\nMKD \x01\r\nMKD a: b\r\nGET\r\n\x02"), "331");
    talk.effects();
    talk.session
        .answer(Answer::Login(Verdict::Granted(Access::WRITE.into(), RequireTls::Off)), talk.now);
    assert_eq!(talk.heard(), "230");
    assert!(matches!(talk.asked(), FileOp::MakeDir(path, _) if path.as_bytes() == b"/\x01"));
    assert_eq!(talk.done(), "257");
    assert_eq!(talk.done(), "257 500", "GET is but unknown");
    assert_eq!(talk.send(b"\0\r\n"), "500");
    assert!(!talk.is_over());
}

#[test]
fn the_tenth_unknown_command_before_a_login_is_the_last() {
    let mut talk = Talk::stranger();
    for _ in 0..9 {
        assert_eq!(talk.say("XYZZY"), "500");
        assert_eq!(talk.say("NOOP"), "200");
        assert_eq!(talk.say("ADAT"), "502", "one that is known");
    }
    assert_eq!(talk.send(b"\n\r\n"), "500", "a line that is refused is not unknown");
    assert_eq!(talk.say(""), "421");
    assert!(talk.is_over());
    assert_eq!(notices(&mut talk), [Event::Notice(Notice::ManyUnknown)]);

    let mut talk = Talk::reader();
    for _ in 0..100 {
        assert_eq!(talk.say("XYZZY"), "500", "whoever has logged in may try");
    }
}
