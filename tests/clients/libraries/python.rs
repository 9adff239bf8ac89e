//! Libraries of PyPI: aioftp, PyFilesystem2 and ftputil.

use super::course::{Course, Security};
use super::packages::python;
use super::script;

fn aioftp(course: Course) {
    course.walk(&python(&["aioftp==0.28.3"]), &[script!("aioftp_course.py")]);
}

#[test]
#[ignore = "needs python3 with venv"]
fn aioftp_in_clear() {
    aioftp(Course::new(Security::Clear).with_tree().with_large_file());
    aioftp(Course::new(Security::Clear).with_tree().on_v6());
}

#[test]
#[ignore = "needs python3 with venv"]
fn aioftp_under_tls() {
    aioftp(Course::new(Security::Explicit).with_tree().with_large_file());
    aioftp(Course::new(Security::Implicit).with_tree());
}

fn ftputil(course: Course) {
    course.walk(&python(&["ftputil==5.2.0"]), &[script!("ftputil_course.py")]);
}

#[test]
#[ignore = "needs python3 with venv"]
fn ftputil_in_clear() {
    ftputil(Course::new(Security::Clear).with_tree().with_large_file());
    ftputil(Course::new(Security::Clear).with_tree().active());
    ftputil(Course::new(Security::Clear).with_tree().on_v6());
}

#[test]
#[ignore = "needs python3 with venv"]
fn ftputil_under_tls() {
    ftputil(Course::new(Security::Explicit).with_tree().with_large_file());
    ftputil(Course::new(Security::Explicit).with_tree().active());
}

/// PyFilesystem2 brings the tests that a file system has to pass.
fn filesystem(security: Security, lists_by: &str) {
    let packages = ["fs==2.4.16", "appdirs==1.4.4", "setuptools==80.9.0", "six==1.17.0"];
    let course = Course::new(security);
    let desk = course.prepare();
    course.run(&desk, &python(&packages), &[script!("filesystem.py"), lists_by]);
    assert_eq!(desk.log().contains("command: MLSD "), lists_by == "MLSD");
}

#[test]
#[ignore = "needs python3 with venv"]
fn filesystem_in_clear() {
    filesystem(Security::Clear, "MLSD");
    filesystem(Security::Clear, "LIST");
}

#[test]
#[ignore = "needs python3 with venv"]
fn filesystem_under_tls() {
    filesystem(Security::Explicit, "MLSD");
}
