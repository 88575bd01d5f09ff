//! What operators are told of a room by its home.

use chat::{RoomId, UserId};

use super::Homes;
use crate::office::{MembersReport, RoomReport};

impl Homes {
    /// How a room stands.
    pub(crate) fn describe(&self, room: &RoomId) -> RoomReport {
        let Some(home) = self.rooms.get(room) else { return RoomReport::default() };
        let (counts, sessions) = (home.roster.counts(), home.roster.sessions_everywhere());
        RoomReport { counts, sessions, at: home.head, is_here: true, ..RoomReport::default() }
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
