//! The token that a request carries: in a header where a client can set one, else in the target.

use chat::{Command, Credentials, Refusal, Secret};
use wire::http::Head;
use wire::url::query_parameter;

use crate::Settings;

/// RFC 9110 §11.1: schemes are compared without regard to case.
const SCHEME: &str = "bearer ";

/// Reads tokens, where somebody judges them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bearer {
    is_judged: bool,
}

impl Bearer {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self { is_judged: settings.tokens }
    }

    /// What identifies a client that shows a token with its request, and takes no direct messages; `None`: it shows none.
    pub(crate) fn identify(self, head: &Head<'_>) -> Result<Option<Command>, Refusal> {
        let command = |token| Command::Identify {
            credentials: Credentials::Token(token),
            takes_direct: false,
            inbox: None,
            tag: None,
        };
        Ok(self.token(head)?.map(command))
    }

    /// RFC 6750 §2.1; browsers cannot set the header for a WebSocket or an event stream, so a parameter `token` does too. The header counts
    /// when both are there. Other schemes are for somebody else.
    pub(crate) fn token(self, head: &Head<'_>) -> Result<Option<Secret>, Refusal> {
        if !self.is_judged {
            return Ok(None);
        }
        let shown = head.header_values("authorization").find_map(|value| {
            let value = std::str::from_utf8(value).ok()?;
            let (scheme, token) = value.split_at_checked(SCHEME.len())?;
            scheme.eq_ignore_ascii_case(SCHEME).then_some(token.trim())
        });
        if let Some(token) = shown {
            return Secret::new(token).map(Some).ok_or(Refusal::BadToken);
        }
        match query_parameter(head.query.unwrap_or(""), "token").map_err(|_| Refusal::BadRequest)? {
            Some(token) => Secret::new(&token).map(Some).ok_or(Refusal::BadToken),
            None => Ok(None),
        }
    }
}
