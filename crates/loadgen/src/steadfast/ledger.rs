//! The ledger of members that come back: what each was told, whatever connection it came over, against what was accepted.
//!
//! Stricter than that of a plain load, where every cut is a fault, and than the simulator's, which must excuse a broker that loses: here
//! nothing may be lost that was accepted, however often nodes and brokers die. Every member must have been shown every accepted post of its
//! room once, in the order of positions and without a gap, or have been told exactly what it was not shown. Knows no sockets and no time.

use serde::{Deserialize, Serialize};

use super::lives::Lives;
use super::position::Position;

/// Faults that are told in words; the others are only counted.
const WORDS_MAX: usize = 20;

/// What the ledger found, and how much it looked at. A verdict needs every fault to be none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Findings {
    /// Posts that were made.
    pub posts: u64,
    /// Those that were accepted.
    pub accepted: u64,
    /// Showings of accepted posts that there had to be: one for each member of the room.
    pub expected: u64,
    /// Those that there were.
    pub shown: u64,
    /// Those of which the member was told that they would not be.
    pub told: u64,
    /// Times that a member was told of a gap.
    pub tellings: u64,
    /// Posts shown once more to members who had been told that the life of the room in which they were shown the first time was lost from there on.
    pub shown_again: u64,
    /// Fault: showings that never were, and nobody was told.
    pub lost: u64,
    /// Fault: posts shown twice.
    pub duplicated: u64,
    /// Fault: posts shown after one that stands behind them.
    pub reordered: u64,
    /// Fault: gaps that were not told, or told as another one than there was.
    pub untold: u64,
    /// Fault: positions given to two posts.
    pub contradicted: u64,
    /// Fault: posts that nobody made, or of another room.
    pub strange: u64,
    /// Fault: posts that were not accepted however often they were asked for, or refused for good.
    pub unaccepted: u64,
    /// The first of the faults in words.
    pub words: Vec<String>,
}

impl Findings {
    /// Whether there is no fault.
    pub fn is_clean(&self) -> bool {
        let Self { lost, duplicated, reordered, untold, contradicted, strange, unaccepted, .. } = self;
        lost + duplicated + reordered + untold + contradicted + strange + unaccepted == 0
    }
}

/// A gap that a member was told of: what follows `since`, up to `at`.
#[derive(Clone, Copy, Debug)]
struct Gap {
    since: Position,
    at: Position,
}

impl Gap {
    fn has(&self, at: Position) -> bool {
        let is_after = at.epoch != self.since.epoch || at.offset > self.since.offset;
        let is_before = at.epoch != self.at.epoch || at.offset <= self.at.offset;
        is_after && is_before && (at.epoch == self.since.epoch || at.epoch == self.at.epoch)
    }
}

#[derive(Debug)]
struct Post {
    author: u32,
    accepted: Option<Position>,
}

#[derive(Debug, Default)]
struct Room {
    /// By their numbers, from 1.
    posts: Vec<Post>,
    lives: Lives,
}

#[derive(Debug, Default)]
struct Member {
    /// It has been shown everything up to here, or told that it will not be.
    place: Option<Position>,
    /// It came back from here, and has not been told yet what is gone.
    owed: Option<Position>,
    /// By post: in which of the lives of the room that this member knows it was shown, from 1. 0: it was not.
    shown: Vec<u8>,
    /// Lives that ended for this member with a gap.
    lives: u8,
    gaps: Vec<Gap>,
}

/// What members were told.
#[derive(Debug)]
pub(super) struct Ledger {
    rooms: Vec<Room>,
    members: Vec<Member>,
    found: Findings,
}

impl Ledger {
    /// A ledger of so many members; member `m` is in room `m % rooms` from the beginning to the end.
    pub(super) fn new(rooms: u32, members: u32) -> Self {
        Self {
            rooms: (0..rooms).map(|_| Room::default()).collect(),
            members: (0..members).map(|_| Member::default()).collect(),
            found: Findings::default(),
        }
    }

    /// A member makes a post; returns its number in its room.
    pub(super) fn post(&mut self, author: u32) -> u32 {
        let room = self.room_of(author);
        let posts = &mut self.rooms[room].posts;
        posts.push(Post { author, accepted: None });
        posts.len() as u32
    }

