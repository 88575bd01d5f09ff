//! Machines around a broker in memory: what arrives, as text.

use bytes::Bytes;
use chat::{Counts, Here, SignalName, UserId};

use super::Input;
use super::world::{World, order, room};
use crate::redis::broker::{Heard, Line, Model, Request};
use crate::{Ask, NodeId, Signal};

pub(super) fn here(sessions: u32) -> Here {
    Here { sessions, counts: Counts { members: sessions, guests: 0 }, users: None }
}

/// Two nodes that attend to the lobby, and have been told so.
pub(super) fn two_in(name: &str) -> World {
    let mut world = World::new(2);
    for node in [0, 1] {
        world.ask(node, Ask::Attend(room(name)));
        world.settle();
        assert_eq!(world.arrived(node), [format!("opened {name} at 0 former [] tail []")]);
    }
    world
}

pub(super) fn say(world: &mut World, node: usize, text: &str, ticket: u64) {
    world.ask(node, Ask::Order(order(&room("lobby"), text, None, ticket)));
}

#[test]
fn what_one_node_says_arrives_at_all_that_attend() {
    let mut world = two_in("lobby");
    say(&mut world, 0, "hi", 7);
    say(&mut world, 0, "ho", 8);
    world.settle();
    let mut own = world.arrived(0);
    own.sort();
    assert_eq!(own, ["placed 1 ticket 7", "placed 2 ticket 8", "posted 1 hi", "posted 2 ho"]);
    assert_eq!(world.arrived(1), ["posted 1 hi", "posted 2 ho"]);
}

#[test]
fn who_comes_later_is_told_what_is_kept() {
    let mut world = World::new(2);
    say(&mut world, 0, "hi", 7);
    world.settle();
    assert_eq!(world.arrived(0), ["placed 1 ticket 7"]);
    world.ask(1, Ask::Attend(room("lobby")));
    world.settle();
    assert_eq!(world.arrived(1), ["opened lobby at 1 former [] tail [hi]"]);
}

#[test]
fn what_is_said_while_a_room_is_being_attended_to_is_shown_once() {
    let mut world = two_in("lobby");
    world.ask(0, Ask::Forsake(room("lobby")));
    world.settle();
    world.ask(0, Ask::Attend(room("lobby")));
    assert!(world.carry_out(0) && world.answer(0), "it listens");
    say(&mut world, 1, "before", 1);
    world.carry_out(1);
    assert!(world.carry_out(0), "it attends");
    say(&mut world, 1, "after", 2);
    world.carry_out(1);
    world.settle();
    assert_eq!(world.arrived(0), ["opened lobby at 1 former [] tail [before]", "posted 2 after"]);
}

#[test]
fn a_room_left_and_entered_in_one_breath_misses_nothing() {
    let mut world = two_in("lobby");
    world.ask(0, Ask::Forsake(room("lobby")));
    world.ask(0, Ask::Attend(room("lobby")));
    world.ask(0, Ask::Forsake(room("lobby")));
    world.ask(0, Ask::Attend(room("lobby")));
    while !world.nodes[0].requests.is_empty() {
        world.carry_out(0);
        say(&mut world, 1, "x", 1);
        world.carry_out(1);
        world.answer(0);
    }
    world.settle();
    say(&mut world, 1, "last", 1);
    world.settle();
    let arrived = world.arrived(0);
    assert!(arrived[0].starts_with("opened lobby"));
    assert!(arrived.last().is_some_and(|line| line.ends_with("last")), "{arrived:?}");
}

#[test]
fn what_was_missed_is_shown_in_its_place() {
    let mut world = two_in("lobby");
    for text in ["a", "b", "c"] {
        say(&mut world, 0, text, 1);
        world.carry_out(0);
    }
    world.nodes[1].publications.remove(0);
    world.settle();
    assert_eq!(world.arrived(1), ["posted 1 a", "posted 2 b", "posted 3 c"]);
    assert_eq!(world.nodes[1].machine.health().tally.gaps_refilled, 1);
}

#[test]
fn what_is_published_twice_is_shown_once() {
    let mut world = two_in("lobby");
    say(&mut world, 0, "a", 1);
    world.carry_out(0);
    let again = world.nodes[1].publications[0].clone();
    world.nodes[1].publications.push_back(again);
    world.settle();
    assert_eq!(world.arrived(1), ["posted 1 a"]);
    assert_eq!(world.nodes[1].machine.health().tally.duplicates, 1);
}

