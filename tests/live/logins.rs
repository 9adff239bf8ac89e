//! Who may come in, and how those fare who may not.

use crate::common::{Client, TestServer, Way, user, wait_until};
use packetboat::Anonymous;
use packetboat::program::edit_users_file;
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::thread;
use std::time::{Duration, Instant};

/// Changes the users file as `packetboat user add` does.
fn add_user(server: &TestServer, table: &str) {
    edit_users_file(&server.outside("users.toml"), |old| Ok(format!("{old}{table}"))).unwrap();
}

#[test]
fn user_logs_in_with_the_right_pass_and_with_no_other() {
    let server = TestServer::with_users(|_| {});
    server.write("file", "content");
    let mut client = server.connect();
    client.expect(331, "USER reader");
    client.expect(530, "PASS wrong");
    client.expect(530, "RETR file");
    client.login_as("reader", "secret");
    assert_eq!(client.retrieve("file", Way::Epsv), b"content");
}

#[test]
fn a_read_user_changes_nothing() {
    let server = TestServer::with_users(|_| {});
    server.write("file", "content");
    fs::create_dir(server.path("folder")).unwrap();
    let mut client = server.connect();
    client.login_as("reader", "secret");
    let data = client.extended_passive();
    for line in [
        "STOR file",
        "STOR new",
        "APPE file",
        "STOU",
        "DELE file",
        "MKD new",
        "XMKD new",
        "RMD folder",
        "XRMD folder",
        "RNFR file",
        "RNTO new",
    ] {
        client.expect(550, line);
    }
    drop(data);
    assert_eq!(client.list("NLST"), [&b"file"[..], b"folder"]);
    assert_eq!(client.retrieve("file", Way::Eprt), b"content");
    assert_eq!(server.names(), ["file", "folder"]);
    assert_eq!(server.read("file"), b"content");
}

#[test]
fn a_write_user_changes_what_they_like() {
    let server = TestServer::with_users(|_| {});
    let mut client = server.connect();
    client.login_as("writer", "secret");
    client.store("file", "content", Way::Epsv);
    client.put("APPE file", ", more", Way::Epsv);
    client.expect(257, "MKD folder");
    client.expect(350, "RNFR file");
    client.expect(250, "RNTO folder/file");
    assert_eq!(server.read("folder/file"), b"content, more");
    client.expect(250, "DELE folder/file");
    client.expect(250, "RMD folder");
    assert!(server.names().is_empty());
}

