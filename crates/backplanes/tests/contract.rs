//! What every backplane promises, run over every entry of the list.

use backplanes::{Arrival, BACKPLANES, Backplane, Order, Settings};
use chat::{Body, Position, RoomId, RoomName, Tag, Time, UserId};

fn each(test: impl Fn(&mut dyn Backplane)) {
    for (_, open) in BACKPLANES {
        test(&mut *open(&Settings { epoch_seed: 7, tags_per_room: 2 }));
    }
}

fn room(name: &str) -> RoomId {
    RoomId::public(RoomName::new(name).expect("a valid name"))
}

fn order(room: &RoomId, author: &str, tag: Option<&str>) -> Order {
    Order {
        room: room.clone(),
        author: UserId::new(author).ok(),
        body: Body::text("hi"),
        tag: tag.and_then(Tag::new),
        time: Time(1),
        ticket: 9,
    }
}

/// Where the order came to stand, and whether it is a new message.
fn place(backplane: &mut dyn Backplane, order: Order) -> (Position, bool) {
    let mut arrivals = Vec::new();
    backplane.order(order, &mut arrivals);
    match &arrivals[..] {
        [Arrival::Ordered { message, ticket: 9 }] => (message.at, true),
        [Arrival::Repeated { at, ticket: 9 }] => (*at, false),
        other => panic!("one arrival with the order's ticket, not {other:?}"),
    }
}

#[test]
fn offsets_of_a_room_grow_by_one_from_one() {
    each(|backplane| {
        let lobby = room("lobby");
        let epoch = backplane.head(&lobby).epoch;
        for offset in 1..=5 {
            assert_eq!(place(backplane, order(&lobby, "a", None)), (Position { epoch, offset }, true));
            assert_eq!(backplane.head(&lobby).offset, offset);
        }
        assert_eq!(backplane.head(&room("other")).offset, 0);
    });
}

#[test]
fn a_retry_of_the_same_author_is_not_a_second_message() {
    each(|backplane| {
        let lobby = room("lobby");
        let first = place(backplane, order(&lobby, "a", Some("t"))).0;
        assert_eq!(place(backplane, order(&lobby, "a", Some("t"))), (first, false));
        assert!(place(backplane, order(&lobby, "b", Some("t"))).1, "another author's tag is another post");
        assert!(place(backplane, order(&room("other"), "a", Some("t"))).1, "another room's too");
    });
}

#[test]
fn two_guests_who_number_their_posts_alike_are_two() {
    each(|backplane| {
        let lobby = room("lobby");
        let guest =
            |text: &str| Order { author: None, body: Body::text(text), ..order(&lobby, "a", Some("1")) };
        let first = place(backplane, guest("hi")).0;
        assert!(place(backplane, guest("hello")).1, "another guest's");
        assert_eq!(place(backplane, guest("hi")), (first, false), "the first guest's once more");
        assert!(place(backplane, order(&lobby, "a", Some("1"))).1, "somebody with a name is no guest");
    });
}

#[test]
fn a_room_remembers_as_many_tags_as_it_is_told() {
    each(|backplane| {
        let lobby = room("lobby");
        for tag in ["1", "2", "3"] {
            assert!(place(backplane, order(&lobby, "a", Some(tag))).1);
        }
        assert!(!place(backplane, order(&lobby, "a", Some("2"))).1);
        assert!(place(backplane, order(&lobby, "a", Some("1"))).1, "the oldest of three was forgotten");
    });
}

#[test]
fn a_forgotten_room_starts_another_epoch() {
    each(|backplane| {
        let lobby = room("lobby");
        let before = place(backplane, order(&lobby, "a", None)).0;
        backplane.forget(&lobby);
        assert!(!backplane.knows(&lobby));
        let after = place(backplane, order(&lobby, "a", None)).0;
        assert_ne!(before.epoch, after.epoch);
        assert_eq!(after.offset, 1);
    });
}
