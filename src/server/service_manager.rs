//! Service manager: systemd, or whoever else started the program, is told how the server is by
//! datagrams to `$NOTIFY_SOCKET` (sd_notify(3)). The socket never blocks: news for which there is no
//! room wait for the next try.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::{Duration, Instant};

use super::clock::monotonic_micros;

/// Shortest time between two lines of status, and between two tries to send news.
const PAUSE: Duration = Duration::from_secs(3);
/// Longest time that a watchdog may allow, in microseconds: a year. More is no watchdog at all.
const LONGEST_WATCH: u64 = 365 * 24 * 60 * 60 * 1_000_000;
/// News that may wait; a service manager that reads none of them has given this server up.
const MOST_WAITING: usize = 16;

/// Service manager that wants to know how the server is.
#[derive(Debug)]
pub(super) struct ServiceManager {
    socket: UnixDatagram,
    /// News that are still to be sent.
    waiting: VecDeque<String>,
    /// Moment before which nothing that waits is tried again.
    next_try: Option<Instant>,
    watchdog: Option<Watchdog>,
    status: Status,
}

/// Watchdog of the service manager, which ends a server that it does not hear of.
#[derive(Debug)]
struct Watchdog {
    /// Time between two signs of life: half of what is allowed.
    interval: Duration,
    next: Option<Instant>,
}

/// Line of status.
#[derive(Debug, Default)]
struct Status {
    told: String,
    /// Moment before which no other line is told.
    next: Option<Instant>,
    /// Set if the loop has come around since the last look: something may have changed.
    stale: bool,
}

/// News about the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    Ready,
    Reloading,
    Stopping,
}

impl ServiceManager {
    /// Service manager that the environment names; `None` if there is none.
    ///
    /// # Errors
    /// It cannot be reached.
    pub(super) fn of_environment(
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> io::Result<Option<ServiceManager>> {
        let Some(name) = variable("NOTIFY_SOCKET") else { return Ok(None) };
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        // Connected once and for all: the path need not be within reach later on.
        socket.connect_addr(&address(&name)?)?;
        let number = |name: &str| variable(name)?.to_str()?.parse::<u64>().ok();
        let is_ours = number("WATCHDOG_PID").is_none_or(|id| id == u64::from(std::process::id()));
        let allowed = number("WATCHDOG_USEC");
        let limit = allowed.filter(|micros| is_ours && (1..=LONGEST_WATCH).contains(micros));
        let watchdog = limit
            .map(|micros| Watchdog { interval: Duration::from_micros(micros) / 2, next: None });
        Ok(Some(ServiceManager {
            socket,
            waiting: VecDeque::new(),
            next_try: None,
            watchdog,
            status: Status::default(),
        }))
    }

    /// Tells news at once, if there is room for them.
    pub(super) fn tell(&mut self, news: News, now: Instant) {
        let text = match news {
            News::Ready => "READY=1".to_owned(),
            News::Reloading => format!("RELOADING=1\nMONOTONIC_USEC={}", monotonic_micros()),
            News::Stopping => "STOPPING=1".to_owned(),
        };
        self.send(text, now);
    }

    /// Comes around with the loop: what waits is tried again, a sign of life is given when it is due,
    /// and a line of status is asked for if it is time for one.
    pub(super) fn come_around(&mut self, now: Instant, status: impl FnOnce() -> String) {
        if self.next_try.is_some_and(|at| at <= now) {
            self.send_waiting(now);
        }
        if let Some(watchdog) = &mut self.watchdog
            && watchdog.next.is_none_or(|at| at <= now)
        {
            watchdog.next = Some(now + watchdog.interval);
            self.send("WATCHDOG=1".to_owned(), now);
        }
        self.status.stale = self.status.next.is_some_and(|at| now < at);
        if !self.status.stale {
            self.status.next = Some(now + PAUSE);
            let line = status();
            if line != self.status.told {
                self.send(format!("STATUS={line}"), now);
                self.status.told = line;
            }
        }
    }

    /// Moment at which the loop has to come around for it.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let watchdog = self.watchdog.as_ref().and_then(|watchdog| watchdog.next);
        let status = self.status.next.filter(|_| self.status.stale);
        [watchdog, status, self.next_try].into_iter().flatten().min()
    }

    fn send(&mut self, text: String, now: Instant) {
        self.waiting.push_back(text);
        if self.waiting.len() > MOST_WAITING {
            self.waiting.pop_front();
        }
        self.send_waiting(now);
    }

    fn send_waiting(&mut self, now: Instant) {
        self.next_try = None;
        while let Some(text) = self.waiting.front() {
            match self.socket.send(text.as_bytes()) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.next_try = Some(now + PAUSE);
                    return;
                }
                Err(error) => log::debug!("the service manager cannot be told {text:?}: {error}"),
                Ok(_) => {}
            }
            self.waiting.pop_front();
        }
    }
}

