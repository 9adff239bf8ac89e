//! GNU inetutils' `ftp`, with commands on its standard input: active unless told otherwise.

use super::desk::{Desk, assert_same};
use crate::common::{names_in, random_bytes};
use std::fs;

#[test]
#[ignore = "needs inetutils-ftp"]
fn obeys_a_script_in_both_modes() {
    let desk = Desk::new();
    for (address, mode) in [(desk.v4, "-A"), (desk.v4, "-p"), (desk.v6, "-A"), (desk.v6, "-p")] {
        for (seed, name) in NAMES.into_iter().enumerate() {
            fs::write(desk.local(name), random_bytes(seed as u64, seed * 99_991)).unwrap();
        }
        fs::create_dir(desk.local("got")).unwrap();
        let content = random_bytes(2, 200_000);
        fs::write(desk.served("long"), &content).unwrap();
        fs::write(desk.local("got/long"), &content[..77_777]).unwrap();
        fs::write(desk.served("large"), random_bytes(3, 100_000_000)).unwrap();
        fs::write(desk.served("sum"), &content).unwrap();
        let (host, port) = (address.ip().to_string(), address.port().to_string());
        let said = desk.talk("inetutils-ftp", &["-n", "-i", "-v", mode, &host, &port], SCRIPT);
        assert!(said.contains("213 0") && said.contains("221 "), "{said}");
        assert_eq!(names_in(&desk.served("d")), ["ALL.x", "two blanks.x", "ü 🚢.x"], "{said}");
        for name in NAMES {
            assert_same(&desk.local(name), &desk.local(format!("got/{name}")));
        }
        assert_same(&desk.served("long"), &desk.local("got/long"));
        assert_same(&desk.served("large"), &desk.local("got/large"));
        assert_same(&desk.local("got/large"), &desk.served("again"));
        let appended = [random_bytes(2, 200_000), random_bytes(1, 99_991)].concat();
        assert!(fs::read(desk.served("sum")).unwrap() == appended);
        fs::remove_dir_all(desk.local("got")).unwrap();
        fs::remove_dir_all(desk.served("d")).unwrap();
    }
}

const NAMES: [&str; 5] = ["-dash.x", "it's.x", "say \"hi\".x", "two blanks.x", "ü 🚢.x"];

const SCRIPT: &str = "user anonymous x
binary
mkdir d
cd d
mput *.x
lcd got
mget *.x
ls
nlist
binary
size -dash.x
modtime -dash.x
rename it's.x ALL.x
mdelete -*.x say*
cdup
reget long
get large
put large again
lcd ..
append it's.x sum
bye
";
