//! What is known of one room: which message stands where, as far as any client was shown it.

use std::collections::{BTreeMap, BTreeSet};

use chat::{Epoch, Position, Time};

use super::mark::Mark;

/// What is known of one room.
#[derive(Debug, Default)]
pub(super) struct Room {
    /// By position, the message there; `None`: one that bears no mark.
    epochs: BTreeMap<Epoch, BTreeMap<u64, Option<Mark>>>,
    /// The positions of each message: one in each epoch at most.
    places: BTreeMap<Mark, Vec<Position>>,
    /// Which message was seen right after which.
    follows: BTreeMap<Mark, Mark>,
    precedes: BTreeMap<Mark, Mark>,
    /// Messages that were asked for more than once.
    retried: BTreeSet<Mark>,
    /// Messages that were seen in one order here and in another there.
    disputes: Vec<[Mark; 4]>,
    /// Of the messages that anybody has seen, the one asked for last.
    newest: Option<Mark>,
    /// The newest position of the epoch heard of last.
    head: Option<Position>,
    /// What was accepted may have been lost since.
    pub(super) has_lost: bool,
    /// Members of one node may go on among themselves, in an epoch of their own, which then is lost.
    pub(super) is_local: bool,
    /// Messages asked for up to here may have been lost after they had been accepted.
    pub(super) shaken: Option<Mark>,
    /// Of messages asked for up to here, some members may not have been shown all.
    pub(super) missed: Option<Mark>,
    /// Where messages stood when they were accepted, and when that was, since it was looked last.
    pub(super) accepted: Vec<(Position, Time)>,
    /// The messages that were accepted where what is accepted outlives the node, and where they stood.
    pub(super) kept: Vec<(Mark, Position)>,
}

impl Room {
    pub(super) fn new(is_local: bool, shaken: Option<Mark>) -> Self {
        Self { is_local, shaken, has_lost: shaken.is_some(), ..Self::default() }
    }

    /// The newest position that anybody was told of.
    pub(super) fn head(&self) -> Option<Position> {
        self.head
    }

    /// Of the messages that anybody has seen, the one asked for last.
    pub(super) fn newest(&self) -> Option<Mark> {
        self.newest
    }

    /// The newest position of an epoch that anybody was told of.
    pub(super) fn head_of(&self, epoch: Epoch) -> Option<u64> {
        self.epochs.get(&epoch)?.last_key_value().map(|(offset, _)| *offset)
    }

    /// Whether what was shown last in an epoch may have been lost with a node, after which the room went on in another.
    pub(super) fn was_left(&self, epoch: Epoch) -> bool {
        self.has_lost && self.head.is_some_and(|head| head.epoch != epoch)
    }

    /// Whether something was seen right after a message.
    pub(super) fn goes_on_after(&self, mark: Mark) -> bool {
        self.follows.contains_key(&mark) && !self.has_lived_twice(mark)
    }

    /// The room stood here; no message is known to stand there.
    pub(super) fn note_head(&mut self, at: Position) {
        self.epochs.entry(at.epoch).or_default();
        if self.head.is_none_or(|head| head.epoch != at.epoch || head.offset < at.offset) {
            self.head = Some(at);
        }
    }

    /// A message stands somewhere.
    pub(super) fn place(&mut self, at: Position, mark: Option<Mark>) -> Result<(), String> {
        let is_new_epoch = !self.epochs.contains_key(&at.epoch);
        if is_new_epoch || self.head.is_some_and(|head| head.epoch == at.epoch && head.offset < at.offset) {
            self.head = Some(at);
        }
        let there = *self.epochs.entry(at.epoch).or_default().entry(at.offset).or_insert(mark);
        if there != mark {
            return Err(format!("{at} was given to {there:?} and to {mark:?}"));
        }
        let Some(mark) = mark else { return Ok(()) };
        self.see(mark);
        let places = self.places.entry(mark).or_default();
        match places.iter().find(|place| place.epoch == at.epoch) {
            Some(place) if place.offset != at.offset => Err(format!("{mark} stands at {place} and at {at}")),
            Some(_) => Ok(()),
            None => {
                places.push(at);
                Ok(())
            }
        }
    }

    /// What follows a position is told in this epoch: if that is another one, it must have begun with all that stands before.
    pub(super) fn go_on(&self, from: Position, epoch: Epoch) -> Result<(), String> {
        if from.epoch == epoch {
            return Ok(());
        }
        if !self.has_lost && !self.is_local {
            return Err(format!("goes on after {from} in the epoch {epoch:?}"));
        }
        let [before, after] = [from.epoch, epoch].map(|epoch| self.epochs.get(&epoch));
        let (Some(before), Some(after)) = (before, after) else { return Ok(()) };
        let differing = before
            .range(..=from.offset)
            .find(|(offset, mark)| after.get(offset).is_some_and(|other| other != *mark));
        differing.map_or(Ok(()), |(offset, _)| {
            Err(format!("goes on after {from} in the epoch {epoch:?}, which has something else at {offset}"))
        })
    }

    /// Whether what stands before a position may be told in this epoch.
    pub(super) fn goes_on(&self, from: Position, epoch: Epoch) -> bool {
        self.go_on(from, epoch).is_ok()
    }

    /// A message is asked for once more.
    pub(super) fn note_retry(&mut self, mark: Mark) {
        self.retried.insert(mark);
    }

    /// Somebody saw a message.
    pub(super) fn see(&mut self, mark: Mark) {
        self.newest = self.newest.max(Some(mark));
    }

    /// Somebody saw one message right after another: everybody must.
    pub(super) fn link(&mut self, earlier: Mark, later: Mark) {
        let follows = *self.follows.entry(earlier).or_insert(later);
        let precedes = *self.precedes.entry(later).or_insert(earlier);
        if follows != later || precedes != earlier {
            self.disputes.push([earlier, later, follows, precedes]);
        }
    }

    /// Pairs of messages that were not seen in the same order by everybody. One that was posted again in another life of the room has other
    /// neighbours there. So has one that may have been lost, and whatever stands beside it.
    pub(super) fn take_disputes(&mut self) -> Vec<String> {
        let disputes = std::mem::take(&mut self.disputes);
        let is_excused = |mark: &Mark| self.has_lived_twice(*mark) || Some(*mark) <= self.missed;
        let real = disputes.into_iter().filter(|marks| !marks.iter().any(is_excused));
        real.map(|[earlier, later, follows, precedes]| {
            format!("{later} came right after {earlier}, but also {follows} after {earlier}, or {later} after {precedes}")
        })
        .collect()
    }

    /// Whether a message may stand in more than one life of the room, of which nobody may have been told: its author has asked for it again, or
    /// the node where it was accepted, because it may have been lost.
    pub(super) fn has_lived_twice(&self, mark: Mark) -> bool {
        self.retried.contains(&mark) || Some(mark) <= self.shaken
    }
}
