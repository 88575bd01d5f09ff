//! The ledger can fail: whatever a server could do wrong is done to it here, and it must complain.

use chat::Event;
use gateways::Heard;
use shard::Mail;
use sim::scenario::settings;
use sim::{Tamper, Thief};

use crate::scene::{Scene, lobby, plain, rich};

/// Two members of the rich protocol and one of a plain room, each on a shard of its own, and five messages by the
/// first of them, away from the room's home.
fn five_messages(tamper: Option<Tamper>, thief: Option<Thief>) -> Vec<String> {
    let mut scene = Scene::new(&settings(), 3, vec![plain("cara"), rich("alice"), rich("bob")]).connected();
    scene.join(1, &lobby());
    scene.join(2, &lobby());
    scene.settle();
    scene.0.actors[2].tamper = tamper;
    thief.into_iter().for_each(|thief| scene.0.node.let_in(thief));
    (0..5).for_each(|mark| scene.post(1, &lobby(), mark, 5));
    scene.0.settle();
    scene.0.ledger.settle();
    scene.0.ledger.take_complaints()
}

/// Does something to the messages among what is heard, once there are three of them.
fn with_three(act: fn(&mut Vec<Heard>, [usize; 3])) -> Option<Tamper> {
    Some(Box::new(move |heard| {
        let posted = |(index, one): (usize, &Heard)| matches!(one, Heard::Posted(_)).then_some(index);
        let posts: Vec<usize> = heard.iter().enumerate().filter_map(posted).collect();
        if let [first, second, third, ..] = posts[..] {
            act(heard, [first, second, third]);
        }
    }))
}

/// Takes the first mail of a kind.
fn steal(is_wanted: fn(&Mail) -> bool) -> Option<Thief> {
    let mut has_stolen = false;
    Some(Box::new(move |mail| {
        let steals = !has_stolen && is_wanted(mail);
        has_stolen |= steals;
        steals
    }))
}

fn complains_of(complaints: &[String], words: &str) {
    assert!(complaints.iter().any(|complaint| complaint.contains(words)), "{complaints:#?}");
}

#[test]
fn a_world_that_keeps_its_promises_gives_no_cause() {
    assert_eq!(five_messages(None, None), [""; 0]);
}

#[test]
fn a_message_that_is_not_shown_is_missed() {
    let complaints = five_messages(with_three(|heard, [_, second, _]| drop(heard.remove(second))), None);
    complains_of(&complaints, "shown");
}

#[test]
fn the_last_message_not_shown_is_missed() {
    let last = |heard: &mut Vec<Heard>| heard.truncate(heard.len() - 1);
    complains_of(&five_messages(Some(Box::new(last)), None), "the room at 5");
}

#[test]
fn a_message_shown_twice_is_noticed() {
    let twice = with_three(|heard, [_, second, _]| heard.insert(second, heard[second].clone()));
    complains_of(&five_messages(twice, None), "right after");
}

#[test]
fn two_messages_shown_the_other_way_round_are_noticed() {
    let swapped = with_three(|heard, [_, second, third]| heard.swap(second, third));
    complains_of(&five_messages(swapped, None), "right after");
}

#[test]
fn an_accepted_message_that_never_reaches_a_shard_is_missed() {
    let told = steal(|mail| matches!(mail, Mail::Told { event: Event::Posted(_), .. }));
    assert!(!five_messages(None, told).is_empty());
}

#[test]
fn a_post_that_is_lost_on_its_way_is_missed() {
    complains_of(&five_messages(None, steal(|mail| matches!(mail, Mail::Post(_)))), "has no answer");
}

#[test]
fn a_message_somebody_else_is_said_to_have_written_is_noticed() {
    let forged = |heard: &mut Vec<Heard>| {
        let said =
            heard.iter_mut().find_map(|one| if let Heard::Posted(said) = one { Some(said) } else { None });
        said.into_iter().for_each(|said| said.user = None);
    };
    complains_of(&five_messages(Some(Box::new(forged)), None), "posted by");
}

#[test]
fn a_position_given_to_two_messages_is_noticed() {
    let moved = with_three(|heard, [first, second, _]| {
        if let [Heard::Posted(first), Heard::Posted(second)] =
            heard.get_disjoint_mut([first, second]).expect("two")
        {
            std::mem::swap(&mut first.text, &mut second.text);
            std::mem::swap(&mut first.tag, &mut second.tag);
        }
    });
    complains_of(&five_messages(moved, None), "was given to");
}

#[test]
fn presence_that_is_not_told_is_missed() {
    let mut scene = Scene::new(&settings(), 1, vec![rich("alice"), rich("bob")]).connected();
    scene.join(0, &lobby());
    scene.settle();
    scene.0.actors[0].tamper =
        Some(Box::new(|heard| heard.retain(|one| !matches!(one, Heard::Presence { .. }))));
    scene.join(1, &lobby());
    scene.0.wait(3000);
    scene.0.ledger.check_presence();
    complains_of(&scene.0.ledger.take_complaints(), "believes in");
}

#[test]
fn a_parting_without_a_reason_is_noticed() {
    let closed =
        |heard: &mut Vec<Heard>| heard.push(Heard::Closed { code: 4008, reason: "slow_consumer".into() });
    complains_of(&five_messages(Some(Box::new(closed)), None), "is parted with");
}

#[test]
fn what_a_node_still_holds_is_seen() {
    let mut scene = Scene::new(&settings(), 1, vec![rich("alice")]).connected();
    scene.join(0, &lobby());
    scene.settle();
    assert!(!scene.0.node.remains().is_empty());
}
