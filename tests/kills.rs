//! Kills by chance while files are stored, replaced, appended to, renamed, copied and joined: each
//! stays whole in its old or its new form, what was answered stays, and no litter is left for long.

mod common;

use common::client::read_to_end;
use common::program::Program;
use common::{Chance, Dialogue, Way, names_in};
use rustix::process::Signal;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

const KILLS: u64 = 200;
/// Bytes of each content: some pieces of an upload.
const BYTES: usize = 300_000;
/// Commands of the work that change something.
const STEPS: usize = 6;
/// Longest time from the beginning of a step to the kill.
const LATEST_MICROS: usize = 3_000;

/// Work that a kill comes in between: what was answered with success.
#[derive(Debug, Default)]
struct Answered {
    new: bool,
    old: bool,
    log: bool,
    renamed: bool,
    copied: bool,
    joined: bool,
}

impl Answered {
    fn count(&self) -> usize {
        let steps = [self.new, self.old, self.log, self.renamed, self.copied, self.joined];
        steps.into_iter().filter(|answered| *answered).count()
    }
}

/// Contents of one round.
struct Contents {
    before: Vec<u8>,
    after: Vec<u8>,
    parts: [Vec<u8>; 2],
}

/// Does the work, and tells of each step as it begins.
fn work(
    server: SocketAddr,
    contents: &Contents,
    begins: &Sender<()>,
    answered: &mut Answered,
) -> Option<()> {
    let mut client = Dialogue::begin(server)?;
    client.login("anonymous", "guest@")?;
    begins.send(()).ok()?;
    answered.new = client.store(Way::Epsv, "STOR new", &contents.after)? == 226;
    begins.send(()).ok()?;
    answered.old = client.store(Way::Epsv, "STOR old", &contents.after)? == 226;
    begins.send(()).ok()?;
    answered.log = client.store(Way::Epsv, "APPE log", &contents.after)? == 226;
    client.say("RNFR from")?;
    begins.send(()).ok()?;
    answered.renamed = client.say("RNTO to")? == 250;
    client.say("SITE CPFR kept")?;
    begins.send(()).ok()?;
    answered.copied = client.say("SITE CPTO copy")? == 250;
    begins.send(()).ok()?;
    answered.joined = client.say("COMB whole \"one\" \"two\"")? == 250;
    Some(())
}

/// Waits for the moment of the kill: so long after the beginning of a step.
fn await_moment(begun: &Receiver<()>, step: usize, later: Duration) {
    for _ in 0..=step {
        begun.recv().expect("the server lives");
    }
    // The work may go on, and come to its end.
    let never = mpsc::channel::<()>();
    assert!(never.1.recv_timeout(later).is_err(), "nobody sends");
}

fn plant(folder: &Path, contents: &Contents) {
    for name in ["old", "log", "from", "kept"] {
        fs::write(folder.join(name), &contents.before).unwrap();
    }
    for (name, part) in ["one", "two"].iter().zip(&contents.parts) {
        fs::write(folder.join(name), part).unwrap();
    }
}

/// Looks at what a kill has left.
fn check(folder: &Path, contents: &Contents, answered: &Answered) {
    let content = |name: &str| fs::read(folder.join(name)).ok();
    let (before, after) = (Some(&contents.before), Some(&contents.after));

    let new = content("new");
    assert!(new.as_ref() == after || (new.is_none() && !answered.new), "{answered:?}");
    let old = content("old");
    assert!(old.as_ref() == after || (old.as_ref() == before && !answered.old), "{answered:?}");
    let log = content("log").expect("nobody removes it");
    let added = log.strip_prefix(&contents.before[..]).expect("what it had stays");
    assert!(contents.after.starts_with(added), "{answered:?}");
    assert!(added.len() == contents.after.len() || !answered.log, "{answered:?}");
    match (content("from"), content("to")) {
        (Some(from), None) => assert!(from == contents.before && !answered.renamed),
        (None, Some(to)) => assert!(to == contents.before),
        (from, to) => panic!("{} and {}", from.is_some(), to.is_some()),
    }
    assert!(content("kept").as_ref() == before);
    let copy = content("copy");
    assert!(copy.as_ref() == before || (copy.is_none() && !answered.copied), "{answered:?}");
    let parts = ["one", "two"].map(content);
    match content("whole") {
        Some(whole) => assert!(whole == contents.parts.concat(), "{answered:?}"),
        None => {
            assert!(!answered.joined && parts == contents.parts.clone().map(Some), "{answered:?}");
        }
    }
    assert!(!answered.joined || parts == [None, None], "{answered:?}");
}

#[test]
fn two_hundred_kills_leave_each_file_whole_and_what_was_answered_in_place() {
    let mut cut = [0_u64; STEPS + 1];
    for round in 0..KILLS {
        let mut chance = Chance::new(round);
        let folder = tempfile::tempdir().unwrap();
        let part = |chance: &mut Chance| chance.bytes(BYTES / 2);
        let contents = Contents {
            before: chance.bytes(BYTES),
            after: chance.bytes(BYTES),
            parts: [part(&mut chance), part(&mut chance)],
        };
        plant(folder.path(), &contents);
        let words = [folder.path().to_str().expect("a temporary folder has a plain name")];
        let program = Program::start("", &words);
        let step = chance.upto(STEPS - 1);
        let later = Duration::from_micros(chance.upto(LATEST_MICROS) as u64);
        let (begins, begun) = mpsc::channel();
        let answered = thread::scope(|scope| {
            let worker = scope.spawn(|| {
                let mut answered = Answered::default();
                let _ = work(program.address(), &contents, &begins, &mut answered);
                answered
            });
            await_moment(&begun, step, later);
            program.signal(Signal::KILL);
            program.wait();
            worker.join().unwrap()
        });
        check(folder.path(), &contents, &answered);
        cut[answered.count()] += 1;

        // The next server lists none of what the killed one left, and removes it.
        let is_litter = |name: &String| name.starts_with(".packetboat-");
        let next = Program::start("", &words);
        let mut client = next.client();
        let mut data = client.data(Way::Epsv);
        client.begin("NLST -a");
        let listed = String::from_utf8(read_to_end(&mut data)).unwrap();
        client.expect_reply(226);
        assert!(!listed.contains(".packetboat-"), "{listed}");
        assert!(!names_in(folder.path()).iter().any(is_litter), "{:?}", names_in(folder.path()));
    }
    let in_between: u64 = cut[..STEPS].iter().sum();
    assert!(in_between >= KILLS / 20, "rounds by the steps that were answered: {cut:?}");
}
