//! What one who talks has been told, and what must follow from it: nothing accepted is lost, nothing is there twice, no position is given to two
//! messages, and nothing is missed untold.

use std::collections::HashMap;
use std::iter::Sum;
use std::ops::Add;

use serde_json::Value;

/// What somebody was told of a room.
#[derive(Default)]
pub(super) struct Ledger {
    /// The epochs that there were, in the order in which they were heard of.
    epochs: Vec<String>,
    /// Where posts are that were accepted, by their tags.
    accepted: HashMap<u64, u64>,
    /// What was shown at a position, by the place of its epoch and its offset.
    shown: HashMap<(usize, u64), u64>,
    /// The newest position that is known.
    last: Option<(usize, u64)>,
    faults: Faults,
}

/// What went wrong, and how much went right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    pub(crate) accepted: u64,
    /// Accepted, and not there in the end, or elsewhere.
    pub(crate) lost: u64,
    pub(crate) twice: u64,
    /// Positions given to two messages.
    pub(crate) reused: u64,
    /// Messages missed without being told.
    pub(crate) untold: u64,
    /// Posts of which nothing was said to the end.
    pub(crate) unanswered: u64,
    /// Refusals of what was said again later.
    pub(crate) refused: u64,
}

impl Ledger {
    /// From where the room is entered again.
    pub(super) fn stands_at(&self) -> Option<String> {
        self.last.map(|(epoch, offset)| format!("{}:{offset}", self.epochs[epoch]))
    }

    pub(super) fn joined(&mut self, joined: &Value) {
        let Some((epoch, at)) = position(&joined["at"]) else { return };
        let epoch = self.place_of(epoch);
        self.last = match self.last {
            // Everything behind it follows, as the room counts today.
            Some((_, offset)) if joined["resumed"] == true => Some((epoch, offset)),
            // What is gone is told next.
            Some(last) => Some(last),
            None => Some((epoch, at)),
        };
    }

    pub(super) fn see(&mut self, at: &Value, tag: u64) {
        let Some((epoch, offset)) = position(at) else { return };
        let at = (self.place_of(epoch), offset);
        self.faults.untold += u64::from(self.last.is_some_and(|(epoch, last)| (epoch, last + 1) != at));
        self.faults.reused += u64::from(self.shown.insert(at, tag).is_some_and(|before| before != tag));
        self.last = Some(at);
    }

    pub(super) fn accept(&mut self, at: &Value, tag: u64) {
        if let Some((_, offset)) = position(at) {
            self.accepted.insert(tag, offset);
        }
    }

    pub(super) fn lose(&mut self, at: &Value) {
        if let Some((epoch, offset)) = position(at) {
            self.last = Some((self.place_of(epoch), offset));
        }
    }

    pub(super) fn note_refusal(&mut self) {
        self.faults.refused += 1;
    }

    /// Holds it against the whole history: offsets and tags, from the newest to the oldest.
    pub(super) fn judge(self, history: &[(u64, u64)], unanswered: usize) -> Faults {
        let kept: HashMap<u64, u64> = history.iter().map(|(offset, tag)| (*tag, *offset)).collect();
        let lost = self.accepted.iter().filter(|(tag, offset)| kept.get(tag) != Some(offset)).count();
        let gaps =
            history.iter().zip(history.iter().skip(1)).filter(|((newer, _), (older, _))| *newer != older + 1);
        Faults {
            accepted: self.accepted.len() as u64,
            lost: (lost + gaps.count()) as u64,
            twice: (history.len() - kept.len()) as u64,
            unanswered: unanswered as u64,
            ..self.faults
        }
    }

    fn place_of(&mut self, epoch: &str) -> usize {
        let known = self.epochs.iter().rposition(|known| known == epoch);
        known.unwrap_or_else(|| {
            self.epochs.push(epoch.to_owned());
            self.epochs.len() - 1
        })
    }
}

impl Add for Faults {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            accepted: self.accepted + other.accepted,
            lost: self.lost + other.lost,
            twice: self.twice + other.twice,
            reused: self.reused + other.reused,
            untold: self.untold + other.untold,
            unanswered: self.unanswered + other.unanswered,
            refused: self.refused + other.refused,
        }
    }
}

impl Sum for Faults {
    fn sum<All: Iterator<Item = Self>>(all: All) -> Self {
        all.fold(Self::default(), Add::add)
    }
}

/// Epoch and offset.
pub(super) fn position(at: &Value) -> Option<(&str, u64)> {
    let (epoch, offset) = at.as_str()?.split_once(':')?;
    Some((epoch, offset.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(shown: &[(&str, u64)], accepted: &[(u64, &str)]) -> Ledger {
        let mut ledger = Ledger::default();
        ledger.joined(&json!({ "at": "a:0" }));
        shown.iter().for_each(|(at, tag)| ledger.see(&json!(at), *tag));
        accepted.iter().for_each(|(tag, at)| ledger.accept(&json!(at), *tag));
        ledger
    }

    #[test]
    fn what_was_accepted_and_is_there_once_is_right() {
        let ledger = told(&[("a:1", 1), ("a:2", 2)], &[(1, "a:1"), (2, "a:2")]);
        assert_eq!(ledger.judge(&[(2, 2), (1, 1)], 0), Faults { accepted: 2, ..Faults::default() });
    }

    #[test]
    fn what_is_lost_there_twice_or_elsewhere_is_found() {
        assert_eq!(
            told(&[], &[(1, "a:1")]).judge(&[], 3),
            Faults { accepted: 1, lost: 1, unanswered: 3, ..Faults::default() }
        );
        assert_eq!(told(&[], &[(1, "a:1")]).judge(&[(2, 1)], 0).lost, 1);
        assert_eq!(told(&[], &[]).judge(&[(2, 1), (1, 1)], 0).twice, 1);
        assert_eq!(told(&[], &[]).judge(&[(3, 2), (1, 1)], 0).lost, 1, "a hole in the history");
    }

    #[test]
    fn positions_that_are_given_twice_and_gaps_that_are_not_told_are_found() {
        let mut ledger = told(&[("a:1", 1)], &[]);
        ledger.lose(&json!("a:0"));
        ledger.see(&json!("a:1"), 7);
        assert_eq!(ledger.judge(&[], 0).reused, 1);
        assert_eq!(told(&[("a:2", 1)], &[]).judge(&[], 0).untold, 1);
        let mut ledger = told(&[("a:1", 1), ("a:2", 2)], &[]);
        ledger.joined(&json!({ "at": "b:2", "resumed": false }));
        ledger.lose(&json!("b:1"));
        ledger.see(&json!("b:2"), 9);
        assert_eq!(ledger.judge(&[], 0), Faults::default(), "another epoch, and it was told");
    }

    #[test]
    fn a_room_that_goes_on_in_another_epoch_is_entered_where_one_stood() {
        let mut ledger = told(&[("a:1", 1), ("a:2", 2)], &[]);
        assert_eq!(ledger.stands_at().as_deref(), Some("a:2"));
        ledger.joined(&json!({ "at": "b:4", "resumed": true }));
        ledger.see(&json!("b:3"), 3);
        assert_eq!((ledger.stands_at().as_deref(), ledger.faults), (Some("b:3"), Faults::default()));
    }
}
