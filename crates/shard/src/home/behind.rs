//! Who was in which rooms when the node ended that had this one's file before: whoever was told that they are there is told that they have gone.
//!
//! A node that stands alone knows at once that they have. Among others they may have come back, to whichever node, and what that node had told them of
//! who is there holds until its lease has run out: so long is waited.

use chat::{RoomId, Roster, UserId};

use super::room::{Home, Waiting};
use super::{Addressed, Homes};
use crate::Now;
use crate::settings::home_of;

/// What a node has told the others is gone so long after it ended without a word, and some more.
const GONE_AFTER_MS: u64 = 10_000;

/// Those who were in a room: users, and how many guests.
pub(super) type Missing = Vec<(Option<UserId>, u32)>;

/// When they are missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reckoning {
    /// They were, or nobody wants to know.
    Over,
    /// Before anybody comes.
    First,
    /// Some time after the start.
    Later,
    /// At this moment.
    At(u64),
}

impl Reckoning {
    /// Of a node that stands among others, or alone.
    pub(super) fn new(is_asked_for: bool, is_shared: bool) -> Self {
        match (is_asked_for, is_shared) {
            (false, _) => Self::Over,
            (true, false) => Self::First,
            (true, true) => Self::Later,
        }
    }

    /// When there is something to do about it.
    pub(super) fn next_ms(self) -> Option<u64> {
        match self {
            Self::Over => None,
            Self::First | Self::Later => Some(0),
            Self::At(due_ms) => Some(due_ms),
        }
    }
}

impl Homes {
    /// Misses those whom it is time to miss.
    pub(super) fn reckon(&mut self, now: Now, out: &mut Vec<Addressed>) {
        match self.reckoning {
            Reckoning::Over => {}
            Reckoning::Later => self.reckoning = Reckoning::At(now.monotonic_ms + GONE_AFTER_MS),
            Reckoning::At(due_ms) if due_ms > now.monotonic_ms => {}
            Reckoning::First | Reckoning::At(_) => {
                self.reckoning = Reckoning::Over;
                self.miss_all(now, out);
            }
        }
    }

    fn miss_all(&mut self, now: Now, out: &mut Vec<Addressed>) {
        let (here, shards) = self.place;
        for of_room in self.store.left_behind().chunk_by(|one, next| one.room == next.room) {
            let room = &of_room[0].room;
            if home_of(room, shards) != here || !self.witness.is_at_door_of(room) {
                continue;
            }
            let missing: Missing = of_room.iter().map(|one| (one.user.clone(), one.times)).collect();
            if self.are_shared() {
                self.miss_in(room, missing, now, out);
            } else {
                self.witness.miss((room, &Roster::default()), &missing, now.wall);
            }
        }
    }

    /// Misses those of a room, as soon as it is known who is there on other nodes.
    fn miss_in(&mut self, room: &RoomId, missing: Missing, now: Now, out: &mut Vec<Addressed>) {
        let is_new = !self.rooms.contains(room);
        let home = self.rooms.get_or_insert_with(room, Home::default);
        if home.head.is_some() {
            return self.witness.miss((room, &home.roster), &missing, now.wall);
        }
        home.active_ms = now.monotonic_ms;
        home.far().waiting.push(Waiting::Missing(missing));
        if is_new {
            self.open(room.clone(), now, out);
            self.watch(room, now);
        }
    }

    /// It cannot be known for now how a room stands: it is asked again.
    pub(super) fn miss_later(&mut self, room: &RoomId, missing: Missing, now: Now) {
        let home = self.rooms.get_or_insert_with(room, Home::default);
        home.far().waiting.push(Waiting::Missing(missing));
        self.unknown.push(now.monotonic_ms, room.clone());
    }
}
