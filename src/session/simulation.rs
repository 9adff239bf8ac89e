//! The session under random weather: commands cut anywhere, late and failed answers, broken data
//! connections, clients that don't read, ABOR at every point, TLS on and off.
//!
//! Everything comes from one seed. A run that fails prints its seed and step; the same again:
//!
//! ```text
//! PACKETBOAT_SEED=42 cargo test --lib session::simulation
//! PACKETBOAT_SEED=1000..51000 cargo test --release --lib session::simulation     a campaign
//! ```
//!
//! The rules are checked from outside, by what the session says and asks for: effects in [`shell`]
//! and [`files`], replies in [`judge`], TLS in [`guard`], events in [`ledger`], and here what
//! must hold of all together.
//! The session's own `check()` runs beside them. To see that the simulation is worth its time,
//! break the session and look for the seed that finds it.

mod client;
mod files;
mod guard;
mod judge;
mod ledger;
mod shell;
mod stretches;

use std::net::IpAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::{Disconnect, Effect, OUTPUT_LIMIT, Session, Settings};
use crate::fuzz::Chance;
use crate::fuzz::seeds::{self, Place};
use crate::users::RequireTls;
use client::Client;
use guard::Guard;
use judge::Judge;
use ledger::Ledger;
use shell::Shell;

const SEEDS: u64 = 300;
const FRESH: u64 = 100;
/// Seeds that once failed, each by a flaw of the simulated shell.
#[rustfmt::skip]
const FAILED_ONCE: [u64; 15] = [
    18_422, 32_553, 55_796, 77_592, 101_046, 131_751, 160_976, 176_087, 205_407, 226_904, 257_087, 280_055,
    302_025, 327_096, 361_874,
];
const STEPS: u32 = 2000;
const DATA_TIMEOUT: Duration = Duration::from_secs(30);
const STALL_TIMEOUT: Duration = Duration::from_secs(45);
/// More than any single input may add to what waits to be read.
const LONGEST_REPLY: usize = 32 * 1024;

#[test]
fn random_conversations_keep_the_rules() {
    let counts = run(seeds::first(SEEDS));
    let enough = counts.transfers > 1000 && counts.private > 500 && counts.handshakes > 1000;
    assert!(seeds::are_asked_for() || enough, "conversations that get nowhere: {counts:?}");
}

#[test]
fn seeds_that_once_failed_keep_the_rules() {
    run(FAILED_ONCE);
}

#[test]
fn conversations_that_nobody_had_before_keep_the_rules() {
    if !seeds::are_asked_for() {
        run(seeds::fresh(FRESH));
    }
}

/// Events that were counted in all conversations.
#[derive(Debug, Default)]
struct Counts {
    /// Transfers that came to their end.
    transfers: u64,
    /// Transfers by TLS.
    private: u64,
    handshakes: u64,
}

fn run(seeds: impl IntoIterator<Item = u64>) -> Counts {
    let mut counts = Counts::default();
    for seed in seeds {
        let mut place = Place::new(seed);
        let mut world = World::new(seed);
        while place.step < STEPS {
            world.step();
            place.step += 1;
        }
        counts.transfers += world.counts.transfers;
        counts.private += world.counts.private;
        counts.handshakes += world.counts.handshakes;
    }
    counts
}

/// World of one session: everything that it believes to be real.
struct World {
    chance: Chance,
    now: Instant,
    session: Session,
    shell: Shell,
    client: Client,
    judge: Judge,
    ledger: Ledger,
    /// Counts of all clients that have gone.
    counts: Counts,
}

impl World {
    fn new(seed: u64) -> World {
        let mut chance = Chance::new(seed);
        let now = Instant::now();
        let (session, client, shell, judge, ledger) = connect(&mut chance, now);
        let mut world =
            World { chance, now, session, shell, client, judge, ledger, counts: Counts::default() };
        world.settle_effects();
        world
    }

    /// The client is gone, for one reason or the other; the next client.
    fn renew(&mut self) {
        let causes = [Disconnect::Closed, Disconnect::Lost, Disconnect::Shutdown];
        self.session.disconnected(self.chance.pick(&causes), self.now);
        assert_eq!(self.session.effect(), None, "something is to be done for nobody");
        self.ledger.read(&mut self.session);
        self.ledger.close();
        self.counts.transfers += self.shell.completed;
        self.counts.private += self.shell.private;
        self.counts.handshakes += self.shell.handshakes;
        (self.session, self.client, self.shell, self.judge, self.ledger) =
            connect(&mut self.chance, self.now);
        self.settle_effects();
    }

