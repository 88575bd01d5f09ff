//! The encoded frames of one room in one form, once for all members: each member has a cursor into them instead of a queue of its own.
//!
//! A member that keeps up is at the end and the log is empty. One that does not pins the frames from its cursor on; how far back that
//! may reach is for the fan-out to enforce. Cursors are numbers of frames, so a send never ends inside one as far as the log knows.

use std::collections::VecDeque;

use chat::{Epoch, Position};
use gateways::Form;

use crate::latency::Heard;

/// The frames of one room in one form.
#[derive(Debug)]
pub(crate) struct FrameLog {
    /// The form.
    pub(crate) form: Form,
    /// Members whose cursors point here.
    pub(crate) readers: u32,
    /// The member that was the last to be found lagging; it may have caught up since, or be another one now.
    pub(crate) laggard: u32,
    /// The number of the frame that comes next: the cursor of a member that has everything.
    next: u64,
    /// The room's offset after the newest frame.
    offset: u64,
    /// Frames that somebody still has to be sent.
    kept: Option<Box<Kept>>,
    /// Where the room went on in another epoch.
    turns: Option<Box<Turns>>,
}

/// The latest [`TURNS_MAX`], the last one first.
#[derive(Debug, Default)]
struct Turns(VecDeque<Turn>);

/// The room went on in another epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Turn {
    /// The number of the first frame that was of the new one.
    frame: u64,
    /// Where the room stood before.
    pub(crate) before: Position,
    /// Where that, or as much of it as is left, is in the new one.
    pub(crate) to: Position,
}

/// The buffers of all logs: how much is in them, and those worth using again, so that a busy room does not allocate each turn and an
/// idle one owns nothing.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    kept_bytes: usize,
    #[expect(clippy::vec_box, reason = "the boxes move into logs and back")]
    spare: Vec<Box<Kept>>,
}

#[derive(Debug, Default)]
struct Kept {
    bytes: Vec<u8>,
    /// One for each frame.
    marks: VecDeque<Mark>,
    /// Since when frames are on their way, where that changes; the first is of the first frame or of one before it.
    spells: VecDeque<Spell>,
    /// How many bytes were let go before `bytes[0]`.
    origin: u64,
    /// The number of the first frame.
    first: u64,
    /// The room's offset before the first frame.
    since: u64,
}

/// Frames from one on that are on their way since the same moment.
#[derive(Clone, Copy, Debug)]
struct Spell {
    first: u64,
    heard: Heard,
}

#[derive(Clone, Copy, Debug)]
struct Mark {
    /// Bytes up to the end of the frame, those let go included.
    end: u64,
    /// The room's offset after the frame.
    offset: u64,
}

/// A room whose epoch has changed more often since somebody was sent something is not told apart from one that has not.
const TURNS_MAX: usize = 8;
const SPARE_MAX: usize = 32;
const SPARE_BYTES_MAX: usize = 256 * 1024;
/// What is let go at the front is moved over only when it is at least this much.
const COMPACT_BYTES_MIN: usize = 16 * 1024;

impl FrameLog {
    pub(crate) fn new(form: Form, offset: u64) -> Self {
        Self { form, readers: 0, laggard: 0, next: 0, offset, kept: None, turns: None }
    }

    /// The cursor of a member that has everything.
    pub(crate) fn end(&self) -> u64 {
        self.next
    }

    /// The room's offset after the newest frame.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Appends what `encode` writes as one frame, after which the room stands at `offset`, and that is on its way since it was heard. Says whether it wrote anything.
    pub(crate) fn append(
        &mut self,
        (offset, heard): (Option<u64>, Heard),
        buffers: &mut Buffers,
        encode: impl FnOnce(&mut Vec<u8>),
    ) -> bool {
        let (next, since) = (self.next, self.offset);
        let kept = self.kept.get_or_insert_with(|| buffers.take(next, since));
        let before = kept.bytes.len();
        encode(&mut kept.bytes);
        self.offset = offset.unwrap_or(self.offset);
        if kept.bytes.len() == before {
            if kept.marks.is_empty() {
                self.release(buffers);
            }
            return false;
        }
        buffers.kept_bytes += kept.bytes.len() - before;
        if kept.spells.back().is_none_or(|spell| spell.heard != heard) {
            kept.spells.push_back(Spell { first: self.next, heard });
        }
        kept.marks.push_back(Mark { end: kept.origin + kept.bytes.len() as u64, offset: self.offset });
        self.next += 1;
        true
    }

