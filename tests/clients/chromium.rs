//! Chromium: no client, but a web page can have it send what a client would say. The page here does
//! all that it can to the control port and to passive ports, and nothing may come of it.

use super::desk::Desk;
use crate::common::ports::free_ports;
use crate::common::{Client, names_in};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Time that a browser may take, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(120);

/// Commands that the page has sent, each of which would leave its mark, as JavaScript spells them.
const COMMANDS: [&str; 9] = [
    "USER anonymous",
    "PASS x",
    "DELE precious",
    "MKD planted",
    "RNFR other",
    "RNTO renamed",
    "PASV",
    "STOR stored",
    "QUIT",
];

/// Page that sends them by fetch, by a form and by a picture, and then says what came of each.
const PAGE: &str = r#"<!DOCTYPE html><meta charset="utf-8"><body><script>
const body = "COMMANDS";
const settled = (element, start) => new Promise(done => {
    element.onload = element.onerror = () => done(element.tagName);
    start();
});
const byFetch = (port, options) =>
    fetch(`http://127.0.0.1:${port}/`, { mode: "no-cors", body, ...options })
        .then(() => "answered", () => "failed");
const byForm = port => {
    const frame = document.createElement("iframe");
    frame.name = `frame${port}`;
    document.body.append(frame);
    const form = document.createElement("form");
    Object.assign(form, { method: "post", enctype: "text/plain", target: frame.name });
    form.action = `http://127.0.0.1:${port}/`;
    const field = document.createElement("textarea");
    [field.name, field.value] = ["a", body];
    form.append(field);
    document.body.append(form);
    return settled(frame, () => form.submit());
};
const byPicture = port => {
    const picture = new Image();
    return settled(picture, () => picture.src = `http://127.0.0.1:${port}/%0d%0aDELE%20precious`);
};
(async () => {
    const said = [];
    for (const port of [PORTS]) {
        said.push(port, await byFetch(port, { method: "POST" }), await byForm(port), await byPicture(port));
        said.push(await byFetch(port, { method: "PUT", mode: "cors" }));
    }
    await fetch("/done", { method: "POST", body: said.join(" ") });
})();
</script></body>"#;

#[test]
#[ignore = "needs chromium"]
fn a_web_page_changes_nothing_and_disturbs_nobody() {
    let ports = free_ports(4);
    let range = format!("{}-{}", ports.start(), ports.end());
    let desk = Desk::with(|_| vec!["--passive-ports".to_owned(), range]);
    for name in ["precious", "other"] {
        fs::write(desk.served(name), name).unwrap();
    }
    let before = files(&desk);
    // A session at the browser's own address has its data connection, another one waits for it.
    let mut beside = Client::connect(desk.v4);
    beside.login();
    let mut data = beside.passive();
    let mut waiting = Client::connect_from([127, 0, 0, 2].into(), desk.v4);
    waiting.login();
    let lease = waiting.pasv();

    let said = browse(&desk, &[&[desk.v4.port()], &ports.collect::<Vec<_>>()[..]].concat());
    assert_eq!(files(&desk), before, "{said}");
    let log = desk.log();
    let warnings =
        log.lines().filter(|line| line.contains("it speaks HTTP, as a web page")).count();
    assert!(warnings >= 4, "{warnings} warnings: by fetch twice, form and picture: {said}\n{log}");
    let closed = format!("to {lease} is closed: that port awaits");
    assert!(log.contains(&closed), "the page never came to {lease}: {said}\n{log}");

    let mut late = waiting.dial(lease);
    for (client, data, name) in [(&mut waiting, &mut late, "one"), (&mut beside, &mut data, "two")]
    {
        client.begin(format!("STOR {name}"));
        data.write_all(name.as_bytes()).unwrap();
        data.shutdown(Shutdown::Write).unwrap();
        client.expect_reply(226);
    }
    let own = ["one", "two"].map(|name| (name.to_owned(), name.as_bytes().to_vec()));
    let mut expected = [&before[..], &own].concat();
    expected.sort();
    assert_eq!(files(&desk), expected);
}

/// Names and contents of all that is served.
fn files(desk: &Desk) -> Vec<(String, Vec<u8>)> {
    let names = names_in(&desk.served("")).into_iter();
    names.map(|name| (name.clone(), fs::read(desk.served(&name)).unwrap_or_default())).collect()
}

/// Has the browser show the page, until the page has done all; answers what it says of it.
fn browse(desk: &Desk, ports: &[u16]) -> String {
    let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
    let commands = format!("\\r\\n{}\\r\\n", COMMANDS.join("\\r\\n"));
    let page = PAGE.replace("COMMANDS", &commands).replace("PORTS", &ports.join(","));
    let site = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = site.local_addr().unwrap();
    let (tell, told) = mpsc::channel();
    thread::spawn(move || serve(&site, &page, &tell));
    let _browser = Browser::open(desk, address);
    told.recv_timeout(PATIENCE).unwrap_or_else(|_| {
        let said = fs::read_to_string(desk.local("browser.log")).unwrap_or_default();
        panic!("the page has not done all in {PATIENCE:?}:\n{said}\n{}", desk.log())
    })
}

/// Web site of one page, which is told what the page has done.
fn serve(site: &TcpListener, page: &str, tell: &mpsc::Sender<String>) {
    for visit in site.incoming() {
        // A browser opens connections that it may never use: each has a thread.
        let (visit, page, tell) = (visit.unwrap(), page.to_owned(), tell.clone());
        thread::spawn(move || answer(visit, &page, &tell));
    }
}

fn answer(mut visit: TcpStream, page: &str, tell: &mpsc::Sender<String>) -> Option<()> {
    let mut request = BufReader::new(visit.try_clone().ok()?);
    let mut first = String::new();
    request.read_line(&mut first).ok()?;
    let mut length = 0;
    loop {
        let mut header = String::new();
        request.read_line(&mut header).ok()?;
        let header = header.trim_end().to_ascii_lowercase();
        match header.split_once(": ") {
            Some(("content-length", number)) => length = number.parse().ok()?,
            _ if header.is_empty() => break,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    request.read_exact(&mut body).ok()?;
    let page = if first.starts_with("GET / ") { page } else { "" };
    let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/html; charset=utf-8";
    write!(visit, "{head}\r\nContent-Length: {}\r\n\r\n{page}", page.len()).ok()?;
    if first.starts_with("POST /done ") {
        tell.send(String::from_utf8_lossy(&body).into_owned()).ok()?;
    }
    Some(())
}

/// A browser that shows one page, and is ended when this is dropped.
struct Browser(Child);

impl Browser {
    fn open(desk: &Desk, site: SocketAddr) -> Browser {
        let log = fs::File::create(desk.local("browser.log")).unwrap();
        let profile = format!("--user-data-dir={}", desk.local("profile").display());
        let child = Command::new("chromium")
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
            // The server's own protection is tried, and not the browser's.
            .args(["--disable-features=LocalNetworkAccessChecks", "--no-first-run", &profile])
            .arg(format!("http://{site}/"))
            .env("HOME", desk.local(""))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("this test needs chromium: {error}"));
        Browser(child)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Its other processes end with the first.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
