//! The judge: has the program run under one fault, and looks at all that must hold nevertheless.

use crate::common::stream::trusting;
use crate::common::{Dialogue, Way};
use crate::run::{Refused, Run, at_main, counts};
use crate::workload::{self, Brings, Change, Clients, Outcome, Step};
use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::time::{Duration, Instant};

/// Part of the program's life that a fault comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// From its first own call on.
    Start,
    /// While the steps are taken.
    Serving,
    /// From SIGTERM on.
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    Once,
    /// From then on for ever.
    Ever,
}

#[derive(Clone, Copy, Debug)]
pub struct Fault {
    pub phase: Phase,
    pub call: &'static str,
    /// What the call has instead of its result, in strace's words.
    pub result: &'static str,
    /// Number of the call in its phase, from 1; each thread counts its own.
    pub nth: usize,
    pub times: Times,
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fault { phase, call, result, nth, times } = self;
        let ever = if *times == Times::Ever { "+" } else { "" };
        write!(f, "{phase:?} {call}:{result}:when={nth}{ever}")
    }
}

/// How a fault was borne.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Borne {
    /// Each step was answered as without it.
    Unseen,
    /// A step was refused, or a connection lost.
    Told,
    /// The program said why it does not start.
    NotStarted,
    /// The call was not made so often.
    NotReached,
}

/// What is so without a fault.
pub struct Judge {
    steps: Vec<Step>,
    outcomes: Vec<Outcome>,
    /// Descriptors that the work opens for good.
    opened: usize,
    /// Calls that are made before `main`.
    loader: BTreeMap<String, usize>,
    calls: [BTreeMap<String, usize>; 3],
}

impl Judge {
    /// Finds out what is so without a fault.
    pub fn new() -> Judge {
        let steps = workload::steps();
        let run = Run::begin(&steps, Some("trace=all"));
        run.client(patience(Times::Once)).expect("a guest is let in");
        assert_eq!(run.terminate().and_then(|end| end.code()), Some(0));
        let calls = run.calls();
        let (loader, start) = at_main(&calls);
        let (loader, start) = (counts(loader), counts(start));

        let run = Run::begin(&steps, None);
        let witness = run.client(patience(Times::Once)).expect("a guest is let in");
        let before = run.program.descriptors();
        let strace = run.attach("trace=all");
        let outcomes = clients(&run, Times::Once).work(&steps);
        strace.detach();
        let serving = counts(&run.calls());
        // Listeners of passive ports are not counted; the rest is as low as it gets.
        let opened = run.descriptors_down_to(before).saturating_sub(before);
        let strace = run.attach("trace=all");
        drop(witness);
        assert_eq!(run.terminate().and_then(|end| end.code()), Some(0));
        drop(strace);
        let calls = [start, serving, counts(&run.calls())];
        let judge = Judge { steps, outcomes, opened, loader, calls };
        for (step, outcome) in judge.steps.iter().zip(&judge.outcomes) {
            assert!(outcome.is_success(), "{}: {outcome:?}", step.line());
        }
        assert_eq!(judge.lies(None, &run, &judge.outcomes), Vec::<String>::new());
        judge
    }

    /// How often a thread makes each call in a phase.
    pub fn calls(&self, phase: Phase) -> &BTreeMap<String, usize> {
        &self.calls[phase as usize]
    }

    /// Runs the program under a fault.
    ///
    /// # Errors
    /// What does not hold.
    pub fn try_out(&self, fault: &Fault) -> Result<Borne, String> {
        let tried = match fault.phase {
            Phase::Start => self.at_start(fault),
            Phase::Serving => self.while_serving(fault),
            Phase::End => self.at_end(fault),
        };
        tried.map_err(|lie| format!("{fault}: {lie}"))
    }

    fn at_start(&self, fault: &Fault) -> Result<Borne, String> {
        let before = self.loader.get(fault.call).copied().unwrap_or(0);
        let run = Run::begin(&self.steps, Some(&inject(fault, before)));
        match (run.client(patience(fault.times)), fault.times) {
            (Err(Refused::Ended(end)), _) => {
                let log = run.log();
                let is_told = log.contains("packetboat: ") || fault.call == "write";
                return match (end.code(), is_told) {
                    (Some(2), true) => Ok(Borne::NotStarted),
                    _ => Err(format!("{end}, {log}")),
                };
            }
            (Err(Refused::StandsStill), Times::Once) => return Err("nobody is let in".into()),
            // One that comes later must not hit what is looked at.
            (Ok(_), Times::Once) if injections(&run) == 0 => {}
            (Ok(witness), Times::Once) => check_service(&run, witness)?,
            (Ok(_) | Err(Refused::StandsStill), Times::Ever) => {}
        }
        check_end(&run)?;
        Ok(if injections(&run) > 0 { Borne::Unseen } else { Borne::NotReached })
    }

