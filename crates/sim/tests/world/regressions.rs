//! Faults that were found once, each as the shortest way back to it.

use chat::{Body, Command, RoomId, UserId};
use sim::scenario::settings;
use sim::{Mark, Node, Weather};

use crate::scene::{Scene, crowd, guest, lobby, rich, room};

#[test]
fn a_room_of_as_many_as_a_slice_visits_keeps_nothing_that_all_were_sent() {
    for size in [63, 64, 65, 128, 256] {
        let mut scene = Scene::new(&settings(), 1, crowd(size)).connected();
        scene.post(0, &lobby(), 1, 10);
        scene.settle();
        assert_eq!(scene.queued_bytes(), 0, "{size} members");
    }
}

#[test]
fn who_comes_while_a_room_is_being_told_does_not_hide_somebody_else() {
    let mut scene = Scene::new(&settings(), 1, vec![rich("alice"), rich("bob")]).connected();
    scene.join(0, &lobby());
    scene.join(1, &lobby());
    scene.settle();
    let visitor = scene.0.node.connect(0);
    let post = "POST /rooms/lobby HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi";
    let read = "GET /events/lobby HTTP/1.1\r\nHost: a\r\n\r\n";
    scene.0.node.send(visitor, format!("{post}{read}").as_bytes());
    scene.settle();
    assert_eq!((scene.queued_bytes(), scene.place(0)), (0, scene.place(1)));
}

#[test]
fn who_leaves_a_full_room_before_it_was_refused_is_not_counted_out_of_it() {
    for shards in [1, 2, 3] {
        let mut settings = settings();
        settings.room_members_max = 2;
        let mut scene =
            Scene::new(&settings, shards, vec![rich("alice"), rich("bob"), rich("cara")]).connected();
        scene.join(0, &lobby());
        scene.join(1, &lobby());
        scene.settle();
        scene.join(2, &lobby());
        scene.close(2);
        scene.settle_presence();
    }
}

#[test]
fn a_guest_who_takes_a_name_before_a_full_room_refused_them_is_not_renamed_in_it() {
    let mut settings = settings();
    settings.room_members_max = 1;
    let mut scene = Scene::new(&settings, 1, vec![rich("alice"), guest("bob")]).connected();
    scene.join(0, &lobby());
    scene.settle();
    scene.join(1, &lobby());
    let user = UserId::new("bob").expect("a valid name");
    let tag = scene.0.actors[1].tag();
    let identify = Command::go_by(user, None, tag);
    assert!(scene.0.actors[1].ask(identify, &mut scene.0.node, &mut scene.0.ledger));
    scene.settle_presence();
}

#[test]
fn joining_leaving_and_joining_again_at_once_ends_inside_with_three_answers() {
    for shards in [1, 2, 3] {
        let mut scene = Scene::new(&settings(), shards, vec![rich("alice"), rich("bob")]).connected();
        scene.join(0, &lobby());
        scene.leave(0, &lobby());
        scene.join(0, &lobby());
        scene.join(1, &lobby());
        scene.settle();
        scene.post(1, &lobby(), 1, 10);
        scene.settle_presence();
        assert_eq!(scene.place(0).map(|at| at.offset), Some(1));
    }
}

#[test]
fn who_comes_back_to_many_rooms_at_once_is_not_taken_for_slow() {
    let rooms: Vec<RoomId> = (0..12).map(|number| RoomId::public(room(&format!("room-{number}")))).collect();
    for shards in [1, 3] {
        let mut settings = settings();
        settings.session_queue_bytes = 40_000;
        let mut scene = Scene::new(&settings, shards, vec![rich("alice"), rich("bob")]).connected();
        rooms.iter().for_each(|room| scene.join(0, room));
        rooms.iter().for_each(|room| scene.join(1, room));
        scene.settle();
        scene.cut(0);
        for (number, room) in (0..).zip(&rooms) {
            (0..10).for_each(|index| scene.post(1, room, number * 10 + index, 1500));
            scene.settle();
        }
        scene.connect(0);
        scene.settle();
        assert!(scene.0.actors[0].is_connected());
    }
}

#[test]
fn a_demo_message_may_be_as_long_as_any_other() {
    let mut scene = Scene::new(&settings(), 1, crowd(1)).connected();
    let text = format!("{}{}", Mark(1).words(), "x".repeat(60_000));
    let author = UserId::new("ann").ok();
    let post = Command::Post { room: lobby(), author, body: Body::text(&text), tag: None, reply: true };
    assert!(scene.0.actors[0].post(post, &mut scene.0.node, &mut scene.0.ledger));
    scene.settle();
    assert!(scene.0.actors[0].is_connected());
}

#[test]
fn who_was_made_to_miss_who_came_and_went_learns_who_is_there() {
    let news = RoomId::public(room("news-1"));
    let mut settings = settings();
    settings.session_queue_bytes = 10_000;
    let weather = Weather { socket_bytes: 1000, ..Weather::CALM };
    let mut scene = Scene::new(&settings, 1, vec![rich("alice"), rich("bob"), rich("cara")]);
    scene.0.actors.iter_mut().for_each(|actor| actor.is_slow = true);
    scene.0.node = Node::new(&settings, 1, weather, 7).into();
    let mut scene = scene.connected();
    scene.join(0, &news);
    scene.join(1, &news);
    scene.settle();
    scene.set_reading(0, false);
    (0..5).for_each(|number| scene.post(1, &news, number, 1000));
    scene.0.settle();
    scene.join(2, &news);
    scene.0.wait(2000);
    (5..20).for_each(|number| scene.post(1, &news, number, 1000));
    scene.0.settle();
    scene.set_reading(0, true);
    scene.settle_presence();
}
