//! Replies by the names of their situations, with code and text, and how they become bytes.
//!
//! A reply is a three-digit code, a space and a text; one of several lines puts a hyphen behind the
//! first line's code and repeats the code on the last line (RFC 959, 4.2). Text from outside is
//! made harmless here, at the one door: CR and LF become `?`, and 0xFF is doubled (Telnet).

mod text;

use std::borrow::Cow;

use super::checksum::Algorithm;
use super::coding::Representation;
use super::command::{Change, Misuse, Protection};
use super::date::Mdtm;
use super::listing::FactSet;
use super::verb::Verb;
pub use text::{begin_status, status_line};
use text::{features, help, named, owned, push_code, push_harmless, quoted, spelled};

/// Replies that a client can be given, one variant a situation.
#[derive(Clone, Debug)]
pub enum Reply<'a> {
    // The control connection.
    /// The greeting; the text is the operator's.
    Ready(&'a str),
    /// REIN: as if just connected.
    ReadyAgain,
    /// QUIT.
    Goodbye,
    /// Too many sessions, in all or of one address.
    TooManySessions,
    /// Silence was too long.
    Idle,
    /// Login took too long.
    NoLogin,
    /// The server goes down.
    ShuttingDown,
    /// The account of the user is no longer there.
    AccountGone,
    /// A line of another protocol, or bytes that are no line, before login.
    NotFtp,
    /// Unknown commands before login, too many.
    TooManyUnknown,
    // Logging in.
    /// USER, for any name.
    SendPassword,
    /// PASS was right.
    LoggedIn,
    /// PASS was wrong, or the name was.
    LoginFailed,
    /// The third wrong password of a session.
    TooManyFailures,
    /// More logins wait than can be checked.
    LoginBusy,
    /// A command that needs a login came before it.
    NotLoggedIn,
    /// PASS without USER.
    UserFirst,
    /// ACCT: there are no accounts beside users.
    NoAccounts,
    /// The user may read only.
    ReadOnlyUser,
    /// The user lacks the right of this name there.
    MayNot(&'static str),
    // Security.
    /// AUTH: the TLS handshake may begin.
    BeginTls,
    /// Bytes came behind AUTH, CCC or REIN that may be somebody else's.
    Smuggled,
    /// AUTH on a control connection that is secure.
    SecureAlready,
    /// PBSZ, PROT, CCC need AUTH before them.
    AuthFirst,
    /// PROT needs PBSZ before it.
    BufferSizeFirst,
    /// PBSZ.
    BufferSize,
    /// PROT.
    ProtectionSet(Protection),
    /// CCC: the control connection goes on in clear.
    GoingClear,
    /// CCC, where TLS is required.
    TlsStays,
    /// USER, or a right password, where TLS is required.
    TlsRequired,
    /// PROT C, where private data connections are required.
    PrivateRequired,
    /// A transfer, where private data connections are required.
    DataMustBePrivate,
    /// The TLS handshake of a data connection failed.
    HandshakeFailed,
    /// A data connection that did not resume the TLS session of its control connection.
    NotResumed,
    /// USER, by a client whose certificate is the user's.
    LoggedInByCertificate,
    // Setting up transfers.
    /// PORT or EPRT: the connection stands.
    DataEstablished,
    /// PORT or EPRT: it could not be made.
    CannotConnect,
    /// PORT or EPRT with an address that isn't the client's, or a port below 1024.
    ForeignAddress,
    /// PASV: the address and port, as RFC 959 spells them.
    Passive(&'a str),
    /// EPSV: the port, as RFC 2428 spells it.
    ExtendedPassive(&'a str),
    /// EPSV ALL.
    OnlyEpsv,
    /// PORT, PASV or EPRT after EPSV ALL.
    EpsvWasPromised,
    /// PASV on an IPv6 connection, which it cannot express.
    PassiveNeedsV4,
    /// No port to listen on.
    NoPassivePort,
    /// An unknown or unusable network protocol; the text lists the usable one.
    UseProtocol(&'static str),
    /// TYPE.
    TypeSet(Representation),
    /// MODE, STRU, OPTS MODE Z.
    ParameterSet,
    /// REST: where the next transfer starts, in bytes.
    Restarting(u64),
    /// REST other than 0 in TYPE A.
    NoRestartInAscii,
    /// ALLO: there is room.
    RoomEnough,
    /// ALLO: there is not.
    RoomMissing,
    // Transfers.
    /// A transfer needs PORT, EPRT, PASV or EPSV before it.
    NoDataConnection,
    /// The data connection stands already, made by PORT or EPRT.
    TransferStarting,
    /// The data connection is the client's to make, and bytes of a file are to follow, so many.
    OpeningData(Option<u64>),
    /// STOU, with the name that was chosen.
    StoringAs(&'a [u8]),
    /// The transfer is complete.
    TransferComplete,
    /// STOU is complete, under this name.
    StoredAs(&'a [u8]),
    /// No connection in time.
    NobodyConnected,
    /// The data connection broke.
    DataBroken,
    /// An upload ended without close_notify.
    NoCloseNotify,
    /// The data connection stood still for too long.
    DataStalled,
    /// An upload ended with another length than ALLO had promised.
    WrongLength,
    /// ABOR stopped the transfer; `Aborted` follows.
    TransferAborted,
    /// ABOR is done.
    Aborted,
    // Files.
    /// CWD, DELE, RMD, RNTO and the like: done.
    FileActionOkay,
    /// PWD.
    CurrentFolder(&'a [u8]),
    /// MKD.
    FolderMade(&'a [u8]),
    /// RNFR: RNTO may come.
    SendNewName,
    /// RNTO without RNFR.
    RenameFromFirst,
    /// SIZE, in bytes.
    Size(u64),
    /// MDTM, as RFC 3659 spells a time.
    Modified(Mdtm),
    /// SIZE or MDTM of something that isn't a regular file.
    NotAFile,
    /// MLST: one line of facts, without its CRLF.
    Facts(&'a [u8]),
    /// AVBL, in bytes.
    Free(u64),
    /// MFMT, MFF: what was set, and of which path.
    Changed(&'a [Change], &'a [u8]),
    /// SITE CHMOD, SITE UTIME.
    SiteDone,
    /// SITE CHMOD, MFF with bits that the operator does not allow.
    NoSetId,
    /// SITE UMASK: what it is now.
    Umask(u16),
    /// SITE CPFR: SITE CPTO may come.
    SendCopyName,
    /// SITE CPTO without SITE CPFR.
    CopyFromFirst,
    /// HASH: the checksum of these bytes of a path.
    Hash {
        /// The algorithm.
        algorithm: Algorithm,
        /// The first byte, and the one after the last.
        range: (u64, u64),
        /// Hexadecimal digits.
        digits: &'a str,
        /// The client's spelling.
        path: &'a [u8],
    },
    /// XCRC and its kin: in hexadecimal digits.
    Checksum(&'a str),
    /// RANG: the first and the last byte of the next transfer.
    RangeSet(u64, u64),
    /// STOR behind RANG.
    RangeIsForReading,
    /// SIZE in TYPE A, where it would cost reading the file.
    NoSizeInAscii,
    /// The file system refused: a code of its own kind and the reason.
    Refused(u16, &'a str),
    // Information.
    /// SYST.
    System,
    /// NOOP.
    Okay,
    /// OPTS UTF8 ON.
    Utf8Always,
    /// FEAT: which facts and which checksum are chosen, and what of TLS can be said now.
    Features(FactSet, Algorithm, &'static [Verb]),
    /// LANG.
    Language,
    /// CLNT.
    ClientNoted,
    /// HOST, for the one host there is.
    HostAccepted,
    /// HOST, for any other.
    HostUnknown,
    /// HOST behind a login.
    HostTooLate,
    /// OPTS MLST: what is chosen now.
    FactsChosen(FactSet),
    /// OPTS HASH: what is chosen now.
    AlgorithmChosen(Algorithm),
    /// HELP.
    Help,
    /// HELP with a verb: its row's name and help line.
    HelpOn(&'static str, &'static str),
    /// SITE HELP.
    SiteHelp,
    /// STAT: lines about the session.
    Status(&'a str),
    /// STAT with a path: the listing is complete.
    EndOfStatus,
    // Lines that are no commands.
    /// Command that cannot be obeyed.
    Misuse(Misuse),
    /// A line with a stray CR, LF or NUL.
    DirtyLine,
    /// A line that is too long.
    LineTooLong,
}

impl Reply<'_> {
    /// Appends the reply to `out`, ready to be sent.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        let (code, text) = self.parts();
        let mut lines = text.split(|&byte| byte == b'\n').peekable();
        let mut first = true;
        while let Some(line) = lines.next() {
            match (first, lines.peek().is_some()) {
                (_, false) => push_code(out, code, b' '),
                (true, true) => push_code(out, code, b'-'),
                (false, true) => out.push(b' '),
            }
            push_harmless(out, line);
            out.extend_from_slice(b"\r\n");
            first = false;
        }
    }

    /// The code and the text, whose lines are separated by LF.
    #[rustfmt::skip]
    fn parts(&self) -> (u16, Cow<'_, [u8]>) {
        let (code, text) = match self {
            Reply::Ready(banner) => (220, *banner),
            Reply::ReadyAgain => (220, "Ready for a new user."),
            Reply::Goodbye => (221, "Goodbye."),
            Reply::TooManySessions => (421, "Too many sessions, try again later."),
            Reply::Idle => (421, "Idle for too long, closing."),
            Reply::NoLogin => (421, "No login in time, closing."),
            Reply::AccountGone => (421, "This account may no longer log in."),
            Reply::ShuttingDown => (421, "The server is shutting down."),
            Reply::NotFtp => (421, "This is FTP, and what was said is not; closing."),
            Reply::TooManyUnknown => (421, "Too many unknown commands before a login, closing."),
            Reply::SendPassword => (331, "Username ok, send password."),
            Reply::LoggedIn => (230, "Login successful."),
            Reply::LoginFailed => (530, "Login incorrect."),
            Reply::TooManyFailures => (421, "Too many failed logins, closing."),
            Reply::LoginBusy => (421, "Too many logins at once, try again later."),
            Reply::NotLoggedIn => (530, "Log in with USER and PASS first."),
            Reply::UserFirst => (503, "Send USER first."),
            Reply::NoAccounts => (202, "Accounts are not needed here."),
            Reply::ReadOnlyUser => (550, "Permission denied: this user may only read."),
            Reply::MayNot(right) => {
                let text = format!("Permission denied: this user has not the right to {right} there.");
                return (550, owned(&[&text]));
            }
            Reply::BeginTls => (234, "Begin the TLS handshake."),
            Reply::Smuggled => (421, "Nothing may come before the connection is as agreed, closing."),
            Reply::SecureAlready => (503, "This connection is secure already."),
            Reply::AuthFirst => (503, "Send AUTH TLS first."),
            Reply::BufferSizeFirst => (503, "Send PBSZ 0 first."),
            Reply::BufferSize => (200, "PBSZ=0"),
            Reply::ProtectionSet(Protection::Clear) => (200, "Data connections go in clear."),
            Reply::ProtectionSet(Protection::Private) => (200, "Data connections go by TLS."),
            Reply::GoingClear => (200, "This connection goes on in clear."),
            Reply::TlsStays => (534, "TLS is required here, CCC is not allowed."),
            Reply::TlsRequired => (530, "TLS is required here: send AUTH TLS first."),
            Reply::PrivateRequired => (534, "Data connections must be private here: PROT P."),
            Reply::DataMustBePrivate => {
                (521, "Data connections must be private here: send PBSZ 0, then PROT P.")
            }
            Reply::HandshakeFailed => (425, "The TLS handshake of the data connection failed."),
            Reply::NotResumed => {
                (425, "Session reuse required: data connections resume this connection's TLS session.")
            }
            Reply::LoggedInByCertificate => (232, "Logged in by certificate."),
            Reply::DataEstablished => (200, "Active data connection established."),
            Reply::CannotConnect => (425, "Can't open data connection."),
            Reply::ForeignAddress => {
                (504, "Data connections go to your own address, to a port from 1024 on.")
            }
            Reply::Passive(text) => return (227, owned(&["Entering Passive Mode (", text, ")."])),
            Reply::ExtendedPassive(text) => {
                return (229, owned(&["Entering Extended Passive Mode (", text, ")"]));
            }
            Reply::OnlyEpsv => (200, "EPSV only, from now on."),
            Reply::EpsvWasPromised => (501, "Not after EPSV ALL."),
            Reply::PassiveNeedsV4 => (425, "PASV cannot tell an IPv6 address, use EPSV."),
            Reply::NoPassivePort => (425, "No port is free for a passive connection, try again."),
            Reply::UseProtocol(list) => return (522, owned(&["Network protocol not supported, use ", list, "."])),
            Reply::TypeSet(Representation::Image) => (200, "Type set to: Binary."),
            Reply::TypeSet(Representation::Ascii) => (200, "Type set to: ASCII."),
            Reply::ParameterSet => (200, "Okay."),
            Reply::Restarting(at) => return (350, owned(&["Restarting at ", &at.to_string(), ". Send the transfer."])),
            Reply::NoRestartInAscii => (504, "REST needs TYPE I."),
            Reply::RoomEnough => (200, "There is room enough."),
            Reply::RoomMissing => (452, "There is not enough room for that."),
            Reply::NoDataConnection => (425, "Use PORT, EPRT, PASV or EPSV first."),
            Reply::TransferStarting => (125, "Data connection already open. Transfer starting."),
            Reply::OpeningData(None) => (150, "Opening data connection."),
            Reply::OpeningData(Some(bytes)) => return (150, text::opening(*bytes)),
            Reply::StoringAs(name) => return (150, named("FILE: ", name, "")),
            Reply::TransferComplete => (226, "Transfer complete."),
            Reply::StoredAs(name) => return (226, named("Transfer complete, unique file name: ", name, "")),
            Reply::NobodyConnected => (425, "Nobody opened the data connection in time."),
            Reply::DataBroken => (426, "Data connection broken, transfer aborted."),
            Reply::NoCloseNotify => (426, "Data connection ended without close_notify, transfer aborted."),
            Reply::DataStalled => (426, "Data connection stood still, transfer aborted."),
            Reply::WrongLength => (426, "The upload has not the length that ALLO promised."),
            Reply::TransferAborted => (426, "Transfer aborted."),
            Reply::Aborted => (226, "Abort successful."),
            Reply::FileActionOkay => (250, "Done."),
            Reply::CurrentFolder(path) => return (257, quoted(path, " is the current folder.")),
            Reply::FolderMade(path) => return (257, quoted(path, " made.")),
            Reply::SendNewName => (350, "Send RNTO with the new name."),
            Reply::RenameFromFirst => (503, "Send RNFR first."),
            Reply::Size(bytes) => return (213, owned(&[&bytes.to_string()])),
            Reply::Modified(time) => return (213, owned(&[&time.to_string()])),
            Reply::NotAFile => (550, "Not a regular file."),
            Reply::Facts(line) => return (250, named("Facts follow:\n", line, "\nEnd of facts.")),
            Reply::Free(bytes) => return (213, owned(&[&bytes.to_string()])),
            Reply::Changed(changes, path) => return (213, named(&spelled(changes), path, "")),
            Reply::NoSetId => (550, "Set-id and sticky bits are not allowed here."),
            Reply::SiteDone => (200, "Done."),
            Reply::Umask(mask) => return (200, owned(&[&format!("UMASK is {mask:03o}.")])),
            Reply::SendCopyName => (350, "Send SITE CPTO with the name of the copy."),
            Reply::CopyFromFirst => (503, "Send SITE CPFR first."),
            Reply::Hash { algorithm, range: (first, end), digits, path } => {
                let (name, last) = (algorithm.name(), end.saturating_sub(1));
                return (213, named(&format!("{name} {first}-{last} {digits} "), path, ""));
            }
            Reply::Checksum(digits) => (250, *digits),
            Reply::RangeSet(first, last) => {
                let text = format!("Restarting at {first}. End byte range at {last}.");
                return (350, owned(&[&text]));
            }
            Reply::RangeIsForReading => (504, "RANG is for RETR and HASH; REST begins a STOR."),
            Reply::NoSizeInAscii => (550, "SIZE needs TYPE I."),
            Reply::Refused(code, reason) => (*code, *reason),
            Reply::System => (215, "UNIX Type: L8"),
            Reply::Okay => (200, "Okay."),
            Reply::Utf8Always => (200, "UTF8 is always on."),
            Reply::Features(facts, algorithm, security) => {
                return (211, features(*facts, *algorithm, security).into_bytes().into());
            }
            Reply::Language => (200, "English it is."),
            Reply::ClientNoted => (200, "Noted."),
            Reply::HostAccepted => (220, "Host accepted."),
            Reply::HostUnknown => (504, "No such host here."),
            Reply::HostTooLate => (503, "HOST comes before USER."),
            Reply::FactsChosen(facts) => return (200, owned(&["MLST OPTS ", &facts.to_string()])),
            Reply::AlgorithmChosen(algorithm) => (200, algorithm.name()),
            Reply::Help => return (214, help().into_bytes().into()),
            Reply::HelpOn(name, help) => return (214, owned(&[name, " ", help])),
            Reply::SiteHelp => (214, "SITE commands:\nCHMOD <mode> <path>\nCPFR <file>, then CPTO <copy>\nHELP\n\
                 UMASK [<mode>]\nUTIME <YYYYMMDDhhmmss> <path>\nEnd."),
            Reply::Status(lines) => (211, *lines),
            Reply::EndOfStatus => (213, "End of status."),
            Reply::Misuse(misuse) => return text::misuse(*misuse),
            Reply::DirtyLine => (500, "A command ends in CR LF and holds no other CR, LF or NUL."),
            Reply::LineTooLong => (500, "Line too long."),
        };
        (code, Cow::Borrowed(text.as_bytes()))
    }
}

#[cfg(test)]
mod tests;
