//! Sessions of Engine.IO with nothing above it: what the client says is handed to the application, and nobody chats.

use core::net::IpAddr;
use std::rc::Rc;

use wire::engineio::{Packet, PacketType};

use super::engine::Engine;
use super::upper::Upper;
use crate::{Outbox, Violation};

/// Who is handed what clients say.
pub(super) type BareHandler = Rc<dyn Fn(&mut BareSocket<'_>, BareMessage<'_>)>;

/// One message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BareMessage<'a> {
    /// A text.
    Text(&'a str),
    /// Bytes.
    Binary(&'a [u8]),
}

/// The session that a handler is called for.
pub struct BareSocket<'a> {
    address: IpAddr,
    engine: &'a Engine,
    out: &'a mut Outbox,
}

/// What takes the messages of such a session.
pub(super) struct Bare {
    handler: BareHandler,
    /// Where its client is.
    address: IpAddr,
}

impl BareSocket<'_> {
    /// Where the client is, as far as is known.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// Says something to the client.
    pub fn send(&mut self, message: BareMessage<'_>) {
        let packet = match message {
            BareMessage::Text(text) => Packet::Text(PacketType::Message, text),
            BareMessage::Binary(bytes) => Packet::Binary(bytes.into()),
        };
        self.engine.write(&packet, &mut self.out.bytes);
    }
}

impl Bare {
    pub(super) fn new(handler: BareHandler, address: IpAddr) -> Self {
        Self { handler, address }
    }

    fn hand_over(&self, message: BareMessage<'_>, engine: &Engine, out: &mut Outbox) {
        (self.handler)(&mut BareSocket { address: self.address, engine, out }, message);
    }
}

impl Upper for Bare {
    fn take_text(&mut self, text: &str, engine: &Engine, out: &mut Outbox) -> Result<(), Violation> {
        self.hand_over(BareMessage::Text(text), engine, out);
        Ok(())
    }

    fn take_binary(&mut self, bytes: &[u8], engine: &Engine, out: &mut Outbox) -> Result<(), Violation> {
        self.hand_over(BareMessage::Binary(bytes), engine, out);
        Ok(())
    }
}
