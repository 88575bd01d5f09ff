//! `GET /healthz`: whether this node answers. For balancers, which ask often: the answer is written ahead.

use bytes::Bytes;
use chat::Event;
use wire::websocket::is_upgrade;

use crate::answer::{Answer, Prepared};
use crate::{Admission, Call, Client, Gateway, Login, Outbox, Settings, Variant};

const PATH: &str = "/healthz";

/// Opens the gateway.
pub(crate) fn open(_: &Settings) -> Box<dyn Gateway> {
    Box::new(Status { healthy: Prepared::new(200, &[("content-type", "text/plain")], Bytes::from_static(b"ok")) })
}

/// Nobody chats through it.
pub(crate) fn client(_: &Login) -> Option<Box<dyn Client>> {
    None
}

struct Status {
    healthy: Prepared,
}

impl Gateway for Status {
    fn admit(&mut self, call: &Call<'_, '_>, out: &mut Outbox) -> Admission {
        let head = call.head;
        if head.path != PATH || is_upgrade(head) {
            return Admission::NotMine;
        }
        let answer = Answer::unread(head);
        match head.method {
            "GET" | "HEAD" => self.healthy.write(answer, out),
            _ => answer.refuse_method("GET, HEAD", out),
        }
        Admission::Answered
    }

    fn encode(&mut self, _: Variant, _: &Event, _: &mut Vec<u8>) {}
}