#[test]
fn a_listener_that_was_cut_catches_up() {
    let mut world = two_in("lobby");
    world.cut(1, Line::Listener);
    say(&mut world, 0, "a", 1);
    world.settle();
    assert!(world.arrived(1).is_empty());
    world.up(1, Line::Listener);
    world.settle();
    assert_eq!(world.arrived(1), ["posted 1 a"]);
}

#[test]
fn what_the_log_has_lost_meanwhile_is_told() {
    let mut world = two_in("lobby");
    say(&mut world, 0, "first", 1);
    world.settle();
    world.cut(1, Line::Listener);
    for _ in 0..60 {
        say(&mut world, 0, "x", 1);
    }
    world.settle();
    world.up(1, Line::Listener);
    world.settle();
    let arrived = world.arrived(1);
    assert_eq!(arrived[0], "posted 1 first");
    assert!(arrived[1].starts_with("opened lobby at 61 former []") && arrived.len() == 2, "{arrived:?}");
    assert_eq!(world.nodes[1].machine.health().tally.gaps_lost, 1);
}

#[test]
fn a_post_whose_answer_is_cut_off_is_one_message() {
    for has_been_carried_out in [false, true] {
        let mut world = World::new(1);
        say(&mut world, 0, "hi", 7);
        if has_been_carried_out {
            world.carry_out(0);
        }
        world.cut(0, Line::Commands);
        world.up(0, Line::Commands);
        say(&mut world, 0, "ho", 8);
        world.settle();
        assert_eq!(world.arrived(0), ["placed 1 ticket 7", "placed 2 ticket 8"]);
        assert_eq!(world.nodes[0].machine.health().tally.retries, 1);
    }
}

#[test]
fn a_retry_that_cannot_be_told_from_a_new_post_is_refused() {
    let mut world = World::new(2);
    say(&mut world, 0, "hi", 7);
    world.cut(0, Line::Commands);
    for _ in 0..300 {
        say(&mut world, 1, "x", 1);
    }
    world.settle();
    world.up(0, Line::Commands);
    world.settle();
    assert_eq!(world.arrived(0), ["failed unavailable ticket 7"]);
}

#[test]
fn a_post_that_finds_no_answer_is_refused_in_time() {
    let mut world = World::new(1);
    say(&mut world, 0, "hi", 7);
    world.nodes[0].requests.clear();
    world.pass(4_900);
    assert!(world.arrived(0).is_empty());
    world.pass(200);
    assert_eq!(world.arrived(0), ["failed unavailable ticket 7"]);
}

#[test]
fn a_line_that_says_nothing_is_made_anew() {
    let mut world = World::new(1);
    say(&mut world, 0, "hi", 7);
    for _ in 0..30 {
        world.nodes[0].requests.clear();
        world.now_ms += 100;
        world.step(0, Input::Tick);
    }
    world.settle();
    assert_eq!(world.arrived(0), ["placed 1 ticket 7"]);
}

#[test]
fn a_replica_that_lacks_messages_goes_on_in_an_epoch_of_its_own() {
    let mut world = two_in("lobby");
    say(&mut world, 0, "kept", 1);
    world.settle();
    let mut replica = world.model.clone();
    say(&mut world, 0, "lost", 2);
    world.settle();
    assert_eq!(world.arrived(1), ["posted 1 kept", "posted 2 lost"]);
    replica.run = "run2".to_owned();
    world.model = replica;
    for node in [0, 1] {
        world.cut(node, Line::Commands);
        world.cut(node, Line::Listener);
        world.connect(node);
    }
    world.settle();
    assert_eq!(world.arrived(1), ["opened lobby at 2 former [1] tail [kept lost]"], "it was posted again");
    assert_eq!(world.nodes[1].machine.health().tally.gaps_lost, 1);
}

#[test]
fn a_broker_that_has_forgotten_everything_begins_another_epoch() {
    let mut world = two_in("lobby");
    say(&mut world, 0, "a", 1);
    world.settle();
    world.ask(0, Ask::Here { room: room("lobby"), here: here(3) });
    world.settle();
    assert_eq!(world.arrived(1), ["posted 1 a", "elsewhere 1 3"]);
    world.model = Model::new("run2", &super::world::settings(0));
    for node in [1, 0] {
        world.cut(node, Line::Commands);
        world.cut(node, Line::Listener);
        world.connect(node);
        world.settle();
    }
    let mut arrived = world.arrived(1);
    arrived.dedup();
    assert_eq!(arrived, ["opened lobby at 0 former [] tail []", "posted 1 a", "elsewhere 1 3"]);
    world.pass(7_000);
    assert_eq!(world.arrived(1), ["elsewhere 1 3"], "who had been doubted is there");
}

