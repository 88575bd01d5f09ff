//! Where a room stands in the file, as its shard's end knows it.

use chat::Position;

use crate::Keeps;

/// A room that is kept.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// Its life.
    pub(super) life: i64,
    /// The file knows of it, or will before it hears of any of its messages.
    pub(super) is_written: bool,
    /// The newest message that was given to the file, or passed by it; `None`: how the room stands is not known yet.
    pub(super) head: Option<Position>,
    /// Everything up to this offset is kept, but for what was left out.
    pub(super) kept: u64,
    /// Up to this offset something was left out.
    pub(super) left_out: u64,
    /// What all its messages weigh.
    pub(super) sum: u64,
}

impl Place {
    /// A room that the file does not know.
    pub(super) fn fresh(life: i64) -> Self {
        Self { life, is_written: false, head: None, kept: 0, left_out: 0, sum: 0 }
    }

    /// Whether a message is kept. Of one in another epoch that is told when the room is known to have come there.
    pub(super) fn keeps(&self, at: Position) -> Keeps {
        if self.head.is_none_or(|head| head.epoch != at.epoch) {
            Keeps::Later
        } else if at.offset <= self.left_out {
            Keeps::Never
        } else if at.offset <= self.kept {
            Keeps::Already
        } else {
            Keeps::Later
        }
    }

    /// Something at this offset, and perhaps before it, is not kept.
    pub(super) fn leave_out(&mut self, offset: u64) {
        self.left_out = self.left_out.max(offset);
    }
}
