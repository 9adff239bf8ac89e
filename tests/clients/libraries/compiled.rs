//! Libraries of languages with a compiler, all from Debian: Apache Commons Net (Java),
//! jlaffaye/ftp (Go) and Mono's FtpWebRequest (C#).

use super::course::{Course, Security};
use super::packages::run;
use super::script;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

/// A program that `compile` makes under this name.
fn compiled(name: &str, compile: impl FnOnce(&str)) -> String {
    let program = format!("{}/{name}", env!("CARGO_TARGET_TMPDIR"));
    compile(&program);
    program
}

fn commons_net(course: Course) {
    let jar = "/usr/share/java/commons-net.jar";
    assert!(Path::new(jar).exists(), "this test needs libcommons-net-java: no {jar}");
    course.walk("java", &["-cp", jar, script!("commons_net.java")]);
}

#[test]
#[ignore = "needs java and libcommons-net-java"]
fn commons_net_in_clear() {
    commons_net(Course::new(Security::Clear).with_large_file());
    commons_net(Course::new(Security::Clear).active());
    commons_net(Course::new(Security::Clear).on_v6());
    commons_net(Course::new(Security::Clear).on_v6().active());
}

#[test]
#[ignore = "needs java and libcommons-net-java"]
fn commons_net_under_tls() {
    commons_net(Course::new(Security::Explicit).with_large_file());
    commons_net(Course::new(Security::Explicit).on_two_ports());
    commons_net(Course::new(Security::Explicit).active());
    commons_net(Course::new(Security::Implicit));
}

fn jlaffaye(course: Course) {
    static PROGRAM: LazyLock<String> = LazyLock::new(|| {
        let debian = [("GO111MODULE", "off"), ("GOPATH", "/usr/share/gocode")];
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("go-cache");
        compiled("jlaffaye", |program| {
            let words = ["build", "-o", program, script!("jlaffaye.go")];
            run(Command::new("go").args(words).envs(debian).env("GOCACHE", cache));
        })
    });
    course.walk(&PROGRAM, &[]);
}

#[test]
#[ignore = "needs go and golang-github-jlaffaye-ftp-dev"]
fn jlaffaye_in_clear() {
    jlaffaye(Course::new(Security::Clear).with_tree().with_large_file());
    jlaffaye(Course::new(Security::Clear).with_tree().on_v6());
}

#[test]
#[ignore = "needs go and golang-github-jlaffaye-ftp-dev"]
fn jlaffaye_under_tls() {
    jlaffaye(Course::new(Security::Explicit).with_tree().with_large_file());
    jlaffaye(Course::new(Security::Implicit).with_tree());
}

fn ftp_web_request(course: Course) {
    static PROGRAM: LazyLock<String> = LazyLock::new(|| {
        compiled("ftp_web_request.exe", |program| {
            let out = format!("-out:{program}");
            run(Command::new("mcs").args([&out, script!("ftp_web_request.cs")]));
        })
    });
    course.walk("mono", &[&PROGRAM]);
}

#[test]
#[ignore = "needs mono and mcs"]
fn ftp_web_request_in_clear() {
    ftp_web_request(Course::new(Security::Clear).with_large_file());
    // IPv6 is left out: Mono does not connect to it.
    ftp_web_request(Course::new(Security::Clear).active());
}

#[test]
#[ignore = "needs mono and mcs"]
fn ftp_web_request_under_tls() {
    ftp_web_request(Course::new(Security::Explicit).with_large_file());
    ftp_web_request(Course::new(Security::Explicit).active());
}
