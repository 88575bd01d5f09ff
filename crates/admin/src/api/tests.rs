//! The API over pretend shards: who may ask, what is answered, and that the document says so.

use std::collections::HashSet;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;

use access::{Offender, Ruling, RulingTerms, Subject};
use chat::{Body, Counts, Epoch, Message, Position, RoomId, RoomName, Time, UserId};
use serde_json::{Value, json};
use shard::{Instruction, MembersReport, Report, RoomLine, RoomReport, SessionKey, SessionLine, ShardId};

use super::document::document;
use super::problem::Fault;
use super::schema::{PARAMETERS, SCHEMAS};
use super::table::{OPERATIONS, PREFIX};
use super::*;
use crate::service::{Service, serve};

const REFERENCE: &str = "docs/reference/api.md";

struct Node {
    service: Service,
}

/// Two shards that have something to say to everything.
fn pretend(shard: ShardId, instruction: Instruction, reply: Reply) -> bool {
    let room = RoomId::public(RoomName::new("lobby").expect("a name"));
    let ann = UserId::new("ann").expect("a name");
    let at = Position { epoch: Epoch(7), offset: 3 };
    let counts = Counts { members: 1, guests: 1 };
    let session = SessionKey { node: Default::default(), shard, slot: 1, generation: 2 };
    let message = Message {
        room: room.clone(),
        at,
        author: Some(ann.clone()),
        time: Time(5),
        tag: None,
        body: Body::text("hi"),
    };
    reply(match instruction {
        Instruction::ListRooms(sought) => {
            let rate = Some(1500).filter(|_| sought.prefix.is_empty());
            let line = RoomLine { room, counts, here: 1, rate };
            let is_behind = sought.after.is_none_or(|after| line.mark(sought.order) > after);
            Report::Rooms(Vec::from_iter(Some(line).filter(|_| is_behind)))
        }
        Instruction::ListSessions(sought) => {
            let line = SessionLine {
                session,
                user: Some(ann),
                is_proven: false,
                gateway: "v1",
                address: Ipv4Addr::LOCALHOST.into(),
                rooms: vec![room],
                rooms_total: 1,
                positions: vec![Some(at)],
                queued_bytes: 0,
                silence_ms: 5,
                round_trip_us: None,
            };
            let is_meant = sought.session.is_none_or(|sought| sought == session);
            Report::Sessions(Vec::from_iter(Some(line).filter(|_| is_meant)), None)
        }
        Instruction::DescribeRoom(_) => {
            Report::Room(RoomReport { counts, sessions: 2, at: Some(at), ..RoomReport::default() })
        }
        Instruction::ListRulings { penalty, .. } => {
            let subject = Subject::Somebody(penalty, Offender::User(ann), Some(room));
            let terms = RulingTerms::Penalty { until: Some(Time(9)), reason: "spam".into() };
            Report::Rulings(vec![Ruling { subject, terms, since: Time(1) }], true)
        }
        Instruction::ListMembers { .. } => {
            Report::Members(MembersReport { users: vec![ann], more: true, counts, is_complete: true })
        }
        Instruction::Recall { .. } => Report::Page(vec![Arc::new(message)], true),
        Instruction::Post { .. } => Report::Accepted(at),
        Instruction::ListSteps => Report::Steps(Vec::new()),
        Instruction::ExchangeCards(_) => Report::Cards(Vec::new()),
        Instruction::Decree(_) | Instruction::Follow(..) | Instruction::EndTrace => Report::Done(1),
    });
    true
}

fn start(keys: Vec<Key>) -> Node {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
    let vitals = Arc::new(Vitals::new(2));
    let api = Arc::new(Api::new(vitals.clone(), keys));
    api.open(Shards { count: 2, instruct: Box::new(pretend), clock: || 0 });
    Node { service: serve(listener, vitals, api).expect("the system gives a thread") }
}

/// The status, and what is answered.
fn ask(node: &Node, method: &str, path: &str, headers: &str, body: &str) -> (u16, Value) {
    let mut stream = TcpStream::connect(node.service.address()).expect("the service accepts");
    let length = body.len();
    let host = if headers.to_lowercase().contains("host:") { "" } else { "Host: localhost\r\n" };
    let head = format!("{method} {path} HTTP/1.1\r\n{host}Connection: close\r\nContent-Length: {length}\r\n");
    write!(stream, "{head}{headers}\r\n{body}").expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers in text");
    let status = answer.split(' ').nth(1).expect("a status line").parse().expect("a number");
    let (_, body) = answer.split_once("\r\n\r\n").expect("a head");
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

const JSON: &str = "Content-Type: application/json\r\n";

fn get(node: &Node, path: &str) -> (u16, Value) {
    ask(node, "GET", &format!("{PREFIX}{path}"), "", "")
}

fn post(node: &Node, path: &str, headers: &str, body: &Value) -> (u16, Value) {
    ask(node, "POST", &format!("{PREFIX}{path}"), &format!("{JSON}{headers}"), &body.to_string())
}

fn code(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["code"].as_str().unwrap_or_default())
}

