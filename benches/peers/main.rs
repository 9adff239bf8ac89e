//! packetboat beside its peers: the same load on each, in turn, round by round.
//!
//! ```text
//! cargo bench --bench peers                              three rounds of everything, about 13 minutes
//! cargo bench --bench peers -- retr list --rounds 9      some loads (retr stor login small list
//!                                                        latency idle, tls-retr tls-stor
//!                                                        tls-login tls-small), more rounds
//! ```
//!
//! The peers are looked for in PATH and below the folder that `PACKETBOAT_PEERS` names. Debian's
//! packages conflict when installed, but all run unpacked into such a folder:
//!
//! ```text
//! mkdir /tmp/peers && cd /tmp/peers
//! apt-get download vsftpd pure-ftpd proftpd-core proftpd-mod-crypto libwrap0 libhiredis0.14 \
//!     libmemcached11 libmemcachedutil2 libhashkit2 libpcre2-posix3
//! for package in *.deb; do dpkg -x $package .; done
//! python3 -m venv venv && venv/bin/pip install pyftpdlib pyopenssl
//! ```
//!
//! libunftp is a library, of which `libunftp.rs` makes a server. It is built there, too: as a
//! dependency of packetboat it would be fifty more crates to compile.
//!
//! ```text
//! cargo new libunftp-server && cp $OLDPWD/benches/peers/libunftp.rs libunftp-server/src/main.rs
//! cd libunftp-server
//! cargo add libunftp@=0.24.0 --no-default-features --features aws_lc_rs
//! cargo add unftp-sbe-fs@=0.4.0 && cargo add tokio@=1.54.1 --features rt,macros
//! cargo build --release && mv target/release/libunftp-server ../usr/sbin
//! ```
//!
//! Each figure is made by a cell: a process that starts one server on core 0, is its client on core
//! 1, and ends. To root a cell is also a network, process and mount namespace of its own, so that
//! none inherits the thousands of TIME_WAIT sockets of those before it, none leaves a process, and
//! pure-ftpd finds the user `ftp` that it wants. Files are in memory. Ratios are made within a
//! round, and of them the median is told: what disturbs the machine for longer disturbs them all.
//!
//! `bare loop` is the limit of the machine (`bare.rs`), and shows that the client is no bottleneck.
//! Under TLS all have one certificate (ECDSA, P-256), and the client offers TLS 1.3 with AES-128-GCM
//! and P-256 and nothing else, so that all servers do the same work.

mod bare;
mod client;
#[path = "../common/mod.rs"]
mod common;
mod load;
mod report;
mod server;

use std::env;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use load::{FILES, Figure, LOADS, Load, NAMES};
use report::Table;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use server::Server;
use tempfile::{Builder, TempDir};

const CELL_TIMEOUT: Duration = Duration::from_secs(40);
const USER: &str = "ftp:x:65533:65534::ROOT:/bin/false\n";

fn main() {
    let arguments: Vec<String> = env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["--bare", root, address] => bare::serve(Path::new(root), address.parse().unwrap()),
        ["--cell", load, server, root, scratch] => {
            let (_, load) = LOADS[load.parse::<usize>().unwrap()];
            let server = Server::ALL[server.parse::<usize>().unwrap()];
            cell(load, server, Path::new(root), Path::new(scratch));
        }
        _ => compare(&words),
    }
}

/// The whole comparison.
fn compare(words: &[&str]) {
    let (rounds, names) = match words {
        [names @ .., "--rounds", rounds] | ["--rounds", rounds, names @ ..] => {
            (rounds.parse().expect("a number of rounds"), names)
        }
        names => (3, names),
    };
    let known = |name: &&&str| LOADS.iter().any(|(known, _)| known == *name);
    let unknown: Vec<_> = names.iter().filter(|name| !known(name)).collect();
    assert!(unknown.is_empty(), "no such load: {unknown:?}; see the head of benches/peers/main.rs");

    let present: Vec<Server> =
        Server::ALL.into_iter().filter(|server| server.missing().is_none()).collect();
    for server in Server::ALL {
        if let Some(why) = server.missing() {
            println!("MISSING: {}: {why}", server.name());
        }
    }
    let site = site();
    let scratch = tempfile::tempdir().unwrap();
    certify(scratch.path());
    let isolated = isolation(&site, scratch.path());
    if isolated.is_empty() {
        println!("Not root: no namespaces. TIME_WAIT sockets will slow the later cells.");
    }

    let mut table = Table::new(&present);
    for round in 0..rounds {
        for (index, (name, load)) in LOADS.iter().enumerate() {
            if !names.is_empty() && !names.contains(name) || round > 0 && load.once() {
                continue;
            }
            for &server in &present {
                eprint!("\r\x1b[Kround {} of {rounds}: {name}: {}", round + 1, server.name());
                let figures = in_a_cell(&isolated, index, server, site.path(), scratch.path());
                table.add(*load, server, figures);
            }
        }
    }
    eprint!("\r\x1b[K");
    print!("{}", table.text());
    let chart = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers.svg");
    fs::write(&chart, table.chart()).unwrap();
    println!("\nThe chart is {}.", chart.display());
}

