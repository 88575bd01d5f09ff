//! A node that keeps its rooms in a file, each scenario from its seed.

use sim::scenario::Scenario;

fn play(seed: u64) {
    if let Err(failure) = Scenario::in_house(seed).run() {
        panic!("seed {seed} in a house, after deed {}: {:#?}", failure.after, failure.complaints);
    }
}

#[test]
fn nothing_that_happens_to_a_node_and_its_disk_makes_it_lose_what_it_accepted() {
    (0..SEEDS).for_each(play);
}

const SEEDS: u64 = 12;

#[test]
fn a_seed_makes_the_same_happen_in_a_house_again() {
    let [one, other] = [Scenario::in_house(11), Scenario::in_house(11)];
    assert_eq!(one.plan, other.plan);
    assert_eq!(one.run().ok(), other.run().ok());
}

/// Nobody waits for the disk to see a message: one that was seen and not written is gone with the node.
#[test]
fn who_comes_back_after_a_crash_does_not_miss_what_is_lost() {
    [1932, 2083].into_iter().for_each(play);
}

/// What is at hand has a bound, but for what is on its way to a disk that is busy: a page of history has no hole where that is.
#[test]
fn what_the_disk_does_not_have_yet_is_in_pages_of_history() {
    [4300, 4679].into_iter().for_each(play);
}
