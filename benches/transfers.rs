//! RETR and STOR over loopback, files in memory, passive and active, one session or 32 at once (of
//! 1 GiB, each its share); beside them what the machine can do at most, by the same client in the
//! same run.

mod common;

use std::time::Duration;

use common::secure::{self, SecureClient};
use common::{Client, Mode, Site, wire};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group};
use criterion::{SamplingMode, criterion_main};

const SIZES: [(&str, usize); 4] =
    [("1 KiB", 1 << 10), ("10 KiB", 10 << 10), ("1 MiB", 1 << 20), ("1 GiB", 1 << 30)];
const MODES: [(&str, Mode); 2] = [("passive", Mode::Passive), ("active", Mode::Active)];
const SESSIONS: [usize; 2] = [1, 32];
/// What all sessions move together at most: what is stored is in memory.
const MOST_BYTES: usize = 1 << 30;

fn retr(c: &mut Criterion) {
    let site = Site::open();
    let mut buffer = common::buffer();
    let mut group = c.benchmark_group("RETR");
    for (size, bytes) in SIZES {
        site.put(size, bytes);
        let bare = common::bare_sender(site.path(size));
        suit(&mut group, Mode::Passive, bytes);
        group.bench_function(BenchmarkId::new("bare sendfile", size), |b| {
            b.iter(|| common::bare_fetch(bare, &mut buffer));
        });
        each(&mut group, &site, (size, bytes), |clients, mode, bytes| {
            let command = format!("RETR {bytes}");
            common::fetch_all(clients, mode, &command, &mut buffer);
        });
    }
    group.finish();
}

fn stor(c: &mut Criterion) {
    let site = Site::open();
    let buffer = common::buffer();
    let mut group = c.benchmark_group("STOR");
    for (size, bytes) in SIZES {
        let bare = common::bare_receiver(site.path("bare"));
        suit(&mut group, Mode::Passive, bytes);
        group.bench_function(BenchmarkId::new("bare recv and write", size), |b| {
            b.iter(|| common::bare_store(bare, &buffer, bytes));
        });
        each(&mut group, &site, (size, bytes), |clients, mode, bytes| {
            common::store_all(clients, mode, &buffer, bytes);
        });
    }
    group.finish();
}

/// All of it under TLS, passive, one session; the data connections resume the control connection's.
fn tls(c: &mut Criterion) {
    let site = Site::secure();
    let tls = wire::client_config(true);
    let mut client = SecureClient::prepared(site.address(), &tls);
    let mut buffer = common::buffer();
    for (size, bytes) in SIZES {
        site.put(size, bytes);
        let bare = secure::secure_sender(site.path(size));
        let mut group = c.benchmark_group("RETR under TLS");
        suit(&mut group, Mode::Passive, bytes);
        group.bench_function(BenchmarkId::new("bare", size), |b| {
            b.iter(|| secure::secure_fetch(bare, &tls, &mut buffer));
        });
        group.bench_function(BenchmarkId::new("packetboat", size), |b| {
            b.iter(|| client.fetch(&format!("RETR {size}"), &mut buffer));
        });
    }
    for (size, bytes) in SIZES {
        let bare = secure::secure_receiver(site.path("bare"));
        let mut group = c.benchmark_group("STOR under TLS");
        suit(&mut group, Mode::Passive, bytes);
        group.bench_function(BenchmarkId::new("bare", size), |b| {
            b.iter(|| secure::secure_store(bare, &tls, &buffer, bytes));
        });
        group.bench_function(BenchmarkId::new("packetboat", size), |b| {
            b.iter(|| client.store("STOR stored", &buffer, bytes));
        });
    }
}

/// A bench for every mode and number of sessions.
fn each(
    group: &mut BenchmarkGroup<'_, WallTime>,
    site: &Site,
    (size, bytes): (&str, usize),
    mut transfer: impl FnMut(&mut [Client], Mode, usize),
) {
    for (name, mode) in MODES {
        for sessions in SESSIONS {
            let share = bytes.min(MOST_BYTES / sessions);
            site.put(&share.to_string(), share);
            let mut clients: Vec<_> =
                (0..sessions).map(|_| Client::login(site.address())).collect();
            suit(group, mode, share * sessions);
            group.bench_function(BenchmarkId::new(format!("{name}, {sessions}"), size), |b| {
                b.iter(|| transfer(&mut clients, mode, share));
            });
        }
    }
}

/// Large transfers are few and alike: a handful of samples says all. And an active connection takes
/// a port away for a minute, of which there are 28,000.
fn suit(group: &mut BenchmarkGroup<'_, WallTime>, mode: Mode, bytes: usize) {
    let [warm_up, measurement] = match mode {
        Mode::Passive => [500, 2000],
        Mode::Active => [100, 500],
    };
    group.throughput(Throughput::Bytes(bytes as u64));
    group.warm_up_time(Duration::from_millis(warm_up));
    group.measurement_time(Duration::from_millis(measurement));
    match bytes > 8 << 20 {
        true => group.sample_size(10).sampling_mode(SamplingMode::Flat),
        false => group.sample_size(50).sampling_mode(SamplingMode::Auto),
    };
}

criterion_group!(benches, retr, stor, tls);
criterion_main!(benches);
