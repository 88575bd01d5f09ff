//! One session's stay in one room: what it must be shown next, and whom it believes to be there.

use std::collections::BTreeSet;

use chat::{Counts, Position, Resumption, UserId};

use super::mark::Mark;
use super::room::Room;

/// One session's stay in one room.
#[derive(Clone, Debug, Default)]
pub(super) struct Stay {
    /// Everything up to here was shown, or told to be lost; `None` where the protocol tells no positions.
    pub(super) place: Option<Position>,
    /// A part of what was asked for is gone, and which part must be told first.
    owed: Option<Position>,
    /// What was shown.
    seen: BTreeSet<Mark>,
    /// The message shown last, unless it bore no mark.
    last: Option<Mark>,
    /// Something was shown.
    shown: bool,
    /// Messages asked for later than this one must be shown; unknown until all was quiet once.
    certain_after: Option<Mark>,
    pub(super) counts: Option<Counts>,
    /// Who is there, where that was told; unknown until a telling names somebody, which then names everybody.
    pub(super) list: Option<BTreeSet<UserId>>,
}

impl Stay {
    /// The stay of a session whose protocol tells where it begins.
    pub(super) fn begin(
        at: Position,
        since: Option<Position>,
        resumption: Resumption,
        room: &mut Room,
    ) -> Result<Self, String> {
        let mut stay = Self::default();
        match (since, resumption) {
            (None, Resumption::Fresh) => stay.place = Some(at),
            (Some(since), Resumption::Complete) if since.offset <= at.offset => {
                room.go_on(since, at.epoch)?;
                stay.place = Some(since);
            }
            (Some(since), Resumption::Partial) => (stay.place, stay.owed) = (Some(at), Some(since)),
            _ => return Err(format!("since {since:?} is answered with {resumption:?} at {at}")),
        }
        Ok(stay)
    }

    /// A message is shown.
    pub(super) fn show(
        &mut self,
        at: Option<Position>,
        mark: Option<Mark>,
        room: &mut Room,
    ) -> Result<(), String> {
        if let Some(since) = self.owed {
            return Err(format!("shown {at:?} before being told what is gone since {since}"));
        }
        match (self.place, at) {
            (Some(place), Some(at)) => {
                if at.offset != place.offset + 1 {
                    return Err(format!("shown {at} right after {place}"));
                }
                room.go_on(place, at.epoch)?;
                self.place = Some(at);
                room.place(at, mark)?;
            }
            (None, None) => {}
            // Where the stay began was not told.
            (None, Some(at)) => {
                self.place = Some(at);
                room.place(at, mark)?;
            }
            (Some(place), None) => return Err(format!("shown something somewhere after {place}")),
        }
        let earlier = if self.shown { self.last } else { None };
        (self.shown, self.last) = (true, mark);
        if let Some(mark) = mark {
            room.see(mark);
            if !self.seen.insert(mark) && !room.has_lived_twice(mark) {
                return Err(format!("shown {mark} at {at:?}, which it was shown before"));
            }
        }
        if let (Some(earlier), Some(later)) = (earlier, mark) {
            room.link(earlier, later);
        }
        Ok(())
    }

    /// Messages are told to be lost.
    pub(super) fn lose(
        &mut self,
        since: Position,
        at: Position,
        may_lose: bool,
        room: &mut Room,
    ) -> Result<(), String> {
        let Some(place) = self.place else {
            self.last = None;
            let told = format!("told to have lost {since} to {at}, and was never slow");
            return if may_lose { Ok(()) } else { Err(told) };
        };
        if let Some(owed) = self.owed.take() {
            if since.offset != owed.offset || at.epoch != place.epoch || at.offset > place.offset {
                return Err(format!("since {owed}, told to have lost {since} to {at}"));
            }
        } else if !may_lose {
            return Err(format!("told to have lost {since} to {at}, and was never slow"));
        } else if since.offset != place.offset || (at.epoch == place.epoch && at.offset <= since.offset) {
            return Err(format!("at {place}, told to have lost {since} to {at}"));
        } else {
            room.go_on(place, since.epoch)?;
        }
        (self.place, self.last) = (Some(at), None);
        Ok(())
    }

    /// All is quiet: whoever came before is a member by now.
    pub(super) fn settle(&mut self, newest_asked: Mark) {
        self.certain_after.get_or_insert(newest_asked);
    }

    /// All is quiet, and the client has read everything: has it been shown all it must?
    pub(super) fn is_up_to_date(&self, room: &Room, is_alone: bool) -> Result<(), String> {
        if let Some(since) = self.owed {
            return Err(format!("was never told what is gone since {since}"));
        }
        if let Some(place) = self.place {
            // Where there are several nodes, it is held against the broker instead.
            let goes_on = is_alone && !room.was_left(place.epoch);
            let head = room.head_of(place.epoch).filter(|_| goes_on).unwrap_or(0);
            return if place.offset >= head {
                Ok(())
            } else {
                Err(format!("stands at {place}, the room at {head}"))
            };
        }
        match (self.shown, self.last) {
            (true, Some(last)) if Some(last) > room.shaken && room.goes_on_after(last) => {
                Err(format!("was shown nothing after {last}"))
            }
            (false, _)
                if self.certain_after.is_some() && self.certain_after.max(room.shaken) < room.newest() =>
            {
                Err(format!("was shown nothing, others {:?}", room.newest()))
            }
            _ => Ok(()),
        }
    }

    /// Who came and went is told.
    pub(super) fn note_presence(
        &mut self,
        joined: Option<&[UserId]>,
        left: Option<&[UserId]>,
        counts: Counts,
    ) {
        self.counts = Some(counts);
        let (Some(joined), Some(left)) = (joined, left) else {
            self.list = None;
            return;
        };
        let list = self.list.get_or_insert_default();
        list.extend(joined.iter().cloned());
        list.retain(|user| !left.contains(user));
    }
}
