//! The fixed workload: steps, each of which a client takes whatever became of the one before, and
//! what each promises when it is answered with success. No two steps change the same file, so that
//! the folder tells at the end what became of each.

use crate::common::{Dialogue, Way, random_bytes};
use Subject::{File, Folder, Mode, Within};
use rustls::ClientConfig;
use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Bytes of a file: some pieces of a transfer.
const BYTES: usize = 150_000;
const LINES: usize = 2_000;

/// What a step changes.
#[derive(Clone, Copy, Debug)]
pub enum Subject {
    File(&'static str),
    Folder(&'static str),
    Mode(&'static str),
    /// Whatever stands in this folder, since only the server knows the name.
    Within(&'static str),
}

impl Subject {
    /// Its state on the disk; none, if it is not there.
    pub fn state(self, served: &Path) -> Option<Vec<u8>> {
        match self {
            File(name) => fs::read(served.join(name)).ok(),
            Folder(name) => served.join(name).is_dir().then(Vec::new),
            Mode(name) => {
                let mode = fs::metadata(served.join(name)).ok()?.permissions().mode();
                Some(format!("{:o}", mode & 0o777).into_bytes())
            }
            Within(name) => {
                let entries = fs::read_dir(served.join(name)).ok()?;
                entries
                    .filter_map(|entry| fs::read(entry.ok()?.path()).ok())
                    .reduce(|a, b| [a, b].concat())
            }
        }
    }
}

/// One thing that a step changes.
#[derive(Debug)]
pub struct Change {
    pub subject: Subject,
    pub before: Option<Vec<u8>>,
    pub after: Option<Vec<u8>>,
    /// True if a failure may leave it with a part of what was to come.
    pub may_be_partial: bool,
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Say(&'static str),
    Fetch(Way, &'static str),
    Store(Way, &'static str, fn() -> Vec<u8>),
}

/// What comes with success, and is then the same with and without a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Brings {
    Nothing,
    Text,
    Bytes,
    /// Names, as the last words of lines.
    Names,
}

/// Who takes a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Guest,
    /// One with a password, under TLS.
    Writer,
}

#[derive(Debug)]
pub struct Step {
    who: Who,
    beforehand: &'static [&'static str],
    act: Act,
    pub brings: Brings,
    pub changes: Vec<Change>,
}

/// What became of a step.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Code of the last reply; none, if the connection was lost or nobody came.
    pub code: Option<u16>,
    /// Text or bytes, as far as the step brings them.
    pub brought: Vec<u8>,
    /// True if nothing came for as long as the client waits.
    pub stood_still: bool,
}

impl Outcome {
    /// STAT can say only at its end that it has failed.
    pub fn is_success(&self) -> bool {
        let is_cut_off = self.code == Some(213)
            && String::from_utf8_lossy(&self.brought).contains("The listing is cut off here");
        self.code.is_some_and(|code| (200..300).contains(&code)) && !is_cut_off
    }

    /// Names of what was listed.
    pub fn names(&self) -> BTreeSet<String> {
        let text = String::from_utf8_lossy(&self.brought);
        let last = |line: &str| line.split_whitespace().next_back().map(str::to_owned);
        text.lines().filter_map(last).collect()
    }
}

impl Step {
    pub fn line(&self) -> &'static str {
        match self.act {
            Act::Say(line) | Act::Fetch(_, line) | Act::Store(_, line, _) => line,
        }
    }

    fn of_writer(mut self) -> Step {
        self.who = Who::Writer;
        self
    }

    fn after(mut self, beforehand: &'static [&'static str]) -> Step {
        self.beforehand = beforehand;
        self
    }

    fn makes(self, subject: Subject, after: impl Into<Vec<u8>>) -> Step {
        self.turns(subject, None, Some(after.into()))
    }

    fn removes(self, subject: Subject, before: impl Into<Vec<u8>>) -> Step {
        self.turns(subject, Some(before.into()), None)
    }

    fn turns(mut self, subject: Subject, before: Option<Vec<u8>>, after: Option<Vec<u8>>) -> Step {
        let changes_in_place = ["APPE", "REST"].iter().any(|word| {
            self.line().starts_with(word) || self.beforehand.iter().any(|l| l.starts_with(word))
        });
        let is_upload = matches!(self.act, Act::Store(..));
        let may_be_partial = is_upload && (before.is_none() || changes_in_place);
        self.changes.push(Change { subject, before, after, may_be_partial });
        self
    }

    /// Takes it; `None` if the connection was lost.
    fn take(&self, client: &mut Dialogue) -> Option<Outcome> {
        for line in self.beforehand {
            let code = client.say(line)?;
            if code >= 400 {
                return Some(Outcome { code: Some(code), ..Outcome::default() });
            }
        }
        let (code, brought) = match self.act {
            Act::Say(line) => {
                let (code, text) = client.tell(line)?;
                (code, text.into_bytes())
            }
            Act::Fetch(way, line) => client.fetch(way, line)?,
            Act::Store(way, line, content) => (client.store(way, line, &content())?, Vec::new()),
        };
        Some(Outcome { code: Some(code), brought, stood_still: false })
    }
}

fn say(line: &'static str) -> Step {
    let act = Act::Say(line);
    Step { who: Who::Guest, beforehand: &[], act, brings: Brings::Nothing, changes: Vec::new() }
}

fn tell(line: &'static str) -> Step {
    Step { brings: Brings::Text, ..say(line) }
}

fn fetch(way: Way, line: &'static str) -> Step {
    Step { act: Act::Fetch(way, line), brings: Brings::Bytes, ..say(line) }
}

fn list(way: Way, line: &'static str) -> Step {
    Step { brings: Brings::Names, ..fetch(way, line) }
}

fn store(way: Way, line: &'static str, content: fn() -> Vec<u8>) -> Step {
    Step { act: Act::Store(way, line, content), ..say(line) }
}

fn kept() -> Vec<u8> {
    random_bytes(1, BYTES)
}

fn sent() -> Vec<u8> {
    random_bytes(2, BYTES)
}

/// Text with the line ends of the disk.
pub fn text() -> Vec<u8> {
    (0..LINES).flat_map(|line| format!("line {line} of them\n").into_bytes()).collect()
}

/// The same with those of the wire.
fn wire_text() -> Vec<u8> {
    String::from_utf8(text()).unwrap().replace('\n', "\r\n").into_bytes()
}

/// `kept` with what was sent from this byte on.
fn patched(from: usize) -> Vec<u8> {
    [&kept()[..from], &sent()].concat()
}

/// All steps. What stands in the folder before is what they change.
pub fn steps() -> Vec<Step> {
    use Way::{Eprt, Epsv, Pasv, Port};
    let old = || Some(kept());
    vec![
        fetch(Epsv, "RETR kept"),
        fetch(Port, "RETR kept"),
        fetch(Pasv, "RETR kept").after(&["REST 70000"]),
        store(Epsv, "STOR new", sent).makes(File("new"), sent()),
        store(Eprt, "STOR replaced", sent).turns(File("replaced"), old(), Some(sent())),
        store(Pasv, "APPE log", sent).turns(File("log"), old(), Some(patched(BYTES))),
        store(Epsv, "STOR resumed", sent).after(&["REST 70000"]).turns(
            File("resumed"),
            old(),
            Some(patched(70_000)),
        ),
        store(Epsv, "STOU", sent).after(&["CWD /unique"]).makes(Within("unique"), sent()),
        list(Epsv, "LIST").after(&["CWD /listed"]),
        list(Port, "MLSD /listed"),
        list(Pasv, "NLST /listed"),
        Step { brings: Brings::Names, ..tell("STAT /listed") },
        say("MLST /kept"),
        tell("SIZE /kept"),
        say("RNTO /to")
            .after(&["RNFR /from"])
            .removes(File("from"), kept())
            .makes(File("to"), kept()),
        say("MKD /made").makes(Folder("made"), ""),
        say("RMD /removed").removes(Folder("removed"), ""),
        say("DELE /deleted").removes(File("deleted"), kept()),
        say("SITE CHMOD 640 /moded").turns(Mode("moded"), Some("600".into()), Some("640".into())),
        say("MFMT 20200102030405 /kept"),
        say("SITE CPTO /copy").after(&["SITE CPFR /kept"]).makes(File("copy"), kept()),
        tell("HASH /kept"),
        say("COMB /whole \"/one\" \"/two\"")
            .removes(File("one"), kept())
            .removes(File("two"), sent())
            .makes(File("whole"), [kept(), sent()].concat()),
        fetch(Epsv, "RETR /text").after(&["TYPE A"]),
        store(Epsv, "STOR /stored_text", wire_text)
            .after(&["TYPE A"])
            .makes(File("stored_text"), text()),
        fetch(Epsv, "RETR kept").of_writer(),
        store(Epsv, "STOR secret", sent).of_writer().makes(File("secret"), sent()),
        store(Port, "STOR secret_replaced", sent).of_writer().turns(
            File("secret_replaced"),
            old(),
            Some(sent()),
        ),
        store(Epsv, "APPE secret_log", sent).of_writer().turns(
            File("secret_log"),
            old(),
            Some(patched(BYTES)),
        ),
        list(Epsv, "MLSD listed").of_writer(),
        fetch(Epsv, "RETR text").of_writer().after(&["TYPE A"]),
        store(Epsv, "STOR secret_text", wire_text)
            .of_writer()
            .after(&["TYPE A"])
            .makes(File("secret_text"), text()),
    ]
}

/// Puts what the steps need into a folder.
pub fn plant(served: &Path, steps: &[Step]) {
    for folder in ["listed", "unique"] {
        fs::create_dir(served.join(folder)).unwrap();
    }
    for number in 0..40 {
        fs::write(served.join(format!("listed/{number:02}")), "").unwrap();
    }
    fs::write(served.join("kept"), kept()).unwrap();
    fs::write(served.join("text"), text()).unwrap();
    for change in steps.iter().flat_map(|step| &step.changes) {
        let Some(before) = &change.before else { continue };
        match change.subject {
            File(name) => fs::write(served.join(name), before).unwrap(),
            Folder(name) => fs::create_dir(served.join(name)).unwrap(),
            Mode(name) => {
                fs::write(served.join(name), "").unwrap();
                let mode = fs::Permissions::from_mode(0o600);
                fs::set_permissions(served.join(name), mode).unwrap();
            }
            Within(name) => panic!("{name}: its name is to be made"),
        }
    }
}

/// Clients who take the steps, and begin anew when they are thrown out.
pub struct Clients {
    pub server: SocketAddr,
    pub tls: Arc<ClientConfig>,
    /// Longest wait for one answer.
    pub patience: Duration,
    /// End of the work, done or not.
    pub until: Instant,
}

impl Clients {
    fn begin(&self, who: Who) -> Option<Dialogue> {
        let mut client = Dialogue::patient(self.server, self.patience)?;
        match who {
            Who::Guest => client.login("anonymous", "guest@")?,
            Who::Writer => {
                client.secure(&self.tls)?;
                client.login("writer", "secret")?;
            }
        }
        (client.say("TYPE I")? == 200).then_some(client)
    }

    /// Takes all the steps.
    pub fn work(&self, steps: &[Step]) -> Vec<Outcome> {
        let mut present: Option<(Who, Dialogue)> = None;
        let mut outcomes = Vec::new();
        for step in steps {
            let begun = Instant::now();
            if begun > self.until {
                outcomes.push(Outcome::default());
                continue;
            }
            if present.as_ref().is_none_or(|(who, _)| *who != step.who) {
                present = self.begin(step.who).map(|client| (step.who, client));
            }
            let taken = present.as_mut().and_then(|(_, client)| step.take(client));
            if taken.is_none() {
                present = None;
            }
            let stood_still = taken.is_none() && begun.elapsed() >= self.patience;
            outcomes.push(taken.unwrap_or(Outcome { stood_still, ..Outcome::default() }));
        }
        if let Some((_, mut client)) = present {
            client.say("QUIT");
        }
        outcomes
    }
}
