//! How fast messages come in a room, told from its offsets: nothing is counted for it. Who looks again knows how many have come since.

/// Looks that follow sooner are told the same.
const LOOK_MS_MIN: u32 = 1000;
/// What was seen longer ago says nothing of now.
const LOOK_MS_MAX: u32 = 60_000;
/// No room comes to such an offset.
const UNSEEN: u64 = u64::MAX;
const UNKNOWN: u32 = u32::MAX;

/// Where a room stood when somebody looked last, and how fast it had come there. There is one for each room with sessions here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tempo {
    offset: u64,
    /// By the clock of the shard, which goes round here.
    seen_ms: u32,
    /// Messages in a thousand seconds.
    pace: u32,
}

impl Tempo {
    /// Nobody has looked.
    pub(crate) fn new() -> Self {
        Self { offset: UNSEEN, seen_ms: 0, pace: UNKNOWN }
    }

    /// Looks at a room that stands at an offset. Tells how many messages come in a thousand seconds; `None`: nobody had looked for a while.
    pub(crate) fn look(&mut self, offset: u64, now_ms: u64) -> Option<u32> {
        let since_ms = (now_ms as u32).wrapping_sub(self.seen_ms);
        // A room that began anew stands further back.
        let goes_on = self.offset <= offset;
        if !goes_on || since_ms >= LOOK_MS_MIN {
            let is_known = goes_on && since_ms <= LOOK_MS_MAX;
            let come = || (offset - self.offset).saturating_mul(1_000_000) / u64::from(since_ms);
            self.pace = if is_known { come().min(u64::from(UNKNOWN - 1)) as u32 } else { UNKNOWN };
            (self.offset, self.seen_ms) = (offset, now_ms as u32);
        }
        Some(self.pace).filter(|pace| *pace != UNKNOWN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_look_knows_how_many_came_in_between() {
        let mut tempo = Tempo::new();
        assert_eq!(tempo.look(100, 5_000), None);
        assert_eq!(tempo.look(100, 7_000), Some(0));
        assert_eq!(tempo.look(103, 9_000), Some(1_500));
        assert_eq!(tempo.look(110, 9_999), Some(1_500), "too soon to tell");
        assert_eq!(tempo.look(113, 10_000), Some(10_000));
    }

    #[test]
    fn what_was_seen_long_ago_or_of_a_room_that_began_anew_tells_nothing() {
        let mut tempo = Tempo::new();
        assert_eq!(tempo.look(1, 0), None);
        assert_eq!(tempo.look(600, 60_001), None);
        assert_eq!(tempo.look(3, 60_500), None);
        assert_eq!(tempo.look(5, 62_500), Some(1_000));
    }

    #[test]
    fn the_clock_may_go_round_and_no_flood_is_unknown() {
        let mut tempo = Tempo::new();
        let late = u64::from(u32::MAX);
        assert_eq!(tempo.look(0, late - 500), None);
        assert_eq!(tempo.look(4, late + 1_500), Some(2_000));
        assert_eq!(tempo.look(u64::MAX - 1, late + 3_500), Some(UNKNOWN - 1));
    }
}
