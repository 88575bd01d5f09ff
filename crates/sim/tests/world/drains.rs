//! A node that goes away: how fast it tells its clients, what they have by then, and what goes on in the meantime.

use shard::Settings;
use sim::scenario::settings;
use sim::{Actor, Node, Weather};

use crate::scene::{Scene, lobby, plain, rich};
use crate::stock::{ask, get, hear, open_polls, open_rich, post, sessions};

const RATE: u32 = 40;

fn paced(shards: u16, actors: Vec<Actor>) -> Scene {
    Scene::new(&Settings { drain_sessions_per_second: RATE, ..settings() }, shards, actors).connected()
}

/// Half of them by plain WebSockets, half by the rich protocol, in two rooms.
fn crowd(size: usize) -> Vec<Actor> {
    let member = |number: usize| match number % 2 {
        0 => plain(&format!("plain-{number}")),
        _ => rich(&format!("rich-{number}")),
    };
    (0..size).map(member).collect()
}

fn rich_crowd(size: usize) -> Vec<Actor> {
    (0..size).map(|number| rich(&format!("rich-{number}"))).collect()
}

fn drain(scene: &mut Scene) {
    scene.0.ledger.note_drain(0);
    scene.0.node.drain(0);
    scene.settle();
}

/// How many sessions are left at the end of so many tenths of a second.
fn left_by(scene: &mut Scene, tenths: usize) -> Vec<usize> {
    (0..tenths)
        .map(|_| {
            scene.0.wait(100);
            scene.settle();
            sessions(&scene.0)
        })
        .collect()
}

#[test]
fn clients_are_told_at_the_rate_on_however_many_shards_they_are() {
    for shards in 1..=4 {
        let mut scene = paced(shards, crowd(100));
        (1..100).step_by(2).for_each(|who| scene.join(who, &lobby()));
        scene.settle();
        drain(&mut scene);
        let mut left = vec![100, sessions(&scene.0)];
        left.extend(left_by(&mut scene, 30));
        for second in left.windows(11) {
            let told = second[0] - second[10];
            assert!(told <= RATE as usize, "{told} were told in a second: {left:?}");
        }
        let done = left.iter().position(|left| *left == 0).expect("all are told");
        assert!((25..=28).contains(&done), "on {shards} shards: {left:?}");
    }
}

#[test]
fn who_was_not_told_yet_is_served_as_ever() {
    let mut scene = paced(2, crowd(60));
    (1..60).step_by(2).for_each(|who| scene.join(who, &lobby()));
    scene.settle();
    drain(&mut scene);
    let mut served = 0;
    for mark in 0..12 {
        scene.0.wait(100);
        let members = (1..60).step_by(2).filter(|who| scene.0.actors[*who].is_connected());
        for who in members.collect::<Vec<_>>() {
            scene.post(who, &lobby(), mark * 100 + who as u32, 10);
            served += 1;
        }
        scene.settle();
    }
    assert!(served > 100, "{served}");
    assert_eq!(scene.0.ledger.messages(), served, "all are accepted");
}

#[test]
fn what_was_said_before_a_farewell_is_heard_before_it() {
    let settings = Settings { drain_sessions_per_second: 0, ..settings() };
    let mut scene = Scene::new(&settings, 1, rich_crowd(200)).connected();
    (0..200).for_each(|who| scene.join(who, &lobby()));
    scene.settle();
    // It is taken in the turn in which the first are told.
    (0..5).for_each(|mark| scene.post(0, &lobby(), mark, 100));
    drain(&mut scene);
    scene.0.wait(5000);
    scene.settle();
    let places: Vec<u64> = (0..200).map(|who| scene.place(who).map_or(0, |at| at.offset)).collect();
    assert!(sessions(&scene.0) == 0 && places.iter().all(|offset| *offset == 5), "{places:?}");
}

