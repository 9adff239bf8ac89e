//! TLS: how the control connection comes under it and leaves it, and who may come in how.

use super::*;

/// Somebody who may come under TLS, and must so far.
pub(super) fn stranger(required: RequireTls) -> Talk {
    Talk::with(CLIENT, |settings| settings.tls = Some(required))
}

/// Somebody who has.
pub(super) fn secure(required: RequireTls) -> Talk {
    let mut talk = stranger(required);
    assert_eq!(talk.say("AUTH TLS"), "234");
    assert_eq!(talk.effects(), [Effect::Secure]);
    assert_eq!(talk.secured(), "");
    talk
}

/// Somebody whose data connections do too.
pub(super) fn private() -> Talk {
    let mut talk = secure(RequireTls::Off).logged_in(Access::WRITE);
    table(&mut talk, &[("PBSZ 0", "200"), ("PROT P", "200")]);
    talk
}

/// Somebody who is under TLS from the first byte on.
fn implicit(required: RequireTls) -> Talk {
    let mut talk = Talk::connected_to(CLIENT, true, |settings| settings.tls = Some(required));
    assert_eq!(talk.heard(), "", "said in clear");
    assert_eq!(talk.effects(), [Effect::Secure]);
    assert_eq!(talk.secured(), "220");
    talk
}

impl Talk {
    pub(super) fn secured(&mut self) -> String {
        self.answer(Answer::Secured { certified: false })
    }

    fn granted(&mut self, required: RequireTls) -> String {
        self.answer(Answer::Login(Verdict::Granted(Access::WRITE.into(), required)))
    }

    /// Lines of FEAT that speak of TLS.
    fn features(&mut self) -> String {
        self.session.receive(b"FEAT\r\n", self.now);
        let text = self.heard_text();
        let known = ["AUTH TLS", "CCC", "PBSZ", "PROT"];
        let lines = text.lines().map(str::trim).filter(|line| known.contains(line));
        lines.collect::<Vec<_>>().join(", ")
    }
}

#[test]
fn auth_has_several_names() {
    for (line, code) in [
        ("AUTH TLS", "234"),
        ("auth tls-c", "234"),
        ("AUTH SSL", "234"),
        ("AUTH TLS-P", "234"),
        ("AUTH KERBEROS_V4", "504"),
        ("AUTH", "501"),
    ] {
        let mut talk = stranger(RequireTls::Off);
        assert_eq!(talk.say(line), code);
        let begun = talk.effects() == [Effect::Secure];
        assert_eq!(begun, code == "234", "{line}");
    }
    assert_eq!(secure(RequireTls::Off).say("AUTH TLS"), "503", "TLS within TLS");
    assert_eq!(Talk::stranger().say("AUTH TLS"), "502", "there is no TLS");
}

#[test]
fn auth_pbsz_and_prot_come_in_order() {
    let mut talk = stranger(RequireTls::Off);
    table(&mut talk, &[("PBSZ 0", "503"), ("PROT P", "503"), ("CCC", "503")]);
    let mut talk = secure(RequireTls::Off);
    table(
        &mut talk,
        &[
            ("PROT P", "503"),
            ("PBSZ", "501"),
            ("PBSZ 0", "200"),
            ("PROT P", "200"),
            ("PROT C", "200"),
            ("PROT S", "536"),
            ("PROT E", "536"),
            ("PROT X", "504"),
        ],
    );
}

#[test]
fn pbsz_prot_and_ccc_asked_for_an_auth_that_is_not_there() {
    table(&mut Talk::stranger(), &[("PBSZ 0", "502"), ("PROT P", "502"), ("CCC", "502")]);
}

#[test]
fn names_are_refused_in_clear() {
    for required in [RequireTls::Login, RequireTls::Data] {
        let mut talk = stranger(required);
        table(&mut talk, &[("USER a", "530"), ("PASS x", "503"), ("NOOP", "200")]);
        assert_eq!(talk.effects(), [], "a password is looked at");
        secure(required).logged_in(Access::READ);
    }
}

#[test]
fn a_user_may_require_more_than_all_do() {
    let mut talk = stranger(RequireTls::Off);
    table(&mut talk, &[("USER a", "331"), ("PASS x", "")]);
    assert_eq!(talk.granted(RequireTls::Login), "530");
    table(&mut talk, &[("PWD", "530"), ("PASS x", "503")]);

    let mut talk = secure(RequireTls::Off);
    table(&mut talk, &[("USER a", "331"), ("PASS x", "")]);
    assert_eq!(talk.granted(RequireTls::Data), "230");
    table(&mut talk, &[("CCC", "534"), ("PBSZ 0", "200"), ("PROT C", "534")]);
    let mut talk = talk.passive();
    table(&mut talk, &[("RETR f", "521"), ("USER b", "331"), ("PASS x", "")]);
    assert_eq!(talk.granted(RequireTls::Off), "230");
    table(&mut talk, &[("PROT C", "200"), ("CCC", "200")]);
}

