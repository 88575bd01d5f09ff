//! The shapes of what is asked and answered, as JSON Schema (OpenAPI 3.1).

use serde_json::{Map, Value, json};

use super::asked::{LIMIT, LIMIT_MAX};
use super::keys::Scope;

/// A parameter of a query: its name, its schema, and what it is for.
pub(super) type Parameter = (&'static str, fn() -> Value, &'static str);

/// Every parameter of a query.
pub(super) const PARAMETERS: &[Parameter] = &[
    ("prefix", string, "How names begin."),
    (
        "sort",
        || json!({ "type": "string", "enum": ["name", "members", "rate"] }),
        "By name, the largest first, or those first in which most is said: for this who asks first waits a second.",
    ),
    ("limit", limit, "How many at most."),
    ("cursor", string, "The `next` of the list before."),
    ("since", count, "The `next` of the answer before: rows from there on."),
    ("before", string, "A position, `epoch:offset`."),
    ("user", string, "Those of a user."),
    ("room", string, "Those in a room, or about it."),
    ("address", string, "Those of clients at an address."),
];

/// A schema with a name.
pub(super) type Schema = (&'static str, fn() -> Value);

/// Every schema with a name.
pub(super) const SCHEMAS: &[Schema] = &[
    ("Problem", problem),
    ("Me", || {
        let scopes: Vec<&str> = Scope::ALL.iter().map(|scope| scope.word()).collect();
        let scopes = json!({ "type": "array", "items": { "type": "string", "enum": scopes } });
        object(&[("key", maybe_string()), ("scopes", scopes)], &[])
    }),
    ("Node", || {
        let stage = stage();
        object(
            &[
                ("version", string()),
                ("stage", stage),
                ("fault", maybe_string()),
                ("shards", count()),
                ("nodes", count()),
                ("streams", count()),
                ("sessions", count()),
                ("rooms", count()),
                ("queued_bytes", count()),
                ("uptime_ms", count()),
            ],
            &[],
        )
    }),
    ("NodeItem", || {
        let state = json!({ "type": "string", "enum": ["starting", "ready", "draining", "cut_off", "gone"] });
        let always = [
            ("id", string()),
            ("name", string()),
            ("is_self", json!({ "type": "boolean" })),
            ("state", state),
        ];
        let at_times = [
            ("since_ms", count()),
            ("fault", string()),
            ("version", string()),
            ("sessions", count()),
            ("deliveries", count()),
        ];
        object(&always, &at_times)
    }),
    ("ShardItem", || {
        let held = ["streams", "sessions", "rooms", "deliveries", "queued_bytes", "history_bytes"];
        let held = held.map(|name| (name, count()));
        object(&[&[("cpu", json!({ "type": "number" }))][..], &held].concat(), &[])
    }),
    ("Recent", || {
        let node = object(
            &[
                ("id", string()),
                ("version", string()),
                ("stage", stage()),
                ("fault", maybe_string()),
                ("uptime_ms", count()),
                ("run", count()),
            ],
            &[],
        );
        let value = json!({ "type": ["number", "null"] });
        object(
            &[
                ("node", node),
                ("nodes", items("NodeItem")),
                ("shards", items("ShardItem")),
                ("step_ms", count()),
                ("next", count()),
                ("columns", json!({ "type": "array", "items": string() })),
                ("rows", json!({ "type": "array", "items": { "type": "array", "items": value } })),
            ],
            &[],
        )
    }),
    ("RoomItem", || {
        let members = [("room", string()), ("members", count()), ("guests", count()), ("here", count())];
        let rate = ("rate", json!({ "type": ["number", "null"] }));
        object(&[&members[..], &[rate]].concat(), &[])
    }),
    ("RoomList", || list("RoomItem")),
    ("Room", || {
        object(
            &[
                ("room", string()),
                ("members", count()),
                ("guests", count()),
                ("sessions", count()),
                ("at", maybe_string()),
                ("closed", json!({ "type": "boolean" })),
                ("slow_mode_ms", count()),
            ],
            &[],
        )
    }),
    ("Member", || object(&[("user", string())], &[])),
    ("MemberList", || {
        object(
            &[
                ("items", items("Member")),
                ("next", maybe_string()),
                ("members", count()),
                ("guests", count()),
                ("complete", json!({ "type": "boolean" })),
            ],
            &[],
        )
    }),
    ("Message", || {
        object(
            &[("at", string()), ("time", count())],
            &[
                ("user", string()),
                ("id", string()),
                ("text", string()),
                ("data", json!({})),
                ("binary", json!({ "type": "string", "contentEncoding": "base64" })),
            ],
        )
    }),
    ("MessageList", || list("Message")),
    ("Posting", || {
        object(&[], &[("text", string()), ("data", json!({})), ("user", string()), ("id", string())])
    }),
    ("Accepted", || object(&[("at", string())], &[])),
    ("User", || {
        object(&[("user", string()), ("online", json!({ "type": "boolean" })), ("devices", count())], &[])
    }),
    ("Session", || {
        object(
            &[
                ("session", string()),
                ("user", maybe_string()),
                ("proven", json!({ "type": "boolean" })),
                ("protocol", string()),
                ("address", maybe_string()),
                ("rooms", json!({ "type": "array", "items": { "type": "string" } })),
                ("rooms_total", count()),
                ("positions", json!({ "type": "array", "items": maybe_string() })),
                ("queued_bytes", count()),
                ("silent_ms", count()),
                ("round_trip_us", json!({ "type": ["integer", "null"], "minimum": 0 })),
            ],
            &[],
        )
    }),
    ("SessionList", || list("Session")),
    ("Meant", || {
        object(&[], &[("session", string()), ("user", string()), ("address", string()), ("room", string())])
    }),
    ("RoomTerms", || object(&[], &[("closed", json!({ "type": "boolean" })), ("slow_mode_ms", count())])),
    ("Kicked", || object(&[], &[("session", string()), ("user", string()), ("address", string())])),
    ("Penalty", || {
        let members = [("user", string()), ("address", string()), ("room", string())];
        object(&[], &[&members[..], &[("seconds", count()), ("reason", string())]].concat())
    }),
    ("Sanction", || {
        let maybe_count = json!({ "type": ["integer", "null"], "minimum": 0 });
        object(
            &[
                ("id", string()),
                ("user", maybe_string()),
                ("address", maybe_string()),
                ("room", maybe_string()),
                ("until", maybe_count),
                ("since", count()),
                ("reason", maybe_string()),
            ],
            &[],
        )
    }),
    ("SanctionList", || list("Sanction")),
    ("Done", || object(&[("here", count())], &[])),
    ("Leave", || {
        let drained = json!({ "type": "boolean" });
        object(&[("stage", stage()), ("sessions", count()), ("streams", count()), ("drained", drained)], &[])
    }),
    ("Followed", || {
        object(
            &[],
            &[("room", string()), ("user", string()), ("session", string()), ("wait_seconds", count())],
        )
    }),
    ("Step", || {
        let steps = json!(["read", "decoded", "ordered", "accepted", "encoded", "sent"]);
        let step = json!({ "type": "string", "enum": steps });
        object(&[("step", step), ("shard", count()), ("us", count())], &[("members", count())])
    }),
    ("Trace", || object(&[("room", maybe_string()), ("at", maybe_string()), ("steps", items("Step"))], &[])),
    ("AuditEntry", || {
        object(
            &[
                ("id", count()),
                ("time", count()),
                ("key", maybe_string()),
                ("address", string()),
                ("action", string()),
                ("target", string()),
                ("status", count()),
            ],
            &[],
        )
    }),
    ("AuditList", || list("AuditEntry")),
];

/// A reference to a schema with a name.
pub(super) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn problem() -> Value {
    object(
        &[("type", string()), ("title", string()), ("status", count()), ("code", string())],
        &[("detail", string())],
    )
}

fn list(of: &str) -> Value {
    object(&[("items", items(of)), ("next", maybe_string())], &[])
}

fn items(of: &str) -> Value {
    json!({ "type": "array", "items": reference(of) })
}

fn string() -> Value {
    json!({ "type": "string" })
}

fn maybe_string() -> Value {
    json!({ "type": ["string", "null"] })
}

fn count() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

fn limit() -> Value {
    json!({ "type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT })
}

fn stage() -> Value {
    json!({ "type": "string", "enum": ["starting", "ready", "draining"] })
}

/// An object with members that it always has, and others that it may have.
fn object(always: &[(&str, Value)], at_times: &[(&str, Value)]) -> Value {
    let members = always.iter().chain(at_times);
    let properties: Map<String, Value> =
        members.map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    let required: Vec<&str> = always.iter().map(|(name, _)| *name).collect();
    json!({ "type": "object", "properties": properties, "required": required })
}
