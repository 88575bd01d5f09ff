//! Sessions of Engine.IO with nothing above it: what the client says is handed to the application, and nobody chats.

use core::net::IpAddr;
use std::rc::Rc;

use chat::{Event, Farewell};
use wire::engineio::{Packet, PacketType};
use wire::http::Head;

use super::Begin;
use super::engine::{Engine, GREETING_DUE, Upper};
use crate::{Lane, Outbox, Protocol, Spread, Variant, Violation};

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

/// The machine of one session.
pub(super) struct Bare {
    engine: Engine,
    above: Above,
}

/// What takes the messages, and where they come from.
struct Above(BareHandler, IpAddr);

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
    pub(super) fn new(engine: Engine, handler: BareHandler, address: IpAddr) -> Self {
        Self { engine, above: Above(handler, address) }
    }
}

impl Begin for Bare {
    fn engine(&mut self) -> &mut Engine {
        &mut self.engine
    }

    fn begin(&mut self, _: &mut Outbox) {}
}

impl Protocol for Bare {
    fn receive(&mut self, input: &mut [u8], out: &mut Outbox) -> Result<usize, Violation> {
        self.engine.greet(out);
        self.engine.receive_main(input, &mut self.above, out)
    }

    fn deliver(&mut self, _: &Event, _: &mut Outbox) {}

    fn form(&self) -> Option<Variant> {
        None
    }

    fn ping(&mut self, out: &mut Outbox) -> bool {
        self.engine.ping(out)
    }

    fn beats(&self) -> bool {
        self.engine.beats()
    }

    fn wake(&mut self, what_for: u32, out: &mut Outbox) {
        if what_for == GREETING_DUE {
            self.engine.greet(out);
        }
    }

    fn part(&mut self, farewell: Farewell, out: &mut Outbox) {
        self.engine.part(farewell, Vec::new(), out);
    }

    fn spread(&mut self) -> Option<&mut dyn Spread> {
        Some(self)
    }
}

impl Spread for Bare {
    fn attach(&mut self, head: &Head<'_>, out: &mut Outbox) -> Option<Lane> {
        self.engine.attach(head, out)
    }

    fn receive(&mut self, lane: Lane, input: &mut [u8], out: &mut Outbox) -> Result<usize, Violation> {
        self.engine.receive(lane, input, &mut self.above, out)
    }

    fn detach(&mut self, lane: Lane, out: &mut Outbox) {
        self.engine.detach(lane, out);
    }

    fn lingers(&self) -> bool {
        self.engine.lingers()
    }

    fn awaits(&self) -> bool {
        self.engine.awaits()
    }

    fn relay(&mut self, told: &[u8], out: &mut Outbox) {
        self.engine.relay(told, out);
    }
}

impl Upper for Above {
    fn take_text(&mut self, text: &str, engine: &Engine, out: &mut Outbox) -> Result<(), Violation> {
        (self.0)(&mut BareSocket { address: self.1, engine, out }, BareMessage::Text(text));
        Ok(())
    }

    fn take_binary(&mut self, bytes: &[u8], engine: &Engine, out: &mut Outbox) -> Result<(), Violation> {
        (self.0)(&mut BareSocket { address: self.1, engine, out }, BareMessage::Binary(bytes));
        Ok(())
    }
}
