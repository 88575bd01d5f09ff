//! Who is served where: small rooms by one shard, large ones by all.

use sim::scenario::settings;

use crate::scene::{Scene, crowd, lobby};

const SHARDS: u16 = 4;

/// How many sessions each shard has, the fullest first.
fn sessions(scene: &Scene) -> Vec<usize> {
    let mut sessions: Vec<usize> = scene.0.node.audit().map(|(holdings, _)| holdings.sessions).collect();
    sessions.sort_unstable_by(|one, other| other.cmp(one));
    sessions
}

/// So many come to one room, where it is small up to `small_room_max`, and each of them says something.
fn gathered(size: usize, small_room_max: u32) -> Scene {
    let mut settings = settings();
    settings.small_room_max = small_room_max;
    let mut scene = Scene::new(&settings, SHARDS, crowd(size)).connected();
    (0..size).for_each(|who| scene.post(who, &lobby(), who as u32 + 1, 10));
    scene.settle();
    scene
}

#[test]
fn a_small_room_is_served_by_one_shard_wherever_its_members_came_in() {
    assert_eq!(sessions(&gathered(8, 64)), [8, 0, 0, 0]);
}

#[test]
fn a_large_room_is_served_by_every_shard() {
    // The first three are with the home, whatever shard that is; the next eight are where they came in.
    assert_eq!(sessions(&gathered(11, 2)), [5, 2, 2, 2]);
}

#[test]
fn a_room_that_everybody_but_a_few_has_left_is_small_again() {
    let mut scene = gathered(12, 4);
    (0..11).for_each(|who| scene.close(who));
    scene.settle();
    assert_eq!(sessions(&scene).iter().sum::<usize>(), 1);
    (0..3).for_each(|who| scene.connect(who));
    let here = sessions(&scene);
    assert!(here[0] >= 3 && here[2] == 0, "who comes back goes to the room's home: {here:?}");
}

/// What came in after the answer to the post is judged when that is given, and by then the client has closed its half.
#[test]
fn a_stream_that_has_ended_is_not_waited_for_where_it_is_handed_over_to() {
    let post = "POST /rooms/lobby HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi";
    let read = "GET /events/lobby HTTP/1.1\r\nHost: a\r\n\r\n";
    for shard in 0..usize::from(SHARDS) {
        let mut scene = Scene::new(&settings(), SHARDS, Vec::new());
        let visitor = scene.0.node.connect(shard);
        scene.0.node.send(visitor, format!("{post}{read}").as_bytes());
        scene.0.node.hang_up(visitor);
        scene.settle();
        scene.0.wait(2 * settings().close_timeout_ms);
        assert_eq!(sessions(&scene), [0; SHARDS as usize], "it came to shard {shard}");
    }
}
