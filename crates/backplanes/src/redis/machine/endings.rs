//! A node ends: the others see it at once, and what it does not come to they do.

use super::Input;
use super::tests::{here, two_in};
use super::world::room;
use crate::Ask;
use crate::redis::broker::Line;

#[test]
fn a_node_that_takes_leave_is_gone_at_once_and_leaves_nothing() {
    let mut world = two_in("lobby");
    world.ask(0, Ask::Here { room: room("lobby"), here: here(2) });
    world.settle();
    // Nodes that a broker has not heard of yet are not waited for any more.
    world.pass(7_000);
    world.step(0, Input::Farewell);
    assert!(!world.nodes[0].machine.has_left());
    world.settle();
    assert!(world.nodes[0].machine.has_left());
    world.nodes[0].is_dead = true;
    assert_eq!(world.arrived(1), ["elsewhere 1 2", "elsewhere 1 -1"]);
    world.pass(1_500);
    assert_eq!(world.nodes[1].machine.health().nodes, 1);
}

#[test]
fn what_a_node_that_takes_leave_does_not_come_to_the_others_do() {
    let mut world = two_in("lobby");
    world.ask(0, Ask::Here { room: room("lobby"), here: here(2) });
    world.settle();
    world.step(0, Input::Farewell);
    assert!(world.carry_out(0), "its lease is over");
    world.nodes[0].is_dead = true;
    world.pass(1_600);
    assert_eq!(world.arrived(1), ["elsewhere 1 2", "elsewhere 1 -1"]);
}

#[test]
fn a_node_takes_leave_of_a_broker_that_is_away_without_waiting() {
    let mut world = two_in("lobby");
    world.cut(0, Line::Commands);
    world.step(0, Input::Farewell);
    assert!(world.nodes[0].machine.has_left());
    assert!(world.nodes[0].requests.is_empty(), "nothing can be asked");
}

#[test]
fn a_node_takes_leave_of_a_broker_a_part_of_which_does_not_answer_at_first() {
    let mut world = two_in("lobby");
    world.ask(0, Ask::Here { room: room("lobby"), here: here(2) });
    world.settle();
    world.step(0, Input::Farewell);
    while world.nodes[0].requests.front().is_some() {
        world.leave_unanswered(0, false);
    }
    world.settle();
    assert!(!world.nodes[0].machine.has_left());
    world.pass(200);
    assert!(world.nodes[0].machine.has_left());
    assert_eq!(world.arrived(1), ["elsewhere 1 2", "elsewhere 1 -1"]);
}