    /// Where a member says it has been shown everything up to, when it comes back.
    pub(super) fn place(&self, member: u32) -> Option<Position> {
        self.members[member as usize].place
    }

    /// A member is let in. `is_resumed`: whether everything since its place follows; `None` when it had none.
    pub(super) fn joined(&mut self, member: u32, at: Position, is_resumed: Option<bool>) {
        let room = self.room_of(member);
        let book = &mut self.members[member as usize];
        match (book.place, is_resumed) {
            (None, None) => book.place = Some(at),
            (Some(place), Some(true)) if place.epoch != at.epoch || place.offset <= at.offset => {
                self.rooms[room].lives.succeed(place, at.epoch);
            }
            (Some(place), Some(false)) => book.owed = Some(place),
            (place, _) => self.fault(
                |found| &mut found.untold,
                || {
                    format!(
                        "member {member} stood at {place:?} and was let in at {at}, resumed: {is_resumed:?}"
                    )
                },
            ),
        }
    }

    /// A member is shown a post.
    pub(super) fn shown(&mut self, member: u32, at: Position, author: u32, number: u32) {
        let room = self.room_of(member);
        let post = self.rooms[room].posts.get((number as usize).wrapping_sub(1));
        if post.is_none_or(|post| post.author != author) {
            let words = || format!("member {member} was shown post {number} of member {author} at {at}");
            return self.fault(|found| &mut found.strange, words);
        }
        if let Err(other) = self.rooms[room].lives.place(at, number) {
            let words = || format!("room {room}, {at} was given to the posts {other} and {number}");
            self.fault(|found| &mut found.contradicted, words);
        }
        let has_it = self.note_shown(member, number);
        self.follow(member, at, has_it, number);
    }

    /// Whether it was shown already in the life that the member knows.
    fn note_shown(&mut self, member: u32, number: u32) -> bool {
        let book = &mut self.members[member as usize];
        let index = number as usize - 1;
        if book.shown.len() <= index {
            book.shown.resize(index + 1, 0);
        }
        let life = book.lives + 1;
        let before = std::mem::replace(&mut book.shown[index], life);
        self.found.shown_again += u64::from(before != 0 && before != life);
        before == life
    }

    /// The post is the next one of the room, for this member.
    fn follow(&mut self, member: u32, at: Position, has_it: bool, number: u32) {
        let room = self.room_of(member);
        let book = &mut self.members[member as usize];
        let Some(place) = book.place else {
            let words = || format!("member {member} was shown {at} before it was in");
            return self.fault(|found| &mut found.untold, words);
        };
        let owed = book.owed;
        if at.offset > place.offset || at.epoch != place.epoch {
            book.place = Some(at);
        }
        self.rooms[room].lives.succeed(place, at.epoch);
        let words =
            || format!("member {member} of room {room} was at {place} and was shown post {number} at {at}");
        if has_it {
            self.fault(|found| &mut found.duplicated, words);
        } else if at.offset <= place.offset {
            self.fault(|found| &mut found.reordered, words);
        } else if at.offset > place.offset + 1 || owed.is_some() {
            self.fault(|found| &mut found.untold, words);
        }
    }

    /// A member is told of a gap.
    pub(super) fn lost(&mut self, member: u32, since: Position, at: Position) {
        self.found.tellings += 1;
        let room = self.room_of(member);
        let book = &mut self.members[member as usize];
        let place = book.place;
        book.owed = None;
        book.place = Some(at);
        book.gaps.push(Gap { since, at });
        if since.epoch != at.epoch {
            book.lives = book.lives.saturating_add(1);
        }
        let is_gap = since.epoch != at.epoch || since.offset < at.offset;
        match place {
            Some(place) if place.offset == since.offset && is_gap => {
                self.rooms[room].lives.succeed(place, since.epoch);
            }
            place => {
                let words = || {
                    format!("member {member} of room {room} stood at {place:?} and was told {since} to {at}")
                };
                self.fault(|found| &mut found.untold, words);
            }
        }
    }

