//! Putting together what is in the file and what is at hand: the two meet without a gap, or the rest is told to be missing.

use std::sync::Arc;

use chat::{Message, Position, RoomId};

use super::end::End;
use crate::{Page, Since, Told, Wish};

/// While something is read, more may have been said than is at hand; then it is read again, so often.
const TRIES_MAX: u32 = 3;

/// A piece of history that was asked for.
pub(super) struct Reading {
    pub(super) room: RoomId,
    pub(super) what: What,
    pub(super) wish: Wish,
    /// The offsets between which it is read, and how many messages.
    pub(super) span: (u64, u64, usize),
    tries: u32,
}

/// What was asked for.
#[derive(Clone, Copy)]
pub(super) enum What {
    /// What came after a position.
    Since(Position),
    /// So many messages before a position, or the newest.
    Before(Option<Position>, usize),
}

impl End {
    /// Asks for what is not at hand; `false`: that cannot be asked for.
    pub(super) fn read_on(&mut self, room: &RoomId, what: What, wish: Wish, tries: u32) -> bool {
        let Some(head) = self.rooms.get(room).and_then(|place| place.head) else { return false };
        let first = self.tails.first(room).unwrap_or(head.offset + 1);
        let span = match what {
            What::Since(position) => (position.offset, first, (first - 1 - position.offset) as usize),
            What::Before(before, limit) => {
                (0, before.map_or(first, |before| before.offset.min(first)), limit)
            }
        };
        self.ask(Reading { room: room.clone(), what, wish, span, tries })
    }

    /// What was asked for was read, unless it cannot be.
    pub(super) fn turned_to(
        &mut self,
        key: usize,
        found: Option<(Vec<Arc<Message>>, bool)>,
        told: &mut Vec<Told>,
    ) {
        let Some(reading) = self.readings.try_remove(key) else { return };
        let found = found.filter(|(found, _)| self.is_of_today(&reading.room, found));
        if found.is_some() && self.has_moved(&reading) && reading.tries < TRIES_MAX {
            let Reading { room, what, wish, tries, .. } = &reading;
            if self.read_on(room, *what, *wish, tries + 1) {
                return;
            }
        }
        let found = found.filter(|_| !self.has_moved(&reading));
        let Reading { room, what, wish, .. } = reading;
        let ticket = wish.ticket;
        told.push(match what {
            What::Since(position) => {
                Told::Since { ticket, since: self.join_since(&room, position, wish, found) }
            }
            What::Before(before, limit) => {
                Told::Page { ticket, page: self.join_page(&room, before, limit, wish, found) }
            }
        });
    }

    /// Whether the room is still in the epoch that messages were read in.
    fn is_of_today(&self, room: &RoomId, found: &[Arc<Message>]) -> bool {
        let head = self.rooms.get(room).and_then(|place| place.head);
        found.first().is_none_or(|first| head.is_some_and(|head| head.epoch == first.at.epoch))
    }

    /// Whether what was at hand when the reading was asked for is not any more.
    fn has_moved(&self, reading: &Reading) -> bool {
        let Some(head) = self.rooms.get(&reading.room).and_then(|place| place.head) else { return true };
        let first = self.tails.first(&reading.room).unwrap_or(head.offset + 1);
        let (_, before, _) = reading.span;
        let is_bounded_otherwise =
            matches!(reading.what, What::Before(Some(position), _) if position.offset == before);
        first > before && !is_bounded_otherwise
    }

    fn join_since(
        &mut self,
        room: &RoomId,
        position: Position,
        wish: Wish,
        found: Option<(Vec<Arc<Message>>, bool)>,
    ) -> Since {
        let mut at_hand = self.tails.since(room, position, wish.now);
        let Some((mut messages, _)) = found else { return at_hand };
        let first = at_hand.messages.first().map(|message| message.at.offset);
        let meets = match (messages.last(), first) {
            (Some(last), Some(first)) => last.at.offset + 1 == first,
            (Some(last), None) => self.is_head(room, last.at),
            (None, _) => false,
        };
        if !meets {
            return at_hand;
        }
        let complete = messages.first().is_some_and(|first| first.at.offset == position.offset + 1);
        messages.append(&mut at_hand.messages);
        Since { messages, complete }
    }

    fn join_page(
        &mut self,
        room: &RoomId,
        before: Option<Position>,
        limit: usize,
        wish: Wish,
        found: Option<(Vec<Arc<Message>>, bool)>,
    ) -> Page {
        let mut at_hand = self.tails.before(room, before, limit, wish.now);
        let Some((mut messages, more)) = found else { return Page { more: true, ..at_hand } };
        let meets = match (messages.last(), at_hand.messages.first()) {
            (Some(last), Some(first)) => last.at.offset + 1 == first.at.offset,
            _ => true,
        };
        if !meets {
            return Page { more: true, ..at_hand };
        }
        let left = limit - at_hand.messages.len().min(limit);
        let cut = messages.len().saturating_sub(left);
        messages.drain(..cut);
        messages.append(&mut at_hand.messages);
        Page { messages, more: more || cut > 0 }
    }

    fn is_head(&self, room: &RoomId, at: Position) -> bool {
        self.rooms.get(room).is_some_and(|place| place.head == Some(at))
    }
}
