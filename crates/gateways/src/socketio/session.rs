//! One Socket.IO client as a session: its transports below, its sockets above.

use chat::{Event, Farewell, RoomId};
use wire::http::Head;

use super::Begin;
use super::engine::{Engine, GREETING_DUE, Upper};
use super::sockets::{CONNECTION_DUE, Sockets};
use crate::{Lane, Outbox, Protocol, Spread, Strand, Variant, Violation};

pub(super) struct Session {
    engine: Engine,
    sockets: Sockets,
}

impl Session {
    pub(super) fn new(engine: Engine, sockets: Sockets) -> Self {
        Self { engine, sockets }
    }

    /// Says what was put off when the session was opened.
    fn greet(&mut self, out: &mut Outbox) {
        if self.engine.greet(out) {
            self.begin(out);
        }
    }
}

impl Begin for Session {
    fn engine(&mut self) -> &mut Engine {
        &mut self.engine
    }

    fn begin(&mut self, out: &mut Outbox) {
        self.sockets.begin(&self.engine, out);
    }
}

impl Protocol for Session {
    fn receive(&mut self, input: &mut [u8], out: &mut Outbox) -> Result<usize, Violation> {
        self.greet(out);
        self.engine.receive_main(input, &mut self.sockets, out)
    }

    fn deliver(&mut self, event: &Event, out: &mut Outbox) {
        self.sockets.deliver(event, &self.engine, &mut out.bytes);
    }

    fn form(&self) -> Option<Variant> {
        Some(self.sockets.form(&self.engine).variant())
    }

    fn ping(&mut self, out: &mut Outbox) -> bool {
        self.engine.ping(out)
    }

    fn beats(&self) -> bool {
        self.engine.beats()
    }

    fn wake(&mut self, what_for: u32, out: &mut Outbox) {
        match what_for {
            GREETING_DUE => self.greet(out),
            // A client that has connected to no namespace by now is not waited for.
            CONNECTION_DUE if !self.sockets.has_been_connected() => self.part(Farewell::ProtocolError, out),
            id => self.sockets.give_up(id, &self.engine, out),
        }
    }

    fn end(&mut self, out: &mut Outbox) {
        self.sockets.end(&self.engine, out);
    }

    /// A client comes back by itself when only its transport ends, and stays away when its sockets were disconnected before.
    fn part(&mut self, farewell: Farewell, out: &mut Outbox) {
        let mut last = Vec::new();
        if !farewell.may_reconnect() {
            self.sockets.take_leave(&self.engine, &mut last);
        }
        self.engine.part(farewell, last, out);
    }

    fn alias(&self, namespace: &str) -> Option<String> {
        self.sockets.alias(namespace)
    }

    fn dismiss(&mut self, namespace: &str, out: &mut Outbox) {
        self.sockets.dismiss(namespace, &self.engine, out);
    }

    fn strand_of(&self, room: &RoomId) -> Strand {
        self.sockets.strand_of(room)
    }

    fn recovered(&mut self, strand: Strand, goes_on: bool, out: &mut Outbox) {
        self.sockets.recovered(strand, goes_on, &self.engine, out);
    }

    fn spread(&mut self) -> Option<&mut dyn Spread> {
        Some(self)
    }
}

impl Spread for Session {
    fn attach(&mut self, head: &Head<'_>, out: &mut Outbox) -> Option<Lane> {
        self.engine.attach(head, out)
    }

    fn receive(&mut self, lane: Lane, input: &mut [u8], out: &mut Outbox) -> Result<usize, Violation> {
        self.engine.receive(lane, input, &mut self.sockets, out)
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