    fn step(&mut self) {
        self.now += Duration::from_millis(self.chance.below(50));
        match self.chance.below(1000) {
            0..330 => self.say(),
            330..530 => self.read_replies(),
            530..680 => self.answer(),
            680..920 => self.data_event(),
            920..960 => self.tick_early(),
            960..980 => self.tick_in_time(),
            980..983 => self.leave(),
            983 => self.shut_down(),
            984..997 => self.come_to_rest(),
            997 => self.be_abandoned(),
            998 => self.leave_a_disk_that_hangs(),
            _ => self.renew(),
        }
        if self.shell.over {
            self.drain();
            self.renew();
        }
    }

    // Inputs, each followed by what the shell does after it.

    fn say(&mut self) {
        if self.chance.one_in(3) {
            self.client.think(&mut self.chance);
        }
        let most = self.session.room().min(self.client.unsent().len());
        let count = if self.chance.one_in(4) { self.chance.upto(most) } else { most };
        self.send(count);
    }

    fn send(&mut self, count: usize) {
        let bytes = self.client.send(count);
        self.session.receive(&bytes, self.now);
        self.settle_effects();
    }

    fn read_replies(&mut self) {
        let most = self.session.output().len();
        let count = match self.client.reads(&mut self.chance) {
            client::Reading::All => most,
            client::Reading::Some => self.chance.upto(most),
            client::Reading::None => return,
        };
        self.session.sent(count, self.now);
        self.judge.taken(count);
        self.settle_effects();
    }

    fn answer(&mut self) {
        if self.shell.is_changing() && !self.session.output().is_empty() {
            return;
        }
        if self.shell.loses(&mut self.chance) {
            return self.renew();
        }
        if let Some(answer) = self.shell.answer(&mut self.chance, self.now) {
            self.judge.guard.told(&answer);
            self.session.answer(answer, self.now);
            self.settle_effects();
        }
    }

    fn data_event(&mut self) {
        let Some(event) = self.shell.next_event(&mut self.chance) else { return };
        // Words that the client has said before the end of an upload is heard before it.
        if self.shell.ends_upload(&event) {
            self.hear_out();
            if !self.shell.runs() {
                return;
            }
        }
        self.shell.note(&event);
        self.ledger.told(&event);
        self.session.data(event, self.now);
        self.settle_effects();
    }

    fn hear_out(&mut self) {
        while self.session.room() > 0 && !self.client.unsent().is_empty() {
            self.send(self.session.room().min(self.client.unsent().len()));
        }
        if self.client.leaves && self.client.has_said_all() && self.session.room() > 0 {
            self.end_of_input();
        }
    }

    fn leave(&mut self) {
        if self.chance.one_in(3) {
            self.client.mutter(&mut self.chance);
        }
        self.client.leaves = true;
        if self.chance.one_in(2) {
            self.hear_out();
        }
    }

    fn end_of_input(&mut self) {
        self.shell.input_ended(self.client.quits);
        self.session.end_of_input(self.now);
        self.settle_effects();
    }

    fn shut_down(&mut self) {
        self.session.shut_down(self.now);
        self.settle_effects();
    }

    fn tick_early(&mut self) {
        let deadline = self.session.deadline();
        if deadline.is_some_and(|at| at <= self.now) {
            return;
        }
        let before = self.session.output().len();
        self.session.tick(self.now);
        assert_eq!(self.session.output().len(), before, "an early tick says something");
        assert_eq!(self.session.effect(), None, "an early tick does something");
        assert_eq!(self.session.event(), None, "an early tick is told of");
        assert_eq!(self.session.deadline(), deadline, "an early tick moves the deadline");
    }

    /// Lets time pass up to the deadline, and a little more or less.
    fn tick_in_time(&mut self) {
        let Some(deadline) = self.session.deadline() else { return };
        let idle = deadline > self.now + STALL_TIMEOUT;
        if idle && !self.chance.one_in(8) {
            return;
        }
        self.now = self.now.max(deadline);
        self.shell.time_passed(self.now);
        // Two things can be due at once, but no deadline may stay in the past: it would spin.
        for _ in 0..3 {
            self.session.tick(self.now);
            self.settle_effects();
            // A penalty of no time at all may have begun with it.
            self.shell.time_passed(self.now);
        }
        let next = self.session.deadline();
        assert!(next.is_none_or(|at| at > self.now), "a deadline is past, and stays");
    }

    /// After HangUp, whatever comes in late is without effect, until all is sent.
    fn drain(&mut self) {
        let most = self.session.output().len();
        self.session.sent(self.chance.upto(most), self.now);
        let left = self.session.output().len();
        if let Some(answer) = self.shell.answer(&mut self.chance, self.now) {
            self.session.answer(answer, self.now);
        }
        self.session.tick(self.now);
        self.session.shut_down(self.now);
        self.session.receive(b"", self.now);
        assert_eq!(self.session.output().len(), left, "something is said after HangUp");
        assert_eq!(self.session.effect(), None, "something is done after HangUp");
        assert_eq!(self.session.event(), None, "something happens after HangUp");
        assert_eq!((self.session.room(), self.session.deadline()), (0, None), "it wants more");
    }

