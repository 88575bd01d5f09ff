//! Who is in which room, who publishes, who reads: plain arithmetic on member numbers, the same in every process.

use serde::{Deserialize, Serialize};

/// The shape of a run. Members are numbered from 0; the first `publishers` of them publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// All members together.
    pub members: u32,
    /// Member `m` is in room `m % rooms`.
    pub rooms: u32,
    /// So many of the first members publish.
    pub publishers: u32,
    /// So many of the last members stop reading once they are in.
    pub stalled: u32,
    /// Whether a publisher is a reader as well (not so with server-sent events).
    pub publishers_read: bool,
    /// The nodes of the server.
    pub nodes: u32,
    /// Whether the members of a room are all on one node, instead of spread over all of them.
    pub rooms_apart: bool,
}

impl Layout {
    /// The room of a member.
    #[inline]
    pub fn room_of(&self, member: u32) -> u32 {
        member % self.rooms
    }

    /// The node that a member connects to. Rooms that are spread begin on different nodes, so that small ones do not all leave the same out.
    #[inline]
    pub fn node_of(&self, member: u32) -> u32 {
        let (room, place) = (self.room_of(member), member / self.rooms);
        if self.rooms_apart { room % self.nodes } else { (room % self.nodes + place) % self.nodes }
    }

    /// The place of a publisher among those of its room.
    #[inline]
    pub fn place_of(&self, publisher: u32) -> u32 {
        publisher / self.rooms
    }

    /// The most publishers that a room has.
    pub fn places(&self) -> u32 {
        self.publishers.div_ceil(self.rooms)
    }

    /// The publishers of a room, ascending.
    pub fn publishers_of(&self, room: u32) -> impl Iterator<Item = u32> {
        (room..self.publishers).step_by(self.rooms as usize)
    }

    /// Whether the member publishes.
    pub fn publishes(&self, member: u32) -> bool {
        member < self.publishers
    }

    /// Whether the member stops reading once it is in.
    pub fn stalls(&self, member: u32) -> bool {
        member >= self.members - self.stalled
    }

    /// Whether every post of its room must reach the member.
    pub fn reads(&self, member: u32) -> bool {
        !self.stalls(member) && (self.publishers_read || !self.publishes(member))
    }

    /// The members that one of the processes looks after.
    pub fn share(&self, process: u32, processes: u32) -> impl Iterator<Item = u32> {
        (process..self.members).step_by(processes as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYOUT: Layout = Layout {
        members: 30,
        rooms: 3,
        publishers: 7,
        stalled: 2,
        publishers_read: true,
        nodes: 2,
        rooms_apart: false,
    };

    #[test]
    fn publishers_are_spread_evenly_over_the_rooms() {
        let of_rooms: Vec<Vec<u32>> = (0..3).map(|room| LAYOUT.publishers_of(room).collect()).collect();
        assert_eq!(of_rooms, [vec![0, 3, 6], vec![1, 4], vec![2, 5]]);
        assert_eq!(LAYOUT.places(), 3);
        assert_eq!([0, 3, 6].map(|publisher| LAYOUT.place_of(publisher)), [0, 1, 2]);
    }

    #[test]
    fn rooms_are_spread_over_the_nodes_or_each_has_one() {
        let of_room = |layout: Layout, room: u32| -> Vec<u32> {
            (room..30).step_by(3).map(|member| layout.node_of(member)).take(3).collect()
        };
        assert_eq!([0, 1].map(|room| of_room(LAYOUT, room)), [[0, 1, 0], [1, 0, 1]]);
        let apart = Layout { rooms_apart: true, ..LAYOUT };
        assert_eq!([0, 1, 2].map(|room| of_room(apart, room)), [[0; 3], [1; 3], [0; 3]]);
    }

    #[test]
    fn every_member_belongs_to_exactly_one_process() {
        let mut all: Vec<u32> = (0..4).flat_map(|process| LAYOUT.share(process, 4)).collect();
        all.sort_unstable();
        assert_eq!(all, (0..30).collect::<Vec<_>>());
    }

    #[test]
    fn the_stalled_do_not_read_and_publishers_only_where_the_protocol_lets_them() {
        assert_eq!([27, 28, 29].map(|member| LAYOUT.reads(member)), [true, false, false]);
        let apart = Layout { publishers_read: false, ..LAYOUT };
        assert_eq!([6, 7].map(|member| apart.reads(member)), [false, true]);
    }
}
