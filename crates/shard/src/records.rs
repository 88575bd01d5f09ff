//! What is remembered of strands that were cut off, until their clients come back or time is up.
//!
//! A strand goes by the session in which it began, and is remembered by that session's shard: the name that its client knows leads
//! there, whichever node it was cut off from and to whichever it comes back. It is remembered too on the node that it was cut off from, should
//! the other one be gone.

use chat::UserId;
use gateways::Strand;
use hashbrown::HashMap;

use crate::deadlines::Deadlines;
use crate::journal::Journal;
use crate::{Now, SessionKey};

/// What a strand goes by: the session in which it began, and which of that session's it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Claim {
    pub(crate) began: SessionKey,
    pub(crate) strand: Strand,
}

/// What must be known of a strand so that it can go on.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The session that it was cut off in.
    pub(crate) session: SessionKey,
    pub(crate) user: Option<UserId>,
    pub(crate) journal: Journal,
}

/// The strands that began on this shard and are not where they began, and those of other nodes that are, or were, on this node.
#[derive(Debug)]
pub(crate) struct Records {
    kept: HashMap<Claim, (u64, Record)>,
    /// What was put in, those since taken included.
    due: Deadlines<(Claim, u64)>,
    /// How many were ever put in, and when the last one was.
    number: u64,
    newest_ms: Option<u64>,
    records_max: usize,
    /// Strands that go on in another session than the one in which they began.
    moved: HashMap<Claim, SessionKey>,
}

impl Records {
    pub(crate) fn new(keep_ms: u64, records_max: usize) -> Self {
        Self {
            kept: HashMap::new(),
            due: Deadlines::new(keep_ms),
            number: 0,
            newest_ms: None,
            records_max,
            moved: HashMap::new(),
        }
    }

    /// Keeps the record of a strand that was cut off in a session. When there are too many, the oldest goes.
    pub(crate) fn put(&mut self, claim: Claim, record: Record, now: Now) {
        self.forget(claim, record.session);
        self.number += 1;
        self.newest_ms = Some(now.monotonic_ms);
        self.kept.insert(claim, (self.number, record));
        self.due.push(now.monotonic_ms, (claim, self.number));
        if self.due.len() > self.records_max
            && let Some((claim, number)) = self.due.pop()
        {
            self.expire(claim, number);
        }
    }

    /// Hands a record out.
    pub(crate) fn take(&mut self, claim: Claim) -> Option<Record> {
        let (_, record) = self.kept.remove(&claim)?;
        self.give_back();
        Some(record)
    }

    /// Shows a record.
    pub(crate) fn get(&self, claim: Claim) -> Option<&Record> {
        self.kept.get(&claim).map(|(_, record)| record)
    }

    /// The strands of which there are records.
    pub(crate) fn claims(&self) -> impl Iterator<Item = Claim> {
        self.kept.keys().copied()
    }

    /// Keeps a record no longer.
    pub(crate) fn let_go(&mut self, claim: Claim) {
        drop(self.take(claim));
    }

    /// Keeps a record no longer if the strand was cut off in that session. Says whether it was.
    pub(crate) fn let_go_of(&mut self, claim: Claim, session: SessionKey) -> bool {
        let is_meant = self.get(claim).is_some_and(|record| record.session == session);
        if is_meant {
            self.let_go(claim);
        }
        is_meant
    }

    /// The strand goes on in another session than the one in which it began. A node may end without a word, so of strands that went on there
    /// some are forgotten when there are too many.
    pub(crate) fn note_moved(&mut self, claim: Claim, session: SessionKey) {
        if self.moved.len() >= self.records_max
            && let Some(some) = self.moved.keys().next().copied()
        {
            self.moved.remove(&some);
        }
        self.moved.insert(claim, session);
    }

    /// The strand is over, or no longer in that session: nothing is known of its stay there.
    pub(crate) fn forget(&mut self, claim: Claim, session: SessionKey) {
        if self.moved.get(&claim) == Some(&session) {
            self.moved.remove(&claim);
        }
        if self.kept.get(&claim).is_some_and(|(_, record)| record.session == session) {
            self.kept.remove(&claim);
        }
        self.give_back();
    }

