//! Answers to plain HTTP requests, as every gateway that speaks HTTP gives them: what becomes of the stream, what a HEAD is spared,
//! refusals as JSON.

use bytes::Bytes;
use chat::Refusal;
use wire::http::{Framing, Head, keep_alive, write_head_response, write_streamed_head};

use crate::json::write_refusal;
use crate::{Outbox, Then};

/// Anybody's page may read the answer; there are no credentials to protect (Fetch Standard, CORS protocol).
pub(crate) const ANY_ORIGIN: (&str, &str) = ("access-control-allow-origin", "*");

const JSON: (&str, &str) = ("content-type", "application/json");
const PLAIN_TEXT: (&str, &str) = ("content-type", "text/plain; charset=utf-8");

/// How a request is to be answered, whatever the answer will be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer {
    /// The request was HEAD (RFC 9110 §9.3.2).
    without_body: bool,
    connection: Connection,
}

/// What becomes of the stream (RFC 9112 §9.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Connection {
    /// It goes on, which needs no words in HTTP/1.1.
    Persistent,
    /// It goes on, as a client of HTTP/1.0 asked for and must be told.
    KeptAlive,
    Closed,
}

impl Answer {
    /// To a request whose body, if there is one, is not read: behind one, nobody knows where the next request begins.
    pub(crate) fn unread(head: &Head<'_>) -> Self {
        let answer = Self::read(head);
        if head.framing == Framing::Length(0) { answer } else { answer.closing() }
    }

    /// To a request that is read to its end.
    pub(crate) fn read(head: &Head<'_>) -> Self {
        let connection = match (keep_alive(head), head.minor_version) {
            (false, _) => Connection::Closed,
            (true, 0) => Connection::KeptAlive,
            (true, _) => Connection::Persistent,
        };
        Self { without_body: head.method == "HEAD", connection }
    }

    /// The same, after which the stream is closed.
    pub(crate) fn closing(self) -> Self {
        Self { connection: Connection::Closed, ..self }
    }

    pub(crate) fn write(self, status: u16, headers: &[(&str, &str)], body: &[u8], out: &mut Outbox) {
        write_head_response(&mut out.bytes, status, headers, body.len());
        self.finish(body, out);
    }

    /// Refuses with the refusal's own status and the JSON of docs/protocol.md.
    pub(crate) fn refuse(self, refusal: Refusal, out: &mut Outbox) {
        self.refuse_as(refusal.http_status(), refusal, &[], out);
    }

    pub(crate) fn refuse_as(self, status: u16, refusal: Refusal, more: &[(&str, &str)], out: &mut Outbox) {
        let mut json = Vec::new();
        write_refusal(refusal, &mut json);
        let mut headers = [&[JSON, ANY_ORIGIN], more].concat();
        // In whole seconds (RFC 9110 §10.2.3).
        let seconds = refusal.retry_after_ms().map(|ms| ms.div_ceil(1000).to_string());
        headers.extend(seconds.as_deref().map(|seconds| ("retry-after", seconds)));
        self.write(status, &headers, &json, out);
    }

    pub(crate) fn write_json(self, json: &[u8], out: &mut Outbox) {
        self.write(200, &[JSON, ANY_ORIGIN], json, out);
    }

    /// RFC 9110 §15.5.6.
    pub(crate) fn refuse_method(self, allowed: &str, out: &mut Outbox) {
        self.write(405, &[("allow", allowed), PLAIN_TEXT, ANY_ORIGIN], b"method not allowed\n", out);
    }

    /// Tells a page of another origin what it may ask (Fetch Standard, CORS-preflight fetch).
    pub(crate) fn allow(self, methods: &str, headers: &str, origin: &[(&str, &str)], out: &mut Outbox) {
        let allowed = [
            ("access-control-allow-methods", methods),
            ("access-control-allow-headers", headers),
            ("access-control-max-age", "86400"),
        ];
        self.write(204, &[&[("allow", methods)], origin, &allowed].concat(), b"", out);
    }

    /// Ends an answer whose head, up to its empty line, is written.
    fn finish(self, body: &[u8], out: &mut Outbox) {
        let line: &[u8] = match self.connection {
            Connection::Persistent => b"",
            Connection::KeptAlive => b"connection: keep-alive\r\n",
            Connection::Closed => b"connection: close\r\n",
        };
        if !line.is_empty() {
            out.bytes.truncate(out.bytes.len() - 2);
            out.bytes.extend_from_slice(line);
            out.bytes.extend_from_slice(b"\r\n");
        }
        if !self.without_body {
            out.bytes.extend_from_slice(body);
        }
        out.then = if self.connection == Connection::Closed { Then::Close } else { Then::NextRequest };
    }
}

/// An answer that is the same for everybody, written ahead.
pub(crate) struct Prepared {
    head: Vec<u8>,
    body: Bytes,
}

impl Prepared {
    pub(crate) fn new(status: u16, headers: &[(&str, &str)], body: Bytes) -> Self {
        let mut head = Vec::new();
        write_head_response(&mut head, status, headers, body.len());
        Self { head, body }
    }

    /// An answer that has no content, not even an empty one.
    pub(crate) fn without_content(status: u16, headers: &[(&str, &str)]) -> Self {
        let mut head = Vec::new();
        write_streamed_head(&mut head, status, headers);
        Self { head, body: Bytes::new() }
    }

    pub(crate) fn write(&self, answer: Answer, out: &mut Outbox) {
        out.bytes.extend_from_slice(&self.head);
        answer.finish(&self.body, out);
    }
}

/// Whether the client has these bytes already (RFC 9110 §13.1.2; tags are compared weakly).
pub(crate) fn is_known(head: &Head<'_>, tag: &str) -> bool {
    head.list("if-none-match").any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}
