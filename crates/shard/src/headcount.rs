//! How many sessions users and addresses have on this node. The shard that a name or an address falls to is told of each session that comes and goes,
//! and says when it is one too many. It is for as long as there is such a bound; who was there before is not counted.

use chat::{Farewell, UserId};
use hashbrown::HashMap;
use smallvec::SmallVec;

use crate::callers::Source;
use crate::streams::Place;
use crate::{Limit, Mail, Now, SessionKey, Shard, ShardId};

/// Whose sessions are counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Party {
    /// A user's.
    User(UserId),
    /// Those from an address.
    Source(Source),
}

/// What this shard counts, and what its sessions are counted as.
#[derive(Debug, Default)]
pub(crate) struct Headcount {
    /// Of those that fall to this shard: how many sessions the node has of each.
    counts: HashMap<Party, u32>,
    counted: HashMap<Place, SmallVec<[Party; 2]>>,
}

impl Headcount {
    /// One more. Says how many there are.
    fn add(&mut self, party: Party) -> u32 {
        let count = self.counts.entry(party).or_insert(0);
        *count += 1;
        *count
    }

    fn subtract(&mut self, party: &Party) {
        let Some(count) = self.counts.get_mut(party) else { return };
        *count -= 1;
        if *count == 0 {
            self.counts.remove(party);
        }
        if self.counts.is_empty() {
            self.counts = HashMap::new();
        }
    }

    /// Notes what a session is counted as. Says whether that is new.
    fn note(&mut self, place: Place, party: &Party) -> bool {
        let counted = self.counted.entry(place).or_default();
        let is_new = !counted.contains(party);
        if is_new {
            counted.push(party.clone());
        }
        is_new
    }

    /// Takes what a session was counted as.
    fn take(&mut self, place: Place) -> SmallVec<[Party; 2]> {
        if self.counted.is_empty() {
            return SmallVec::new();
        }
        let counted = self.counted.remove(&place).unwrap_or_default();
        if self.counted.is_empty() {
            self.counted = HashMap::new();
        }
        counted
    }
}

impl Shard {
    /// A session is one more of somebody's, where that is bounded. Who only comes by with one request is not counted.
    pub(crate) fn count_in(&mut self, place: Place, party: Party) {
        let stays = self.sessions.get(place).is_some_and(|session| session.protocol.form().is_some());
        if stays && self.sessions_max(&party).is_some() && self.headcount.note(place, &party) {
            let session = self.sessions.key(place);
            self.send_mail(self.counter_of(&party), Mail::Came { party, session });
        }
    }

    /// A session is over.
    pub(crate) fn count_out(&mut self, place: Place) {
        for party in self.headcount.take(place) {
            self.send_mail(self.counter_of(&party), Mail::Went { party });
        }
    }

    /// A session that this shard counts has come, on some shard.
    pub(crate) fn came(&mut self, party: Party, session: SessionKey) {
        let max = self.sessions_max(&party);
        let limit = match party {
            Party::User(_) => Limit::UserSessions,
            Party::Source(_) => Limit::AddressSessions,
        };
        let count = self.headcount.add(party);
        if max.is_some_and(|max| count > max) {
            self.tally.limit(limit);
            self.send_mail(session.shard, Mail::TooMany { session });
        }
    }

    /// A session that this shard counts is over.
    pub(crate) fn went(&mut self, party: &Party) {
        self.headcount.subtract(party);
    }

    /// A session is one too many.
    pub(crate) fn is_too_many(&mut self, session: SessionKey, now: Now) {
        if let Some(place) = self.sessions.find(session) {
            self.part(place, Farewell::TooManySessions, now);
        }
    }

    fn sessions_max(&self, party: &Party) -> Option<u32> {
        let limits = &self.settings.limits;
        let max = match party {
            Party::User(_) => limits.user_sessions_max,
            Party::Source(_) => limits.address_sessions_max,
        };
        (max > 0).then_some(max)
    }

    fn counter_of(&self, party: &Party) -> ShardId {
        match party {
            Party::User(user) => self.settings.home_of(&chat::RoomId::inbox(user.clone())),
            Party::Source(source) => source.shard(self.settings.shards),
        }
    }
}