/// What is served: files and a folder with many, in memory if that can be had.
fn site() -> TempDir {
    let mut site = Builder::new();
    site.prefix("packetboat-peers-");
    let site = site.tempdir_in("/dev/shm").or_else(|_| site.tempdir()).unwrap();
    fs::set_permissions(site.path(), Permissions::from_mode(0o755)).unwrap();
    for (name, bytes) in FILES {
        fs::write(site.path().join(name), vec![b'x'; bytes]).unwrap();
    }
    for folder in ["up", "many", "empty"] {
        fs::create_dir(site.path().join(folder)).unwrap();
    }
    fs::set_permissions(site.path().join("up"), Permissions::from_mode(0o777)).unwrap();
    for number in 0..NAMES {
        fs::write(site.path().join(format!("many/IMG_{number:06}.jpeg")), b"x").unwrap();
    }
    site
}

/// A certificate and its key, apart and in one file.
fn certify(folder: &Path) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    fs::write(folder.join(server::CERTIFICATE), &certificate).unwrap();
    fs::write(folder.join(server::KEY), &key).unwrap();
    fs::write(folder.join(server::CERTIFICATE_AND_KEY), key + &certificate).unwrap();
    for file in [server::KEY, server::CERTIFICATE_AND_KEY] {
        fs::set_permissions(folder.join(file), Permissions::from_mode(0o600)).unwrap();
    }
}

/// The command that gives what follows it a world of its own; none without the rights to.
fn isolation(site: &TempDir, scratch: &Path) -> Vec<String> {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let others = users.lines().filter(|line| !line.starts_with("ftp:"));
    let mut users: String = others.flat_map(|line| [line, "\n"]).collect();
    users += &USER.replace("ROOT", site.path().to_str().unwrap());
    let passwd = scratch.join("passwd");
    fs::write(&passwd, users).unwrap();
    let unshare = "unshare --net --mount --pid --fork --kill-child --mount-proc sh -c";
    let mut words: Vec<String> = unshare.split(' ').map(str::to_owned).collect();
    words.push("mount --bind $0 /etc/passwd && ip link set lo up && exec \"$@\"".to_owned());
    words.push(passwd.to_str().unwrap().to_owned());
    let trial =
        Command::new(&words[0]).args(&words[1..]).arg("true").stderr(Stdio::null()).status();
    if trial.is_ok_and(|status| status.success()) { words } else { Vec::new() }
}

/// Runs a cell and reads its figures: none where the load is beyond the server.
fn in_a_cell(
    isolated: &[String],
    load: usize,
    server: Server,
    site: &Path,
    scratch: &Path,
) -> Vec<Figure> {
    for entry in fs::read_dir(site.join("up")).unwrap().flatten() {
        fs::remove_file(entry.path()).unwrap();
    }
    let bench = env::current_exe().unwrap().to_str().unwrap().to_owned();
    let number = Server::ALL.iter().position(|&other| other == server).expect("one of all");
    let words = [bench, "--cell".into(), load.to_string(), number.to_string()];
    let words: Vec<String> = isolated.iter().cloned().chain(words).collect();
    let mut cell = Command::new(&words[0]);
    cell.args(&words[1..]).arg(site).arg(scratch).env("RUST_BACKTRACE", "0");
    let output = cell.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        // The line below a panic's place says what happened.
        let lines = String::from_utf8_lossy(&output.stderr);
        let mut why = lines.lines().skip_while(|line| !line.contains("panicked at"));
        let why = why.nth(1).unwrap_or_else(|| lines.trim());
        eprintln!("\r\x1b[K{} has no figure: {why}", server.name());
    }
    text.lines().filter_map(Figure::parse).collect()
}

/// One server and one load.
fn cell(load: Load, server: Server, root: &Path, scratch: &Path) {
    let most = getrlimit(Resource::Nofile).maximum;
    let _as_it_is = setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most });
    let running = server.start(root, scratch, load.tls());
    running.watch(CELL_TIMEOUT);
    for figure in load.run(server, &running, root) {
        println!("{figure}");
    }
}
