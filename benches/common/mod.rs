//! What the benches share: a served folder, a client that is no bottleneck, and servers of a few
//! lines without a protocol, which show what this machine can do at most. Nothing is measured here.
//! How servers start is the tests' harness's business; its client is made to find what is wrong, and
//! these to be quick.

#![allow(dead_code, reason = "no bench needs all of it")]

#[path = "../../tests/common/mod.rs"]
pub mod harness;
pub mod secure;
pub mod wire;

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::thread;

use packetboat::parts::{Facts, Kind};
use packetboat::{Config, TlsConfig, TlsIdentity};
use tempfile::TempDir;

use harness::running::Running;

/// A file as any other.
pub const FILE: Facts = Facts {
    kind: Kind::File,
    mode: 0o644,
    links: 1,
    owner: 1000,
    group: 1000,
    size: 1_234_567,
    modified: 1_700_000_000,
    modified_ns: 0,
    created: None,
    device: 1,
    inode: 1,
};

/// As much as both sides move at once.
const BUFFER_BYTES: usize = 256 * 1024;

/// A folder, in memory where that can be had, and a server for it on a thread of its own.
pub struct Site {
    folder: TempDir,
    running: Option<Running>,
}

impl Site {
    pub fn open() -> Site {
        Site::with(|_| {})
    }

    /// Some settings other than the defaults.
    pub fn with(adjust: impl FnOnce(&mut Config)) -> Site {
        let folder = memory_folder();
        let mut config = Config::new(folder.path());
        config.listen = vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))];
        adjust(&mut config);
        Site { folder, running: Some(Running::start(config)) }
    }

    /// That can also be spoken to under TLS.
    pub fn secure() -> Site {
        Site::with(|config| config.tls = Some(TlsConfig::new(TlsIdentity::SelfSigned)))
    }

    pub fn address(&self) -> SocketAddr {
        self.running.as_ref().expect("there until the drop").addresses()[0]
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file of this length to be fetched.
    pub fn put(&self, name: &str, bytes: usize) {
        let mut file = std::fs::File::create(self.path(name)).unwrap();
        std::io::copy(&mut std::io::repeat(b'x').take(bytes as u64), &mut file).unwrap();
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let Some(running) = self.running.take() else { return };
        running.shut_down();
        let _ = running.join();
    }
}

/// A folder that no disk can slow down, where there is one.
fn memory_folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// Which side makes the data connection.
#[derive(Clone, Copy)]
pub enum Mode {
    Passive,
    Active,
}

/// A blocking client that makes as few system calls as it can, and knows which replies it wants.
pub struct Client {
    control: BufReader<TcpStream>,
    /// For active mode, from the first time on: looking for a free port takes long when many
    /// connections have ended lately.
    listener: Option<TcpListener>,
    line: String,
    /// Filled when there is first something to fetch.
    buffer: Vec<u8>,
}

impl Client {
    /// Connected and greeted.
    pub fn connect(server: SocketAddr) -> Client {
        let control = TcpStream::connect(server).unwrap();
        control.set_nodelay(true).unwrap();
        let mut client = Client {
            control: BufReader::with_capacity(4096, control),
            listener: None,
            line: String::new(),
            buffer: Vec::new(),
        };
        client.reply(220);
        client
    }

    /// Logged in, with TYPE I.
    pub fn login(server: SocketAddr) -> Client {
        let mut client = Client::connect(server);
        client.command("USER anonymous", 331);
        client.command("PASS bench@", 230);
        client.command("TYPE I", 200);
        client
    }

    /// Says a line, and reads its reply.
    pub fn command(&mut self, line: &str, wanted: u16) {
        self.send(line);
        self.reply(wanted);
    }

    /// RETR, LIST or NLST: reads all that comes.
    pub fn fetch(&mut self, mode: Mode, command: &str) -> usize {
        let mut data = self.begin(mode, command);
        self.buffer.resize(BUFFER_BYTES, 0);
        let bytes = read_to_end(&mut data, &mut self.buffer);
        self.finish();
        bytes
    }

    /// The data connection and behind it the command; its replies are left to be read.
    fn begin(&mut self, mode: Mode, command: &str) -> TcpStream {
        match mode {
            Mode::Passive => {
                self.command("EPSV", 229);
                let port = self.line.split('|').nth(3).unwrap().parse().unwrap();
                let data = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
                self.send(command);
                data
            }
            Mode::Active => {
                let bind = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
                let listener = self.listener.take().unwrap_or_else(bind);
                let port = listener.local_addr().unwrap().port();
                self.command(&format!("EPRT |1|127.0.0.1|{port}|"), 200);
                self.send(command);
                let (data, _) = listener.accept().unwrap();
                self.listener = Some(listener);
                data
            }
        }
    }

    /// The replies before the transfer and behind it.
    fn finish(&mut self) {
        self.read_line();
        assert!(self.line.starts_with('1'), "{}", self.line);
        self.reply(226);
    }

    fn send(&mut self, line: &str) {
        let line = format!("{line}\r\n");
        self.control.get_mut().write_all(line.as_bytes()).unwrap();
    }

