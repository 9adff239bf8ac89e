//! Libraries that come with their languages: Ruby's net-ftp, Perl's Net::FTP and PHP's ftp.

use super::course::{Course, Security};
use super::script;

fn ruby(course: Course) {
    course.walk("ruby", &[script!("net_ftp.rb")]);
}

#[test]
#[ignore = "needs ruby"]
fn ruby_in_clear() {
    ruby(Course::new(Security::Clear).with_large_file());
    ruby(Course::new(Security::Clear).active());
    ruby(Course::new(Security::Clear).on_v6());
    ruby(Course::new(Security::Clear).on_v6().active());
}

#[test]
#[ignore = "needs ruby"]
fn ruby_under_tls() {
    ruby(Course::new(Security::Explicit).with_large_file());
    ruby(Course::new(Security::Explicit).active());
}

fn perl(course: Course) {
    course.walk("perl", &[script!("net_ftp.pl")]);
}

#[test]
#[ignore = "needs perl"]
fn perl_in_clear() {
    perl(Course::new(Security::Clear).with_large_file());
    perl(Course::new(Security::Clear).active());
    perl(Course::new(Security::Clear).on_v6());
    perl(Course::new(Security::Clear).on_v6().active());
}

#[test]
#[ignore = "needs perl with IO::Socket::SSL"]
fn perl_under_tls() {
    perl(Course::new(Security::Explicit).with_large_file());
    perl(Course::new(Security::Explicit).on_two_ports());
    perl(Course::new(Security::Explicit).active());
    perl(Course::new(Security::Implicit));
}

fn php(course: Course) {
    course.walk("php", &[script!("ftp.php")]);
}

#[test]
#[ignore = "needs php"]
fn php_in_clear() {
    php(Course::new(Security::Clear).with_large_file());
    php(Course::new(Security::Clear).active());
    php(Course::new(Security::Clear).on_v6());
}

#[test]
#[ignore = "needs php"]
fn php_under_tls() {
    php(Course::new(Security::Explicit).with_large_file());
    php(Course::new(Security::Explicit).active());
}