    /// A post is accepted.
    pub(super) fn accepted(&mut self, author: u32, number: u32, at: Position) {
        let room = self.room_of(author);
        let Room { posts, lives } = &mut self.rooms[room];
        posts[number as usize - 1].accepted.get_or_insert(at);
        if let Err(other) = lives.place(at, number) {
            let words =
                || format!("room {room}, post {number} was accepted at {at}, where post {other} stands");
            self.fault(|found| &mut found.contradicted, words);
        }
    }

    /// A post is refused, and to ask for it again is of no use.
    pub(super) fn refused(&mut self, author: u32, number: u32, code: &str) {
        let words = || format!("post {number} of member {author} was refused: {code}");
        self.fault(|found| &mut found.unaccepted, words);
    }

    /// Closes the book: everything has come that is to come.
    pub(super) fn settle(&self) -> Findings {
        let mut ledger = Self { rooms: Vec::new(), members: Vec::new(), found: self.found.clone() };
        for (number, room) in self.rooms.iter().enumerate() {
            ledger.found.posts += room.posts.len() as u64;
            for at in room.lives.contradictions() {
                let words =
                    || format!("room {number}, something else stands at {at} than in the life before");
                ledger.fault(|found| &mut found.contradicted, words);
            }
            for (index, post) in room.posts.iter().enumerate() {
                if post.accepted.is_none() {
                    let words = || format!("room {number}, post {} was never accepted", index + 1);
                    ledger.fault(|found| &mut found.unaccepted, words);
                }
            }
        }
        ledger.found.accepted = self.accepted_posts().count() as u64;
        (0..).zip(&self.members).for_each(|(number, member)| self.settle_member(number, member, &mut ledger));
        ledger.found
    }

    fn settle_member(&self, number: u32, member: &Member, ledger: &mut Self) {
        let room = self.room_of(number);
        for (index, post) in self.rooms[room].posts.iter().enumerate() {
            let Some(at) = post.accepted else { continue };
            ledger.found.expected += 1;
            if member.shown.get(index).is_some_and(|life| *life > 0) {
                ledger.found.shown += 1;
            } else if member.gaps.iter().any(|gap| gap.has(at)) {
                ledger.found.told += 1;
            } else {
                let words = || {
                    format!("member {number} of room {room} never saw post {}, accepted at {at}", index + 1)
                };
                ledger.fault(|found| &mut found.lost, words);
            }
        }
    }

    fn accepted_posts(&self) -> impl Iterator<Item = &Post> {
        self.rooms.iter().flat_map(|room| &room.posts).filter(|post| post.accepted.is_some())
    }

    fn room_of(&self, member: u32) -> usize {
        member as usize % self.rooms.len()
    }

