//! A client's side of plain HTTP: how a request begins, and answers whose length is known.

use wire::http::{Framing, ResponseHead, read_response_head};

use crate::client::{Heard, Login, ServerFault};
use crate::hearing;

/// An answer with all of its body.
pub(crate) struct WholeAnswer<'a> {
    pub(crate) head: ResponseHead<'a>,
    pub(crate) body: &'a [u8],
    /// Head and body, in bytes.
    pub(crate) length: usize,
}

impl WholeAnswer<'_> {
    /// Reads the answer at the start of `input`; `None` while it is not all there.
    pub(crate) fn read(input: &[u8]) -> Result<Option<WholeAnswer<'_>>, ServerFault> {
        let Some((head, start)) = read_response_head(input).map_err(ServerFault::new)? else {
            return Ok(None);
        };
        let Some(Framing::Length(length)) = head.framing else {
            return Err(ServerFault::new("an answer of unknown length"));
        };
        let end = start.saturating_add(usize::try_from(length).map_err(ServerFault::new)?);
        Ok(input.get(start..end).map(|body| WholeAnswer { head, body, length: end }))
    }

    /// Whether nothing follows it (RFC 9112 §9.6).
    pub(crate) fn is_last(&self) -> bool {
        self.head.has_token("connection", "close")
    }

    /// The stream ends with this answer, or it is of no use any more.
    pub(crate) fn closed(&self) -> Heard {
        Heard::Closed { code: self.head.status, reason: String::new() }
    }

    /// Reads a refusal.
    pub(crate) fn refusal(&self) -> Result<chat::Refusal, ServerFault> {
        hearing::read_refusal(self.body)
    }
}

/// Appends a request's first lines: a method, and the login's room behind a prefix.
pub(crate) fn write_start(out: &mut Vec<u8>, method: &str, prefix: &str, login: &Login) {
    let mut target = prefix.to_owned();
    wire::url::encode(&mut target, login.room.as_str());
    for part in [method, " ", &target, " HTTP/1.1\r\nHost: ", &login.host, "\r\n"] {
        out.extend_from_slice(part.as_bytes());
    }
}
