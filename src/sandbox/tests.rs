//! Attempts to leave the sandbox, each on a thread of its own that entered it.

use super::*;
use crate::config::Users;
use crate::fs::{NewFile, Refusal, Resolver, Root, RootPath, UploadMode};
use crate::proto::path::VPath;
use crate::users::PartialUploads;
use rustix::process::{Signal, getpid, kill_process};
use std::fs;
use std::io::ErrorKind::{PermissionDenied, Unsupported};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

/// `served/` in the sandbox, with the settings in `etc/` to be read; `outside/secret` is not.
struct Site {
    folder: tempfile::TempDir,
    config: Config,
}

impl Site {
    fn new() -> Site {
        let folder = tempfile::tempdir().unwrap();
        for name in ["served", "served/a", "served/b", "etc", "outside"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        fs::write(folder.path().join("outside/secret"), "secret").unwrap();
        fs::write(folder.path().join("etc/users"), "").unwrap();
        let mut config = Config::new(folder.path().join("served"));
        config.users = Some(folder.path().join("etc/users"));
        Site { folder, config }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn root(&self) -> Root {
        RootPath::Server(self.path("served")).open().unwrap()
    }

    /// Does something on a thread that is in the sandbox.
    fn within<T: Send>(&self, act: impl FnOnce() -> T + Send) -> T {
        let confinement = Confinement { user: None, sandbox: Sandbox::Required };
        let boundary = Boundary::of(&self.config, &confinement, None).unwrap();
        std::thread::scope(|scope| {
            let inside = || {
                confine(&confinement, &self.config, &boundary).unwrap();
                act()
            };
            scope.spawn(inside).join().unwrap()
        })
    }
}

fn v(path: &str) -> VPath {
    VPath::root().join(path.as_bytes())
}

fn upload(root: &Root, name: &str) -> Result<(), Refusal> {
    let (mode, keep) = (UploadMode::Replace, PartialUploads::Keep);
    let mut upload = root.upload(&v(name), mode, keep, NewFile::default())?;
    upload.begin()?;
    upload.write(b"stored")?;
    upload.finish()
}

#[test]
fn a_bug_in_the_lookup_of_names_reads_and_writes_nothing_outside() {
    let site = Site::new();
    let root = site.root().by(Resolver::Planted);
    assert_eq!(root.download(&v("outside/secret"), 0).map(|file| file.size()), Ok(6));
    site.within(|| {
        assert_eq!(root.download(&v("outside/secret"), 0).unwrap_err(), Refusal::Denied);
        assert_eq!(root.dir(&v("outside")).unwrap_err(), Refusal::Denied);
        assert_eq!(upload(&root, "outside/new"), Err(Refusal::Denied));
        assert_eq!(root.make_dir(&v("outside/new"), None), Err(Refusal::Denied));
        assert_eq!(root.remove_file(&v("outside/secret")), Err(Refusal::Denied));
        let (from, to) = (v("outside/secret"), v("served/secret"));
        assert!(root.rename(&from, &to).is_err());
        assert_eq!(root.download(&v("etc/users"), 0).map(|file| file.size()), Ok(0));
        assert_eq!(upload(&root, "etc/users"), Err(Refusal::Denied));
    });
}

#[test]
fn within_the_sandbox_files_are_served_as_ever() {
    let site = Site::new();
    for root in [site.root(), site.root().by(Resolver::Steps)] {
        site.within(|| {
            for _ in ["new", "replaced"] {
                assert_eq!(upload(&root, "a/file"), Ok(()));
            }
            assert_eq!(root.rename(&v("a/file"), &v("b/file")), Ok(()));
            assert_eq!(root.download(&v("b/file"), 0).map(|file| file.size()), Ok(6));
            assert_eq!(root.set_modified(&v("b/file"), 0), Ok(()));
            assert_eq!(root.make_dir(&v("c"), None), Ok(()));
            assert_eq!(root.rename(&v("c"), &v("a/c")), Ok(()));
            assert_eq!(root.remove_dir(&v("a/c")), Ok(()));
            assert_eq!(root.remove_file(&v("b/file")), Ok(()));
            assert_eq!(Users::open(&site.config).map(|users| users.all().count()).ok(), Some(0));
        });
    }
}

#[test]
fn no_other_file_of_the_machine_can_be_opened() {
    let site = Site::new();
    site.within(|| {
        for path in ["/etc/passwd", "/proc/self/environ", "/proc/self/exe", "/dev/null"] {
            assert_eq!(fs::read(path).unwrap_err().kind(), PermissionDenied, "{path}");
        }
        assert_eq!(fs::read_dir("/").unwrap_err().kind(), PermissionDenied);
        assert_eq!(fs::read_dir(site.path("etc")).unwrap_err().kind(), PermissionDenied);
        let new = fs::write(site.path("etc/new"), "");
        assert_eq!(new.unwrap_err().kind(), PermissionDenied);
    });
}

/// A new process would have been `true`, and a call that works here is one that works for an intruder.
#[test]
fn programs_tracing_signals_and_other_sockets_are_refused() {
    let site = Site::new();
    site.within(|| {
        let started = std::process::Command::new("/bin/true").spawn();
        assert_eq!(started.unwrap_err().kind(), Unsupported);
        assert_eq!(nix::sys::ptrace::traceme(), Err(nix::errno::Errno::ENOSYS));
        assert_eq!(kill_process(getpid(), Signal::URG), Err(rustix::io::Errno::NOSYS));
        for (kind, name) in [(nix::libc::SOCK_RAW, "raw"), (nix::libc::SOCK_DGRAM, "datagram")] {
            let socket = socket2::Socket::new(socket2::Domain::IPV4, kind.into(), None);
            assert_eq!(socket.unwrap_err().kind(), Unsupported, "{name}");
        }
        assert_eq!(UdpSocket::bind("127.0.0.1:0").unwrap_err().kind(), Unsupported);
        assert_eq!(UnixStream::connect("/run/x").unwrap_err().kind(), Unsupported);
        // Threads and TCP go on, and a thread is within the sandbox as well.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let read = std::thread::spawn(|| fs::read("/etc/passwd")).join().unwrap();
        assert_eq!(read.unwrap_err().kind(), PermissionDenied);
    });
}

#[test]
fn ports_beside_those_of_the_command_line_are_shut() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    drop(taken);
    let mut site = Site::new();
    site.config.passive_ports = Some(1024..=1025);
    if !files::keeps_ports() {
        return eprintln!("this kernel keeps no ports");
    }
    let bound = site.within(|| TcpListener::bind(("127.0.0.1", port)).map(drop));
    assert_eq!(bound.unwrap_err().kind(), PermissionDenied);
    site.config.passive_ports = Some(port..=port);
    site.within(|| TcpListener::bind(("127.0.0.1", port)).map(drop)).unwrap();
    site.config.passive_ports = None;
    site.within(|| TcpListener::bind(("127.0.0.1", port)).map(drop)).unwrap();
}

#[test]
fn a_reload_that_wants_more_than_the_sandbox_has_is_told_so() {
    let site = Site::new();
    let confinement = Confinement { user: None, sandbox: Sandbox::Required };
    let boundary = Boundary::of(&site.config, &confinement, None).unwrap();
    let wanting = |change: &dyn Fn(&mut Config)| {
        let mut config = site.config.clone();
        change(&mut config);
        boundary.around_new(config).map(|config| config.reach.is_some())
    };
    assert_eq!(wanting(&|_| {}), Ok(true));
    assert_eq!(wanting(&|config| config.root = site.path("served/a")), Ok(true));
    assert_eq!(wanting(&|config| config.users = Some(site.path("etc/other"))), Ok(true));
    for said in [
        wanting(&|config| config.root = site.path("outside")),
        wanting(&|config| config.root = site.path("missing")),
        wanting(&|config| config.users = Some(site.path("outside/users"))),
    ] {
        let said = said.unwrap_err();
        assert!(said.contains("is beyond the sandbox") && said.ends_with("restart"), "{said}");
    }
    let off = Confinement { user: None, sandbox: Sandbox::Off };
    let boundary = Boundary::of(&site.config, &off, None).unwrap();
    assert!(boundary.around_new(Config::new("/elsewhere")).is_ok());
}
