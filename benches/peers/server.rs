//! The servers that are compared: where each is found, how it is started in its fastest ordinary
//! form, and what it costs the machine while it runs.

use std::collections::HashMap;
use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Signal, getrlimit, kill_process};
use rustix::thread::{CpuSet, sched_setaffinity};
use rustls::ClientConfig;

use crate::client::Target;
use crate::common::harness::program::pss_kib;

/// Where the peers' packages are unpacked, if they are not installed: see the head of `main.rs`.
const PEERS: &str = "PACKETBOAT_PEERS";
/// What `main.rs` puts into the scratch folder.
pub const CERTIFICATE: &str = "certificate.pem";
pub const KEY: &str = "key.pem";
pub const CERTIFICATE_AND_KEY: &str = "certificate and key.pem";
const SERVER_CORE: usize = 0;
const CLIENT_CORE: usize = 1;
/// A server that does not greet by then has failed.
const START_TIMEOUT: Duration = Duration::from_secs(20);
/// What utime and stime of /proc/PID/stat count in, on every Linux that Rust runs on.
const TICK_US: f64 = 10_000.0;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Server {
    Packetboat,
    Vsftpd,
    VsftpdOneProcess,
    PureFtpd,
    ProFtpd,
    Pyftpdlib,
    /// Leaves Nagle's algorithm on: its 226 waits 40 ms for the client's delayed ACK of the 150.
    Libunftp,
    /// The limit: see `bare.rs`.
    Bare,
}

