//! The newest messages of rooms, in memory.

use std::collections::VecDeque;
use std::sync::Arc;

use chat::{ByRoom, Message, Position, RoomId, Time};

use crate::{Page, Settings, Since};

/// The newest messages of rooms, each within the same bounds.
pub(crate) struct Tails {
    settings: Settings,
    rooms: ByRoom<History>,
    /// Messages in all rooms.
    messages: usize,
    /// Their weight.
    bytes: usize,
}

/// The kept messages of one room: one epoch, ascending offsets without gaps.
#[derive(Default)]
struct History {
    messages: VecDeque<Arc<Message>>,
    bytes: usize,
    /// The newest position ever appended, kept when its message has aged away.
    head: Option<Position>,
    /// What is behind this offset can be had nowhere else.
    kept: u64,
}

impl Tails {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self { settings: settings.clone(), rooms: ByRoom::default(), messages: 0, bytes: 0 }
    }

    /// Takes the newest message of a room. What is behind the offset `kept` is kept nowhere else yet, and stays until it is, unless it ages.
    pub(crate) fn append(&mut self, message: &Arc<Message>, kept: u64) {
        let history = self.rooms.get_or_insert_with(&message.room, History::default);
        let before = history.size();
        if history.head.is_some_and(|head| head.epoch != message.at.epoch) {
            *history = History::default();
        }
        history.kept = kept;
        history.push(message);
        history.trim(&self.settings, message.time);
        let after = history.size();
        self.note(before, after);
    }

    pub(crate) fn since(&mut self, room: &RoomId, position: Position, now: Time) -> Since {
        match self.trimmed(room, now) {
            Some(history) => history.since(position),
            None => Since { messages: Vec::new(), complete: false },
        }
    }

    pub(crate) fn before(
        &mut self,
        room: &RoomId,
        before: Option<Position>,
        limit: usize,
        now: Time,
    ) -> Page {
        match self.trimmed(room, now) {
            Some(history) => history.before(before, limit),
            None => Page { messages: Vec::new(), more: false },
        }
    }

    pub(crate) fn forget(&mut self, room: &RoomId) {
        if let Some(history) = self.rooms.remove(room) {
            self.note(history.size(), (0, 0));
        }
    }

    pub(crate) fn size(&self) -> (usize, usize) {
        (self.messages, self.bytes)
    }

    /// Lets go of what exceeds the bounds, and returns what is left.
    fn trimmed(&mut self, room: &RoomId, now: Time) -> Option<&History> {
        let history = self.rooms.get_mut(room)?;
        let before = history.size();
        history.trim(&self.settings, now);
        let after = history.size();
        self.note(before, after);
        self.rooms.get(room)
    }

    /// A history was of one size and is of another.
    fn note(&mut self, before: (usize, usize), after: (usize, usize)) {
        self.messages = self.messages + after.0 - before.0;
        self.bytes = self.bytes + after.1 - before.1;
    }
}

/// What only those ask for who keep more than what is at hand.
#[cfg(feature = "sqlite")]
impl Tails {
    /// A room stands at `head`, with these messages up to there, ascending and without gaps.
    pub(crate) fn seed(&mut self, room: &RoomId, head: Position, messages: &[Arc<Message>], kept: u64) {
        self.forget(room);
        messages.iter().for_each(|message| self.append(message, kept));
        self.rooms.get_or_insert_with(room, History::default).head = Some(head);
    }

    /// The messages of a room are kept elsewhere up to that offset.
    pub(crate) fn note_kept(&mut self, room: &RoomId, kept: u64) {
        if let Some(history) = self.rooms.get_mut(room) {
            history.kept = kept;
            // What has aged is let go of when somebody asks.
            self.trimmed(room, Time::default());
        }
    }

    /// The offset of the oldest message at hand.
    pub(crate) fn first(&self, room: &RoomId) -> Option<u64> {
        self.rooms.get(room)?.messages.front().map(|message| message.at.offset)
    }

    /// What the messages of a room weigh that are at hand.
    pub(crate) fn weight(&self, room: &RoomId) -> usize {
        self.rooms.get(room).map_or(0, |history| history.bytes)
    }
}

impl History {
    /// Messages, and what they weigh.
    fn size(&self) -> (usize, usize) {
        (self.messages.len(), self.bytes)
    }

