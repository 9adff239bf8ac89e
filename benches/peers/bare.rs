//! The limit of the machine: an FTP server without FTP. One epoll loop says fixed replies by the
//! first letters of a command; a transfer blocks in the barest loop of system calls that moves the
//! bytes, over one shared passive listener. No server of one thread does less for the same load.

use std::fs::File;
use std::io::{Read, Write};
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, RawDir, StatxFlags, openat, sendfile, statx};
use rustix::io::Errno;
use rustix::net::RecvFlags;
use rustls::ServerConfig;
use slab::Slab;

use crate::common::wire::{self, Wire};

const BUFFER_BYTES: usize = 256 * 1024;
/// What is encrypted at once.
const RECORDS_BYTES: usize = 64 * 1024;
const LISTENER: Token = Token(usize::MAX);

struct Session {
    control: Wire,
    protected: bool,
    /// Where its PORT pointed.
    active: Option<u16>,
}

struct Bare {
    root: PathBuf,
    passive: TcpListener,
    buffer: Vec<u8>,
    tls: Arc<ServerConfig>,
}

/// Serves until it is killed.
pub fn serve(root: &Path, address: SocketAddr) {
    let listener = TcpListener::bind(address).unwrap();
    listener.set_nonblocking(true).unwrap();
    let passive = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let buffer = vec![0; BUFFER_BYTES];
    let mut bare = Bare { root: root.to_owned(), passive, buffer, tls: wire::server_config() };
    let mut poll = Poll::new().unwrap();
    let register = |poll: &Poll, socket: i32, token| {
        poll.registry().register(&mut SourceFd(&socket), token, Interest::READABLE).unwrap();
    };
    register(&poll, listener.as_raw_fd(), LISTENER);
    let mut sessions: Slab<Session> = Slab::new();
    let mut events = Events::with_capacity(1024);
    loop {
        poll.poll(&mut events, None).unwrap();
        for event in &events {
            if event.token() == LISTENER {
                while let Ok((control, _)) = listener.accept() {
                    control.set_nodelay(true).unwrap();
                    let mut control = Wire::new(control);
                    control.write(b"220 Bare.\r\n");
                    let socket = control.as_raw_fd();
                    let session = Session { control, protected: false, active: None };
                    register(&poll, socket, Token(sessions.insert(session)));
                }
            } else if !bare.turn(&mut sessions[event.token().0]) {
                sessions.remove(event.token().0);
            }
        }
    }
}

impl Bare {
    /// Obeys one command; false at the end of a session.
    fn turn(&mut self, Session { control, protected, active }: &mut Session) -> bool {
        // A command is sent in one piece; a handshake comes in several that are none.
        let mut line = Vec::new();
        let seen = |bytes: &[u8]| line.extend_from_slice(bytes);
        match control.read(&mut [0; 4096], RecvFlags::DONTWAIT, seen) {
            Ok(true) if line.is_empty() => return true,
            Ok(true) => {}
            Err(Errno::AGAIN) => return true,
            Ok(false) | Err(_) => return false,
        }
        let line = String::from_utf8_lossy(&line);
        let (verb, argument) = line.trim_end().split_once(' ').unwrap_or((line.trim_end(), ""));
        let reply = match verb {
            "AUTH" => {
                control.write(b"234 Now.\r\n");
                control.secure(wire::server(&self.tls));
                return true;
            }
            "PROT" => {
                *protected = true;
                "200 Okay.\r\n"
            }
            "USER" => "331 Password.\r\n",
            "PASS" => "230 Welcome.\r\n",
            "QUIT" => "221 Bye.\r\n",
            "EPSV" => {
                let port = self.passive.local_addr().unwrap().port();
                &format!("229 Here (|||{port}|)\r\n")
            }
            "PORT" => {
                let mut bytes = argument.rsplit(',').flat_map(str::parse::<u16>);
                *active = bytes.next().zip(bytes.next()).map(|(low, high)| high << 8 | low);
                "200 Okay.\r\n"
            }
            "RETR" | "STOR" | "LIST" | "MLSD" | "NLST" => {
                control.write(b"150 Now.\r\n");
                self.transfer(verb, &self.root.join(argument), active.take(), *protected);
                "226 Done.\r\n"
            }
            _ => "200 Okay.\r\n",
        };
        control.write(reply.as_bytes());
        verb != "QUIT"
    }

    fn transfer(&mut self, verb: &str, path: &Path, active: Option<u16>, protected: bool) {
        let data = match active {
            Some(port) => TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap(),
            None => self.passive.accept().unwrap().0,
        };
        if verb == "RETR" && !protected {
            let file = File::open(path).unwrap();
            while sendfile(&data, &file, None, 1 << 20).unwrap() > 0 {}
            return;
        }
        let mut data = Wire::new(data);
        if protected && verb == "STOR" {
            // What is stored may come with the end of the handshake.
            data.secure(wire::server(&self.tls));
        } else if protected {
            data.shake_hands(wire::server(&self.tls));
        }
        let buffer = &mut self.buffer;
        match verb {
            "RETR" => {
                let mut file = File::open(path).unwrap();
                while let bytes @ 1.. = file.read(&mut buffer[..RECORDS_BYTES]).unwrap() {
                    data.write(&buffer[..bytes]);
                }
            }
            "STOR" => {
                let mut file = File::create(path).unwrap();
                let mut store = |bytes: &[u8]| file.write_all(bytes).unwrap();
                while data.read(buffer, RecvFlags::empty(), &mut store).unwrap() {}
            }
            _ => list(path, verb != "NLST", &mut data),
        }
        data.close_notify();
    }
}

/// Unsorted, without dates and owners' names.
fn list(path: &Path, long: bool, data: &mut Wire) {
    let folder = openat(CWD, path, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()).unwrap();
    let mut buffer = vec![MaybeUninit::uninit(); 64 * 1024];
    let mut entries = RawDir::new(&folder, &mut buffer);
    let wanted = StatxFlags::TYPE | StatxFlags::MODE | StatxFlags::SIZE | StatxFlags::MTIME;
    let mut out = Vec::new();
    while let Some(entry) = entries.next() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        if long {
            let facts = statx(&folder, name, AtFlags::SYMLINK_NOFOLLOW, wanted).unwrap();
            let (mode, size) = (facts.stx_mode, facts.stx_size);
            write!(out, "{mode:o} 1 {:<8} {:<8} {size:>8} ", facts.stx_uid, facts.stx_gid).unwrap();
        }
        out.extend_from_slice(name.to_bytes());
        out.extend_from_slice(b"\r\n");
        if out.len() > 64 * 1024 {
            data.write(&out);
            out.clear();
        }
    }
    data.write(&out);
}