    fn reply(&mut self, wanted: u16) {
        self.read_line();
        assert!(self.line.starts_with(&wanted.to_string()), "{wanted} wanted: {}", self.line);
    }

    fn read_line(&mut self) {
        self.line.clear();
        self.control.read_line(&mut self.line).unwrap();
    }
}

/// The same file to each of them, at the same time.
pub fn fetch_all(clients: &mut [Client], mode: Mode, command: &str, buffer: &mut [u8]) {
    let mut open: Vec<_> = clients.iter_mut().map(|client| client.begin(mode, command)).collect();
    while !open.is_empty() {
        open.retain_mut(|data| data.read(buffer).unwrap() > 0);
    }
    clients.iter_mut().for_each(Client::finish);
}

/// A file of so many bytes from each of them, at the same time.
pub fn store_all(clients: &mut [Client], mode: Mode, buffer: &[u8], bytes: usize) {
    let begin = |(number, client): (usize, &mut Client)| {
        client.begin(mode, &format!("STOR stored {number}"))
    };
    let mut open: Vec<_> = clients.iter_mut().enumerate().map(begin).collect();
    let mut left = bytes;
    while left > 0 {
        let slice = left.min(buffer.len());
        open.iter_mut().for_each(|data| data.write_all(&buffer[..slice]).unwrap());
        left -= slice;
    }
    drop(open);
    clients.iter_mut().for_each(Client::finish);
}

/// A whole session of nothing: connect, log in, leave.
pub fn log_in_and_out(server: SocketAddr) {
    let mut client = Client::connect(server);
    client.command("USER anonymous", 331);
    client.command("PASS bench@", 230);
    client.command("QUIT", 221);
}

/// Serves each connection as it comes, one at a time, until the bench ends.
pub fn bare(mut serve: impl FnMut(TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || listener.incoming().for_each(|stream| serve(stream.unwrap())));
    address
}

/// Says what an FTP server would, and does nothing for it: what a reply costs at least.
pub fn bare_talker() -> SocketAddr {
    bare(|mut stream| {
        stream.set_nodelay(true).unwrap();
        let mut command = [0; 256];
        let mut reply: &[u8] = b"220 packetboat ready.\r\n";
        loop {
            stream.write_all(reply).unwrap();
            if reply.starts_with(b"221") || stream.read(&mut command).unwrap() == 0 {
                return;
            }
            reply = match command[0] {
                b'U' => b"331 Password, please.\r\n",
                b'P' => b"230 You are logged in.\r\n",
                b'Q' => b"221 Goodbye.\r\n",
                _ => b"200 Okay.\r\n",
            };
        }
    })
}

/// Sends the file to whoever connects: a bare sendfile loop.
pub fn bare_sender(file: PathBuf) -> SocketAddr {
    bare(move |stream| {
        let file = std::fs::File::open(&file).unwrap();
        while rustix::fs::sendfile(&stream, &file, None, 1 << 20).unwrap() > 0 {}
    })
}

/// Stores what comes over the old file: a bare loop of recv and write.
pub fn bare_receiver(file: PathBuf) -> SocketAddr {
    let mut buffer = vec![0; BUFFER_BYTES];
    bare(move |mut stream| {
        let mut file = std::fs::File::create(&file).unwrap();
        loop {
            match stream.read(&mut buffer).unwrap() {
                0 => return,
                bytes => file.write_all(&buffer[..bytes]).unwrap(),
            }
        }
    })
}

/// Fetches from a [`bare_sender`].
pub fn bare_fetch(server: SocketAddr, buffer: &mut [u8]) -> usize {
    read_to_end(&mut TcpStream::connect(server).unwrap(), buffer)
}

/// Stores at a [`bare_receiver`], and waits until it is done.
pub fn bare_store(server: SocketAddr, buffer: &[u8], bytes: usize) {
    let mut stream = TcpStream::connect(server).unwrap();
    write_bytes(&mut stream, buffer, bytes);
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let _end = stream.read(&mut [0]).unwrap();
}

/// A buffer for the two of them.
pub fn buffer() -> Vec<u8> {
    vec![b'y'; BUFFER_BYTES]
}

fn read_to_end(stream: &mut TcpStream, buffer: &mut [u8]) -> usize {
    let mut total = 0;
    loop {
        match stream.read(buffer) {
            Ok(0) => return total,
            Ok(bytes) => total += bytes,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => panic!("{error}"),
        }
    }
}

fn write_bytes(stream: &mut TcpStream, buffer: &[u8], bytes: usize) {
    let mut left = bytes;
    while left > 0 {
        let slice = left.min(buffer.len());
        stream.write_all(&buffer[..slice]).unwrap();
        left -= slice;
    }
}

/// Fills a folder with this many small files, named like those of a camera.
pub fn fill(folder: &Path, files: usize) {
    for number in 0..files {
        std::fs::write(folder.join(format!("IMG_{number:06}.jpeg")), b"x").unwrap();
    }
}