#[test]
fn what_was_asked_before_a_farewell_is_answered_before_it() {
    let settings = Settings { drain_sessions_per_second: 200, ..settings() };
    let mut scene = Scene::new(&settings, 3, rich_crowd(30));
    scene.0.node = Node::new(&settings, 3, Weather { mail_turns: 500, ..Weather::CALM }, 7).into();
    let mut scene = scene.connected();
    (0..30).for_each(|who| scene.join(who, &lobby()));
    scene.settle();
    drain(&mut scene);
    let left: Vec<usize> = (0..30).filter(|who| scene.0.actors[*who].is_connected()).collect();
    left.iter().for_each(|who| scene.post(*who, &lobby(), *who as u32, 10));
    // Every shard has taken what its clients say, and the mail is on its way.
    for _ in 0..3 {
        scene.0.node.turn();
    }
    // The next few are due.
    scene.0.leap(50);
    scene.settle();
    scene.0.wait(1000);
    assert_eq!((sessions(&scene.0), scene.0.ledger.messages()), (0, left.len()));
    assert!(left.len() >= 20 && left.iter().all(|who| scene.0.actors[*who].is_answered()));
}

#[test]
fn who_polls_is_told_in_answer_to_a_poll_behind_what_was_kept() {
    let mut stage = Scene::new(&settings(), 2, Vec::new()).0;
    let (polls, posts, poster) = (stage.node.connect(0), stage.node.connect(0), stage.node.connect(1));
    let target = open_polls(&mut stage, polls, 4);
    ask(&mut stage, posts, post(&target, "40").as_bytes());
    ask(&mut stage, polls, get(&target).as_bytes());
    ask(&mut stage, posts, post(&target, "42[\"joinRoom\",{\"room\":\"lobby\"}]").as_bytes());
    ask(&mut stage, poster, post("/rooms/lobby", "before").as_bytes());
    stage.node.drain(0);
    stage.settle();
    stage.wait(500);
    assert_eq!(sessions(&stage), 1, "it has not asked yet");
    assert!(
        ask(
            &mut stage,
            posts,
            post(&target, "42[\"message\",{\"room\":\"lobby\",\"message\":\"after\"}]").as_bytes()
        )
        .ends_with("ok")
    );
    let told = ask(&mut stage, polls, get(&target).as_bytes());
    assert!(told.contains("before") && told.contains("after"), "{told}");
    stage.node.send(polls, get(&target).as_bytes());
    stage.wait(100);
    assert!(hear(&mut stage, polls).ends_with("\r\n\r\n1"));
    assert_eq!(sessions(&stage), 0);
}

#[test]
fn who_does_not_poll_is_not_waited_for_long() {
    let mut stage = Scene::new(&settings(), 1, Vec::new()).0;
    let polls = stage.node.connect(0);
    let target = open_polls(&mut stage, polls, 4);
    stage.node.drain(0);
    stage.wait(1900);
    assert_eq!(sessions(&stage), 1);
    stage.wait(200);
    assert_eq!(sessions(&stage), 0);
    let late = stage.node.connect(0);
    assert!(ask(&mut stage, late, get(&target).as_bytes()).starts_with("HTTP/1.1 400 "));
}

#[test]
fn when_time_is_up_everybody_is_told_and_the_rate_is_kept_by_their_delays() {
    let settings =
        Settings { drain_sessions_per_second: 10, drain_ms: 3000, reconnect_spread_ms: 0, ..settings() };
    let mut stage = Scene::new(&settings, 2, Vec::new()).0;
    let pipes: Vec<_> = (0..100).map(|_| open_rich(&mut stage)).collect();
    stage.node.drain(0);
    stage.wait(1900);
    assert!((82..=84).contains(&sessions(&stage)), "{}", sessions(&stage));
    stage.wait(200);
    assert_eq!(sessions(&stage), 0);
    let delays: Vec<u64> = pipes.into_iter().map(|pipe| delay_ms(&hear(&mut stage, pipe))).collect();
    let most = *delays.iter().max().expect("there are some");
    assert!((7800..8900).contains(&most), "{delays:?}");
    // Whoever had its turn is told to come in the next moment.
    let early = delays.iter().filter(|delay| (101..4000).contains(*delay)).count();
    assert!((35..=45).contains(&early), "{early} in the first half: {delays:?}");
}

fn delay_ms(told: &str) -> u64 {
    let (_, delay) = told.split_once("\"delay\":").unwrap_or_else(|| panic!("a delay is told: {told}"));
    let digits = delay.split(|next: char| !next.is_ascii_digit()).next().unwrap_or("");
    digits.parse().expect("a number")
}