#[test]
fn who_is_on_other_nodes_is_told_and_taken_back_when_a_node_dies() {
    let mut world = two_in("lobby");
    world.ask(0, Ask::Here { room: room("lobby"), here: here(2) });
    world.settle();
    assert_eq!(world.arrived(1), ["elsewhere 1 2"]);
    world.nodes[0].is_dead = true;
    world.pass(8_000);
    assert_eq!(world.arrived(1), ["elsewhere 1 -1"]);
    assert_eq!(world.nodes[1].machine.health().nodes, 1);
    world.ask(1, Ask::Forsake(room("lobby")));
    world.settle();
    world.ask(1, Ask::Attend(room("lobby")));
    world.settle();
    assert_eq!(world.arrived(1), ["opened lobby at 0 former [] tail []"], "nothing is left of it");
}

#[test]
fn a_node_taken_for_dead_by_mistake_is_there_again() {
    let mut world = two_in("lobby");
    world.ask(0, Ask::Here { room: room("lobby"), here: here(2) });
    world.settle();
    world.nodes[0].is_dead = true;
    world.pass(7_000);
    world.nodes[0].is_dead = false;
    world.pass(2_000);
    let mut arrived = world.arrived(1);
    arrived.dedup();
    assert_eq!(arrived, ["elsewhere 1 2", "elsewhere 1 -1", "elsewhere 1 2"]);
}

/// Three nodes in the lobby, two members on the first of them, which pauses. The third takes it for dead, and it is there again before the
/// second, who would clean up after it, has noticed. Meanwhile one of them has lost its listener.
fn first_of_three_pauses(deaf: usize) -> World {
    let mut world = World::new(3);
    (0..3).for_each(|node| world.ask(node, Ask::Attend(room("lobby"))));
    world.settle();
    world.ask(0, Ask::Here { room: room("lobby"), here: here(2) });
    world.settle();
    world.nodes[0].is_dead = true;
    world.pass(4_000);
    world.arrived(2);
    world.cut(deaf, Line::Listener);
    world.now_ms += 1_500;
    world.step(2, Input::Tick);
    while world.carry_out(2) || world.answer(2) {}
    assert_eq!(world.arrived(2), ["elsewhere 1 -1"]);
    world.nodes[0].is_dead = false;
    world.step(0, Input::Tick);
    world.settle();
    world.up(deaf, Line::Listener);
    world.settle();
    world
}

#[test]
fn a_node_that_rises_while_another_makes_its_listener_anew_is_there_for_it() {
    let mut world = first_of_three_pauses(2);
    assert_eq!(world.arrived(2), ["elsewhere 1 2"]);
}

#[test]
fn a_node_that_makes_its_listener_anew_when_it_rises_is_there_for_those_who_took_it_for_dead() {
    let mut world = first_of_three_pauses(0);
    assert_eq!(world.arrived(2), ["elsewhere 1 2"]);
}

#[test]
fn a_node_that_is_cleaned_up_after_although_it_lives_says_once_more_who_is_there() {
    let mut world = two_in("lobby");
    world.ask(0, Ask::Here { room: room("lobby"), here: here(2) });
    world.settle();
    world.step(1, Input::Tick);
    let lobby = room("lobby");
    world.nodes[1].requests.push_back((u64::MAX, Request::Forsake { room: lobby, node: NodeId(1) }));
    world.settle();
    assert_eq!(world.arrived(1), ["elsewhere 1 2", "elsewhere 1 -1"]);
    world.pass(7_000);
    assert_eq!(world.arrived(1), ["elsewhere 1 2"]);
}

#[test]
fn a_room_forsaken_is_so_on_the_other_nodes() {
    let mut world = two_in("lobby");
    world.ask(0, Ask::Here { room: room("lobby"), here: here(2) });
    world.settle();
    world.cut(0, Line::Commands);
    world.ask(0, Ask::Forsake(room("lobby")));
    world.up(0, Line::Commands);
    world.settle();
    assert_eq!(world.arrived(1), ["elsewhere 1 2", "elsewhere 1 -1"]);
}

#[test]
fn signs_and_mail_reach_the_other_nodes() {
    let mut world = two_in("lobby");
    let typing = SignalName::new("typing").expect("a valid name");
    let signal = Signal { user: UserId::new("alice").ok(), signal: typing, content: None };
    world.ask(0, Ask::Tell { room: room("lobby"), signal });
    world.ask(0, Ask::Send { to: NodeId(2), bytes: Bytes::from_static(b"mail") });
    world.settle();
    assert!(world.arrived(0).is_empty());
    assert_eq!(world.arrived(1), ["told typing", "sent by 1 mail"]);
}

