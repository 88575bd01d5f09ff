//! What a strand has been sent: how far in each room, and in which order it came to that. So the one position that a client has seen
//! last says where it stands in every room.
//!
//! Only what went out is noted, in stretches: a session that is told by one room alone has a single stretch which grows.

use std::collections::VecDeque;

use chat::{Position, RoomId};

use crate::fields::{Reader, Writer};

/// What a strand has been sent, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Journal {
    rows: Vec<Row>,
    stretches: VecDeque<Stretch>,
    /// What the client had seen last before the first stretch; `None`: nothing at all.
    start: Option<Position>,
}

/// A stay in a room.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    room: RoomId,
    /// Where it stood before the first stretch.
    base: Position,
    /// The position up to which it has been sent everything.
    sent: Position,
    /// It goes on.
    is_in: bool,
}

/// What happened in one room after another.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Stretch {
    row: usize,
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum What {
    /// So many messages went out after one another.
    Messages(u64),
    /// It went on in another epoch, from here.
    Turn(Position),
}

/// Further back than this many stretches nobody is found.
const STRETCHES_MAX: usize = 512;
/// Stays that are over and still known, besides one for each that goes on.
const ENDED_MAX: usize = 64;
/// Stays that are believed another node.
const ROWS_READ_MAX: u64 = 4096;

impl Journal {
    /// The journal of a strand that goes on where it stood.
    pub(crate) fn resumed(seen: Option<Position>, positions: Vec<(RoomId, Position)>) -> Self {
        let row = |(room, at): (RoomId, Position)| Row { room, base: at, sent: at, is_in: true };
        Self { rows: positions.into_iter().map(row).collect(), stretches: VecDeque::new(), start: seen }
    }

    /// It is in a room, of which it has everything up to a position.
    pub(crate) fn enter(&mut self, room: &RoomId, at: Position) {
        let going_on = self.rows.iter().filter(|row| row.is_in).count();
        if self.rows.len() > 2 * going_on + ENDED_MAX {
            self.forget_all();
        }
        self.rows.push(Row { room: room.clone(), base: at, sent: at, is_in: true });
    }

    /// It is no longer in a room.
    pub(crate) fn leave(&mut self, room: &RoomId) {
        if let Some(row) = self.row_of(room) {
            self.rows[row].is_in = false;
        }
    }

    /// It has been sent everything of a room up to an offset. Says whether it is in the room.
    pub(crate) fn note(&mut self, room: &RoomId, offset: u64) -> bool {
        let Some(row) = self.row_of(room) else { return false };
        let new = offset.saturating_sub(self.rows[row].sent.offset);
        if new == 0 {
            return true;
        }
        self.rows[row].sent.offset = offset;
        match self.stretches.back_mut() {
            Some(Stretch { row: of, what: What::Messages(messages) }) if *of == row => *messages += new,
            _ => self.push(row, What::Messages(new)),
        }
        true
    }

    /// A room went on in another epoch: it stood there before, and then here. Noted again it is nothing new.
    pub(crate) fn turn(&mut self, room: &RoomId, before: Position, to: Position) {
        let Some(row) = self.row_of(room).filter(|row| self.rows[*row].sent.epoch == before.epoch) else {
            return;
        };
        self.note(room, before.offset);
        self.rows[row].sent = to;
        self.push(row, What::Turn(to));
    }

    fn push(&mut self, row: usize, what: What) {
        self.stretches.push_back(Stretch { row, what });
        if self.stretches.len() > STRETCHES_MAX {
            self.forget_first();
        }
    }

    /// Where a client stands in its rooms that has seen this position last; `None` when it is not found.
    pub(crate) fn positions(&self, seen: Option<Position>) -> Option<Vec<(RoomId, Position)>> {
        let mut places: Vec<Position> = self.rows.iter().map(|row| row.base).collect();
        if seen != self.start {
            self.walk(seen?, &mut places)?;
        }
        let rows = self.rows.iter().zip(places).filter(|(row, _)| row.is_in);
        Some(rows.map(|(row, at)| (row.room.clone(), at)).collect())
    }

    /// Moves places along the stretches up to the message at a position; `None` when it is in none of them.
    fn walk(&self, seen: Position, places: &mut [Position]) -> Option<()> {
        for Stretch { row, what } in &self.stretches {
            let place = &mut places[*row];
            match what {
                What::Turn(to) => *place = *to,
                What::Messages(messages) => {
                    let stretch = place.offset + 1..=place.offset + messages;
                    if seen.epoch == place.epoch && stretch.contains(&seen.offset) {
                        *place = seen;
                        return Some(());
                    }
                    place.offset += messages;
                }
            }
        }
        None
    }

