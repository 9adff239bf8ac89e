//! Lines of the log, one a row.

use super::*;
use crate::proto::command::ModeChange;
use crate::users::Access;
use std::rc::Rc;

fn alice() -> Rc<[u8]> {
    (*b"alice").into()
}

fn path(text: &[u8]) -> VPath {
    VPath::root().join(text)
}

fn ended(kind: TransferKind, bytes: u64, milliseconds: u64, end: TransferEnd) -> Event {
    let (user, path, duration) = (alice(), path(b"a b"), Duration::from_millis(milliseconds));
    Event::TransferEnded { user, kind, path, bytes, duration, end }
}

fn refused(kind: TransferKind, cause: TransferEnd) -> Event {
    Event::TransferRefused { user: alice(), kind, path: path(b"x"), cause }
}

fn changed(change: NameChange, result: Result<(), Refusal>) -> Event {
    Event::Changed { user: alice(), change: Box::new(change), result }
}

fn left(user: Option<Rc<[u8]>>, cause: Disconnect, sent: u64, received: u64) -> Event {
    let (known, age) = (user.is_some(), Duration::from_secs(12));
    Event::Disconnected { user, known, cause, sent, received, age }
}

fn check(rows: Vec<(Event, Level, &str)>) {
    for (event, expected, line) in rows {
        assert_eq!((level(&event), Line(&event).to_string().as_str()), (expected, line));
    }
}

#[test]
fn logins_and_traces() {
    let user = || b"al\x1bice".to_vec();
    let refused = |cause| Event::LoginRefused { user: user(), cause };
    check(vec![
        (Event::Command(b"RETR \xff\n".to_vec()), Level::Debug, "command: RETR \\xff\\n"),
        (Event::Reply(b"211-a\r\n211 b".to_vec()), Level::Debug, "reply: 211-a\\r\\n211 b"),
        (
            Event::LoggedIn { user: alice(), access: Access::WRITE },
            Level::Info,
            "alice logged in, may write",
        ),
        (refused(LoginRefusal::WrongPassword), Level::Warn, "al\\u{1b}ice could not log in"),
        (
            refused(LoginRefusal::TlsRequired),
            Level::Warn,
            "al\\u{1b}ice could not log in: may do so under TLS only",
        ),
        (
            refused(LoginRefusal::Busy),
            Level::Warn,
            "al\\u{1b}ice could not log in: too many logins at once",
        ),
    ]);
}

#[test]
fn changes() {
    let (a, b) = (|| path(b"a"), || path(b"b\n"));
    check(vec![
        (changed(NameChange::MakeDir(a()), Ok(())), Level::Info, "alice made folder /a"),
        (changed(NameChange::RemoveDir(a()), Ok(())), Level::Info, "alice removed folder /a"),
        (changed(NameChange::RemoveFile(b()), Ok(())), Level::Info, "alice deleted /b\\n"),
        (
            changed(NameChange::RemoveFile(a()), Err(Refusal::Denied)),
            Level::Debug,
            "alice could not delete /a: permission denied",
        ),
        (
            changed(NameChange::Rename { from: a(), to: b() }, Ok(())),
            Level::Info,
            "alice renamed /a to /b\\n",
        ),
        (
            changed(NameChange::Copy { from: a(), to: b() }, Err(Refusal::NoSpace)),
            Level::Debug,
            "alice could not copy /a to /b\\n: no space left on the disk",
        ),
        (
            changed(
                NameChange::Facts(
                    a(),
                    vec![Change::Modified(1_677_929_071), Change::Mode(ModeChange::Octal(0o640))],
                ),
                Ok(()),
            ),
            Level::Info,
            "alice changed /a, modified 20230304112431, mode 0640",
        ),
        (
            changed(NameChange::Combine { target: a(), parts: 3 }, Ok(())),
            Level::Info,
            "alice appended 3 parts to /a",
        ),
    ]);
}

