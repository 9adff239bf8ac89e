//! MODE Z: transfers that are packed on their way.

use crate::common::{ROUNDS, TestServer, Way, bytes_for, random_bytes};
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use std::io::{Read, Write};

fn packed(content: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn unpacked(stream: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    ZlibDecoder::new(stream).read_to_end(&mut content).unwrap();
    content
}

#[test]
fn mode_z_packs_retr_and_nlst_and_unpacks_stor() {
    for round in ROUNDS {
        let server = TestServer::with(|config| config.round_bytes = round);
        let mut client = server.client();
        client.expect(200, "MODE Z");
        client.expect(200, "OPTS MODE Z LEVEL 9");
        // What packs well may be more, up to several rounds of the largest budget.
        let alike = vec![b'a'; (10 * bytes_for(round)).min(4 << 20)];
        let contents = [Vec::new(), random_bytes(1, bytes_for(round)), alike];
        for content in contents {
            client.put("STOR file", packed(&content), Way::Epsv);
            assert!(server.read("file") == content);
            assert!(unpacked(&client.retrieve("file", Way::Pasv)) == content);
        }
        assert_eq!(unpacked(&client.fetch("NLST", Way::Port)), b"file\r\n");
        client.expect(200, "MODE S");
        assert_eq!(client.fetch("NLST", Way::Port), b"file\r\n");
    }
}

#[test]
fn mode_z_and_type_a_go_together_in_retr_and_stor() {
    let server = TestServer::start();
    let mut client = server.client();
    client.expect(200, "MODE Z");
    client.expect(200, "TYPE A");
    client.put("STOR file", packed(b"a\r\nb\r\n"), Way::Epsv);
    assert_eq!(server.read("file"), b"a\nb\n");
    assert_eq!(unpacked(&client.retrieve("file", Way::Epsv)), b"a\r\nb\r\n");
}

#[test]
fn a_stor_in_mode_z_that_is_no_whole_zlib_stream_counts_as_cut_off() {
    let server = TestServer::start();
    server.write("file", "old");
    let mut client = server.client();
    client.expect(200, "MODE Z");
    let whole = packed(&random_bytes(1, 100_000));
    let with_more = [&whole[..], b"more"].concat();
    for stream in [b"garbage", &whole[..whole.len() - 1], &with_more] {
        let mut data = client.extended_passive();
        client.begin("STOR file");
        let _ = data.write_all(stream);
        drop(data);
        client.expect_reply(426);
        assert_eq!(server.read("file"), b"old");
    }
    assert_eq!(server.names(), ["file"]);
}
