//! A Redis Cluster of the test's own: three masters, and a replica for each if it is wanted.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::cell::Cell;

use crate::server::{Server, await_that};

/// The masters at the start.
pub(crate) const MASTERS: usize = 3;
const SLOTS: usize = 16_384;
/// How often it is looked whether servers have met before they are told to once more.
const LOOKS_FOR_ONE_MEETING: usize = 400;

/// The servers: masters first, then the replica of each.
pub(crate) struct Masters {
    pub(crate) servers: Vec<Server>,
}

impl Masters {
    pub(crate) fn start() -> Self {
        Self::of(MASTERS)
    }

    pub(crate) fn start_with_replicas() -> Self {
        let masters = Self::of(2 * MASTERS);
        for replica in MASTERS..2 * MASTERS {
            let id = masters.id(replica - MASTERS);
            assert_eq!(masters.servers[replica].tell(&format!("CLUSTER REPLICATE {id}")), "+OK");
        }
        masters.are_followed();
        masters
    }

    fn of(count: usize) -> Self {
        let servers: Vec<_> = (0..count).map(|_| Server::start_in_cluster()).collect();
        for (number, server) in servers.iter().enumerate() {
            assert_eq!(server.tell(&format!("CLUSTER SET-CONFIG-EPOCH {}", number + 1)), "+OK");
            if number < MASTERS {
                let (first, end) = (number * SLOTS / MASTERS, (number + 1) * SLOTS / MASTERS);
                assert_eq!(server.tell(&format!("CLUSTER ADDSLOTSRANGE {first} {}", end - 1)), "+OK");
            }
        }
        let is_one = |server: &Server| {
            let info = server.tell("CLUSTER INFO");
            info.contains("cluster_state:ok") && info.contains(&format!("cluster_known_nodes:{count}"))
        };
        let looks = Cell::new(0_usize);
        await_that(|| {
            // One that was too busy to answer in time is not met again by itself.
            if looks.replace(looks.get() + 1).is_multiple_of(LOOKS_FOR_ONE_MEETING) {
                servers[1..].iter().for_each(|server| drop(servers[0].tell(&server.meeting())));
            }
            servers.iter().all(is_one)
        });
        Self { servers }
    }

    pub(crate) fn url(&self) -> String {
        let hosts: Vec<_> =
            self.servers.iter().map(|server| format!("127.0.0.1:{}", server.port())).collect();
        format!("redis+cluster://{}", hosts.join(","))
    }

    fn id(&self, number: usize) -> String {
        self.servers[number].tell("CLUSTER MYID")
    }

    /// Which master has a room, or a key, at the start.
    pub(crate) fn keeper_of(&self, name: &str) -> usize {
        let slot = self.slot_of(name);
        (0..MASTERS).find(|number| slot < (number + 1) * SLOTS / MASTERS).expect("every slot has an owner")
    }

    /// The slot of a room, or of a key.
    pub(crate) fn slot_of(&self, name: &str) -> usize {
        let slot = self.servers[0].tell(&format!("CLUSTER KEYSLOT {name}"));
        slot.trim_start_matches(':').parse().expect("a slot")
    }

    /// A room that a master has at the start.
    pub(crate) fn room_of(&self, master: usize) -> String {
        let mut rooms = (0..).map(|number| format!("room{number}"));
        rooms.find(|room| self.keeper_of(room) == master).expect("there are enough names")
    }

    /// Waits until every replica has all that its master has.
    pub(crate) fn are_followed(&self) {
        for (master, replica) in self.servers.iter().zip(self.servers.iter().skip(MASTERS)) {
            replica.has_all_of(master);
        }
    }

    /// Waits until the replica of a master is one itself.
    pub(crate) fn has_taken_over(&self, master: usize) {
        let replica = &self.servers[master + MASTERS];
        await_that(|| replica.is_master() && replica.tell("CLUSTER INFO").contains("cluster_state:ok"));
    }

    /// Begins to move a slot to another master.
    pub(crate) fn begin_to_move(&self, slot: usize, from: usize, to: usize) {
        let importing = format!("CLUSTER SETSLOT {slot} IMPORTING {}", self.id(from));
        assert_eq!(self.servers[to].tell(&importing), "+OK");
        let migrating = format!("CLUSTER SETSLOT {slot} MIGRATING {}", self.id(to));
        assert_eq!(self.servers[from].tell(&migrating), "+OK");
    }

    /// Moves all keys of a slot, and gives it to the other master.
    pub(crate) fn finish_to_move(&self, slot: usize, from: usize, to: usize) {
        let keys = self.servers[from].list(&format!("CLUSTER GETKEYSINSLOT {slot} 1000"));
        let migrate =
            format!("MIGRATE 127.0.0.1 {} \"\" 0 5000 KEYS {}", self.servers[to].port(), keys.join(" "));
        assert_eq!(self.servers[from].tell(&migrate), "+OK", "{keys:?}");
        let owner = format!("CLUSTER SETSLOT {slot} NODE {}", self.id(to));
        for number in
            [to, from].into_iter().chain((0..MASTERS).filter(|number| *number != to && *number != from))
        {
            assert_eq!(self.servers[number].tell(&owner), "+OK");
        }
    }
}
