//! A replica takes a broker's place, and the broker does not know.

use sim::scenario::settings;
use sim::{Fault, Layout};

use crate::scene::{Scene, layout, lobby, rich};

const SPLIT_MS: u64 = 4000;

/// Alice's node goes on with the broker that has been replaced, bob's with the new one, and both say something.
fn split(layout: &Layout) -> Scene {
    let mut scene = Scene::in_cluster(layout, &settings(), vec![rich("alice"), rich("bob")]).connected();
    scene.join(0, &lobby());
    scene.join(1, &lobby());
    scene.settle_cluster(1000);
    scene.post(0, &lobby(), 1, 10);
    scene.settle_cluster(1000);
    scene.befall(Fault::Split { site: 0, ms: SPLIT_MS });
    scene.0.wait(1000);
    scene.post(0, &lobby(), 2, 10);
    scene.post(1, &lobby(), 3, 10);
    scene.0.wait(1000);
    scene
}

#[test]
fn what_a_replaced_broker_accepted_is_lost_and_told() {
    let mut scene = split(&layout(2));
    assert_eq!(scene.0.ledger.messages(), 3, "both are accepted");
    let before = scene.place(0).expect("it was shown something");
    assert_ne!(scene.place(0), scene.place(1));
    scene.settle_cluster(SPLIT_MS + 5000);
    let after = scene.place(0).expect("it is still there");
    assert_ne!(before.epoch, after.epoch, "it was told of the epoch that goes on");
    assert_eq!(Some(after.offset), scene.place(1).map(|at| at.offset));
}

#[test]
fn with_a_replica_to_wait_for_nothing_that_is_lost_was_accepted() {
    let mut scene = split(&Layout { wait_replicas: 1, ..layout(2) });
    assert_eq!(scene.0.ledger.messages(), 2, "no replica has what the replaced broker was told");
    scene.settle_cluster(SPLIT_MS + 5000);
    let stage = &mut scene.0;
    stage.actors[0].repeat(&mut stage.node, &mut stage.ledger);
    scene.settle_cluster(1000);
    assert_eq!(scene.0.ledger.messages(), 3);
    assert_eq!(scene.place(0), scene.place(1));
}

#[test]
fn a_replica_that_lags_is_waited_for_in_vain() {
    let layout = Layout { wait_replicas: 1, ..layout(1) };
    let mut scene = Scene::in_cluster(&layout, &settings(), vec![rich("alice")]).connected();
    scene.join(0, &lobby());
    scene.settle_cluster(1000);
    scene.befall(Fault::Lag { ms: 1000 });
    scene.0.ledger.note_trouble(sim::Trouble::Cut);
    scene.post(0, &lobby(), 1, 10);
    scene.0.wait(500);
    assert_eq!(scene.0.ledger.messages(), 0);
    scene.0.wait(1000);
    scene.0.actors[0].repeat(&mut scene.0.node, &mut scene.0.ledger);
    scene.settle_cluster(1000);
    assert_eq!(scene.0.ledger.messages(), 1, "the message is there, and on the replica now");
}