#[test]
fn a_certificate_stands_for_a_password() {
    let certified = || {
        let mut talk = stranger(RequireTls::Off);
        talk.say("AUTH TLS");
        assert_eq!(talk.answer(Answer::Secured { certified: true }), "");
        talk.effects();
        assert_eq!(talk.say("USER alice"), "", "331 or 232?");
        assert_eq!(talk.effects(), [Effect::Recognise { name: b"alice".to_vec() }]);
        talk
    };
    let mut talk = certified();
    assert_eq!(talk.granted(RequireTls::Data), "232");
    table(&mut talk, &[("PWD", "257"), ("CCC", "534")]);
    let mut talk = certified();
    assert_eq!(talk.answer(Answer::Login(Verdict::Unrecognised)), "331");
    assert_eq!(talk.say("PASS x"), "");
    assert!(matches!(&talk.effects()[..], [Effect::Verify { name, .. }] if name == b"alice"));
}

#[test]
fn auth_forgets_who_is_logged_in() {
    let clear = || stranger(RequireTls::Off);
    for (state, mut talk, expected) in [
        ("named", clear(), &[Effect::Secure][..]),
        ("logged in", clear().logged_in(Access::WRITE), &[Effect::Secure]),
        ("PORT", clear().logged_in(Access::WRITE).connected(), &[Effect::Abort, Effect::Secure]),
        ("PASV", clear().logged_in(Access::WRITE).passive(), &[Effect::Abort, Effect::Secure]),
    ] {
        if state == "named" {
            assert_eq!(talk.say("USER a"), "331");
        }
        assert_eq!(talk.say("AUTH TLS"), "234", "{state}");
        assert_eq!(talk.effects(), expected, "{state}");
        assert_eq!(talk.secured(), "", "{state}");
        table(&mut talk, &[("PASS x", "503"), ("PWD", "530"), ("RETR f", "530")]);
    }
}

#[test]
fn nothing_may_come_behind_a_change() {
    type Begin = fn() -> Talk;
    let changes: [(&str, Begin); 3] = [
        ("AUTH TLS", || stranger(RequireTls::Off)),
        ("CCC", || secure(RequireTls::Off)),
        ("REIN", || secure(RequireTls::Off)),
    ];
    for (line, begin) in changes {
        for behind in [&b"USER a\r\n"[..], b"U", b"\r", b"\n", b"\0", b"\xFF", b"\xFF\xFA"] {
            let mut talk = begin();
            let bytes = [line.as_bytes(), b"\r\n", behind].concat();
            assert_eq!(talk.send(&bytes), "421", "{}", bytes.escape_ascii());
            assert_eq!(talk.effects(), [Effect::HangUp], "{}", bytes.escape_ascii());
        }
    }
}

#[test]
fn nothing_is_heard_until_the_change_is_done() {
    let mut talk = stranger(RequireTls::Off);
    assert_eq!(talk.say("AUTH TLS"), "234");
    assert_eq!(talk.session.room(), 0);
    assert_eq!(talk.secured(), "");
    assert_eq!(talk.say("CCC"), "200");
    assert_eq!(talk.session.room(), 0);
    assert_eq!(talk.answer(Answer::Cleared), "");
    assert_eq!(talk.say("NOOP"), "200");
}

#[test]
fn auth_waits_for_the_transfer_and_abor_overtakes_it() {
    for (line, event, codes) in
        [("ABOR", None, "426 226 234"), ("STAT", Some(DataEvent::Ended), "226 234")]
    {
        let mut talk =
            stranger(RequireTls::Off).logged_in(Access::READ).connected().transferring("RETR f");
        assert_eq!(talk.say("AUTH TLS"), "");
        let heard = talk.say(line);
        assert_eq!(event.map_or(heard, |event| talk.data(event)), codes);
        assert_eq!(talk.effects().pop(), Some(Effect::Secure));
    }
}

#[test]
fn ccc_leaves_the_login_and_the_data_connections_as_they_are() {
    let mut talk = private();
    assert_eq!(talk.say("CCC"), "200");
    assert_eq!(talk.effects(), [Effect::Clear]);
    assert_eq!(talk.answer(Answer::Cleared), "");
    table(&mut talk, &[("PWD", "257"), ("PBSZ 0", "503"), ("PROT C", "503"), ("CCC", "503")]);
    let mut talk = talk.connected().transferring("RETR f");
    assert_eq!(talk.data(DataEvent::Secured), "");
    assert_eq!(talk.effects(), [Effect::Start]);
    assert_eq!(talk.data(DataEvent::Ended), "226");

    assert_eq!(talk.say("AUTH TLS"), "234", "and back");
    talk.secured();
    table(&mut talk, &[("PROT P", "503"), ("PBSZ 0", "200"), ("PWD", "530")]);
}

#[test]
fn ccc_is_refused_where_tls_is_required() {
    for mut talk in [secure(RequireTls::Login), secure(RequireTls::Data), implicit(RequireTls::Off)]
    {
        assert_eq!(talk.say("CCC"), "534");
        assert_eq!(talk.effects(), []);
    }
}

