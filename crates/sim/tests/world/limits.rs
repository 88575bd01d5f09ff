//! Sessions that ask for more than they may: they are slowed or refused, lose nothing that was accepted, and disturb nobody.

use sim::Allowance;

use crate::scene::{Scene, lobby, plain, rich, room};

/// Five posts a second, and as many at once.
const FIVE: Allowance = Allowance {
    posts_per_second: 5,
    joins_per_second: 0,
    burst_seconds: 1,
    patience_ms: 10_000,
    refusals_max: 100,
};
/// Who asks for more is refused at once.
const IMPATIENT: Allowance = Allowance { patience_ms: 0, ..FIVE };
const FLOOD: u32 = 20;

/// Two members and one of a plain room, of whom the first says too much at once.
fn flooded(allowance: Allowance) -> Scene {
    let mut scene = Scene::bounded(allowance, allowance, vec![rich("alice"), rich("bob"), plain("cara")]);
    scene = scene.connected();
    scene.join(0, &lobby());
    scene.join(1, &lobby());
    scene.settle();
    (0..FLOOD).for_each(|mark| scene.post(0, &lobby(), mark, 5));
    scene
}

/// How many messages have been shown.
fn shown(scene: &Scene) -> Option<u64> {
    scene.place(1).map(|at| at.offset)
}

#[test]
fn who_says_too_much_is_heard_once_as_often_as_the_rate_allows_and_loses_nothing() {
    // Slowed, or refused and told when to say it again.
    for allowance in [FIVE, IMPATIENT] {
        let mut scene = flooded(allowance);
        scene.settle();
        assert_eq!((shown(&scene), scene.0.actors[0].is_answered()), (Some(5), false));
        scene.0.wait(1000);
        scene.settle();
        assert_eq!(shown(&scene), Some(10));
        scene.0.wait(2000);
        scene.settle_presence();
        assert_eq!((shown(&scene), scene.0.actors[0].is_answered()), (Some(FLOOD.into()), true));
    }
}

#[test]
fn whoever_says_little_is_heard_at_once_beside_a_flood() {
    for allowance in [FIVE, IMPATIENT] {
        let mut scene = flooded(allowance);
        scene.post(1, &lobby(), 100, 5);
        scene.post(2, &lobby(), 101, 5);
        scene.settle();
        assert_eq!((shown(&scene), scene.0.actors[1].is_answered()), (Some(7), true));
    }
}

#[test]
fn who_joins_too_much_is_let_in_later() {
    for patience_ms in [0, 10_000] {
        let allowance = Allowance { posts_per_second: 0, joins_per_second: 4, patience_ms, ..FIVE };
        let mut scene = Scene::bounded(allowance, allowance, vec![rich("alice")]).connected();
        let rooms: Vec<_> =
            ["a", "b", "c", "d", "e", "f"].map(|name| chat::RoomId::public(room(name))).into();
        rooms.iter().for_each(|room| scene.join(0, room));
        scene.settle();
        let joined =
            |scene: &Scene| rooms.iter().filter(|room| scene.0.actors[0].place(room).is_some()).count();
        // One of four was for its name.
        assert_eq!(joined(&scene), 3);
        scene.0.wait(750);
        scene.settle_presence();
        assert_eq!(joined(&scene), rooms.len());
    }
}

#[test]
fn who_does_not_take_the_hint_is_parted_with_and_nobody_else() {
    let mut scene = flooded(Allowance { refusals_max: 5, ..IMPATIENT });
    scene.post(1, &lobby(), 100, 5);
    scene.settle();
    scene.0.node.audit().for_each(drop);
    scene.settle_presence();
    assert_eq!([0, 1, 2].map(|who| scene.0.actors[who].is_connected()), [false, true, true]);
    assert_eq!(shown(&scene), Some(6));
}
