//! Ten thousand packets and payloads of Socket.IO, mutated and truncated, from what the transcripts say: nothing panics, whoever breaks the
//! protocol is parted with for the right reason, nobody else notices, and nothing of it is kept.

mod corpus;
mod mutant;
mod neighbours;
mod visitor;

use sim::Random;

use crate::corpus::Corpus;
use crate::neighbours::Neighbours;
use crate::visitor::{Course, Visitor};

const MUTANTS: usize = 10_000;
/// So many are there at once.
const BATCH: usize = 100;
const BATCH_MS: u64 = 5000;
const SEED: u64 = 0x5010_c0de;

#[test]
fn mutated_packets_end_their_own_session_and_nothing_else() {
    let corpus = Corpus::read();
    let mut random = Random::new(SEED);
    let mut neighbours = Neighbours::gather(2);
    let (mut taken, mut parted) = (0, 0);
    for _ in 0..MUTANTS / BATCH {
        let mut visitors: Vec<Visitor> =
            (0..BATCH).map(|_| Visitor::come(&mut neighbours.stage.node, &corpus, &mut random)).collect();
        while visitors.iter().any(Visitor::has_more_to_say) {
            neighbours.stage.node.settle();
            visitors.iter_mut().for_each(|visitor| visitor.go_on(&mut neighbours.stage.node));
        }
        neighbours.stage.node.settle();
        for visitor in &mut visitors {
            match visitor.judge(&mut neighbours.stage.node) {
                Course::Taken => taken += 1,
                Course::Parted => parted += 1,
            }
        }
        neighbours.talk();
        // Who polls is found out to have gone only in time.
        neighbours.stage.wait(BATCH_MS);
        visitors.into_iter().for_each(|visitor| visitor.leave(&mut neighbours.stage.node, &mut random));
    }
    assert_eq!(taken + parted, MUTANTS);
    assert!(taken > MUTANTS / 10 && parted > MUTANTS / 10, "{taken} were taken, {parted} parted with");
    neighbours.go_home();
}
