//! Disks that don't answer: whoever is on one waits, and nobody else does.
//!
//! A FUSE file system whose process is stopped is such a disk: every call on it hangs until the
//! process goes on. So nothing is measured here, and nothing is left to luck: what is answered
//! meanwhile was not waiting for it.

use super::hanging_disk::{Disk, PLACES, Site};
use crate::common::client::reset;
use crate::common::program::Program;
use crate::common::{Client, Stream, TestServer, Way, random_bytes, wait_until};
use packetboat::PartialUploads;
use rustix::process::Signal;
use std::fs;
use std::io::{Read, Write};
use std::time::{Duration, Instant};

/// Waits until the client's transfer is with the disk.
fn is_away(site: &Site) {
    wait_until("the disk is waited for", || site.server.counts().away > 0);
}

/// Waits until threads that all hang are no longer taken for busy: only then is nobody who finds
/// another disk a little slow sent to queue behind them.
fn hanging_is_known() {
    let since = Instant::now();
    wait_until("it is known", || since.elapsed() > Duration::from_millis(1100));
}

#[test]
#[ignore = "needs root and bindfs: mounts a FUSE file system"]
fn names_on_a_disk_that_hangs() {
    for place in PLACES {
        let mut site = place();
        fs::write(site.behind("file"), "0123456789").unwrap();
        let mut client = site.server.client();
        let [file, folder, other, copy] =
            ["file", "folder", "other", "copy"].map(|name| site.path(name));
        for (code, line) in [
            (213, format!("SIZE {file}")),
            (213, format!("MDTM {file}")),
            (250, format!("MLST {file}")),
            (550, format!("SIZE {other}")),
            (257, format!("MKD {folder}")),
            (250, format!("CWD {folder}")),
            (250, "CWD /".to_owned()),
            (250, format!("RMD {folder}")),
            (250, format!("XCRC {file}")),
            (213, format!("HASH {file}")),
            (350, format!("SITE CPFR {file}")),
            (250, format!("SITE CPTO {copy}")),
            (350, format!("RNFR {copy}")),
            (250, format!("RNTO {other}")),
            (200, format!("SITE CHMOD 600 {other}")),
            (213, format!("MFMT 20200101000000 {other}")),
            (213, format!("STAT {file}")),
            (250, format!("COMB {other} {file}")),
            (550, format!("DELE {file}")),
            (250, format!("DELE {other}")),
        ] {
            let (actual, text) = site.hung(&mut client, &line);
            assert_eq!(actual, code, "{line} was answered: {actual} {text}");
        }
        assert!(fs::read_dir(site.behind("")).unwrap().all(|entry| {
            ["bulk", "copy"].contains(&entry.unwrap().file_name().to_str().unwrap())
        }));
    }
}