    fn while_serving(&self, fault: &Fault) -> Result<Borne, String> {
        let run = Run::begin(&self.steps, None);
        let witness =
            run.client(patience(Times::Once)).map_err(|refused| format!("{refused:?}"))?;
        let before = run.program.descriptors();
        let strace = run.attach(&inject(fault, 0));
        let outcomes = clients(&run, fault.times).work(&self.steps);
        if let Some(end) = run.program.end() {
            return Err(format!("it ended: {end}, {}", run.log()));
        }
        // Single faults that were not reached must not hit what is looked at.
        let strace = (fault.times == Times::Ever).then_some(strace);
        let was_injected = injections(&run) > 0;
        let mut lies = self.lies_under(fault, &run, &outcomes);
        match fault.times {
            Times::Once => {
                // One that is not closed stays open.
                let unclosed = if fault.call == "close" { injections(&run) } else { 0 };
                let expected = before + self.opened + unclosed;
                let held = run.descriptors_down_to(expected);
                if held > expected {
                    lies.push(format!("{held} descriptors are open, expected {expected}"));
                }
                lies.extend(check_service(&run, witness).err());
            }
            Times::Ever => drop(witness),
        }
        lies.extend(check_end(&run).err());
        drop(strace);
        let is_unseen = outcomes.iter().all(Outcome::is_success);
        match (lies.is_empty(), was_injected, is_unseen) {
            (false, _, _) => Err(lies.join("\n    ")),
            (true, false, _) => Ok(Borne::NotReached),
            (true, true, true) => Ok(Borne::Unseen),
            (true, true, false) => Ok(Borne::Told),
        }
    }

    fn at_end(&self, fault: &Fault) -> Result<Borne, String> {
        let run = Run::begin(&self.steps, None);
        let witness =
            run.client(patience(Times::Once)).map_err(|refused| format!("{refused:?}"))?;
        let _strace = run.attach(&inject(fault, 0));
        drop(witness);
        check_end(&run)?;
        Ok(if injections(&run) > 0 { Borne::Unseen } else { Borne::NotReached })
    }

    /// What does not hold: answers, files, and what is left behind.
    fn lies_under(&self, fault: &Fault, run: &Run, outcomes: &[Outcome]) -> Vec<String> {
        let mut lies = self.lies(Some(fault), run, outcomes);
        for (step, outcome) in self.steps.iter().zip(outcomes) {
            let line = step.line();
            if outcome.stood_still && fault.times == Times::Once {
                lies.push(format!("{line}: no answer"));
            }
            if fault.is_to_be_retried() && !outcome.is_success() {
                lies.push(format!("{line}: was not tried again: {:?}", outcome.code));
            }
            if fault.is_of_machine() && outcome.code == Some(550) {
                lies.push(format!("{line}: 550 for what is not the file's fault"));
            }
        }
        // What cannot be removed is, when it is seen the next time.
        if fault.is_of_removal() {
            let client = run.client(patience(fault.times)).ok();
            client.and_then(|mut client| client.fetch(Way::Epsv, "NLST"));
        }
        let litter = run.litter();
        let may_stay = fault.is_of_removal() && fault.times == Times::Ever;
        if !litter.is_empty() && !may_stay {
            lies.push(format!("litter: {litter:?}"));
        }
        lies
    }

    /// What was answered and is not so.
    fn lies(&self, fault: Option<&Fault>, run: &Run, outcomes: &[Outcome]) -> Vec<String> {
        let mut lies = Vec::new();
        for ((step, outcome), right) in self.steps.iter().zip(outcomes).zip(&self.outcomes) {
            let is_right = match step.brings {
                _ if !outcome.is_success() => true,
                Brings::Nothing => true,
                Brings::Text | Brings::Bytes => outcome.brought == right.brought,
                Brings::Names => outcome.names() == right.names(),
            };
            if !is_right {
                let bytes = (outcome.brought.len(), right.brought.len());
                lies.push(format!("{}: {:?} for {bytes:?} bytes", step.line(), outcome.code));
            }
            let states: Vec<State> =
                step.changes.iter().map(|change| State::of(change, run)).collect();
            let holds = match outcome.is_success() {
                true => states.iter().all(|state| match state {
                    State::After => true,
                    State::Partial => fault.is_some_and(Fault::looks_like_fin),
                    State::Before | State::Wrong => false,
                }),
                false => holds_after_failure(&step.changes, &states),
            };
            if !holds {
                lies.push(format!("{}: {:?}, but {states:?}", step.line(), outcome.code));
            }
        }
        lies
    }
}

