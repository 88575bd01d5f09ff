//! A whole node of one to three shards in a pretend world. The input is a script: what honest clients do, what strangers send, how bytes
//! and mail travel, and when time passes.
//!
//! Whatever the script, no shard panics, touches what is not there or keeps more than it may; honest clients are told everything once and in
//! order, or that something is gone; a neighbour in a room of its own does not notice; and when everybody has gone, nothing is left.

mod neighbour;
mod reader;
mod script;
mod stranger;
mod terms;
mod world;

use self::reader::Reader;
pub(crate) use self::script::{Step, longest_wait_ms};
use self::terms::read_terms;
pub(crate) use self::terms::{login, write_terms};
use self::world::World;

/// More steps find nothing that fewer do not.
const STEPS_MAX: usize = 400;

pub fn shard(bytes: &[u8]) {
    let mut reader = Reader::new(bytes);
    let secret = reader.secret();
    let terms = read_terms(&mut reader);
    let mut world = World::new(&terms, &secret);
    for _ in 0..STEPS_MAX {
        let Some(step) = Step::read(&mut reader, &terms) else { break };
        world.perform(&step);
    }
    world.end();
}

/// The terms and the steps of an input, for people.
pub fn steps(bytes: &[u8]) -> String {
    let terms = read_terms(&mut Reader::new(bytes));
    let steps = steps_of(bytes).into_iter().enumerate();
    let lines: String = steps.map(|(number, step)| format!("{number:4}  {step}\n")).collect();
    format!("{terms}{lines}")
}

/// The steps of an input.
pub(crate) fn steps_of(bytes: &[u8]) -> Vec<Step> {
    let mut reader = Reader::new(bytes);
    let terms = read_terms(&mut reader);
    std::iter::from_fn(|| Step::read(&mut reader, &terms)).collect()
}
