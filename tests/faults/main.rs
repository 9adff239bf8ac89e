//! Faults of the kernel: the program beneath a kernel of which each call, once or for ever, fails in
//! each way that it may. `table.rs` has the calls, `workload.rs` what is done meanwhile, and `judge.rs`
//! what must hold.

#[path = "../common/mod.rs"]
mod common;

mod judge;
mod run;
mod table;
mod workload;

use common::Chance;
use judge::{Fault, Judge, Phase, Times};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use table::{LEFT_OUT, Row, Stay, TABLE, is_transient};

/// Programs at once; most of their time they wait.
const AT_ONCE: usize = 4;
/// Calls of one kind that the night tries in a phase, at most.
const PLACES: usize = 20;
const PHASES: [Phase; 3] = [Phase::Start, Phase::Serving, Phase::End];

/// Tries all of them; each must be borne.
fn sweep(judge: &Judge, faults: &[Fault]) {
    let next = AtomicUsize::new(0);
    let (borne, broken) = (Mutex::new(BTreeMap::new()), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(fault) = faults.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match judge.try_out(fault) {
                        Ok(how) => {
                            let calls: &mut BTreeMap<_, usize> = &mut borne.lock().unwrap();
                            *calls.entry((fault.call, how)).or_default() += 1;
                        }
                        Err(lie) => {
                            println!("{lie}");
                            broken.lock().unwrap().push(lie);
                        }
                    }
                }
            });
        }
    });
    for ((call, how), count) in borne.into_inner().unwrap() {
        println!("{call}: {how:?} {count}");
    }
    println!("{} faults", faults.len());
    let broken = broken.into_inner().unwrap();
    assert!(broken.is_empty(), "{} of {} faults: {broken:#?}", broken.len(), faults.len());
}

/// Faults of a phase: each row of the table with each of its results, at the calls that are picked of
/// so many.
fn faults(
    judge: &Judge,
    phase: Phase,
    times: Times,
    mut pick: impl FnMut(usize) -> Vec<usize>,
) -> Vec<Fault> {
    let may_be = |row: &&Row| match (row.stay, times) {
        (Stay::Never, Times::Ever) | (Stay::Always, Times::Once) => false,
        (Stay::Never | Stay::Maybe, Times::Once) | (Stay::Maybe, Times::Ever) => true,
        (Stay::Always, Times::Ever) => phase == Phase::Start,
    };
    let mut faults = Vec::new();
    for row in TABLE.iter().filter(may_be) {
        let Row { call, .. } = *row;
        let Some(&count) = judge.calls(phase).get(call) else { continue };
        for result in row.results() {
            if times == Times::Once || !is_transient(result) {
                let picked = pick(count).into_iter();
                faults.extend(picked.map(|nth| Fault { phase, call, result, nth, times }));
            }
        }
    }
    faults
}

fn first(_: usize) -> Vec<usize> {
    vec![1]
}

/// Calls from the first to the last, evenly, as many as the night has time for.
fn spread(count: usize) -> Vec<usize> {
    (1..=count).step_by(count.div_ceil(PLACES)).collect()
}

/// One in so many of them, the same in every run.
fn some(mut faults: Vec<Fault>, one_in: usize) -> Vec<Fault> {
    let mut chance = Chance::new(one_in as u64);
    faults.retain(|_| chance.upto(one_in - 1) == 0);
    faults
}

#[test]
#[ignore = "needs strace"]
fn each_call_that_is_made_has_a_line_in_the_table() {
    let judge = Judge::new();
    for phase in PHASES {
        for call in judge.calls(phase).keys() {
            let has_line = TABLE.iter().any(|row| row.call == call);
            assert!(
                has_line || LEFT_OUT.contains(&call.as_str()),
                "{phase:?}: call {call} is made and has no line in the table"
            );
        }
    }
}

#[test]
#[ignore = "needs strace"]
fn a_call_that_fails_at_the_start_is_told() {
    let judge = Judge::new();
    let mut all = faults(&judge, Phase::Start, Times::Once, first);
    all.extend(some(faults(&judge, Phase::Start, Times::Ever, first), 3));
    sweep(&judge, &all);
}

#[test]
#[ignore = "needs strace"]
fn a_call_that_fails_once_is_borne() {
    let (judge, mut chance) = (Judge::new(), Chance::new(1));
    let by_chance = |count| vec![1 + chance.upto(count - 1)];
    sweep(&judge, &faults(&judge, Phase::Serving, Times::Once, by_chance));
}

#[test]
#[ignore = "needs strace"]
fn a_call_that_fails_for_ever_neither_hangs_nor_lies() {
    let judge = Judge::new();
    sweep(&judge, &some(faults(&judge, Phase::Serving, Times::Ever, first), 8));
}

#[test]
#[ignore = "needs strace"]
fn a_call_that_fails_at_the_end_does_not_keep_it() {
    let judge = Judge::new();
    let mut all = faults(&judge, Phase::End, Times::Once, first);
    all.extend(faults(&judge, Phase::End, Times::Ever, first));
    sweep(&judge, &all);
}

/// All of it, which takes half an hour.
#[test]
#[ignore = "needs strace and half an hour"]
fn night_of_faults() {
    let judge = Judge::new();
    let mut all = Vec::new();
    for phase in PHASES {
        all.extend(faults(&judge, phase, Times::Once, spread));
        all.extend(faults(&judge, phase, Times::Ever, first));
    }
    sweep(&judge, &all);
}