#[test]
fn rein_leaves_tls() {
    let mut talk = private().passive();
    assert_eq!(talk.say("REIN"), "220");
    assert_eq!(talk.effects(), [Effect::Abort, Effect::Clear]);
    assert_eq!(talk.answer(Answer::Cleared), "");
    table(&mut talk, &[("PWD", "530"), ("PBSZ 0", "503"), ("REIN", "220")]);
    assert_eq!(talk.effects(), [], "TLS is left that is not there");
    let mut talk = talk.logged_in(Access::READ).connected().transferring("RETR f");
    assert_eq!(talk.data(DataEvent::Ended), "226");
}

#[test]
fn rein_behind_ccc_kept_data_private_with_no_way_to_clear() {
    let mut talk = private();
    assert_eq!(talk.say("CCC"), "200");
    talk.answer(Answer::Cleared);
    assert_eq!(talk.say("REIN"), "220");
    let mut talk = talk.logged_in(Access::READ).connected();
    assert_eq!(talk.say("RETR f"), "");
    assert_eq!(talk.done(), "125");
    assert_eq!(talk.effects().pop(), Some(Effect::Start));
}

#[test]
fn rein_of_implicit_tls_left_the_next_user_data_in_clear() {
    let mut talk = implicit(RequireTls::Off).logged_in(Access::READ);
    table(&mut talk, &[("PBSZ 0", "200"), ("PROT C", "200"), ("REIN", "220")]);
    assert_eq!(talk.effects(), [], "TLS stays");
    assert_eq!(talk.say("PROT C"), "503", "PBSZ is forgotten too");
    let mut talk = talk.logged_in(Access::READ).passive();
    talk.data(DataEvent::Connected);
    assert_eq!(talk.effects(), [Effect::SecureData]);
}

#[test]
fn implicit_tls_is_greeted_behind_the_handshake_and_private() {
    let mut talk = implicit(RequireTls::Data);
    assert_eq!(talk.say("AUTH TLS"), "503");
    let mut talk = talk.logged_in(Access::WRITE).passive();
    talk.data(DataEvent::Connected);
    assert_eq!(talk.effects(), [Effect::SecureData]);
}

#[test]
fn features_are_those_of_the_moment() {
    assert_eq!(Talk::stranger().features(), "");
    let mut talk = stranger(RequireTls::Off);
    assert_eq!(talk.features(), "AUTH TLS, PBSZ, PROT");
    assert_eq!(implicit(RequireTls::Off).features(), "PBSZ, PROT");
    let mut talk = secure(RequireTls::Off);
    assert_eq!(talk.features(), "CCC, PBSZ, PROT");
    talk.say("CCC");
    talk.answer(Answer::Cleared);
    assert_eq!(talk.features(), "AUTH TLS, PBSZ, PROT");
}

#[test]
fn features_told_of_a_ccc_that_is_refused() {
    for required in [RequireTls::Login, RequireTls::Data] {
        assert_eq!(secure(required).features(), "PBSZ, PROT");
    }
    let mut talk = secure(RequireTls::Off);
    table(&mut talk, &[("USER a", "331"), ("PASS x", "")]);
    assert_eq!(talk.granted(RequireTls::Login), "230");
    assert_eq!(talk.features(), "PBSZ, PROT");
}

/// The client would have read a 421 in clear where it expects TLS.
#[test]
fn a_shut_down_amid_a_handshake_said_421_in_clear() {
    let mut explicit = stranger(RequireTls::Off);
    assert_eq!(explicit.say("AUTH TLS"), "234");
    let implicit =
        Talk::connected_to(CLIENT, true, |settings| settings.tls = Some(RequireTls::Off));
    let mut clearing = secure(RequireTls::Off);
    assert_eq!(clearing.say("CCC"), "200");
    for mut talk in [explicit, implicit, clearing] {
        assert_eq!(talk.shut_down(), "");
        assert!(talk.is_over());
    }
    let mut talk = private().connected().transferring("STOR f");
    assert_eq!(talk.shut_down(), "", "that of a data connection may come to its end");
    assert_eq!(talk.data(broken()), "425 421");
    assert!(talk.is_over());
}

#[test]
fn a_handshake_takes_no_longer_than_it_may() {
    let mut explicit = stranger(RequireTls::Off);
    assert_eq!(explicit.say("AUTH TLS"), "234");
    let implicit =
        Talk::connected_to(CLIENT, true, |settings| settings.tls = Some(RequireTls::Off));
    let mut clearing = secure(RequireTls::Off);
    assert_eq!(clearing.say("CCC"), "200");
    for mut talk in [explicit, implicit, clearing] {
        assert_eq!(talk.timeout(), Some(HANDSHAKE_TIMEOUT));
        assert_eq!(talk.wait(HANDSHAKE_TIMEOUT - 1), "");
        assert!(!talk.is_over());
        assert_eq!(talk.wait(1), "", "nobody could read it");
        assert!(talk.is_over());
    }
    let mut talk = private().connected().transferring("STOR f");
    assert_eq!(talk.timeout(), Some(HANDSHAKE_TIMEOUT));
    assert_eq!(talk.wait(HANDSHAKE_TIMEOUT), "425");
    assert_eq!(talk.effects(), [Effect::Abort]);
    assert_eq!(talk.say("NOOP"), "200");
}
