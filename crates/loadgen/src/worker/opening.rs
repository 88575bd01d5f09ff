//! The pace at which members arrive. Reads no clock and opens nothing itself.

/// How far the arrival of a process's members has come.
#[derive(Debug)]
pub(super) struct Opening {
    /// Between two arrivals; 0: as fast as the server takes them.
    interval_ns: f64,
    /// Members that may be on their way at once.
    at_once: usize,
    members: usize,
    arrived: usize,
    first_ns: Option<u64>,
}

impl Opening {
    pub(super) fn new(per_second: f64, at_once: u32, members: usize) -> Self {
        let interval_ns = if per_second > 0.0 { 1e9 / per_second } else { 0.0 };
        Self { interval_ns, at_once: at_once as usize, members, arrived: 0, first_ns: None }
    }

    /// Whether the next member may set out when so many have.
    pub(super) fn may_begin(&mut self, begun: usize, now_ns: u64) -> bool {
        if begun == self.members || begun - self.arrived >= self.at_once {
            return false;
        }
        self.first_ns.get_or_insert(now_ns);
        self.due_ns(begun) <= now_ns
    }

    /// When the next one is due, unless others have to arrive before.
    pub(super) fn next_ns(&self, begun: usize) -> Option<u64> {
        (begun < self.members && begun - self.arrived < self.at_once).then(|| self.due_ns(begun))
    }

    /// One has arrived; when it was the last: the times of the first departure and of this arrival.
    pub(super) fn one_more(&mut self, now_ns: u64) -> Option<(u64, u64)> {
        self.arrived += 1;
        (self.arrived == self.members).then_some((self.first_ns.unwrap_or(now_ns), now_ns))
    }

    fn due_ns(&self, begun: usize) -> u64 {
        self.first_ns.unwrap_or(0) + (begun as f64 * self.interval_ns) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_ramp_lets_one_begin_each_interval() {
        let mut opening = Opening::new(10.0, 100, 3);
        assert!(opening.may_begin(0, SECOND));
        assert!(!opening.may_begin(1, SECOND + 99_999_999));
        assert_eq!(opening.next_ns(1), Some(SECOND + SECOND / 10));
        assert!(opening.may_begin(1, SECOND + SECOND / 10));
    }

    #[test]
    fn no_more_are_on_their_way_than_may_be() {
        let mut opening = Opening::new(0.0, 2, 3);
        assert!(opening.may_begin(1, SECOND));
        assert!(!opening.may_begin(2, SECOND));
        assert_eq!((opening.next_ns(2), opening.one_more(SECOND)), (None, None));
        assert!(opening.may_begin(2, SECOND));
        assert!(!opening.may_begin(3, SECOND));
    }

    #[test]
    fn the_last_arrival_tells_how_long_it_took() {
        let mut opening = Opening::new(0.0, 2, 2);
        assert!(opening.may_begin(0, 5));
        assert_eq!([opening.one_more(7), opening.one_more(9)], [None, Some((5, 9))]);
    }
}