    /// The shell's rule: effects, until there are none. Then what must hold after every input.
    fn settle_effects(&mut self) {
        self.judge.read(self.session.output());
        while let Some(effect) = self.session.effect() {
            self.refuse_stowaways(&effect);
            let (chance, now) = (&mut self.chance, self.now);
            match self.shell.carry_out(effect, &mut self.judge, chance, now) {
                shell::Deed::Done => {}
                shell::Deed::Answer => {
                    let answer = self.shell.answer(&mut self.chance, self.now);
                    let answer = answer.expect("a question was asked");
                    self.judge.guard.told(&answer);
                    self.session.answer(answer, self.now);
                }
                shell::Deed::Event(event) => self.session.data(event, self.now),
            }
            self.judge.read(self.session.output());
        }
        self.client.heard(self.judge.finals);
        self.ledger.read(&mut self.session);
        self.check();
    }

    /// When the connection comes under TLS, or leaves it, nothing of what was said before may be
    /// left to be obeyed.
    fn refuse_stowaways(&mut self, effect: &Effect) {
        if !matches!(effect, Effect::Secure | Effect::Clear) {
            return;
        }
        let greetings = u64::from(self.judge.finals > 0);
        let answered = self.judge.finals - greetings;
        assert_eq!(answered, self.client.lines_sent(), "{effect:?} with lines unanswered");
        assert!(!self.client.is_amid_a_line(), "{effect:?} in the midst of a line");
        if *effect == Effect::Secure && greetings > 0 {
            self.judge.guard.set_privacy(self.client.wants_privacy());
        }
    }

    fn check(&self) {
        let (session, shell, judge) = (&self.session, &self.shell, &self.judge);
        let waiting = session.output().len();
        assert!(waiting < OUTPUT_LIMIT + LONGEST_REPLY, "replies pile up: {waiting}");
        judge.check(self.client.lines, &shell.completed);
        self.ledger.check(shell.running, judge.complete);
        if shell.over {
            assert_eq!((session.room(), session.deadline()), (0, None), "it wants more");
            return;
        }
        judge.guard.check();
        assert!(!shell.serves_nobody(), "data moves, or is to, for a client that crashed");
        if let Some(due) = shell.handshake_due() {
            let deadline = session.deadline();
            assert!(deadline.is_some_and(|at| at <= due), "a handshake without an end");
        }
        if shell.is_changing() {
            assert_eq!(session.room(), 0, "it listens between clear and TLS");
            return;
        }
        if session.room() == 0 && shell.hears() && waiting < OUTPUT_LIMIT {
            let busy = shell.is_busy() || shell.has_penalty() || judge.is_owed(shell.completed);
            assert!(busy, "nothing is being done, and nothing is read");
            // A line may be the command that is being done; the others fill the queue.
            assert!(judge.unanswered(self.client.lines) > 1, "deaf, and no line waits");
        }
        assert!(
            session.deadline().is_some() || (shell.is_asked() && shell.hears()),
            "it waits for somebody else, and for ever"
        );
    }
}

fn connect(chance: &mut Chance, now: Instant) -> (Session, Client, Shell, Judge, Ledger) {
    let required = chance.pick(&[RequireTls::Off, RequireTls::Login, RequireTls::Data]);
    let tls = chance.pick(&[None, Some(RequireTls::Off), Some(required)]);
    let settings = Settings {
        banner: "packetboat ready.".to_owned(),
        idle_timeout: Duration::from_secs(300),
        data_timeout: DATA_TIMEOUT,
        stall_timeout: STALL_TIMEOUT,
        handshake_timeout: DATA_TIMEOUT,
        login_timeout: Duration::from_secs(60),
        passive_address: chance.one_in(2).then_some([192, 0, 2, 1].into()),
        host_name: "host".to_owned(),
        umask: None,
        strict_allo: chance.one_in(2),
        recursive_lists: chance.one_in(2),
        set_id: chance.one_in(2),
        replace_on_hangup: chance.one_in(4),
        tls,
        traces: chance.one_in(4),
    };
    let implicit = tls.is_some() && chance.one_in(4);
    let host: IpAddr =
        if chance.one_in(4) { [0, 0, 0, 0, 0, 0, 0, 1].into() } else { [127, 0, 0, 1].into() };
    let client = Client::new(chance, host, &settings);
    let shell = Shell::new(chance, host, &settings, now);
    let judge = Judge::new(Guard::new(&settings, implicit));
    let ledger = Ledger::new(settings.traces);
    let id = chance.below(1000);
    let session = Session::new(Rc::new(settings), id, (host, host), implicit, now);
    (session, client, shell, judge, ledger)
}
