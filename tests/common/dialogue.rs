//! A client whose server may fail or be gone at any time: then it has no answers any more. It judges
//! nothing; [`Client`](super::Client) is the strict one.

use super::client::{Way, eprt, port};
use super::stream::Stream;
use rustls::ClientConfig;
use socket2::SockRef;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// One control connection.
pub struct Dialogue {
    control: BufReader<Stream>,
    /// What data connections are secured by, once PROT P is said.
    private: Option<Arc<ClientConfig>>,
    patience: Option<Duration>,
}

impl Dialogue {
    /// Connects and reads the greeting.
    pub fn begin(server: SocketAddr) -> Option<Dialogue> {
        Dialogue::new(server, None)
    }

    /// The same of a client that waits so long for anything.
    pub fn patient(server: SocketAddr, patience: Duration) -> Option<Dialogue> {
        Dialogue::new(server, Some(patience))
    }

    fn new(server: SocketAddr, patience: Option<Duration>) -> Option<Dialogue> {
        let control = BufReader::new(clear(TcpStream::connect(server).ok()?, patience));
        let mut dialogue = Dialogue { control, private: None, patience };
        dialogue.reply().filter(|(code, _)| *code == 220)?;
        Some(dialogue)
    }

    /// Puts the control connection under TLS, and data connections to come.
    pub fn secure(&mut self, config: &Arc<ClientConfig>) -> Option<()> {
        self.say("AUTH TLS").filter(|code| *code == 234)?;
        self.control.get_mut().secure(config);
        self.say("PBSZ 0").filter(|code| *code == 200)?;
        self.say("PROT P").filter(|code| *code == 200)?;
        self.private = Some(Arc::clone(config));
        Some(())
    }

    pub fn login(&mut self, name: &str, password: &str) -> Option<()> {
        self.say(&format!("USER {name}"))?;
        self.say(&format!("PASS {password}")).filter(|code| *code == 230).map(|_| ())
    }

    /// Code and lines of the next reply.
    pub fn reply(&mut self) -> Option<(u16, String)> {
        let mut text = String::new();
        loop {
            let begin = text.len();
            self.control.read_line(&mut text).ok().filter(|count| *count > 0)?;
            let line = &text[begin..];
            if line.as_bytes().get(3) == Some(&b' ')
                && let Ok(code) = line[..3].parse()
            {
                return Some((code, text));
            }
        }
    }

    pub fn tell(&mut self, line: &str) -> Option<(u16, String)> {
        self.control.get_mut().write_all(format!("{line}\r\n").as_bytes()).ok()?;
        self.reply()
    }

    pub fn say(&mut self, line: &str) -> Option<u16> {
        Some(self.tell(line)?.0)
    }

    /// Data connection that stands.
    pub fn data(&mut self, way: Way) -> Option<Stream> {
        let stream = match way {
            Way::Port | Way::Eprt => self.accepted(way)?,
            Way::Pasv => {
                let text = self.tell("PASV").filter(|(code, _)| *code == 227)?.1;
                let mut numbers = text.split(['(', ')']).nth(1)?.split(',').skip(4);
                let (high, low) = (numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?);
                self.dialled(u16::from_be_bytes([high, low]))?
            }
            Way::Epsv => {
                let text = self.tell("EPSV").filter(|(code, _)| *code == 229)?.1;
                self.dialled(text.split('|').nth(3)?.parse().ok()?)?
            }
        };
        let mut stream = clear(stream, self.patience);
        if let Some(config) = &self.private {
            stream.secure(config);
        }
        Some(stream)
    }

    fn dialled(&self, port: u16) -> Option<TcpStream> {
        let mut server = self.control.get_ref().peer_addr().ok()?;
        server.set_port(port);
        TcpStream::connect(server).ok()
    }

    fn accepted(&mut self, way: Way) -> Option<TcpStream> {
        let own = self.control.get_ref().local_addr().ok()?;
        let listener = TcpListener::bind((own.ip(), 0)).ok()?;
        // Accepting heeds it as well: nobody may come.
        SockRef::from(&listener).set_read_timeout(self.patience).ok()?;
        let own = listener.local_addr().ok()?;
        let line = if way == Way::Port { port(own) } else { eprt(own) };
        self.say(&line).filter(|code| *code == 200)?;
        Some(listener.accept().ok()?.0)
    }

    /// Bytes that came, and the final reply to the line that asks for them.
    pub fn fetch(&mut self, way: Way, line: &str) -> Option<(u16, Vec<u8>)> {
        let mut data = self.data(way)?;
        let mut content = Vec::new();
        let mut code = self.say(line)?;
        if is_preliminary(code) {
            // Whether it was cut off the reply tells.
            let _ = data.read_to_end(&mut content);
            drop(data);
            code = self.reply()?.0;
        }
        Some((code, content))
    }

    /// Final reply to a line that stores this.
    pub fn store(&mut self, way: Way, line: &str, content: &[u8]) -> Option<u16> {
        let mut data = self.data(way)?;
        let code = self.say(line)?;
        if !is_preliminary(code) {
            return Some(code);
        }
        let _ = data.write_all(content);
        let _ = data.shutdown(Shutdown::Write);
        Some(self.reply()?.0)
    }
}

fn is_preliminary(code: u16) -> bool {
    code < 200
}

fn clear(stream: TcpStream, patience: Option<Duration>) -> Stream {
    let _ = stream.set_nodelay(true);
    let stream = Stream::clear(stream);
    if patience.is_some() {
        stream.set_read_timeout(patience).expect("it is no zero");
        stream.set_write_timeout(patience).expect("it is no zero");
    }
    stream
}