    /// The room goes on in another epoch with the next frame.
    pub(crate) fn turn(&mut self, from: Epoch, to: Position) {
        let before = Position { epoch: from, offset: self.offset };
        let Turns(turns) = &mut **self.turns.get_or_insert_default();
        turns.truncate(TURNS_MAX - 1);
        turns.push_front(Turn { frame: self.next, before, to });
    }

    /// Where the room went on in another epoch before a cursor, in order.
    pub(crate) fn turns_before(&self, cursor: u64) -> impl Iterator<Item = Turn> {
        self.turns().rev().filter(move |turn| turn.frame < cursor)
    }

    /// The room's position just before the frame that a cursor points at, given its epoch after the newest frame.
    pub(crate) fn position_before(&self, cursor: u64, newest: Epoch) -> Position {
        let later = self.turns().take_while(|turn| turn.frame >= cursor).last();
        let epoch = later.map_or(newest, |turn| turn.before.epoch);
        Position { epoch, offset: self.offset_before(cursor) }
    }

    /// The latest first.
    fn turns(&self) -> impl DoubleEndedIterator<Item = Turn> {
        self.turns.iter().flat_map(|turns| turns.0.iter().copied())
    }

    /// Whether a cursor points at a frame that is kept, or at the end.
    pub(crate) fn reaches(&self, cursor: u64) -> bool {
        let first = self.kept.as_ref().map_or(self.next, |kept| kept.first);
        (first..=self.next).contains(&cursor)
    }

    /// Everything from a cursor on.
    pub(crate) fn after(&self, cursor: u64) -> &[u8] {
        match &self.kept {
            Some(kept) if cursor < self.next => &kept.bytes[kept.start_of(cursor)..],
            _ => &[],
        }
    }

    /// Where a member stands that was sent `sent` bytes of [`Self::after`] its cursor, and what is missing of a frame begun.
    pub(crate) fn advance(&self, cursor: u64, sent: usize) -> (u64, &[u8]) {
        let Some(kept) = &self.kept else { return (self.next, &[]) };
        let from = kept.start_of(cursor);
        let reached = kept.origin + (from + sent) as u64;
        let whole = kept.marks.partition_point(|mark| mark.end <= reached);
        let done = kept.first + whole as u64;
        match kept.marks.get(whole) {
            Some(mark) if sent > 0 && kept.start_of(done) < from + sent => {
                (done + 1, &kept.bytes[from + sent..(mark.end - kept.origin) as usize])
            }
            _ => (done.max(cursor), &[]),
        }
    }

    /// Since when the frames between two cursors are on their way: how many since which moment, the latest first.
    pub(crate) fn heard(&self, from: u64, to: u64) -> impl Iterator<Item = (Heard, u64)> {
        let spells = self.kept.iter().flat_map(|kept| kept.spells.iter().rev());
        let mut end = to;
        spells.map_while(move |spell| {
            if end <= from {
                return None;
            }
            let first = spell.first.clamp(from, end);
            let frames = end - first;
            end = first;
            Some((spell.heard, frames))
        })
    }

    /// The first cursor from which on at most `bytes` are kept.
    pub(crate) fn latest_within(&self, bytes: usize) -> u64 {
        let Some(kept) = &self.kept else { return self.next };
        let total = kept.origin + kept.bytes.len() as u64;
        let keep_from = total.saturating_sub(bytes as u64);
        let dropped = kept.marks.partition_point(|mark| mark.end < keep_from);
        let starts_there = dropped == 0 && kept.origin >= keep_from;
        let dropped = if starts_there { 0 } else { dropped + 1 };
        (kept.first + dropped as u64).min(self.next)
    }

    /// The room's offset just before the frame that a cursor points at.
    pub(crate) fn offset_before(&self, cursor: u64) -> u64 {
        match &self.kept {
            Some(kept) if cursor == kept.first => kept.since,
            Some(kept) if cursor < self.next => kept.marks[(cursor - kept.first - 1) as usize].offset,
            _ => self.offset,
        }
    }

