//! RETR and STOR over loopback, one session, files in memory; beside each what the machine can do
//! at most, by the same client in the same run.

mod common;

use std::time::Duration;

use common::{Client, Mode, Site};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group};
use criterion::{SamplingMode, criterion_main};

const SIZES: [(&str, usize); 3] = [("1 KiB", 1 << 10), ("1 MiB", 1 << 20), ("256 MiB", 256 << 20)];

fn retr(c: &mut Criterion) {
    let site = Site::open();
    let mut client = Client::login(site.address());
    let mut buffer = common::buffer();
    let mut group = c.benchmark_group("RETR");
    for (size, bytes) in SIZES {
        site.put(size, bytes);
        let command = format!("RETR {size}");
        let bare = common::bare_sender(site.path(size));
        suit(&mut group, bytes);
        group.bench_function(BenchmarkId::new("bare sendfile", size), |b| {
            b.iter(|| common::bare_fetch(bare, &mut buffer));
        });
        group.bench_function(BenchmarkId::new("passive", size), |b| {
            b.iter(|| client.fetch(Mode::Passive, &command));
        });
        if bytes == 1 << 10 {
            few(&mut group);
            group.bench_function(BenchmarkId::new("active", size), |b| {
                b.iter(|| client.fetch(Mode::Active, &command));
            });
        }
    }
    group.finish();
}

fn stor(c: &mut Criterion) {
    let site = Site::open();
    let mut client = Client::login(site.address());
    let buffer = common::buffer();
    let mut group = c.benchmark_group("STOR");
    for (size, bytes) in SIZES {
        let command = format!("STOR {size}");
        let bare = common::bare_receiver(site.path(&format!("bare {size}")));
        suit(&mut group, bytes);
        group.bench_function(BenchmarkId::new("bare recv and write", size), |b| {
            b.iter(|| common::bare_store(bare, &buffer, bytes));
        });
        group.bench_function(BenchmarkId::new("passive", size), |b| {
            b.iter(|| client.store(Mode::Passive, &command, bytes));
        });
        if bytes == 1 << 10 {
            few(&mut group);
            group.bench_function(BenchmarkId::new("active", size), |b| {
                b.iter(|| client.store(Mode::Active, &command, bytes));
            });
        }
    }
    group.finish();
}

/// Large transfers are few and alike: a handful of samples says all.
fn suit(group: &mut BenchmarkGroup<'_, WallTime>, bytes: usize) {
    group.throughput(Throughput::Bytes(bytes as u64));
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    if bytes > 1 << 20 {
        group.sample_size(10).sampling_mode(SamplingMode::Flat);
    }
}

/// An active connection takes a port away for a minute, and there are 28,000 of them.
fn few(group: &mut BenchmarkGroup<'_, WallTime>) {
    group.warm_up_time(Duration::from_millis(100)).measurement_time(Duration::from_millis(500));
}

criterion_group!(benches, retr, stor);
criterion_main!(benches);
