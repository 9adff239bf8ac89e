//! Python's ftplib: a script beside this file, which has its own asserts.

use super::desk::Desk;

#[test]
#[ignore = "needs python3"]
fn does_all_that_it_can() {
    let desk = Desk::new();
    for address in desk.addresses() {
        for mode in ["passive", "active"] {
            let (host, port) = (address.ip().to_string(), address.port().to_string());
            let served = desk.served("").into_os_string().into_string().unwrap();
            let said = desk.talk("python3", &["-", &host, &port, mode, &served], SCRIPT);
            assert!(said.contains("all asserted"), "{said}");
        }
    }
}

const SCRIPT: &str = include_str!("ftplib.py");
