//! Replies as they stand on the wire.

mod fuzz;

use super::*;

fn bytes(reply: Reply<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    reply.write_to(&mut out);
    out
}

#[test]
fn one_line_and_several() {
    assert_eq!(bytes(Reply::Goodbye), b"221 Goodbye.\r\n");
    assert_eq!(bytes(Reply::Ready("12116666 ready")), b"220 12116666 ready\r\n");
    for reply in
        [Reply::Help, Reply::Facts(b"type=dir; a"), Reply::SiteHelp, Reply::Status("a\nb\nc")]
    {
        let text = String::from_utf8(bytes(reply)).unwrap();
        let lines: Vec<&str> = text.trim_end().split("\r\n").collect();
        assert_eq!(&lines[0][3..4], "-");
        assert_eq!(lines[0][..3], lines[lines.len() - 1][..3]);
        assert!(lines[1..lines.len() - 1].iter().all(|line| line.starts_with(' ')));
    }
}

#[test]
fn features_come_from_the_table_with_tls_first() {
    let of = |security| {
        let features = Reply::Features(FactSet::default(), Algorithm::default(), security);
        String::from_utf8(bytes(features)).unwrap()
    };
    let (hash, mlst) = (Algorithm::default().feature(), FactSet::default().feature());
    let rest = format!(
        "AVBL|CLNT|COMB target;source_list|EPRT|EPSV|HASH {hash}|HOST|LANG EN*|MDTM|\
         MFF Modify;UNIX.mode;|MFMT|MLST {mlst}|MODE Z|RANG STREAM|REST STREAM|SIZE|TVFS|UTF8|\
         XCRC|XMD5|XSHA1|XSHA256|XSHA512"
    );
    for (security, first) in [
        (&[][..], ""),
        (&[Verb::Auth, Verb::Pbsz, Verb::Prot], "AUTH TLS|PBSZ|PROT|"),
        (&[Verb::Ccc, Verb::Pbsz, Verb::Prot], "CCC|PBSZ|PROT|"),
    ] {
        let lines = format!("{first}{rest}").replace('|', "\r\n ");
        let expected = format!("211-Features supported:\r\n {lines}\r\n211 End FEAT.\r\n");
        assert_eq!(of(security), expected);
    }
}

#[test]
fn names_are_made_harmless() {
    let folder = bytes(Reply::CurrentFolder(b"/a\"b\r\n226 c\xff"));
    assert_eq!(folder, b"257 \"/a\"\"b??226 c\xff\xff\" is the current folder.\r\n");
    assert_eq!(bytes(Reply::StoringAs(b"a\nb")), b"150 FILE: a?b\r\n");
    let mut out = Vec::new();
    status_line(&mut out, b"213 End\n");
    assert_eq!(out, b" 213 End?\r\n");
}
