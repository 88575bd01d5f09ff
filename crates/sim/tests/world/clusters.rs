//! Scenarios in clusters, each from its seed, and faults that were found so once.

use backplanes::brokered::Line;
use sim::Fault;
use sim::scenario::{Scenario, settings};

use crate::scene::{Scene, layout, lobby, rich};

fn play(seed: u64) {
    if let Err(failure) = Scenario::in_cluster(seed).run() {
        panic!("seed {seed} in a cluster, after deed {}: {:#?}", failure.after, failure.complaints);
    }
}

#[test]
fn nothing_that_happens_to_a_cluster_makes_it_break_a_promise() {
    (0..SEEDS).for_each(play);
}

const SEEDS: u64 = 70;

#[test]
fn a_seed_makes_the_same_happen_in_a_cluster_again() {
    let [one, other] = [Scenario::in_cluster(11), Scenario::in_cluster(11)];
    assert_eq!(one.plan, other.plan);
    assert_eq!(one.run().ok(), other.run().ok());
}

/// Nodes that pause together take each other for dead, and their listeners for deaf.
#[test]
fn who_is_there_is_known_after_nodes_have_taken_each_other_for_dead() {
    [22, 33, 46, 54, 71, 6049].into_iter().for_each(play);
}

/// A broker goes on in another life with less than it had accepted, once and again.
#[test]
fn what_lived_on_in_a_broker_is_not_shown_again() {
    [65, 79].into_iter().for_each(play);
}

/// Rooms shut themselves for a while, that of everybody too.
#[test]
fn who_comes_while_there_is_no_broker_is_told_what_is_said_to_all_later() {
    [38].into_iter().for_each(play);
}

/// What a node had sent when it was killed reaches the broker after its lease has ended, and everything was cleaned up.
#[test]
fn a_node_that_speaks_from_its_grave_is_buried_again() {
    play(1623);
}

/// Epochs that a broker has forgotten are remembered where they were shown.
#[test]
fn who_comes_back_by_the_epoch_that_the_others_go_by_has_lost_nothing() {
    play(1998);
}

/// Who is told only behind what it has asked for may be told when time is up already.
#[test]
fn a_node_that_takes_leave_looks_after_the_last_now_and_then() {
    [2397, 8427].into_iter().for_each(play);
}

/// Who reads late reads what was said in trouble; and who asks twice for its name is refused.
#[test]
fn nobody_is_accused_of_what_happened_before_it_was_read() {
    [2076, 3654, 5110, 7646].into_iter().for_each(play);
}

/// One of the lines of a node breaks, and the other does not.
#[test]
fn a_room_that_was_heard_all_the_while_is_the_brokers_again() {
    play(4389);
}

/// What a client has seen of an epoch that ended before does not come back under its name.
#[test]
fn who_has_seen_what_is_void_is_told_of_the_epoch_that_goes_on() {
    play(9404);
}

/// A node that hears of a room late is asked by somebody who has heard of it in time.
#[test]
fn who_has_seen_more_than_a_node_knows_is_not_told_of_a_loss() {
    let mut scene = Scene::in_cluster(&layout(2), &settings(), vec![rich("alice"), rich("bob")]).connected();
    scene.join(0, &lobby());
    scene.join(1, &lobby());
    scene.settle_cluster(1000);
    scene.befall(Fault::Deaden { site: 1, line: Line::Listener });
    (0..3).for_each(|mark| scene.post(0, &lobby(), mark, 10));
    scene.0.settle();
    assert_ne!(scene.place(0), scene.place(1), "its node does not know yet");
    scene.cut(0);
    scene.0.settle();
    scene.connect_to(0, 1);
    scene.settle_cluster(5000);
    assert_eq!(scene.place(0).map(|at| at.offset), Some(3));
}