    /// Lets go of what lies before a cursor.
    pub(crate) fn trim(&mut self, cursor: u64, buffers: &mut Buffers) {
        if cursor >= self.next {
            return self.release(buffers);
        }
        let Some(kept) = &mut self.kept else { return };
        let start = kept.start_of(cursor);
        if start < COMPACT_BYTES_MIN || start * 2 < kept.bytes.len() {
            return;
        }
        let gone = (cursor - kept.first) as usize;
        kept.since = kept.marks[gone - 1].offset;
        kept.marks.drain(..gone);
        let past = kept.spells.partition_point(|spell| spell.first <= cursor);
        kept.spells.drain(..past - 1);
        kept.bytes.drain(..start);
        buffers.kept_bytes -= start;
        kept.origin += start as u64;
        kept.first = cursor;
    }

    /// Bytes kept for members that lag.
    pub(crate) fn kept_bytes(&self) -> usize {
        self.kept.as_ref().map_or(0, |kept| kept.bytes.len())
    }

    fn release(&mut self, buffers: &mut Buffers) {
        if let Some(kept) = self.kept.take() {
            buffers.put(kept);
        }
    }
}

impl Kept {
    /// Where in `bytes` the frame of a cursor begins.
    fn start_of(&self, cursor: u64) -> usize {
        if cursor <= self.first {
            return 0;
        }
        (self.marks[(cursor - self.first - 1) as usize].end - self.origin) as usize
    }
}

impl Buffers {
    /// Bytes kept in all logs for members that lag.
    pub(crate) fn kept_bytes(&self) -> usize {
        self.kept_bytes
    }

    fn take(&mut self, first: u64, since: u64) -> Box<Kept> {
        let mut kept = self.spare.pop().unwrap_or_default();
        (kept.first, kept.since, kept.origin) = (first, since, 0);
        kept
    }

