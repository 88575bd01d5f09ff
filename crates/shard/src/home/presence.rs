//! Who is in a room, here and on other nodes, and when that is told.

use std::sync::Arc;

use backplanes::{Ask, NodeId};
use chat::{Event, Here, Presence, RoomId};

use super::{Addressed, Homes};
use crate::Now;
use crate::latency::Heard;
use crate::moves::tell_size;

/// What other nodes say of who is in a room. Each says it anew when it changes.
#[derive(Default)]
pub(super) struct Elsewhere {
    nodes: Vec<(NodeId, Here)>,
}

impl Elsewhere {
    pub(super) fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Puts what a node says in the place of what it said before, and gives that back.
    fn replace(&mut self, node: NodeId, here: Option<Here>) -> Option<Here> {
        let index = self.nodes.iter().position(|(of, _)| *of == node);
        match (index, here) {
            (Some(index), Some(here)) => Some(std::mem::replace(&mut self.nodes[index].1, here)),
            (Some(index), None) => Some(self.nodes.swap_remove(index).1),
            (None, here) => {
                self.nodes.extend(here.map(|here| (node, here)));
                None
            }
        }
    }
}

impl Homes {
    /// Another node says who is in a room there.
    pub(super) fn elsewhere(
        &mut self,
        room: &RoomId,
        node: NodeId,
        here: Option<Here>,
        now: Now,
        out: &mut Vec<Addressed>,
    ) {
        let Some(home) = self.rooms.get_mut(room) else { return };
        let here = here.filter(|here| here.sessions > 0);
        let before = home.far().elsewhere.replace(node, here.clone());
        home.roster.change_abroad(before.as_ref(), here.as_ref());
        self.witness.settle(room, &home.roster, now.wall);
        home.drop_far();
        self.retell_presence(room, now, out);
    }

    /// Somebody came or went here.
    pub(super) fn presence_changed(&mut self, room: &RoomId, now: Now, out: &mut Vec<Addressed>) {
        let is_told_elsewhere = self.backplane.outlives_homes() && !room.is_everybody();
        if let Some(home) = self.rooms.get_mut(room) {
            home.here_due |= is_told_elsewhere;
        }
        self.retell_presence(room, now, out);
    }

    /// Tells presence at once when it has not been told for a while, else together with what comes until then. Of a user's devices only the
    /// other nodes are told, each of how many are here.
    pub(super) fn retell_presence(&mut self, room: &RoomId, now: Now, out: &mut Vec<Addressed>) {
        let Some(home) = self.rooms.get_mut(room) else { return };
        let is_told = room.is_public() || home.here_due;
        if home.presence_due || !is_told {
            return;
        }
        let quiet_since_ms = home.presence_told_ms.map_or(u64::MAX, |told_ms| now.monotonic_ms - told_ms);
        if quiet_since_ms >= self.presence_interval_ms {
            return self.tell_presence(room, now, out);
        }
        home.presence_due = true;
        self.presence_due.push(now.monotonic_ms, room.clone());
    }

    pub(super) fn tell_presence(&mut self, room: &RoomId, now: Now, out: &mut Vec<Addressed>) {
        let list_max = self.list_max;
        let Some(home) = self.rooms.get_mut(room) else { return };
        let here = std::mem::take(&mut home.here_due).then(|| home.roster.here(list_max));
        if let Some(change) = home.roster.take_change(list_max).filter(|_| room.is_public()) {
            home.presence_told_ms = Some(now.monotonic_ms);
            let presence = Presence {
                room: room.clone(),
                joined: change.joined,
                left: change.left,
                counts: change.counts,
            };
            home.tell(room, &Event::Presence(Arc::new(presence)), Heard::default(), out);
        }
        if let Some(here) = here {
            home.presence_told_ms = Some(now.monotonic_ms);
            self.ask(Ask::Here { room: room.clone(), here }, now, out);
        }
    }

    /// Tells the other shards when the room has become large, or small again.
    pub(super) fn size_changed(&mut self, room: &RoomId, out: &mut Vec<Addressed>) {
        let (shard, shards) = self.place;
        let Some(home) = self.rooms.get_mut(room) else { return };
        let most = if home.is_large { self.small_max / 2 } else { self.small_max };
        let is_large = home.roster.sessions() > most;
        if is_large != home.is_large {
            home.is_large = is_large;
            out.extend(tell_size(room, is_large, shard, shards));
        }
    }
}
