//! The transports of one session: a WebSocket, or polls and posts until there is one. Carries messages and knows nothing of what they say
//! (Engine.IO 4 and 3).
//!
//! While the session polls, what it is told is kept by the caller as the packets of a payload; once it has a WebSocket, each packet is a message.

use chat::Farewell;
use wire::engineio::{Packet, PacketType, Revision};
use wire::http::{Body, CONTINUE, Head};
use wire::websocket::{Kind, Opcode, write_close, write_frame};

use super::call::{Asked, Transport, Unfit};
use super::form::Carrier;
use super::packed::PackedCarrier;
use super::poll::{Poll, kept_packets, write_kept};
use super::posted::Posted;
use super::profile::SharedProfile;
use super::reply::Reply;
use super::upper::Upper;
use crate::websocket::{PLAIN, SharedCodec, Socket};
use crate::{Aside, Call, Lane, MAIN, Outbox, Then, Violation, Wake};

/// The lane of a poll that waits for something to say.
const POLL: Lane = 1;
/// The lane of a post.
const POSTED: Lane = 2;
/// The lane of a WebSocket that may become the main stream.
const PROBE: Lane = 3;

/// RFC 6455 §7.4.1.
const NORMAL_CLOSURE: u16 = 1000;

/// The session is woken to say what was put off.
pub(super) const GREETING_DUE: u32 = u32::MAX - 1;

/// Long enough that a client which has much to do has read the answer to its request by then.
const GREETING_AFTER_MS: u32 = 20;

const PROBE_WORD: &str = "probe";

/// What carries one session.
pub(super) struct Engine {
    revision: Revision,
    text_only: bool,
    transport: Transport,
    is_over: bool,
    profile: SharedProfile,
    /// The main stream's, or that of the probe.
    socket: Option<Socket>,
    /// The probe was answered: polls come back empty until the client has moved.
    is_moving: bool,
    poll: Option<Poll>,
    posted: Option<Box<Posted>>,
    /// What is said first, as long as it is put off.
    greeting: Option<Box<[u8]>>,
}

impl Engine {
    /// `socket`: that of the stream which opens the session, if it is a WebSocket.
    pub(super) fn new(asked: &Asked, profile: SharedProfile, socket: Option<Socket>) -> Self {
        Self {
            revision: asked.revision,
            text_only: asked.text_only,
            transport: asked.transport,
            is_over: false,
            profile,
            socket,
            is_moving: false,
            poll: None,
            posted: None,
            greeting: None,
        }
    }

    /// One that goes on over a WebSocket.
    pub(super) fn going_on(
        revision: Revision,
        text_only: bool,
        profile: SharedProfile,
        socket: Socket,
    ) -> Self {
        Self {
            revision,
            text_only,
            transport: Transport::WebSocket,
            is_over: false,
            profile,
            socket: Some(socket),
            is_moving: false,
            poll: None,
            posted: None,
            greeting: None,
        }
    }

    /// How it is carried, when it has a WebSocket and nothing else, and nothing is half said.
    pub(super) fn pack(&self) -> Option<PackedCarrier> {
        let is_alone = self.poll.is_none() && self.posted.is_none() && self.greeting.is_none() && !self.is_over;
        let socket = self.socket.as_ref().filter(|socket| is_alone && socket.is_idle())?;
        (self.transport == Transport::WebSocket).then(|| PackedCarrier {
            is_third: self.revision == Revision::V3,
            text_only: self.text_only,
            deflate: socket.variant(),
        })
    }

    pub(super) fn revision(&self) -> Revision {
        self.revision
    }

    pub(super) fn codec(&self) -> &SharedCodec {
        &self.profile.codec
    }

    /// How the session takes packets now.
    pub(super) fn carrier(&self) -> Carrier {
        let is_polling = self.transport == Transport::Polling;
        let deflate = self.socket.as_ref().filter(|_| !is_polling).map_or(PLAIN, Socket::variant);
        Carrier { revision: self.revision, is_polling, text_only: self.text_only, deflate }
    }