    /// Writes it down for another node.
    pub(crate) fn write(&self, out: &mut Writer) {
        out.option(self.start, Writer::position);
        out.number(self.rows.len() as u64);
        for Row { room, base, sent: _, is_in } in &self.rows {
            out.room(room);
            out.position(*base);
            out.byte(u8::from(*is_in));
        }
        out.number(self.stretches.len() as u64);
        for Stretch { row, what } in &self.stretches {
            out.number(*row as u64);
            match what {
                What::Messages(messages) => out.number(*messages),
                // No stretch is of no message.
                What::Turn(to) => {
                    out.number(0);
                    out.position(*to);
                }
            }
        }
    }

    /// Reads what another node has written down; `None` when it can be none.
    pub(crate) fn read(fields: &mut Reader<'_>) -> Option<Self> {
        let start = fields.option(Reader::position)?;
        let mut rows = Vec::new();
        for _ in 0..fields.number_up_to(ROWS_READ_MAX)? {
            let (room, base) = (fields.room()?, fields.position()?);
            rows.push(Row { room, base, sent: base, is_in: fields.byte()? != 0 });
        }
        let mut stretches = VecDeque::new();
        for _ in 0..fields.number_up_to(STRETCHES_MAX as u64)? {
            let (row, messages) = (usize::try_from(fields.number()?).ok()?, fields.number()?);
            let sent = &mut rows.get_mut(row)?.sent;
            let what = if messages == 0 { What::Turn(fields.position()?) } else { What::Messages(messages) };
            match what {
                What::Messages(messages) => sent.offset = sent.offset.checked_add(messages)?,
                What::Turn(to) => *sent = to,
            }
            stretches.push_back(Stretch { row, what });
        }
        Some(Self { rows, stretches, start })
    }

    fn row_of(&self, room: &RoomId) -> Option<usize> {
        self.rows.iter().position(|row| row.is_in && row.room == *room)
    }

    fn forget_first(&mut self) {
        let Some(Stretch { row, what }) = self.stretches.pop_front() else { return };
        let base = &mut self.rows[row].base;
        match what {
            What::Turn(to) => *base = to,
            What::Messages(messages) => {
                base.offset += messages;
                self.start = Some(*base);
            }
        }
    }

    fn forget_all(&mut self) {
        while !self.stretches.is_empty() {
            self.forget_first();
        }
        self.rows.retain(|row| row.is_in);
    }
}

#[cfg(test)]
mod tests {
    use chat::{Epoch, RoomName};

    use super::*;

    fn room(name: &str) -> RoomId {
        RoomId::public(RoomName::new(name).expect("a valid name"))
    }

    fn at(epoch: u64, offset: u64) -> Position {
        Position { epoch: Epoch(epoch), offset }
    }

    /// In `a` from 10 on and in `b` from 20 on; sent a:11, a:12, b:21, a:13.
    fn two_rooms() -> Journal {
        let mut journal = Journal::default();
        journal.enter(&room("a"), at(1, 10));
        journal.enter(&room("b"), at(2, 20));
        for (name, offset) in [("a", 11), ("a", 12), ("b", 21), ("a", 13)] {
            assert!(journal.note(&room(name), offset));
        }
        journal
    }

    fn offsets(journal: &Journal, seen: Option<Position>) -> Option<Vec<u64>> {
        Some(journal.positions(seen)?.into_iter().map(|(_, at)| at.offset).collect())
    }

    #[test]
    fn the_last_position_seen_says_where_a_client_stands_in_every_room() {
        let journal = two_rooms();
        assert_eq!(offsets(&journal, None), Some(vec![10, 20]));
        assert_eq!(offsets(&journal, Some(at(1, 11))), Some(vec![11, 20]));
        assert_eq!(offsets(&journal, Some(at(1, 12))), Some(vec![12, 20]));
        assert_eq!(offsets(&journal, Some(at(2, 21))), Some(vec![12, 21]));
        assert_eq!(offsets(&journal, Some(at(1, 13))), Some(vec![13, 21]));
    }

