//! The ledger can fail: whatever a server could do wrong is done to it here, and it must complain.

use chat::{Event, Refusal};
use gateways::Heard;
use shard::Mail;
use sim::scenario::settings;
use sim::{Allowance, Tamper, Thief};

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

/// Four posts a second, and as many at once; who asks for more is refused.
const FOUR: Allowance = Allowance {
    posts_per_second: 4,
    joins_per_second: 0,
    burst_seconds: 1,
    patience_ms: 0,
    refusals_max: 100,
};

/// Somebody says six things at once, and what was refused of it again, where `kept` is how much may be said.
fn six_messages(kept: Allowance, tamper: Option<Tamper>) -> Vec<String> {
    let mut scene = Scene::bounded(kept, FOUR, vec![rich("alice")]).connected();
    scene.join(0, &lobby());
    scene.settle();
    scene.0.actors[0].tamper = tamper;
    (0..6).for_each(|mark| scene.post(0, &lobby(), mark, 5));
    scene.0.wait(5000);
    scene.0.ledger.settle();
    scene.0.ledger.take_complaints()
}

/// Changes how long whoever is refused is told to wait.
fn with_wait(change: fn(u32) -> u32) -> Option<Tamper> {
    Some(Box::new(move |heard| {
        for one in heard {
            if let Heard::Refused { refusal: Refusal::TooFast { retry_after_ms }, .. } = one {
                *retry_after_ms = change(*retry_after_ms);
            }
        }
    }))
}

#[test]
fn bounds_that_are_kept_give_no_cause() {
    assert_eq!(six_messages(FOUR, None), [""; 0]);
    assert_eq!(six_messages(Allowance { patience_ms: 10_000, ..FOUR }, None), [""; 0]);
}

#[test]
fn a_flood_that_is_let_through_is_noticed() {
    complains_of(&six_messages(Allowance::ANY, None), "more than it may have");
    complains_of(&six_messages(Allowance { posts_per_second: 5, ..FOUR }, None), "more than it may have");
}

#[test]
fn a_refusal_for_haste_of_who_was_not_hasty_is_noticed() {
    complains_of(&six_messages(Allowance { burst_seconds: 0, ..FOUR }, None), "is refused");
}

#[test]
fn a_time_to_wait_that_is_not_true_is_noticed() {
    complains_of(&six_messages(FOUR, with_wait(|_| 0)), "is told to ask again after 0 ms");
    complains_of(&six_messages(FOUR, with_wait(|ms| ms + 1000)), "is told to ask again after");
    complains_of(&six_messages(FOUR, with_wait(|ms| ms.saturating_sub(10))), "is refused");
}

#[test]
fn who_is_slowed_and_never_answered_is_missed() {
    let forgotten: Tamper = Box::new(|heard| heard.retain(|one| !matches!(one, Heard::Refused { .. })));
    complains_of(&six_messages(FOUR, Some(forgotten)), "has no answer");
}
