//! When each publisher is to post: an open loop, fixed before the first post and never moved by what happens.
//!
//! A post that could not go out in time keeps its intended time, so a server (or a generator) that stalls cannot
//! hide the wait from the latencies. Knows no sockets and reads no clock.

use serde::{Deserialize, Serialize};

/// The timetable that all processes share.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timetable {
    /// The first post is due then, on the monotonic clock.
    pub start_ns: u64,
    /// No post is due at or after this.
    pub end_ns: u64,
    /// Posts a second of all publishers together.
    pub rate: f64,
    /// How many publishers share the rate, evenly.
    pub publishers: u32,
    /// The most that each of them posts.
    pub posts_each_max: u32,
}

impl Timetable {
    fn interval_ns(&self) -> f64 {
        f64::from(self.publishers) * 1e9 / self.rate
    }

    /// When a publisher's post is due; publishers take turns, evenly spread over their common interval.
    fn due_ns(&self, publisher: u32, round: u32) -> u64 {
        let turns = f64::from(round) + f64::from(publisher) / f64::from(self.publishers);
        self.start_ns + (turns * self.interval_ns()) as u64
    }
}

/// A post that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// Who is to post.
    pub publisher: u32,
    /// Their own count, from 1.
    pub sequence: u32,
    /// When it was to be sent.
    pub intended_ns: u64,
}

/// One process's part of the timetable.
#[derive(Debug)]
pub struct Schedule {
    timetable: Timetable,
    /// This process's publishers, ascending, so that their turns follow each other in time.
    publishers: Vec<u32>,
    round: u32,
    next: usize,
}

impl Schedule {
    /// The timetable as it concerns `publishers`.
    pub fn new(timetable: Timetable, mut publishers: Vec<u32>) -> Self {
        publishers.sort_unstable();
        Self { timetable, publishers, round: 0, next: 0 }
    }

    /// When the next post is due; `None` when there is none left.
    pub fn next_ns(&self) -> Option<u64> {
        let publisher =
            *self.publishers.get(self.next).filter(|_| self.round < self.timetable.posts_each_max)?;
        let due = self.timetable.due_ns(publisher, self.round);
        (due < self.timetable.end_ns).then_some(due)
    }

    /// Takes the next post if it is due by now.
    pub fn take(&mut self, now_ns: u64) -> Option<Due> {
        let intended_ns = self.next_ns().filter(|due| *due <= now_ns)?;
        let due = Due { publisher: self.publishers[self.next], sequence: self.round + 1, intended_ns };
        self.next += 1;
        if self.next == self.publishers.len() {
            self.next = 0;
            self.round += 1;
        }
        Some(due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn timetable(rate: f64, publishers: u32) -> Timetable {
        Timetable { start_ns: SECOND, end_ns: 3 * SECOND, rate, publishers, posts_each_max: u32::MAX }
    }

    fn drain(schedule: &mut Schedule, now_ns: u64) -> Vec<Due> {
        std::iter::from_fn(|| schedule.take(now_ns)).collect()
    }

    #[test]
    fn the_rate_is_kept_over_the_whole_time() {
        let mut schedule = Schedule::new(timetable(30.0, 10), (0..10).collect());
        assert_eq!(drain(&mut schedule, u64::MAX).len(), 60);
    }

    #[test]
    fn a_publisher_that_is_to_post_once_does_so_within_the_time_and_never_again() {
        let once = Timetable { posts_each_max: 1, ..timetable(3.5, 7) };
        let all = drain(&mut Schedule::new(once, (0..7).collect()), u64::MAX);
        let publishers: Vec<_> = all.iter().map(|due| due.publisher).collect();
        assert_eq!(publishers, (0..7).collect::<Vec<_>>());
        assert!(all.iter().all(|due| (SECOND..3 * SECOND).contains(&due.intended_ns)), "{all:?}");
    }

    #[test]
    fn nothing_is_taken_before_its_time_and_a_late_post_keeps_its_time() {
        let mut schedule = Schedule::new(timetable(2.0, 1), vec![0]);
        assert_eq!(drain(&mut schedule, SECOND - 1), []);
        let late = drain(&mut schedule, 2 * SECOND);
        let times: Vec<_> = late.iter().map(|due| due.intended_ns).collect();
        assert_eq!(times, [SECOND, SECOND + SECOND / 2, 2 * SECOND]);
    }

    #[test]
    fn posts_come_in_the_order_of_their_times() {
        let mut schedule = Schedule::new(timetable(70.0, 7), (0..7).rev().collect());
        let all = drain(&mut schedule, u64::MAX);
        assert!(all.is_sorted_by_key(|due| due.intended_ns));
    }

    #[test]
    fn processes_together_post_what_one_would() {
        let mut alone = Schedule::new(timetable(100.0, 9), (0..9).collect());
        let mut shares = [vec![0, 3, 6], vec![1, 4, 7], vec![2, 5, 8]]
            .map(|share| Schedule::new(timetable(100.0, 9), share));
        let mut together: Vec<_> = shares.iter_mut().flat_map(|share| drain(share, u64::MAX)).collect();
        together.sort_by_key(|due| (due.intended_ns, due.publisher));
        let mut expected = drain(&mut alone, u64::MAX);
        expected.sort_by_key(|due| (due.intended_ns, due.publisher));
        assert_eq!(together, expected);
    }

    #[test]
    fn each_publisher_counts_its_own_posts_from_one() {
        let mut schedule = Schedule::new(timetable(10.0, 2), vec![0, 1]);
        let of_one = drain(&mut schedule, u64::MAX).into_iter().filter(|due| due.publisher == 1);
        let sequences: Vec<_> = of_one.map(|due| due.sequence).collect();
        assert_eq!(sequences, (1..=10).collect::<Vec<_>>());
    }

    #[test]
    fn without_publishers_nothing_is_ever_due() {
        let mut schedule = Schedule::new(timetable(10.0, 1), Vec::new());
        assert_eq!((schedule.next_ns(), schedule.take(u64::MAX)), (None, None));
    }
}