#[test]
fn without_a_broker_posts_and_attends_are_refused_and_rooms_open_when_it_is_back() {
    let mut world = two_in("lobby");
    say(&mut world, 0, "kept waiting", 1);
    world.cut(0, Line::Commands);
    world.cut(0, Line::Listener);
    world.pass(1_100);
    say(&mut world, 0, "x", 2);
    world.ask(0, Ask::Attend(room("other")));
    assert_eq!(
        world.arrived(0),
        ["failed unavailable ticket 1", "failed unavailable ticket 2", "shut other unavailable"]
    );
    assert!(world.nodes[0].machine.health().fault.is_some());
    world.connect(0);
    world.pass(100);
    assert_eq!(world.arrived(0), ["opened other at 0 former [] tail []"]);
    assert_eq!(world.nodes[0].machine.health().fault, None);
}

#[test]
fn rooms_that_may_go_on_among_themselves_do() {
    let mut world = two_in("local1");
    let local = |text: &str, tag: Option<&str>, ticket| Ask::Order(order(&room("local1"), text, tag, ticket));
    world.ask(0, local("a", None, 1));
    world.settle();
    world.arrived(0);
    world.cut(0, Line::Commands);
    world.cut(0, Line::Listener);
    world.pass(1_100);
    world.ask(0, local("b", Some("t"), 2));
    world.ask(0, local("b", Some("t"), 3));
    assert_eq!(
        world.arrived(0),
        ["opened local1 at 1 former [1] tail []", "ordered 2 b ticket 2", "placed 2 ticket 3"]
    );
    world.connect(0);
    world.settle();
    assert_eq!(
        world.arrived(0),
        ["opened local1 at 2 former [1] tail [a b]"],
        "it is what it was, and then what was said"
    );
}

#[test]
fn shards_are_told_which_nodes_are_alive() {
    let mut world = World::new(3);
    world.pass(2_000);
    assert_eq!(world.nodes[0].told_alive, [1, 2, 3]);
    world.nodes[1].is_dead = true;
    world.pass(8_000);
    assert_eq!(world.nodes[0].told_alive, [1, 3]);
}

#[test]
fn a_node_that_does_not_hear_itself_listens_anew() {
    let mut world = two_in("lobby");
    world.nodes[0].publications.clear();
    for _ in 0..32 {
        world.now_ms += 100;
        world.step(0, Input::Tick);
        while world.nodes[0]
            .requests
            .front()
            .is_some_and(|(_, request)| !matches!(request, Request::Redial(_)))
        {
            world.carry_out(0);
        }
        world.answer(0);
        world.nodes[0].publications.clear();
    }
    assert!(world.nodes[0].machine.health().fault.is_some());
    assert!(matches!(world.nodes[0].requests.front(), Some((_, Request::Redial(Line::Listener)))));
    world.settle();
    world.pass(1_000);
    assert_eq!(world.nodes[0].machine.health().fault, None);
}

#[test]
fn an_entry_that_cannot_be_read_is_told_as_lost() {
    let mut world = two_in("lobby");
    say(&mut world, 0, "a", 1);
    world.carry_out(0);
    let (_, Heard::Posted { entry, .. }) = &mut world.nodes[1].publications[0] else { panic!("a message") };
    *entry = Bytes::from_static(&[0]);
    world.settle();
    assert_eq!(world.arrived(1), ["opened lobby at 1 former [] tail []"]);
}

#[test]
fn of_lines_that_lead_to_different_lives_the_older_one_is_made_anew() {
    for (newer, older) in [(Line::Listener, Line::Commands), (Line::Commands, Line::Listener)] {
        let mut world = World::new(1);
        world.step(0, Input::Up { line: newer, run: "run1-history".into() });
        let is_redial = |(_, request): &(u64, Request)| *request == Request::Redial(older);
        assert!(world.nodes[0].requests.iter().any(is_redial), "{older:?}");
        assert!(world.nodes[0].machine.is_up(newer) && !world.nodes[0].machine.is_up(older));
    }
}

#[test]
fn a_listener_stays_where_the_broker_has_only_forgotten_that_it_was_a_replica() {
    let mut world = World::new(1);
    for run in ["run1-history", "run1-history", "run1"] {
        world.step(0, Input::Up { line: Line::Commands, run: run.into() });
        world.step(0, Input::Up { line: Line::Listener, run: run.into() });
    }
    let machine = &world.nodes[0].machine;
    assert!(machine.is_up(Line::Commands) && machine.is_up(Line::Listener));
}
