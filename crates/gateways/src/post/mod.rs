//! `POST /rooms/{room}`: scripts and servers that only send. The body is the message, the answer its position (docs/protocol.md).
//!
//! A request is a session of its own: a visitor of the room, that takes nothing told to it. It ends when the post is answered, and the
//! stream takes the next request.

mod client;
mod content;

use chat::{Command, Event, Farewell, Refusal, RoomId, RoomName, Tag};
use wire::http::{Body, CONTINUE, Head, HttpFault};
use wire::url::decode_segment;
use wire::websocket::is_upgrade;

pub(crate) use client::client;

use self::content::Content;
pub use self::content::Posting;
use crate::answer::{ANY_ORIGIN, Answer};
use crate::bearer::Bearer;
use crate::json::write_position;
use crate::{Admission, Call, Gateway, Outbox, Protocol, Settings, Then, Variant, Violation};

const PREFIX: &str = "/rooms/";
const METHODS: &str = "POST, OPTIONS";
const HEADERS: &str = "authorization, content-type, idempotency-key";

/// Requests sent ahead of an answer are kept up to so many bytes: less than any stream may keep, so that the client is told.
const PIPELINED_BYTES_MAX: usize = 96 * 1024;

/// A body must be complete after so many signs of life were due.
const PINGS_MAX: u8 = 2;

/// Opens the gateway.
pub(crate) fn open(settings: &Settings) -> Box<dyn Gateway> {
    Box::new(Post { max_message_bytes: settings.max_message_bytes as u64, bearer: Bearer::new(settings) })
}

struct Post {
    max_message_bytes: u64,
    bearer: Bearer,
}

impl Gateway for Post {
    fn admit(&mut self, call: &Call<'_, '_>, out: &mut Outbox) -> Admission {
        let head = call.head;
        let Some(segment) = head.path.strip_prefix(PREFIX).filter(|_| !is_upgrade(head)) else {
            return Admission::NotMine;
        };
        match head.method {
            "POST" => return self.open_post(segment, head, out),
            "OPTIONS" => Answer::unread(head).allow(METHODS, HEADERS, &[ANY_ORIGIN], out),
            _ => Answer::unread(head).refuse_method(METHODS, out),
        }
        Admission::Answered
    }

    fn encode(&mut self, _: Variant, _: &Event, _: &mut Vec<u8>) {}
}

impl Post {
    fn open_post(&self, segment: &str, head: &Head<'_>, out: &mut Outbox) -> Admission {
        let Some(content) = Content::of(head) else {
            content::refuse_type(Answer::unread(head), out);
            return Admission::Answered;
        };
        let (identify, room, tag, body) = match self.read_request(segment, head) {
            Ok(request) => request,
            Err(refusal) => {
                out.refusals.push(refusal);
                Answer::unread(head).refuse(refusal, out);
                return Admission::Answered;
            }
        };
        let answer = Answer::read(head);
        let mut visitor = Visitor { identify, room, tag, content, body, bytes: Vec::new(), answer, pings: 0 };
        if visitor.body.is_done() {
            visitor.post(out);
        } else if head.expects_continue() {
            out.bytes.extend_from_slice(CONTINUE);
        }
        if out.then == Then::Stay { Admission::Open(Box::new(visitor)) } else { Admission::Answered }
    }

    fn read_request(&self, segment: &str, head: &Head<'_>) -> Result<Request, Refusal> {
        let name = decode_segment(segment).map_err(|_| Refusal::BadName)?;
        let room = RoomName::new(&name).map_err(|_| Refusal::BadName)?;
        let tag = match head.header_values("idempotency-key").next() {
            Some(key) => Some(read_key(key).ok_or(Refusal::BadRequest)?),
            None => None,
        };
        let body = Body::new(head.framing, self.max_message_bytes).map_err(|_| Refusal::MessageTooLarge)?;
        Ok((self.bearer.identify(head)?.map(Box::new), RoomId::public(room), tag, body))
    }
}

/// Who says it, where, under which id, and how long it is.
type Request = (Option<Box<Command>>, RoomId, Option<Tag>, Body);

fn read_key(key: &[u8]) -> Option<Tag> {
    Tag::new(std::str::from_utf8(key).ok()?)
}

/// One post.
struct Visitor {
    /// What is done before the post, so that it is known whose it is.
    identify: Option<Box<Command>>,
    room: RoomId,
    tag: Option<Tag>,
    content: Content,
    body: Body,
    /// The body so far.
    bytes: Vec<u8>,
    answer: Answer,
    pings: u8,
}

impl Visitor {
    /// The body is complete.
    fn post(&mut self, out: &mut Outbox) {
        match self.content.read(std::mem::take(&mut self.bytes)) {
            Ok(said) => {
                out.commands.extend(self.identify.take().map(|identify| *identify));
                out.commands.push(Command::Post {
                    room: self.room.clone(),
                    author: said.author,
                    body: said.body,
                    tag: self.tag.take().or(said.tag),
                    reply: true,
                });
            }
            Err(refusal) => {
                out.refusals.push(refusal);
                self.answer.refuse(refusal, out);
            }
        }
    }
}

impl Protocol for Visitor {
    fn receive(&mut self, input: &mut [u8], out: &mut Outbox) -> Result<usize, Violation> {
        let mut taken = 0;
        while taken < input.len() && !self.body.is_done() {
            let step = self.body.next(&input[taken..]).map_err(violation)?;
            self.bytes.extend_from_slice(step.piece);
            taken += step.consumed;
            if step.done {
                self.post(out);
            }
        }
        if input.len() - taken > PIPELINED_BYTES_MAX {
            return Err(Violation {
                farewell: Farewell::Overloaded,
                detail: "too many requests ahead of an answer",
            });
        }
        Ok(taken)
    }

    fn deliver(&mut self, event: &Event, out: &mut Outbox) {
        match event {
            Event::Accepted { at, .. } => {
                let mut json = Vec::new();
                write_position(*at, &mut json);
                self.answer.write_json(&json, out);
            }
            Event::Refused { refusal, .. } => self.answer.refuse(*refusal, out),
            _ => {}
        }
    }

    fn form(&self) -> Option<Variant> {
        None
    }

    fn owes_answer(&self) -> bool {
        self.body.is_done()
    }

    /// Nothing can be said before the answer; a body that takes too long is not waited for.
    fn ping(&mut self, out: &mut Outbox) -> bool {
        self.pings += u8::from(!self.body.is_done());
        if self.pings > PINGS_MAX {
            out.refusals.push(Refusal::BadRequest);
            self.part(Farewell::PingTimeout, out);
        }
        false
    }

    fn part(&mut self, farewell: Farewell, out: &mut Outbox) {
        let (status, refusal) = match farewell {
            Farewell::PingTimeout => (408, Refusal::BadRequest),
            Farewell::MessageTooLarge => (413, Refusal::MessageTooLarge),
            Farewell::ServerRestart { .. } => (503, Refusal::Draining),
            Farewell::Overloaded | Farewell::SlowConsumer => (503, Refusal::Overloaded),
            farewell => match farewell.as_refusal() {
                Some(refusal) => (refusal.http_status(), refusal),
                None => (400, Refusal::BadRequest),
            },
        };
        self.answer.closing().refuse_as(status, refusal, &[], out);
    }
}

fn violation(fault: HttpFault) -> Violation {
    let farewell =
        if fault == HttpFault::BodyTooLarge { Farewell::MessageTooLarge } else { Farewell::ProtocolError };
    Violation { farewell, detail: fault.reason() }
}
