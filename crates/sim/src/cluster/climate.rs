//! How it is between nodes and their broker while nothing in particular befalls them.

use crate::random::Random;

/// How requests, answers and publications travel.
#[derive(Clone, Copy, Debug)]
pub struct Climate {
    /// How many turns they are under way at most.
    pub turns: u64,
    /// Publications that are heard twice, in a thousand.
    pub echoes: u32,
    /// After how long at most a node makes a connection anew.
    pub dial_ms: u64,
}

impl Climate {
    /// Nothing is delayed, and nothing said twice.
    pub const CALM: Self = Self { turns: 0, echoes: 0, dial_ms: 0 };

    pub(super) fn delay(&self, random: &mut Random) -> u64 {
        random.below(self.turns as usize + 1) as u64
    }
}
