//! Transfers that are under way and go no further until the test has them do so.

use super::{Client, Stream, TestServer};
use std::io::{Read, Write};

/// Size of the file that a stuck download sends: more than the kernel's buffers of a connection
/// hold, so that the server has to wait.
pub const LARGE: u64 = 1 << 26;
/// As much of it as has been read.
pub const READ: u64 = 1000;

/// RETR of a file `large`, of which nobody reads more than the beginning.
#[track_caller]
pub fn download(server: &TestServer, client: &mut Client) -> Stream {
    server.write_zeros("large", LARGE);
    let mut data = client.extended_passive();
    client.begin("RETR large");
    data.read_exact(&mut [0; READ as usize]).unwrap();
    data
}

/// STOR, or what else the line says, of which these bytes have arrived.
#[track_caller]
pub fn upload(client: &mut Client, line: &str, bytes: &[u8]) -> Stream {
    let mut data = client.extended_passive();
    client.begin(line);
    data.write_all(bytes).unwrap();
    client.wait_for_bytes(bytes.len());
    data
}
