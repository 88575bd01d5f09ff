//! What somebody was told to ask again later: it does so with one thing after the other, as far apart as it was told to wait.

use std::collections::VecDeque;

use chat::{Command, RoomId, Tag};

use super::{Actor, tag_of};
use crate::ledger::Ledger;
use crate::world::World;

/// What was asked too soon, oldest first.
#[derive(Debug, Default)]
pub(super) struct Again {
    things: VecDeque<Thing>,
    due: Option<Due>,
}

#[derive(Debug)]
enum Thing {
    /// To go by its name.
    Name,
    /// To be let into a room.
    Room(RoomId),
    /// To post what it has posted under this tag.
    Post(Tag),
}

/// When the next thing is asked again, and how long after it another one.
#[derive(Clone, Copy, Debug)]
struct Due {
    at_ms: u64,
    pace_ms: u64,
}

impl Again {
    /// What was to be posted again is posted again anyway.
    pub(super) fn forget_posts(&mut self) {
        self.things.retain(|thing| !matches!(thing, Thing::Post(_)));
    }

    fn note(&mut self, thing: Thing, wait_ms: u64, now_ms: u64) {
        self.things.push_back(thing);
        let Due { at_ms, pace_ms } = self.due.unwrap_or(Due { at_ms: 0, pace_ms: 1 });
        self.due = Some(Due { at_ms: at_ms.max(now_ms + wait_ms), pace_ms: pace_ms.max(wait_ms) });
    }
}

impl Actor {
    /// When it asks for something again.
    pub fn again_ms(&self) -> Option<u64> {
        self.again.due.map(|due| due.at_ms)
    }

    /// Asks again for one thing that it has asked for too soon, if it is time.
    pub fn ask_again(&mut self, node: &mut World, ledger: &mut Ledger) {
        let now_ms = node.now().monotonic_ms;
        let Some(Due { pace_ms, .. }) = self.again.due.filter(|due| due.at_ms <= now_ms) else { return };
        self.again.due = None;
        if !self.is_connected() {
            return self.again.things.clear();
        }
        let Some(thing) = self.again.things.pop_front() else { return };
        self.again.due = Some(Due { at_ms: now_ms + pace_ms, pace_ms });
        match thing {
            Thing::Name if self.is_nameless && !self.awaits_name => self.identify(node, ledger),
            Thing::Room(room) if self.rooms.contains_key(&room) => self.enter(&room, node, ledger),
            Thing::Post(tag) => self.post_again(&tag, node, ledger),
            Thing::Name | Thing::Room(_) => {}
        }
    }

    fn post_again(&mut self, tag: &Tag, node: &mut World, ledger: &mut Ledger) {
        let is_meant = |command: &&Command| tag_of(command) == Some(tag);
        // Who gets its name posts everything again.
        let is_waiting = self.is_nameless || (self.is_patient && self.awaits_name);
        if let Some(command) = self.unanswered.iter().find(is_meant).filter(|_| !is_waiting).cloned() {
            self.ask(command, node, ledger);
        }
    }

    /// It has asked for something too soon, and is told when it may.
    pub(super) fn put_back(&mut self, tag: &Option<Tag>, wait_ms: u64, now_ms: u64) {
        let Some(tag) = tag else { return };
        let entering = self.link.iter().flat_map(|link| &link.entering);
        let room = { entering }.find(|(of, _)| of == tag).map(|(_, room)| room.clone());
        let thing = match room {
            _ if self.identifying.as_ref() == Some(tag) => Thing::Name,
            Some(room) => Thing::Room(room),
            None => Thing::Post(tag.clone()),
        };
        self.again.note(thing, wait_ms, now_ms);
    }
}
