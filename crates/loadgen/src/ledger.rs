//! The ledger: every post that went out must have reached every reader of its room once, and all readers of a room
//! must have seen the same order. Knows stamps and the layout; no sockets, no time.

use std::collections::{BTreeMap, HashMap};
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use crate::layout::Layout;
use crate::stamp::Stamp;

/// What the ledger found wrong, and how much it looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Findings {
    /// Deliveries that should have been.
    pub expected: u64,
    /// Deliveries that were, repetitions not counted.
    pub delivered: u64,
    /// Posts that never reached a reader.
    pub lost: u64,
    /// Deliveries of a post that the reader already had.
    pub duplicated: u64,
    /// Deliveries after a later post of the same publisher.
    pub reordered: u64,
    /// Deliveries of posts that nobody made, or from another room.
    pub strange: u64,
}

impl Findings {
    /// Nothing lost, repeated, out of order or made up.
    pub fn is_clean(&self) -> bool {
        self.lost + self.duplicated + self.reordered + self.strange == 0
    }
}

impl AddAssign for Findings {
    fn add_assign(&mut self, other: Self) {
        self.expected += other.expected;
        self.delivered += other.delivered;
        self.lost += other.lost;
        self.duplicated += other.duplicated;
        self.reordered += other.reordered;
        self.strange += other.strange;
    }
}

/// What one process's readers of a room saw, folded into a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomOrder {
    /// The room's number.
    pub room: u32,
    /// The fold of what the first reader saw.
    pub fold: u64,
    /// Whether all readers of this process have that fold.
    pub agreed: bool,
}

/// How many rooms had one order for all their readers, over all processes.
pub fn rooms_that_disagree(orders: impl IntoIterator<Item = RoomOrder>) -> u32 {
    let mut rooms: HashMap<u32, RoomOrder> = HashMap::new();
    for order in orders {
        let first = rooms.entry(order.room).or_insert(order);
        first.agreed &= order.agreed && order.fold == first.fold;
    }
    rooms.values().filter(|order| !order.agreed).count() as u32
}

/// One process's book of what its readers have seen.
#[derive(Debug)]
pub struct Ledger {
    layout: Layout,
    readers: Vec<Reader>,
    /// The last sequence seen, `layout.places()` of them for each reader.
    last: Vec<u32>,
    /// What was skipped and has not come since, as first..=last, by index into `last`. Empty when all is well.
    skipped: HashMap<usize, BTreeMap<u32, u32>>,
    found: Findings,
}

#[derive(Debug)]
struct Reader {
    room: u32,
    fold: u64,
}

impl Ledger {
    /// An empty book for the members given, those who read, in the order in which they are called reader 0, 1, ….
    pub fn new(layout: Layout, readers: impl IntoIterator<Item = u32>) -> Self {
        let rooms = readers.into_iter().map(|member| layout.room_of(member));
        let readers: Vec<_> = rooms.map(|room| Reader { room, fold: 0 }).collect();
        let last = vec![0; readers.len() * layout.places() as usize];
        Self { layout, readers, last, skipped: HashMap::new(), found: Findings::default() }
    }

    /// How many different posts the readers have seen together.
    pub fn delivered(&self) -> u64 {
        self.found.delivered
    }

    /// Enters what a reader got.
    #[inline]
    pub fn enter(&mut self, reader: usize, stamp: &Stamp) {
        let Reader { room, fold } = &mut self.readers[reader];
        if stamp.publisher >= self.layout.publishers || self.layout.room_of(stamp.publisher) != *room {
            self.found.strange += 1;
            return;
        }
        let post = u64::from(stamp.publisher) << 32 | u64::from(stamp.sequence);
        *fold = (fold.rotate_left(5) ^ post).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let slot = reader * self.layout.places() as usize + self.layout.place_of(stamp.publisher) as usize;
        let last = &mut self.last[slot];
        if stamp.sequence == last.wrapping_add(1) {
            *last = stamp.sequence;
            self.found.delivered += 1;
        } else {
            self.enter_out_of_turn(slot, stamp.sequence);
        }
    }

    #[cold]
    fn enter_out_of_turn(&mut self, slot: usize, sequence: u32) {
        let last = &mut self.last[slot];
        if sequence > *last {
            self.skipped.entry(slot).or_default().insert(*last + 1, sequence - 1);
            *last = sequence;
            self.found.delivered += 1;
        } else if self.skipped.get_mut(&slot).is_some_and(|gaps| fill(gaps, sequence)) {
            self.found.reordered += 1;
            self.found.delivered += 1;
        } else {
            self.found.duplicated += 1;
        }
    }

    /// How many deliveries the readers should have had when each publisher has posted so many.
    pub fn expected(&self, posted: &[u32]) -> u64 {
        self.readers.iter().map(|reader| self.expected_in(reader.room, posted)).sum()
    }

    fn expected_in(&self, room: u32, posted: &[u32]) -> u64 {
        self.layout.publishers_of(room).map(|publisher| u64::from(posted[publisher as usize])).sum()
    }