/// Address of a socket by its name: a path, or behind an `@` a name without a file.
fn address(name: &OsStr) -> io::Result<SocketAddr> {
    match name.as_bytes() {
        [b'@', rest @ ..] => SocketAddr::from_abstract_name(rest),
        [b'/', ..] => SocketAddr::from_pathname(name),
        _ => Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "its name is neither a path nor begins with @",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::iter;

    /// Service manager of these variables, beside a socket of this name.
    fn of(name: &str, variables: &[(&str, &str)]) -> io::Result<Option<ServiceManager>> {
        ServiceManager::of_environment(|wanted| match wanted {
            "NOTIFY_SOCKET" => Some(name.into()),
            _ => {
                let found = variables.iter().find(|(variable, _)| *variable == wanted);
                found.map(|(_, value)| value.into())
            }
        })
    }

    fn told(socket: &UnixDatagram) -> Vec<String> {
        socket.set_nonblocking(true).unwrap();
        let mut buffer = [0; 512];
        let mut next = || socket.recv(&mut buffer).ok().map(|length| buffer[..length].to_vec());
        iter::from_fn(|| next().map(|text| String::from_utf8(text).unwrap())).collect()
    }

    #[test]
    fn names_of_sockets_are_paths_or_abstract() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let by_path = UnixDatagram::bind(&path).unwrap();
        let name = format!("@packetboat-{}", std::process::id());
        let abstract_name = SocketAddr::from_abstract_name(&name[1..]).unwrap();
        let by_name = UnixDatagram::bind_addr(&abstract_name).unwrap();
        for (name, socket) in [(path.to_str().unwrap(), by_path), (&name, by_name)] {
            let mut manager = of(name, &[]).unwrap().unwrap();
            manager.tell(News::Ready, Instant::now());
            assert_eq!(told(&socket), ["READY=1"], "{name}");
        }
        for name in ["vsock:2:1234", "relative", "/nowhere/at/all"] {
            assert!(of(name, &[]).is_err(), "{name}");
        }
        assert!(ServiceManager::of_environment(|_| None).unwrap().is_none());
    }

    #[test]
    fn signs_of_life_come_twice_in_the_time_that_is_allowed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        let own = std::process::id().to_string();
        let begin = Instant::now();
        let deadline = |variables: &[(&str, &str)]| {
            let mut manager = of(path.to_str().unwrap(), variables).unwrap().unwrap();
            manager.come_around(begin, String::new);
            manager.deadline().map(|at| at - begin)
        };
        let second = Some(Duration::from_secs(1));
        assert_eq!(deadline(&[("WATCHDOG_USEC", "2000000")]), second);
        assert_eq!(deadline(&[("WATCHDOG_USEC", "2000000"), ("WATCHDOG_PID", &own)]), second);
        assert_eq!(told(&socket), ["WATCHDOG=1"; 2]);
        for nobody in [
            &[("WATCHDOG_USEC", "2000000"), ("WATCHDOG_PID", "1")][..],
            &[("WATCHDOG_USEC", "0")],
            &[("WATCHDOG_USEC", "soon")],
            &[("WATCHDOG_USEC", "18446744073709551615")],
            &[],
        ] {
            assert_eq!(deadline(nobody), None, "{nobody:?}");
        }
        assert_eq!(told(&socket), [""; 0]);
    }

    #[test]
    fn a_line_of_status_is_told_when_it_has_changed_and_not_too_often() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        let mut manager = of(path.to_str().unwrap(), &[]).unwrap().unwrap();
        let begin = Instant::now();
        manager.come_around(begin, || "one".into());
        assert_eq!((told(&socket), manager.deadline()), (vec!["STATUS=one".into()], None));
        manager.come_around(begin + PAUSE / 2, || panic!("nobody asks so soon"));
        assert_eq!((told(&socket), manager.deadline()), (vec![], Some(begin + PAUSE)));
        manager.come_around(begin + PAUSE, || "two".into());
        assert_eq!((told(&socket), manager.deadline()), (vec!["STATUS=two".into()], None));
        manager.come_around(begin + PAUSE * 2, || "two".into());
        assert_eq!((told(&socket), manager.deadline()), (vec![], None));
    }

    #[test]
    fn news_without_room_wait_in_their_order_and_block_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        let mut manager = of(path.to_str().unwrap(), &[]).unwrap().unwrap();
        let begin = Instant::now();
        while manager.waiting.is_empty() {
            manager.tell(News::Ready, begin);
        }
        manager.tell(News::Stopping, begin);
        assert_eq!(manager.deadline(), Some(begin + PAUSE));
        told(&socket);
        manager.come_around(begin + PAUSE, || "done".into());
        assert_eq!(told(&socket), ["READY=1", "STOPPING=1", "STATUS=done"]);
        for _ in 0..1000 {
            manager.tell(News::Reloading, begin);
        }
        assert_eq!(manager.waiting.len(), MOST_WAITING);
    }
}
