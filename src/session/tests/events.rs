//! Events: what is told, once, and what is not.

use super::*;
use crate::proto::command::{Change, ModeChange};
use crate::proto::path::VPath;
use crate::session::{Disconnect, LoginRefusal, NameChange, Notice, TransferEnd, TransferKind};

fn path(text: &str) -> VPath {
    VPath::root().join(text.as_bytes())
}

fn alice() -> Rc<[u8]> {
    (*b"alice").into()
}

/// Only what changes of names say.
fn changes(talk: &mut Talk) -> Vec<(NameChange, Result<(), Refusal>)> {
    let changed = |event| match event {
        Event::Changed { user, change, result } if user == alice() => Some((*change, result)),
        _ => None,
    };
    talk.events().into_iter().filter_map(changed).collect()
}

/// Transfers that could not begin, and the causes.
fn refusals(talk: &mut Talk) -> Vec<(TransferKind, TransferEnd)> {
    let refused = |event| match event {
        Event::TransferRefused { kind, cause, .. } => Some((kind, cause)),
        _ => None,
    };
    talk.events().into_iter().filter_map(refused).collect()
}

#[test]
fn traces_are_told_where_they_are_wanted_and_hold_no_secret() {
    let mut silent = Talk::stranger();
    assert_eq!(silent.say("NOOP"), "200");
    assert_eq!(silent.events(), []);
    let mut talk = Talk::with(CLIENT, |settings| settings.traces = true).logged_in(Access::READ);
    let text = |text: &str| text.as_bytes().to_vec();
    assert_eq!(
        talk.events(),
        [
            Event::Reply(text("220 packetboat ready.")),
            Event::Command(text("USER alice")),
            Event::Reply(text("331 Username ok, send password.")),
            Event::Command(text("PASS")),
            Event::LoggedIn { user: alice(), access: Access::READ },
            Event::Reply(text("230 Login successful.")),
        ]
    );
}

#[test]
fn logins_are_told_with_what_became_of_them() {
    let mut talk = Talk::stranger();
    let refused = |cause| Event::LoginRefused { user: b"bob".to_vec(), cause };
    for (verdict, cause) in [
        (Verdict::Denied(Duration::ZERO), LoginRefusal::WrongPassword),
        (Verdict::Granted(Access::READ.into(), RequireTls::Login), LoginRefusal::TlsRequired),
        (Verdict::Busy, LoginRefusal::Busy),
    ] {
        table(&mut talk, &[("USER bob", "331"), ("PASS x", "")]);
        talk.answer(Answer::Login(verdict));
        talk.wait(0);
        assert_eq!(talk.events(), [refused(cause)]);
    }
}

#[test]
fn changes_are_told_when_the_files_have_answered() {
    let mut talk = Talk::writer();
    let facts = |changes| NameChange::Facts(path("f"), changes);
    let modified = || Change::Modified(1_677_929_071);
    let mode = || Change::Mode(ModeChange::Octal(0o640));
    for (line, code, change) in [
        ("MKD d", "257", NameChange::MakeDir(path("d"))),
        ("RMD d", "250", NameChange::RemoveDir(path("d"))),
        ("DELE f", "250", NameChange::RemoveFile(path("f"))),
        ("SITE CHMOD 640 f", "200", facts(vec![mode()])),
        ("SITE UTIME 20230304112431 f", "200", facts(vec![modified()])),
        ("MFMT 20230304112431 f", "213", facts(vec![modified()])),
        ("MFF UNIX.mode=640; f", "213", facts(vec![mode()])),
    ] {
        assert_eq!(talk.say(line), "", "{line}");
        assert_eq!(changes(&mut talk), [], "{line} is told too early");
        assert_eq!(talk.done(), code, "{line}");
        assert_eq!(changes(&mut talk), [(change.clone(), Ok(()))], "{line}");
        talk.say(line);
        talk.refuse(Refusal::Denied);
        assert_eq!(changes(&mut talk), [(change, Err(Refusal::Denied))], "{line}");
    }
}

#[test]
fn changes_of_two_names_are_told_with_both() {
    let mut talk = Talk::writer();
    talk.say("RNFR a");
    assert_eq!(talk.done(), "350");
    talk.say("RNTO b");
    assert_eq!(talk.done(), "250");
    let rename = NameChange::Rename { from: path("a"), to: path("b") };
    assert_eq!(changes(&mut talk), [(rename, Ok(()))]);
    talk.say("SITE CPFR a");
    assert_eq!(talk.answer(facts(Kind::File)), "350");
    talk.say("SITE CPTO b");
    assert_eq!(talk.say("ABOR"), "426 226", "given up, so that nothing has changed");
    assert_eq!(changes(&mut talk), []);
    talk.say("COMB t a b");
    assert_eq!((talk.done(), talk.done(), talk.done()), ("".into(), "".into(), "250".into()));
    let combine = NameChange::Combine { target: path("t"), parts: 2 };
    assert_eq!(changes(&mut talk), [(combine, Ok(()))], "parts are told with the whole");
}

