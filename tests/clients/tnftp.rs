//! tnftp, NetBSD's client: called as the brief calls it, and with commands on its standard input.

use super::desk::{Desk, assert_old, assert_same, make_old};
use crate::common::{names_in, random_bytes};
use std::fs;

#[test]
#[ignore = "needs tnftp"]
fn fetches_as_the_brief_does() {
    let desk = Desk::new();
    let port = desk.v4.port().to_string();
    for (seed, len) in [0, 1, 300_000, 100_000_000].into_iter().enumerate() {
        fs::write(desk.served("file"), random_bytes(seed as u64, len)).unwrap();
        for mode in [&[][..], &["-A"], &["-p"]] {
            desk.run("tnftp", &[&["-P", &port], mode, &["127.0.0.1:file"]].concat());
            assert_same(&desk.local("file"), &desk.served("file"));
            fs::remove_file(desk.local("file")).unwrap();
        }
    }
    let (code, said) = desk.attempt("tnftp", &["-P", &port, "127.0.0.1:missing"], "");
    assert!(code != Some(0) && said.contains("No such file"), "{said}");
    assert_eq!(names_in(&desk.local("")), [""; 0]);
}

#[test]
#[ignore = "needs tnftp"]
fn gets_and_puts_urls_on_both_protocols() {
    let desk = Desk::new();
    fs::write(desk.served("file"), random_bytes(1, 300_000)).unwrap();
    for address in desk.addresses() {
        desk.run("tnftp", &["-o", "got", &format!("ftp://{address}/file")]);
        assert_same(&desk.local("got"), &desk.served("file"));
        desk.run("tnftp", &["-u", &format!("ftp://{address}/up"), "got"]);
        assert_same(&desk.local("got"), &desk.served("up"));
    }
}

#[test]
#[ignore = "needs tnftp"]
fn obeys_a_script_in_both_modes() {
    for (passive, v6) in [("on", false), ("off", false), ("on", true), ("off", true)] {
        let desk = Desk::new();
        let address = if v6 { desk.v6 } else { desk.v4 };
        let (host, port) = (address.ip().to_string(), address.port().to_string());
        for name in ["-dash.x", "it's.x", "ü 🚢.x", "two blanks.x", "other"] {
            fs::write(desk.local(name), random_bytes(1, 40_000)).unwrap();
        }
        fs::write(desk.served("large"), random_bytes(3, 100_000_000)).unwrap();
        fs::write(desk.served("two blanks.x"), random_bytes(1, 40_000)).unwrap();
        make_old(&desk.served("two blanks.x"));
        fs::create_dir(desk.local("got")).unwrap();
        let content = random_bytes(2, 200_000);
        fs::write(desk.served("long"), &content).unwrap();
        fs::write(desk.local("got/long"), &content[..77_777]).unwrap();
        let script = format!(
            "user anonymous x\npassive {passive}\nbinary\nmkdir d\ncd d\nmput *.x\n\
             put other say\\ \\\"hi\\\"\nlcd got\nmget *.x\nls\nnlist *.x nlist\nsize other\n\
             modtime it's.x\nrename it's.x other.y\ndelete -dash.x\ncdup\nreget long\nget \"two blanks.x\"\n\
             get large\ndelete large\nput large large\nappend ../other large\nbye\n"
        );
        let said = desk.talk("tnftp", &["-n", "-i", "-v", &host, &port], &script);
        assert!(said.contains("Passive mode") && said.contains("221 "), "{said}");
        assert_old(&desk.local("got/two blanks.x"));
        assert_eq!(names_in(&desk.served("d")), SERVED, "{said}");
        assert_eq!(names_in(&desk.local("got")), GOT, "{said}");
        assert_same(&desk.served("long"), &desk.local("got/long"));
        let appended = [random_bytes(3, 100_000_000), random_bytes(1, 40_000)].concat();
        assert!(fs::read(desk.served("large")).unwrap() == appended);
        assert_same(&desk.local("other"), &desk.served("d/say \"hi\""));
        for name in ["-dash.x", "it's.x", "ü 🚢.x", "two blanks.x"] {
            assert_same(&desk.local(name), &desk.local(format!("got/{name}")));
        }
    }

    const SERVED: [&str; 4] = ["other.y", "say \"hi\"", "two blanks.x", "ü 🚢.x"];
    const GOT: [&str; 7] =
        ["-dash.x", "it's.x", "large", "long", "nlist", "two blanks.x", "ü 🚢.x"];
}
