//! Clients and bare servers under TLS.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;

use rustix::net::RecvFlags;
use rustls::ClientConfig;

use super::wire::{self, Wire};
use super::{BUFFER_BYTES, bare};

/// As much is read from a file and encrypted at once.
const RECORDS_BYTES: usize = 64 * 1024;

/// A blocking client whose connections are all under TLS.
pub struct SecureClient {
    control: Wire,
    tls: Arc<ClientConfig>,
    /// The reply that came last.
    reply: String,
}

impl SecureClient {
    /// Logged in, with TYPE I.
    pub fn login(server: SocketAddr, tls: &Arc<ClientConfig>) -> SecureClient {
        let control = TcpStream::connect(server).unwrap();
        control.set_nodelay(true).unwrap();
        let (control, tls) = (Wire::new(control), Arc::clone(tls));
        let mut client = SecureClient { control, tls, reply: String::new() };
        client.await_reply(220);
        client.command("AUTH TLS", 234);
        client.control.shake_hands(wire::client(&client.tls));
        client.command("USER anonymous", 331);
        client.command("PASS bench@", 230);
        client
    }

    /// Ready for transfers.
    pub fn prepared(server: SocketAddr, tls: &Arc<ClientConfig>) -> SecureClient {
        let mut client = SecureClient::login(server, tls);
        for command in ["PBSZ 0", "PROT P", "TYPE I"] {
            client.command(command, 200);
        }
        client
    }

    pub fn command(&mut self, line: &str, wanted: u16) {
        self.control.write(format!("{line}\r\n").as_bytes());
        self.await_reply(wanted);
    }

    pub fn has_resumed(&self) -> bool {
        self.control.is_resumed()
    }

    pub fn fetch(&mut self, command: &str, buffer: &mut [u8]) {
        let mut data = self.begin(command);
        while data.read(buffer, RecvFlags::empty(), |_| ()).unwrap() {}
        drop(data);
        self.await_reply(226);
    }

    pub fn store(&mut self, command: &str, buffer: &[u8], bytes: usize) {
        let mut data = self.begin(command);
        write(&mut data, buffer, bytes);
        data.finish();
        self.await_reply(226);
    }

    /// The data connection, when its handshake is done.
    fn begin(&mut self, command: &str) -> Wire {
        self.command("EPSV", 229);
        let port = self.reply.split('|').nth(3).unwrap().parse().unwrap();
        let mut data = Wire::new(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap());
        self.control.write(format!("{command}\r\n").as_bytes());
        self.await_reply(1);
        data.shake_hands(wire::client(&self.tls));
        data
    }

    /// One that begins with these digits.
    fn await_reply(&mut self, wanted: u16) {
        self.reply.clear();
        while !self.reply.ends_with('\n') {
            let reply = &mut self.reply;
            let seen = |bytes: &[u8]| reply.push_str(str::from_utf8(bytes).unwrap());
            self.control.read(&mut [0; 8192], RecvFlags::empty(), seen).unwrap();
        }
        let reply = &self.reply;
        assert!(reply.starts_with(&wanted.to_string()), "{wanted} wanted: {reply}");
    }
}

fn write(wire: &mut Wire, buffer: &[u8], bytes: usize) {
    let mut left = bytes;
    while left > 0 {
        let slice = left.min(buffer.len());
        wire.write(&buffer[..slice]);
        left -= slice;
    }
}

/// Sends the file to whoever connects and shakes hands.
pub fn secure_sender(path: PathBuf) -> SocketAddr {
    let tls = wire::server_config();
    let mut buffer = vec![0; RECORDS_BYTES];
    bare(move |stream| {
        let (mut wire, mut file) = (Wire::new(stream), File::open(&path).unwrap());
        wire.shake_hands(wire::server(&tls));
        while let bytes @ 1.. = file.read(&mut buffer).unwrap() {
            wire.write(&buffer[..bytes]);
        }
        wire.close_notify();
    })
}

/// Stores what comes over the old file.
pub fn secure_receiver(path: PathBuf) -> SocketAddr {
    let tls = wire::server_config();
    let mut buffer = vec![0; BUFFER_BYTES];
    bare(move |stream| {
        let (mut wire, mut file) = (Wire::new(stream), File::create(&path).unwrap());
        // A small file comes with the end of the handshake.
        wire.secure(wire::server(&tls));
        let mut store = |bytes: &[u8]| file.write_all(bytes).unwrap();
        while wire.read(&mut buffer, RecvFlags::empty(), &mut store).unwrap() {}
    })
}

/// Fetches from a [`secure_sender`].
pub fn secure_fetch(server: SocketAddr, tls: &Arc<ClientConfig>, buffer: &mut [u8]) {
    let mut wire = Wire::new(TcpStream::connect(server).unwrap());
    wire.shake_hands(wire::client(tls));
    while wire.read(buffer, RecvFlags::empty(), |_| ()).unwrap() {}
}

/// Stores at a [`secure_receiver`], and waits until it is done.
pub fn secure_store(server: SocketAddr, tls: &Arc<ClientConfig>, buffer: &[u8], bytes: usize) {
    let mut wire = Wire::new(TcpStream::connect(server).unwrap());
    wire.shake_hands(wire::client(tls));
    write(&mut wire, buffer, bytes);
    wire.finish();
}

/// Says what an FTP server would, and does nothing for it but TLS.
pub fn secure_talker() -> SocketAddr {
    let tls = wire::server_config();
    bare(move |stream| {
        stream.set_nodelay(true).unwrap();
        let mut wire = Wire::new(stream);
        let mut reply: &[u8] = b"220 packetboat ready.\r\n";
        loop {
            wire.write(reply);
            if reply.starts_with(b"234") {
                wire.secure(wire::server(&tls));
            }
            let mut first = None;
            // The last words of a handshake are no command.
            while first.is_none() {
                let seen = |bytes: &[u8]| first = first.or(bytes.first().copied());
                match wire.read(&mut [0; 4096], RecvFlags::empty(), seen) {
                    Ok(true) => {}
                    Ok(false) | Err(_) => return,
                }
            }
            reply = match first {
                Some(b'A') => b"234 Now.\r\n",
                Some(b'U') => b"331 Password, please.\r\n",
                Some(b'P') => b"230 You are logged in.\r\n",
                _ => b"221 Goodbye.\r\n",
            };
        }
    })
}
