//! The transports of one session: a WebSocket, or polls and posts until there is one. Carries messages and knows nothing of what they say
//! (Engine.IO 4 and 3).
//!
//! While the session polls, what it is told is kept by the caller as the packets of a payload; once it has a WebSocket, each packet is a message.

mod polls;
mod websocket;

use chat::Farewell;
use wire::engineio::{Packet, PacketType, Revision};
use wire::http::Head;
use wire::websocket::write_close;

use super::call::{Asked, Transport, Unfit};
use super::form::{Carrier, write_frames};
use super::packed::PackedCarrier;
use super::poll::{Poll, kept_packets};
use super::posted::Posted;
use super::profile::SharedProfile;
use super::upper::Upper;
use crate::websocket::{PLAIN, SharedCodec, Socket};
use crate::{Lane, Outbox, Then, Violation, Wake};

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
        let transport = Transport::WebSocket;
        let asked = Asked { revision, transport, text_only, jsonp: None, session: None };
        Self::new(&asked, profile, Some(socket))
    }

    /// How it is carried, when it has a WebSocket and nothing else, and nothing is half said.
    pub(super) fn pack(&self) -> Option<PackedCarrier> {
        let is_alone =
            self.poll.is_none() && self.posted.is_none() && self.greeting.is_none() && !self.is_over;
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

    /// Hands what was kept to the poll, or to the WebSocket that has taken its place.
    pub(super) fn relay(&mut self, kept: &[u8], out: &mut Outbox) {
        if self.transport == Transport::Polling {
            return self.answer_poll(kept, out);
        }
        for packet in kept_packets(self.revision, kept) {
            write_frames(self.revision, self.text_only, &packet, &mut out.bytes);
        }
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
            (Packet::Text(PacketType::Ping | PacketType::Pong, _), _) => {
                Err(broken("a heartbeat in the wrong direction"))
            }
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
}

fn broken(detail: &'static str) -> Violation {
    Violation { farewell: Farewell::BadMessage, detail }
}