impl Server {
    pub const ALL: [Server; 8] = [
        Server::Packetboat,
        Server::Vsftpd,
        Server::VsftpdOneProcess,
        Server::PureFtpd,
        Server::ProFtpd,
        Server::Pyftpdlib,
        Server::Libunftp,
        Server::Bare,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Server::Packetboat => "packetboat",
            Server::Vsftpd => "vsftpd",
            Server::VsftpdOneProcess => "vsftpd 1p",
            Server::PureFtpd => "pure-ftpd",
            Server::ProFtpd => "ProFTPD",
            Server::Pyftpdlib => "pyftpdlib",
            Server::Libunftp => "libunftp",
            Server::Bare => "bare loop",
        }
    }

    /// How many sessions it can be asked to hold.
    pub fn most_sessions(self) -> u64 {
        match self {
            Server::Packetboat | Server::Pyftpdlib | Server::Bare => u64::MAX,
            // Each has the root open, too, and a few descriptors are its own.
            Server::Libunftp => {
                getrlimit(Resource::Nofile).maximum.map_or(u64::MAX, |most| (most - 20) / 2)
            }
            // Each has a process, or two: thousands of them would be a load of another kind.
            Server::Vsftpd | Server::VsftpdOneProcess | Server::PureFtpd | Server::ProFtpd => 1_000,
        }
    }

    /// Why it cannot take part, if it cannot.
    pub fn missing(self) -> Option<String> {
        let missing = self.program().err();
        if missing.is_none() && self == Server::Pyftpdlib {
            let import = ["-c", "import pyftpdlib"];
            let found = command(self.program().unwrap()).args(import).output();
            return match found.is_ok_and(|output| output.status.success()) {
                true => None,
                false => Some(format!("python3 has no pyftpdlib, in PATH or ${PEERS}/venv")),
            };
        }
        missing
    }

    fn program(self) -> Result<PathBuf, String> {
        let name = match self {
            Server::Packetboat => return Ok(env!("CARGO_BIN_EXE_packetboat").into()),
            Server::Bare => return Ok(env::current_exe().unwrap()),
            Server::Vsftpd | Server::VsftpdOneProcess => "vsftpd",
            Server::PureFtpd => "pure-ftpd",
            Server::ProFtpd => "proftpd",
            Server::Pyftpdlib => "python3",
            Server::Libunftp => "libunftp-server",
        };
        let path = env::var_os("PATH").unwrap_or_default();
        let places = ["venv/bin", "usr/sbin", "usr/bin"].into_iter().map(|bin| peers().join(bin));
        places
            .chain(env::split_paths(&path))
            .chain(["/usr/sbin".into(), "/usr/local/sbin".into()])
            .map(|folder| folder.join(name))
            .find(|program| program.is_file())
            .ok_or_else(|| format!("no {name} in PATH or ${PEERS}/usr/sbin"))
    }

    /// Anonymous may read and write, nothing is logged, looked up or confined, nor encrypted unless
    /// clients ask for it.
    fn command(self, root: &Path, scratch: &Path, port: u16, tls: bool) -> Command {
        let mut command = command(self.program().unwrap());
        let place = format!("127.0.0.1:{port}");
        let folder = root.to_str().unwrap();
        let [certificate, key, both] = [CERTIFICATE, KEY, CERTIFICATE_AND_KEY]
            .map(|name| scratch.join(name).to_str().unwrap().to_owned());
        let if_tls = |settings: String| if tls { settings } else { String::new() };
        let file = |text: &str| {
            let path = scratch.join(format!("{port}.conf"));
            fs::write(&path, text).unwrap();
            path
        };
        match self {
            Server::Packetboat => {
                let most = ["--max-sessions", "20000", "--idle-timeout", "3600"];
                command.arg(root).args(["-qq", "--listen", &place]).args(most);
                if tls {
                    command.args(["--tls-cert", &certificate, "--tls-key", &key]);
                }
            }
            Server::Bare => {
                command.arg("--bare").arg(root).arg(&place);
            }
            Server::Vsftpd | Server::VsftpdOneProcess => {
                let one = if self == Server::VsftpdOneProcess { "YES" } else { "NO" };
                let tls = if_tls(format!(
                    "ssl_enable=YES\nallow_anon_ssl=YES\nrequire_ssl_reuse=NO\n\
                     ssl_ciphers=HIGH\nrsa_cert_file={certificate}\nrsa_private_key_file={key}\n\
                     force_local_logins_ssl=NO\nforce_local_data_ssl=NO\n"
                ));
                command.arg(file(&format!(
                    "{tls}listen=YES\nlisten_address=127.0.0.1\nlisten_port={port}\nbackground=NO\n\
                     one_process_model={one}\nanonymous_enable=YES\nftp_username=ftp\n\
                     anon_root={folder}\nwrite_enable=YES\nanon_upload_enable=YES\n\
                     nopriv_user=nobody\nsecure_chroot_dir={folder}/empty\nseccomp_sandbox=NO\n\
                     isolate=NO\nisolate_network=NO\ntcp_wrappers=NO\nxferlog_enable=NO\n\
                     connect_from_port_20=NO\nmax_clients=0\nmax_per_ip=0\n\
                     idle_session_timeout=3600\n"
                )));
            }
            Server::PureFtpd => {
                let options = "-e -H -f none -c 20000 -I 60 -p 30000:50000";
                let listing = ["-L", "1000000:5", "-S"];
                command.args(options.split(' ')).args(listing).arg(format!("127.0.0.1,{port}"));
                if tls {
                    command.args(["--tls", "1", "--certfile", &both]);
                }
            }
            Server::ProFtpd => {
                let modules = peers().join("usr/lib/proftpd");
                let tls = if_tls(format!(
                    "ModulePath {}\nLoadModule mod_tls.c\nTLSEngine on\nTLSLog none\n\
                     TLSECCertificateFile {certificate}\nTLSECCertificateKeyFile {key}\n\
                     TLSOptions NoSessionReuseRequired\nTLSRenegotiate none\n",
                    modules.display()
                ));
                command.args(["-n", "-q", "-c"]).arg(file(&format!(
                    "{tls}ServerType standalone\nDefaultAddress 127.0.0.1\nPort {port}\nUseIPv6 off\n\
                     UseReverseDNS off\nUser nobody\nGroup nogroup\nMaxInstances none\n\
                     WtmpLog off\nTransferLog none\nSystemLog none\nScoreboardFile none\n\
                     DelayEngine off\nAuthPAM off\nTimeoutIdle 3600\nTimeoutLogin 3600\n\
                     TimeoutNoTransfer 3600\nPidFile {}/{port}.pid\n<Anonymous {folder}>\n\
                     User ftp\nGroup nogroup\nUserAlias anonymous ftp\nRequireValidShell off\n\
                     AllowOverwrite on\n</Anonymous>\n",
                    scratch.display()
                )));
            }
            Server::Pyftpdlib => {
                let handler = if tls { "TLS_FTPHandler" } else { "FTPHandler" };
                let tls = if_tls(format!(
                    "FTPHandler.certfile = {certificate:?}\nFTPHandler.keyfile = {key:?}\n"
                ));
                let script = format!(
                    "import logging\nfrom pyftpdlib.authorizers import DummyAuthorizer\n\
                     from pyftpdlib.handlers import {handler} as FTPHandler\n\
                     from pyftpdlib.servers import FTPServer\n\
                     logging.disable(logging.CRITICAL)\n\
                     FTPHandler.authorizer = DummyAuthorizer()\n\
                     FTPHandler.authorizer.add_anonymous({folder:?}, perm='elradfmw')\n\
                     FTPHandler.timeout = 3600\n{tls}\
                     server = FTPServer(('127.0.0.1', {port}), FTPHandler, backlog=4096)\n\
                     server.max_cons = 20000\nserver.serve_forever()\n"
                );
                command.args(["-W", "ignore", "-c", &script]);
            }
            Server::Libunftp => {
                command.arg(port.to_string()).arg(root);
                if tls {
                    command.args([certificate, key]);
                }
            }
        }
        command
    }

    /// Running on its core, and greeting.
    pub fn start(self, root: &Path, scratch: &Path, tls: Option<Arc<ClientConfig>>) -> Running {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let mut command = self.command(root, scratch, address.port(), tls.is_some());
        if env::var_os("PEERS_VERBOSE").is_none() {
            command.stdout(Stdio::null()).stderr(Stdio::null());
        }
        pin(SERVER_CORE);
        let child = command.stdin(Stdio::null()).spawn().unwrap();
        pin(CLIENT_CORE);
        let mut running = Running { child, target: Target { address, tls } };
        let end = Instant::now() + START_TIMEOUT;
        while !greets(address) {
            let ended = running.child.try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < end, "{} does not start", self.name());
            thread::sleep(Duration::from_millis(10));
        }
        running
    }
}

