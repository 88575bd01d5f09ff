//! Following rooms: listened to first, then attended, so that nothing falls between; shown in the order of offsets, whatever order it comes in.
//!
//! What is published while a room is not followed is not kept, but for the time of an attend that may have missed it: the log has it.

mod listening;
mod presence;
mod showing;

use bytes::Bytes;
use chat::{Here, Lineage, Position, Refusal, RoomId};

use super::local::{Local, OUTAGE_MS};
use super::requests::Awaited;
use super::{Machine, Outcome};
use crate::redis::broker::{Attend, Attended, Channel, Request};
use crate::{Arrival, NodeId};

/// So many rooms are attended to at once; the others wait.
const ATTENDING_MAX: usize = 2_048;
/// So many rooms that could not be forsaken are forsaken again at once.
const LEAVES_AT_ONCE: usize = 1_024;

/// A room that one of the node's shards attends to.
#[derive(Debug)]
pub(super) struct Room {
    pub(super) shard: u16,
    /// When the shard asked for it.
    since_ms: u64,
    stage: Stage,
    /// The newest message the shard was shown; `None`: it has not been told yet how the room stands.
    pub(super) shown: Option<Position>,
    pub(super) lineage: Lineage,
    /// Who is here, as the shard said last.
    here: Option<Here>,
    /// The others may not know who is here although the broker does.
    is_here_due: bool,
    /// The other nodes where somebody is, as far as the shard was told.
    elsewhere: Vec<NodeId>,
    ahead: Ahead,
    /// What is said among ourselves while there is no broker.
    pub(super) local: Option<Box<Local>>,
    /// The shard was told that the room cannot be attended to for now.
    pub(super) is_shut: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nothing is heard of it.
    Deaf,
    /// The listener was asked for it, by the request of that number.
    Listening(u64),
    /// It is heard, and waits for its turn to be attended to.
    Heard,
    /// The broker was asked how it stands, by the request of that number.
    Attending(u64),
    /// Every message has been shown up to the newest one shown.
    Following,
}

/// What was published while the broker was asked how the room stands: some before it answered, and some after.
#[derive(Debug, Default)]
struct Ahead {
    entries: Vec<(Position, Bytes)>,
    /// There were more.
    missed: bool,
    here: Vec<(NodeId, Option<Here>)>,
}

impl Room {
    fn new(shard: u16, since_ms: u64) -> Self {
        Self {
            shard,
            since_ms,
            stage: Stage::Deaf,
            shown: None,
            lineage: Lineage::default(),
            here: None,
            is_here_due: false,
            elsewhere: Vec::new(),
            ahead: Ahead::default(),
            local: None,
            is_shut: false,
        }
    }

    /// The newest message known from the broker.
    pub(super) fn known(&self) -> Option<Position> {
        self.local.as_ref().map_or(self.shown, |local| local.before())
    }
}

impl Machine {
    pub(super) fn attend(&mut self, shard: u16, id: RoomId, out: &mut Outcome) {
        self.leaving.remove(&id);
        if let Some(room) = self.rooms.get_mut(&id) {
            // Asked again: the shard wants to be told everything once more.
            room.shard = shard;
            room.since_ms = self.now_ms;
            room.is_shut = false;
            if room.local.is_none() {
                room.shown = None;
            }
            self.attend_again(&id, out);
            return if self.is_outage {
                self.shut_or_open(&id, out)
            };
        }
        let now_ms = self.now_ms;
        self.rooms.get_or_insert_with(&id, || Room::new(shard, now_ms));
        if self.listener.is_up() {
            self.listen(vec![id.clone()], out);
        }
        if self.is_outage {
            self.shut_or_open(&id, out);
        }
    }

    pub(super) fn forsake(&mut self, id: RoomId, out: &mut Outcome) {
        let Some(room) = self.rooms.remove(&id) else { return };
        if room.stage != Stage::Deaf {
            self.request(Request::Unlisten(vec![Channel::Room(id.clone())]), None, out);
        }
        if self.commands.is_up() {
            self.leave(id, self.node, out);
        } else {
            self.leaving.insert(id);
        }
    }

    pub(super) fn leave(&mut self, room: RoomId, node: NodeId, out: &mut Outcome) {
        let awaited = Awaited::Forsake(room.clone(), node);
        self.request(Request::Forsake { room, node }, Some(awaited), out);
    }

    /// The broker may not know who is here: it is told when the room is attended to once more.
    pub(super) fn not_told(&mut self, id: RoomId) {
        if let Some(room) = self.rooms.get_mut(&id).filter(|room| room.stage == Stage::Following) {
            room.stage = Stage::Heard;
            self.to_attend.push_back(id);
        }
    }