#[test]
#[ignore = "needs root and bindfs: mounts a FUSE file system"]
fn transfers_on_a_disk_that_hangs() {
    for place in PLACES {
        let mut site = place();
        let content = random_bytes(1, 3_000_000);
        fs::write(site.behind("file"), &content).unwrap();
        let mut client = site.server.client();
        let (file, new) = (site.path("file"), site.path("new"));

        // When it is opened, and in the middle.
        let mut data = client.extended_passive();
        assert_eq!(site.hung(&mut client, &format!("RETR {file}")).0, 150);
        let mut some = vec![0; 100_000];
        data.read_exact(&mut some).unwrap();
        site.disk.hang();
        site.others_go_on();
        site.disk.go_on();
        let rest = client.retrieve_rest(&mut data);
        assert!([some, rest].concat() == content);

        // When it is opened, in the middle, and when it is put under its name.
        let mut data = client.extended_passive();
        assert_eq!(site.hung(&mut client, &format!("STOR {new}")).0, 150);
        data.write_all(&content[..200_000]).unwrap();
        client.wait_for_bytes(200_000);
        site.disk.hang();
        data.write_all(&content[200_000..300_000]).unwrap();
        is_away(&site);
        site.others_go_on();
        site.disk.go_on();
        data.write_all(&content[300_000..]).unwrap();
        client.wait_for_bytes(content.len());
        site.disk.hang();
        drop(data);
        is_away(&site);
        site.others_go_on();
        site.disk.go_on();
        client.expect_reply(226);
        assert!(fs::read(site.behind("new")).unwrap() == content);

        // Text, packed text, and both ways.
        let text = b"one\r\ntwo\r\n".repeat(20_000);
        client.expect(200, "TYPE A");
        client.put(format!("STOR {new}"), &text, Way::Epsv);
        assert!(fs::read(site.behind("new")).unwrap() == b"one\ntwo\n".repeat(20_000));
        assert!(client.retrieve(&new, Way::Epsv) == text);
        client.expect(200, "MODE Z");
        let packed = client.retrieve(&new, Way::Epsv);
        client.put(format!("STOR {}", site.path("packed")), &packed, Way::Epsv);
        assert!(fs::read(site.behind("packed")).unwrap() == b"one\ntwo\n".repeat(20_000));
        client.expect(200, "MODE S");
        client.expect(200, "TYPE I");

        let mut data = client.extended_passive();
        let folder = if site.prefix.is_empty() { "/" } else { site.prefix };
        assert_eq!(site.hung(&mut client, &format!("MLSD {folder}")).0, 150);
        let listing = String::from_utf8(client.retrieve_rest(&mut data)).unwrap();
        for name in ["file", "new", "packed"] {
            assert!(listing.contains(&format!(" {name}\r\n")), "{listing}");
        }
    }
}

#[test]
#[ignore = "needs root and bindfs: mounts a FUSE file system"]
fn more_sessions_on_it_than_threads() {
    let mut site = Site::beneath();
    fs::write(site.behind("file"), "content").unwrap();
    let mut clients: Vec<Client> = (0..12).map(|_| site.server.client()).collect();
    site.disk.hang();
    clients.iter_mut().for_each(|client| client.send_line("SIZE disk/file"));
    wait_until("all of them wait", || site.server.counts().away == 12);
    hanging_is_known();
    site.others_go_on();
    assert!(!site.bystander.list("LIST").is_empty(), "a folder where it is mounted");
    site.disk.go_on();
    clients.iter_mut().for_each(|client| assert_eq!(client.expect_reply(213), "7"));
}

#[test]
#[ignore = "needs root and bindfs: mounts a FUSE file system"]
fn what_hangs_can_be_given_up() {
    let mut site = Site::beneath();
    let content = random_bytes(1, 100_000);
    fs::write(site.behind("file"), &content).unwrap();
    // More than the connection's buffers hold.
    fs::File::create(site.behind("large")).unwrap().set_len(100_000_000).unwrap();
    let mut client = site.server.client();

    let mut data = client.extended_passive();
    client.begin("RETR disk/large");
    data.read_exact(&mut [0; 1000]).unwrap();
    site.disk.hang();
    while site.server.counts().away == 0 {
        assert!(data.read(&mut [0; 1000]).unwrap() > 0);
    }
    client.send_line("ABOR");
    client.expect_reply(426);
    client.expect_reply(226);
    client.expect(200, "NOOP");
    // What is asked now is asked behind what was given up.
    client.send_line("SIZE disk/large");
    site.others_go_on();
    site.disk.go_on();
    assert_eq!(client.expect_reply(213), "100000000");

    let mut data = client.extended_passive();
    client.begin("STOR disk/part");
    data.write_all(&content).unwrap();
    client.wait_for_bytes(100_000);
    wait_until("it is stored", || site.server.counts().away == 0);
    site.disk.hang();
    client.send_line("ABOR");
    client.expect_reply(426);
    client.expect_reply(226);
    client.send_line("SIZE disk/part");
    site.others_go_on();
    site.disk.go_on();
    assert_eq!(client.expect_reply(213), "100000");
    assert!(fs::read(site.behind("part")).unwrap() == content);

    site.disk.hang();
    client.send_line("XSHA256 disk/file");
    client.send_line("ABOR");
    client.expect_reply(426);
    client.expect_reply(226);
    client.expect(200, "NOOP");
    site.disk.go_on();
    client.expect(250, "XSHA256 disk/file");
}