/// The folder of the unpacked packages; their libraries are in it, too.
fn peers() -> PathBuf {
    env::var_os(PEERS).map(PathBuf::from).unwrap_or_default()
}

fn command(program: PathBuf) -> Command {
    let mut command = Command::new(program);
    let triplet = format!("usr/lib/{}-linux-gnu", env::consts::ARCH);
    command.env("LD_LIBRARY_PATH", peers().join(triplet));
    command
}

fn greets(server: SocketAddr) -> bool {
    let mut line = String::new();
    TcpStream::connect(server).is_ok_and(|stream| {
        stream.set_read_timeout(Some(START_TIMEOUT)).unwrap();
        BufReader::new(stream).read_line(&mut line).is_ok_and(|_| line.starts_with("220"))
    })
}

/// A core of its own for each side; on a machine with one core they share it.
pub fn pin(core: usize) {
    let mut set = CpuSet::new();
    set.set(core);
    let _one_core = sched_setaffinity(None, &set);
}

/// A server with all its processes, until it is dropped.
pub struct Running {
    child: Child,
    pub target: Target,
}

impl Running {
    /// What its processes have used of the processor, in microseconds, with those that ended.
    pub fn cpu_us(&self) -> f64 {
        let ended = |&pid: &u32| Stat::of(pid).map_or(0.0, |stat| stat.children_us);
        self.processes().iter().map(|pid| threads_us(*pid) + ended(pid)).sum()
    }

    /// User memory in KiB, with its share of what processes share.
    pub fn pss_kib(&self) -> f64 {
        self.processes().into_iter().filter_map(pss_kib).sum::<u64>() as f64
    }

    /// The server's process and all below it.
    fn processes(&self) -> Vec<u32> {
        let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let pid = entry.file_name().to_str().and_then(|name| name.parse().ok());
            if let Some(pid) = pid
                && let Some(stat) = Stat::of(pid)
            {
                children.entry(stat.parent).or_default().push(pid);
            }
        }
        let mut found = vec![self.child.id()];
        let mut next = 0;
        while let Some(&pid) = found.get(next) {
            found.extend(children.remove(&pid).unwrap_or_default());
            next += 1;
        }
        found
    }

    fn kill(&self) {
        for pid in self.processes() {
            let _already_gone = kill_process(pid_of(pid), Signal::KILL);
        }
    }

    /// Ends the server, and this process with it, if that takes longer than it may.
    pub fn watch(&self, at_most: Duration) {
        let pid = self.child.id();
        thread::spawn(move || {
            thread::sleep(at_most);
            let _already_gone = kill_process(pid_of(pid), Signal::TERM);
            // Not `eprintln!`, which panics if nobody listens any more.
            let _ = writeln!(io::stderr(), "not done after {} s", at_most.as_secs());
            std::process::exit(1);
        });
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
        let _ended = self.child.wait();
    }
}

fn pid_of(pid: u32) -> Pid {
    Pid::from_raw(pid.cast_signed()).expect("a process has a number")
}

/// What is wanted of /proc/PID/stat.
struct Stat {
    parent: u32,
    /// The processor time of its children that ended.
    children_us: f64,
}

impl Stat {
    fn of(pid: u32) -> Option<Stat> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name, in brackets, may have anything in it.
        let fields: Vec<&str> = text.rsplit_once(") ")?.1.split(' ').collect();
        let ticks: f64 = fields[13..15].iter().filter_map(|field| field.parse::<f64>().ok()).sum();
        Some(Stat { parent: fields[1].parse().ok()?, children_us: ticks * TICK_US })
    }
}

/// The processor time of a process's threads, exactly: many short-lived processes use less than a
/// tick each.
fn threads_us(pid: u32) -> f64 {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let nanoseconds = |text: String| text.split(' ').next()?.parse::<f64>().ok();
    threads
        .filter_map(|thread| fs::read_to_string(thread.path().join("schedstat")).ok())
        .filter_map(nanoseconds)
        .sum::<f64>()
        / 1e3
}
