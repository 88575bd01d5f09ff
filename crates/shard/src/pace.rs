//! How fast clients are told to come back elsewhere: so many in any second, over all shards.
//!
//! Time goes by in cells, and in each cell so many slots of the node are given away, which lie evenly apart in the next one: clients are told in the
//! one cell to come in the other. A second touches a certain number of cells at most, so that many hold what the rate allows. It is kept thereby whether
//! clients wait as they are told or come at once, however late in a cell a shard gets to it, and there is room for what they add of their own. Whose the
//! slots are every shard knows by itself, from how many clients each one has. A slot that nobody was given is lost.

/// How long a cell is.
pub(crate) const CELL_MS: u64 = 50;
/// How many of them a second may touch.
const CELLS: u64 = 1000 / CELL_MS + 1;

/// The pace of one shard.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    since_ms: u64,
    /// Over all shards; 0: as many as there are.
    per_second: u64,
    /// This shard, and how many clients each had when it began.
    own: usize,
    clients: Vec<u64>,
    all: u64,
    /// The slots gone by, and how many of them each shard was given.
    slots: u64,
    given: Vec<u64>,
    /// The cell whose slots are given away, and when those of this shard are, the last first.
    cell: Option<u64>,
    open_ms: Vec<u64>,
    /// There was nobody left to be told in this cell.
    is_forgone: bool,
}

impl Pace {
    /// `clients` of each shard are to be told, on the shard `own` by this pace.
    pub(crate) fn new(since_ms: u64, per_second: u64, own: usize, clients: Vec<u64>) -> Self {
        let (all, given) = (clients.iter().sum(), vec![0; clients.len()]);
        let (slots, cell, open_ms) = (0, None, Vec::new());
        Self { since_ms, per_second, own, clients, all, slots, given, cell, open_ms, is_forgone: false }
    }

    /// Whether somebody may be told now. `now_ms` never goes back.
    pub(crate) fn has_left(&mut self, now_ms: u64) -> bool {
        let cell = now_ms.saturating_sub(self.since_ms) / CELL_MS;
        if self.cell.is_none_or(|last| last < cell) {
            self.begin(cell);
        }
        !self.is_forgone && (self.per_second == 0 || !self.open_ms.is_empty())
    }

    /// One is told. Says when it is to come, if that matters: in a later cell than the next one where this one has no slots left.
    pub(crate) fn take(&mut self) -> Option<u64> {
        if self.per_second == 0 || self.clients[self.own] == 0 {
            return None;
        }
        while self.open_ms.is_empty() {
            self.begin(self.cell.map_or(0, |cell| cell + 1));
        }
        self.open_ms.pop()
    }

    /// There is nobody left who could be told in this cell.
    pub(crate) fn forgo(&mut self) {
        self.is_forgone = true;
    }

    /// When the next cell begins.
    pub(crate) fn next_ms(&self) -> u64 {
        let next = self.cell.map_or(0, |cell| cell + 1);
        self.since_ms + next * CELL_MS
    }

    /// When all shards have told everybody, if nothing keeps them.
    pub(crate) fn end_ms(&self) -> u64 {
        self.since_ms + (self.all * CELLS * CELL_MS).checked_div(self.per_second).unwrap_or(0)
    }

    /// Gives the slots of a cell away.
    fn begin(&mut self, cell: u64) {
        (self.cell, self.is_forgone) = (Some(cell), false);
        self.open_ms.clear();
        let (first, end) = (self.up_to(cell), self.up_to(cell + 1));
        let come_ms = self.since_ms + (cell + 1) * CELL_MS;
        while self.slots < end {
            if self.next_owner() == self.own && self.slots >= first {
                self.open_ms.push(come_ms + (self.slots - first) * CELL_MS / (end - first));
            }
            self.slots += 1;
        }
        self.open_ms.reverse();
    }

    /// The shard that gets the next slot: the one that has the most too few for its part of all clients.
    fn next_owner(&mut self) -> usize {
        let lacks = |shard: usize| {
            i128::from(self.clients[shard]) * i128::from(self.slots + 1)
                - i128::from(self.given[shard]) * i128::from(self.all)
        };
        let owner = (0..self.clients.len()).rev().max_by_key(|shard| lacks(*shard)).unwrap_or(self.own);
        self.given[owner] += 1;
        owner
    }

