//! What an operation answers when it was done.

use serde::Serialize;

use super::problem::Problem;

/// What an operation answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// JSON; nothing where there is nothing to be said.
    pub(super) body: Vec<u8>,
}

/// What becomes of a request.
pub(super) type Outcome = Result<Answer, Problem>;

/// A piece of a list, and what the next one is asked for with.
#[derive(Serialize)]
pub(super) struct List<T> {
    pub(super) items: Vec<T>,
    pub(super) next: Option<String>,
}

impl Answer {
    pub(super) fn ok(what: &impl Serialize) -> Outcome {
        Self::of(200, what)
    }

    pub(super) fn of(status: u16, what: &impl Serialize) -> Outcome {
        let body = serde_json::to_vec(what).expect("what is answered is text by text");
        Ok(Self { status, body })
    }

    /// It was done, and there is nothing to be said.
    pub(super) fn nothing() -> Outcome {
        Ok(Self { status: 204, body: Vec::new() })
    }
}
