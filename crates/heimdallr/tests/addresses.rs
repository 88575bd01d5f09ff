//! Where clients are, as the log says it: what proxies tell is believed of those alone that are trusted.

mod programs;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Stdio;

use programs::{Server, heimdallr, refused};

const IPV4: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x07\x7f\x00\x00\x01\x30\x39\x00\x50";
const LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00";

/// A server that logs who comes.
struct Scene(Server);

impl Scene {
    fn start(settings: &[(&str, &str)]) -> Self {
        let mut command = heimdallr();
        command.stderr(Stdio::piped());
        let logs = [("log_level", "debug"), ("log_format", "json"), ("drain_seconds", "0")];
        Self(Server::start(command, &[&logs, settings].concat()))
    }

    /// A stream that begins like this, and the status of the first answer.
    fn say(&self, beginning: &[u8]) -> (TcpStream, String) {
        let mut stream = TcpStream::connect(self.0.address).expect("it accepts");
        stream.write_all(beginning).expect("it reads");
        let status = answer(&mut stream);
        (stream, status)
    }

    /// What the log says of the addresses of those who came.
    fn end(self) -> Vec<String> {
        let log = self.0.log();
        let said = log.lines().filter_map(|line| line.split_once(r#""address":""#));
        said.filter_map(|(_, rest)| Some(rest.split_once('"')?.0.to_owned())).collect()
    }
}

/// Reads a head; returns its status, and leaves nothing of a body without a length.
fn answer(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("it answers");
        head.extend(byte);
    }
    let head = String::from_utf8(head).expect("it is text");
    let length = head
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).expect("the body follows");
    head.split(' ').nth(1).expect("it has a status").to_owned()
}

/// A request for a WebSocket in a room of its own, with further lines in its head.
fn knock(room: &str, lines: &str) -> Vec<u8> {
    format!(
        "GET /{room} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{lines}\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    .into_bytes()
}

const TRUSTED: (&str, &str) = ("trusted_proxies", "127.0.0.0/8, 10.0.0.0/8");
const ANNOUNCED: (&str, &str) = ("proxy_protocol", "true");

#[test]
fn a_header_is_believed_of_a_proxy_that_is_trusted() {
    let server = Scene::start(&[TRUSTED]);
    assert_eq!(server.say(&knock("a", "X-Forwarded-For: 203.0.113.66, 192.0.2.7, 10.0.0.2\r\n")).1, "101");
    assert_eq!(server.say(&knock("b", "Forwarded: for=192.0.2.8\r\n")).1, "101");
    assert_eq!(server.end(), ["192.0.2.7", "127.0.0.1"]);
    let server = Scene::start(&[TRUSTED, ("trusted_header", "forwarded")]);
    assert_eq!(
        server.say(&knock("b", "Forwarded: for=192.0.2.8\r\nX-Forwarded-For: 192.0.2.9\r\n")).1,
        "101"
    );
    assert_eq!(server.end(), ["192.0.2.8"]);
}

#[test]
fn nobody_is_believed_who_is_not_trusted() {
    let server = Scene::start(&[]);
    assert_eq!(server.say(&knock("a", "X-Forwarded-For: 192.0.2.7\r\n")).1, "101");
    assert_eq!(server.say(IPV4).1, "400");
    assert_eq!(server.end(), ["127.0.0.1"]);
}

#[test]
fn a_proxy_header_names_the_client_of_everything_that_follows() {
    let server = Scene::start(&[TRUSTED, ANNOUNCED]);
    let (mut stream, status) = server.say(&[IPV4, b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"].concat());
    assert_eq!(status, "200");
    // A room that has its home on either shard.
    stream.write_all(&knock("c", "X-Forwarded-For: 203.0.113.66\r\n")).expect("it reads");
    assert_eq!(answer(&mut stream), "101");
    let (_, status) =
        server.say(&[b"PROXY TCP4 192.0.2.9 127.0.0.1 12345 80\r\n", &*knock("d", "")].concat());
    assert_eq!(status, "101");
    assert_eq!(server.say(&[LOCAL, &*knock("e", "X-Forwarded-For: 192.0.2.10\r\n")].concat()).1, "101");
    assert_eq!(server.end(), ["192.0.2.7", "192.0.2.9", "192.0.2.10"]);
}

#[test]
fn a_proxy_header_may_come_in_pieces_and_has_to_come() {
    let server = Scene::start(&[TRUSTED, ANNOUNCED]);
    let mut stream = TcpStream::connect(server.0.address).expect("it accepts");
    stream.set_nodelay(true).expect("it is a socket of TCP");
    for byte in [IPV4, &*knock("f", "")].concat() {
        stream.write_all(&[byte]).expect("it reads");
    }
    assert_eq!(answer(&mut stream), "101");
    assert_eq!(server.say(&knock("g", "")).1, "400");
    assert_eq!(server.end(), ["192.0.2.7"]);
}

#[test]
fn who_is_no_proxy_begins_without_a_header() {
    let others = ("trusted_proxies", "10.0.0.0/8");
    let server = Scene::start(&[others, ANNOUNCED]);
    assert_eq!(server.say(&knock("h", "")).1, "101");
    assert_eq!(server.say(&[IPV4, &*knock("i", "")].concat()).1, "400");
    assert_eq!(server.end(), ["127.0.0.1"]);
}

#[test]
fn the_header_of_nobody_is_refused_at_the_start() {
    let output = refused(heimdallr(), &[ANNOUNCED]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && said.contains("proxy_protocol") && said.contains("trusted_proxies"),
        "{said}"
    );
}
