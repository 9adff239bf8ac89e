//! A plain blocking client: it sends bytes, reads replies, and makes data connections.

use super::PATIENCE;
use super::stream::{Stream, trusting, under_tls};
use rustls::ClientConfig;
use socket2::{Domain, Socket, Type};
use std::io::{Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Instant;

/// One control connection.
pub struct Client {
    pub stream: Stream,
    /// What was received and not yet looked at.
    unread: Vec<u8>,
    /// What data connections are secured by, once PROT P is said.
    pub private: Option<Arc<ClientConfig>>,
}

/// How a data connection is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Port,
    Eprt,
    Pasv,
    Epsv,
}

impl Way {
    /// Those that an address family has.
    pub fn all(server: SocketAddr) -> &'static [Way] {
        match server.is_ipv4() {
            true => &[Way::Port, Way::Eprt, Way::Pasv, Way::Epsv],
            false => &[Way::Eprt, Way::Epsv],
        }
    }
}

impl Client {
    /// Connects and reads the greeting.
    pub fn connect(server: SocketAddr) -> Client {
        let mut client = Client::unseen(TcpStream::connect(server).expect("the server listens"));
        client.greeted();
        client
    }

    /// Connects from an address of this machine.
    pub fn connect_from(from: IpAddr, server: SocketAddr) -> Client {
        let mut client = Client::unseen(connect_from(from, server));
        client.greeted();
        client
    }

    /// Reads the greeting, and secures all where the tests run under TLS.
    #[track_caller]
    pub fn greeted(&mut self) {
        self.expect_reply(220);
        if under_tls() {
            self.secure(&trusting());
        }
    }

    /// Puts the control connection under TLS, and data connections to come.
    #[track_caller]
    pub fn secure(&mut self, config: &Arc<ClientConfig>) {
        self.expect(234, "AUTH TLS");
        self.stream.secure(config);
        self.expect(200, "PBSZ 0");
        self.expect(200, "PROT P");
        self.private = Some(Arc::clone(config));
    }

    /// A client on a connection whose greeting nobody has read yet.
    pub fn unseen(stream: TcpStream) -> Client {
        stream.set_nodelay(true).unwrap();
        Client { stream: Stream::clear(stream), unread: Vec::new(), private: None }
    }

    pub fn login(&mut self) {
        self.login_as("anonymous", "guest@");
    }

    #[track_caller]
    pub fn login_as(&mut self, name: &str, password: &str) {
        self.expect(331, format!("USER {name}"));
        self.expect(230, format!("PASS {password}"));
    }

    // Words.

