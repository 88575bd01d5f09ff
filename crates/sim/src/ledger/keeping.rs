//! What was accepted where rooms are kept in a file, held against what is in the file.

use std::sync::Arc;

use chat::{Lineage, Message, Position, RoomId};

use super::standing::is_full;
use super::{Ledger, mark_of};

impl Ledger {
    /// All is quiet, and everything is written: whatever was accepted, in whichever start of the node, is there, at the place that was told.
    pub fn check_kept(
        &mut self,
        standing: impl Fn(&RoomId) -> Option<(Position, Lineage)>,
        kept_at: impl Fn(&RoomId, u64) -> Option<Arc<Message>>,
    ) {
        for room in self.rooms.ids() {
            let stands = standing(&room);
            let kept = self.room(&room).kept.clone();
            for (mark, at) in kept {
                let is_there = stands.as_ref().is_some_and(|(head, lineage)| {
                    is_full(lineage) || lineage.shared(at, *head) == Some(at.offset)
                });
                let there = kept_at(&room, at.offset).and_then(|message| mark_of(&message.body));
                if !is_there || there != Some(mark) {
                    let fault =
                        format!("{mark} was accepted at {at}; on the disk is {there:?} of {stands:?}");
                    self.complaints.push(format!("in {room:?}, {fault}"));
                }
            }
        }
    }
}
