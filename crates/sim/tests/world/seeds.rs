//! Some hundreds of scenarios, each from its seed. The program of this crate plays as many as one likes.

use sim::scenario::Scenario;

#[test]
fn nothing_that_happens_to_a_node_makes_it_break_a_promise() {
    (0..SEEDS).for_each(play);
}

const SEEDS: u64 = 200;

fn play(seed: u64) {
    if let Err(failure) = Scenario::of_seed(seed).run() {
        panic!("seed {seed}, after deed {}: {:#?}", failure.after, failure.complaints);
    }
}

/// A sign is answered only when it is refused.
#[test]
fn a_sign_that_was_put_off_may_be_refused_when_all_was_quiet_since() {
    play(5792);
}

/// It is let into the room of everybody when it has read that it is connected, and that counts as a join.
#[test]
fn who_reads_late_that_it_is_connected_logs_in_too_soon_after_that() {
    play(8785);
}

/// And that counts as a join, as for anybody.
#[test]
fn who_goes_on_where_it_was_is_let_into_the_room_of_everybody_too() {
    play(7633);
}

#[test]
fn a_seed_makes_the_same_happen_again() {
    let [one, other] = [Scenario::of_seed(11), Scenario::of_seed(11)];
    assert_eq!(one.plan, other.plan);
    assert_eq!(one.run().ok(), other.run().ok());
}
