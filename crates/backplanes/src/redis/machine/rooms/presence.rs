//! Who is in rooms: the others are told who is here, and shards who is on other nodes.

use chat::{Epoch, Here, RoomId};

use super::{Room, Stage};
use crate::redis::broker::Request;
use crate::redis::machine::nodes::SPARED_MS;
use crate::redis::machine::requests::Awaited;
use crate::redis::machine::{Machine, Outcome};
use crate::{Arrival, NodeId};

impl Machine {
    /// Notes who is here. A room that is still to be attended to takes it along.
    pub(in crate::redis::machine) fn note_here(&mut self, id: RoomId, here: Here, out: &mut Outcome) {
        let Some(room) = self.rooms.get_mut(&id) else { return };
        room.here = Some(here.clone());
        room.is_here_due |= room.stage == Stage::Following;
        if self.commands.is_up() && matches!(room.stage, Stage::Attending(_) | Stage::Following) {
            room.is_here_due = false;
            self.request(Request::Here { room: id.clone(), here }, Some(Awaited::Here(id)), out);
        }
    }

    /// Says once more who is here, where that is known.
    pub(super) fn say_here(&mut self, id: &RoomId, out: &mut Outcome) {
        if let Some(here) = self.rooms.get(id).and_then(|room| room.here.clone()) {
            self.note_here(id.clone(), here, out);
        }
    }

    /// Says who is here in the rooms where that has changed while the broker could not be told.
    pub(in crate::redis::machine) fn say_all_due(&mut self, out: &mut Outcome) {
        let is_due = |room: &Room| room.is_here_due && room.stage == Stage::Following;
        let rooms = self.rooms.rooms().filter(|id| self.rooms.get(id).is_some_and(is_due));
        let mut rooms: Vec<_> = rooms.cloned().collect();
        rooms.sort_unstable();
        rooms.iter().for_each(|id| self.say_here(id, out));
    }

    /// Who is in a room on another node was published.
    pub(in crate::redis::machine) fn told_here(
        &mut self,
        id: &RoomId,
        node: NodeId,
        here: Option<Here>,
        out: &mut Outcome,
    ) {
        let Some(room) = self.rooms.get_mut(id) else { return };
        match room.stage {
            // Somebody cleans up after this node, which has been taken for dead and is not. Who does goes on until nothing of it is left.
            _ if node == self.node && here.is_none() => {
                self.doubts.push_back((self.now_ms + SPARED_MS, id.clone()));
            }
            _ if node == self.node => {}
            Stage::Attending(_) => {
                room.ahead.here.retain(|(other, _)| *other != node);
                room.ahead.here.push((node, here));
            }
            Stage::Following => self.met(id, node, here, out),
            Stage::Deaf | Stage::Listening(_) | Stage::Heard => {}
        }
    }

    /// Who is there on the other nodes, says the broker. One that has lost its memory does not know yet of nodes that are alive.
    pub(super) fn meet(&mut self, id: &RoomId, epoch: Epoch, here: Vec<(NodeId, Here)>, out: &mut Outcome) {
        let Some(room) = self.rooms.get_mut(id) else { return };
        let has_forgotten = room.known().is_some_and(|known| known.epoch != epoch);
        let absent =
            room.elsewhere.iter().copied().filter(|node| here.iter().all(|(other, _)| other != node));
        let (doubtful, gone): (Vec<_>, Vec<_>) =
            absent.partition(|node| has_forgotten && self.nodes.is_alive(*node));
        if !doubtful.is_empty() {
            self.doubts.push_back((self.now_ms + SPARED_MS, id.clone()));
        }
        let gone = gone.into_iter().map(|node| (node, None));
        let changes = gone.chain(here.into_iter().map(|(node, here)| (node, Some(here))));
        for (node, here) in changes.collect::<Vec<_>>() {
            self.met(id, node, here, out);
        }
    }

    pub(super) fn met(&mut self, id: &RoomId, node: NodeId, here: Option<Here>, out: &mut Outcome) {
        let Some(room) = self.rooms.get_mut(id) else { return };
        let here = here.filter(|here| here.sessions > 0);
        let was_there = room.elsewhere.contains(&node);
        room.elsewhere.retain(|other| *other != node);
        if here.is_some() {
            room.elsewhere.push(node);
        }
        if here.is_some() || was_there {
            out.arrivals.push((room.shard, Arrival::Elsewhere { room: id.clone(), node, here }));
        }
    }

    /// Looks again at the rooms where nodes were not known of.
    pub(in crate::redis::machine) fn settle_doubts(&mut self, out: &mut Outcome) {
        while let Some((_, id)) = self.doubts.pop_front_if(|(due_ms, _)| *due_ms <= self.now_ms) {
            self.attend_again(&id, out);
        }
    }

    /// A node has died: nobody is there any more.
    pub(in crate::redis::machine) fn mourn(&mut self, node: NodeId, out: &mut Outcome) {
        for id in self.rooms_in_order() {
            if self.rooms.get(&id).is_some_and(|room| room.elsewhere.contains(&node)) {
                self.met(&id, node, None, out);
            }
        }
    }
}
