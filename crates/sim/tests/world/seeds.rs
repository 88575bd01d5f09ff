//! Some hundreds of scenarios, each from its seed. The program of this crate plays as many as one likes.

use sim::scenario::Scenario;

#[test]
fn nothing_that_happens_to_a_node_makes_it_break_a_promise() {
    for seed in 0..SEEDS {
        if let Err(failure) = Scenario::of_seed(seed).run() {
            panic!("seed {seed}, after deed {}: {:#?}", failure.after, failure.complaints);
        }
    }
}

const SEEDS: u64 = 200;

#[test]
fn a_seed_makes_the_same_happen_again() {
    let [one, other] = [Scenario::of_seed(11), Scenario::of_seed(11)];
    assert_eq!(one.plan, other.plan);
    assert_eq!(one.run().ok(), other.run().ok());
}