/// What of a value does not fit its schema.
fn misfit(value: &Value, schema: &Value, path: &str) -> Option<String> {
    if let Some(name) = schema["$ref"].as_str().and_then(|name| name.rsplit('/').next()) {
        let (_, schema) = SCHEMAS.iter().find(|(of, _)| *of == name)?;
        return misfit(value, &schema(), path);
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let types = match &schema["type"] {
        Value::Null => return None,
        Value::Array(types) => types.clone(),
        one => vec![one.clone()],
    };
    let is_whole_for_any = kind == "integer" && types.contains(&json!("number"));
    if !types.contains(&json!(kind)) && !is_whole_for_any {
        return Some(format!("{path} is {kind} and should be {types:?}"));
    }
    if let Some(values) = schema["enum"].as_array().filter(|values| !values.contains(value)) {
        return Some(format!("{path} is {value} and should be one of {values:?}"));
    }
    let items = value.as_array().into_iter().flatten().find_map(|item| misfit(item, &schema["items"], path));
    let missing = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let missing = missing.filter(|_| value.is_object()).find(|name| value.get(name).is_none());
    let members =
        value.as_object().into_iter().flatten().find_map(|(name, member)| {
            match schema["properties"].get(name) {
                None => Some(format!("{path}.{name} is not in the document")),
                Some(schema) => misfit(member, schema, &format!("{path}.{name}")),
            }
        });
    items.or(missing.map(|name| format!("{path}.{name} is missing"))).or(members)
}

/// A body that each schema of a body would take.
fn body_of(schema: &str) -> Value {
    match schema {
        "Posting" => json!({ "text": "hi", "user": "ann", "id": "7" }),
        "Followed" => json!({ "user": "ann", "wait_seconds": 0 }),
        "Meant" | "Kicked" => json!({ "user": "ann" }),
        "RoomTerms" => json!({ "closed": true, "slow_mode_ms": 5000 }),
        "Penalty" => json!({ "user": "ann", "room": "lobby", "seconds": 60, "reason": "spam" }),
        other => panic!("no body for {other}"),
    }
}

#[test]
fn every_operation_answers_as_the_document_says() {
    let node = start(Vec::new());
    for operation in OPERATIONS {
        let path =
            operation.path.replace("{session}", "0-1-2").replace("{room}", "lobby").replace("{user}", "ann");
        let path = path.replace("{id}", &super::cursor::write("uann\nlobby"));
        let body = operation.body.map_or(String::new(), |schema| body_of(schema).to_string());
        let headers = operation.body.map_or("", |_| JSON);
        let (status, answer) = ask(&node, operation.method, &format!("{PREFIX}{path}"), headers, &body);
        assert_eq!(status, operation.answer.0, "{}: {answer}", operation.name);
        let schema = operation.answer.1.map_or(json!({ "type": "null" }), super::schema::reference);
        assert_eq!(misfit(&answer, &schema, operation.name), None, "{answer}");
    }
}

#[test]
fn the_document_names_nothing_that_it_does_not_have() {
    let node = start(Vec::new());
    let (status, served) = ask(&node, "GET", "/openapi.json", "", "");
    assert_eq!((status, &served), (200, &document()));
    let text = served.to_string();
    let names = text.split("#/components/schemas/").skip(1);
    let named: HashSet<&str> = names.filter_map(|rest| rest.split('"').next()).collect();
    assert!(named.iter().all(|name| served["components"]["schemas"].get(name).is_some()), "{named:?}");
    let operations: HashSet<&str> = OPERATIONS.iter().map(|operation| operation.name).collect();
    assert_eq!(operations.len(), OPERATIONS.len(), "a name is one operation's");
    let known = |name: &&str| PARAMETERS.iter().any(|(parameter, ..)| parameter == name);
    assert!(OPERATIONS.iter().all(|operation| operation.parameters.iter().all(known)));
    let paths: HashSet<&str> = OPERATIONS.iter().map(|operation| operation.path).collect();
    assert_eq!(served["paths"].as_object().map(serde_json::Map::len), Some(paths.len()));
}

#[test]
fn with_keys_only_who_has_one_is_answered_and_only_what_it_is_good_for() {
    let scopes = Scopes::read("read").expect("a scope");
    let (key, secret) = Key::make("ops", scopes, [1; 32]).expect("a name");
    let node = start(vec![key]);
    let bearer = |secret: &str| format!("Authorization: Bearer {secret}\r\n");
    let me = |headers: &str| ask(&node, "GET", "/api/v1/me", headers, "");
    assert_eq!(code(&me("")), (401, "unauthorized"));
    assert_eq!(code(&me(&bearer("hk_no"))), (401, "unauthorized"));
    assert_eq!(me(&bearer(&secret)), (200, json!({ "key": "ops", "scopes": ["read"] })));
    let refused = post(&node, "/rooms/lobby/messages", &bearer(&secret), &json!({ "text": "hi" }));
    assert_eq!(code(&refused), (403, "missing_scope"));
}

#[test]
fn without_keys_pages_of_others_are_turned_away() {
    let node = start(Vec::new());
    let me = |headers: &str| code(&ask(&node, "GET", "/api/v1/me", headers, "")).0;
    assert_eq!(me("Host: 127.0.0.1:8081\r\nOrigin: http://127.0.0.1:8081\r\n"), 200);
    assert_eq!(me("Host: evil.example\r\n"), 403);
    for passed_on in
        ["X-Forwarded-For: 203.0.113.7", "Forwarded: for=203.0.113.7", "X-Real-IP: 203.0.113.7", "Via: 1.1 a"]
    {
        assert_eq!(me(&format!("Host: localhost\r\n{passed_on}\r\n")), 401, "{passed_on}");
    }
    assert_eq!(me("Host: localhost\r\nOrigin: https://evil.example\r\n"), 403);
    assert_eq!(me("Host: localhost\r\nSec-Fetch-Site: cross-site\r\n"), 403);
    let text = ask(&node, "POST", "/api/v1/rooms/a/messages", "Content-Type: text/plain\r\n", "{}");
    assert_eq!(code(&text), (415, "unsupported_type"));
}

#[test]
fn what_cannot_be_done_is_a_problem_with_a_code() {
    let node = start(Vec::new());
    let bad = |path: &str| code(&get(&node, path)).1.to_owned();
    assert_eq!(bad("/rooms?limit=0"), "bad_request");
    assert_eq!(bad("/rooms?sort=colour"), "bad_request");
    assert_eq!(bad("/rooms?cursor=!"), "bad_cursor");
    assert_eq!(bad("/sessions?address=nowhere"), "bad_request");
    assert_eq!(bad("/sessions/0-1-9"), "no_such_session");
    assert_eq!(bad("/sessions/x"), "bad_request");
    assert_eq!(bad("/users/%01"), "bad_name");
    assert_eq!(bad("/nowhere"), "not_found");
    let meant = post(&node, "/disconnect", "", &json!({ "user": "ann", "room": "lobby" }));
    assert_eq!(code(&meant), (400, "bad_request"));
    let problem = post(&node, "/rooms/lobby/messages", "", &json!({ "text": 7 }));
    assert_eq!(misfit(&problem.1, &super::schema::reference("Problem"), "problem"), None, "{problem:?}");
}

#[test]
fn lists_are_turned_page_by_page_and_each_room_comes_once() {
    let node = start(Vec::new());
    let (_, rooms) = get(&node, "/rooms?limit=1&sort=members");
    assert_eq!(
        rooms["items"],
        json!([{ "room": "lobby", "members": 1, "guests": 1, "here": 2, "rate": 1.5 }])
    );
    assert_eq!(rooms["next"], Value::Null);
    let (_, first) = get(&node, "/sessions?limit=1");
    let (_, second) =
        get(&node, &format!("/sessions?limit=1&cursor={}", first["next"].as_str().expect("more")));
    assert_eq!([&first["items"][0]["session"], &second["items"][0]["session"]], ["0-1-2", "1-1-2"]);
    assert_eq!(second["next"], Value::Null);
}

#[test]
fn rooms_are_looked_at_again_for_how_fast_they_go_unless_that_is_known() {
    let node = start(Vec::new());
    let began = Instant::now();
    assert_eq!(get(&node, "/rooms?sort=rate").1["items"][0]["rate"], json!(1.5));
    assert!(began.elapsed().as_millis() < 1000);
    assert_eq!(get(&node, "/rooms?sort=rate&prefix=lob").1["items"][0]["rate"], Value::Null);
    assert!(began.elapsed().as_millis() >= 1000);
}

#[test]
fn who_asks_again_under_the_same_key_is_answered_alike() {
    let node = start(Vec::new());
    let say = |text: &str| {
        post(&node, "/rooms/lobby/messages", "Idempotency-Key: \"k1\"\r\n", &json!({ "text": text }))
    };
    let first = say("hi");
    assert_eq!((first.0, say("hi")), (200, first));
    assert_eq!(code(&say("ho")), (422, "other_request"));
}

#[test]
fn what_changes_something_is_noted_with_who_and_what() {
    let node = start(Vec::new());
    post(&node, "/disconnect", "", &json!({ "user": "ann" }));
    ask(&node, "DELETE", "/api/v1/sessions/0-1-9", "", "");
    let (_, audit) = get(&node, "/audit");
    let seen: Vec<_> = audit["items"].as_array().expect("a list").iter().collect();
    let entry = |entry: &Value| (entry["action"].clone(), entry["target"].clone(), entry["status"].clone());
    assert_eq!(entry(seen[0]), (json!("disconnect_session"), json!("/api/v1/sessions/0-1-9"), json!(204)));
    assert_eq!(entry(seen[1]), (json!("disconnect"), json!("/api/v1/disconnect"), json!(200)));
    assert_eq!((seen.len(), &seen[0]["address"]), (2, &json!("127.0.0.1")));
}

#[test]
fn what_somebody_was_not_let_do_is_noted_too() {
    let key = |name, scopes, seed| Key::make(name, scopes, [seed; 32]).expect("a name");
    let (reader, read) = key("reader", Scopes::read("read").expect("a scope"), 1);
    let (chief, all) = key("chief", Scopes::ALL, 2);
    let node = start(vec![reader, chief]);
    let bearer = |secret: &str| format!("Authorization: Bearer {secret}\r\n");
    let refused = ask(&node, "DELETE", "/api/v1/sessions/0-1-2", &bearer(&read), "");
    assert_eq!(code(&refused), (403, "missing_scope"));
    let (_, audit) = ask(&node, "GET", "/api/v1/audit", &bearer(&all), "");
    let entry = &audit["items"][0];
    assert_eq!((&entry["action"], &entry["status"]), (&json!("disconnect_session"), &json!(403)));
}

#[test]
fn the_reference_says_what_the_operations_are() {
    let mut text = include_str!("reference.txt").to_owned();
    text +=
        "\n## Operations\n\n| operation | scope | what it does | asked | answered |\n|---|---|---|---|---|\n";
    for operation in OPERATIONS {
        let parameters: Vec<String> = operation.parameters.iter().map(|name| format!("`{name}`")).collect();
        let body = operation.body.map(|schema| format!("[{schema}](#shapes)"));
        let asked: Vec<String> = parameters.into_iter().chain(body).collect();
        let (status, schema) = operation.answer;
        let answered = schema.map_or(status.to_string(), |schema| format!("{status} {schema}"));
        let scope = operation.scope.map_or("any", Scope::word);
        text += &format!(
            "| `{} {PREFIX}{}` | {scope} | {} | {} | {answered} |\n",
            operation.method,
            operation.path,
            operation.about,
            asked.join(", ")
        );
    }
    text += "\n## Shapes\n\nWhat is in italics may be missing.\n\n| shape | members |\n|---|---|\n";
    for (name, schema) in SCHEMAS {
        let schema = schema();
        let is_required =
            |member: &str| schema["required"].as_array().is_some_and(|all| all.contains(&json!(member)));
        let members = schema["properties"].as_object().expect("an object").keys();
        let members: Vec<String> = members
            .map(|member| if is_required(member) { format!("`{member}`") } else { format!("*{member}*") })
            .collect();
        text += &format!("| {name} | {} |\n", members.join(", "));
    }
    text += "\n## Problems\n\nBesides the codes of [refusals](../protocol.md#refusals):\n\n| code | status | meaning |\n|---|---|---|\n";
    for fault in Fault::ALL {
        let (status, code, title) = fault.row();
        text += &format!("| `{code}` | {status} | {title} |\n");
    }
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(REFERENCE);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&file, &text).expect("the checkout can be written");
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        found == text,
        "{REFERENCE} is behind the operations: UPDATE_DOCS=1 cargo test -p heimdallr-admin writes it anew"
    );
}
