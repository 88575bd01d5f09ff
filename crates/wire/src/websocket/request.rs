//! A client's side of the opening handshake (RFC 6455 §4.1), for load generators and tests.

use std::fmt;

use super::extension::{CLIENT_OFFER, DeflateParameters, read_acceptance};
use super::offer::accept_key;
use crate::http::ResponseHead;
use crate::json::write_base64;

/// What the server agreed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// The subprotocol asked for is spoken.
    pub subprotocol: bool,
    /// Messages may be compressed.
    pub deflate: Option<DeflateParameters>,
}

/// Why a response does not open the WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandshakeFault {
    /// This status instead of 101.
    Status(u16),
    /// No `Upgrade: websocket`, or no `Connection: Upgrade`.
    Upgrade,
    /// Not the accept key that belongs to the request's key.
    Accept,
    /// A subprotocol that was not asked for.
    Subprotocol,
    /// An extension, or a parameter of one, that was not offered.
    Extensions,
}

/// Appends a client's handshake. `key` is a fresh random nonce; `path` is a request target with its query, already
/// encoded.
pub fn write_request(
    out: &mut Vec<u8>,
    host: &str,
    path: &str,
    key: &[u8; 16],
    subprotocol: Option<&str>,
    deflate: bool,
) {
    for part in ["GET ", path, " HTTP/1.1\r\nHost: ", host] {
        out.extend_from_slice(part.as_bytes());
    }
    out.extend_from_slice(
        b"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ",
    );
    write_base64(out, key);
    if let Some(subprotocol) = subprotocol {
        out.extend_from_slice(b"\r\nSec-WebSocket-Protocol: ");
        out.extend_from_slice(subprotocol.as_bytes());
    }
    if deflate {
        out.extend_from_slice(b"\r\nSec-WebSocket-Extensions: ");
        out.extend_from_slice(CLIENT_OFFER.as_bytes());
    }
    out.extend_from_slice(b"\r\n\r\n");
}

/// Checks a server's answer to a request written with the same key, subprotocol and `deflate` (RFC 6455 §4.1).
pub fn verify_response(
    head: &ResponseHead<'_>,
    key: &[u8; 16],
    subprotocol: Option<&str>,
    deflate: bool,
) -> Result<Agreement, HandshakeFault> {
    if head.status != 101 {
        return Err(HandshakeFault::Status(head.status));
    }
    if !head.has_token("upgrade", "websocket") || !head.has_token("connection", "upgrade") {
        return Err(HandshakeFault::Upgrade);
    }
    let mut encoded = Vec::with_capacity(24);
    write_base64(&mut encoded, key);
    if head.header("sec-websocket-accept").map(str::as_bytes) != Some(&accept_key(&encoded)) {
        return Err(HandshakeFault::Accept);
    }
    let mut answers = head.header_values("sec-websocket-protocol");
    let answered = match (answers.next(), answers.next()) {
        (None, _) => false,
        (Some(answer), None) if subprotocol.is_some_and(|asked| asked.as_bytes() == answer) => true,
        _ => return Err(HandshakeFault::Subprotocol),
    };
    let agreed = read_acceptance(head.header_values("sec-websocket-extensions"))
        .map_err(|_| HandshakeFault::Extensions)?;
    if agreed.is_some() && !deflate {
        return Err(HandshakeFault::Extensions);
    }
    Ok(Agreement { subprotocol: answered, deflate: agreed })
}

impl fmt::Display for HandshakeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "status {status} instead of 101"),
            Self::Upgrade => f.write_str("no upgrade to websocket"),
            Self::Accept => f.write_str("wrong accept key"),
            Self::Subprotocol => f.write_str("a subprotocol that was not asked for"),
            Self::Extensions => f.write_str("an extension that was not offered"),
        }
    }
}

impl std::error::Error for HandshakeFault {}
