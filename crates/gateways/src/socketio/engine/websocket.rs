//! The WebSocket of a session: one that opens it, or takes it over from polls and posts (Engine.IO 4, "Upgrade").

use chat::Farewell;
use wire::engineio::{Packet, PacketType};
use wire::http::Head;
use wire::websocket::{Kind, write_close};

use super::{Engine, NORMAL_CLOSURE, PROBE, broken};
use crate::socketio::call::Transport;
use crate::socketio::form::write_frames;
use crate::socketio::upper::Upper;
use crate::websocket::Socket;
use crate::{Lane, Outbox, Then, Violation};

const PROBE_WORD: &str = "probe";

impl Engine {
    pub(super) fn attach_probe(&mut self, head: &Head<'_>, out: &mut Outbox) -> Option<Lane> {
        self.socket = Some(Socket::open(head, None, &self.profile.codec, out)?);
        Some(PROBE)
    }

    /// A WebSocket that the session has no use for is opened, and closed: so clients know that it was understood.
    pub(super) fn turn_away(&self, head: &Head<'_>, out: &mut Outbox) -> Option<Lane> {
        Socket::open(head, None, &self.profile.codec, out)?;
        write_close(&mut out.bytes, NORMAL_CLOSURE, "");
        out.then = Then::Close;
        None
    }

    /// What comes over a WebSocket that is to become the main stream: the probe, then the move, and what is said right behind it.
    pub(super) fn receive_probe(
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
    pub(in crate::socketio) fn receive_main(
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
}
