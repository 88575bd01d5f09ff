//! Moments at which single sessions are to be looked at, for the few that need a moment of their own: one heap instead of a timer each.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::num::NonZero;

use crate::SessionKey;

/// Why a session is to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Alarm {
    /// Its protocol asked to be woken for something.
    Wake(u32),
    /// It is sent the sign of life that was put off.
    Ping,
    /// There is room again for what it asks for.
    Paced,
    /// It must have answered that, which was sent then.
    Answer(u64),
    /// Its client must have said by itself that it is there.
    Silence,
    /// What it was believed by runs out, at this second since 1970: it is to be told.
    Expiring(NonZero<u32>),
    /// It has run out.
    Expired(NonZero<u32>),
}

/// Alarms by the moment at which they are due.
#[derive(Debug, Default)]
pub(crate) struct Alarms {
    heap: BinaryHeap<Reverse<(u64, Alarm, SessionKey)>>,
    /// There were so many when those of sessions that are gone were let go last.
    cleared_to: usize,
}

/// So few are not worth clearing.
const CLEARED_MIN: usize = 1024;

impl Alarms {
    /// Sets an alarm. `is_there` says which sessions are still worth one: what was set for others is let go now and then, so that there are
    /// never many more alarms than live ones.
    pub(crate) fn set(
        &mut self,
        due_ms: u64,
        alarm: Alarm,
        session: SessionKey,
        is_there: impl Fn(SessionKey) -> bool,
    ) {
        if self.heap.len() >= 2 * self.cleared_to.max(CLEARED_MIN) {
            self.heap.retain(|Reverse((_, _, session))| is_there(*session));
            self.cleared_to = self.heap.len();
        }
        self.heap.push(Reverse((due_ms, alarm, session)));
    }

    /// Takes the next alarm that is due.
    pub(crate) fn pop_due(&mut self, now_ms: u64) -> Option<(Alarm, SessionKey)> {
        if self.next_ms()? > now_ms {
            return None;
        }
        let Reverse((_, alarm, session)) = self.heap.pop()?;
        if self.heap.is_empty() {
            *self = Self::default();
        }
        Some((alarm, session))
    }

    /// When the next alarm is due.
    pub(crate) fn next_ms(&self) -> Option<u64> {
        self.heap.peek().map(|Reverse((due_ms, _, _))| *due_ms)
    }
}

#[cfg(test)]
mod tests {
    use backplanes::NodeId;

    use super::*;
    use crate::ShardId;

    fn session(slot: u32) -> SessionKey {
        SessionKey { node: NodeId(0), shard: ShardId(0), slot, generation: 1 }
    }

    #[test]
    fn alarms_come_when_they_are_due_the_earliest_first() {
        let mut alarms = Alarms::default();
        for (due_ms, slot) in [(30, 3), (10, 1), (20, 2)] {
            alarms.set(due_ms, Alarm::Wake(0), session(slot), |_| true);
        }
        assert_eq!((alarms.next_ms(), alarms.pop_due(9)), (Some(10), None));
        assert_eq!(alarms.pop_due(20), Some((Alarm::Wake(0), session(1))));
        assert_eq!(alarms.pop_due(20), Some((Alarm::Wake(0), session(2))));
        assert_eq!((alarms.pop_due(20), alarms.next_ms()), (None, Some(30)));
    }

    #[test]
    fn alarms_of_sessions_that_are_gone_do_not_pile_up() {
        let mut alarms = Alarms::default();
        for slot in 0..100_000 {
            alarms.set(u64::from(slot), Alarm::Wake(0), session(slot), |there| there.slot + 10 > slot);
            assert!(alarms.heap.len() <= 2 * CLEARED_MIN, "{} alarms for ten sessions", alarms.heap.len());
        }
    }

    #[test]
    fn alarms_of_sessions_that_are_there_are_kept_however_many() {
        let mut alarms = Alarms::default();
        (0..10_000).for_each(|slot| alarms.set(1, Alarm::Silence, session(slot), |_| true));
        assert_eq!(std::iter::from_fn(|| alarms.pop_due(1)).count(), 10_000);
    }
}