    #[cold]
    fn fault(&mut self, count: impl Fn(&mut Findings) -> &mut u64, words: impl FnOnce() -> String) {
        *count(&mut self.found) += 1;
        if self.found.words.len() < WORDS_MAX {
            self.found.words.push(words());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(epoch: u64, offset: u64) -> Position {
        Position { epoch, offset }
    }

    /// One room with two members, in which both were let in at the beginning and the first has posted so often.
    fn ledger(posts: u64) -> Ledger {
        let mut ledger = Ledger::new(1, 2);
        [0, 1].into_iter().for_each(|member| ledger.joined(member, at(1, 0), None));
        for number in 1..=posts {
            let post = ledger.post(0);
            ledger.accepted(0, post, at(1, number));
        }
        ledger
    }

    /// Both are shown those posts in those places.
    fn show(ledger: &mut Ledger, members: &[u32], shown: &[(u64, u64, u32)]) {
        for member in members {
            shown
                .iter()
                .for_each(|(epoch, offset, post)| ledger.shown(*member, at(*epoch, *offset), 0, *post));
        }
    }

    #[test]
    fn what_everybody_was_shown_once_and_in_order_is_clean() {
        let mut ledger = ledger(3);
        show(&mut ledger, &[0, 1], &[(1, 1, 1), (1, 2, 2)]);
        ledger.joined(1, at(1, 3), Some(true));
        show(&mut ledger, &[0, 1], &[(1, 3, 3)]);
        let found = ledger.settle();
        assert!(found.is_clean(), "{found:?}");
        assert_eq!((found.posts, found.accepted, found.expected, found.shown), (3, 3, 6, 6));
    }

    #[test]
    fn a_life_that_goes_on_in_another_is_clean_where_it_has_the_same_before() {
        let mut ledger = ledger(2);
        show(&mut ledger, &[0, 1], &[(1, 1, 1)]);
        show(&mut ledger, &[0], &[(1, 2, 2)]);
        let third = ledger.post(0);
        ledger.accepted(0, third, at(2, 3));
        show(&mut ledger, &[1], &[(2, 2, 2)]);
        show(&mut ledger, &[0, 1], &[(2, 3, third)]);
        assert!(ledger.settle().is_clean());
    }

    #[test]
    fn each_fault_is_counted_as_what_it_is() {
        type Fault = (fn(&mut Ledger), fn(&Findings) -> u64);
        let faults: [Fault; 7] = [
            (|ledger| show(ledger, &[1], &[(1, 1, 1)]), |found| found.lost),
            (|ledger| show(ledger, &[1], &[(1, 1, 1), (1, 2, 2), (1, 2, 2)]), |found| found.duplicated),
            (|ledger| show(ledger, &[1], &[(1, 2, 2), (1, 1, 1)]), |found| found.reordered),
            (|ledger| show(ledger, &[1], &[(1, 2, 2), (1, 1, 1)]), |found| found.untold),
            (|ledger| show(ledger, &[1], &[(1, 1, 2), (1, 2, 1)]), |found| found.contradicted),
            (|ledger| show(ledger, &[1], &[(1, 1, 1), (1, 2, 2), (1, 3, 9)]), |found| found.strange),
            (|ledger| assert_eq!(ledger.post(1), 3), |found| found.unaccepted),
        ];
        for (number, (deed, count)) in faults.into_iter().enumerate() {
            let mut ledger = ledger(2);
            show(&mut ledger, &[0], &[(1, 1, 1), (1, 2, 2)]);
            deed(&mut ledger);
            let found = ledger.settle();
            assert!(count(&found) > 0 && !found.is_clean(), "{number}: {found:?}");
        }
    }

    #[test]
    fn a_gap_that_was_told_is_no_fault_and_excuses_nothing_else() {
        let mut ledger = ledger(4);
        show(&mut ledger, &[0], &[(1, 1, 1), (1, 2, 2), (1, 3, 3), (1, 4, 4)]);
        show(&mut ledger, &[1], &[(1, 1, 1)]);
        ledger.joined(1, at(1, 4), Some(false));
        ledger.lost(1, at(1, 1), at(1, 3));
        let found = ledger.settle();
        assert_eq!((found.told, found.tellings, found.lost, found.untold), (2, 1, 1, 0));
        show(&mut ledger, &[1], &[(1, 4, 4)]);
        assert!(ledger.settle().is_clean());
    }

    #[test]
    fn a_gap_has_to_begin_where_the_member_stands() {
        let mut ledger = ledger(3);
        show(&mut ledger, &[1], &[(1, 1, 1)]);
        ledger.lost(1, at(1, 2), at(1, 3));
        assert_eq!(ledger.settle().untold, 1);
    }

    #[test]
    fn a_post_may_be_shown_again_only_in_a_life_that_was_told_to_lack_it() {
        let mut ledger = ledger(1);
        let second = ledger.post(0);
        show(&mut ledger, &[0, 1], &[(1, 1, 1), (1, 2, second)]);
        ledger.accepted(0, second, at(2, 2));
        ledger.lost(0, at(1, 2), at(2, 1));
        show(&mut ledger, &[0], &[(2, 2, second)]);
        let found = ledger.settle();
        assert_eq!((found.shown_again, found.duplicated), (1, 0));
        show(&mut ledger, &[1], &[(2, 3, second)]);
        assert_eq!(ledger.settle().duplicated, 1);
    }

    #[test]
    fn a_life_that_has_something_else_where_it_goes_on_is_found() {
        let mut ledger = ledger(2);
        show(&mut ledger, &[0, 1], &[(1, 1, 1), (1, 2, 2)]);
        let third = ledger.post(0);
        show(&mut ledger, &[0], &[(2, 3, third)]);
        ledger.accepted(0, ledger.rooms[0].posts.len() as u32, at(2, 2));
        assert!(ledger.settle().contradicted > 0);
    }
}
