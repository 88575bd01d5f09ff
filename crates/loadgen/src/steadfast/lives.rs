//! The lives of one room: which post stands at which position, and which life goes on where.
//!
//! A position is given to one post, for whoever sees it. A life may go on in another one, which then has everything of it that anybody
//! had been shown there. Knows no members.

use std::collections::BTreeMap;

use super::position::Position;

/// What is known of a room's positions. Posts are known by their numbers.
#[derive(Debug, Default)]
pub(super) struct Lives {
    /// By epoch and offset.
    posts: BTreeMap<u64, BTreeMap<u64, u32>>,
    /// From which life to which somebody was led, and the highest offset at which that was.
    successions: BTreeMap<(u64, u64), u64>,
}

impl Lives {
    /// A post stands somewhere; the other one that stands there already is a fault.
    pub(super) fn place(&mut self, at: Position, post: u32) -> Result<(), u32> {
        let there = *self.posts.entry(at.epoch).or_default().entry(at.offset).or_insert(post);
        if there == post { Ok(()) } else { Err(there) }
    }

    /// Somebody who had everything up to `from` is told what follows in another life.
    pub(super) fn succeed(&mut self, from: Position, epoch: u64) {
        if from.epoch != epoch {
            let highest = self.successions.entry((from.epoch, epoch)).or_default();
            *highest = from.offset.max(*highest);
        }
    }

    /// The positions at which a life that went on in another one has something else than that one.
    pub(super) fn contradictions(&self) -> impl Iterator<Item = Position> {
        self.successions.iter().flat_map(|((before, after), highest)| {
            let [earlier, later] = [before, after].map(|epoch| self.posts.get(epoch));
            let both = earlier.zip(later).into_iter();
            both.flat_map(|(earlier, later)| {
                let common = earlier.range(..=*highest);
                common.filter(|(offset, post)| later.get(offset).is_some_and(|other| other != *post))
            })
            .map(|(offset, _)| Position { epoch: *after, offset: *offset })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(epoch: u64, offset: u64) -> Position {
        Position { epoch, offset }
    }

    #[test]
    fn a_position_is_one_posts() {
        let mut lives = Lives::default();
        assert_eq!([lives.place(at(1, 1), 7), lives.place(at(1, 1), 7)], [Ok(()), Ok(())]);
        assert_eq!([lives.place(at(1, 1), 8), lives.place(at(2, 1), 8)], [Err(7), Ok(())]);
    }

    #[test]
    fn a_life_that_goes_on_has_what_was_before() {
        let mut lives = Lives::default();
        for (at, post) in [(at(1, 1), 1), (at(1, 2), 2), (at(1, 3), 3), (at(2, 2), 2), (at(2, 3), 4)] {
            lives.place(at, post).expect("each stands alone");
        }
        lives.succeed(at(1, 2), 2);
        assert_eq!(lives.contradictions().next(), None);
        lives.succeed(at(1, 3), 2);
        assert_eq!(lives.contradictions().collect::<Vec<_>>(), [at(2, 3)]);
    }
}
