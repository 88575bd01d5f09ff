//! What stands above the transports of a session: sockets of Socket.IO, or an application that is handed the messages as they are.

use chat::{Answers, Event, Farewell, RoomId};

use super::engine::Engine;
use super::packed::PackedSockets;
use crate::{Outbox, Strand, Variant, Violation};

/// What takes the messages of a session, and writes what it says to them to the first outbox. What it does not know of it passes over.
pub(super) trait Upper {
    fn take_text(&mut self, text: &str, engine: &Engine, out: &mut Outbox) -> Result<(), Violation>;
    fn take_binary(&mut self, bytes: &[u8], engine: &Engine, out: &mut Outbox) -> Result<(), Violation>;

    /// Says what the client is told behind the open packet, before it has said anything.
    fn begin(&mut self, engine: &Engine, out: &mut Outbox) {
        let _ = (engine, out);
    }

    /// Says what is told to this session alone. May ask for more, now that it is told.
    fn deliver(&mut self, event: &Event, engine: &Engine, out: &mut Outbox) {
        let _ = (event, engine, out);
    }

    /// The format in which the session takes what is told to rooms.
    fn form(&self, engine: &Engine) -> Option<Variant> {
        let _ = engine;
        None
    }

    /// The time has come that it asked for. Says whether its client is to be parted with.
    fn wake(&mut self, what_for: u32, engine: &Engine, out: &mut Outbox) -> Option<Farewell> {
        let _ = (what_for, engine, out);
        None
    }

    /// The session is over.
    fn end(&mut self, engine: &Engine, out: &mut Outbox) {
        let _ = (engine, out);
    }

    /// Appends what is said to a client that is not wanted back, as the session takes it.
    fn take_leave(&self, engine: &Engine, out: &mut Vec<u8>) {
        let _ = (engine, out);
    }

    /// What another node has to know of it; `None`: it cannot go there, or not now.
    fn pack(&self) -> Option<PackedSockets> {
        None
    }

    fn alias(&self, namespace: &str) -> Option<String> {
        let _ = namespace;
        None
    }

    fn dismiss(&mut self, namespace: &str, engine: &Engine, out: &mut Outbox) {
        let _ = (namespace, engine, out);
    }

    fn strand_of(&self, room: &RoomId) -> Strand {
        let _ = room;
        0
    }

    fn answered(&mut self, number: u32, answers: &Answers, engine: &Engine, out: &mut Outbox) {
        let _ = (number, answers, engine, out);
        unreachable!("who asks is answered");
    }

    fn recovered(&mut self, strand: Strand, goes_on: bool, engine: &Engine, out: &mut Outbox) {
        let _ = (strand, goes_on, engine, out);
        unreachable!("who wants to go on is told whether it does");
    }
}
