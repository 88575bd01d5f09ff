//! What each sort of offenders says: first, and then again and again.

use super::Offence;
use crate::frames::write_frame;

const TEXT: u8 = 1;
/// What is said at once.
const PORTION_BYTES: usize = 16 * 1024;
/// As long as a message may be, if nothing else was configured.
const LONGEST_BYTES: usize = 65_536;

/// What an offender does.
pub(super) struct Script {
    /// What it says first.
    pub(super) greeting: Vec<u8>,
    /// What it says then, again and again; nothing: it says no more.
    pub(super) chorus: Vec<u8>,
    /// Bytes of that it says each time that it looks around.
    pub(super) portion: usize,
    /// It reads what it is told.
    pub(super) reads: bool,
    /// It hangs up once it was told something.
    pub(super) hangs_up: bool,
}

impl Script {
    pub(super) fn of(offence: Offence, number: u32) -> Self {
        let plain = Self {
            greeting: handshake(&format!("/flood-{}", number % 5), ""),
            chorus: Vec::new(),
            portion: PORTION_BYTES,
            reads: true,
            hangs_up: false,
        };
        match offence {
            Offence::Posts | Offence::Addresses => Self { chorus: frames(&"x".repeat(100)), ..plain },
            Offence::Joins => Self { greeting: rich(), chorus: joins(number), ..plain },
            Offence::Connects => Self { hangs_up: true, ..plain },
            Offence::Frames => Self { chorus: long_frames(number), portion: LONGEST_BYTES, ..plain },
            Offence::Heads => {
                let chorus = b"X-Slow: a\r\n".repeat(64);
                Self { greeting: b"GET / HTTP/1.1\r\nHost: a\r\n".to_vec(), chorus, portion: 1, ..plain }
            }
            Offence::Silence => {
                // Every tenth says what the others do not read.
                let chorus = if number.is_multiple_of(10) { frames(&"x".repeat(8000)) } else { Vec::new() };
                Self { chorus, reads: number.is_multiple_of(10), ..plain }
            }
            Offence::Tokens => Self { greeting: rich(), chorus: tokens(number), ..plain },
        }
    }
}

/// The request that opens a WebSocket (RFC 6455 §4.1).
fn handshake(path: &str, more: &str) -> Vec<u8> {
    let head = format!(
        "GET {path} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
    );
    head.into_bytes()
}

fn rich() -> Vec<u8> {
    handshake("/v1", "Sec-WebSocket-Protocol: heimdallr.v1.json\r\n")
}

fn frame(text: &str, out: &mut Vec<u8>) {
    write_frame(TEXT, [1, 2, 3, 4], text.as_bytes(), out);
}

/// The same message, until a portion is full.
fn frames(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    while out.len() < PORTION_BYTES {
        frame(text, &mut out);
    }
    out
}

fn joins(number: u32) -> Vec<u8> {
    let mut out = Vec::new();
    for room in 0..50 {
        frame(&format!(r#"{{"do":"join","room":"flood-{number}-{room}"}}"#), &mut out);
        frame(&format!(r#"{{"do":"leave","room":"flood-{number}-{room}"}}"#), &mut out);
    }
    out
}

/// Every second one is longer than it may be.
fn long_frames(number: u32) -> Vec<u8> {
    let mut out = Vec::new();
    frame(&"x".repeat(LONGEST_BYTES + (number as usize % 2)), &mut out);
    out
}

/// Tokens of the right form (RFC 7519 §3) that nobody has signed.
fn tokens(number: u32) -> Vec<u8> {
    let mut out = Vec::new();
    for token in 0..100 {
        let signature = format!("{:086}", number * 100 + token);
        // {"alg":"ES256"} and {"sub":"mallory","exp":4102444800}
        let token =
            format!("eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJtYWxsb3J5IiwiZXhwIjo0MTAyNDQ0ODAwfQ.{signature}");
        frame(&format!(r#"{{"do":"identify","token":"{token}"}}"#), &mut out);
    }
    out
}
