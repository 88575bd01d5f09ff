//! How positions of former epochs are understood.

use crate::{Epoch, Position};

/// The epochs a room has come through without losing what was said up to some offset, the latest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lineage {
    /// An epoch, and the last of its offsets that lived on into the next.
    pub former: Box<[(Epoch, u64)]>,
}

impl Lineage {
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
