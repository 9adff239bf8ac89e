//! A server of libunftp, which is a library: not a part of this bench, but built apart from it, as
//! the head of `main.rs` says.
//!
//! `libunftp-server PORT FOLDER [CERTIFICATE KEY]`

use std::env;

use libunftp::ServerBuilder;
use libunftp::options::{ActivePassiveMode, TlsFlags};
use unftp_sbe_fs::Filesystem;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [port, folder, tls @ ..] = &arguments[..] else { panic!("PORT FOLDER [CERTIFICATE KEY]") };
    let folder = folder.clone();
    let files = move || Filesystem::new(&folder).unwrap();
    let mut server = ServerBuilder::new(Box::new(files))
        .active_passive_mode(ActivePassiveMode::ActiveAndPassive);
    if let [certificate, key] = tls {
        // TLS 1.3 is off by default, and the client speaks nothing else.
        let flags = TlsFlags::LATEST_VERSIONS | TlsFlags::default();
        server = server.ftps(certificate, key).ftps_tls_flags(flags);
    }
    server.build().unwrap().listen(format!("127.0.0.1:{port}")).await.unwrap();
}
