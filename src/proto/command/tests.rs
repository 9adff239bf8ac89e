//! Lines and the commands that they are.

use super::*;

fn ok(line: &str) -> Command {
    parse(line.as_bytes()).expect("known verb").command.expect("right syntax")
}

fn bad(line: &str) -> Misuse {
    match parse(line.as_bytes()) {
        Ok(request) => request.command.expect_err("wrong syntax"),
        Err(misuse) => misuse,
    }
}

#[test]
fn arguments_are_typed() {
    assert_eq!(ok("user anonymous"), Command::User(b"anonymous".to_vec()));
    assert_eq!(ok("PASS"), Command::Pass(Secret(Vec::new())));
    assert_eq!(ok("PASS a b "), Command::Pass(Secret(b"a b ".to_vec())));
    assert_eq!(ok("RETR  a "), Command::Retr(b" a ".to_vec()));
    assert_eq!(ok("TYPE a n"), Command::Type(Representation::Ascii));
    assert_eq!(ok("TYPE L 8"), Command::Type(Representation::Image));
    assert_eq!(ok("REST 42"), Command::Rest(42));
    assert_eq!(ok("ALLO 10 R 5"), Command::Allo(10));
    assert_eq!(ok("EPSV all"), Command::Epsv(Epsv::All));
    let (usual, long) = (ListOptions::default(), ListOptions::parse(b"-l").0);
    assert_eq!(ok("LIST"), Command::List(usual, Vec::new()));
    assert_eq!(ok("LIST -la"), Command::List(long, Vec::new()));
    assert_eq!(ok("STAT -la"), Command::Stat(Some((long, Vec::new()))));
    assert_eq!(ok("STAT -la d"), Command::Stat(Some((long, b"d".to_vec()))));
    assert_eq!(ok("STAT"), Command::Stat(None));
    assert_eq!(ok("NLST -1 -*.x"), Command::Nlst(usual, b"-*.x".to_vec()));
    assert_eq!(ok("LIST -dash.txt"), Command::List(usual, b"-dash.txt".to_vec()));
    assert_eq!(ok("LIST -l -a name with -a"), Command::List(long, b"name with -a".to_vec()));
    assert_eq!(ok("NLST ./-a"), Command::Nlst(usual, b"./-a".to_vec()));
    assert_eq!(ok("XPWD"), Command::Pwd);
    assert_eq!(ok("QUIT "), Command::Quit);
    assert_eq!(ok("EPRT |127.0.0.1|34567|"), ok("PORT 127,0,0,1,135,7").into_eprt());
}

impl Command {
    fn into_eprt(self) -> Command {
        match self {
            Command::Port(address) => Command::Eprt(address),
            other => other,
        }
    }
}

#[test]
fn misuse_is_told_apart() {
    assert_eq!(bad(""), Misuse::Unrecognised);
    assert_eq!(bad("FROB x"), Misuse::Unrecognised);
    assert_eq!(bad("RETRIEVE x"), Misuse::Unrecognised);
    assert_eq!(bad("smnt x"), Misuse::NotImplemented);
    for line in ["USER", "USER ", "RETR", "RETR "] {
        assert!(matches!(bad(line), Misuse::Missing(_)), "{line}");
    }
    assert!(matches!(bad("PASV now"), Misuse::Unexpected(_)));
    for line in [
        "EPRT |1|127.0.0.1|52306",
        "PORT 1,2,3",
        "REST -1",
        "REST 99999999999999999999",
        "TYPE Q",
        "TYPE",
        "ALLO x",
        "MODE X",
        "OPTS FOO",
        "EPSV x",
    ] {
        let misuse = bad(line);
        assert!(matches!(misuse, Misuse::Malformed(_) | Misuse::Missing(_)), "{line}");
    }
    for line in ["TYPE E", "TYPE A T", "TYPE L 7", "MODE B", "STRU R", "SITE X", "HELP X"] {
        assert!(matches!(bad(line), Misuse::Unsupported(_)), "{line}");
    }
    assert_eq!(bad("EPRT |3|127.0.0.1|34567|"), Misuse::Protocol);
    assert_eq!(bad("EPSV 3"), Misuse::Protocol);
}

/// Blanks were the name of a host.
#[test]
fn a_host_of_blanks_is_missing() {
    for line in ["HOST", "HOST ", "HOST  "] {
        assert!(matches!(bad(line), Misuse::Missing(_)), "{line}");
    }
}

#[test]
fn every_prefix_of_every_command_is_parsed() {
    for line in ["PORT 127,0,0,1,135,7", "EPRT |2|::1|34567|", "TYPE A N", "ALLO 10 R 5"] {
        for end in 0..=line.len() {
            let _ = parse(&line.as_bytes()[..end]);
        }
    }
}

#[test]
fn a_secret_is_never_printed() {
    assert!(!format!("{:?}", ok("PASS hunter2")).contains("hunter2"));
}