    /// Answers the poll that opens the session.
    pub(super) fn answer_handshake(
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

    /// Takes leave in the words of the transport, after last packets that were written as the session takes them.
    pub(super) fn part(&mut self, farewell: Farewell, last: Vec<u8>, out: &mut Outbox) {
        if self.transport == Transport::Polling {
            return self.end_after(last, out);
        }
        self.end(out);
        out.bytes.extend_from_slice(&last);
        Socket::part(farewell, out);
    }

    /// Keeps the first packets for a moment.
    pub(super) fn put_off(&mut self, greeting: Vec<u8>, out: &mut Outbox) {
        self.greeting = Some(greeting.into());
        out.wakes.push(Wake { after_ms: GREETING_AFTER_MS, what_for: GREETING_DUE });
    }

    /// Says what was put off. Says whether there was anything.
    pub(super) fn greet(&mut self, out: &mut Outbox) -> bool {
        let greeting = self.greeting.take();
        out.bytes.extend_from_slice(greeting.as_deref().unwrap_or_default());
        greeting.is_some()
    }

    /// Writes a sign of life, which must be answered (revision 4, "Heartbeat").
    pub(super) fn ping(&self, out: &mut Outbox) -> bool {
        let must_answer = !self.beats();
        if must_answer {
            self.write(&Packet::Text(PacketType::Ping, ""), &mut out.bytes);
        }
        must_answer
    }

    /// Clients of revision 3 ping by themselves.
    pub(super) fn beats(&self) -> bool {
        self.revision == Revision::V3
    }

    /// Whether the session goes on between two polls. When it is over, the caller is told so by the outbox.
    pub(super) fn lingers(&self) -> bool {
        self.transport == Transport::Polling
    }

    /// Whether a poll waits. While the client moves, what there is waits for the WebSocket.
    pub(super) fn awaits(&self) -> bool {
        self.poll.is_some() && !self.is_moving
    }

    /// Writes a packet as the session takes it now: a message of the WebSocket, or one of the packets that are kept for a poll.
    pub(super) fn write(&self, packet: &Packet<'_>, out: &mut Vec<u8>) {
        self.carrier().write(packet, out);
    }

    /// A request of a session that is there already. Says in which lane its stream stays.
    pub(super) fn attach(&mut self, head: &Head<'_>, out: &mut Outbox) -> Option<Lane> {
        let asked = match Asked::read(head) {
            Ok(asked) => asked,
            Err(unfit) => return self.refuse(unfit, head, out),
        };
        if asked.transport == Transport::WebSocket && self.socket.is_some() {
            return self.turn_away(head, out);
        }
        if asked.revision != self.revision || self.transport == Transport::WebSocket {
            return self.refuse(Unfit::BadRequest, head, out);
        }
        match (asked.transport, head.method) {
            (Transport::WebSocket, _) => self.attach_probe(head, out),
            (Transport::Polling, "GET") => self.attach_poll(&asked, head, out),
            (Transport::Polling, "POST") => self.attach_post(&asked, head, out),
            _ => self.refuse(Unfit::BadRequest, head, out),
        }
    }

    fn refuse(&self, unfit: Unfit, head: &Head<'_>, out: &mut Outbox) -> Option<Lane> {
        unfit.answer(head, &self.profile.origins, out);
        None
    }

    fn reply_to(&self, head: &Head<'_>) -> Reply {
        Reply::read(head, &self.profile.origins)
    }

    fn attach_probe(&mut self, head: &Head<'_>, out: &mut Outbox) -> Option<Lane> {
        self.socket = Some(Socket::open(head, None, &self.profile.codec, out)?);
        Some(PROBE)
    }

    /// A WebSocket that the session has no use for is opened, and closed: so clients know that it was understood.
    fn turn_away(&self, head: &Head<'_>, out: &mut Outbox) -> Option<Lane> {
        Socket::open(head, None, &self.profile.codec, out)?;
        write_close(&mut out.bytes, NORMAL_CLOSURE, "");
        out.then = Then::Close;
        None
    }

    fn attach_poll(&mut self, asked: &Asked, head: &Head<'_>, out: &mut Outbox) -> Option<Lane> {
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

    fn attach_post(&mut self, asked: &Asked, head: &Head<'_>, out: &mut Outbox) -> Option<Lane> {
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

    /// Hands what was kept to the poll, or to the WebSocket that has taken its place.
    pub(super) fn relay(&mut self, kept: &[u8], out: &mut Outbox) {
        if self.transport == Transport::Polling {
            return self.answer_poll(kept, out);
        }
        for packet in kept_packets(self.revision, kept) {
            write_frames(self.revision, self.text_only, &packet, &mut out.bytes);
        }
    }

    /// Answers the poll that waits with packets, on a stream aside.
    fn answer_poll(&mut self, kept: &[u8], out: &mut Outbox) {
        let Some(poll) = self.poll.take() else { return };
        let mut written = Outbox::default();
        poll.answer(self.revision, kept, &self.profile, &mut written);
        out.aside.push(Aside { lane: POLL, bytes: written.bytes, then: written.then });
    }

    /// Bytes on a lane besides the main one.
    pub(super) fn receive(
        &mut self,
        lane: Lane,
        input: &mut [u8],
        upper: &mut dyn Upper,
        out: &mut Outbox,
    ) -> Result<usize, Violation> {
        match lane {
            POSTED => Ok(self.receive_post(input, upper, out)),
            PROBE => self.receive_probe(input, upper, out),
            // What is sent behind a poll is looked at when that is answered.
            _ => Ok(0),
        }
    }

    fn receive_post(&mut self, input: &[u8], upper: &mut dyn Upper, out: &mut Outbox) -> usize {
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

    /// What comes over a WebSocket that is to become the main stream: the probe, then the move, and what is said right behind it.
    fn receive_probe(
        &mut self,
        input: &mut [u8],
        upper: &mut dyn Upper,
        out: &mut Outbox,
    ) -> Result<usize, Violation> {
        let Some(mut socket) = self.socket.take() else { return Ok(input.len()) };
        let (revision, mut is_unfit) = (self.revision, false);
        let taken = socket.receive(input, out, |kind, payload, out| {
            if self.transport == Transport::WebSocket {
                return self.take_message(kind, payload, upper, out);
            }
            let text = if kind == Kind::Text { std::str::from_utf8(payload).unwrap_or("") } else { "" };
            match Packet::read_text(text, revision) {
                Ok(Packet::Text(PacketType::Ping, PROBE_WORD)) => {
                    write_frames(revision, true, &Packet::Text(PacketType::Pong, PROBE_WORD), &mut out.bytes);
                    self.is_moving = true;
                }
                Ok(Packet::Text(PacketType::Upgrade, _)) if self.is_moving && !is_unfit => {
                    (self.transport, self.is_moving) = (Transport::WebSocket, false);
                }
                _ => is_unfit = true,
            }
            Ok(())
        });
        let has_moved = self.transport == Transport::WebSocket;
        if !has_moved && (is_unfit || taken.is_err()) {
            self.is_moving = false;
            Socket::part(Farewell::ProtocolError, out);
            return Ok(input.len());
        }
        self.socket = Some(socket);
        if self.is_moving {
            self.answer_poll_with(Vec::new(), PacketType::Noop, out);
        }
        if has_moved {
            out.lead = Some(PROBE);
        }
        taken
    }

    /// Bytes on the main stream.
    pub(super) fn receive_main(
        &mut self,
        input: &mut [u8],
        upper: &mut dyn Upper,
        out: &mut Outbox,
    ) -> Result<usize, Violation> {
        let Some(mut socket) = self.socket.take() else { return Ok(input.len()) };
        let taken =
            socket.receive(input, out, |kind, payload, out| self.take_message(kind, payload, upper, out));
        self.socket = Some(socket);
        taken
    }

    /// A message of the WebSocket, which is one packet.
    fn take_message(
        &mut self,
        kind: Kind,
        payload: &[u8],
        upper: &mut dyn Upper,
        out: &mut Outbox,
    ) -> Result<(), Violation> {
        let packet = match kind {
            Kind::Binary => Packet::read_binary(payload, self.revision),
            _ => Packet::read_text(std::str::from_utf8(payload).unwrap_or(""), self.revision),
        };
        self.take_packet(&packet.map_err(|fault| broken(fault.explanation()))?, upper, out)
    }

    fn take_packet(
        &mut self,
        packet: &Packet<'_>,
        upper: &mut dyn Upper,
        out: &mut Outbox,
    ) -> Result<(), Violation> {
        match (packet, self.revision) {
            (Packet::Binary(bytes), _) => upper.take_binary(bytes, self, out),
            (Packet::Text(PacketType::Message, text), _) => upper.take_text(text, self, out),
            (Packet::Text(PacketType::Ping, data), Revision::V3) => {
                self.write(&Packet::Text(PacketType::Pong, data), &mut out.bytes);
                Ok(())
            }
            (Packet::Text(PacketType::Pong, _), Revision::V4) => Ok(()),
            (Packet::Text(PacketType::Ping | PacketType::Pong, _), _) => Err(broken("a heartbeat in the wrong direction")),
            (Packet::Text(PacketType::Close, _), _) => {
                // Who closes needs not be told so.
                self.answer_poll_with(Vec::new(), PacketType::Noop, out);
                self.end(out);
                if self.transport == Transport::WebSocket {
                    write_close(&mut out.bytes, NORMAL_CLOSURE, "");
                    out.then = Then::Close;
                }
                Ok(())
            }
            (Packet::Text(PacketType::Open | PacketType::Upgrade | PacketType::Noop, _), _) => Ok(()),
        }
    }

    /// A stream is gone. A request that is cut before its answer ends the session: the client cannot know what it has missed.
    pub(super) fn detach(&mut self, lane: Lane, out: &mut Outbox) {
        match lane {
            PROBE => (self.socket, self.is_moving) = (None, false),
            _ => (self.poll, self.posted) = (None, None),
        }
        if lane != PROBE {
            self.end(out);
        }
    }

    /// The session is over: a poll that waits is told so.
    pub(super) fn end(&mut self, out: &mut Outbox) {
        self.end_after(Vec::new(), out);
    }

    /// Stock clients hear a close packet before what came ahead of it, and would take the session for lost: last packets stand alone.
    fn end_after(&mut self, last: Vec<u8>, out: &mut Outbox) {
        (self.is_over, out.is_over) = (true, true);
        match last.is_empty() {
            true => self.answer_poll_with(last, PacketType::Close, out),
            false => self.answer_poll(&last, out),
        }
    }

    /// Answers the poll that waits, if one does: packets that were written for it, and one that has no text.
    fn answer_poll_with(&mut self, mut kept: Vec<u8>, packet_type: PacketType, out: &mut Outbox) {
        if self.poll.is_some() {
            write_kept(self.revision, &Packet::Text(packet_type, ""), &mut kept);
            self.answer_poll(&kept, out);
        }
    }
}

/// Appends a packet as one message of a WebSocket.
pub(super) fn write_frames(revision: Revision, text_only: bool, packet: &Packet<'_>, out: &mut Vec<u8>) {
    let mut payload = Vec::new();
    let opcode = match packet.write_message(revision, !text_only, &mut payload) {
        Kind::Binary => Opcode::Binary,
        _ => Opcode::Text,
    };
    write_frame(out, opcode, &payload);
}

fn broken(detail: &'static str) -> Violation {
    Violation { farewell: Farewell::BadMessage, detail }
}
