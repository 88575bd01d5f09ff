//! What operators are told of a room by its home.

use chat::{RoomId, UserId};

use super::Homes;
use crate::office::{MembersReport, RoomReport};

impl Homes {
    /// How a room stands; `None`: nobody is there, and nobody was lately.
    pub(crate) fn describe(&self, room: &RoomId) -> Option<RoomReport> {
        let home = self.rooms.get(room)?;
        let (counts, sessions) = (home.roster.counts(), home.roster.sessions_everywhere());
        Some(RoomReport { counts, sessions, at: home.head })
    }

    /// Who is in a room, from behind a name on.
    pub(crate) fn members(
        &self,
        room: &RoomId,
        after: Option<&UserId>,
        limit: usize,
    ) -> Option<MembersReport> {
        let roster = &self.rooms.get(room)?.roster;
        let mut names = roster.names_after(after);
        let users = names.by_ref().take(limit).cloned().collect();
        let more = names.next().is_some();
        Some(MembersReport { users, more, counts: roster.counts(), is_complete: roster.names_everybody() })
    }
}
