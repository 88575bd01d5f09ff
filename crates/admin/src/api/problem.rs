//! Why an operation was not done, as RFC 9457 has it: `application/problem+json` with a code that never changes.

use chat::Refusal;
use serde_json::{Value, json};

/// The media type of problems (RFC 9457 §3).
pub(super) const MEDIA_TYPE: &str = "application/problem+json";

/// Why an operation was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) status: u16,
    pub(super) code: &'static str,
    title: &'static str,
    detail: Option<String>,
}

/// The problems that are the API's own; [`Refusal`]s have codes too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    BadCursor,
    CrossOrigin,
    InProgress,
    MethodNotAllowed,
    MissingScope,
    NoAnswer,
    NotFound,
    NoSuchPenalty,
    NoSuchRoom,
    NoSuchSession,
    NotKept,
    OtherRequest,
    Starting,
    TooLarge,
    Unauthorized,
    UnsupportedType,
}

impl Fault {
    #[cfg(test)]
    pub(super) const ALL: [Self; 16] = [
        Self::BadCursor,
        Self::CrossOrigin,
        Self::InProgress,
        Self::MethodNotAllowed,
        Self::MissingScope,
        Self::NoAnswer,
        Self::NotFound,
        Self::NoSuchPenalty,
        Self::NoSuchRoom,
        Self::NoSuchSession,
        Self::NotKept,
        Self::OtherRequest,
        Self::Starting,
        Self::TooLarge,
        Self::Unauthorized,
        Self::UnsupportedType,
    ];

    pub(super) fn row(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::BadCursor => (400, "bad_cursor", "the cursor is none that was given out for this list"),
            Self::CrossOrigin => (403, "cross_origin", "without keys, pages of other origins may not ask"),
            Self::InProgress => (409, "in_progress", "the same request is being done; ask again later"),
            Self::MethodNotAllowed => (405, "method_not_allowed", "the resource has no such method"),
            Self::MissingScope => (403, "missing_scope", "the key is not good for this"),
            Self::NoAnswer => (504, "no_answer", "no answer came in time; it may have been done"),
            Self::NotFound => (404, "not_found", "there is no such resource"),
            Self::NoSuchRoom => (404, "no_such_room", "nobody is in the room, or was lately"),
            Self::NoSuchPenalty => (404, "no_such_penalty", "the id is none that was given out"),
            Self::NotKept => {
                (503, "not_kept", "it holds, but the disk does not take it: it may be gone after a restart")
            }
            Self::NoSuchSession => (404, "no_such_session", "there is no such session on this node"),
            Self::OtherRequest => {
                (422, "other_request", "another request was made under this Idempotency-Key before")
            }
            Self::Starting => (503, "starting", "the node has not started yet"),
            Self::TooLarge => (413, "too_large", "the body is longer than any that is taken"),
            Self::Unauthorized => (401, "unauthorized", "show a key: Authorization: Bearer KEY"),
            Self::UnsupportedType => (415, "unsupported_type", "a body is application/json"),
        }
    }
}

impl Problem {
    /// A part of the request is not as it should be.
    pub(super) fn bad(detail: impl Into<String>) -> Self {
        let problem = Self::from(Refusal::BadRequest);
        Self { detail: Some(detail.into()), ..problem }
    }

    /// With what is to be said of this one.
    pub(super) fn because(self, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }

    pub(super) fn to_json(&self) -> Vec<u8> {
        let mut object = json!({
            "type": format!("urn:heimdallr:problem:{}", self.code),
            "title": self.title,
            "status": self.status,
            "code": self.code,
        });
        if let (Some(detail), Value::Object(members)) = (&self.detail, &mut object) {
            members.insert("detail".to_owned(), Value::from(detail.as_str()));
        }
        object.to_string().into_bytes()
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        let (status, code, title) = fault.row();
        Self { status, code, title, detail: None }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let (status, code, title) = (refusal.http_status(), refusal.code(), refusal.reason());
        // A refusal says 401 of clients of chat; here that would ask for another key.
        Self { status: if status == 401 { 403 } else { status }, code, title, detail: None }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_code_is_its_own_and_none_is_a_refusals() {
        let own = Fault::ALL.iter().map(|fault| fault.row().1);
        let codes: HashSet<&str> = own.chain(Refusal::ALL.iter().map(|refusal| refusal.code())).collect();
        assert_eq!(codes.len(), Fault::ALL.len() + Refusal::ALL.len());
    }
}