/// State of what a step changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Before,
    After,
    /// A part of what was to come is there, and nothing else.
    Partial,
    Wrong,
}

impl State {
    fn of(change: &Change, run: &Run) -> State {
        let Change { subject, before, after, .. } = change;
        match (subject.state(&run.served()), before, after) {
            (state, _, after) if state == *after => State::After,
            (state, before, _) if state == *before => State::Before,
            (Some(state), before, Some(after)) => {
                let before = before.as_deref().unwrap_or_default();
                let is_between = state
                    .iter()
                    .enumerate()
                    .all(|(at, byte)| [before.get(at), after.get(at)].contains(&Some(byte)));
                if is_between { State::Partial } else { State::Wrong }
            }
            (Some(_) | None, _, _) => State::Wrong,
        }
    }
}

/// Nothing may be gone before what is to come is there, and only some uploads leave a part.
fn holds_after_failure(changes: &[Change], states: &[State]) -> bool {
    let (mut is_gone, mut is_missing) = (false, false);
    for (change, state) in changes.iter().zip(states) {
        match (state, change.after.is_none()) {
            (State::Wrong, _) => return false,
            (State::Partial, _) if !change.may_be_partial => return false,
            (State::After, true) => is_gone = true,
            (State::Before | State::Partial, false) => is_missing = true,
            (State::After, false) | (State::Before | State::Partial, true) => {}
        }
    }
    let makes = changes.iter().any(|change| change.after.is_some());
    !(makes && is_gone && is_missing)
}

impl Fault {
    /// A call that was interrupted is made again, and nobody hears of it. openat2 says EAGAIN when
    /// a rename came in between.
    fn is_to_be_retried(&self) -> bool {
        let again = ("openat2", "error=EAGAIN");
        // An interrupted close has closed.
        self.times == Times::Once
            && (self.result == "error=EINTR" && self.call != "close"
                || (self.call, self.result) == again)
    }

    /// No name is at fault, so that no client may take it for the last word.
    fn is_of_machine(&self) -> bool {
        ["EIO", "ENOMEM", "EMFILE", "ENFILE"].iter().any(|error| self.result.ends_with(error))
    }

    fn is_of_removal(&self) -> bool {
        self.call.starts_with("unlink")
    }

    /// Nothing to read is what a client's FIN looks like.
    fn looks_like_fin(&self) -> bool {
        self.result == "retval=0" && ["recvfrom", "read", "splice"].contains(&self.call)
    }
}

fn inject(fault: &Fault, before: usize) -> String {
    let Fault { call, result, nth, times, .. } = fault;
    let ever = if *times == Times::Ever { "+" } else { "" };
    format!("inject={call}:{result}:when={}{ever}", nth + before)
}

fn injections(run: &Run) -> usize {
    run.calls().matches("(INJECTED)").count()
}

fn patience(times: Times) -> Duration {
    match times {
        Times::Once => Duration::from_secs(10),
        Times::Ever => Duration::from_secs(3),
    }
}

fn clients(run: &Run, times: Times) -> Clients {
    // Where a fault stays, each step may take as long as the server's time-outs.
    let work = match times {
        Times::Once => Duration::from_secs(120),
        Times::Ever => Duration::from_secs(6),
    };
    let (patience, until) = (patience(times), Instant::now() + work);
    // TLS sessions are those of one server.
    Clients { server: run.address, tls: trusting(), patience, until }
}

/// Who was in before is served, and so is who comes.
fn check_service(run: &Run, mut witness: Dialogue) -> Result<(), String> {
    let mut newcomer = run
        .client(patience(Times::Once))
        .map_err(|refused| format!("nobody is let in: {refused:?}"))?;
    for (who, client) in [("who was in", &mut witness), ("who comes", &mut newcomer)] {
        let alive = client.say("NOOP") == Some(200);
        let fetched = client.fetch(Way::Epsv, "RETR text");
        let small = workload::text();
        match fetched {
            Some((226, content)) if alive && content == small => {}
            fetched => {
                let fetched = fetched.map(|(code, content)| (code, content.len()));
                return Err(format!("{who} is not served: NOOP {alive}, RETR {fetched:?}"));
            }
        }
    }
    Ok(())
}

fn check_end(run: &Run) -> Result<(), String> {
    let end = run.terminate();
    let log = run.log();
    match end {
        // A panic ends one session, and is a bug.
        Some(_) if log.contains("a bug, please report it") => Err(log),
        Some(end) if end.code() == Some(0) => Ok(()),
        Some(end) => Err(format!("it ended with {end}: {log}")),
        None => Err("SIGTERM does not end it".into()),
    }
}