    #[test]
    fn what_was_written_down_is_read_back_and_nothing_that_cannot_be() {
        let mut journal = Journal { start: Some(at(9, 1)), ..two_rooms() };
        journal.leave(&room("b"));
        journal.turn(&room("a"), at(1, 14), at(4, 12));
        assert!(journal.note(&room("a"), 15));
        journal.enter(&RoomId::everybody(), at(3, 0));
        let mut written = Writer::default();
        journal.write(&mut written);
        assert_eq!(Journal::read(&mut Reader(&written.0)), Some(journal));
        for length in 0..written.0.len() {
            assert_eq!(Journal::read(&mut Reader(&written.0[..length])), None, "{length} bytes of it");
        }
        for stretches in [&[1, 0, 1][..], &[1, 0, 0], &[1, 0, 0, 1, 1], &[255, 255, 255, 255, 15]] {
            let nobody_in_a_row_that_is_not_there = [&[0, 0][..], stretches].concat();
            assert_eq!(Journal::read(&mut Reader(&nobody_in_a_row_that_is_not_there)), None);
        }
    }

    #[test]
    fn a_position_that_was_never_sent_is_not_found() {
        let journal = two_rooms();
        for seen in [at(1, 10), at(1, 14), at(2, 20), at(2, 22), at(3, 11)] {
            assert_eq!(offsets(&journal, Some(seen)), None, "{seen}");
        }
    }

    #[test]
    fn a_room_that_goes_on_in_another_epoch_is_stood_in_by_the_one_that_was_seen() {
        let mut journal = two_rooms();
        for _ in 0..2 {
            journal.turn(&room("a"), at(1, 14), at(4, 12));
        }
        journal.note(&room("a"), 14);
        assert_eq!(
            journal.positions(Some(at(1, 12))),
            Some(vec![(room("a"), at(1, 12)), (room("b"), at(2, 20))])
        );
        for seen in [at(1, 14), at(4, 13), at(4, 14)] {
            assert_eq!(journal.positions(Some(seen)), Some(vec![(room("a"), seen), (room("b"), at(2, 21))]));
        }
        assert_eq!(
            [at(4, 12), at(4, 15), at(1, 15)].map(|seen| journal.positions(Some(seen))),
            [None, None, None]
        );
    }

    #[test]
    fn one_room_alone_is_one_stretch_however_long() {
        let mut journal = Journal::default();
        journal.enter(&room("a"), at(1, 0));
        (1..10_000).for_each(|offset| assert!(journal.note(&room("a"), offset)));
        assert_eq!(journal.stretches.len(), 1);
        assert_eq!(offsets(&journal, Some(at(1, 77))), Some(vec![77]));
    }

    #[test]
    fn what_is_forgotten_is_not_found_and_what_came_after_it_is() {
        let mut journal = two_rooms();
        for offset in 0..STRETCHES_MAX as u64 {
            assert!(journal.note(&room("b"), 22 + offset) && journal.note(&room("a"), 14 + offset));
        }
        assert_eq!(journal.stretches.len(), STRETCHES_MAX);
        assert_eq!(offsets(&journal, None), None);
        assert_eq!(offsets(&journal, Some(at(1, 13))), None);
        let start = journal.start.expect("something was forgotten");
        assert!(offsets(&journal, Some(start)).is_some());
        let last = 13 + STRETCHES_MAX as u64;
        assert_eq!(offsets(&journal, Some(at(1, last))), Some(vec![last, last + 8]));
    }

    #[test]
    fn who_comes_back_twice_with_the_same_position_stands_where_it_stood() {
        let seen = Some(at(2, 21));
        let positions = two_rooms().positions(seen).expect("it was sent");
        let mut journal = Journal::resumed(seen, positions.clone());
        journal.note(&room("a"), 13);
        assert_eq!(journal.positions(seen), Some(positions));
        assert_eq!(offsets(&journal, Some(at(1, 13))), Some(vec![13, 21]));
        assert_eq!(offsets(&journal, None), None);
    }

    #[test]
    fn who_has_left_a_room_is_not_in_it_again_and_what_was_seen_there_counts() {
        let mut journal = two_rooms();
        journal.leave(&room("a"));
        assert!(!journal.note(&room("a"), 14));
        assert_eq!(journal.positions(Some(at(1, 12))), Some(vec![(room("b"), at(2, 20))]));
        journal.enter(&room("a"), at(1, 30));
        assert_eq!(offsets(&journal, Some(at(1, 13))), Some(vec![21, 30]));
    }

    #[test]
    fn stays_that_are_over_do_not_pile_up() {
        let mut journal = Journal::default();
        for stay in 0..10_000 {
            journal.enter(&room("a"), at(1, stay));
            journal.note(&room("a"), stay + 1);
            journal.leave(&room("a"));
        }
        assert!(journal.rows.len() <= ENDED_MAX + 3, "{} stays", journal.rows.len());
        journal.enter(&room("a"), at(1, 20_000));
        journal.note(&room("a"), 20_001);
        assert_eq!(offsets(&journal, Some(at(1, 20_001))), Some(vec![20_001]));
    }
}
