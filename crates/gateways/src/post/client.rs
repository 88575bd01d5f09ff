//! A script that posts to a room, seen from the other side.

use std::collections::VecDeque;

use chat::{Body, Command, PayloadKind, RoomId, Tag, Text, UserId};

use super::PREFIX;
use crate::client::{Client, Heard, Login, ServerFault};
use crate::client_answer::{WholeAnswer, write_start};
use crate::hearing;
use crate::object::Object;

/// A script that posts to the login's room. It may post again before it is answered (RFC 9112 §9.3.2).
pub(crate) fn client(login: &Login) -> Option<Box<dyn Client>> {
    Some(Box::new(Script { login: login.clone(), asked: VecDeque::new(), phase: Phase::Opening }))
}

struct Script {
    login: Login,
    /// The tags of posts that are not answered yet.
    asked: VecDeque<Option<Tag>>,
    phase: Phase,
}

#[derive(Clone, Copy, PartialEq)]
enum Phase {
    /// What may be asked here is asked.
    Opening,
    Open,
    Over,
}

impl Client for Script {
    fn open(&mut self, out: &mut Vec<u8>) {
        write_start(out, "OPTIONS", PREFIX, &self.login);
        out.extend_from_slice(b"\r\n");
    }

    fn receive(
        &mut self,
        input: &mut [u8],
        _: &mut Vec<u8>,
        heard: &mut Vec<Heard>,
    ) -> Result<usize, ServerFault> {
        let mut taken = 0;
        while self.phase != Phase::Over {
            let Some(answer) = WholeAnswer::read(&input[taken..])? else { return Ok(taken) };
            taken += answer.length;
            self.hear(&answer, heard)?;
            if answer.is_last() {
                self.phase = Phase::Over;
                heard.push(answer.closed());
            }
        }
        Ok(input.len())
    }

    fn ask(&mut self, command: &Command, out: &mut Vec<u8>) -> bool {
        let Command::Post { room, author, body, tag, reply: true } = command else { return false };
        if self.phase != Phase::Open || *room != RoomId::public(self.login.room.clone()) {
            return false;
        }
        let Some((kind, content)) = write(author.as_ref(), body) else { return false };
        if tag.as_ref().is_some_and(|tag| !is_field_value(tag.as_str())) {
            return false;
        }
        write_start(out, "POST", PREFIX, &self.login);
        if let Some(tag) = tag {
            out.extend_from_slice(format!("Idempotency-Key: {}\r\n", tag.as_str()).as_bytes());
        }
        out.extend_from_slice(
            format!("Content-Type: {kind}\r\nContent-Length: {}\r\n\r\n", content.len()).as_bytes(),
        );
        out.extend_from_slice(&content);
        self.asked.push_back(tag.clone());
        true
    }

    fn close(&mut self, _: &mut Vec<u8>) {}
}

impl Script {
    fn hear(&mut self, answer: &WholeAnswer<'_>, heard: &mut Vec<Heard>) -> Result<(), ServerFault> {
        if self.phase == Phase::Opening {
            if answer.head.status != 204 {
                return Err(ServerFault::new(format_args!("status {} instead of 204", answer.head.status)));
            }
            self.phase = Phase::Open;
            heard.push(Heard::Opened);
            return Ok(());
        }
        let tag = self.asked.pop_front().ok_or_else(|| ServerFault::new("an answer to nothing"))?;
        heard.push(if answer.head.status == 200 {
            Heard::Accepted { tag, at: hearing::read_position(answer.body)? }
        } else {
            Heard::Refused { tag, refusal: answer.refusal()? }
        });
        Ok(())
    }
}

/// The type of a body and its bytes; `None` where the protocol has no words for it.
fn write(author: Option<&UserId>, body: &Body) -> Option<(&'static str, Vec<u8>)> {
    let payload = &body.payload;
    match (author, payload.kind, &body.text) {
        (None, PayloadKind::None, Text::Own(text)) => {
            Some(("text/plain; charset=utf-8", text.as_bytes().to_vec()))
        }
        (None, PayloadKind::Binary, Text::None) => Some(("application/octet-stream", payload.bytes.to_vec())),
        (_, PayloadKind::None | PayloadKind::Json, Text::None | Text::Own(_)) => {
            Some(("application/json", write_json(author, body)?))
        }
        _ => None,
    }
}

fn write_json(author: Option<&UserId>, body: &Body) -> Option<Vec<u8>> {
    let mut json = Vec::new();
    let mut object = Object::start(&mut json).user(&author.cloned());
    if let Text::Own(text) = &body.text {
        object = object.string("text", text);
    }
    if body.payload.kind == PayloadKind::Json {
        object = object.json("data", std::str::from_utf8(&body.payload.bytes).ok()?);
    }
    object.end();
    Some(json)
}

/// Whether a header can carry it as it is (RFC 9110 §5.5).
fn is_field_value(value: &str) -> bool {
    value.trim() == value && !value.chars().any(char::is_control)
}
