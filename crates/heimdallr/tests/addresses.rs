//! Where clients are, as the log says it: what proxies tell is believed of those alone that are trusted.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};

const ANY_PORT: &str = "127.0.0.1:0";
const IPV4: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x07\x7f\x00\x00\x01\x30\x39\x00\x50";
const LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00";

/// A started server; it is gone at the end of its test.
struct Server {
    process: Child,
    /// Kept: it may say more.
    _output: BufReader<ChildStdout>,
    address: String,
}

impl Server {
    fn start(settings: &[(&str, &str)]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_heimdallr"))
            .args(["--listen", ANY_PORT, "--admin", ANY_PORT, "--threads", "2"])
            .envs([
                ("HEIMDALLR_LOG_LEVEL", "debug"),
                ("HEIMDALLR_LOG_FORMAT", "json"),
                ("HEIMDALLR_DRAIN_SECONDS", "0"),
            ])
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut line = String::new();
        let mut output = BufReader::new(process.stdout.take().expect("its output is piped"));
        output.read_line(&mut line).expect("the output is text");
        let address = line.trim_end().strip_prefix("listening on ").expect("it says where").to_owned();
        Self { process, _output: output, address }
    }

    /// A stream that begins like this, and the status of the first answer.
    fn say(&self, beginning: &[u8]) -> (TcpStream, String) {
        let mut stream = TcpStream::connect(&self.address).expect("it accepts");
        stream.write_all(beginning).expect("it reads");
        let status = answer(&mut stream);
        (stream, status)
    }

    /// What the log says of the addresses of those who came.
    fn end(mut self) -> Vec<String> {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().expect("kill is there").success());
        let mut log = String::new();
        self.process
            .stderr
            .take()
            .expect("its log is piped")
            .read_to_string(&mut log)
            .expect("the log is text");
        assert!(self.process.wait().expect("it ends").success());
        let said = log.lines().filter_map(|line| line.split_once(r#""address":""#));
        said.filter_map(|(_, rest)| Some(rest.split_once('"')?.0.to_owned())).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already, as it was asked to.
        let _ = self.process.kill();
        let _ = self.process.wait();
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

const TRUSTED: (&str, &str) = ("HEIMDALLR_TRUSTED_PROXIES", "127.0.0.0/8, 10.0.0.0/8");
const ANNOUNCED: (&str, &str) = ("HEIMDALLR_PROXY_PROTOCOL", "true");

#[test]
fn a_header_is_believed_of_a_proxy_that_is_trusted() {
    let server = Server::start(&[TRUSTED]);
    assert_eq!(server.say(&knock("a", "X-Forwarded-For: 203.0.113.66, 192.0.2.7, 10.0.0.2\r\n")).1, "101");
    assert_eq!(server.say(&knock("b", "Forwarded: for=192.0.2.8\r\n")).1, "101");
    assert_eq!(server.end(), ["192.0.2.7", "127.0.0.1"]);
    let server = Server::start(&[TRUSTED, ("HEIMDALLR_TRUSTED_HEADER", "forwarded")]);
    assert_eq!(
        server.say(&knock("b", "Forwarded: for=192.0.2.8\r\nX-Forwarded-For: 192.0.2.9\r\n")).1,
        "101"
    );
    assert_eq!(server.end(), ["192.0.2.8"]);
}

#[test]
fn nobody_is_believed_who_is_not_trusted() {
    let server = Server::start(&[]);
    assert_eq!(server.say(&knock("a", "X-Forwarded-For: 192.0.2.7\r\n")).1, "101");
    assert_eq!(server.say(IPV4).1, "400");
    assert_eq!(server.end(), ["127.0.0.1"]);
}

#[test]
fn a_proxy_header_names_the_client_of_everything_that_follows() {
    let server = Server::start(&[TRUSTED, ANNOUNCED]);
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
    let server = Server::start(&[TRUSTED, ANNOUNCED]);
    let mut stream = TcpStream::connect(&server.address).expect("it accepts");
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
    let others = ("HEIMDALLR_TRUSTED_PROXIES", "10.0.0.0/8");
    let server = Server::start(&[others, ANNOUNCED]);
    assert_eq!(server.say(&knock("h", "")).1, "101");
    assert_eq!(server.say(&[IPV4, &*knock("i", "")].concat()).1, "400");
    assert_eq!(server.end(), ["127.0.0.1"]);
}

#[test]
fn the_header_of_nobody_is_refused_at_the_start() {
    let output = Command::new(env!("CARGO_BIN_EXE_heimdallr")).envs([ANNOUNCED]).output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && said.contains("proxy_protocol") && said.contains("trusted_proxies"),
        "{said}"
    );
}
