//! Libraries of npm: basic-ftp, @icetee/ftp and ftp-deploy.

use super::course::{Course, Security};
use super::packages::node_script;
use super::script;
use crate::desk::{assert_same_tree, plant};
use std::fs;

fn basic_ftp(course: Course) {
    course.walk("node", &[&node_script(script!("basic_ftp.js"), &["basic-ftp@6.2.6"])]);
}

#[test]
#[ignore = "needs node and npm"]
fn basic_ftp_in_clear() {
    basic_ftp(Course::new(Security::Clear).with_tree().with_large_file());
    basic_ftp(Course::new(Security::Clear).with_tree().on_v6());
}

#[test]
#[ignore = "needs node and npm"]
fn basic_ftp_under_tls() {
    basic_ftp(Course::new(Security::Explicit).with_tree().with_large_file());
    basic_ftp(Course::new(Security::Implicit).with_tree());
}

fn icetee_ftp(course: Course) {
    course.walk("node", &[&node_script(script!("icetee_ftp.js"), &["@icetee/ftp@1.0.8"])]);
}

#[test]
#[ignore = "needs node and npm"]
fn icetee_ftp_in_clear() {
    icetee_ftp(Course::new(Security::Clear).with_large_file());
    icetee_ftp(Course::new(Security::Clear).on_v6());
}

#[test]
#[ignore = "needs node and npm"]
fn icetee_ftp_under_tls() {
    icetee_ftp(Course::new(Security::Explicit).with_large_file());
    // Implicit TLS is left out: then it says no PROT P, and sends data in clear.
}

#[test]
#[ignore = "needs node and npm"]
fn ftp_deploy_replaces_a_tree() {
    let script = node_script(script!("ftp_deploy.js"), &["ftp-deploy@2.4.7"]);
    for security in [Security::Clear, Security::Explicit] {
        // Backslashes are left out: it takes them for slashes, in names of its own side.
        let course = Course::new(security).with_tree().without_names(&["back\\slash"]);
        let desk = course.prepare();
        plant(&desk.served("tree"), &["doomed", "-doomed too"]);
        course.run(&desk, "node", &[&script]);
        // Folders without files are not deployed.
        fs::remove_dir(desk.local("tree/empty")).unwrap();
        assert_same_tree(&desk.local("tree"), &desk.served("tree"));
    }
}
