//! Logging in, and what is refused before it or to whom.

use super::*;

#[test]
fn what_needs_a_login_is_refused_before_it() {
    let mut talk = Talk::stranger();
    for rule in crate::proto::verb::all().iter().filter(|rule| rule.login) {
        assert_eq!(talk.say(&format!("{} x", rule.name)), "530", "{}", rule.name);
        assert_eq!(talk.say(rule.name), "530", "{} alone", rule.name);
    }
    table(&mut talk, &[("STAT /", "530"), ("STAT", "211"), ("NOOP", "200"), ("ABOR", "226")]);
    assert_eq!(talk.effects(), [], "a stranger has something done");
}

#[test]
fn names_and_passwords_come_in_order() {
    let mut talk = Talk::stranger();
    table(&mut talk, &[("USER", "501"), ("USER ", "501"), ("PASS x", "503"), ("ACCT x", "202")]);
    table(&mut talk, &[("USER a", "331"), ("USER b", "331"), ("PASS x", "")]);
    assert!(matches!(&talk.effects()[..], [Effect::Verify { name, .. }] if name == b"b"));
    assert_eq!(talk.deny(0), "");
    assert_eq!(talk.wait(0), "530");
    assert_eq!(talk.say("PASS x"), "503", "a password is for one name");
}

#[test]
fn the_third_wrong_password_ends_the_session() {
    let mut talk = Talk::stranger();
    for expected in ["530", "530", "421"] {
        assert_eq!(talk.say("USER a"), "331");
        assert_eq!(talk.say("PASS wrong"), "");
        assert_eq!(talk.deny(1), "");
        assert!(!talk.is_over());
        assert_eq!(talk.wait(1), expected);
    }
    assert!(talk.is_over());
}

#[test]
fn a_wrong_password_is_answered_late_and_all_else_waits() {
    let mut talk = Talk::stranger();
    talk.say("USER a");
    talk.say("PASS wrong");
    assert_eq!(talk.timeout(), None, "our own answer has no deadline");
    assert_eq!(talk.deny(4), "");
    assert_eq!(talk.say("NOOP"), "");
    assert_eq!(talk.timeout(), Some(4));
    assert_eq!(talk.wait(3), "");
    assert_eq!(talk.wait(1), "530 200");
}

#[test]
fn too_many_logins_at_once_are_turned_away() {
    let mut talk = Talk::stranger();
    talk.say("USER a");
    talk.say("PASS x");
    assert_eq!(talk.answer(Answer::Login(Verdict::Busy)), "421");
    assert!(talk.is_over());
}

#[test]
fn user_and_rein_begin_anew() {
    for (line, code) in [("USER other", "331"), ("REIN", "220")] {
        let mut talk = Talk::writer().passive();
        table(&mut talk, &[("TYPE A", "200"), (line, code)]);
        assert_eq!(talk.effects(), [Effect::Abort], "{line}");
        assert_eq!(talk.say("PWD"), "530", "{line}");
    }
}

#[test]
fn a_reader_changes_nothing() {
    let mut talk = Talk::reader().connected();
    for rule in crate::proto::verb::all().iter().filter(|rule| rule.write) {
        assert_eq!(talk.say(&format!("{} x", rule.name)), "550", "{}", rule.name);
    }
    assert_eq!(talk.effects(), [], "a reader has something changed");
}
