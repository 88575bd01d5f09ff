//! A part of the broker is away, and everything else goes on; or all of it is for so long that every lease lapses.

use super::Input;
use super::tests::{here, say, two_in};
use super::world::{World, room};
use crate::Ask;
use crate::redis::broker::{Line, Request};

#[test]
fn a_post_that_a_part_of_the_broker_did_not_answer_is_one_message() {
    for is_done in [false, true] {
        let mut world = two_in("lobby");
        say(&mut world, 0, "a", 1);
        world.leave_unanswered(0, is_done);
        world.settle();
        world.pass(100);
        assert_eq!(world.arrived(0), ["placed 1 ticket 1", "posted 1 a"]);
        assert_eq!(world.arrived(1), ["posted 1 a"]);
    }
}

#[test]
fn a_post_to_a_part_of_the_broker_that_is_away_is_refused_in_a_second() {
    let mut world = two_in("lobby");
    say(&mut world, 0, "a", 1);
    for _ in 0..10 {
        assert!(world.arrived(0).is_empty());
        let posts = |(_, request): &(u64, Request)| matches!(request, Request::Post(_));
        while world.nodes[0].requests.front().is_some_and(|request| !posts(request)) {
            world.carry_out(0);
        }
        world.leave_unanswered(0, false);
        while world.answer(0) || world.hear(0) {}
        world.now_ms += 100;
        world.step(0, Input::Tick);
    }
    assert_eq!(world.arrived(0), ["failed unavailable ticket 1"]);
}

#[test]
fn a_room_that_a_part_of_the_broker_does_not_let_be_heard_any_more_is_caught_up_with() {
    let mut world = two_in("lobby");
    world.unhear(1, room("lobby"));
    say(&mut world, 0, "a", 1);
    world.settle();
    assert!(world.arrived(1).is_empty());
    world.pass(100);
    assert_eq!(world.arrived(1), ["posted 1 a"]);
}

#[test]
fn a_room_on_a_part_of_the_broker_that_is_away_is_shut_and_opened_when_it_is_back() {
    let mut world = World::new(1);
    world.ask(0, Ask::Attend(room("lobby")));
    for _ in 0..12 {
        while world.nodes[0]
            .requests
            .front()
            .is_some_and(|(_, request)| !matches!(request, Request::Listen(_)))
        {
            world.carry_out(0);
        }
        world.leave_unanswered(0, false);
        while world.answer(0) || world.hear(0) {}
        world.now_ms += 100;
        world.step(0, Input::Tick);
    }
    assert_eq!(world.arrived(0), ["shut lobby unavailable"]);
    world.pass(200);
    assert_eq!(world.arrived(0), ["opened lobby at 0 former [] tail []"]);
}

#[test]
fn nobody_seems_to_leave_when_no_node_could_renew_its_lease() {
    let mut world = two_in("lobby");
    world.ask(0, Ask::Here { room: room("lobby"), here: here(2) });
    world.pass(7_000);
    (0..2).for_each(|node| world.cut(node, Line::Commands));
    world.pass(8_000);
    world.arrived(1);
    (0..2).for_each(|node| world.up(node, Line::Commands));
    world.pass(8_000);
    let told = world.arrived(1);
    assert!(told.iter().all(|told| told == "elsewhere 1 2"), "{told:?}");
}

#[test]
fn what_a_part_of_the_broker_has_lost_is_posted_again() {
    let mut world = two_in("lobby");
    say(&mut world, 0, "kept", 1);
    world.settle();
    let mut replica = world.model.clone();
    say(&mut world, 0, "lost", 2);
    world.settle();
    [0, 1].into_iter().for_each(|node| drop(world.arrived(node)));
    replica.run = "run2".to_owned();
    world.model = replica;
    for node in [0, 1] {
        world.unhear(node, room("lobby"));
        world.step(node, Input::Succeeded { gone_ms: 100 });
    }
    world.settle();
    world.pass(100);
    for node in [0, 1] {
        assert_eq!(world.arrived(node), ["opened lobby at 2 former [1] tail [kept lost]"]);
    }
}
