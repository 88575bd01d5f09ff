//! Nodes of a cluster take their leave, one after the other, and others start in their places.

use shard::Settings;
use sim::scenario::settings;
use sim::{Actor, Fault};

use crate::scene::{Scene, layout, lobby, rich, room};

const NODES: usize = 3;
const CLIENTS: usize = 12;

fn event(name: &str) -> Actor {
    let mut actor = Actor::new(name, "socketio", None, room("lobby"), false);
    actor.recovers = true;
    actor
}

/// Half of them by the rich protocol, half by that of events, all in one room.
fn gather() -> Scene {
    let mut settings = Settings { recovery_ms: 120_000, drain_ms: 5000, ..settings() };
    settings.gateways.socketio.recovery = true;
    let client = |number: usize| match number % 2 {
        0 => rich(&format!("rich-{number}")),
        _ => event(&format!("event-{number}")),
    };
    let clients = (0..CLIENTS).map(client).collect();
    let mut scene = Scene::in_cluster(&layout(NODES), &settings, clients).connected();
    (0..CLIENTS).for_each(|who| scene.join(who, &lobby()));
    scene.settle_cluster(2000);
    scene
}

/// Whoever was sent away comes back. Says who.
fn come_back(scene: &mut Scene) -> Vec<usize> {
    let away: Vec<usize> = (0..CLIENTS).filter(|who| scene.0.actors[*who].was_let_go).collect();
    away.iter().for_each(|who| scene.connect_to(*who, *who % NODES));
    away
}

#[test]
fn a_rolling_restart_is_not_felt() {
    let mut scene = gather();
    let (mut moved, mut mark) = (Vec::new(), 0);
    for site in 0..NODES {
        scene.befall(Fault::Drain { site, ms: 500 });
        for _ in 0..40 {
            scene.0.wait(200);
            moved.extend(come_back(&mut scene));
            let there: Vec<usize> =
                (0..CLIENTS).filter(|who| scene.0.actors[*who].rooms().contains(&lobby())).collect();
            mark += 1;
            scene.post(there[mark % there.len()], &lobby(), mark as u32, 10);
            scene.0.settle();
        }
        scene.settle_cluster(3000);
    }
    assert_eq!(scene.0.ledger.messages(), mark, "all was accepted");
    assert!((0..CLIENTS).all(|who| moved.contains(&who)), "everybody was sent away: {moved:?}");
    let by_events = moved.iter().filter(|who| *who % 2 == 1).count();
    assert_eq!(scene.0.ledger.recoveries(), by_events, "they go on where they were");
    scene.0.wait(10_000);
    scene.settle_presence();
}

#[test]
fn a_node_that_is_left_alone_is_gone_at_once() {
    let mut scene = Scene::in_cluster(&layout(2), &settings(), vec![rich("alice")]).connected();
    scene.befall(Fault::Drain { site: 1, ms: 5000 });
    scene.0.wait(1000);
    assert_eq!(scene.0.node.life_at(1), None);
    scene.0.wait(5000);
    assert_eq!(scene.0.node.life_at(1), Some(2));
}