    /// Tells the shards of rooms that nobody could say anything about for a while.
    pub(super) fn shut_unserved(&mut self, out: &mut Outcome) {
        for id in std::mem::take(&mut self.unserved) {
            let has_waited =
                |room: &Room| self.now_ms >= room.since_ms + OUTAGE_MS && room.stage != Stage::Following;
            if self.rooms.get(&id).is_some_and(has_waited) {
                self.shut(&id, out);
            }
        }
    }

    /// Forsakes rooms that could not be forsaken.
    pub(super) fn leave_again(&mut self, out: &mut Outcome) {
        for _ in 0..LEAVES_AT_ONCE {
            let Some(room) = self.leaving.pop_first() else { return };
            self.leave(room, self.node, out);
        }
    }

    /// Asks the broker how a room stands, unless it is about to.
    pub(super) fn attend_again(&mut self, id: &RoomId, out: &mut Outcome) {
        let Some(room) = self.rooms.get_mut(id) else { return };
        if matches!(room.stage, Stage::Following | Stage::Attending(_)) {
            room.stage = Stage::Heard;
            room.ahead = Ahead::default();
            self.to_attend.push_back(id.clone());
            self.attend_more(out);
        }
    }

    /// The broker took this node for dead, and so did all others: who is here is said again, and how the rooms stand is asked again.
    pub(super) fn rise(&mut self, out: &mut Outcome) {
        for id in self.rooms_in_order() {
            if let Some(room) = self.rooms.get_mut(&id) {
                room.is_here_due = true;
            }
            self.say_here(&id, out);
            self.attend_again(&id, out);
        }
    }

    pub(super) fn attend_more(&mut self, out: &mut Outcome) {
        while self.commands.is_up() && self.attending < ATTENDING_MAX {
            let Some(id) = self.to_attend.pop_front() else { return };
            let number = self.next_request;
            let fresh = self.epochs.fresh();
            let Some(room) = self.rooms.get_mut(&id).filter(|room| room.stage == Stage::Heard) else {
                continue;
            };
            room.stage = Stage::Attending(number);
            // Who was shown something else meanwhile is told anew how the room stands, with all that is kept.
            let since = room.shown.filter(|_| room.local.is_none());
            let attend = Attend { room: id.clone(), since, here: room.here.clone(), fresh };
            self.attending += 1;
            self.request(Request::Attend(attend), Some(Awaited::Attend(id)), out);
        }
    }

    /// The broker did not say how a room stands; it is asked again when the next tick comes.
    pub(super) fn not_attended(&mut self, number: u64, id: RoomId) {
        if let Some(room) = self.rooms.get_mut(&id).filter(|room| room.stage == Stage::Attending(number)) {
            room.stage = Stage::Heard;
            room.ahead = Ahead::default();
            self.unserved.push(id.clone());
            self.to_attend.push_back(id);
        }
    }

    pub(super) fn attended(&mut self, number: u64, id: RoomId, attended: Attended, out: &mut Outcome) {
        let Some(room) = self.rooms.get_mut(&id).filter(|room| room.stage == Stage::Attending(number)) else {
            return;
        };
        room.stage = Stage::Following;
        let ahead = std::mem::take(&mut room.ahead);
        let Attended { head, lineage, log, here } = attended;
        self.place_own(head.epoch, &log, out);
        self.meet(&id, head.epoch, here, out);
        self.catch_up(&id, head, lineage, log, out);
        for (node, here) in ahead.here {
            self.met(&id, node, here, out);
        }
        for (at, entry) in ahead.entries {
            self.posted(&id, at, entry, out);
        }
        if self.rooms.get(&id).is_some_and(|room| room.is_here_due) {
            self.say_here(&id, out);
        }
        if ahead.missed {
            self.attend_again(&id, out);
        }
    }

    /// Tells the shard, once, that there is no broker to say how the room stands.
    pub(super) fn shut(&mut self, id: &RoomId, out: &mut Outcome) {
        let Some(room) = self.rooms.get_mut(id).filter(|room| room.shown.is_none() && !room.is_shut) else {
            return;
        };
        room.is_shut = true;
        out.arrivals.push((room.shard, Arrival::Shut { room: id.clone(), refusal: Refusal::Unavailable }));
    }

    /// The same order in every run.
    pub(super) fn rooms_in_order(&self) -> Vec<RoomId> {
        let mut rooms: Vec<_> = self.rooms.rooms().cloned().collect();
        rooms.sort_unstable();
        rooms
    }
}
