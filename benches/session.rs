//! What a command costs a session, without sockets and files: the questions that it asks are
//! answered from a script.

mod common;

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::{Duration, Instant};

use common::FILE;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use packetboat::parts::{Answer, DataEvent, Effect, FileDone, FileOp, Session, Settings, Verdict};
use packetboat::{Access, RequireTls};

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn session(c: &mut Criterion) {
    let mut group = c.benchmark_group("session");

    let pipelined = "NOOP\r\n".repeat(1000);
    group.throughput(Throughput::Elements(1000));
    let mut shell = Shell::new();
    group.bench_function("NOOP, 1000 pipelined", |b| b.iter(|| shell.hear(&pipelined)));

    group.throughput(Throughput::Elements(1));
    group.bench_function("NOOP", |b| b.iter(|| shell.hear("NOOP\r\n")));

    group.throughput(Throughput::Elements(4));
    let commands =
        ["USER anonymous\r\n", "PASS me@\r\n", "TYPE I\r\n", "SIZE pub/photos/IMG_000001.jpeg\r\n"];
    group.bench_function("USER, PASS, TYPE, SIZE", |b| {
        b.iter(|| commands.iter().for_each(|command| shell.hear(command)));
    });

    group.throughput(Throughput::Elements(2));
    group.bench_function("EPSV, RETR", |b| {
        b.iter(|| {
            shell.hear("EPSV\r\n");
            shell.hear("RETR pub/photos/IMG_000001.jpeg\r\n");
            shell.tell(DataEvent::Connected);
            shell.tell(DataEvent::Moved(1024));
            shell.tell(DataEvent::Ended);
        });
    });

    group.throughput(Throughput::Elements(1));
    group.bench_function("begin and end", |b| {
        b.iter(|| Shell::new().hear("QUIT\r\n"));
    });
    group.finish();
}

/// Stands in for the server: carries out every effect at once, and sends every reply.
struct Shell {
    session: Session,
    now: Instant,
}

impl Shell {
    fn new() -> Shell {
        let settings = Settings {
            banner: "packetboat ready.".to_owned(),
            idle_timeout: Duration::from_secs(300),
            data_timeout: Duration::from_secs(30),
            stall_timeout: Duration::from_secs(300),
            handshake_timeout: Duration::from_secs(30),
            login_timeout: Duration::from_secs(60),
            passive_address: None,
            umask: None,
            strict_allo: false,
            recursive_lists: true,
            set_id: false,
            replace_on_hangup: false,
            tls: None,
            traces: false,
            host_name: "host".to_owned(),
        };
        let now = Instant::now();
        Shell { session: Session::new(Rc::new(settings), 1, (LOOPBACK, LOOPBACK), false, now), now }
    }

    /// The client says something; what there is no room for yet follows when there is.
    fn hear(&mut self, text: &str) {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(self.session.room()));
            self.session.receive(now, self.now);
            self.settle();
            rest = later;
        }
    }

    fn tell(&mut self, event: DataEvent) {
        self.session.data(event, self.now);
        self.settle();
    }

    fn settle(&mut self) {
        loop {
            while let Some(effect) = self.session.effect() {
                if let Some(answer) = answer(effect) {
                    self.session.answer(answer, self.now);
                }
            }
            while let Some(event) = self.session.event() {
                black_box(event);
            }
            let sent = black_box(self.session.output()).len();
            if sent == 0 {
                return;
            }
            self.session.sent(sent, self.now);
        }
    }
}

fn answer(effect: Effect) -> Option<Answer> {
    match effect {
        Effect::Verify { .. } => {
            Some(Answer::Login(Verdict::Granted(Access::WRITE.into(), RequireTls::Off)))
        }
        Effect::File(FileOp::Facts(_)) => Some(Answer::File(Ok(FileDone::Facts(FILE)))),
        Effect::File(_) => Some(Answer::File(Ok(FileDone::Done))),
        Effect::Listen => Some(Answer::Listening(Some(SocketAddr::new(LOOPBACK, 52306)))),
        Effect::Secure => Some(Answer::Secured { certified: false }),
        Effect::Clear => Some(Answer::Cleared),
        Effect::Recognise { .. } => Some(Answer::Login(Verdict::Unrecognised)),
        Effect::Connect(_) | Effect::SecureData | Effect::Start => None,
        Effect::Abort | Effect::HangUp => None,
    }
}

criterion_group!(benches, session);
criterion_main!(benches);
