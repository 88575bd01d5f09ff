//! Server-sent events, `GET /events/{room}`: a reader of one room, behind anything that speaks HTTP (HTML Standard, "Server-sent
//! events"; docs/protocol.md).
//!
//! The answer begins when the room has let the reader in, so that a refusal is an answer too, and lasts until the stream is closed
//! (RFC 9112 §6.3): events have ends of their own.

mod client;

use chat::{Command, Event, Farewell, Position, Refusal, Resumption, RoomId, RoomName};
use wire::http::{Head, write_streamed_head};
use wire::url::{decode_segment, query_parameter};
use wire::websocket::is_upgrade;

pub(crate) use client::client;

use crate::answer::{ANY_ORIGIN, Answer};
use crate::bearer::Bearer;
use crate::json::write_event;
use crate::object::{write_number, write_shown};
use crate::{Admission, Call, Gateway, Outbox, Protocol, Settings, Then, Variant, Violation};

const PREFIX: &str = "/events/";
const METHODS: &str = "GET, OPTIONS";

/// How long a reader that was cut waits before it comes back, in milliseconds. A restart says otherwise, once.
const RETRY: &[u8] = b"retry: 2000\n";

/// There is one format.
const EVENTS: Variant = 0;

/// Opens the gateway.
pub(crate) fn open(settings: &Settings) -> Box<dyn Gateway> {
    Box::new(ServerSentEvents { bearer: Bearer::new(settings) })
}

struct ServerSentEvents {
    bearer: Bearer,
}

impl Gateway for ServerSentEvents {
    fn admit(&mut self, call: &Call<'_, '_>, out: &mut Outbox) -> Admission {
        let head = call.head;
        let Some(segment) = head.path.strip_prefix(PREFIX).filter(|_| !is_upgrade(head)) else {
            return Admission::NotMine;
        };
        let answer = Answer::unread(head);
        match head.method {
            "GET" => return open_room((segment, self.bearer), head, answer, out),
            "OPTIONS" => {
                answer.allow(METHODS, "authorization, last-event-id, cache-control", &[ANY_ORIGIN], out)
            }
            _ => answer.refuse_method(METHODS, out),
        }
        Admission::Answered
    }

    fn encode(&mut self, _: Variant, event: &Event, out: &mut Vec<u8>) {
        write(event, out);
    }
}

fn open_room(
    (segment, bearer): (&str, Bearer),
    head: &Head<'_>,
    answer: Answer,
    out: &mut Outbox,
) -> Admission {
    match read_request(segment, bearer, head) {
        Ok((identify, room, since)) => {
            out.commands.extend(identify);
            out.commands.push(Command::Join { room, since, tag: None });
            Admission::Open(Box::new(Reader { answer: Some(answer.closing()) }))
        }
        Err(refusal) => {
            out.refusals.push(refusal);
            answer.refuse(refusal, out);
            Admission::Answered
        }
    }
}

/// Which room, and the last message seen there. A reader that comes back by itself says the latter in a header and still has the
/// first request's target: the header is the newer one.
fn read_request(
    segment: &str,
    bearer: Bearer,
    head: &Head<'_>,
) -> Result<(Option<Command>, RoomId, Option<Position>), Refusal> {
    let name = decode_segment(segment).map_err(|_| Refusal::BadName)?;
    let room = RoomName::new(&name).map_err(|_| Refusal::BadName)?;
    let asked = query_parameter(head.query.unwrap_or(""), "since").map_err(|_| Refusal::BadRequest)?;
    let header = head.header("last-event-id").filter(|id| !id.is_empty());
    let since = match header.or(asked.as_deref().filter(|since| !since.is_empty())) {
        Some(since) => Some(since.parse().map_err(|_| Refusal::BadPosition)?),
        None => None,
    };
    Ok((bearer.identify(head)?, RoomId::public(room), since))
}

/// One reader of a room.
struct Reader {
    /// How the request is to be answered; `None` once it is.
    answer: Option<Answer>,
}

impl Protocol for Reader {
    /// A reader has nothing to say.
    fn receive(&mut self, input: &mut [u8], _: &mut Outbox) -> Result<usize, Violation> {
        Ok(input.len())
    }

    fn deliver(&mut self, event: &Event, out: &mut Outbox) {
        match (event, self.answer) {
            (Event::Joined { .. }, Some(_)) => {
                self.answer = None;
                write_head(&mut out.bytes);
                write(event, &mut out.bytes);
            }
            (Event::Refused { refusal, .. }, Some(answer)) => answer.refuse(*refusal, out),
            (Event::Removed { because, .. }, None) => self.part(Farewell::after(*because), out),
            (_, Some(_)) => {}
            (_, None) => write(event, &mut out.bytes),
        }
    }

    fn form(&self) -> Option<Variant> {
        Some(EVENTS)
    }

    /// A comment, so that whoever is between does not take the stream for dead.
    fn ping(&mut self, out: &mut Outbox) -> bool {
        if self.answer.is_none() {
            out.bytes.extend_from_slice(b":\n\n");
        }
        false
    }

    fn part(&mut self, farewell: Farewell, out: &mut Outbox) {
        match self.answer.take() {
            // A reader that is refused does not come back (HTML Standard, 9.2.3 Processing model: "fail the connection").
            Some(_) if farewell.may_reconnect() => write_head(&mut out.bytes),
            Some(answer) => return answer.refuse(farewell.as_refusal().unwrap_or(Refusal::Draining), out),
            None => {}
        }
        write(&Event::Closing(farewell), &mut out.bytes);
        out.then = Then::Close;
    }
}

fn write_head(out: &mut Vec<u8>) {
    let headers = [
        ("content-type", "text/event-stream"),
        ("cache-control", "no-store"),
        ANY_ORIGIN,
        // Without it a well-known proxy gathers events before it passes them on.
        ("x-accel-buffering", "no"),
        ("connection", "close"),
    ];
    write_streamed_head(out, 200, &headers);
    out.extend_from_slice(RETRY);
}

/// Appends an event, if readers are told of such.
fn write(event: &Event, out: &mut Vec<u8>) {
    match event {
        Event::Posted(message) => write_fields(None, Some(message.at), event, out),
        // A reader that has seen nothing yet resumes from here. One that resumes has seen nothing new by being let in.
        Event::Joined { at, resumption: Resumption::Fresh, .. } => {
            write_fields(Some("joined"), Some(*at), event, out)
        }
        Event::Joined { .. } => write_fields(Some("joined"), None, event, out),
        Event::Presence(_) => write_fields(Some("presence"), None, event, out),
        Event::Lost { at, .. } => write_fields(Some("lost"), Some(*at), event, out),
        Event::Closing(farewell) => {
            if let Farewell::ServerRestart { delay_ms } = farewell {
                out.extend_from_slice(b"retry: ");
                write_number(u64::from(*delay_ms), out);
                out.push(b'\n');
            }
            write_fields(Some("closing"), None, event, out);
        }
        _ => {}
    }
}

fn write_fields(kind: Option<&str>, id: Option<Position>, event: &Event, out: &mut Vec<u8>) {
    if let Some(kind) = kind {
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(kind.as_bytes());
        out.push(b'\n');
    }
    if let Some(id) = id {
        out.extend_from_slice(b"id: ");
        write_shown(&id, out);
        out.push(b'\n');
    }
    out.extend_from_slice(b"data: ");
    let start = out.len();
    write_event(event, out);
    // Line ends can only stand between the tokens of somebody's `data` (RFC 8259 §2).
    for byte in &mut out[start..] {
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
    out.extend_from_slice(b"\n\n");
}
