//! What a command costs as language: bytes to lines, lines to commands, replies to bytes.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use packetboat::parts::{Algorithm, FactSet, Lines, Reply, VPath, command};

/// Lines that arrive in one piece.
const PIPELINED: u64 = 100;

fn lines(c: &mut Criterion) {
    let mut group = c.benchmark_group("lines");
    group.throughput(Throughput::Elements(PIPELINED));
    for (name, line) in [("short", "NOOP\r\n"), ("path", "RETR pub/photos/IMG_000001.jpeg\r\n")] {
        let bytes = line.repeat(PIPELINED as usize);
        let mut lines = Lines::default();
        group.bench_function(name, |b| {
            b.iter(|| {
                lines.push(black_box(bytes.as_bytes()));
                while let Some(line) = lines.pop() {
                    black_box(line);
                }
            });
        });
    }
    group.finish();
}

fn parse(c: &mut Criterion) {
    let mut group = c.benchmark_group("parse");
    for line in [
        "NOOP",
        "USER anonymous",
        "TYPE I",
        "SIZE pub/photos/IMG_000001.jpeg",
        "RETR pub/photos/IMG_000001.jpeg",
        "PORT 127,0,0,1,204,81",
        "EPRT |2|2001:db8::1|52305|",
        "XYZZY",
    ] {
        let verb = line.split(' ').next().unwrap_or(line);
        group.bench_function(verb, |b| b.iter(|| command::parse(black_box(line.as_bytes()))));
    }
    group.finish();
}

fn path(c: &mut Criterion) {
    let folder = VPath::root().join(b"pub/photos");
    c.bench_function("path/join", |b| b.iter(|| folder.join(black_box(b"../music/./song.flac"))));
}

fn reply(c: &mut Criterion) {
    let mut group = c.benchmark_group("reply");
    for (name, reply) in [
        ("fixed", Reply::Okay),
        ("number", Reply::Size(1_234_567_890)),
        ("text", Reply::ExtendedPassive("|||52305|")),
        ("path", Reply::CurrentFolder(b"/pub/photos")),
        ("many lines", Reply::Features(FactSet::default(), Algorithm::default(), &[])),
    ] {
        let mut out = Vec::with_capacity(4096);
        group.bench_function(name, |b| {
            b.iter(|| {
                out.clear();
                black_box(&reply).write_to(&mut out);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, lines, parse, path, reply);
criterion_main!(benches);
