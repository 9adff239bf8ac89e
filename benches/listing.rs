//! Listings of 10,000 and 200,000 files: the lines alone, the whole way over loopback, and between them a bare
//! loop of getdents and statx that spells the same lines.

mod common;

use std::hint::black_box;
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use common::{Client, FILE, Mode, Site};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use packetboat::parts::listing;
use rustix::fs::{AtFlags, Dir, OFlags, StatxFlags};
use std::io::Write;

fn lines(c: &mut Criterion) {
    let mut group = c.benchmark_group("line");
    group.throughput(Throughput::Elements(1));
    let (name, now) = (b"IMG_000001.jpeg", FILE.modified + 3600);
    let mut out = Vec::with_capacity(4096);
    group.bench_function("LIST", |b| {
        b.iter(|| {
            out.clear();
            listing::long(&mut out, black_box(name), black_box(&FILE), None, now);
        });
    });
    group.bench_function("NLST", |b| {
        b.iter(|| {
            out.clear();
            listing::name(&mut out, b"", black_box(name));
        });
    });
    group.finish();
}

fn folder(c: &mut Criterion) {
    for (name, files, samples) in [("10,000 files", 10_000, 30), ("200,000 files", 200_000, 10)] {
        let site = Site::open();
        common::fill(&site.path(""), files);
        let folder = site.path("");
        let bare = common::bare(move |stream| bare_list(&folder, stream));
        let mut client = Client::login(site.address());
        let mut buffer = common::buffer();

        let mut group = c.benchmark_group(name);
        group.throughput(Throughput::Elements(files as u64));
        group.sample_size(samples).measurement_time(Duration::from_secs(3));
        group.bench_function("bare getdents and statx", |b| {
            b.iter(|| common::bare_fetch(bare, &mut buffer));
        });
        for command in ["LIST", "NLST", "MLSD"] {
            group.bench_function(command, |b| b.iter(|| client.fetch(Mode::Passive, command)));
        }
        group.finish();
    }
}

/// Sends a line for each file: unsorted, without a date, and blocking.
fn bare_list(folder: &Path, mut stream: TcpStream) {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY;
    let directory = rustix::fs::open(folder, flags, rustix::fs::Mode::empty()).unwrap();
    let mut out = Vec::new();
    for entry in Dir::read_from(&directory).unwrap() {
        let entry = entry.unwrap();
        let wanted = StatxFlags::TYPE | StatxFlags::MODE | StatxFlags::SIZE | StatxFlags::MTIME;
        let name = entry.file_name();
        let facts = rustix::fs::statx(&directory, name, AtFlags::SYMLINK_NOFOLLOW, wanted).unwrap();
        let (mode, size) = (facts.stx_mode, facts.stx_size);
        write!(out, "{mode:o} 1 {:<8} {:<8} {size:>8} ", facts.stx_uid, facts.stx_gid).unwrap();
        out.extend_from_slice(name.to_bytes());
        out.extend_from_slice(b"\r\n");
        if out.len() > 64 * 1024 {
            stream.write_all(&out).unwrap();
            out.clear();
        }
    }
    stream.write_all(&out).unwrap();
}

criterion_group!(benches, lines, folder);
criterion_main!(benches);