    fn put(&mut self, mut kept: Box<Kept>) {
        self.kept_bytes -= kept.bytes.len();
        if self.spare.len() < SPARE_MAX && kept.bytes.capacity() <= SPARE_BYTES_MAX {
            kept.bytes.clear();
            kept.marks.clear();
            kept.spells.clear();
            self.spare.push(kept);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: Form = Form { gateway: 0, variant: 0, names_users: true };
    const UNHEARD: Heard = Heard { us: 0, trace: None };

    /// Frames `aaa`, `bbbb`, `cc` at offsets 8, 9 and 9 again.
    fn three(buffers: &mut Buffers) -> FrameLog {
        let mut log = FrameLog::new(FORM, 7);
        for (frame, offset) in [("aaa", Some(8)), ("bbbb", Some(9)), ("cc", None)] {
            assert!(log.append((offset, UNHEARD), buffers, |out| out.extend_from_slice(frame.as_bytes())));
        }
        log
    }

    #[test]
    fn a_cursor_sees_everything_from_its_frame_on() {
        let log = three(&mut Buffers::default());
        assert_eq!(log.after(0), b"aaabbbbcc");
        assert_eq!(log.after(1), b"bbbbcc");
        assert_eq!(log.after(2), b"cc");
        assert_eq!(log.after(log.end()), b"");
    }

    #[test]
    fn a_short_send_leaves_the_cursor_after_the_torn_frame_and_its_rest_apart() {
        let log = three(&mut Buffers::default());
        let expected: [(u64, &[u8]); 10] = [
            (0, b""),
            (1, b"aa"),
            (1, b"a"),
            (1, b""),
            (2, b"bbb"),
            (2, b"bb"),
            (2, b"b"),
            (2, b""),
            (3, b"c"),
            (3, b""),
        ];
        for (sent, (cursor, torn)) in expected.into_iter().enumerate() {
            assert_eq!(log.advance(0, sent), (cursor, torn), "{sent} bytes");
        }
        assert_eq!(log.advance(1, 5), (3, &b"c"[..]));
    }

    #[test]
    fn dropping_the_oldest_keeps_whole_frames_within_the_bytes_allowed() {
        let log = three(&mut Buffers::default());
        let cursors: Vec<u64> = (0..=9).map(|bytes| log.latest_within(bytes)).collect();
        assert_eq!(cursors, [3, 3, 2, 2, 2, 2, 1, 1, 1, 0]);
    }

    #[test]
    fn a_cursor_knows_the_offset_before_it() {
        let log = three(&mut Buffers::default());
        assert_eq!([0, 1, 2, 3].map(|cursor| log.offset_before(cursor)), [7, 8, 9, 9]);
    }

    #[test]
    fn a_cursor_knows_the_epoch_before_it() {
        let (mut buffers, at) =
            (Buffers::default(), |epoch, offset| Position { epoch: Epoch(epoch), offset });
        let mut log = FrameLog::new(FORM, 7);
        for (epoch, offset) in [(1, 8), (2, 9), (2, 10), (3, 4)] {
            if let Some(from) = [None, None, Some(1), Some(2)][epoch].filter(|_| offset != 10) {
                log.turn(Epoch(from), at(epoch as u64, offset - 1));
            }
            log.append((Some(offset), UNHEARD), &mut buffers, |out| out.push(b'a'));
        }
        let places: Vec<Position> = (0..=4).map(|cursor| log.position_before(cursor, Epoch(3))).collect();
        assert_eq!(places, [at(1, 7), at(1, 8), at(2, 9), at(2, 10), at(3, 4)]);
        let turns = |cursor| log.turns_before(cursor).map(|turn| (turn.before, turn.to)).collect::<Vec<_>>();
        assert_eq!(turns(1), []);
        assert_eq!(turns(4), [(at(1, 8), at(2, 8)), (at(2, 10), at(3, 3))]);
        (0..20).for_each(|epoch| log.turn(Epoch(epoch), at(epoch + 1, 1)));
        assert_eq!(log.turns().count(), TURNS_MAX);
    }

    #[test]
    fn trimming_moves_nothing_a_cursor_can_see() {
        let mut buffers = Buffers::default();
        let mut log = FrameLog::new(FORM, 0);
        for number in 0..100_u64 {
            let frame = [number as u8; 1000];
            log.append((Some(number + 1), UNHEARD), &mut buffers, |out| out.extend_from_slice(&frame));
        }
        for cursor in 0..100 {
            log.trim(cursor, &mut buffers);
            assert_eq!(log.after(cursor).len(), (100 - cursor as usize) * 1000);
            assert_eq!(log.after(cursor)[0], cursor as u8);
            assert_eq!(log.offset_before(cursor), cursor);
        }
        assert!(log.kept_bytes() < 40_000);
        assert_eq!(buffers.kept_bytes(), log.kept_bytes());
        log.trim(100, &mut buffers);
        assert_eq!((log.kept_bytes(), buffers.kept_bytes()), (0, 0));
    }

    #[test]
    fn frames_know_since_when_they_are_on_their_way() {
        let mut buffers = Buffers::default();
        let mut log = FrameLog::new(FORM, 0);
        for (number, us) in [5, 5, 5, 8, 8, 0, 9].into_iter().enumerate() {
            let offset = Some(number as u64 + 1);
            log.append((offset, Heard { us, trace: None }), &mut buffers, |out| {
                out.extend_from_slice(&[7; 10_000])
            });
        }
        let heard = |log: &FrameLog, from, to| {
            let found = log.heard(from, to).filter(|(_, frames)| *frames > 0);
            found.map(|(heard, frames)| (heard.us, frames)).collect::<Vec<_>>()
        };
        assert_eq!(heard(&log, 0, 7), [(9, 1), (0, 1), (8, 2), (5, 3)]);
        assert_eq!(heard(&log, 1, 4), [(8, 1), (5, 2)]);
        assert_eq!(heard(&log, 6, 7), [(9, 1)]);
        assert_eq!(heard(&log, 7, 7), []);
        log.trim(4, &mut buffers);
        assert_eq!(heard(&log, 4, 7), [(9, 1), (0, 1), (8, 1)]);
        log.trim(7, &mut buffers);
        log.append((Some(8), Heard { us: 3, trace: None }), &mut buffers, |out| out.push(1));
        assert_eq!(heard(&log, 7, 8), [(3, 1)]);
    }

    #[test]
    fn an_event_the_form_does_not_tell_leaves_no_frame_but_moves_the_offset() {
        let mut buffers = Buffers::default();
        let mut log = FrameLog::new(FORM, 1);
        assert!(!log.append((Some(2), UNHEARD), &mut buffers, |_| {}));
        assert_eq!((log.end(), log.kept_bytes(), log.offset_before(0)), (0, 0, 2));
    }
}
