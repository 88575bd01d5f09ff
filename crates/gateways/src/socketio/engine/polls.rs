//! Polls and posts, by which a session is carried until it has a WebSocket (Engine.IO 4, "HTTP long-polling").

use wire::engineio::{Packet, PacketType};
use wire::http::{Body, CONTINUE, Head};

use super::{Engine, POLL, POSTED};
use crate::socketio::call::{Asked, Unfit};
use crate::socketio::poll::{Poll, write_kept};
use crate::socketio::posted::Posted;
use crate::socketio::reply::Reply;
use crate::socketio::upper::Upper;
use crate::{Aside, Call, Lane, MAIN, Outbox, Then};

impl Engine {
    /// Answers the poll that opens the session.
    pub(in crate::socketio) fn answer_handshake(
        &self,
        asked: &Asked,
        call: &Call<'_, '_>,
        sid: &str,
        packets: &[u8],
        out: &mut Outbox,
    ) {
        let poll = self.poll(asked, call.head);
        // A cookie that came securely is not to go back otherwise (RFC 6265 §4.1.2.5).
        let secure = if call.is_secure { "; Secure" } else { "" };
        let cookie = self.profile.cookie.as_ref();
        let cookie = cookie.map(|name| format!("{name}={sid}; Path=/; HttpOnly; SameSite=Lax{secure}"));
        let headers: Vec<(&str, &str)> = cookie.iter().map(|cookie| ("set-cookie", &**cookie)).collect();
        poll.answer_with(&headers, self.revision, packets, &self.profile, out);
    }

    pub(super) fn attach_poll(&mut self, asked: &Asked, head: &Head<'_>, out: &mut Outbox) -> Option<Lane> {
        if self.poll.is_some() {
            self.end(out);
            return self.refuse(Unfit::BadRequest, head, out);
        }
        self.poll = Some(self.poll(asked, head));
        if self.is_moving {
            // Nothing is told to it, so that it ends and the client can move.
            self.answer_poll_with(Vec::new(), PacketType::Noop, out);
        }
        Some(POLL)
    }

    fn poll(&self, asked: &Asked, head: &Head<'_>) -> Poll {
        Poll { reply: self.reply_to(head), jsonp: asked.jsonp, takes_binary: !self.text_only }
    }

    /// Answers the poll that waits with packets, on a stream aside.
    pub(super) fn answer_poll(&mut self, kept: &[u8], out: &mut Outbox) {
        let Some(poll) = self.poll.take() else { return };
        let mut written = Outbox::default();
        poll.answer(self.revision, kept, &self.profile, &mut written);
        out.aside.push(Aside { lane: POLL, bytes: written.bytes, then: written.then });
    }

    /// Answers the poll that waits, if one does: packets that were written for it, and one that has no text.
    pub(super) fn answer_poll_with(&mut self, mut kept: Vec<u8>, packet_type: PacketType, out: &mut Outbox) {
        if self.poll.is_some() {
            write_kept(self.revision, &Packet::Text(packet_type, ""), &mut kept);
            self.answer_poll(&kept, out);
        }
    }

    pub(super) fn attach_post(&mut self, asked: &Asked, head: &Head<'_>, out: &mut Outbox) -> Option<Lane> {
        let Some(form) = asked.form_of(head).filter(|_| self.posted.is_none()) else {
            self.end(out);
            return self.refuse(Unfit::BadRequest, head, out);
        };
        let Ok(body) = Body::new(head.framing, self.profile.max_message_bytes as u64) else {
            self.end(out);
            let origins = &self.profile.origins;
            Reply::unread(head, origins).write(origins, 413, &[], b"", out);
            return None;
        };
        if body.is_done() {
            self.end(out);
            return self.refuse(Unfit::BadRequest, head, out);
        }
        if head.expects_continue() {
            out.bytes.extend_from_slice(CONTINUE);
        }
        self.posted = Some(Box::new(Posted::new(self.reply_to(head), form, asked.jsonp.is_some(), body)));
        Some(POSTED)
    }

    pub(super) fn receive_post(&mut self, input: &[u8], upper: &mut dyn Upper, out: &mut Outbox) -> usize {
        let Some(posted) = &mut self.posted else { return 0 };
        let Ok(taken) = posted.read(input) else {
            self.refuse_post(upper, out);
            return input.len();
        };
        if posted.is_whole() {
            self.take_post(upper, out);
        }
        taken
    }

    /// The body of a post is complete. What is said meanwhile is for the main stream.
    fn take_post(&mut self, upper: &mut dyn Upper, out: &mut Outbox) {
        let Some(mut posted) = self.posted.take() else { return };
        let answered = std::mem::take(&mut out.bytes);
        let outcome = self.take_payload(&mut posted, upper, out);
        let bytes = std::mem::replace(&mut out.bytes, answered);
        if !bytes.is_empty() {
            out.aside.push(Aside { lane: MAIN, bytes, then: Then::Stay });
        }
        let origins = &self.profile.origins;
        match outcome {
            Some(()) => posted.reply.write(origins, 200, &[("content-type", "text/html")], b"ok", out),
            None => {
                self.posted = Some(posted);
                self.refuse_post(upper, out);
            }
        }
    }

    /// Takes the packets of a post one after the other; `None` when one of them is none.
    fn take_payload(&mut self, posted: &mut Posted, upper: &mut dyn Upper, out: &mut Outbox) -> Option<()> {
        for packet in posted.packets()? {
            self.take_packet(&packet.ok()?, upper, out).ok()?;
            if self.is_over {
                break;
            }
        }
        Some(())
    }

    /// The client has broken its protocol in a post.
    fn refuse_post(&mut self, upper: &dyn Upper, out: &mut Outbox) {
        let Some(posted) = self.posted.take() else { return };
        let mut last = Vec::new();
        upper.take_leave(self, &mut last);
        self.end_after(last, out);
        let headers = [("content-type", "text/html")];
        posted.reply.closing().write(&self.profile.origins, 400, &headers, b"", out);
    }

    fn reply_to(&self, head: &Head<'_>) -> Reply {
        Reply::read(head, &self.profile.origins)
    }
}
