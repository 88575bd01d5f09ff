//! What the log says of those who come, talk and go, and that it says nothing of it unless asked to.

mod programs;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::Stdio;

use programs::{Server, heimdallr};
use wire::websocket::{Opcode, write_masked_frame};

const HANDSHAKE: &str = "GET /lobby HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// Has somebody come to a room, say a word and go; returns what was logged.
fn log_of_a_visit(level: &str) -> String {
    log_of(level, "json", "/lobby")
}

/// The same in a form, of a visit to a target.
fn log_of(level: &str, form: &str, target: &str) -> String {
    let mut command = heimdallr();
    command.stderr(Stdio::piped());
    let settings = [("threads", "1"), ("log_level", level), ("log_format", form)];
    let server = Server::start(command, &settings);
    visit(server.address, target);
    server.log()
}

fn visit(address: SocketAddr, target: &str) {
    let mut stream = TcpStream::connect(address).expect("it accepts");
    let mut said = HANDSHAKE.replacen("/lobby", target, 1).into_bytes();
    write_masked_frame(&mut said, Opcode::Text, b"hello", [1, 2, 3, 4]);
    stream.write_all(&said).expect("it reads");
    let mut answer = Vec::new();
    while !answer.ends_with(b"hello") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("what is said comes back");
        answer.extend(byte);
    }
    assert!(answer.starts_with(b"HTTP/1.1 101 "));
    said.clear();
    write_masked_frame(&mut said, Opcode::Close, &1000_u16.to_be_bytes(), [1, 2, 3, 4]);
    stream.write_all(&said).expect("it reads");
    stream.read_to_end(&mut answer).expect("it closes behind the goodbye");
}

#[test]
fn who_comes_talks_and_goes_is_logged_line_by_line() {
    let log = log_of_a_visit("trace");
    let told: Vec<&str> =
        log.lines().filter(|line| line.contains("\"session\":\"") && line.contains("-0-0-1\"")).collect();
    let [connect, join, message, disconnect] = told[..] else { panic!("four lines, not {log}") };
    assert!(
        connect.contains(r#""message":"connect""#)
            && connect.contains(r#""protocol":"raw","transport":"stream""#)
    );
    assert!(join.contains(r#""message":"join""#) && join.contains(r#""room":"\"lobby\"""#), "{join}");
    assert!(message.contains(r#""message":"message""#) && message.contains(r#""bytes":5"#), "{message}");
    assert!(disconnect.contains(r#""message":"disconnect""#) && disconnect.contains(r#""reason":"left""#));
    assert!(!log.contains("hello"), "what is said is nobody's business");
}

#[test]
fn nobody_writes_lines_of_their_own_into_the_log_or_colours_a_terminal() {
    for form in ["text", "json"] {
        let log = log_of("trace", form, "/a%0d%0a2026-01-01T00:00:00Z%20ERROR%20forged%1b%5b31m%22");
        assert!(log.contains("forged") && !log.lines().any(|line| line.starts_with("2026-01-01")), "{log}");
        assert!(!log.contains('\u{1b}') && !log.contains('\r'), "{log:?}");
    }
}

#[test]
fn messages_are_not_logged_where_they_are_not_asked_for_and_nobody_by_default() {
    let lines = |level| log_of_a_visit(level).lines().filter(|line| line.contains("\"session\":")).count();
    assert_eq!((lines("debug"), lines("info")), (3, 0));
}
