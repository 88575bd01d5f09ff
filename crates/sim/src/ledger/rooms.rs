//! The rooms that the ledger knows, and what each of them may do by the rules of its cluster.

use std::collections::BTreeMap;

use chat::RoomId;

use super::mark::Mark;
use super::room::Room;
use crate::cluster::Layout;

/// Nobody here misses so many messages of a room.
pub(super) const MISSED_MAX: usize = 1000;

/// The rooms.
#[derive(Default)]
pub(super) struct Rooms {
    known: BTreeMap<RoomId, Room>,
    /// The cluster that they are in, if they are.
    pub(super) layout: Option<Layout>,
    shaken: Option<Mark>,
    /// The same, of rooms where nodes go on by themselves.
    parted: Option<Mark>,
}

impl Rooms {
    pub(super) fn of_cluster(layout: &Layout) -> Self {
        Self { layout: Some(layout.clone()), ..Self::default() }
    }

    pub(super) fn get(&self, id: &RoomId) -> Option<&Room> {
        self.known.get(id)
    }

    /// The book of a room, of which nothing need be known yet.
    pub(super) fn open(&mut self, id: &RoomId) -> &mut Room {
        let Self { known, layout, shaken, parted } = self;
        known.entry(id.clone()).or_insert_with(|| {
            let is_local = layout.as_ref().is_some_and(|layout| layout.is_local(id));
            Room::new(is_local, *if is_local { parted } else { shaken })
        })
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (&RoomId, &mut Room)> {
        self.known.iter_mut()
    }

    pub(super) fn ids(&self) -> Vec<RoomId> {
        self.known.keys().cloned().collect()
    }

    /// Who was cut off meanwhile may have missed more than is kept, and not every protocol has a word for that.
    pub(super) fn miss(&mut self, up_to: Mark) {
        let kept = self.layout.as_ref().map(|layout| layout.history_messages);
        if kept < Some(MISSED_MAX) {
            self.known.values_mut().for_each(|room| room.missed = Some(up_to));
        }
    }

    /// What was asked for up to here may be lost, in some rooms and to some members: where nodes go on by themselves for a while, or everywhere.
    pub(super) fn shake(&mut self, up_to: Mark, is_everywhere: bool) {
        self.parted = Some(up_to);
        if is_everywhere {
            self.shaken = Some(up_to);
        }
        for room in self.known.values_mut().filter(|room| is_everywhere || room.is_local) {
            room.shaken = Some(up_to);
            room.has_lost |= is_everywhere;
        }
    }
}