#[test]
fn names_of_users_can_not_be_probed_by_user_and_pass() {
    let server = TestServer::with_users(|config| config.anonymous = Some(Anonymous::Off));
    let names = ["reader", "nobody", "READER", "anonymous", "ftp", "reader "];
    let answers: Vec<_> = (1..)
        .zip(names)
        .map(|(number, name)| {
            // Each from an address of its own: the delays of one address add up.
            let mut client = Client::connect_from([127, 0, 2, number].into(), server.v4());
            [client.command(format!("USER {name}")), client.command("PASS wrong")]
        })
        .collect();
    assert_eq!([answers[0][0].0, answers[0][1].0], [331, 530]);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

#[test]
fn the_answer_to_a_wrong_pass_comes_later_with_each_and_the_third_closes() {
    let server = TestServer::with_users(|_| {});
    let mut client = server.connect();
    let mut delays = Vec::new();
    for code in [530, 530, 421] {
        client.expect(331, "USER reader");
        let asked = Instant::now();
        client.expect(code, "PASS wrong");
        delays.push(asked.elapsed());
    }
    client.expect_close();
    // Lower bounds only: how long a delay becomes on a busy machine is no matter.
    assert!(delays[0] >= Duration::from_millis(250), "{delays:?}");
    assert!(delays[1] >= Duration::from_millis(500), "{delays:?}");
    assert!(delays[2] >= Duration::from_millis(1000), "{delays:?}");
}

#[test]
fn the_delay_of_a_wrong_pass_is_of_the_address_and_outlives_the_session() {
    let server = TestServer::with_users(|_| {});
    for least in [250, 500] {
        let mut client = server.connect();
        client.expect(331, "USER reader");
        let asked = Instant::now();
        client.expect(530, "PASS wrong");
        assert!(asked.elapsed() >= Duration::from_millis(least));
    }
}

#[test]
fn a_client_that_leaves_in_the_delay_of_a_wrong_pass_leaves_nothing() {
    let server = TestServer::with_users(|_| {});
    for end in [drop, Client::reset] {
        let mut client = server.connect();
        client.expect(331, "USER reader");
        client.send_line("PASS wrong");
        end(client);
    }
    wait_until("both are gone", || server.counts().sessions == 0);
}

#[test]
fn what_follows_pass_waits_for_its_verdict() {
    let server = TestServer::with_users(|_| {});
    let mut client = server.connect();
    client.send("USER reader\r\nPASS secret\r\nPWD\r\nUSER reader\r\nPASS wrong\r\nPWD\r\n");
    for code in [331, 230, 257, 331, 530, 530] {
        client.expect_reply(code);
    }
}

#[test]
fn a_user_who_is_added_logs_in_at_once() {
    let server = TestServer::with_users(|_| {});
    let mut client = server.connect();
    client.expect(331, "USER late");
    client.expect(530, "PASS secret");
    add_user(&server, &user("late", "write"));
    client.login_as("late", "secret");
    client.expect(257, "MKD made");
}

#[test]
fn a_users_file_that_goes_bad_locks_nobody_out() {
    let server = TestServer::with_users(|_| {});
    server.client();
    fs::write(server.outside("users.toml"), "[users.reader\n").unwrap();
    server.connect().login_as("reader", "secret");
    fs::remove_file(server.outside("users.toml")).unwrap();
    server.connect().login_as("reader", "secret");
}

#[test]
fn a_user_with_a_root_of_their_own_sees_nothing_else() {
    let server = TestServer::with_users(|_| {});
    server.write("shared", "for all");
    let home = server.outside("home");
    fs::create_dir(&home).unwrap();
    fs::write(home.join("own"), "mine").unwrap();
    let root = format!("root = {:?}\n", home.to_str().unwrap());
    add_user(&server, &(user("homed", "write") + &root));
    let mut client = server.connect();
    client.login_as("homed", "secret");
    assert_eq!(client.list("NLST"), [b"own"]);
    assert_eq!(client.retrieve("/own", Way::Epsv), b"mine");
    client.expect(550, "SIZE ../served/shared");
    client.store("new", "content", Way::Epsv);
    assert!(home.join("new").exists());
    client.login(); // another user on the same connection is somewhere else
    assert_eq!(client.list("NLST"), [b"shared"]);
}

#[test]
fn a_root_that_is_missing_is_no_way_in() {
    let server = TestServer::with_users(|_| {});
    add_user(&server, &(user("homeless", "write") + "root = \"/nowhere/at/all\"\n"));
    let begun = Instant::now();
    for _ in 0..6 {
        let mut client = server.connect();
        client.expect(331, "USER homeless");
        client.expect(530, "PASS secret");
        client.expect(530, "PWD");
    }
    // As wrong passwords they would have been answered after 15 seconds.
    assert!(begun.elapsed() < Duration::from_secs(10), "the user pays for the server's trouble");
}

#[test]
fn user_and_rein_end_the_login_before() {
    let server = TestServer::with_users(|_| {});
    fs::create_dir(server.path("folder")).unwrap();
    for line in ["USER reader", "REIN"] {
        let mut client = server.client();
        client.expect(250, "CWD folder");
        client.expect(200, "TYPE A");
        match line {
            "REIN" => client.reinitialise(),
            user => drop(client.expect(331, user)),
        }
        client.expect(530, "PWD");
        client.login_as("reader", "secret");
        assert!(client.expect(257, "PWD").starts_with("\"/\""));
        assert!(client.expect(211, "STAT").contains("TYPE: Binary"));
    }
}

#[test]
fn anonymous_off_and_read_are_heeded() {
    let server = TestServer::with(|config| config.anonymous = Some(Anonymous::Read));
    server.write("file", "content");
    let mut client = server.client();
    assert_eq!(client.retrieve("file", Way::Epsv), b"content");
    client.expect(550, "STOR file");
    drop((client, server));
    let server = TestServer::with(|config| config.anonymous = Some(Anonymous::Off));
    let mut client = server.connect();
    client.expect(331, "USER anonymous");
    client.expect(530, "PASS guest@");
}

#[test]
fn user_pass_and_acct_out_of_turn() {
    let server = TestServer::start();
    let mut client = server.connect();
    client.expect(503, "PASS secret");
    client.expect(501, "USER");
    client.login();
    client.expect(503, "PASS secret");
    client.expect(202, "ACCT some");
}

/// Each client has an address of its own, so that the delays of wrong passwords don't add up.
#[test]
fn a_storm_of_logins_stops_neither_a_retr_nor_a_noop() {
    let server = TestServer::with_users(|_| {});
    // One hash at its real cost among the cheap ones keeps the worker busy.
    let costly = packetboat::StoredPassword::hash(b"secret").unwrap();
    add_user(&server, &format!("[users.costly]\npassword = \"{}\"\n", costly.as_str()));
    server.write_zeros("endless", 1 << 40);
    let (mut reader, mut other) = (server.client(), server.client());
    let mut data = reader.extended_passive();
    reader.begin("RETR endless");
    let address = server.v4();
    let storm: Vec<_> =
        (0..30_u8).map(|number| thread::spawn(move || log_in(address, number))).collect();
    while storm.iter().any(|login| !login.is_finished()) {
        other.expect_alive();
        data.read_exact(&mut [0; 4096]).unwrap();
    }
    for login in storm {
        login.join().unwrap();
    }
    drop(data);
    reader.expect_reply(426);
}

fn log_in(server: SocketAddr, number: u8) {
    let from = Ipv4Addr::new(127, 0, 1, number + 1);
    let mut client = Client::connect_from(from.into(), server);
    let (name, password, code) = match number % 3 {
        0 => ("reader", "secret", 230),
        1 => ("writer", "wrong", 530),
        _ if number < 6 => ("costly", "secret", 230),
        _ => ("reader", "wrong", 530),
    };
    client.expect(331, format!("USER {name}"));
    client.expect(code, format!("PASS {password}"));
}

/// The verdict of a session that is gone must not reach the one that has its place.
#[test]
fn a_verdict_on_pass_that_comes_late_is_nobodys() {
    let server = TestServer::with_users(|_| {});
    let costly = packetboat::StoredPassword::hash(b"secret").unwrap();
    add_user(&server, &format!("[users.costly]\npassword = \"{}\"\n", costly.as_str()));
    let mut leaver = server.connect();
    leaver.expect(331, "USER costly");
    leaver.stream.write_all(b"PASS secret\r\n").unwrap();
    leaver.reset();
    let mut client = server.connect();
    client.expect(331, "USER costly");
    client.expect(530, "PASS wrong");
    client.expect(530, "PWD");
}

/// One address had all places of the queue, and everybody else was turned away.
#[test]
fn a_flood_of_logins_from_one_address_leaves_room_for_others() {
    let server = TestServer::with_users(|_| {});
    let from = || Client::connect_from([127, 0, 0, 2].into(), server.v4());
    let mut flood: Vec<_> = (0..100).map(|_| from()).collect();
    for client in &mut flood {
        client.expect(331, "USER nobody");
        client.send_line("PASS guess");
    }
    flood.remove(99).expect_reply(421);
    server.connect().login_as("reader", "secret");
    flood.into_iter().for_each(Client::reset);
}

/// What was mounted or made in place of the served folder was not seen until a restart.
#[test]
fn a_folder_made_anew_is_what_new_sessions_see() {
    let server = TestServer::with_users(|_| {});
    fs::create_dir(server.path("home")).unwrap();
    let home = server.path("home");
    let homely = user("homely", "write");
    add_user(
        &server,
        &format!(
            "{homely}root = {home:?}
"
        ),
    );
    for (name, folder) in [("reader", server.path("")), ("homely", home)] {
        let log_in = || {
            let mut client = server.connect();
            client.login_as(name, "secret");
            client
        };
        fs::write(folder.join("file"), "old").unwrap();
        let mut earlier = log_in();
        fs::rename(&folder, server.outside("old")).unwrap();
        server.connect().expect(331, format!("USER {name}"));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("file"), "new").unwrap();
        assert_eq!(log_in().retrieve("file", Way::Epsv), b"new", "{name}");
        assert_eq!(earlier.retrieve("file", Way::Epsv), b"old", "{name}");
        fs::remove_dir_all(&folder).unwrap();
        fs::rename(server.outside("old"), &folder).unwrap();
    }
}
