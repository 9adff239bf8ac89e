//! Kernels that lack something, as a filter of system calls makes one: what is there and what is not, the
//! program and a server inherit from the thread that starts them.

use super::{Site, refusal};
use crate::common::{TestServer, Way};
use nix::libc;
use seccompiler::{SeccompAction, SeccompFilter, apply_filter};
use std::thread;

/// Does something on a thread to which the kernel lacks these calls.
fn without(calls: &[i64], act: impl FnOnce() + Send) {
    let rules = calls.iter().map(|call| (*call, Vec::new())).collect();
    let lacking = SeccompAction::Errno(libc::ENOSYS.cast_unsigned());
    let processor = std::env::consts::ARCH.try_into().unwrap();
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, lacking, processor).unwrap();
    let program: seccompiler::BpfProgram = filter.try_into().unwrap();
    thread::scope(|scope| {
        let inside = || {
            apply_filter(&program).unwrap();
            act()
        };
        scope.spawn(inside).join().unwrap();
    });
}

#[test]
fn without_landlock_the_best_is_told_and_what_is_required_is_missed() {
    without(&[libc::SYS_landlock_create_ruleset], || {
        let site = Site::start(&["-l", "127.0.0.1:0"]);
        let held = site.program.fact("Sandbox: ");
        assert!(held.contains("seccomp") && !held.contains("Landlock"), "{held}");
        assert!(site.log().contains("the sandbox has a gap: Landlock"), "{}", site.log());
        site.program.client().store("file", "content", Way::Epsv);
        let said = refusal(&["-l", "127.0.0.1:0", "--sandbox", "required"]);
        assert!(said.contains("--sandbox required: Landlock"), "{said}");
    });
}

#[test]
fn without_openat2_the_program_serves_and_names_the_cause() {
    without(&[libc::SYS_openat2], || {
        let site = Site::start(&["-l", "127.0.0.1:0"]);
        assert!(site.log().contains("openat2 is blocked, as by systemd's"), "{}", site.log());
        let mut client = site.program.client();
        client.store("file", "content", Way::Epsv);
        assert_eq!(client.retrieve("file", Way::Epsv), b"content");
    });
}

/// Each kind of work on files, by the resolver that goes step by step.
#[test]
fn without_openat2_all_work_on_files_goes_on() {
    without(&[libc::SYS_openat2], || {
        let server = TestServer::start();
        server.write("file", "content");
        std::fs::create_dir(server.path("folder")).unwrap();
        std::os::unix::fs::symlink("/folder/../file", server.path("link")).unwrap();
        let mut client = server.client();
        assert_eq!(client.retrieve("link", Way::Epsv), b"content");
        client.expect(257, "MKD folder/inner");
        client.expect(250, "CWD folder/inner");
        client.store("new", "new", Way::Pasv);
        client.store("new", "replaced", Way::Pasv);
        client.expect(350, "RNFR new");
        client.expect(250, "RNTO /moved");
        client.expect(550, "SIZE ../../../../etc/passwd");
        client.expect(213, "MFMT 20200101000000 /moved");
        client.expect(250, "RMD /folder/inner");
        client.expect(250, "DELE /link");
        assert_eq!(server.names(), ["file", "folder", "moved"]);
        assert_eq!(server.read("moved"), b"replaced");
    });
}