    /// Closes the book: `posted` is what each publisher has sent. A post beyond that was made up.
    pub fn settle(&self, posted: &[u32]) -> Findings {
        let mut found = Findings { expected: self.expected(posted), ..self.found };
        for (reader, Reader { room, .. }) in self.readers.iter().enumerate() {
            for publisher in self.layout.publishers_of(*room) {
                let slot = reader * self.layout.places() as usize + self.layout.place_of(publisher) as usize;
                let (last, posted) = (self.last[slot], posted[publisher as usize]);
                found.lost += u64::from(posted.saturating_sub(last));
                found.strange += u64::from(last.saturating_sub(posted));
            }
        }
        let gaps = self.skipped.values().flatten();
        found.lost += gaps.map(|(first, last)| u64::from(last - first + 1)).sum::<u64>();
        found
    }

    /// What the readers of each room saw.
    pub fn orders(&self) -> Vec<RoomOrder> {
        let mut rooms: BTreeMap<u32, RoomOrder> = BTreeMap::new();
        for Reader { room, fold } in &self.readers {
            let first = rooms.entry(*room).or_insert(RoomOrder { room: *room, fold: *fold, agreed: true });
            first.agreed &= first.fold == *fold;
        }
        rooms.into_values().collect()
    }
}

/// Takes a sequence out of the gap it is in; `false` when it is in none.
fn fill(gaps: &mut BTreeMap<u32, u32>, sequence: u32) -> bool {
    let Some((&first, &last)) = gaps.range(..=sequence).next_back().filter(|(_, last)| **last >= sequence)
    else {
        return false;
    };
    gaps.remove(&first);
    if first < sequence {
        gaps.insert(first, sequence - 1);
    }
    if sequence < last {
        gaps.insert(sequence + 1, last);
    }
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LAYOUT: Layout = Layout {
        members: 6,
        rooms: 2,
        publishers: 4,
        stalled: 0,
        publishers_read: true,
        nodes: 1,
        rooms_apart: false,
    };
    const POSTED: [u32; 4] = [10; 4];

    fn stamp(publisher: u32, sequence: u32) -> Stamp {
        Stamp { publisher, sequence, intended_ns: 0 }
    }

    /// What every reader of a room sees when all is well.
    fn stream(room: u32) -> Vec<Stamp> {
        (1..=10).flat_map(|sequence| [stamp(room, sequence), stamp(room + 2, sequence)]).collect()
    }

    /// A book in which reader 0 saw `first` and all others what they should.
    fn ledger(first: &[Stamp]) -> Ledger {
        let mut ledger = Ledger::new(LAYOUT, 0..6);
        first.iter().for_each(|stamp| ledger.enter(0, stamp));
        for reader in 1..6 {
            stream(reader % 2).iter().for_each(|stamp| ledger.enter(reader as usize, stamp));
        }
        ledger
    }

    fn found(first: &[Stamp]) -> Findings {
        ledger(first).settle(&POSTED)
    }

    #[test]
    fn a_perfect_run_is_clean() {
        let ledger = ledger(&stream(0));
        let found = ledger.settle(&POSTED);
        assert!(found.is_clean());
        assert_eq!((found.expected, found.delivered), (120, 120));
        assert_eq!(rooms_that_disagree(ledger.orders()), 0);
    }

    proptest! {
        #[test]
        fn every_lost_post_is_found(lost in proptest::collection::btree_set(0usize..20, 0..20)) {
            let kept = (0..20).filter(|index| !lost.contains(index));
            let seen: Vec<_> = kept.map(|index| stream(0)[index]).collect();
            let found = found(&seen);
            prop_assert_eq!(found.lost, lost.len() as u64);
            prop_assert_eq!((found.duplicated, found.reordered, found.strange), (0, 0, 0));
            prop_assert_eq!(found.delivered + found.lost, found.expected);
        }

        #[test]
        fn every_repeated_post_is_found(repeated in proptest::collection::vec(0usize..20, 0..9)) {
            let mut seen = stream(0);
            seen.extend(repeated.iter().map(|index| stream(0)[*index]));
            let found = found(&seen);
            prop_assert_eq!(found.duplicated, repeated.len() as u64);
            prop_assert_eq!((found.lost, found.reordered), (0, 0));
        }

        #[test]
        fn a_post_that_comes_late_is_reordered_and_not_lost(from in 0usize..18, by in 1usize..10) {
            let mut seen = stream(0);
            let to = (from + 2 * by).min(19);
            let late = seen.remove(from);
            seen.insert(to, late);
            let found = found(&seen);
            prop_assert_eq!(found.reordered, u64::from(to > from + 1));
            prop_assert_eq!((found.lost, found.duplicated), (0, 0));
        }
    }

    #[test]
    fn two_publishers_posts_swapped_for_one_reader_break_the_rooms_order_only() {
        let mut seen = stream(0);
        seen.swap(4, 5);
        let ledger = ledger(&seen);
        assert!(ledger.settle(&POSTED).is_clean());
        assert_eq!(rooms_that_disagree(ledger.orders()), 1);
    }

    #[test]
    fn processes_whose_readers_saw_different_orders_disagree() {
        let order = |fold| RoomOrder { room: 3, fold, agreed: true };
        assert_eq!(rooms_that_disagree([order(1), order(1)]), 0);
        assert_eq!(rooms_that_disagree([order(1), order(2)]), 1);
    }

    #[test]
    fn posts_of_other_rooms_and_posts_nobody_made_are_strange() {
        let mut seen = stream(0);
        seen.extend([stamp(1, 1), stamp(9, 1), stamp(0, 11)]);
        assert_eq!(found(&seen).strange, 3);
    }
}
