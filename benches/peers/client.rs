//! The load: sessions that know only the replies that they need, make as few system calls as they
//! can, and all live on one thread. The same for every server.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use rustix::io::Errno;
use rustix::net::RecvFlags;
use rustls::ClientConfig;

use crate::common::wire::{self, Wire};

/// As much as is read or written at once.
pub const BUFFER_BYTES: usize = 256 * 1024;
/// A server that is silent for so long has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where the server is, and whether all connections are under TLS.
#[derive(Clone)]
pub struct Target {
    pub address: SocketAddr,
    pub tls: Option<Arc<ClientConfig>>,
}

/// Which side makes the data connection.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Passive,
    Active,
}

/// What sessions do over and over.
#[derive(Clone, Copy)]
pub enum Work {
    /// Connect, log in, quit.
    Login,
    /// RETR of a file that fits into a socket's buffer.
    Fetch(Mode, &'static str),
}

/// One session, as a blocking client.
pub struct Session {
    target: Target,
    control: Wire,
    /// What came and is not yet a whole reply.
    inbox: Vec<u8>,
    /// Active mode: kept, since looking for a free port takes long.
    listener: Option<TcpListener>,
    data: Option<Wire>,
}

struct Reply {
    code: u16,
    text: String,
}

impl Session {
    /// Connecting: a server whose backlog is full delays this session, and not all the others.
    fn connect(target: &Target) -> Session {
        let control = TcpStream::from(mio::net::TcpStream::connect(target.address).unwrap());
        control.set_nonblocking(false).unwrap();
        control.set_nodelay(true).unwrap();
        control.set_read_timeout(Some(PATIENCE)).unwrap();
        let control = Wire::new(control);
        Session { target: target.clone(), control, inbox: Vec::new(), listener: None, data: None }
    }

    /// Logged in, with TYPE I.
    pub fn login(target: &Target) -> Session {
        let mut session = Session::connect(target);
        assert_eq!(session.reply().code, 220);
        if let Some(tls) = &target.tls {
            assert_eq!(session.command("AUTH TLS"), 234);
            session.control.shake_hands(wire::client(tls));
        }
        // Some log anonymous in without a password.
        if session.command("USER anonymous") == 331 {
            assert_eq!(session.command("PASS bench@"), 230);
        }
        if target.tls.is_some() {
            assert_eq!(session.command("PBSZ 0"), 200);
            assert_eq!(session.command("PROT P"), 200);
        }
        assert_eq!(session.command("TYPE I"), 200);
        session
    }

    pub fn command(&mut self, line: &str) -> u16 {
        self.send(line);
        self.reply().code
    }

    /// Passive, all that comes; `seen` hears of each piece.
    pub fn fetch(&mut self, command: &str, buffer: &mut [u8], mut seen: impl FnMut(usize)) {
        let mut data = self.open(command);
        while data.discard(buffer, &mut seen) {}
        // ProFTPD waits for this before it says 226.
        drop(data);
        self.finish(command);
    }

    /// Passive, so many bytes.
    pub fn store(&mut self, command: &str, buffer: &[u8], bytes: usize) {
        let mut data = self.open(command);
        let mut left = bytes;
        while left > 0 {
            let slice = left.min(buffer.len());
            data.write(&buffer[..slice]);
            left -= slice;
        }
        data.finish();
        self.finish(command);
    }

    fn open(&mut self, command: &str) -> Wire {
        self.send("EPSV");
        let mut data = self.reply().connect();
        self.send(command);
        // A refusal is heard here, and not by waiting for data.
        let Reply { code, text } = self.reply();
        assert!(code < 200, "{command}: {}", text.trim());
        self.secure(&mut data);
        data
    }

    /// A data connection comes under TLS, if the session is.
    fn secure(&self, data: &mut Wire) {
        if let Some(tls) = &self.target.tls {
            data.shake_hands(wire::client(tls));
        }
    }

    fn finish(&mut self, command: &str) {
        let Reply { code, text } = self.reply();
        assert_eq!(code, 226, "{command}: {text}");
    }

    fn send(&mut self, line: &str) {
        self.control.write(format!("{line}\r\n").as_bytes());
    }

    fn reply(&mut self) -> Reply {
        loop {
            if let Some(reply) = self.take() {
                return reply;
            }
            assert!(self.receive(RecvFlags::empty()), "silent");
        }
    }

    /// Reads what there is; false if that is nothing yet.
    fn receive(&mut self, flags: RecvFlags) -> bool {
        let handshaking = self.control.is_handshaking();
        let inbox = &mut self.inbox;
        let seen = |bytes: &[u8]| inbox.extend_from_slice(bytes);
        match self.control.read(&mut [0; 16384], flags, seen) {
            Ok(true) => {}
            // What says so behind the last reply is no news.
            Ok(false) => assert!(!self.inbox.is_empty(), "the server hung up"),
            Err(Errno::AGAIN) => return false,
            Err(error) => panic!("{error}"),
        }
        // It is over: heard like a reply.
        if handshaking && !self.control.is_handshaking() {
            self.inbox.splice(..0, *b"235 Secure.\r\n");
        }
        true
    }

