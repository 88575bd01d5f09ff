//! What becomes of messages that a broker lacks: those said while there was none, and those that it has lost.

use super::Input;
use super::tests::{say, two_in};
use super::world::{World, order, room, settings};
use crate::Ask;
use crate::redis::broker::{Line, Model, Reply, Request};

/// Nobody has a broker, and knows it.
fn cut_off(world: &mut World) {
    for node in [0, 1] {
        world.cut(node, Line::Commands);
        world.cut(node, Line::Listener);
    }
    world.pass(1_100);
}

/// What each of two nodes has said to its own while neither had a broker is said to all when it is back, in order, and once.
#[test]
fn what_was_said_without_a_broker_is_posted_when_it_is_back() {
    let mut world = two_in("local1");
    let local = |text: &str, tag: Option<&str>, ticket| Ask::Order(order(&room("local1"), text, tag, ticket));
    world.ask(0, local("before", Some("t0"), 1));
    world.settle();
    cut_off(&mut world);
    for (node, text, tag) in
        [(0, "a", None), (1, "b", Some("t1")), (0, "c", Some("t2")), (0, "c", Some("t2")), (1, "d", None)]
    {
        world.ask(node, local(text, tag, 2));
    }
    // A retry of what had been accepted before.
    world.ask(0, local("before", Some("t0"), 3));
    [0, 1].into_iter().for_each(|node| drop(world.arrived(node)));
    world.connect(0);
    world.settle();
    world.connect(1);
    world.settle();
    assert_eq!(
        world.arrived(0),
        ["opened local1 at 3 former [1] tail [before a c]", "posted 4 b", "posted 5 d"]
    );
    assert_eq!(world.arrived(1), ["opened local1 at 5 former [1] tail [before a c b d]"]);
    world.ask(1, local("c", Some("t2"), 4));
    world.settle();
    assert_eq!(world.arrived(1), ["placed 3 ticket 4"], "a retry on any node is no second message");
}

#[test]
fn what_is_owed_is_asked_for_until_it_is_there() {
    let mut world = two_in("local1");
    cut_off(&mut world);
    world.ask(0, Ask::Order(order(&room("local1"), "a", None, 1)));
    for _ in 0..3 {
        world.up(0, Line::Commands);
        world.carry_out(0);
        world.cut(0, Line::Commands);
        world.pass(1_500);
    }
    world.up(0, Line::Commands);
    let (id, _) = world.nodes[0]
        .requests
        .iter()
        .find(|(_, request)| matches!(request, Request::Post(_)))
        .cloned()
        .expect("it is asked for");
    world.nodes[0].requests.clear();
    world.step(0, Input::Reply { id, reply: Reply::Failed });
    world.up(0, Line::Listener);
    world.up(1, Line::Commands);
    world.up(1, Line::Listener);
    world.pass(5_000);
    world.arrived(0);
    world.ask(1, Ask::Attend(room("local1")));
    world.settle();
    let arrived = world.arrived(1);
    assert!(arrived.last().is_some_and(|last| last.ends_with("tail [a]")), "{arrived:?}");
}

/// The broker's successor lacks the end of what it had accepted.
#[test]
fn what_a_broker_loses_soon_after_is_posted_again_by_the_node_that_posted_it() {
    let mut world = two_in("lobby");
    say(&mut world, 0, "kept", 1);
    world.settle();
    let mut replica = world.model.clone();
    world.ask(0, Ask::Order(order(&room("lobby"), "tagged", Some("t"), 2)));
    say(&mut world, 1, "untagged", 3);
    world.ask(0, Ask::Order(order(&room("elsewhere"), "not attended to", None, 4)));
    world.settle();
    replica.run = "run2".to_owned();
    world.model = replica;
    for node in [0, 1] {
        world.cut(node, Line::Commands);
        world.cut(node, Line::Listener);
    }
    world.connect(0);
    world.settle();
    world.connect(1);
    // Who posted it tries once more.
    world.ask(1, Ask::Order(order(&room("lobby"), "tagged", Some("t"), 5)));
    world.settle();
    let arrived = world.arrived(1);
    assert!(arrived.contains(&"placed 2 ticket 5".to_owned()), "{arrived:?}");
    world.ask(1, Ask::Attend(room("lobby")));
    world.ask(1, Ask::Attend(room("elsewhere")));
    world.settle();
    let mut arrived = world.arrived(1);
    arrived.sort();
    assert_eq!(
        arrived,
        [
            "opened elsewhere at 1 former [] tail [not attended to]",
            "opened lobby at 3 former [1] tail [kept tagged untagged]"
        ]
    );
}

#[test]
fn what_was_placed_long_before_a_broker_has_gone_is_not_posted_again_however_long_it_was_gone() {
    let mut world = two_in("lobby");
    say(&mut world, 1, "long ago", 1);
    world.settle();
    world.pass(11_000);
    say(&mut world, 0, "lately", 2);
    world.settle();
    world.model = Model::new("run2", &settings(0));
    cut_off(&mut world);
    world.pass(20_000);
    for node in [0, 1] {
        world.connect(node);
        world.settle();
    }
    assert_eq!(
        world.arrived(1).last().map(String::as_str),
        Some("opened lobby at 1 former [] tail [lately]")
    );
}
