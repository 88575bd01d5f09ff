//! What every store promises, run over every entry of the list.

use std::sync::Arc;

use chat::{Body, Epoch, Message, Position, RoomId, RoomName, Time};
use stores::{STORES, Settings, Store};

fn each(settings: &Settings, test: impl Fn(&mut dyn Store)) {
    for (_, open) in STORES {
        test(&mut *open(settings));
    }
}

const WIDE: Settings = Settings { messages_max: 100, age_max_ms: 1000, bytes_max: 1 << 20 };

fn lobby() -> RoomId {
    RoomId::public(RoomName::new("lobby").expect("a valid name"))
}

fn at(epoch: u64, offset: u64) -> Position {
    Position { epoch: Epoch(epoch), offset }
}

fn append(store: &mut dyn Store, epoch: u64, offsets: std::ops::RangeInclusive<u64>, time: u64) {
    for offset in offsets {
        let (room, at, body) = (lobby(), at(epoch, offset), Body::text("0123456789"));
        store.append(&Arc::new(Message { room, at, author: None, time: Time(time), tag: None, body }));
    }
}

fn offsets(messages: &[Arc<Message>]) -> Vec<u64> {
    messages.iter().map(|message| message.at.offset).collect()
}

/// Offsets after `position` at time 0, and whether they are all.
fn since(store: &mut dyn Store, position: Position) -> (Vec<u64>, bool) {
    let since = store.since(&lobby(), position, Time(0));
    (offsets(&since.messages), since.complete)
}

#[test]
fn everything_after_a_position_is_read_back_in_order() {
    each(&WIDE, |store| {
        append(store, 1, 1..=5, 0);
        assert_eq!(since(store, at(1, 2)), (vec![3, 4, 5], true));
        assert_eq!(since(store, at(1, 0)), (vec![1, 2, 3, 4, 5], true));
        assert_eq!(since(store, at(1, 5)), (vec![], true));
    });
}

#[test]
fn a_position_of_another_epoch_or_of_the_future_is_not_complete() {
    each(&WIDE, |store| {
        append(store, 1, 1..=2, 0);
        assert!(!since(store, at(2, 1)).1);
        assert!(!since(store, at(1, 3)).1);
    });
}

#[test]
fn history_is_bounded_by_count() {
    each(&Settings { messages_max: 3, ..WIDE }, |store| {
        append(store, 1, 1..=5, 0);
        assert_eq!(since(store, at(1, 2)), (vec![3, 4, 5], true));
        assert_eq!(since(store, at(1, 1)), (vec![3, 4, 5], false));
        assert_eq!(store.size().0, 3);
    });
}

#[test]
fn history_is_bounded_by_age_even_when_all_of_it_is_old() {
    each(&WIDE, |store| {
        append(store, 1, 1..=2, 0);
        append(store, 1, 3..=3, 900);
        assert_eq!(offsets(&store.since(&lobby(), at(1, 2), Time(1001)).messages), [3]);
        let gone = store.since(&lobby(), at(1, 2), Time(9999));
        assert!(gone.messages.is_empty() && !gone.complete);
        assert!(store.since(&lobby(), at(1, 3), Time(9999)).complete, "nothing came after 3");
    });
}

#[test]
fn history_is_bounded_by_weight() {
    each(&Settings { bytes_max: 1000, ..WIDE }, |store| {
        append(store, 1, 1..=50, 0);
        assert!(store.size().1 <= 1000 && store.size().0 > 0);
    });
}

#[test]
fn pages_go_back_without_gaps_and_say_when_there_is_more() {
    each(&WIDE, |store| {
        append(store, 1, 1..=5, 0);
        let newest = store.before(&lobby(), None, 2, Time(0));
        assert_eq!((offsets(&newest.messages), newest.more), (vec![4, 5], true));
        let older = store.before(&lobby(), Some(at(1, 4)), 9, Time(0));
        assert_eq!((offsets(&older.messages), older.more), (vec![1, 2, 3], false));
        assert!(store.before(&lobby(), Some(at(2, 4)), 9, Time(0)).messages.is_empty());
    });
}

#[test]
fn another_epoch_ends_what_was_kept_before() {
    each(&WIDE, |store| {
        append(store, 1, 1..=5, 0);
        append(store, 2, 1..=1, 0);
        assert_eq!(since(store, at(2, 0)), (vec![1], true));
        assert_eq!(store.size().0, 1);
        store.forget(&lobby());
        assert_eq!(store.size(), (0, 0));
    });
}
