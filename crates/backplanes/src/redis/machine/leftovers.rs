//! What brokers keep of nodes that are gone, and of rooms that they have forsaken: nothing for long, whatever comes between.

use chat::{Counts, Here};

use super::Input;
use super::world::{World, room};
use crate::redis::broker::{Line, Request};
use crate::{Ask, NodeId};

fn here(sessions: u32) -> Here {
    Here { sessions, counts: Counts { members: sessions, guests: 0 }, users: None }
}

/// Two nodes that attend to the lobby, with two members on the first.
fn two_in_the_lobby() -> World {
    let mut world = World::new(2);
    for node in [0, 1] {
        world.ask(node, Ask::Attend(room("lobby")));
        world.settle();
    }
    world.ask(0, Ask::Here { room: room("lobby"), here: here(2) });
    world.settle();
    world.arrived(1);
    world
}

fn everything_was_forsaken(world: &mut World, alive: &[NodeId]) {
    world.ask(1, Ask::Forsake(room("lobby")));
    world.pass(70_000);
    assert_eq!(world.model.remains(alive, world.now_ms), [""; 0]);
}

#[test]
fn a_node_that_is_buried_although_it_lives_is_found_when_it_dies() {
    let mut world = two_in_the_lobby();
    world.step(1, Input::Tick);
    world.nodes[1].requests.push_back((u64::MAX, Request::Bury(NodeId(1))));
    world.settle();
    world.nodes[0].is_dead = true;
    world.pass(8_000);
    assert_eq!(world.arrived(1), ["elsewhere 1 -1"]);
    everything_was_forsaken(&mut world, &[NodeId(2)]);
}

#[test]
fn a_room_forsaken_is_so_in_a_broker_that_goes_on_from_an_older_state() {
    let mut world = two_in_the_lobby();
    let mut older = world.model.clone();
    world.ask(0, Ask::Forsake(room("lobby")));
    world.settle();
    older.run = "run2".to_owned();
    world.model = older;
    for node in [0, 1] {
        world.cut(node, Line::Commands);
        world.cut(node, Line::Listener);
        world.connect(node);
    }
    world.settle();
    let arrived = world.arrived(1);
    let told = arrived.iter().rfind(|line| line.starts_with("elsewhere 1 "));
    assert_eq!(told.map(String::as_str), Some("elsewhere 1 -1"));
    everything_was_forsaken(&mut world, &[NodeId(1), NodeId(2)]);
}

#[test]
fn who_comes_while_the_broker_cannot_be_told_is_told_of_when_it_can() {
    let mut world = two_in_the_lobby();
    world.cut(0, Line::Commands);
    world.ask(0, Ask::Here { room: room("lobby"), here: here(3) });
    world.up(0, Line::Commands);
    world.settle();
    assert_eq!(world.arrived(1), ["elsewhere 1 3"]);
}

#[test]
fn a_room_that_was_heard_all_the_while_is_the_brokers_again_when_it_can_be_asked() {
    let mut world = World::new(1);
    world.ask(0, Ask::Attend(room("local")));
    world.settle();
    world.cut(0, Line::Commands);
    world.pass(2_000);
    world.arrived(0);
    world.up(0, Line::Commands);
    world.settle();
    assert_eq!(world.arrived(0).len(), 1, "it is told how the room stands");
}
