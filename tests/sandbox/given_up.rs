//! Threads of the running program, as the kernel sees them.

use super::{Site, refusal};
use crate::common::{Way, user, wait_until};
use rustix::process::Signal;
use std::fs;

/// Capabilities for the files of all users: CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER, FSETID.
const FOR_FILES: u64 = 0x1f;

#[test]
fn every_thread_is_confined_that_of_the_log_too() {
    let site = Site::start(&["-l", "127.0.0.1:0"]);
    assert!(site.program.fact("Sandbox: ").contains("Landlock (ABI "));
    let mut client = site.program.client();
    client.store("file", "content", Way::Epsv);
    assert!(site.status("NoNewPrivs").len() > 1, "a log in a file has a thread");
    for (line, wanted) in [("NoNewPrivs", "1"), ("Seccomp", "2"), ("CapInh", "0000000000000000")] {
        assert!(site.status(line).iter().all(|found| found == wanted), "{line}");
    }
    for line in ["CapPrm", "CapEff"] {
        let sets = site.status(line);
        let sets = sets.iter().map(|set| u64::from_str_radix(set, 16).unwrap());
        assert!(sets.clone().all(|set| set & !FOR_FILES == 0), "{line}");
    }
    assert_eq!(site.log().matches("a gap").count(), 0, "{}", site.log());
}

#[test]
fn the_sandbox_can_be_switched_off() {
    let site = Site::start(&["-l", "127.0.0.1:0", "--sandbox", "off"]);
    assert_eq!(site.program.fact("Sandbox"), "Sandbox: none");
    assert!(site.status("Seccomp").iter().all(|found| found == "0"));
    assert!(site.status("NoNewPrivs").iter().all(|found| found == "0"));
    assert!(refusal(&["--sandbox", "maybe"].map(|word| word)).contains("best, required, off"));
}

/// The users file is replaced by each change, and a certificate by each renewal.
#[test]
fn a_users_file_that_is_replaced_is_read_again() {
    // The folder of a new user lies beside what is served.
    users_file_is_read_again("best");
    users_file_is_read_again("required");
}

fn users_file_is_read_again(sandbox: &str) {
    let folder = super::folder();
    let users = folder.path().join("etc/users.toml");
    fs::create_dir(folder.path().join("etc")).unwrap();
    fs::write(&users, user("alice", "write")).unwrap();
    let site = Site::in_folder(
        folder,
        &["-l", "127.0.0.1:0", "--users", "~/etc/users.toml", "--sandbox", sandbox],
    );
    let home = site.folder.path().join("home");
    fs::create_dir(&home).unwrap();
    let new = user("bob", "write") + &format!("root = \"{}\"\n", home.display());
    fs::write(site.folder.path().join("etc/new"), user("alice", "write") + &new).unwrap();
    fs::rename(site.folder.path().join("etc/new"), &users).unwrap();
    let login = |name: &str| {
        let mut client = crate::common::Client::connect(site.program.address());
        client.expect(331, format!("USER {name}"));
        client.command("PASS secret").0
    };
    assert_eq!(login("alice"), 230);
    if sandbox == "best" {
        return assert_eq!(login("bob"), 230);
    }
    // A root that was not there at the start: the log says what is to be done.
    assert_eq!(login("bob"), 530);
    wait_until("the log tells of the root", || {
        let told = format!("the root {} of bob was not there at the start", home.display());
        site.log().contains(&told) && site.log().contains("beyond the sandbox: restart")
    });
    site.program.signal(Signal::HUP);
    wait_until("it is reloaded", || site.log().contains("reloaded"));
}