/// The server's own check at the end sees that nothing is left.
#[test]
#[ignore = "needs root and bindfs: mounts a FUSE file system"]
fn who_leaves_while_it_hangs_leaves_nothing() {
    for keep in [PartialUploads::Keep, PartialUploads::Discard] {
        let server = TestServer::with(|config| config.partial_uploads = keep);
        let disk = Disk::mount(&server.outside("behind"), &server.path("disk"));
        let bystander = server.client();
        let mut site = Site::new(server, disk, bystander, "disk/");
        fs::write(site.behind("file"), random_bytes(1, 3_000_000)).unwrap();
        let leave: [fn(Client); 2] = [drop, Client::reset];
        for (number, leave) in leave.into_iter().enumerate() {
            let mut clients: Vec<Client> = (0..5).map(|_| site.server.client()).collect();
            let mut streams: Vec<Stream> =
                clients[..4].iter_mut().map(Client::extended_passive).collect();
            clients[0].begin(format!("STOR disk/part{number}"));
            streams[0].write_all(b"a part").unwrap();
            clients[0].wait_for_bytes(6);
            clients[1].begin("RETR disk/file");
            wait_until("it is stored", || site.server.counts().away == 0);
            site.disk.hang();
            for (client, line) in
                clients[2..].iter_mut().zip(["LIST disk", "STOR disk/other", "DELE disk/other"])
            {
                client.send_line(line);
            }
            hanging_is_known();
            clients.into_iter().for_each(leave);
            site.others_go_on();
            streams.into_iter().for_each(reset);
            site.others_go_on();
            site.disk.go_on();
            wait_until("all is cleared away", || {
                let counts = site.server.counts();
                (counts.away, counts.sessions) == (0, 1)
            });
            let part = fs::read(site.behind(&format!("part{number}"))).ok();
            let kept = (keep == PartialUploads::Keep).then(|| b"a part".to_vec());
            assert_eq!(part, kept);
        }
    }
}

/// The session of a client that had left lasted as long as the disk hung.
#[test]
#[ignore = "needs root and bindfs: mounts a FUSE file system"]
fn who_has_left_does_not_wait_for_it() {
    let server = TestServer::with(|config| config.data_timeout = Duration::from_secs(1));
    let disk = Disk::mount(&server.outside("behind"), &server.path("disk"));
    let bystander = server.client();
    let mut site = Site::new(server, disk, bystander, "disk/");
    let mut client = site.server.client();
    site.disk.hang();
    client.send_line("SIZE disk/file");
    is_away(&site);
    drop(client);
    wait_until("its session ends", || site.server.counts().sessions == 1);
    site.others_go_on();
    site.disk.go_on();
}

#[test]
#[ignore = "needs root and bindfs: mounts a FUSE file system"]
fn sigterm_does_not_wait_for_retr_and_dele_on_a_disk_that_hangs() {
    let folder = tempfile::tempdir().unwrap();
    let served = folder.path().join("served");
    let disk = Disk::mount(&folder.path().join("behind"), &served.join("disk"));
    fs::write(folder.path().join("behind/file"), "content").unwrap();
    let program = Program::start("", &[served.to_str().unwrap()]);
    let (mut client, mut other) = (program.client(), program.client());
    let _data = client.extended_passive();
    disk.hang();
    client.send_line("RETR disk/file");
    other.send_line("DELE disk/file");
    program.signal(Signal::TERM);
    program.signal(Signal::TERM);
    assert!(program.wait().success());
}
