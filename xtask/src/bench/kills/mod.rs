//! Those who talk in rooms that are kept while their node is killed again and again, and what they remember of it.

mod author;
mod ledger;

use std::net::SocketAddr;
use std::thread::{self, JoinHandle};

use crate::step::Failure;

pub(super) use self::author::Schedule;
pub(super) use self::ledger::Faults;

use self::author::Author;

/// All of them, each in a room of its own.
pub(super) struct Crowd(Vec<Author>);

/// Those who talk to a node as long as it lives.
pub(super) struct Talk(Vec<JoinHandle<Author>>);

impl Crowd {
    pub(super) fn new(count: u32) -> Self {
        Self((0..count).map(Author::new).collect())
    }

    /// Has them talk to a node.
    pub(super) fn talk(self, address: SocketAddr, schedule: Schedule) -> Talk {
        let share = schedule.share_of(self.0.len());
        Talk(self.0.into_iter().map(|author| thread::spawn(move || author.talk(address, share))).collect())
    }

    /// Holds what they remember against what the node has in the end.
    pub(super) fn judge(self, address: SocketAddr) -> Result<Faults, Failure> {
        let judging: Vec<_> =
            self.0.into_iter().map(|author| thread::spawn(move || author.judge(address))).collect();
        let judged =
            judging.into_iter().map(|one| one.join().map_err(|_| Failure::new("an author panicked"))?);
        judged.sum()
    }
}

impl Talk {
    /// Waits until each has ended: its node is gone, or everything that was due is accepted.
    pub(super) fn end(self) -> Result<Crowd, Failure> {
        let authors =
            self.0.into_iter().map(|author| author.join().map_err(|_| Failure::new("an author panicked")));
        authors.collect::<Result<_, _>>().map(Crowd)
    }
}
