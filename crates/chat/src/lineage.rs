//! How positions of former epochs are understood.

use crate::{Epoch, Position};

/// The epochs a room has come through without losing what was said up to some offset, the latest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lineage {
    /// An epoch, and the last of its offsets that lived on into the next.
    pub former: Box<[(Epoch, u64)]>,
}

impl Lineage {
    /// The same, where somebody knows that what stood up to `last` in an epoch lives on in that of `head`. What it says of that epoch itself stays.
    pub fn joined_by(self, epoch: Epoch, last: u64, head: Position) -> Self {
        if self.shared(Position { epoch, offset: last }, head).is_some() {
            return self;
        }
        let mut former = self.former.into_vec();
        // In front of what had ended by then, of which no less lives on for it.
        let place = former.iter().position(|(_, ended)| *ended <= last).unwrap_or(former.len());
        former.insert(place, (epoch, last));
        Self { former: former.into() }
    }

    /// The position in the epoch of `head` that a client stands at who stood at `position`; `None`: it cannot be said.
    pub fn translate(&self, position: Position, head: Position) -> Option<Position> {
        let shared = self.shared(position, head).filter(|offset| *offset == position.offset);
        shared.map(|offset| Position { epoch: head.epoch, offset })
    }

    /// The last offset in the epoch of `head` up to which a client has all that lived on who stood at `position`; `None`: nothing is known to.
    pub fn shared(&self, position: Position, head: Position) -> Option<u64> {
        let mut kept = head.offset;
        if position.epoch == head.epoch {
            return Some(position.offset.min(kept));
        }
        for (epoch, last) in &self.former {
            kept = kept.min(*last);
            if *epoch == position.epoch {
                return Some(position.offset.min(kept));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(epoch: u64, offset: u64) -> Position {
        Position { epoch: Epoch(epoch), offset }
    }

    #[test]
    fn an_epoch_that_joins_a_lineage_lives_on_in_it_and_takes_nothing_from_the_others() {
        let lineage = Lineage { former: [(Epoch(8), 7), (Epoch(7), 9), (Epoch(6), 3), (Epoch(5), 4)].into() };
        let head = at(9, 12);
        let joined = lineage.clone().joined_by(Epoch(1), 5, head);
        assert_eq!([4, 5, 6].map(|offset| joined.shared(at(1, offset), head)), [Some(4), Some(5), Some(5)]);
        for (epoch, _) in &lineage.former {
            let position = Position { epoch: *epoch, offset: 20 };
            assert_eq!(joined.shared(position, head), lineage.shared(position, head), "{epoch:?}");
        }
    }

    #[test]
    fn what_a_lineage_knows_already_it_knows_better() {
        let lineage = Lineage { former: [(Epoch(8), 7)].into() };
        for epoch in [8, 9] {
            assert_eq!(lineage.clone().joined_by(Epoch(epoch), 2, at(9, 12)), lineage);
        }
    }
}
