//! What sessions of a pretend world may ask for in a time: as its nodes are told, and as the ledger knows it.

use shard::{Limits, Rate};

/// What a session may ask for. A rate of 0 is no bound; others divide 64,000, so that nodes keep them to the millisecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Messages, signs and questions for the time, a second.
    pub posts_per_second: u32,
    /// Joins, questions for history and log-ins, a second.
    pub joins_per_second: u32,
    /// Who has asked for nothing lately may ask for as much at once as in so many seconds.
    pub burst_seconds: u32,
    /// Who asks for too much is slowed for so long at a stretch, and then refused.
    pub patience_ms: u64,
    /// And parted with after so many refusals.
    pub refusals_max: u32,
}

impl Allowance {
    /// As much as anybody likes.
    pub const ANY: Self =
        Self { posts_per_second: 0, joins_per_second: 0, burst_seconds: 0, patience_ms: 0, refusals_max: 0 };

    /// What a node is told of it.
    pub fn limits(&self) -> Limits {
        Limits {
            session_posts: Rate::per_second(self.posts_per_second, self.burst_seconds),
            session_joins: Rate::per_second(self.joins_per_second, self.burst_seconds),
            patience_ms: self.patience_ms,
            refusals_max: self.refusals_max,
            ..Limits::NONE
        }
    }

    /// Whether anybody may ask for too much.
    pub fn is_bound(&self) -> bool {
        self.posts_per_second > 0 || self.joins_per_second > 0
    }
}
