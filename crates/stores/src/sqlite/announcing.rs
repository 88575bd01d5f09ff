//! What of what happens in rooms is to be told beyond the node: given to the writer in order with what is said, and waited for where somebody waits
//! to hear that a message is kept.

use chat::{Happening, Message, Occasion, Position, RoomId, UserId};

use super::end::End;
use super::traffic::{Tidings, Write};
use crate::Disk;

/// What is no message weighs so much while it waits, in bytes.
const WEIGHT: usize = 256;

impl End {
    /// Has something told.
    pub(super) fn have_told(&mut self, happening: Happening) {
        let (mut place, mut weight) = (None, WEIGHT);
        if let Occasion::Posted(message) = &happening.occasion {
            if self.was_announced_with(message) {
                return;
            }
            weight += message.weight();
            place = self.await_announcement(message);
        }
        if self.is_full(2) {
            self.untold += 1;
            return;
        }
        if let untold @ 1.. = std::mem::take(&mut self.untold) {
            self.write(Write::Tidings(Tidings::Lose(untold)));
        }
        let shard = self.parts.shard;
        self.write_weighing(weight, Write::Tidings(Tidings::Announce { shard, happening, place }));
    }

    /// Has it noted who is here. Where far too much waits for a disk that does not work, it is not.
    pub(super) fn have_counted(&mut self, room: RoomId, user: Option<UserId>, change: i64) {
        if !self.is_full(4) {
            let shard = self.parts.shard;
            self.write_weighing(WEIGHT, Write::Tidings(Tidings::Count { shard, room, user, change }));
        }
    }

    /// Whether messages are told in the transaction that they are kept in. Where others put them in order, it is known later which of them are this node's to tell.
    pub(super) fn announces_what_it_keeps(&self) -> bool {
        let Disk { outward, is_alone, .. } = &self.parts.disk;
        *is_alone && outward.as_ref().is_some_and(|outward| outward.messages)
    }

    fn was_announced_with(&self, message: &Message) -> bool {
        let place = self.rooms.get(&message.room).filter(|_| self.announces_what_it_keeps());
        place.is_some_and(|place| place.head == Some(message.at) && message.at.offset > place.left_out)
    }

    /// Has a message that is kept be waited for until it is certain to be told, too.
    fn await_announcement(&mut self, message: &Message) -> Option<(RoomId, u64)> {
        if self.is_full(2) {
            return None;
        }
        self.rooms.get_mut(&message.room)?.announce(message.at.offset);
        Some((message.room.clone(), message.at.offset))
    }

    /// A message is certain to be told. Says how far nothing is waited for any more.
    pub(super) fn announced(&mut self, room: &RoomId, offset: u64) -> Option<Position> {
        let place = self.rooms.get_mut(room)?;
        place.announced(offset);
        Some(Position { offset: place.done(), ..place.head? })
    }
}