    /// The strand goes on in that session, and nothing else is known of it.
    pub(crate) fn note_stay(&mut self, claim: Claim, session: SessionKey) {
        self.kept.remove(&claim);
        self.note_moved(claim, session);
        self.give_back();
    }

    /// The session in which the strand goes on, when it is not the one where it began.
    pub(crate) fn moved_to(&self, claim: Claim) -> Option<SessionKey> {
        self.moved.get(&claim).copied()
    }

    /// Lets go of those whose time is up.
    pub(crate) fn tick(&mut self, now: Now) {
        while let Some((claim, number)) = self.due.pop_due(now.monotonic_ms) {
            self.expire(claim, number);
        }
    }

    pub(crate) fn next_ms(&self) -> Option<u64> {
        self.due.look_ms()
    }

    /// When a record was put in last.
    pub(crate) fn newest_ms(&self) -> Option<u64> {
        self.newest_ms
    }

    pub(crate) fn len(&self) -> usize {
        self.kept.len()
    }

    fn expire(&mut self, claim: Claim, number: u64) {
        if self.kept.get(&claim).is_some_and(|(kept, _)| *kept == number) {
            self.kept.remove(&claim);
            self.give_back();
        }
    }

    /// Gives memory back once nothing is left.
    fn give_back(&mut self) {
        if self.kept.is_empty() {
            self.kept = HashMap::new();
        }
        if self.moved.is_empty() {
            self.moved = HashMap::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use backplanes::NodeId;
    use chat::Time;

    use super::*;
    use crate::ShardId;

    fn session(slot: u32) -> SessionKey {
        SessionKey { node: NodeId(0), shard: ShardId(0), slot, generation: 1 }
    }

    fn claim(slot: u32) -> Claim {
        Claim { began: session(slot), strand: 0 }
    }

    fn now(monotonic_ms: u64) -> Now {
        Now { monotonic_ms, wall: Time(0) }
    }

    fn put(records: &mut Records, slot: u32, at_ms: u64) {
        let record = Record { session: session(slot), user: None, journal: Journal::default() };
        records.put(claim(slot), record, now(at_ms));
    }

    #[test]
    fn a_record_is_there_once_and_until_its_time_is_up() {
        let mut records = Records::new(100, 10);
        put(&mut records, 1, 0);
        put(&mut records, 2, 50);
        assert!(records.take(claim(1)).is_some() && records.take(claim(1)).is_none());
        put(&mut records, 1, 60);
        records.tick(now(100));
        assert_eq!(records.len(), 2, "the first one's time was another one's");
        records.tick(now(150));
        assert!(records.take(claim(2)).is_none());
        records.tick(now(160));
        assert_eq!((records.len(), records.next_ms()), (0, None));
    }

    #[test]
    fn when_there_are_too_many_the_oldest_go() {
        let mut records = Records::new(100, 3);
        (0..5).for_each(|slot| put(&mut records, slot, 0));
        assert_eq!(records.len(), 3);
        assert!(records.take(claim(1)).is_none() && records.take(claim(2)).is_some());
    }

    #[test]
    fn it_is_known_where_a_strand_goes_on_until_it_ends_there() {
        let mut records = Records::new(100, 3);
        records.note_moved(claim(1), session(7));
        records.forget(claim(1), session(8));
        assert_eq!(records.moved_to(claim(1)), Some(session(7)));
        records.forget(claim(1), session(7));
        assert_eq!(records.moved_to(claim(1)), None);
    }

    #[test]
    fn what_a_session_left_behind_is_forgotten_with_it_and_nothing_else() {
        let mut records = Records::new(100, 3);
        put(&mut records, 1, 0);
        records.forget(claim(1), session(2));
        assert_eq!(records.len(), 1);
        records.forget(claim(1), session(1));
        assert_eq!(records.len(), 0);
    }
}
