//! A server's side of the opening handshake (RFC 6455 §4.2).

use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use sha1::{Digest, Sha1};
use smallvec::SmallVec;

use super::extension::{DeflateParameters, choose_offer, is_token};
use crate::http::{Framing, Head, write_response};

/// What the key is hashed with (RFC 6455 §1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Base64 whose last character may have bits to spare: sixteen bytes are what is asked of a key, not a canonical form.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// A valid opening handshake, to be answered.
#[derive(Debug)]
pub struct Offer<'a> {
    accept: [u8; 28],
    subprotocols: SmallVec<[&'a str; 4]>,
    deflate: Option<DeflateParameters>,
}

/// Why a request does not open a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// Not GET.
    Method,
    /// HTTP/1.0.
    HttpVersion,
    /// No `Upgrade: websocket`.
    NoUpgrade,
    /// No `Connection: Upgrade`.
    NoConnectionUpgrade,
    /// Not exactly one `Sec-WebSocket-Version: 13`.
    Version,
    /// Not exactly one `Sec-WebSocket-Key` of sixteen bytes in base64.
    Key,
    /// Extensions outside their grammar.
    Extensions,
    /// A body, behind which nobody knows where the frames begin.
    Body,
}

/// Whether a request asks for a WebSocket, well or badly: it is then for [`Offer::read`] to judge.
pub fn is_upgrade(head: &Head<'_>) -> bool {
    head.has_token("upgrade", "websocket")
}

impl<'a> Offer<'a> {
    /// Reads a client's handshake to the letter of RFC 6455 §4.2.1. (`Host` was checked with the head.)
    pub fn read(head: &Head<'a>) -> Result<Self, Rejection> {
        check_request(head)?;
        if only_value(head, "sec-websocket-version") != Some(b"13") {
            return Err(Rejection::Version);
        }
        let key = only_value(head, "sec-websocket-key").filter(|key| is_key(key)).ok_or(Rejection::Key)?;
        let extensions = head.header_values("sec-websocket-extensions");
        let deflate = choose_offer(extensions).map_err(|_| Rejection::Extensions)?;
        let subprotocols = head.list("sec-websocket-protocol").filter(|name| is_token(name)).collect();
        Ok(Self { accept: accept_key(key), subprotocols, deflate })
    }

    /// The subprotocols that the client speaks, the one it likes best first; case matters.
    pub fn subprotocols(&self) -> &[&'a str] {
        &self.subprotocols
    }

    /// How permessage-deflate can be agreed on, if it was offered in a form that can be accepted.
    pub fn deflate(&self) -> Option<&DeflateParameters> {
        self.deflate.as_ref()
    }

    /// Appends the 101 (RFC 6455 §4.2.2). `subprotocol` is one of the offer's, `deflate` what [`deflate`](Self::deflate)
    /// gave; `None` declines.
    pub fn write_response(
        &self,
        out: &mut Vec<u8>,
        subprotocol: Option<&str>,
        deflate: Option<&DeflateParameters>,
    ) {
        out.extend_from_slice(
            b"HTTP/1.1 101 Switching Protocols\r\n\
              Upgrade: websocket\r\n\
              Connection: Upgrade\r\n\
              Sec-WebSocket-Accept: ",
        );
        out.extend_from_slice(&self.accept);
        if let Some(subprotocol) = subprotocol {
            assert!(self.subprotocols.contains(&subprotocol), "only an offered subprotocol can be chosen");
            out.extend_from_slice(b"\r\nSec-WebSocket-Protocol: ");
            out.extend_from_slice(subprotocol.as_bytes());
        }
        if let Some(deflate) = deflate {
            out.extend_from_slice(b"\r\nSec-WebSocket-Extensions: ");
            deflate.write_acceptance(out);
        }
        out.extend_from_slice(b"\r\n\r\n");
    }
}

impl Rejection {
    /// The status that answers it (RFC 6455 §4.2.1, §4.4).
    pub fn status(self) -> u16 {
        match self {
            Self::Method => 405,
            Self::NoUpgrade | Self::Version => 426,
            Self::HttpVersion | Self::NoConnectionUpgrade | Self::Key | Self::Extensions | Self::Body => 400,
        }
    }

    /// What was wrong, in words that may be shown to the client.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Method => "a WebSocket is opened with GET",
            Self::HttpVersion => "a WebSocket needs HTTP/1.1",
            Self::NoUpgrade => "a WebSocket is needed here",
            Self::NoConnectionUpgrade => "Connection: Upgrade is missing",
            Self::Version => "Sec-WebSocket-Version is not 13",
            Self::Key => "Sec-WebSocket-Key is not sixteen bytes in base64",
            Self::Extensions => "malformed Sec-WebSocket-Extensions",
            Self::Body => "a WebSocket is opened without a body",
        }
    }

    /// Appends the response; the stream is to be closed after it.
    pub fn write_response(self, out: &mut Vec<u8>) {
        let (name, value) = match self.status() {
            405 => ("allow", "GET"),
            426 => ("upgrade", "websocket"),
            _ => ("cache-control", "no-store"),
        };
        // RFC 9110 §7.8 asks for the connection option, RFC 6455 §4.4 for the version.
        let connection = if self.status() == 426 { "upgrade, close" } else { "close" };
        let headers = [
            (name, value),
            ("connection", connection),
            ("sec-websocket-version", "13"),
            ("content-type", "text/plain; charset=utf-8"),
        ];
        write_response(out, self.status(), &headers, self.reason().as_bytes());
    }
}

/// The accept key of RFC 6455 §4.2.2, step 5.4.
pub(super) fn accept_key(key: &[u8]) -> [u8; 28] {
    let digest = Sha1::new().chain_update(key).chain_update(GUID).finalize();
    let mut accept = [0; 28];
    STANDARD.encode_slice(digest, &mut accept).expect("20 bytes are 28 characters");
    accept
}

fn check_request(head: &Head<'_>) -> Result<(), Rejection> {
    if head.method != "GET" {
        Err(Rejection::Method)
    } else if !is_upgrade(head) {
        Err(Rejection::NoUpgrade)
    } else if head.minor_version != 1 {
        Err(Rejection::HttpVersion)
    } else if !head.has_token("connection", "upgrade") {
        Err(Rejection::NoConnectionUpgrade)
    } else if head.framing != Framing::Length(0) {
        Err(Rejection::Body)
    } else {
        Ok(())
    }
}

fn only_value<'a>(head: &Head<'a>, name: &str) -> Option<&'a [u8]> {
    let mut values = head.header_values(name);
    let first = values.next()?;
    values.next().is_none().then_some(first)
}

fn is_key(key: &[u8]) -> bool {
    key.len() == 24 && LENIENT.decode_slice(key, &mut [0; 18]) == Ok(16)
}
