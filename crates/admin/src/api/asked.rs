//! One request for an operation, taken apart.

use std::sync::Arc;

use axum::body::Bytes;
use chat::{Refusal, RoomId, RoomName, Tag, UserId};
use serde::de::DeserializeOwned;
use shard::SessionKey;
use wire::url::query_parameter;

use super::Api;
use super::keys::Grant;
use super::problem::Problem;

/// How many things are listed at once where nothing is said, and at most.
pub(super) const LIMIT: usize = 100;
pub(super) const LIMIT_MAX: usize = 1000;

/// One request for an operation.
pub(super) struct Asked {
    pub(super) api: Arc<Api>,
    /// What stands in the place of each `{name}` of the path, in order.
    pub(super) names: Vec<String>,
    pub(super) query: String,
    pub(super) body: Bytes,
    pub(super) grant: Grant,
    /// Whoever retries it says the same again.
    pub(super) idempotency_key: Option<Tag>,
}

impl Asked {
    /// What the path names.
    pub(super) fn name(&self) -> &str {
        self.names.first().map_or("", String::as_str)
    }

    /// The room that the path names.
    pub(super) fn room(&self) -> Result<RoomId, Problem> {
        room(self.name())
    }

    /// The user that the path names.
    pub(super) fn user(&self) -> Result<UserId, Problem> {
        user(self.name())
    }

    /// The session that the path names.
    pub(super) fn session(&self) -> Result<SessionKey, Problem> {
        session(self.name())
    }

    /// A parameter of the query.
    pub(super) fn parameter(&self, name: &str) -> Result<Option<String>, Problem> {
        let found = query_parameter(&self.query, name).map_err(|_| Problem::bad("the query is malformed"))?;
        Ok(found.filter(|value| !value.is_empty()).map(|value| value.into_owned()))
    }

    /// How many things are wanted.
    pub(super) fn limit(&self) -> Result<usize, Problem> {
        let Some(limit) = self.parameter("limit")? else { return Ok(LIMIT) };
        let limit = limit.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit));
        limit.ok_or_else(|| Problem::bad(format!("limit is a number from 1 to {LIMIT_MAX}")))
    }

    /// The body, a JSON object.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        // An array would do for serde.
        if self.body.trim_ascii_start().first() != Some(&b'{') {
            return Err(Problem::bad("the body is a JSON object"));
        }
        serde_json::from_slice(&self.body).map_err(|error| Problem::bad(error.to_string()))
    }
}

/// A room by its name.
pub(super) fn room(name: &str) -> Result<RoomId, Problem> {
    RoomName::new(name).map(RoomId::public).map_err(|_| Refusal::BadName.into())
}

/// A user by name.
pub(super) fn user(name: &str) -> Result<UserId, Problem> {
    UserId::new(name).map_err(|_| Refusal::BadName.into())
}

/// A session by what clients of the rich protocol know theirs by.
pub(super) fn session(name: &str) -> Result<SessionKey, Problem> {
    name.parse().map_err(|_| Problem::bad("a session is written as lists of sessions write it"))
}

/// An address.
pub(super) fn address(text: &str) -> Result<std::net::IpAddr, Problem> {
    text.parse().map_err(|_| Problem::bad("an address is written as 192.0.2.1 or 2001:db8::1"))
}