    /// Sends bytes as they are.
    #[track_caller]
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).expect("the control connection takes bytes");
    }

    /// Sends a line; a 0xFF in it is doubled, as Telnet has it.
    #[track_caller]
    pub fn send_line(&mut self, line: impl AsRef<[u8]>) {
        let mut bytes = Vec::new();
        for &byte in line.as_ref() {
            bytes.extend(std::iter::repeat_n(byte, if byte == 0xFF { 2 } else { 1 }));
        }
        bytes.extend_from_slice(b"\r\n");
        self.send(bytes);
    }

    /// The next reply: its code, and its text without the code of the first line. A reply of
    /// several lines keeps its line ends.
    #[track_caller]
    pub fn reply(&mut self) -> (u16, String) {
        let raw = self.raw_reply();
        let code = std::str::from_utf8(&raw[..3]).unwrap().parse().expect("a code of three digits");
        (code, String::from_utf8_lossy(&raw[4..raw.len() - 2]).into_owned())
    }

    /// The next reply, byte for byte.
    #[track_caller]
    pub fn raw_reply(&mut self) -> Vec<u8> {
        let mut raw = self.line();
        assert!(raw.len() >= 6, "no reply: {}", raw.escape_ascii());
        if raw[3] == b'-' {
            let last = [&raw[..3], b" "].concat();
            loop {
                let line = self.line();
                raw.extend_from_slice(&line);
                if line.starts_with(&last) {
                    return raw;
                }
            }
        }
        assert_eq!(raw[3], b' ', "no reply: {}", raw.escape_ascii());
        raw
    }

    #[track_caller]
    fn line(&mut self) -> Vec<u8> {
        loop {
            if let Some(end) = self.unread.windows(2).position(|pair| pair == b"\r\n") {
                return self.unread.drain(..end + 2).collect();
            }
            let mut bytes = [0; 16 * 1024];
            let count = self.stream.read(&mut bytes).expect("a reply comes in time");
            assert!(count > 0, "closed behind {:?}", self.unread.escape_ascii().to_string());
            self.unread.extend_from_slice(&bytes[..count]);
        }
    }

    /// What has come so far and was not yet looked at; waits until there is something.
    pub fn heard(&mut self) -> &[u8] {
        if self.unread.is_empty() {
            let mut bytes = [0; 16 * 1024];
            let count = self.stream.read(&mut bytes).expect("a reply comes in time");
            self.unread.extend_from_slice(&bytes[..count]);
        }
        &self.unread
    }

    /// REIN, which ends TLS as well: begins anew.
    #[track_caller]
    pub fn reinitialise(&mut self) {
        self.expect(220, "REIN");
        if let Some(config) = self.private.take() {
            self.stream.leave_tls();
            self.secure(&config);
        }
    }

    /// Sends a command and reads its reply.
    #[track_caller]
    pub fn command(&mut self, line: impl AsRef<[u8]>) -> (u16, String) {
        self.send_line(line);
        self.reply()
    }

    /// Sends a command that must be answered by this code.
    #[track_caller]
    pub fn expect(&mut self, code: u16, line: impl AsRef<[u8]>) -> String {
        let line = line.as_ref();
        let (actual, text) = self.command(line);
        assert_eq!(actual, code, "{} was answered: {actual} {text}", line.escape_ascii());
        text
    }

    /// The next reply must have this code.
    #[track_caller]
    pub fn expect_reply(&mut self, code: u16) -> String {
        let (actual, text) = self.reply();
        assert_eq!(actual, code, "{text}");
        text
    }

    /// The server must close, having said no more than was read.
    #[track_caller]
    pub fn expect_close(mut self) {
        let mut rest = self.unread;
        self.stream.read_to_end(&mut rest).expect("a clean close");
        assert_eq!(rest.escape_ascii().to_string(), "");
    }

    /// A connection that is still served.
    #[track_caller]
    pub fn expect_alive(&mut self) {
        self.expect(200, "NOOP");
    }

    // Data connections.

    fn own_ip(&self) -> IpAddr {
        self.stream.local_addr().unwrap().ip()
    }

    fn server_ip(&self) -> IpAddr {
        self.stream.peer_addr().unwrap().ip()
    }

    /// A data connection that stands.
    #[track_caller]
    pub fn data(&mut self, way: Way) -> Stream {
        match way {
            Way::Port | Way::Eprt => self.active(way),
            Way::Pasv => self.passive(),
            Way::Epsv => self.extended_passive(),
        }
    }

    #[track_caller]
    pub fn active(&mut self, way: Way) -> Stream {
        let listener = TcpListener::bind((self.own_ip(), 0)).unwrap();
        let address = listener.local_addr().unwrap();
        self.send_line(if way == Way::Port { port(address) } else { eprt(address) });
        self.expect_reply(200);
        self.accept(&listener)
    }

    /// Lets the server's data connection in.
    pub fn accept(&self, listener: &TcpListener) -> Stream {
        let (stream, _) = listener.accept().unwrap();
        self.data_by(stream)
    }

    #[track_caller]
    pub fn passive(&mut self) -> Stream {
        let address = self.pasv();
        self.dial(address)
    }

    #[track_caller]
    pub fn extended_passive(&mut self) -> Stream {
        let address = self.epsv();
        self.dial(address)
    }

    /// Comes to the port that the server awaits its data connection on.
    pub fn dial(&self, address: SocketAddr) -> Stream {
        let stream = connect_from(self.own_ip(), address);
        self.data_by(stream)
    }

    fn data_by(&self, stream: TcpStream) -> Stream {
        let mut stream = Stream::clear(stream);
        if let Some(config) = &self.private {
            stream.secure(config);
        }
        stream
    }

    /// The address that PASV announces.
    #[track_caller]
    pub fn pasv(&mut self) -> SocketAddr {
        let text = self.expect(227, "PASV");
        let numbers = text.split_once('(').unwrap().1.split_once(')').unwrap().0;
        let numbers: Vec<u8> = numbers.split(',').map(|number| number.parse().unwrap()).collect();
        let [a, b, c, d, high, low] = numbers[..] else { panic!("{text}") };
        SocketAddr::from(([a, b, c, d], u16::from_be_bytes([high, low])))
    }

    /// The address that EPSV means.
    #[track_caller]
    pub fn epsv(&mut self) -> SocketAddr {
        let text = self.expect(229, "EPSV");
        let port = text.split_once("(|||").unwrap().1.split_once("|)").unwrap().0;
        SocketAddr::new(self.server_ip(), port.parse().unwrap())
    }

    // Transfers.

    /// Begins a transfer over a data connection that stands.
    #[track_caller]
    pub fn begin(&mut self, line: impl AsRef<[u8]>) {
        let (code, text) = self.command(line);
        assert!(code == 125 || code == 150, "{code} {text}");
    }

    #[track_caller]
    pub fn retrieve(&mut self, name: impl AsRef<[u8]>, way: Way) -> Vec<u8> {
        self.fetch([b"RETR ", name.as_ref()].concat(), way)
    }

    #[track_caller]
    pub fn store(&mut self, name: impl AsRef<[u8]>, content: impl AsRef<[u8]>, way: Way) {
        self.put([b"STOR ", name.as_ref()].concat(), content, way);
    }

    /// The lines of LIST or NLST.
    #[track_caller]
    pub fn list(&mut self, line: impl AsRef<[u8]>) -> Vec<Vec<u8>> {
        let listing = self.fetch(line, Way::Epsv);
        assert!(listing.is_empty() || listing.ends_with(b"\r\n"));
        let lines = listing.split_inclusive(|&byte| byte == b'\n');
        lines.map(|line| line.strip_suffix(b"\r\n").expect("CRLF").to_vec()).collect()
    }

    /// Any transfer from the server.
    #[track_caller]
    pub fn fetch(&mut self, line: impl AsRef<[u8]>, way: Way) -> Vec<u8> {
        let mut data = self.data(way);
        self.begin(line);
        self.retrieve_rest(&mut data)
    }

    /// What is still to come of a transfer that has begun.
    #[track_caller]
    pub fn retrieve_rest(&mut self, data: &mut Stream) -> Vec<u8> {
        let content = read_to_end(data);
        self.expect_reply(226);
        content
    }

    /// Any transfer to the server.
    #[track_caller]
    pub fn put(&mut self, line: impl AsRef<[u8]>, content: impl AsRef<[u8]>, way: Way) {
        let mut data = self.data(way);
        self.begin(line);
        data.write_all(content.as_ref()).expect("the server reads");
        data.shutdown(Shutdown::Write).expect("the server shakes hands");
        self.expect_reply(226);
    }

    /// Waits until STAT says that so many bytes of a transfer have moved.
    #[track_caller]
    pub fn wait_for_bytes(&mut self, bytes: usize) {
        let deadline = Instant::now() + PATIENCE;
        while !self.expect(211, "STAT").contains(&format!(", {bytes} bytes")) {
            assert!(Instant::now() < deadline, "waited in vain for {bytes} bytes");
        }
    }

    // Endings.

    /// Sends a FIN and keeps listening.
    pub fn finish(&mut self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }

    /// Breaks the connection by a reset.
    pub fn reset(self) {
        self.stream.reset();
    }
}

/// What PORT says of an address.
pub fn port(address: SocketAddr) -> String {
    let ([high, low], ip) = (address.port().to_be_bytes(), address.ip().to_string());
    format!("PORT {},{high},{low}", ip.replace('.', ","))
}

/// What EPRT says of an address.
pub fn eprt(address: SocketAddr) -> String {
    let family = if address.is_ipv4() { 1 } else { 2 };
    format!("EPRT |{family}|{}|{}|", address.ip(), address.port())
}

/// Connects from an address of this machine.
pub fn connect_from(from: IpAddr, to: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::new(from, 0).into()).unwrap();
    socket.connect(&to.into()).expect("somebody listens");
    socket.into()
}

#[track_caller]
pub fn read_to_end(stream: &mut impl Read) -> Vec<u8> {
    let mut content = Vec::new();
    stream.read_to_end(&mut content).expect("the data connection ends in time");
    content
}

/// Ends a connection by a reset.
pub fn reset(stream: Stream) {
    stream.reset();
}