#[test]
fn transfers_are_told_when_they_begin_and_when_they_end() {
    let mut talk = Talk::writer().connected();
    talk.events();
    talk.say("STOR f");
    assert_eq!(talk.events(), [], "nothing has begun");
    talk.done();
    let (user, kind) = (alice(), TransferKind::Upload);
    assert_eq!(talk.events(), [Event::TransferBegun { user, kind, path: path("f") }]);
    talk.now += Duration::from_secs(2);
    talk.data(DataEvent::Moved(17));
    talk.data(DataEvent::Moved(3));
    talk.data(DataEvent::Ended);
    assert_eq!(talk.events(), [], "it is not under its name");
    talk.now += Duration::from_secs(1);
    assert_eq!(talk.done(), "226");
    let ended = |kind, bytes, seconds, end| Event::TransferEnded {
        user: alice(),
        kind,
        path: path("f"),
        bytes,
        duration: Duration::from_secs(seconds),
        end,
    };
    assert_eq!(talk.events(), [ended(kind, 20, 3, TransferEnd::Complete)]);

    let mut talk = talk.connected().transferring("RETR f");
    talk.events();
    talk.data(DataEvent::Moved(5));
    assert_eq!(talk.data(DataEvent::Broken(DataLoss::NoCloseNotify)), "426");
    let end = TransferEnd::Lost(DataLoss::NoCloseNotify);
    assert_eq!(talk.events(), [ended(TransferKind::Download, 5, 0, end)]);

    let mut talk = talk.connected().transferring("RETR f");
    talk.events();
    talk.data(DataEvent::Moved(2));
    talk.session.disconnected(Disconnect::Lost, talk.now);
    let (user, known, cause) = (Some(alice()), true, Disconnect::Lost);
    let age = Duration::from_secs(3);
    assert_eq!(
        talk.events(),
        [
            ended(TransferKind::Download, 2, 0, TransferEnd::ControlLost),
            Event::Disconnected { user, known, cause, sent: 7, received: 20, age },
        ]
    );
}

#[test]
fn transfers_that_cannot_begin_are_told_with_the_cause() {
    let mut talk = Talk::writer();
    assert_eq!(talk.say("RETR f"), "425");
    assert_eq!(refusals(&mut talk), [(TransferKind::Download, TransferEnd::NoDataConnection)]);
    let mut talk = talk.passive();
    talk.say("MLSD d");
    assert_eq!(talk.refuse(Refusal::NotFound), "550");
    let end = TransferEnd::Refused(Refusal::NotFound);
    assert_eq!(refusals(&mut talk), [(TransferKind::Facts, end)]);
    let mut talk = talk.passive().transferring("STOU");
    assert_eq!(talk.wait(DATA_TIMEOUT), "425");
    assert_eq!(refusals(&mut talk), [(TransferKind::UniqueUpload, TransferEnd::NobodyConnected)]);
    let mut talk = talk.passive().transferring("LIST");
    assert_eq!(talk.say("ABOR"), "426 226");
    assert_eq!(refusals(&mut talk), [(TransferKind::Listing, TransferEnd::Aborted)]);
    let mut talk = Talk::reader();
    assert_eq!(talk.say("STOR f"), "550");
    assert_eq!(refusals(&mut talk), [(TransferKind::Upload, TransferEnd::ReadOnlyUser)]);
}

#[test]
fn a_port_that_does_not_answer_is_told() {
    let mut talk = Talk::reader();
    for (seconds, loss) in [(0, DataLoss::NoCloseNotify), (DATA_TIMEOUT, DataLoss::TimedOut)] {
        talk.say("PORT 127,0,0,1,135,7");
        talk.events();
        let codes = match seconds {
            0 => talk.data(DataEvent::Broken(loss.clone())),
            _ => talk.wait(seconds),
        };
        assert_eq!(codes, "425");
        assert_eq!(talk.events(), [Event::Unreachable { user: alice(), loss }]);
    }
}

#[test]
fn line_feeds_alone_are_told_once_and_answered_by_nothing() {
    let mut talk = Talk::stranger();
    assert_eq!(talk.send(b"NOOP\r"), "");
    assert_eq!(talk.send(b"\n"), "200");
    assert_eq!(talk.events(), []);
    assert_eq!(talk.send(b"USER a\n"), "");
    assert_eq!(talk.events(), [Event::Notice(Notice::BareLineFeed)]);
    assert_eq!(talk.send(b"PASS b\n"), "");
    assert_eq!(talk.send(b"\r\nNOOP\n"), "500");
    assert_eq!(talk.events(), []);
}

#[test]
fn strangers_leave_unknown() {
    let mut talk = Talk::stranger();
    talk.session.disconnected(Disconnect::Closed, talk.now);
    let (cause, age) = (Disconnect::Closed, Duration::ZERO);
    let (user, known, sent, received) = (None, false, 0, 0);
    assert_eq!(talk.events(), [Event::Disconnected { user, known, cause, sent, received, age }]);
}
