//! A connection: a socket and what is known of its readiness.
//!
//! A readiness bit is set by events and cleared only by `WouldBlock`; it is a hint, the system call
//! decides. A fresh link takes both for granted and is registered only when it blocks for the first
//! time, so that a short transfer never meets the poll at all.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};

use mio::net::TcpStream;
use socket2::{Domain, Protocol, Socket, Type};

use super::poller::{Event, Key, Poller, Role};

/// What came of moving bytes.
#[derive(Debug)]
pub enum Flow {
    /// So many bytes moved.
    Moved(usize),
    /// None can move now; an event will tell.
    Blocked,
    /// The other side has sent its FIN (reading), or there is nothing left (sending a file).
    Ended,
    /// The connection is lost.
    Broken(io::Error),
}

/// A TCP connection.
#[derive(Debug)]
pub struct Link {
    stream: TcpStream,
    key: Option<Key>,
    readable: bool,
    writable: bool,
    gone: bool,
}

impl Link {
    /// Takes over a connection that stands.
    pub fn adopt(stream: TcpStream) -> Link {
        Link { stream, key: None, readable: true, writable: true, gone: false }
    }

    /// Begins to connect, from an address of ours; its port 0 is any.
    ///
    /// # Errors
    /// What the kernel knows at once: no route, no descriptor, no right to the port.
    pub fn connect(from: SocketAddr, to: SocketAddr) -> io::Result<Link> {
        let socket = Socket::new(Domain::for_address(to), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        if from.port() != 0 {
            // Many connections come from the one port.
            socket.set_reuse_address(true)?;
        }
        socket.bind(&from.into())?;
        match socket.connect(&to.into()) {
            Err(error) if error.raw_os_error() != Some(IN_PROGRESS) => return Err(error),
            _ => {}
        }
        let stream = TcpStream::from_std(socket.into());
        Ok(Link { stream, key: None, readable: false, writable: false, gone: false })
    }

    /// Whether a connect that was begun has come to its end; asked when an event came.
    ///
    /// # Errors
    /// Why it failed.
    pub fn is_established(&mut self) -> io::Result<bool> {
        if let Some(error) = self.stream.take_error()? {
            return Err(error);
        }
        match self.stream.peer_addr() {
            Ok(_) => {
                self.readable = true;
                self.writable = true;
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::NotConnected => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Sets what a control connection needs: replies leave at once, urgent data (the Synch before
    /// an ABOR) stays in line, and a client whose machine has died is noticed.
    ///
    /// # Errors
    /// The connection is gone already.
    pub fn prepare_control(&self) -> io::Result<()> {
        let socket = socket2::SockRef::from(&self.stream);
        socket.set_tcp_nodelay(true)?;
        socket.set_out_of_band_inline(true)?;
        socket.set_keepalive(true)
    }

    /// Our address of the connection.
    ///
    /// # Errors
    /// The connection is gone already.
    pub fn local_address(&self) -> io::Result<SocketAddr> {
        self.stream.local_addr()
    }

    /// Has the poll tell when the link can go on, if it is not done yet.
    ///
    /// # Errors
    /// Whatever the kernel says against another registration.
    pub fn register(&mut self, poller: &mut Poller, slot: usize, role: Role) -> io::Result<Key> {
        if let Some(key) = self.key {
            return Ok(key);
        }
        let key = poller.key(slot, role);
        poller.register(&mut self.stream, key)?;
        self.key = Some(key);
        Ok(key)
    }

    /// Whether an event is this link's own, and not that of an earlier one in its slot.
    pub fn owns(&self, key: Key) -> bool {
        self.key == Some(key)
    }

    /// Notes what an event says.
    pub fn mark(&mut self, event: Event) {
        self.readable |= event.readable;
        self.writable |= event.writable;
        self.gone |= event.gone;
    }

    /// Whether reading is worth a try.
    pub fn is_readable(&self) -> bool {
        self.readable
    }

    /// Whether writing is worth a try.
    pub fn is_writable(&self) -> bool {
        self.writable
    }

    /// Whether the connection is known to be lost, even while nobody reads from it.
    pub fn is_gone(&self) -> bool {
        self.gone
    }

    /// Reads once.
    pub fn read(&mut self, buffer: &mut [u8]) -> Flow {
        let result = retry(|| self.stream.read(buffer));
        let flow = flow(result);
        if matches!(flow, Flow::Blocked) {
            self.readable = false;
        }
        flow
    }

    /// Writes once.
    pub fn write(&mut self, bytes: &[u8]) -> Flow {
        let result = retry(|| self.stream.write(bytes));
        self.written(result)
    }

    /// The socket, for a system call that moves bytes into it from elsewhere; when that would
    /// block, [`write_blocked`](Link::write_blocked) is to be told.
    pub fn socket(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }

    /// A write by way of [`socket`](Link::socket) answered `WouldBlock`.
    pub fn write_blocked(&mut self) {
        self.writable = false;
    }

    fn written(&mut self, result: io::Result<usize>) -> Flow {
        let flow = flow(result);
        if matches!(flow, Flow::Blocked) {
            self.writable = false;
        }
        flow
    }

    /// Sends a FIN: nothing more will be written. What was written still arrives, which a close
    /// with unread input would not grant.
    pub fn finish_writing(&mut self) {
        // Fails only on a connection that is gone, which the next read tells as well.
        let _ = self.stream.shutdown(Shutdown::Write);
    }
}

/// EINPROGRESS, for which `ErrorKind` has no stable name.
const IN_PROGRESS: i32 = rustix::io::Errno::INPROGRESS.raw_os_error();

fn retry(mut call: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match call() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

fn flow(result: io::Result<usize>) -> Flow {
    match result {
        Ok(0) => Flow::Ended,
        Ok(bytes) => Flow::Moved(bytes),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Flow::Blocked,
        Err(error) => Flow::Broken(error),
    }
}