    /// How many slots there are before those of a cell.
    fn up_to(&self, cell: u64) -> u64 {
        self.per_second * cell / CELLS
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const SINCE_MS: u64 = 5000;

    /// A shard that tells its clients.
    struct Telling {
        pace: Pace,
        here: u64,
        now_ms: u64,
    }

    /// When each client was told, and when it is to come.
    #[derive(Default)]
    struct Told {
        at_ms: Vec<u64>,
        come_ms: Vec<u64>,
    }

    impl Telling {
        /// Tells all it may, or everybody.
        fn tell(&mut self, is_last: bool, told: &mut Told) {
            while self.here > 0 && (self.pace.has_left(self.now_ms) || is_last) {
                self.here -= 1;
                told.at_ms.push(self.now_ms);
                told.come_ms.extend(self.pace.take());
            }
        }
    }

    fn shards(per_second: u64, clients: &[u64]) -> Vec<Telling> {
        let pace = |own| Pace::new(SINCE_MS, per_second, own, clients.to_vec());
        let shards = clients.iter().enumerate();
        shards.map(|(own, here)| Telling { pace: pace(own), here: *here, now_ms: SINCE_MS }).collect()
    }

    /// All shards look every so often until everybody is told.
    fn tell_all(per_second: u64, clients: &[u64], look_ms: u64) -> Told {
        let (mut shards, mut told) = (shards(per_second, clients), Told::default());
        while shards.iter().any(|shard| shard.here > 0) {
            for shard in &mut shards {
                shard.tell(false, &mut told);
                shard.now_ms += look_ms;
            }
        }
        told
    }

    /// The most that lie within any second.
    fn most_in_a_second(mut moments_ms: Vec<u64>) -> usize {
        moments_ms.sort_unstable();
        let within = |first: usize| moments_ms.partition_point(|at| *at < moments_ms[first] + 1000) - first;
        (0..moments_ms.len()).map(within).max().unwrap_or(0)
    }

    proptest! {
        /// However late shards look, and when time is up in the middle of it.
        #[test]
        fn in_no_second_are_more_told_or_to_come_than_the_rate_allows(
            per_second in 1_u64..700,
            clients in vec(0_u64..500, 1..5),
            pauses_ms in vec(1_u64..260, 1..40),
            last_ms in 500_u64..6000,
        ) {
            let (mut shards, mut told) = (shards(per_second, &clients), Told::default());
            for (own, shard) in shards.iter_mut().enumerate() {
                let mut pauses_ms = pauses_ms.iter().cycle().skip(own);
                while shard.now_ms < SINCE_MS + last_ms {
                    shard.tell(false, &mut told);
                    shard.now_ms += pauses_ms.next().expect("it goes round");
                }
            }
            let most = most_in_a_second(told.at_ms.clone());
            prop_assert!(most as u64 <= per_second, "{} of {} are told", most, per_second);
            shards.iter_mut().for_each(|shard| shard.tell(true, &mut told));
            let most = most_in_a_second(told.come_ms.clone());
            prop_assert!(most as u64 <= per_second, "{} of {} come", most, per_second);
            prop_assert_eq!(told.come_ms.len() as u64, clients.iter().sum::<u64>());
            prop_assert!(told.come_ms.iter().zip(&told.at_ms).all(|(come, at)| come >= at));
        }
    }

    #[test]
    fn uneven_shards_keep_the_rate_together_and_are_done_at_once() {
        for clients in [&[2000][..], &[1000, 1000], &[1900, 100, 0], &[1, 1999], &[700, 500, 300, 500]] {
            let Told { at_ms, come_ms } = tell_all(500, clients, 10);
            let took_ms = at_ms.last().expect("somebody was told") - SINCE_MS;
            assert!((4100..=4200).contains(&took_ms), "{clients:?} took {took_ms} ms");
            let most = most_in_a_second(come_ms);
            assert!(at_ms.len() == 2000 && (476..=478).contains(&most), "{clients:?}: {most}");
        }
    }

    #[test]
    fn clients_come_evenly_and_each_at_a_moment_of_its_own() {
        let mut come_ms = tell_all(420, &[300, 120], 50).come_ms;
        come_ms.sort_unstable();
        let apart: Vec<u64> = come_ms.windows(2).map(|two| two[1] - two[0]).collect();
        assert!(apart.iter().all(|apart| (2..=3).contains(apart)), "{apart:?}");
    }

    #[test]
    fn a_slow_rate_is_kept_however_few_it_is_a_cell() {
        let Told { at_ms, come_ms } = tell_all(3, &[7, 5], 50);
        assert_eq!((most_in_a_second(at_ms.clone()), most_in_a_second(come_ms)), (3, 3));
        assert!(at_ms.last().expect("somebody was told") - SINCE_MS <= 4200, "{at_ms:?}");
    }

    #[test]
    fn who_was_held_up_does_not_make_up_for_it() {
        let mut pace = Pace::new(0, 1050, 0, vec![10_000]);
        let told_at = |pace: &mut Pace, now_ms| {
            let mut told = 0;
            while pace.has_left(now_ms) {
                assert!(pace.take().is_some_and(|come_ms| (now_ms..now_ms + 2 * CELL_MS).contains(&come_ms)));
                told += 1;
            }
            told
        };
        assert_eq!((told_at(&mut pace, 0), told_at(&mut pace, 3000), told_at(&mut pace, 3049)), (50, 50, 0));
        assert_eq!((pace.next_ms(), pace.has_left(3050)), (3050, true));
        pace.forgo();
        assert_eq!((pace.has_left(3099), pace.has_left(3100)), (false, true));
    }

    #[test]
    fn without_a_rate_all_may_be_told_at_once() {
        let mut pace = Pace::new(9, 0, 0, vec![3, 2]);
        assert_eq!((pace.has_left(9), pace.take(), pace.end_ms()), (true, None, 9));
        pace.forgo();
        assert_eq!((pace.has_left(9), pace.next_ms()), (false, 9 + CELL_MS));
    }
}
