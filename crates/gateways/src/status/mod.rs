//! `GET /healthz`: whether this node answers. For balancers, which ask often: the answer is written ahead.

use bytes::Bytes;
use chat::Event;
use wire::websocket::is_upgrade;

use crate::answer::{Answer, Prepared};
use crate::{Admission, Call, Client, Gateway, Login, Outbox, Settings, Variant};

const PATH: &str = "/healthz";

/// Opens the gateway.
pub(crate) fn open(_: &Settings) -> Box<dyn Gateway> {
    Box::new(Status { answer: prepare(200, "ok") })
}

/// Nobody chats through it.
pub(crate) fn client(_: &Login) -> Option<Box<dyn Client>> {
    None
}

struct Status {
    answer: Prepared,
}

fn prepare(status: u16, words: &'static str) -> Prepared {
    Prepared::new(status, &[("content-type", "text/plain")], Bytes::from_static(words.as_bytes()))
}

impl Gateway for Status {
    fn admit(&mut self, call: &Call<'_, '_>, out: &mut Outbox) -> Admission {
        let head = call.head;
        if head.path != PATH || is_upgrade(head) {
            return Admission::NotMine;
        }
        let answer = Answer::unread(head);
        match head.method {
            "GET" | "HEAD" => self.answer.write(answer, out),
            _ => answer.refuse_method("GET, HEAD", out),
        }
        Admission::Answered
    }

    fn retire(&mut self) {
        self.answer = prepare(503, "draining");
    }

    fn encode(&mut self, _: Variant, _: &Event, _: &mut Vec<u8>) {}
}
