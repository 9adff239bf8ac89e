//! A disk that can be stopped in mid-call, and a server that serves it.

use crate::common::{Client, TestServer, Way, random_bytes, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

/// A folder seen through FUSE, as long as this lives.
pub struct Disk {
    child: Child,
    folder: PathBuf,
}

impl Disk {
    pub fn mount(behind: &Path, folder: &Path) -> Disk {
        fs::create_dir_all(behind).unwrap();
        fs::create_dir_all(folder).unwrap();
        let device = || fs::metadata(folder).unwrap().dev();
        let before = device();
        let child = Command::new("bindfs").arg("-f").args([behind, folder]).spawn();
        let disk = Disk { child: child.expect("bindfs"), folder: folder.to_owned() };
        wait_until("it is mounted", || device() != before);
        disk
    }

    /// From now on every call on it hangs.
    pub fn hang(&self) {
        self.signal(Signal::STOP);
        let threads = format!("/proc/{}/task", self.child.id());
        let stopped = |thread: fs::DirEntry| {
            let stat = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
            stat.contains(") T ")
        };
        wait_until("it has stopped", || {
            fs::read_dir(&threads).unwrap().map(Result::unwrap).all(stopped)
        });
    }

    pub fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.go_on();
        // Lazily: the server may hold a file for a moment longer.
        let done = Command::new("umount").arg("-l").arg(&self.folder).status();
        assert!(std::thread::panicking() || done.unwrap().success());
        // It would end by itself only when the server has let go of the root.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server with a disk that can hang, and somebody who has nothing to do with it.
pub struct Site {
    /// What stands before the name of a file on the disk.
    pub prefix: &'static str,
    pub disk: Disk,
    pub bystander: Client,
    pub bulk: Vec<u8>,
    pub server: TestServer,
}

/// Where a disk can be.
pub const PLACES: [fn() -> Site; 2] = [Site::beneath, Site::all];

impl Site {
    /// The disk is mounted beneath a folder that is served.
    pub fn beneath() -> Site {
        let server = TestServer::start();
        let disk = Disk::mount(&server.outside("behind"), &server.path("disk"));
        let bystander = server.client();
        Site::new(server, disk, bystander, "disk/")
    }

    /// The disk is what is served, save for a user with another root.
    pub fn all() -> Site {
        let mut disk = None;
        let server = TestServer::with_users(|config| {
            disk = Some(Disk::mount(&config.root.with_file_name("behind"), &config.root));
        });
        let fast = server.outside("fast");
        fs::create_dir(&fast).unwrap();
        let mut users = OpenOptions::new().append(true).open(server.outside("users.toml")).unwrap();
        let user = crate::common::user("fast", "write");
        writeln!(users, "{user}root = {:?}", fast.to_str().unwrap()).unwrap();
        let mut bystander = server.connect();
        bystander.login_as("fast", "secret");
        Site::new(server, disk.unwrap(), bystander, "")
    }

    pub fn new(
        server: TestServer,
        disk: Disk,
        mut bystander: Client,
        prefix: &'static str,
    ) -> Site {
        let bulk = random_bytes(7, 1_000_000);
        bystander.store("bulk", &bulk, Way::Epsv);
        Site { prefix, disk, bystander, bulk, server }
    }

    pub fn path(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// A file on the disk, as it is without FUSE.
    pub fn behind(&self, name: &str) -> PathBuf {
        self.server.outside("behind").join(name)
    }

    /// What the others do all the time.
    #[track_caller]
    pub fn others_go_on(&mut self) {
        let bystander = &mut self.bystander;
        for _ in 0..50 {
            bystander.expect(200, "NOOP");
        }
        assert!(bystander.retrieve("bulk", Way::Epsv) == self.bulk);
        bystander.store("copy", &self.bulk, Way::Epsv);
        assert!(!bystander.list("LIST bulk").is_empty());
        bystander.expect(250, "DELE copy");
        self.server.client().expect(200, "NOOP");
    }

    /// Says a line while the disk hangs, and has the others go on before it is answered.
    #[track_caller]
    pub fn hung(&mut self, client: &mut Client, line: &str) -> (u16, String) {
        self.disk.hang();
        client.send_line(line);
        self.others_go_on();
        self.disk.go_on();
        client.reply()
    }
}