    /// The next reply, when its last line is whole.
    fn take(&mut self) -> Option<Reply> {
        loop {
            let end = self.inbox.iter().position(|&byte| byte == b'\n')? + 1;
            let line: Vec<u8> = self.inbox.drain(..end).collect();
            let text = String::from_utf8_lossy(&line).into_owned();
            if line.get(3) == Some(&b' ')
                && let Ok(code) = text[..3].parse()
            {
                return Some(Reply { code, text });
            }
        }
    }

    /// Goes on with the work; true if this reply is its end.
    fn obey(&mut self, reply: &Reply, work: Work, buffer: &mut [u8]) -> bool {
        match (work, reply.code) {
            (Work::Login, 220) if self.target.tls.is_some() => self.send("AUTH TLS"),
            (Work::Login, 234) => {
                let tls = self.target.tls.as_ref().expect("asked for");
                self.control.secure(wire::client(tls));
            }
            (Work::Login, 220 | 235) => self.send("USER anonymous"),
            (Work::Login, 331) => self.send("PASS bench@"),
            (Work::Login, 230) => self.send("QUIT"),
            (Work::Login, 221) => {
                self.control.close_notify();
                return true;
            }
            (Work::Fetch(_, command), 229) => {
                self.data = Some(reply.connect());
                self.send(command);
            }
            (Work::Fetch(_, command), 200) => self.send(command),
            // All of it is on its way.
            (Work::Fetch(..), 125 | 150) => {
                let accept = || self.listener.as_ref().expect("PORT was sent").accept().unwrap().0;
                let mut data = self.data.take().unwrap_or_else(|| Wire::new(accept()));
                self.secure(&mut data);
                while data.discard(buffer, |_| ()) {}
            }
            (Work::Fetch(..), 226) => return true,
            _ => panic!("unexpected: {}", reply.text),
        }
        false
    }

    /// Begins the work once more.
    fn begin(&mut self, work: Work) {
        match work {
            Work::Login => *self = Session::connect(&self.target),
            Work::Fetch(Mode::Passive, _) => self.send("EPSV"),
            Work::Fetch(Mode::Active, _) => {
                let bind = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
                let listener = self.listener.get_or_insert_with(bind);
                let port = listener.local_addr().unwrap().port();
                // libunftp knows no EPRT.
                self.send(&format!("PORT 127,0,0,1,{},{}", port >> 8, port & 0xff));
            }
        }
    }
}

impl Reply {
    /// To the port of a 229.
    fn connect(&self) -> Wire {
        let port = self.text.split('|').nth(3).and_then(|port| port.parse::<u16>().ok());
        let port = port.unwrap_or_else(|| panic!("no port: {}", self.text));
        let data = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        data.set_read_timeout(Some(PATIENCE)).unwrap();
        Wire::new(data)
    }
}

/// Sessions that do the same work over and over, on one thread.
pub struct Crowd {
    sessions: Vec<Session>,
    work: Work,
    poll: Poll,
    buffer: Vec<u8>,
    /// Errands whose control connection resumed a TLS session.
    resumed: usize,
}

impl Crowd {
    /// All of them have begun.
    pub fn new(target: &Target, sessions: usize, work: Work) -> Crowd {
        let new = |_| match work {
            Work::Login => Session::connect(target),
            Work::Fetch(..) => Session::login(target),
        };
        let sessions = (0..sessions).map(new).collect();
        let poll = Poll::new().unwrap();
        let mut crowd = Crowd { sessions, work, poll, buffer: vec![0; BUFFER_BYTES], resumed: 0 };
        for index in 0..crowd.sessions.len() {
            if matches!(work, Work::Fetch(..)) {
                crowd.sessions[index].begin(work);
            }
            crowd.register(index);
        }
        crowd
    }

    /// Goes on for so long; says how many errands came to their end, and how many had resumed.
    pub fn run(&mut self, time: Duration) -> (usize, usize) {
        self.resumed = 0;
        let end = Instant::now() + time;
        let mut events = Events::with_capacity(self.sessions.len());
        let mut done = 0;
        while Instant::now() < end {
            // Alone, a session waits in its reads: that is the least work.
            if self.sessions.len() == 1 {
                assert!(self.sessions[0].receive(RecvFlags::empty()), "silent");
                done += self.turn(0);
                continue;
            }
            self.poll.poll(&mut events, Some(PATIENCE)).unwrap();
            assert!(!events.is_empty(), "silent");
            for event in &events {
                let index = event.token().0;
                if self.sessions[index].receive(RecvFlags::DONTWAIT) {
                    done += self.turn(index);
                }
            }
        }
        (done, self.resumed)
    }

    /// Obeys the replies that came to one session; at the end of its work it begins again.
    fn turn(&mut self, index: usize) -> usize {
        let mut done = 0;
        while let Some(reply) = self.sessions[index].take() {
            let session = &mut self.sessions[index];
            if session.obey(&reply, self.work, &mut self.buffer) {
                done += 1;
                self.resumed += usize::from(session.control.is_resumed());
                session.begin(self.work);
                if matches!(self.work, Work::Login) {
                    self.register(index);
                }
            }
        }
        done
    }

    fn register(&self, index: usize) {
        let control = self.sessions[index].control.as_raw_fd();
        let (mut source, token) = (SourceFd(&control), Token(index));
        self.poll.registry().register(&mut source, token, Interest::READABLE).unwrap();
    }
}
