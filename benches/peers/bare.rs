//! The limit of the machine: an FTP server without FTP. One epoll loop says fixed replies by the
//! first letters of a command; a transfer blocks in the barest loop of system calls that moves the
//! bytes, over one shared passive listener. No server of one thread does less for the same load.

use std::fs::File;
use std::io::{Read, Write};
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, RawDir, StatxFlags, openat, sendfile, statx};
use slab::Slab;

const BUFFER_BYTES: usize = 256 * 1024;
const LISTENER: Token = Token(usize::MAX);

struct Session {
    control: TcpStream,
    /// Where its EPRT pointed.
    active: Option<u16>,
}

struct Bare {
    root: PathBuf,
    passive: TcpListener,
    buffer: Vec<u8>,
}

/// Serves until it is killed.
pub fn serve(root: &Path, address: SocketAddr) {
    let listener = TcpListener::bind(address).unwrap();
    listener.set_nonblocking(true).unwrap();
    let passive = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let buffer = vec![0; BUFFER_BYTES];
    let mut bare = Bare { root: root.to_owned(), passive, buffer };
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
                while let Ok((mut control, _)) = listener.accept() {
                    control.set_nodelay(true).unwrap();
                    control.write_all(b"220 Bare.\r\n").unwrap();
                    let socket = control.as_raw_fd();
                    register(
                        &poll,
                        socket,
                        Token(sessions.insert(Session { control, active: None })),
                    );
                }
            } else if !bare.turn(&mut sessions[event.token().0]) {
                sessions.remove(event.token().0);
            }
        }
    }
}

impl Bare {
    /// Obeys one command; false at the end of a session.
    fn turn(&mut self, Session { control, active }: &mut Session) -> bool {
        let mut line = [0; 512];
        // Readable, so this does not block; a command is sent in one piece.
        let Ok(bytes @ 1..) = control.read(&mut line) else { return false };
        let line = String::from_utf8_lossy(&line[..bytes]);
        let (verb, argument) = line.trim_end().split_once(' ').unwrap_or((line.trim_end(), ""));
        let reply = match verb {
            "USER" => "331 Password.\r\n",
            "PASS" => "230 Welcome.\r\n",
            "QUIT" => "221 Bye.\r\n",
            "EPSV" => {
                let port = self.passive.local_addr().unwrap().port();
                &format!("229 Here (|||{port}|)\r\n")
            }
            "EPRT" => {
                *active = argument.split('|').nth(3).and_then(|port| port.parse().ok());
                "200 Okay.\r\n"
            }
            "RETR" | "STOR" | "LIST" | "MLSD" | "NLST" => {
                control.write_all(b"150 Now.\r\n").unwrap();
                self.transfer(verb, &self.root.join(argument), active.take());
                "226 Done.\r\n"
            }
            _ => "200 Okay.\r\n",
        };
        control.write_all(reply.as_bytes()).is_ok() && verb != "QUIT"
    }

    fn transfer(&mut self, verb: &str, path: &Path, active: Option<u16>) {
        let mut data = match active {
            Some(port) => TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap(),
            None => self.passive.accept().unwrap().0,
        };
        match verb {
            "RETR" => {
                let file = File::open(path).unwrap();
                while sendfile(&data, &file, None, 1 << 20).unwrap() > 0 {}
            }
            "STOR" => {
                let mut file = File::create(path).unwrap();
                while let bytes @ 1.. = data.read(&mut self.buffer).unwrap() {
                    file.write_all(&self.buffer[..bytes]).unwrap();
                }
            }
            _ => list(path, verb != "NLST", &mut data),
        }
    }
}

/// Unsorted, without dates and owners' names.
fn list(path: &Path, long: bool, data: &mut TcpStream) {
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
            data.write_all(&out).unwrap();
            out.clear();
        }
    }
    data.write_all(&out).unwrap();
}
