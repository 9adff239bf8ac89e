//! How long a NOOP takes while eight downloads and a listing of 200,000 names run, and how long the
//! slowest of them. `cargo bench --bench peers -- latency` has a like load beside other servers.

mod common;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::{Client, Mode, Site};
use criterion::{Criterion, criterion_group, criterion_main};

const DOWNLOADS: usize = 8;
const FILES: usize = 200_000;

fn latency(c: &mut Criterion) {
    let site = Site::open();
    common::fill(&site.path(""), FILES);
    site.put("large", 64 << 20);
    let stop = AtomicBool::new(false);
    let again = |command: &str| {
        let mut client = Client::login(site.address());
        while !stop.load(Ordering::Relaxed) {
            client.fetch(Mode::Passive, command);
        }
    };
    let mut waits = Vec::new();
    let mut group = c.benchmark_group("NOOP");
    group.measurement_time(Duration::from_secs(3));
    thread::scope(|scope| {
        (0..DOWNLOADS).for_each(|_| drop(scope.spawn(|| again("RETR large"))));
        scope.spawn(|| again("LIST"));
        let mut client = Client::login(site.address());
        group.bench_function("beside 8 downloads and a listing of 200,000 names", |b| {
            b.iter_custom(|times| {
                let start = waits.len();
                for _ in 0..times {
                    let start = Instant::now();
                    client.command("NOOP", 200);
                    waits.push(start.elapsed());
                }
                waits[start..].iter().sum()
            });
        });
        stop.store(true, Ordering::Relaxed);
    });
    group.finish();
    waits.sort();
    if let Some(last) = waits.len().checked_sub(1) {
        let [median, p99, longest] = [last / 2, last * 99 / 100, last].map(|index| waits[index]);
        println!("{} NOOPs: median {median:.0?}, p99 {p99:.0?}, longest {longest:.0?}", last + 1);
    }
}

criterion_group!(benches, latency);
criterion_main!(benches);
