//! One client as a session: its transports below, and above them what its messages are for.

use chat::{Answers, Event, Farewell, RoomId};
use wire::http::Head;

use super::engine::{Engine, GREETING_DUE};
use super::packed::Packed;
use super::upper::Upper;
use crate::{Lane, Outbox, Protocol, Spread, Strand, Variant, Violation};

pub(super) struct Session<U> {
    pub(super) engine: Engine,
    upper: U,
}

impl<U: Upper> Session<U> {
    pub(super) fn new(engine: Engine, upper: U) -> Self {
        Self { engine, upper }
    }

    /// Says what the client is told behind the open packet, before it has said anything.
    pub(super) fn begin(&mut self, out: &mut Outbox) {
        self.upper.begin(&self.engine, out);
    }

    /// Says what was put off when the session was opened.
    fn greet(&mut self, out: &mut Outbox) {
        if self.engine.greet(out) {
            self.begin(out);
        }
    }
}

impl<U: Upper> Protocol for Session<U> {
    fn receive(&mut self, input: &mut [u8], out: &mut Outbox) -> Result<usize, Violation> {
        self.greet(out);
        self.engine.receive_main(input, &mut self.upper, out)
    }

    fn deliver(&mut self, event: &Event, out: &mut Outbox) {
        self.upper.deliver(event, &self.engine, out);
    }

    fn form(&self) -> Option<Variant> {
        self.upper.form(&self.engine)
    }

    fn ping(&mut self, out: &mut Outbox) -> bool {
        self.engine.ping(out)
    }

    fn beats(&self) -> bool {
        self.engine.beats()
    }

    fn wake(&mut self, what_for: u32, out: &mut Outbox) {
        if what_for == GREETING_DUE {
            return self.greet(out);
        }
        if let Some(farewell) = self.upper.wake(what_for, &self.engine, out) {
            self.part(farewell, out);
        }
    }

    fn end(&mut self, out: &mut Outbox) {
        self.upper.end(&self.engine, out);
    }

    /// A client comes back by itself when only its transport ends, and stays away when its sockets were disconnected before.
    fn part(&mut self, farewell: Farewell, out: &mut Outbox) {
        let mut last = Vec::new();
        if !farewell.may_reconnect() {
            self.upper.take_leave(&self.engine, &mut last);
        }
        self.engine.part(farewell, last, out);
    }

    fn alias(&self, namespace: &str) -> Option<String> {
        self.upper.alias(namespace)
    }

    fn dismiss(&mut self, namespace: &str, out: &mut Outbox) {
        self.upper.dismiss(namespace, &self.engine, out);
    }

    fn strand_of(&self, room: &RoomId) -> Strand {
        self.upper.strand_of(room)
    }

    fn recovered(&mut self, strand: Strand, goes_on: bool, out: &mut Outbox) {
        self.upper.recovered(strand, goes_on, &self.engine, out);
    }

    fn answered(&mut self, number: u32, answers: &Answers, out: &mut Outbox) {
        self.upper.answered(number, answers, &self.engine, out);
    }

    fn pack(&self) -> Option<Vec<u8>> {
        let packed = Packed { carrier: self.engine.pack()?, sockets: self.upper.pack()? };
        serde_json::to_vec(&packed).ok()
    }

    fn spread(&mut self) -> Option<&mut dyn Spread> {
        Some(self)
    }
}

impl<U: Upper> Spread for Session<U> {
    fn attach(&mut self, head: &Head<'_>, out: &mut Outbox) -> Option<Lane> {
        self.engine.attach(head, out)
    }

    fn receive(&mut self, lane: Lane, input: &mut [u8], out: &mut Outbox) -> Result<usize, Violation> {
        self.engine.receive(lane, input, &mut self.upper, out)
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
