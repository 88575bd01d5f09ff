//! Showing what is said in rooms, in the order of offsets, and one after the other wherever it can be.

use bytes::Bytes;
use chat::{Epoch, Lineage, Position, RoomId};

use super::{Room, Stage};
use crate::redis::broker::Entry;
use crate::redis::machine::entry::{read_entry, read_mark, read_signal};
use crate::redis::machine::{Machine, Outcome};
use crate::{Arrival, Opened};

/// So many publications of a room wait for what stands before them.
const AHEAD_MAX: usize = 1_024;

impl Room {
    /// Whether the log goes on right after the newest message shown.
    fn is_continued_by(&self, head: Position, log: &[Entry]) -> bool {
        let Some(shown) = self.shown.filter(|shown| shown.epoch == head.epoch && self.local.is_none()) else {
            return false;
        };
        let mut next = shown.offset;
        let mut follows = |entry: &Entry| {
            next += 1;
            entry.offset == next
        };
        log.iter().all(&mut follows) && next == head.offset
    }
}

impl Machine {
    /// Shows what was missed: one by one where it goes on right after what was shown, else by saying how the room stands.
    pub(super) fn catch_up(
        &mut self,
        id: &RoomId,
        head: Position,
        lineage: Lineage,
        log: Vec<Entry>,
        out: &mut Outcome,
    ) {
        let Some(room) = self.rooms.get_mut(id) else { return };
        let is_continued = room.is_continued_by(head, &log);
        let local = room.local.take();
        room.lineage = local.map_or(lineage.clone(), |local| local.continued_by(head, &lineage));
        room.is_shut = false;
        if is_continued {
            self.tally.gaps_refilled += u64::from(!log.is_empty());
            return log.into_iter().for_each(|Entry { offset, entry }| {
                self.show(id, Position { offset, ..head }, &entry, out);
            });
        }
        if let Some(shown) = room.shown {
            let at = room.lineage.translate(shown, head);
            let first = log.first().map_or(head.offset + 1, |entry| entry.offset);
            self.tally.gaps_lost += u64::from(at.is_none_or(|at| first > at.offset + 1));
        }
        room.shown = Some(head);
        let read = |entry: &Entry| {
            read_entry(id, Position { offset: entry.offset, ..head }, &entry.entry)
                .map(|(_, message)| message)
        };
        let mut tail: Vec<_> = log.iter().rev().map_while(read).collect();
        tail.reverse();
        let opened = Opened { room: id.clone(), head, lineage: room.lineage.clone(), tail };
        out.arrivals.push((room.shard, Arrival::Opened(opened)));
    }

    /// A message was published.
    pub(in crate::redis::machine) fn posted(
        &mut self,
        id: &RoomId,
        at: Position,
        entry: Bytes,
        out: &mut Outcome,
    ) {
        let Some(room) = self.rooms.get_mut(id) else { return };
        match (room.stage, room.shown) {
            (Stage::Attending(_), _) if room.ahead.entries.len() < AHEAD_MAX => {
                room.ahead.entries.push((at, entry))
            }
            (Stage::Attending(_), _) => room.ahead.missed = true,
            (Stage::Following, Some(shown)) if shown.epoch == at.epoch && at.offset <= shown.offset => {
                self.tally.duplicates += 1;
            }
            (Stage::Following, Some(shown)) if shown.epoch == at.epoch && at.offset == shown.offset + 1 => {
                self.place_own(at.epoch, &[Entry { offset: at.offset, entry: entry.clone() }], out);
                self.show(id, at, &entry, out);
            }
            (Stage::Following, _) => self.attend_again(id, out),
            (Stage::Deaf | Stage::Listening(_) | Stage::Heard, _) => {}
        }
    }

    /// Shows the next message. One that cannot be read is jumped over, and that is told.
    fn show(&mut self, id: &RoomId, at: Position, entry: &Bytes, out: &mut Outcome) {
        let Some(room) = self.rooms.get_mut(id) else { return };
        room.shown = Some(at);
        let arrival = match read_entry(id, at, entry) {
            Some((_, message)) => Arrival::Posted(message),
            None => {
                self.tally.gaps_lost += 1;
                let (lineage, tail) = (room.lineage.clone(), Vec::new());
                Arrival::Opened(Opened { room: id.clone(), head: at, lineage, tail })
            }
        };
        out.arrivals.push((room.shard, arrival));
    }

    /// Posts of our own that stand in the log are placed, whether or not the broker's answer has come, and comes at all.
    pub(super) fn place_own(&mut self, epoch: Epoch, log: &[Entry], out: &mut Outcome) {
        if self.wait_replicas > 0 || self.posts.is_empty() {
            return;
        }
        for Entry { offset, entry } in log {
            if let Some(mark) = read_mark(entry).filter(|mark| mark.node == self.node) {
                self.found(mark.number, Position { epoch, offset: *offset }, out);
            }
        }
    }

    pub(in crate::redis::machine) fn told_sign(&mut self, id: &RoomId, bytes: &Bytes, out: &mut Outcome) {
        let Some(room) = self.rooms.get(id) else { return };
        if let Some(signal) = read_signal(bytes) {
            out.arrivals.push((room.shard, Arrival::Told { room: id.clone(), signal }));
        }
    }
}
