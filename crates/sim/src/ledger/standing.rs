//! Where members stand when all is quiet, held against each other and against what a broker keeps.

use std::collections::BTreeMap;

use chat::{Lineage, Position, RoomId, Time};

use super::room::Room;
use super::{Ledger, SessionNo, Trouble};

/// A room that was forgotten because nobody was there began anew; it was not so soon after something was accepted.
const KEPT_MS: u64 = 25_000;

impl Ledger {
    /// All is quiet on every node, whatever stands between them: members of a room on one node were shown the same of it.
    pub fn check_nodes(&mut self) {
        let mut known: BTreeMap<(usize, RoomId), Position> = BTreeMap::new();
        for (session, room, at) in self.places() {
            let node = self.sessions[session.0].conduct.node;
            let other = *known.entry((node, room.clone())).or_insert(at);
            let is_one = |book: &Room| at.epoch == other.epoch || book.goes_on(at, other.epoch);
            if at.offset != other.offset || !self.rooms.get(&room).is_none_or(is_one) {
                let fault = format!("in {room:?}, stands at {at}, another on its node at {other}");
                self.complain(session, &fault);
            }
        }
    }

    /// Members of one room at one time are in one life of it. Where a room went on in another life right after what a member was shown last,
    /// that member need not know yet.
    pub(super) fn check_places(&mut self) {
        let mut known: BTreeMap<RoomId, Position> = BTreeMap::new();
        for (session, room, at) in self.places() {
            let other = *known.entry(room.clone()).or_insert(at);
            let book = self.room(&room);
            let went_on = book.shaken.is_some() && other.offset == at.offset;
            if other.epoch != at.epoch && !went_on {
                let fault = format!("in {room:?}, stands at {at}, another at {other}");
                self.complain(session, &fault);
            }
        }
    }

    /// All is quiet, and nothing stands between the nodes and their broker: members stand where that says their room does, and what was
    /// accepted is there if it had to be on a replica first.
    pub fn check_standing(&mut self, standing: impl Fn(&RoomId) -> Option<(Position, Lineage)>, now: Time) {
        for (session, room, at) in self.places() {
            let Some((head, lineage)) = standing(&room) else {
                self.complain(session, &format!("is in {room:?}, which the broker does not know"));
                continue;
            };
            // A node may have come to where it stands by way of an epoch that the broker has forgotten.
            let lives_on = |book: &Room| book.goes_on(at, head.epoch);
            let is_known =
                lineage.translate(at, head).is_some() || self.rooms.get(&room).is_none_or(lives_on);
            if at.offset != head.offset || !is_known {
                let fault = format!("in {room:?}, stands at {at}, the room at {head} after {lineage:?}");
                self.complain(session, &fault);
            }
        }
        let waits = self.rooms.layout.as_ref().is_some_and(|layout| layout.wait_replicas > 0);
        for room in self.rooms.ids() {
            let accepted = std::mem::take(&mut self.room(&room).accepted);
            let Some((head, lineage)) = standing(&room).filter(|_| waits) else { continue };
            for (at, time) in accepted.into_iter().filter(|_| self.trouble < Trouble::Oblivion) {
                let is_lost = match lineage.shared(at, head) {
                    Some(offset) => offset < at.offset,
                    None => now.0 < time.0 + KEPT_MS && !is_full(&lineage),
                };
                if is_lost {
                    self.complaints.push(format!("in {room:?}, {at} was accepted, and is lost at {head}"));
                }
            }
        }
    }

    /// Where everybody stands who must have been shown everything.
    fn places(&self) -> Vec<(SessionNo, RoomId, Position)> {
        let attentive = self.sessions.iter().enumerate().filter(|(_, session)| session.is_attentive());
        let places = attentive.flat_map(|(number, session)| {
            let known = session.stays.iter().filter_map(|(room, stay)| Some((room.clone(), stay.place?)));
            known.map(move |(room, at)| (SessionNo(number), room, at))
        });
        places.collect()
    }
}

/// Whether it may have forgotten epochs.
pub(super) fn is_full(lineage: &Lineage) -> bool {
    lineage.former.len() >= FORMER_MAX
}

/// How many former epochs a room remembers.
const FORMER_MAX: usize = 8;
