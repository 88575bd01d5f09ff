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
    /// Messages, by their offsets, that are not certain to be told beyond the node yet.
    unannounced: Vec<u64>,
}

impl Place {
    /// A room that the file does not know.
    pub(super) fn fresh(life: i64) -> Self {
        Self { life, is_written: false, head: None, kept: 0, left_out: 0, sum: 0, unannounced: Vec::new() }
    }

    /// A room that the file knows.
    pub(super) fn known(life: i64, head: Position, sum: u64) -> Self {
        Self { is_written: true, head: Some(head), kept: head.offset, sum, ..Self::fresh(life) }
    }

    /// Whether a message is kept. Of one in another epoch that is told when the room is known to have come there.
    pub(super) fn keeps(&self, at: Position) -> Keeps {
        if self.head.is_none_or(|head| head.epoch != at.epoch) || self.unannounced.contains(&at.offset) {
            Keeps::Later
        } else if at.offset <= self.left_out {
            Keeps::Never
        } else if at.offset <= self.kept {
            Keeps::Already
        } else {
            Keeps::Later
        }
    }

    /// What is behind this offset is on its way to the file, and can be had from nowhere else.
    pub(super) fn settled(&self) -> u64 {
        self.kept.max(self.left_out)
    }

    /// Something at this offset, and perhaps before it, is not kept.
    pub(super) fn leave_out(&mut self, offset: u64) {
        self.left_out = self.left_out.max(offset);
    }

    /// A message is to be told beyond the node, and is not taken for kept before that is certain.
    pub(super) fn announce(&mut self, offset: u64) {
        self.unannounced.push(offset);
    }

    /// That is certain now.
    pub(super) fn announced(&mut self, offset: u64) {
        if let Some(index) = self.unannounced.iter().position(|unannounced| *unannounced == offset) {
            self.unannounced.swap_remove(index);
        }
    }

    /// Everything up to this offset is done with.
    pub(super) fn done(&self) -> u64 {
        let first = self.unannounced.iter().min();
        first.map_or(self.kept, |first| self.kept.min(first.saturating_sub(1)))
    }
}