    fn push(&mut self, message: &Arc<Message>) {
        if let Some(head) = self.head {
            assert_eq!(
                message.at.offset,
                head.offset + 1,
                "a room's messages are kept in order and without gaps"
            );
        }
        self.head = Some(message.at);
        self.bytes += message.weight();
        self.messages.push_back(message.clone());
    }

    fn trim(&mut self, settings: &Settings, now: Time) {
        while let Some(oldest) = self.messages.front() {
            let aged = now.0.saturating_sub(oldest.time.0) > settings.age_max_ms;
            let fits = self.messages.len() <= settings.messages_max && self.bytes <= settings.bytes_max;
            if !aged && (fits || oldest.at.offset > self.kept) {
                break;
            }
            self.bytes -= oldest.weight();
            self.messages.pop_front();
        }
    }

    fn since(&self, position: Position) -> Since {
        let Some(head) =
            self.head.filter(|head| head.epoch == position.epoch && position.offset <= head.offset)
        else {
            return Since { messages: self.messages.iter().cloned().collect(), complete: false };
        };
        let wanted = (head.offset - position.offset) as usize;
        let kept = wanted.min(self.messages.len());
        let messages = self.messages.range(self.messages.len() - kept..).cloned().collect();
        Since { messages, complete: kept == wanted }
    }

    fn before(&self, before: Option<Position>, limit: usize) -> Page {
        let end = match (before, self.messages.front()) {
            (Some(before), Some(oldest)) if before.epoch == oldest.at.epoch => {
                (before.offset.saturating_sub(oldest.at.offset) as usize).min(self.messages.len())
            }
            (Some(_), _) => 0,
            (None, _) => self.messages.len(),
        };
        let start = end.saturating_sub(limit);
        Page { messages: self.messages.range(start..end).cloned().collect(), more: start > 0 }
    }
}

#[cfg(test)]
mod tests {
    use chat::{Body, Epoch, RoomName};

    use super::*;

    const SETTINGS: Settings = Settings { messages_max: 3, age_max_ms: 1000, bytes_max: 1 << 20 };

    fn lobby() -> RoomId {
        RoomId::public(RoomName::new("lobby").expect("a valid name"))
    }

    fn at(offset: u64) -> Position {
        Position { epoch: Epoch(1), offset }
    }

    fn message(offset: u64) -> Arc<Message> {
        let body = Body::text("hi");
        Arc::new(Message { room: lobby(), at: at(offset), author: None, time: Time(0), tag: None, body })
    }

    fn five() -> Tails {
        let mut tails = Tails::new(&SETTINGS);
        (1..=5).for_each(|offset| tails.append(&message(offset), u64::MAX));
        tails
    }

    #[test]
    fn what_exceeds_a_bound_is_gone_and_that_is_told() {
        let found = five().since(&lobby(), at(1), Time(0));
        assert!(found.messages == [message(3), message(4), message(5)] && !found.complete);
        let aged = five().since(&lobby(), at(2), Time(1001));
        assert!(aged.messages.is_empty() && !aged.complete);
    }

    #[test]
    fn a_room_goes_on_where_it_is_said_to_stand() {
        let mut tails = five();
        tails.seed(&lobby(), at(9), &[message(8), message(9)], 9);
        tails.append(&message(10), 9);
        assert_eq!((tails.first(&lobby()), tails.weight(&lobby())), (Some(8), 3 * message(1).weight()));
        tails.seed(&lobby(), at(20), &[], 20);
        assert!(tails.since(&lobby(), at(20), Time(0)).complete);
        assert_eq!(tails.size(), (0, 0));
    }

    #[test]
    fn what_is_kept_nowhere_else_stays_until_it_is_unless_it_ages() {
        let mut tails = Tails::new(&SETTINGS);
        (1..=5).for_each(|offset| tails.append(&message(offset), 1));
        assert_eq!((tails.first(&lobby()), tails.size().0), (Some(2), 4));
        let page = tails.before(&lobby(), Some(at(4)), 10, Time(0));
        assert_eq!(page.messages, [message(2), message(3)]);
        tails.note_kept(&lobby(), 2);
        assert_eq!(tails.first(&lobby()), Some(3));
        tails.note_kept(&lobby(), 5);
        assert_eq!(tails.first(&lobby()), Some(3), "as many as are wanted stay");
        tails.append(&message(6), 0);
        assert!(
            tails.since(&lobby(), at(5), Time(1001)).messages.is_empty(),
            "nobody is shown what has aged"
        );
    }
}