#[test]
fn transfers_that_ended() {
    use TransferKind::{Download, Facts, UniqueUpload, Upload};
    let failed = TransferEnd::Lost(DataLoss::Failed("Connection reset by peer".into()));
    let begun = Event::TransferBegun { user: alice(), kind: Upload, path: path(b"x") };
    check(vec![
        (begun, Level::Debug, "alice stores /x"),
        (
            ended(Upload, 2331, 20, TransferEnd::Complete),
            Level::Info,
            "alice stored /a b: 2331 bytes in 0.02 s",
        ),
        (
            ended(Upload, 17, 3000, TransferEnd::Lost(DataLoss::NoCloseNotify)),
            Level::Info,
            "alice stored /a b: 17 bytes in 3.00 s, cut off: the data connection ended without \
             close_notify",
        ),
        (
            ended(Download, 1, 0, failed),
            Level::Info,
            "alice fetched /a b: 1 byte in 0.00 s, cut off: the data connection failed: \
             Connection reset by peer",
        ),
        (
            ended(UniqueUpload, 5, 10, TransferEnd::WrongLength { promised: 7 }),
            Level::Info,
            "alice stored /a b: 5 bytes in 0.01 s, cut off: the client had promised 7 bytes by ALLO",
        ),
        (
            ended(Facts, 0, 0, TransferEnd::Aborted),
            Level::Info,
            "alice listed /a b: 0 bytes in 0.00 s, cut off: aborted by the client",
        ),
        (
            ended(Upload, 0, 0, TransferEnd::Refused(Refusal::NoSpace)),
            Level::Info,
            "alice stored /a b: 0 bytes in 0.00 s, cut off: no space left on the disk",
        ),
        (
            ended(Download, 9, 0, TransferEnd::Shutdown),
            Level::Info,
            "alice fetched /a b: 9 bytes in 0.00 s, cut off: the server shut down",
        ),
    ]);
}

#[test]
fn transfers_that_never_began() {
    use TransferKind::{Download, Listing, Upload};
    check(vec![
        (
            refused(Download, TransferEnd::Refused(Refusal::NotFound)),
            Level::Info,
            "alice could not fetch /x: no such file or folder",
        ),
        (
            refused(Upload, TransferEnd::ReadOnlyUser),
            Level::Info,
            "alice could not store /x: the user may only read",
        ),
        (
            refused(Listing, TransferEnd::NoDataConnection),
            Level::Info,
            "alice could not list /x: no PORT or PASV came before",
        ),
        (
            refused(Listing, TransferEnd::NobodyConnected),
            Level::Info,
            "alice could not list /x: nobody opened the data connection",
        ),
        (
            refused(Upload, TransferEnd::HandshakeFailed(DataLoss::TimedOut)),
            Level::Info,
            "alice could not store /x: no TLS on the data connection, which took too long",
        ),
        (
            Event::Unreachable { user: alice(), loss: DataLoss::Failed("refused".into()) },
            Level::Info,
            "alice gets no data connection: it failed: refused",
        ),
    ]);
}

#[test]
fn notices_and_ends() {
    let closed = Disconnect::Closed;
    check(vec![
        (
            Event::Notice(Notice::BareLineFeed),
            Level::Warn,
            "ends its lines in LF alone: nothing is answered before a CR LF",
        ),
        (
            Event::Notice(Notice::Smuggled),
            Level::Warn,
            "sent on before the connection was as agreed",
        ),
        (Event::Notice(Notice::Idle), Level::Info, "said nothing for too long"),
        (
            left(Some(alice()), closed, 3_145_728, 0),
            Level::Info,
            "alice left after 12 s, 3 MB sent, 0 bytes received",
        ),
        (
            left(Some(alice()), Disconnect::Lost, 1, 2_560_000_000),
            Level::Info,
            "alice lost its connection after 12 s, 1 byte sent, 2.5 GB received",
        ),
        (
            left(Some(alice()), Disconnect::Shutdown, 0, 999_999),
            Level::Info,
            "alice stayed until the server shut down, 12 s, 0 bytes sent, 999 kB received",
        ),
        (
            left(None, Disconnect::Failed("TLS failed"), 0, 0),
            Level::Debug,
            "was dropped after 12 s (TLS failed), 0 bytes sent, 0 bytes received",
        ),
    ]);
}
