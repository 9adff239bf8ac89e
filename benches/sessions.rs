//! Sessions that move no file: connect, log in, quit; and the round trip of a NOOP. Beside each the
//! same client with a blocking server that only says the replies (and does TLS).

mod common;

use std::time::Duration;

use common::secure::{self, SecureClient};
use common::{Client, Site, wire};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn sessions(c: &mut Criterion) {
    let site = Site::open();
    let servers = [("bare", common::bare_talker()), ("packetboat", site.address())];

    let mut group = c.benchmark_group("connect, log in, quit");
    group.throughput(Throughput::Elements(1));
    for (name, server) in servers {
        group.bench_function(name, |b| b.iter(|| common::log_in_and_out(server)));
    }
    group.finish();

    let secure_site = Site::secure();
    let servers = [("bare", secure::secure_talker()), ("packetboat", secure_site.address())];
    let mut group = c.benchmark_group("connect, log in, quit under TLS");
    group.throughput(Throughput::Elements(1));
    for (kind, resumes) in [("full", false), ("resumed", true)] {
        for (name, server) in servers {
            let tls = wire::client_config(resumes);
            SecureClient::login(server, &tls).command("QUIT", 221);
            group.bench_function(format!("{name}, {kind}"), |b| {
                b.iter(|| {
                    let mut client = SecureClient::login(server, &tls);
                    assert!(client.has_resumed() == resumes);
                    client.command("QUIT", 221);
                });
            });
        }
    }
    group.finish();

    let servers = [("bare", common::bare_talker()), ("packetboat", site.address())];
    let mut group = c.benchmark_group("NOOP");
    group.throughput(Throughput::Elements(1));
    for (name, server) in servers {
        let mut client = Client::connect(server);
        group.bench_function(name, |b| b.iter(|| client.command("NOOP", 200)));
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3));
    targets = sessions
}
criterion_main!(benches);
